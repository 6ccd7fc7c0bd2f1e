"""An experiment as a run of MLflow: parameters, metrics, artifacts, and a model that predicts."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automl.files import require
from automl.run_files import FACTS, LEADERBOARD, LOG, PREDICTOR, REPORT
from automl.track.experiment import Experiment
from automl.track.tables import all_params, learning_curve
from automl.track.tracker import record_run
from automl.trial import Trial

FILES = (
    LEADERBOARD,
    REPORT,
    FACTS,
    LOG,
)
MODEL = Path(__file__).with_name("mlflow_model.py")
MAX_PARAM_CHARACTERS = 500
ALLOWED_CHARACTERS = "_-. /"  # in names, besides letters and digits
PROGRESS_BAR = "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"


def export(experiment: Experiment, output: Path) -> list[Path]:
    """Write a run with a nested run for each complete trial, and return the folder.

    `mlflow ui --backend-store-uri sqlite:///FOLDER/mlflow.db` shows it. Where MLFLOW_TRACKING_URI
    is set, the run goes there instead.

    Raises
    ------
    MissingExtra
        mlflow is not installed.
    """
    return record_run(experiment, MLflow(output))


class MLflow:
    """A tracker that writes a run, with a nested run for each trial."""

    def __init__(self, output: Path) -> None:
        os.environ.setdefault(PROGRESS_BAR, "false")
        self._mlflow = require("mlflow", "mlflow", "mlflow")
        self._output = output
        for library in ("mlflow", "alembic"):
            logger = logging.getLogger(library)
            logger.setLevel(logging.WARNING)

    def begin(self, experiment: Experiment) -> None:
        """Open the run, with all settings but the packages, which run.toml has, as parameters."""
        mlflow = self._mlflow
        folder = self._output.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        uri = os.environ.get("MLFLOW_TRACKING_URI")
        mlflow.set_tracking_uri(uri or f"sqlite:///{folder / 'mlflow.db'}")
        if mlflow.get_experiment_by_name("automl") is None:
            artifacts = folder / "artifacts"
            mlflow.create_experiment("automl", artifact_location=artifacts.as_uri())
        mlflow.set_experiment("automl")
        mlflow.start_run(run_name=experiment.name)
        settings = experiment.settings()
        names = [name for name in settings if not name.startswith("package ")]
        self._log_params({name: settings[name] for name in names})

    def trial(self, experiment: Experiment, trial: Trial) -> None:
        """Write a nested run: hyperparameters, scores by fold, first fold's learning curve."""
        mlflow = self._mlflow
        splits = experiment.study.plan.splits
        candidate = trial.candidate
        params = {
            "family": candidate.family,
            "recipe": candidate.recipe.name,
            "id": trial.id,
            **all_params(experiment, trial),
        }
        run_name = f"{candidate.family} {trial.id}"
        with mlflow.start_run(run_name=run_name, nested=True) as run:
            self._log_params(params)
            losses = [trial.losses[split] for split in splits if split in trial.losses]
            by_fold = _allowed(f"{experiment.metric}_by_fold")
            for step, loss in enumerate(losses):
                score = experiment.score(loss)
                mlflow.log_metric(by_fold, score, step=step)
            points = []
            for rounds, loss in learning_curve(experiment, trial, *splits[0]):
                name = "curve_of_first_fold"
                point = mlflow.entities.Metric(name, loss, 0, int(rounds))
                points.append(point)
            if points:
                client = mlflow.tracking.MlflowClient()
                client.log_batch(run.info.run_id, metrics=points)
            scores = {
                experiment.metric: experiment.score(trial.loss),
                "loss": trial.loss,
                "seconds": trial.seconds,
            }
            self._log_metrics(scores)

    def end(self, experiment: Experiment) -> list[Path]:
        """Write the outcome, the run's files, and the predictor as a model."""
        mlflow = self._mlflow
        outcome = {
            "seconds": experiment.timeline.last,
            "candidates": len(experiment.study.trials),
            "members": len(experiment.study.weights),
        }
        score = experiment.expected
        if score is not None:
            outcome[score.metric] = score.score
            if score.low is not None:
                outcome["low"] = score.low
            if score.high is not None:
                outcome["high"] = score.high
        self._log_metrics(outcome)
        for name in FILES:
            path = experiment.folder / name
            if path.exists():
                mlflow.log_artifact(str(path))
        predictor = experiment.folder / PREDICTOR
        if predictor.exists():
            self._log_model(predictor)
        mlflow.end_run()
        return [self._output]

    def _log_params(self, params: Mapping[str, Any]) -> None:
        texts = {}
        for name, value in params.items():
            texts[_allowed(name)] = str(value)[:MAX_PARAM_CHARACTERS]
        self._mlflow.log_params(texts)

    def _log_metrics(self, metrics: Mapping[str, float]) -> None:
        numbers = {}
        for name, value in metrics.items():
            numbers[_allowed(name)] = float(value)
        self._mlflow.log_metrics(numbers)

    def _log_model(self, predictor: Path) -> None:
        with warnings.catch_warnings():
            # MLflow warns that the model has no signature: a predictor checks its tables itself.
            warnings.simplefilter("ignore", UserWarning)
            self._mlflow.pyfunc.log_model(
                name="model",
                python_model=str(MODEL),  # as code: nothing is pickled
                artifacts={"predictor": str(predictor)},
                pip_requirements=["automl-tabular"],
            )


def _allowed(name: str) -> str:
    """Return a name with an underscore for each character that MLflow forbids."""
    letters = []
    for letter in name:
        is_allowed = letter.isalnum() or letter in ALLOWED_CHARACTERS
        letters.append(letter if is_allowed else "_")
    return "".join(letters)
