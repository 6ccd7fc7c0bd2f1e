"""An experiment as a run of Weights & Biases, offline: nothing leaves the machine until `wandb sync` is called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from automl.files import require
from automl.metrics import metric_of
from automl.track.experiment import Experiment
from automl.track.tables import curve, remembers_rows, trials
from automl.track.tracker import hand_over
from automl.trial import Trial

PREDICTOR = "predictor.automl"
CARRIED = (
    "leaderboard.csv",
    "report.html",
    "run.toml",
    PREDICTOR,
)  # the predictor unless it remembers rows of the table
CURVE = ("trial", "family", "repeat", "fold", "round", "loss")


def export(one: Experiment, output: Path) -> list[Path]:
    """Write an offline run into a folder, and give the run's own folder: `wandb sync FOLDER` uploads it.

    Raises
    ------
    MissingExtra
        wandb is not installed.
    """
    return hand_over(one, WandB(output))


class WandB:
    """A tracker that writes an offline run."""

    def __init__(self, output: Path) -> None:
        self._wandb = require("wandb", "wandb", "wandb")
        self._output = output
        self._best = float("inf")

    def begin(self, one: Experiment) -> None:
        """Open the run, with everything that may make a difference as its configuration."""
        self._output.mkdir(parents=True, exist_ok=True)
        quiet = self._wandb.Settings(silent=True, console="off")
        settings = {
            "project": "automl",
            "name": one.name,
            "dir": str(self._output),
            "mode": "offline",
        }
        self._run = self._wandb.init(**settings, config=one.settings(), settings=quiet)
        self._run.define_metric("second")
        self._run.define_metric("*", step_metric="second")

    def trial(self, one: Experiment, trial: Trial) -> None:
        """Its loss and score by the second at which it was there."""
        metric = metric_of(one.study.the_task)
        self._best = min(self._best, trial.loss)
        told = {
            "second": one.timeline.completed(trial),
            "loss": trial.loss,
            "best loss so far": self._best,
        }
        self._run.log(told | {f"{trial.candidate.family}/{metric.name}": metric.score(trial.loss)})

    def end(self, one: Experiment) -> list[Path]:
        """Tables of trials and learning curves, the outcome, and the run's files as an artifact."""
        self._log_tables(one)
        score = one.expected
        if score is not None:
            self._run.summary.update(
                {score.metric: score.score, "low": score.low, "high": score.high}
            )
        self._run.summary.update(
            {
                "seconds": one.timeline.last,
                "candidates": len(one.study.trials),
                "members": len(one.study.weights),
            }
        )
        artifact = self._wandb.Artifact(f"run-{self._run.id}", type="automl-run")
        for name in CARRIED:
            path = one.folder / name
            if path.exists() and not (
                name == PREDICTOR and remembers_rows(path)
            ):  # this may go to a cloud
                artifact.add_file(str(one.folder / name), name=name)
        self._run.log_artifact(artifact)
        folder = Path(self._run.dir).parent
        self._run.finish()
        return [folder]

    def _log_tables(self, one: Experiment) -> None:
        if rows := trials(one):
            columns = {name: _column([row[name] for row in rows]) for name in rows[0]}
            data = [list(row) for row in zip(*columns.values(), strict=True)]
            self._run.log(
                {
                    "second": one.timeline.last,
                    "trials": self._wandb.Table(columns=list(columns), data=data),
                }
            )
        curves = [
            [trial.id, trial.candidate.family, repeat, fold, float(step), float(loss)]
            for trial in one.study.ranked
            for repeat, fold in one.study.plan.splits
            for step, loss in curve(one, trial, repeat, fold)
        ]
        if curves:
            self._run.log(
                {
                    "second": one.timeline.last,
                    "curves": self._wandb.Table(columns=list(CURVE), data=curves),
                }
            )


def _column(values: Sequence[Any]) -> list[Any]:
    """A column of a table has one kind of value: numbers with gaps, or text."""
    known = [value for value in values if value is not None]
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in known):
        return [None if value is None else float(value) for value in values]
    return ["" if value is None else str(value) for value in values]
