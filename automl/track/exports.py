"""The kinds of export, by name."""

from __future__ import annotations

import importlib
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from automl import extensions
from automl.errors import InputError, one_line, suggestion
from automl.track.experiment import Experiment
from automl.track.tracker import check_tracker, record_run


@dataclass(frozen=True)
class ExportKind:
    """A kind of export.

    Parameters
    ----------
    about : str
        Its output in a line.
    ending : str
        End of the output's default name.
    is_shared : bool
        Whether the output may hold other runs already, to which this one is added.
    then : str
        The command that opens the output; `{output}` stands for its path.
    needs_training : bool
        Whether models are trained for it, which the command line does with the run's table.
    """

    about: str
    ending: str
    is_shared: bool = False
    then: str = ""
    needs_training: bool = False


SMALL = "small"
EXPORT_KINDS: Mapping[str, ExportKind] = {
    "zip": ExportKind("the run folder to share, without rows of the table", ".zip"),
    "xlsx": ExportKind("a workbook of trials, hyperparameters and metrics, with charts", ".xlsx"),
    "csv": ExportKind("trials and fits as CSV files", "-csv"),
    "tensorboard": ExportKind(
        "learning curves, scalars and hyperparameters",
        "-tensorboard",
        is_shared=True,
        then="tensorboard --logdir {output}",
    ),
    "wandb": ExportKind(
        "an offline run of Weights & Biases",
        "-wandb",
        is_shared=True,
        then="wandb sync {output}",
    ),
    "mlflow": ExportKind(
        "a run of MLflow with the predictor as a model",
        "-mlflow",
        is_shared=True,
        then="mlflow ui --backend-store-uri sqlite:///{output}/mlflow.db",
    ),
    "optuna": ExportKind(
        "Optuna studies in a journal file",
        ".optuna.log",
        then="optuna-dashboard {output}",
    ),
    "onnx": ExportKind(
        "an ONNX model that answers as the predictor does",
        ".onnx",
    ),
    "python": ExportKind(
        "a scikit-learn script that trains the best single model again",
        ".py",
        then="python {output}",
    ),
    SMALL: ExportKind(
        "a smaller predictor that keeps to a price",
        ".small.automl",
        needs_training=True,
    ),
}


def export(
    experiment: Experiment, kind: str, output: Path | None = None, rows: bool = False
) -> tuple[list[Path], str]:
    """Write an experiment, and return the written paths and the command that opens them.

    Parameters
    ----------
    experiment : Experiment
    kind : str
        A name in `EXPORT_KINDS`, or a registered tracker's.
    output : Path, optional
        A file or folder; by default the run's name with the kind's ending, in the working
        directory.
    rows : bool
        Whether a zip includes the table's rows.

    Raises
    ------
    InputError
        There is no such kind, its library is not installed, or the output exists already.
    """
    found = _find_kind(kind)
    path = output_path(experiment, kind, output, rows)
    if found.needs_training:
        raise InputError(f"--to {kind}: is done by `automl export` alone.")
    if kind not in EXPORT_KINDS:
        return _export_to_tracker(experiment, kind, path), found.then
    module = importlib.import_module(f"automl.track.to_{kind}")
    if kind == "zip":
        written = module.export(experiment, path, rows)
    else:
        written = module.export(experiment, path)
    command = found.then.format(output=shlex.quote(str(written[0])))
    return written, command


def output_path(
    experiment: Experiment, kind: str, output: Path | None = None, rows: bool = False
) -> Path:
    """Return where an export is written; the arguments are those of `export`.

    Raises
    ------
    InputError
        There is no such kind, an option is for another one, or the output exists already.
    """
    found = _find_kind(kind)
    if rows and kind != "zip":
        raise InputError("--rows: is for --to zip alone.")
    path = output or Path(f"{experiment.name}{found.ending}")
    if path.exists() and not found.is_shared:
        raise InputError(f"--output {path}: is there already. Give a new name, or remove it.")
    return path


def _find_kind(kind: str) -> ExportKind:
    """Return the kind of this name, or that of a registered tracker."""
    known = [*EXPORT_KINDS, *extensions.installed("trackers", EXPORT_KINDS)]
    if kind not in known:
        hint = suggestion(kind, known)
        raise InputError(f"--to {kind}: no such kind.{hint} There are: {', '.join(known)}.")
    if kind in EXPORT_KINDS:
        return EXPORT_KINDS[kind]
    return ExportKind("a tracker of another package", f"-{kind}", is_shared=True)


def _export_to_tracker(experiment: Experiment, kind: str, path: Path) -> list[Path]:
    """Record an experiment in a registered tracker; an error in it names the tracker."""
    create_tracker = extensions.find("trackers", kind)
    check_tracker(create_tracker, f"--to {kind}")
    try:
        written = record_run(experiment, create_tracker(path))
    except Exception as error:
        name = type(error).__name__
        raise InputError(f"--to {kind}: {name}: {one_line(error)}.") from error
    return written or [path]
