"""`automl runs`, `automl compare` and `automl export`: keep track of experiments."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from automl.errors import InputError

if TYPE_CHECKING:
    from automl.price import Price

SMALL_BUDGET = "2m"

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
                "zip, xlsx, csv, tensorboard, wandb, mlflow, optuna, onnx, python, small, "
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
    max_ms: Annotated[
        float | None,
        typer.Option("--max-ms", help="With small: the most milliseconds that a row may take."),
    ] = None,
    max_mb: Annotated[
        float | None,
        typer.Option("--max-mb", help="With small: the most megabytes that the file may have."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="With small: the file of the run's table, if it has been moved."),
    ] = None,
    budget: Annotated[
        str | None, typer.Option(help="With small: maximum time for training. Default: 2m.")
    ] = None,
) -> None:
    """Export a run: a zip, a workbook, CSV, TensorBoard, W&B, MLflow, Optuna, ONNX, a script.

    Or a smaller predictor.
    """
    from automl.price import read_price
    from automl.track.experiment import read_experiment
    from automl.track.exports import SMALL
    from automl.track.exports import export as write
    from automl.track.to_zip import omitted_files

    target = None if output is None else Path(output)
    if to == SMALL:
        _export_small(run, target, rows, read_price(max_ms, max_mb), data, budget)
        return
    options = {"--max-ms": max_ms, "--max-mb": max_mb, "--data": data, "--budget": budget}
    _refuse_others(options)
    experiment = read_experiment(Path(run))
    paths, open_command = write(experiment, to, target, rows)
    for path in paths:
        typer.echo(str(path))
    if to == "zip" and not rows:
        omitted = ", ".join(omitted_files(experiment))
        typer.echo(
            f"automl: left out, since it holds rows: {omitted} (--rows includes them)", err=True
        )
    if open_command:
        verb = "run" if to == "python" else "open"
        typer.echo(f"automl: {verb} it with: {open_command}", err=True)


def _refuse_others(options: Mapping[str, object]) -> None:
    """Refuse options that are for a smaller predictor alone."""
    for name, value in options.items():
        if value is not None:
            raise InputError(f"{name}: is for --to small alone.")


def _export_small(
    run: str,
    output: Path | None,
    rows: bool,
    price: Price,
    data: str | None,
    budget: str | None,
) -> None:
    """Write a smaller predictor, and print what it costs and loses."""
    from automl.cli.request import read_problem
    from automl.cli.resuming import request_of_run
    from automl.cli.session import session
    from automl.metrics import metric_of
    from automl.predictor import save
    from automl.run import make_small
    from automl.track.experiment import read_experiment
    from automl.track.exports import SMALL, output_path
    from automl.track.to_small import text

    experiment = read_experiment(Path(run))
    path = output_path(experiment, SMALL, output, rows)
    request = request_of_run(run, data, jobs=None)
    request = replace(request, budget=budget or SMALL_BUDGET, trials=None)
    with session(request) as (settings, callbacks, server):
        small = make_small(
            lambda budget: read_problem(request, budget), settings, price, callbacks, server
        )
    save(small.chosen.predictor, path)
    typer.echo(text(small, metric_of(experiment.study.known_task), path))


COMMANDS: dict[str, Callable[..., None]] = {"runs": runs, "compare": compare, "export": export}


def _as_json(value: Any) -> str:
    return json.dumps(value, indent=1, default=str)
