"""`automl try` and `automl sweep`: tune by hand on a run's own folds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from automl.cli.fitting import Memory, Quiet, Verbose
from automl.cli.request import RunRequest, read_problem
from automl.cli.resuming import Cores, Moved, Run, request_of_run
from automl.cli.session import session
from automl.errors import InputError

if TYPE_CHECKING:
    from automl.candidate import Candidate
    from automl.study import Study

Family = Annotated[
    str, typer.Option("--family", help="The family whose hyperparameters are varied.")
]
Base = Annotated[
    str | None,
    typer.Option("--base", help="The id of the trial to start from. Default: the family's best."),
]
MaxTime = Annotated[
    str | None,
    typer.Option("--budget", help="Maximum time for training. Default: no limit."),
]


def try_(
    run: Run,
    family: Family,
    set: Annotated[
        list[str] | None, typer.Option("--set", help="hyperparameter=value; may be repeated.")
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(help="A recipe of features. Default: that of the trial to start from."),
    ] = None,
    base: Base = None,
    budget: MaxTime = None,
    data: Moved = None,
    jobs: Cores = None,
    memory: Memory = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Train one candidate on a run's own folds, and show the effect of the change.

    It is kept like any trial of the run.
    """
    from automl.report.manual import try_text
    from automl.search.manual import starting_candidate, variation

    study = _read_study(run)
    start = starting_candidate(study, family, base)
    candidate = variation(study, start, _parse_changes(set or ()), recipe)
    request = request_of_run(run, data, jobs, memory=memory, quiet=quiet, verbose=verbose)
    after = _train(request, budget, [start, candidate])
    typer.echo(try_text(after, start, candidate, Path(run)))


def sweep(
    run: Run,
    family: Family,
    param: Annotated[str, typer.Option(help="The hyperparameter to vary.")],
    values: Annotated[
        str | None,
        typer.Option(help="Its values, such as 7,15,31. Default: evenly over its range."),
    ] = None,
    points: Annotated[int, typer.Option(help="The number of values, without --values.")] = 7,
    base: Base = None,
    budget: MaxTime = None,
    data: Moved = None,
    jobs: Cores = None,
    memory: Memory = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Vary one hyperparameter of a family's best candidate, and plot the effect.

    All candidates are kept as trials of the run.
    """
    from automl.report.manual import sweep_text, write_sweep
    from automl.search.manual import starting_candidate, sweep_candidates

    if not 2 <= points <= 100:
        raise InputError(f"--points {points}: give 2 to 100.")
    study = _read_study(run)
    start = starting_candidate(study, family, base)
    candidates = sweep_candidates(study, start, param, _parse_values(values), points)
    request = request_of_run(run, data, jobs, memory=memory, quiet=quiet, verbose=verbose)
    after = _train(request, budget, [start, *candidates])
    page = write_sweep(after, start, candidates, param, Path(run))
    typer.echo(f"{sweep_text(after, start, candidates, param)}\n\nPlot  {page}")


COMMANDS: dict[str, Callable[..., None]] = {"try": try_, "sweep": sweep}


def _read_study(run: str) -> Study:
    """Read the study of a run whose folds have been made."""
    from automl.event_log import replay

    if not Path(run).is_dir():
        raise InputError(f"{run}: no such run folder.")
    study = replay(Path(run))
    if study.task is None or not study.recipes:
        raise InputError(
            f"{run}: the run ended before its table was understood. "
            f"`automl resume {run}` goes on with it."
        )
    return study


def _parse_changes(settings: Sequence[str]) -> dict[str, Any]:
    """Parse hyperparameter=value settings."""
    changes = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not (name.strip() and equals and text.strip()):
            raise InputError(
                f"--set {setting!r}: write it as hyperparameter=value, for example num_leaves=63."
            )
        changes[name.strip()] = _parse_value(text.strip())
    return changes


def _parse_values(text: str | None) -> list[Any]:
    """Parse values that are separated by commas; without a text there are none."""
    if text is None:
        return []
    values = [_parse_value(part.strip()) for part in text.split(",") if part.strip()]
    if not values:
        raise InputError(
            f"--values {text!r}: holds no value. Write them with commas, such as 7,15,31."
        )
    return values


def _parse_value(text: str) -> Any:
    """Parse a value of TOML, or Python's True and False; anything else is text."""
    from automl.pipeline import parse_toml_value

    return parse_toml_value(text.lower() if text in ("True", "False") else text)


def _train(request: RunRequest, budget: str | None, candidates: Sequence[Candidate]) -> Study:
    """Train candidates in a run, and return its study afterwards."""
    from automl.run import try_out

    request = replace(request, budget=budget, trials=None)
    with session(request, is_timed=budget is not None) as (settings, callbacks, server):
        return try_out(
            lambda budget: read_problem(request, budget), settings, candidates, callbacks, server
        )
