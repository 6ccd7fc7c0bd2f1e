"""An experiment as a run of MLflow: parameters, metrics, artifacts, and a model that loads and predicts."""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path

from automl.files import require
from automl.metrics import metric_of
from automl.track.experiment import Experiment
from automl.track.tables import curve, params_of
from automl.track.tracker import hand_over
from automl.trial import Trial

CARRIED = ("leaderboard.csv", "report.html", "run.toml", "events.jsonl")
PREDICTOR = "predictor.automl"
MODEL = Path(__file__).with_name("mlflow_model.py")
LONGEST = 500  # characters of a parameter


def export(one: Experiment, output: Path) -> list[Path]:
    """Write a run with a nested run for each complete trial, and give the folder: `mlflow ui --backend-store-uri sqlite:///FOLDER/mlflow.db`.

    Where MLFLOW_TRACKING_URI is set, the run goes there instead.

    Raises
    ------
    MissingExtra
        mlflow is not installed.
    """
    return hand_over(one, MLflow(output))


class MLflow:
    """A tracker that writes a run, and one within it for each trial."""

    def __init__(self, output: Path) -> None:
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        self._mlflow = require("mlflow", "mlflow", "mlflow")
        self._output = output
        for library in ("mlflow", "alembic"):
            logging.getLogger(library).setLevel(logging.WARNING)

    def begin(self, one: Experiment) -> None:
        """Open the run, with everything that may make a difference but the packages, which run.toml has, as its parameters."""
        mlflow, home = self._mlflow, self._output.resolve()
        home.mkdir(parents=True, exist_ok=True)
        mlflow.set_tracking_uri(
            os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home / 'mlflow.db'}"
        )
        if mlflow.get_experiment_by_name("automl") is None:
            mlflow.create_experiment("automl", artifact_location=(home / "artifacts").as_uri())
        mlflow.set_experiment("automl")
        mlflow.start_run(run_name=one.name)
        mlflow.log_params(
            {
                _name(name): value[:LONGEST]
                for name, value in one.settings().items()
                if not name.startswith("package ")
            }
        )

    def trial(self, one: Experiment, trial: Trial) -> None:
        """A run within the run: hyperparameters, scores by fold, and the learning curve of the first fold."""
        mlflow, metric = self._mlflow, metric_of(one.study.the_task)
        told = {
            "family": trial.candidate.family,
            "recipe": trial.candidate.recipe.name,
            "id": trial.id,
            **params_of(one, trial),
        }
        with mlflow.start_run(run_name=f"{trial.candidate.family} {trial.id}", nested=True) as run:
            mlflow.log_params({_name(name): str(value)[:LONGEST] for name, value in told.items()})
            for step, split in enumerate(
                split for split in one.study.plan.splits if split in trial.losses
            ):
                mlflow.log_metric(
                    f"{_name(metric.name)}_by_fold", metric.score(trial.losses[split]), step=step
                )
            points = curve(one, trial, *one.study.plan.splits[0])
            if points:
                found = [
                    mlflow.entities.Metric("curve_of_first_fold", loss, 0, int(step))
                    for step, loss in points
                ]
                mlflow.tracking.MlflowClient().log_batch(run.info.run_id, metrics=found)
            mlflow.log_metrics(
                {
                    _name(metric.name): metric.score(trial.loss),
                    "loss": trial.loss,
                    "seconds": trial.seconds,
                }
            )

    def end(self, one: Experiment) -> list[Path]:
        """The outcome, the run's files, and the predictor as a model."""
        mlflow, score = self._mlflow, one.expected
        told = {
            "seconds": one.timeline.last,
            "candidates": len(one.study.trials),
            "members": len(one.study.weights),
        }
        if score is not None:
            told |= {score.metric: score.score} | {
                name: end
                for name, end in (("low", score.low), ("high", score.high))
                if end is not None
            }
        mlflow.log_metrics({_name(name): float(value) for name, value in told.items()})
        for name in CARRIED:
            if (one.folder / name).exists():
                mlflow.log_artifact(str(one.folder / name))
        if (one.folder / PREDICTOR).exists():
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore", UserWarning
                )  # that the model has no signature: a predictor checks its tables itself
                mlflow.pyfunc.log_model(
                    name="model",
                    python_model=str(MODEL),  # as code: nothing is pickled
                    artifacts={"predictor": str(one.folder / PREDICTOR)},
                    pip_requirements=["automl-tabular"],
                )
        mlflow.end_run()
        return [self._output]


def _name(name: str) -> str:
    """A name as MLflow allows it."""
    return "".join(letter if letter.isalnum() or letter in "_-. /" else "_" for letter in name)
