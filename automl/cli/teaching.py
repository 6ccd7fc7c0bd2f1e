"""`automl insight`: show the lessons of a run's trials."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from automl.cli.fitting import Quiet
from automl.cli.request import RunRequest, read_problem
from automl.cli.resuming import Cores, Moved, Run, request_of_run
from automl.cli.session import session
from automl.errors import InputError

if TYPE_CHECKING:
    from automl.insight.stability import Stability


def insight(
    run: Run,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, for programs.")
    ] = False,
    price_per_hour: Annotated[
        float | None,
        typer.Option(help="The machine's price an hour, to calculate the cost of the run."),
    ] = None,
    person_per_day: Annotated[
        float, typer.Option(help="The price of a person's day, to compare the cost with.")
    ] = 500.0,
    seeds: Annotated[
        int,
        typer.Option(
            help="Train the winner and the ensemble with this many other seeds, "
            "to see how much their losses vary."
        ),
    ] = 0,
    budget: Annotated[str, typer.Option(help="Maximum time for training with --seeds.")] = "2m",
    data: Moved = None,
    jobs: Cores = None,
    quiet: Quiet = False,
) -> None:
    """Show the lessons of a run: importance, good ranges, stability, use of more time, cost."""
    from automl.event_log import replay
    from automl.insight import learn_from
    from automl.report.lessons import text
    from automl.timeline import read_timeline

    prices = {"--price-per-hour": price_per_hour, "--person-per-day": person_per_day}
    for name, price in prices.items():
        if price is not None and not 0 <= price < float("inf"):
            raise InputError(f"{name} {price}: give an amount of money, 0 or more.")
    study = replay(Path(run))
    timeline = read_timeline(Path(run))
    if study.task is None or not study.ranked:
        raise InputError(
            f"{run}: no model was tried on every fold: nothing can be learnt. "
            "`automl resume` gives the run more time."
        )
    if seeds and not 2 <= seeds <= 100:
        raise InputError(f"--seeds {seeds}: give 2 to 100.")
    lessons = learn_from(study, timeline, price_per_hour, person_per_day)
    if seeds:
        request = request_of_run(run, data, jobs, quiet=quiet)
        request = replace(request, budget=budget, trials=None)
        lessons = replace(lessons, seeds=tuple(_train_with_other_seeds(request, seeds)))
    if as_json:
        typer.echo(json.dumps(lessons.to_json(), indent=1, default=str))
    else:
        typer.echo(text(study, lessons))


def _train_with_other_seeds(request: RunRequest, n_seeds: int) -> list[Stability]:
    """Train the winner and the ensemble again, and measure how their losses vary."""
    from automl.run import reseeded

    with session(request) as (settings, callbacks, server):
        return reseeded(
            lambda budget: read_problem(request, budget), settings, n_seeds, callbacks, server
        )


COMMANDS: dict[str, Callable[..., None]] = {"insight": insight}
