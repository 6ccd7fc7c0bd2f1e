"""`automl runs`, `automl compare` and `automl export`: experiments."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from automl.errors import InputError

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


def runs(
    folder: Annotated[
        str, typer.Argument(metavar="[DIR]", help="Where to look, at any depth.")
    ] = "runs",
    as_json: AsJson = False,
) -> None:
    """List the runs in a folder: data, metric, score, time, seed, version."""
    from automl.track.experiment import read_experiment, run_folders
    from automl.track.listing import rows, text

    if not Path(folder).is_dir():
        raise InputError(f"{folder}: no such folder.")
    found = []
    for path in run_folders(Path(folder)):
        try:
            found.append(read_experiment(path))
        except InputError as error:  # one damaged run hides no other
            typer.echo(f"automl: {error}", err=True)
    typer.echo(json.dumps(rows(found), indent=1, default=str) if as_json else text(found))


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN RUN...", help="Run folders; all are held against the first."),
    ],
    as_json: AsJson = False,
) -> None:
    """Show side by side what differs between runs, down to every option and package, and whether it made a difference."""
    from automl.track.compare import text, to_json
    from automl.track.experiment import read_experiment

    if len(runs) < 2:
        raise InputError("compare: give two runs or more.")
    found = [read_experiment(Path(run)) for run in runs]
    typer.echo(json.dumps(to_json(found), indent=1, default=str) if as_json else text(found))


def export(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's folder.")],
    to: Annotated[
        str,
        typer.Option(
            help="zip, xlsx, csv, tensorboard, wandb, mlflow, optuna, or a registered tracker."
        ),
    ],
    output: Annotated[
        str | None, typer.Option(help="A file or folder. Default: the run's name, here.")
    ] = None,
    rows: Annotated[
        bool,
        typer.Option("--rows", help="With zip: the table and all that holds its rows go with it."),
    ] = False,
) -> None:
    """Hand a run to another program: a zip to share, a workbook, CSV, TensorBoard, W&B, MLflow, Optuna."""
    from automl.track.experiment import read_experiment
    from automl.track.exports import export as write
    from automl.track.to_zip import left_out

    one = read_experiment(Path(run))
    made, then = write(one, to, None if output is None else Path(output), rows)
    for path in made:
        typer.echo(str(path))
    if to == "zip" and not rows:
        typer.echo(
            f"automl: left out, since it holds rows: {', '.join(left_out(one))} (--rows takes them in)",
            err=True,
        )
    if then:
        typer.echo(f"automl: open it with: {then}", err=True)


COMMANDS: dict[str, Callable[..., None]] = {"runs": runs, "compare": compare, "export": export}
