"""`automl runs`, `automl compare` and `automl export`: keep track of experiments."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from automl.errors import InputError

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


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
    experiments = []
    for path in run_folders(Path(folder)):
        try:
            experiments.append(read_experiment(path))
        except InputError as error:  # a damaged run hides no other
            typer.echo(f"automl: {error}", err=True)
    typer.echo(_as_json(rows(experiments)) if as_json else text(experiments))


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN RUN...", help="Run folders; all are compared to the first."),
    ],
    as_json: AsJson = False,
) -> None:
    """Compare runs: each option and package that differs, and whether it made a difference."""
    from automl.track.compare import text, to_json
    from automl.track.experiment import read_experiment

    if len(runs) < 2:
        raise InputError("compare: give two runs or more.")
    experiments = [read_experiment(Path(run)) for run in runs]
    typer.echo(_as_json(to_json(experiments)) if as_json else text(experiments))


def export(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's folder.")],
    to: Annotated[
        str,
        typer.Option(
            help=(
                "zip, xlsx, csv, tensorboard, wandb, mlflow, optuna, onnx, python, "
                "or a registered tracker."
            )
        ),
    ],
    output: Annotated[
        str | None, typer.Option(help="A file or folder. Default: the run's name, here.")
    ] = None,
    rows: Annotated[
        bool,
        typer.Option("--rows", help="With zip: include the table and everything with its rows."),
    ] = False,
) -> None:
    """Export a run: a zip, a workbook, CSV, TensorBoard, W&B, MLflow, Optuna, ONNX, a script."""
    from automl.track.experiment import read_experiment
    from automl.track.exports import export as write
    from automl.track.to_zip import omitted_files

    experiment = read_experiment(Path(run))
    target = None if output is None else Path(output)
    paths, open_command = write(experiment, to, target, rows)
    for path in paths:
        typer.echo(str(path))
    if to == "zip" and not rows:
        omitted = ", ".join(omitted_files(experiment))
        typer.echo(
            f"automl: left out, since it holds rows: {omitted} (--rows includes them)", err=True
        )
    if open_command:
        typer.echo(f"automl: open it with: {open_command}", err=True)


COMMANDS: dict[str, Callable[..., None]] = {"runs": runs, "compare": compare, "export": export}


def _as_json(value: Any) -> str:
    return json.dumps(value, indent=1, default=str)
