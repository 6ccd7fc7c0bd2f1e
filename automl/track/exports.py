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
from automl.track.tracker import check_tracker, hand_over


@dataclass(frozen=True)
class Kind:
    """A kind of export.

    Parameters
    ----------
    about : str
        What it makes, in a line.
    ending : str
        What the default name of its output ends with.
    is_shared : bool
        Whether its output may hold other runs already: it is added to.
    then : str
        What opens it; `{output}` stands for its path.
    """

    about: str
    ending: str
    is_shared: bool = False
    then: str = ""


KINDS: Mapping[str, Kind] = {
    "zip": Kind("the run folder to share, without rows of the table", ".zip"),
    "xlsx": Kind("a workbook of trials, hyperparameters and metrics, with charts", ".xlsx"),
    "csv": Kind("trials and fits as CSV files", "-csv"),
    "tensorboard": Kind(
        "learning curves, scalars and hyperparameters",
        "-tensorboard",
        True,
        "tensorboard --logdir {output}",
    ),
    "wandb": Kind("an offline run of Weights & Biases", "-wandb", True, "wandb sync {output}"),
    "mlflow": Kind(
        "a run of MLflow with the predictor as a model",
        "-mlflow",
        True,
        "mlflow ui --backend-store-uri sqlite:///{output}/mlflow.db",
    ),
    "optuna": Kind(
        "Optuna studies in a journal file", ".optuna.log", False, "optuna-dashboard {output}"
    ),
}


def _handed_over(one: Experiment, kind: str, path: Path) -> list[Path]:
    """What a tracker of somebody else's writes; what goes wrong in it is told by its name."""
    made = extensions.find("trackers", kind)
    check_tracker(made, f"--to {kind}")
    try:
        return hand_over(one, made(path)) or [path]
    except Exception as error:
        raise InputError(f"--to {kind}: {type(error).__name__}: {one_line(error)}.") from error


def export(
    one: Experiment, kind: str, output: Path | None = None, rows: bool = False
) -> tuple[list[Path], str]:
    """Write an experiment in a kind, and give what was written and the command that opens it.

    Parameters
    ----------
    output : Path, optional
        A file or folder; by default the run's name with the kind's ending, here.
    rows : bool
        Whether a zip holds the table's rows, too.

    Raises
    ------
    InputError
        There is no such kind, its library is not installed, or the output is there already.
    """
    known = [*KINDS, *extensions.installed("trackers", KINDS)]
    if kind not in known:
        raise InputError(
            f"--to {kind}: no such kind.{suggestion(kind, known)} There are: {', '.join(known)}."
        )
    if rows and kind != "zip":
        raise InputError("--rows: is for --to zip alone.")
    found = KINDS.get(kind) or Kind("a tracker of another package", f"-{kind}", is_shared=True)
    path = output or Path(f"{one.name}{found.ending}")
    if path.exists() and not found.is_shared:
        raise InputError(f"--output {path}: is there already. Give a new name, or remove it.")
    if kind not in KINDS:
        return _handed_over(one, kind, path), found.then
    module = importlib.import_module(f"automl.track.to_{kind}")
    made = module.export(one, path, rows) if kind == "zip" else module.export(one, path)
    return made, found.then.format(output=shlex.quote(str(made[0])))
