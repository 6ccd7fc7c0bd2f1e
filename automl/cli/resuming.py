"""`automl resume` and `automl reproduce`: a run goes on, or is made again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from automl.cli.fitting import Memory, Quiet, Verbose
from automl.cli.request import RunRequest, check_inputs, problem, read_request, settings
from automl.cli.session import execute, server_for
from automl.errors import AutoMLError, InputError

if TYPE_CHECKING:
    from automl.run import Compared

Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's folder.")]
Cores = Annotated[
    int | None,
    typer.Option(
        "--jobs", help="Cores to use. Default: as many as the run had, if they are there."
    ),
]
Moved = Annotated[str | None, typer.Option(help="Where the run's table lies now, if it moved.")]

FEWEST_SECONDS = 5.0  # that are worth going on for


def resume(
    run: Run,
    budget: Annotated[
        str | None,
        typer.Option(help="Wall-clock time from now on. Default: what the run had left."),
    ] = None,
    data: Moved = None,
    jobs: Cores = None,
    memory: Memory = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Go on with a run that was killed or interrupted, or give an ended one more time."""
    request = request_of(
        run, data, jobs, keeps_test=True, memory=memory, quiet=quiet, verbose=verbose
    )
    if budget is not None:
        request = replace(request, budget=budget, trials=None)
    elif request.trials is None:
        request = replace(request, budget=f"{_left(run, request):.3f}s")
    execute(request, "resume")


def reproduce(run: Run, data: Moved = None, jobs: Cores = None) -> None:
    """Train the members of a run's predictor again and compare predictions bit for bit; exit code 1 if they differ."""
    request = request_of(run, data, jobs)
    check_inputs(request)
    with server_for("local") as server:
        from automl.budget import process_started
        from automl.run import reproduce as again

        for line in _changes(run):
            typer.echo(f"automl: {line}", err=True)
        started = process_started()
        asked = settings(request, started)
        found = [
            _tell(one) for one in again(lambda budget: problem(request, budget), asked, server)
        ]
    differ = sum(one.equal is False for one in found)
    gone = sum(one.equal is None for one in found)
    checked = f"{len(found) - gone} compared{f', {gone} with nothing left to compare with' if gone else ''}"
    typer.echo(f"{checked}, {differ} differ; {time.monotonic() - started:.1f} s")
    if differ:
        raise AutoMLError(f"{run}: could not be reproduced: {differ} of {len(found)} differ")


COMMANDS: dict[str, Callable[..., None]] = {"resume": resume, "reproduce": reproduce}


def request_of(
    run: str, data: str | None, jobs: int | None, keeps_test: bool = False, **others: object
) -> RunRequest:
    """What a run was asked, from its run.toml; its test table only where that is wanted."""
    file = Path(run) / "run.toml"
    if not Path(run).is_dir():
        raise InputError(f"{run}: no such run folder.")
    if not file.exists():
        raise InputError(
            f"{run}: holds no run.toml: it is no run folder, or the run ended before it had begun. Use `automl fit`."
        )
    request = read_request(
        str(file), output=run, jobs=_cores_of(file) if jobs is None else jobs, **others
    )
    request = _with_test(request) if keeps_test else replace(request, test=None)
    return request if data is None else replace(request, data=data)


def _with_test(request: RunRequest) -> RunRequest:
    """The wish without its test table where that is gone: a run can go on without it."""
    if not request.test or Path(request.test).is_file():
        return request
    typer.echo(f"automl: {request.test}: is gone, so there will be no test scores.", err=True)
    return replace(request, test=None)


def _cores_of(file: Path) -> int:
    """The cores that the run had, as far as they are there today."""
    from automl.budget import usable_cores
    from automl.files import read_toml

    then = read_toml(file).get("run", {}).get("jobs")
    return min(then, usable_cores()) if isinstance(then, int) and then > 0 else usable_cores()


def _left(run: str, request: RunRequest) -> float:
    """Seconds of the run's budget that its last event left."""
    from automl.budget import parse_duration
    from automl.store import events

    left = parse_duration(request.budget or "10m") - max(
        (event["time"] for event in events(Path(run))), default=0.0
    )
    if left < FEWEST_SECONDS:
        raise InputError(
            f"{run}: its budget of {request.budget} is used up. Give it more time: --budget 10m."
        )
    return left


def _changes(run: str) -> list[str]:
    """What differs from the environment that the run was made in."""
    from automl.files import read_toml
    from automl.run import changes

    return changes(read_toml(Path(run) / "run.toml").get("run", {}))


def _tell(one: Compared) -> Compared:
    how = {
        True: "equal",
        False: f"differs by {one.apart:.3g}",
        None: "nothing left to compare with",
    }[one.equal]
    typer.echo(f"{one.what:<40} {how}")
    return one
