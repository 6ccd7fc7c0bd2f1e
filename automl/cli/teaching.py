"""`automl insight`: what a run's trials teach."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from automl.cli.fitting import Quiet
from automl.cli.request import RunRequest, problem
from automl.cli.resuming import Cores, Moved, Run, request_of
from automl.cli.session import session
from automl.errors import InputError

if TYPE_CHECKING:
    from automl.insight.stability import Stability


def insight(
    run: Run,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one JSON object.")] = False,
    price_per_hour: Annotated[
        float | None,
        typer.Option(help="What the machine costs an hour, for the money that the run cost."),
    ] = None,
    person_per_day: Annotated[
        float, typer.Option(help="What a day of a person's costs, to compare with.")
    ] = 500.0,
    seeds: Annotated[
        int,
        typer.Option(
            help="Train the winner and the ensemble with so many other seeds, to see how their losses jump."
        ),
    ] = 0,
    budget: Annotated[str, typer.Option(help="The most time that these may take.")] = "2m",
    data: Moved = None,
    jobs: Cores = None,
    quiet: Quiet = False,
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
        raise InputError(
            f"{run}: no model was tried on every fold: nothing can be learnt. `automl resume` gives the run more time."
        )
    if seeds and not 2 <= seeds <= 100:
        raise InputError(f"--seeds {seeds}: give 2 to 100.")
    found = learn_from(study, timeline, price_per_hour, person_per_day)
    if seeds:
        request = request_of(run, data, jobs, quiet=quiet)
        found = replace(
            found, seeds=tuple(_reseeded(replace(request, budget=budget, trials=None), seeds))
        )
    typer.echo(
        json.dumps(found.to_json(), indent=1, default=str) if as_json else text(study, found)
    )


def _reseeded(request: RunRequest, seeds: int) -> list[Stability]:
    """What other seeds do."""
    from automl.run import reseeded

    with session(request) as (asked, callbacks, server):
        return reseeded(lambda within: problem(request, within), asked, seeds, callbacks, server)


COMMANDS: dict[str, Callable[..., None]] = {"insight": insight}
