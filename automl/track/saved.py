"""Read the predictor of an experiment that is exported."""

from __future__ import annotations

from automl.errors import AutoMLError, InputError
from automl.predictor import load
from automl.predictor.model import Predictor
from automl.run_files import PREDICTOR
from automl.track.experiment import Experiment


def read_predictor(experiment: Experiment, what: str) -> Predictor:
    """Return the run's predictor.

    Raises
    ------
    InputError
        It is not there, or can't be read.
    """
    folder = experiment.folder
    again = f"`automl resume {folder}` goes on with it."
    path = folder / PREDICTOR
    if experiment.study.task is None or not path.is_file():
        raise InputError(f"{folder}: {what}: the run has no finished model. {again}")
    try:
        predictor = load(path)
    except AutoMLError as error:
        raise InputError(f"{path}: {what}: can't be read: {error}") from error
    return predictor


def only_the_constant(experiment: Experiment, what: str) -> InputError:
    """Return the error of a run that has no model but the constant."""
    folder = experiment.folder
    return InputError(
        f"{folder}: {what}: the run has no finished model but the constant, "
        f"which reads no columns. `automl resume {folder}` goes on with it."
    )
