"""`automl try` and `automl sweep`: tuning by hand, with help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from automl.cli.fitting import Memory, Quiet, Verbose
from automl.cli.request import RunRequest, problem
from automl.cli.resuming import Cores, Moved, Run, request_of
from automl.cli.session import session
from automl.errors import InputError

if TYPE_CHECKING:
    from automl.trial import Candidate, Study

Family = Annotated[
    str, typer.Option("--family", help="The family whose hyperparameters are varied.")
]
Base = Annotated[
    str | None,
    typer.Option("--base", help="The id of the trial to start from. Default: the family's best."),
]
Time = Annotated[
    str | None,
    typer.Option("--budget", help="The most time that it may take. Default: as long as it takes."),
]


def try_(
    run: Run,
    family: Family,
    set: Annotated[
        list[str] | None, typer.Option("--set", help="hyperparameter=value; may be repeated.")
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(help="Another recipe of features than the one that is started from."),
    ] = None,
    base: Base = None,
    budget: Time = None,
    data: Moved = None,
    jobs: Cores = None,
    memory: Memory = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Train one candidate on a run's own folds, and show what the change did. It is kept as any trial of the run."""
    from automl.report.manual import told_of_try
    from automl.search.manual import base_of, variation

    study = _study(run)
    start = base_of(study, family, base)
    candidate = variation(study, start, _changes(set or ()), recipe)
    request = request_of(run, data, jobs, memory=memory, quiet=quiet, verbose=verbose)
    after = _tried(request, budget, [start, candidate])
    typer.echo(told_of_try(after, start, candidate, Path(run)))


def sweep(
    run: Run,
    family: Family,
    param: Annotated[str, typer.Option(help="The hyperparameter to vary.")],
    values: Annotated[
        str | None,
        typer.Option(help="Its values, such as 7,15,31. Default: evenly over its range."),
    ] = None,
    points: Annotated[int, typer.Option(help="How many values, where none are given.")] = 7,
    base: Base = None,
    budget: Time = None,
    data: Moved = None,
    jobs: Cores = None,
    memory: Memory = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Vary one hyperparameter of a run's best candidate of a family, and plot what that does. All is kept as trials of the run."""
    from automl.report.manual import told_of_sweep, write_sweep
    from automl.search.manual import base_of, row

    if not 2 <= points <= 100:
        raise InputError(f"--points {points}: give 2 to 100.")
    study = _study(run)
    start = base_of(study, family, base)
    given = (
        [_value(text.strip()) for text in values.split(",") if text.strip()]
        if values is not None
        else []
    )
    if values is not None and not given:
        raise InputError(
            f"--values {values!r}: holds no value. Write them with commas, such as 7,15,31."
        )
    candidates = row(study, start, param, given, points)
    request = request_of(run, data, jobs, memory=memory, quiet=quiet, verbose=verbose)
    after = _tried(request, budget, [start, *candidates])
    page = write_sweep(after, start, candidates, param, Path(run))
    typer.echo(f"{told_of_sweep(after, start, candidates, param)}\n\nPlot  {page}")


COMMANDS: dict[str, Callable[..., None]] = {"try": try_, "sweep": sweep}


def _study(run: str) -> Study:
    """What is known of a run whose folds are made."""
    from automl.store import replay

    if not Path(run).is_dir():
        raise InputError(f"{run}: no such run folder.")
    study = replay(Path(run))
    if study.task is None or not study.recipes:
        raise InputError(
            f"{run}: the run ended before its table was understood. `automl resume {run}` goes on with it."
        )
    return study


def _changes(settings: Sequence[str]) -> dict[str, Any]:
    """Hyperparameters with their new values."""
    changes = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not (name.strip() and equals and text.strip()):
            raise InputError(
                f"--set {setting!r}: write it as hyperparameter=value, for example num_leaves=63."
            )
        changes[name.strip()] = _value(text.strip())
    return changes


def _value(text: str) -> Any:
    """A value as TOML has it, with Python's words for true and false, too; else as text."""
    from automl.pipeline import toml_value

    return toml_value(text.lower() if text in ("True", "False") else text)


def _tried(request: RunRequest, budget: str | None, candidates: Sequence[Candidate]) -> Study:
    """The run's study with these candidates trained."""
    from automl.run import try_out

    with session(replace(request, budget=budget, trials=None), is_timed=budget is not None) as (
        asked,
        callbacks,
        server,
    ):
        return try_out(
            lambda within: problem(request, within), asked, candidates, callbacks, server
        )
