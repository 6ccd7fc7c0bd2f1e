"""An experiment as a run of MLflow: parameters, metrics, artifacts, and a model that loads and predicts."""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path
from typing import Any

from automl.files import require
from automl.metrics import metric_of
from automl.track.experiment import Experiment
from automl.track.tables import curve, params_of
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
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    mlflow = require("mlflow", "mlflow", "--to mlflow")
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    output.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{output.resolve() / 'mlflow.db'}")
    if mlflow.get_experiment_by_name("automl") is None:
        mlflow.create_experiment("automl", artifact_location=(output.resolve() / "artifacts").as_uri())
    mlflow.set_experiment("automl")
    with mlflow.start_run(run_name=one.name):
        mlflow.log_params({_name(name): value[:LONGEST] for name, value in one.settings().items() if not name.startswith("package ")})
        _outcome(one, mlflow)
        for trial in one.study.ranked:
            with mlflow.start_run(run_name=f"{trial.candidate.family} {trial.id}", nested=True):
                _trial(one, trial, mlflow)
        for name in CARRIED:
            if (one.folder / name).exists():
                mlflow.log_artifact(str(one.folder / name))
        if (one.folder / PREDICTOR).exists():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # that the model has no signature: a predictor checks its tables itself
                mlflow.pyfunc.log_model(
                    name="model",
                    python_model=str(MODEL),  # as code: nothing is pickled
                    artifacts={"predictor": str(one.folder / PREDICTOR)},
                    pip_requirements=["automl-tabular"],
                )
    return [output]


def _outcome(one: Experiment, mlflow: Any) -> None:
    score = one.expected
    told = {"seconds": one.timeline.last, "candidates": len(one.study.trials), "members": len(one.study.weights)}
    if score is not None:
        told |= {score.metric: score.score} | {name: end for name, end in (("low", score.low), ("high", score.high)) if end is not None}
    mlflow.log_metrics({_name(name): float(value) for name, value in told.items()})


def _trial(one: Experiment, trial: Trial, mlflow: Any) -> None:
    metric = metric_of(one.study.the_task)
    told = {"family": trial.candidate.family, "recipe": trial.candidate.recipe.name, "id": trial.id, **params_of(one, trial)}
    mlflow.log_params({_name(name): str(value)[:LONGEST] for name, value in told.items()})
    for step, place in enumerate(place for place in one.study.plan.places if place in trial.losses):
        mlflow.log_metric(f"{_name(metric.name)}_by_fold", metric.score(trial.losses[place]), step=step)
    points = curve(one, trial, *one.study.plan.places[0])
    if points:
        found = [mlflow.entities.Metric("curve_of_first_fold", loss, 0, int(step)) for step, loss in points]
        mlflow.tracking.MlflowClient().log_batch(mlflow.active_run().info.run_id, metrics=found)
    weight = one.study.weights.get(trial.id, 0.0)
    mlflow.log_metrics({_name(metric.name): metric.score(trial.loss), "loss": trial.loss, "seconds": trial.seconds, "weight": weight})


def _name(name: str) -> str:
    """A name as MLflow allows it."""
    return "".join(letter if letter.isalnum() or letter in "_-. /" else "_" for letter in name)
