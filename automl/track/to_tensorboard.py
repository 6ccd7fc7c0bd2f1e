"""An experiment as TensorBoard's event files: learning curves, losses over time, hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automl.files import require
from automl.metrics import metric_of
from automl.space import Choice
from automl.track.experiment import Experiment
from automl.track.tables import curve, params_of, space_of
from automl.track.tracker import hand_over
from automl.trial import Trial


def export(one: Experiment, output: Path) -> list[Path]:
    """Write event files into a folder, and give its path: `tensorboard --logdir FOLDER` shows them.

    Raises
    ------
    MissingExtra
        tensorboardX is not installed.
    """
    return hand_over(one, TensorBoard(output))


class TensorBoard:
    """A tracker that writes event files: one session for the run, one for each trial."""

    def __init__(self, output: Path) -> None:
        self._writers = require("tensorboardX", "tensorboard", "tensorboard")
        self._output = output
        self._best = float("inf")
        self._told = 0  # trials; TensorBoard keeps one point a step, so seconds are no steps

    def begin(self, one: Experiment) -> None:
        """Open the run's own session."""
        self._output.mkdir(parents=True, exist_ok=True)
        self._run = self._writers.SummaryWriter(str(self._output / one.name))
        self._run.add_text(
            "run/settings",
            "\n".join(f"    {name}: {value}" for name, value in one.settings().items()),
        )

    def trial(self, one: Experiment, trial: Trial) -> None:
        """A session with the trial's hyperparameters, score and learning curves; its loss, by number and second."""
        second, metric = one.timeline.completed(trial), metric_of(one.study.the_task)
        self._best = min(self._best, trial.loss)
        self._told += 1
        self._run.add_scalar("run/loss", trial.loss, self._told, walltime=second)
        self._run.add_scalar("run/best so far", self._best, self._told, walltime=second)
        self._run.flush()
        with self._writers.SummaryWriter(
            str(self._output / one.name / f"{trial.candidate.family}-{trial.id}")
        ) as writer:
            for summary in _hparams(_settings(one, trial), one)[1:]:
                writer.file_writer.add_summary(summary)
            writer.add_scalar(f"hparam/{metric.name}", metric.score(trial.loss), 0)
            writer.add_scalar("hparam/seconds", trial.seconds, 0)
            for (repeat, fold), _ in sorted(trial.losses.items()):
                for step, loss in curve(one, trial, repeat, fold):
                    writer.add_scalar(
                        f"curve of {trial.candidate.family}/fold {repeat}.{fold}", loss, int(step)
                    )

    def end(self, one: Experiment) -> list[Path]:
        """The expected score, and the names of all hyperparameters, of which TensorBoard reads one list alone."""
        score, last = one.expected, one.timeline.last
        if score is not None:
            self._run.add_scalar(
                f"run/expected {score.metric}", score.score, self._told, walltime=last
            )
        if one.study.ranked:
            everything = {
                name: value
                for trial in one.study.ranked
                for name, value in _settings(one, trial).items()
            }
            self._run.file_writer.add_summary(_hparams(everything, one)[0])
        self._run.close()
        return [self._output]


def _settings(one: Experiment, trial: Trial) -> dict[str, Any]:
    """A trial's hyperparameters under their family's name: choices as words, all others as numbers. A column has one kind of value."""
    told: dict[str, Any] = {"family": trial.candidate.family, "recipe": trial.candidate.recipe.name}
    space = space_of(one, trial)
    for name, value in params_of(one, trial).items():
        is_word = isinstance(space.get(name), Choice) or not isinstance(value, (int, float))
        told[f"{trial.candidate.family}.{name}"] = str(value) if is_word else float(value)
    return told


def _hparams(settings: Mapping[str, Any], one: Experiment) -> Any:
    """TensorBoard's summaries of an experiment, which has to have every name, of a session's start, and of its end."""
    from tensorboardX.summary import hparams

    return hparams(
        dict(settings), {f"hparam/{metric_of(one.study.the_task).name}": 0.0, "hparam/seconds": 0.0}
    )
