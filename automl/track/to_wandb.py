"""An experiment as a run of Weights & Biases, offline: nothing leaves the machine until `wandb sync` is called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from automl.files import require
from automl.metrics import metric_of
from automl.track.experiment import Experiment
from automl.track.tables import curve, trials

CARRIED = ("leaderboard.csv", "report.html", "run.toml", "predictor.automl")


def export(one: Experiment, output: Path) -> list[Path]:
    """Write an offline run into a folder, and give the run's own folder: `wandb sync FOLDER` uploads it.

    Raises
    ------
    MissingExtra
        wandb is not installed.
    """
    wandb = require("wandb", "wandb", "--to wandb")
    output.mkdir(parents=True, exist_ok=True)
    settings = wandb.Settings(silent=True, console="off")
    with wandb.init(project="automl", name=one.name, dir=str(output), mode="offline", config=one.settings(), settings=settings) as run:
        if one.study.task is not None:
            _log(one, run, wandb)
        artifact = wandb.Artifact(f"run-{run.id}", type="automl-run")
        for name in CARRIED:
            if (one.folder / name).exists():
                artifact.add_file(str(one.folder / name), name=name)
        run.log_artifact(artifact)
        folder = Path(run.dir).parent
    return [folder]


def _log(one: Experiment, run: Any, wandb: Any) -> None:
    """Losses over time, the outcome, and a table of the trials."""
    metric = metric_of(one.study.the_task)
    run.define_metric("second")
    run.define_metric("*", step_metric="second")
    best = float("inf")
    for second, trial in sorted(((one.timeline.completed(trial), trial) for trial in one.study.ranked), key=lambda pair: pair[0]):
        best = min(best, trial.loss)
        told = {"second": second, "loss": trial.loss, "best loss so far": best}
        run.log(told | {f"{trial.candidate.family}/{metric.name}": metric.score(trial.loss)})
    if rows := trials(one):
        columns = {name: _column([row[name] for row in rows]) for name in rows[0]}
        data = [list(row) for row in zip(*columns.values(), strict=True)]
        run.log({"second": one.timeline.last, "trials": wandb.Table(columns=list(columns), data=data)})
    curves = [
        [trial.id, trial.candidate.family, repeat, fold, float(step), float(loss)]
        for trial in one.study.ranked
        for repeat, fold in one.study.plan.places
        for step, loss in curve(one, trial, repeat, fold)
    ]
    if curves:
        columns_of = ["trial", "family", "repeat", "fold", "round", "loss"]
        run.log({"second": one.timeline.last, "curves": wandb.Table(columns=columns_of, data=curves)})
    score = one.expected
    if score is not None:
        run.summary.update({score.metric: score.score, "low": score.low, "high": score.high})
    run.summary.update({"seconds": one.timeline.last, "candidates": len(one.study.trials), "members": len(one.study.weights)})


def _column(values: Sequence[Any]) -> list[Any]:
    """A column of a table has one kind of value: numbers with gaps, or text."""
    known = [value for value in values if value is not None]
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in known):
        return [None if value is None else float(value) for value in values]
    return ["" if value is None else str(value) for value in values]
