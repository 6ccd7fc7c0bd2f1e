"""`automl resume` and `automl reproduce`: continue a run, or repeat its training."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from automl.cli.fitting import Memory, Quiet, Verbose
from automl.cli.request import RunRequest, check_inputs, make_settings, read_problem, read_request
from automl.cli.session import execute, server_for
from automl.errors import AutoMLError, InputError
from automl.run_files import FACTS

if TYPE_CHECKING:
    from automl.run import Comparison

Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's folder.")]
Cores = Annotated[
    int | None,
    typer.Option(
        "--jobs", help="Cores to use. Default: as many as the run had, if there are as many."
    ),
]
Moved = Annotated[
    str | None, typer.Option(help="The file of the run's table, if it has been moved.")
]

MIN_RESUME_SECONDS = 5.0  # with less left, continuing is not worthwhile


def resume(
    run: Run,
    budget: Annotated[
        str | None,
        typer.Option(help="Wall-clock time from now on. Default: the rest of the budget."),
    ] = None,
    data: Moved = None,
    jobs: Cores = None,
    memory: Memory = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Continue a run that was killed or interrupted, or give one that has ended more time."""
    request = request_of_run(
        run, data, jobs, keeps_test=True, memory=memory, quiet=quiet, verbose=verbose
    )
    if budget is not None:
        request = replace(request, budget=budget, trials=None)
    elif request.trials is None:
        request = replace(request, budget=f"{_seconds_left(run, request):.3f}s")
    execute(request, "resume")


def reproduce(run: Run, data: Moved = None, jobs: Cores = None) -> None:
    """Train the members of a run's predictor again and compare predictions bit for bit.

    The exit code is 1 if they differ.
    """
    request = request_of_run(run, data, jobs)
    check_inputs(request)
    with server_for("local") as server:
        from automl.budget import process_start_time
        from automl.run import reproduce as retrain

        for line in _environment_changes(run):
            typer.echo(f"automl: {line}", err=True)
        started = process_start_time()
        settings = make_settings(request, started)
        comparisons = []
        for comparison in retrain(lambda budget: read_problem(request, budget), settings, server):
            _print_comparison(comparison)
            comparisons.append(comparison)
    n_differing = sum(comparison.equal is False for comparison in comparisons)
    n_incomparable = sum(comparison.equal is None for comparison in comparisons)
    summary = f"{len(comparisons) - n_incomparable} compared"
    if n_incomparable:
        summary += f", {n_incomparable} with nothing left to compare with"
    typer.echo(f"{summary}, {n_differing} differ; {time.monotonic() - started:.1f} s")
    if n_differing:
        raise AutoMLError(
            f"{run}: could not be reproduced: {n_differing} of {len(comparisons)} differ"
        )


COMMANDS: dict[str, Callable[..., None]] = {"resume": resume, "reproduce": reproduce}


def request_of_run(
    run: str, data: str | None, jobs: int | None, keeps_test: bool = False, **others: object
) -> RunRequest:
    """Read the request that made a run from its run.toml.

    Parameters
    ----------
    run : str
        The run's folder.
    data : str or None
        The table's file, if it has been moved.
    jobs : int or None
        Default: as many cores as the run had.
    keeps_test : bool
        Whether the request keeps the test table.
    **others : object
        Other fields of the request to replace.
    """
    from automl.files import read_toml

    file = Path(run) / FACTS
    if not Path(run).is_dir():
        raise InputError(f"{run}: no such run folder.")
    if not file.exists():
        raise InputError(
            f"{run}: holds no run.toml: it is not a run folder, or the run ended before it had "
            "begun. Use `automl fit`."
        )
    made_with = read_toml(file).get("run", {})
    if jobs is None:
        jobs = _cores_of_run(made_with)
    _tell_of_engine(made_with)
    request = read_request(str(file), output=run, jobs=jobs, **others)
    request = _check_test(request) if keeps_test else replace(request, test=None)
    return request if data is None else replace(request, data=data)


def _check_test(request: RunRequest) -> RunRequest:
    """Drop a test table that no longer exists, since a run can continue without it."""
    if not request.test or Path(request.test).is_file():
        return request
    typer.echo(f"automl: {request.test}: is gone, so there will be no test scores.", err=True)
    return replace(request, test=None)


def _tell_of_engine(made_with: Mapping[str, Any]) -> None:
    """Say that worker processes of this machine do the work, if the run had an engine of its own.

    Which engine does the work changes no result.
    """
    from automl.executor.engines import ENGINES, LOCAL

    engine = str(made_with.get("engine", LOCAL.name))
    if engine not in ENGINES:
        typer.echo(
            f"automl: the run's engine {engine!r} is not known here: {LOCAL.name} is used.",
            err=True,
        )


def _cores_of_run(made_with: Mapping[str, Any]) -> int:
    """Return the number of cores that the run had, or fewer if there are fewer today."""
    from automl.budget import usable_cores

    jobs = made_with.get("jobs")
    if isinstance(jobs, int) and jobs > 0:
        return min(jobs, usable_cores())
    return usable_cores()


def _seconds_left(run: str, request: RunRequest) -> float:
    """Return the seconds of the run's budget that were left at its last event."""
    from automl.budget import parse_duration
    from automl.event_log import last_seconds

    total = parse_duration(request.budget or "10m")
    left = total - last_seconds(Path(run))
    if left < MIN_RESUME_SECONDS:
        raise InputError(
            f"{run}: its budget of {request.budget} is used up. Give it more time: --budget 10m."
        )
    return left


def _environment_changes(run: str) -> list[str]:
    """List the differences between this environment and the one that made the run."""
    from automl.files import read_toml
    from automl.run import changes

    return changes(read_toml(Path(run) / FACTS).get("run", {}))


def _print_comparison(comparison: Comparison) -> None:
    if comparison.equal is None:
        result = "nothing left to compare with"
    elif comparison.equal:
        result = "equal"
    else:
        result = f"differs by {comparison.apart:.3g}"
    typer.echo(f"{comparison.what:<40} {result}")
