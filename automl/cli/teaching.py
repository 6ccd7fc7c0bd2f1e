"""`automl insight`: what a run's trials teach."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from automl.errors import InputError

Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's folder.")]


def insight(
    run: Run,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one JSON object.")] = False,
    price_per_hour: Annotated[float | None, typer.Option(help="What the machine costs an hour, for the money that the run cost.")] = None,
    person_per_day: Annotated[float, typer.Option(help="What a day of a person's costs, to compare with.")] = 500.0,
) -> None:
    """Show what a run's trials teach: what matters, good ranges, stability, whether more time is worth it, cost."""
    from automl.insight import learn_from
    from automl.report.lessons import text
    from automl.store import replay
    from automl.timeline import read

    for name, price in (("--price-per-hour", price_per_hour), ("--person-per-day", person_per_day)):
        if price is not None and not 0 <= price < float("inf"):
            raise InputError(f"{name} {price}: give an amount of money, 0 or more.")
    study, timeline = replay(Path(run)), read(Path(run))
    if study.task is None or not study.ranked:
        raise InputError(f"{run}: no model was tried on every fold: nothing can be learnt. `automl resume` gives the run more time.")
    found = learn_from(study, timeline, price_per_hour, person_per_day)
    typer.echo(json.dumps(found.to_json(), indent=1, default=str) if as_json else text(study, found))


COMMANDS: dict[str, Callable[..., None]] = {"insight": insight}
