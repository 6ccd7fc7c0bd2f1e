"""An experiment as TensorBoard's event files: learning curves, losses, hyperparameters."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from automl.files import require
from automl.space import Choice
from automl.track.experiment import Experiment
from automl.track.tables import all_params, learning_curve, space_of
from automl.track.tracker import record_run
from automl.trial import Trial

Settings = dict[str, Any]  # values of hyperparameters by name


def export(experiment: Experiment, output: Path) -> list[Path]:
    """Write event files into a folder, and return its path: `tensorboard --logdir FOLDER`.

    Raises
    ------
    MissingExtra
        tensorboardX is not installed.
    """
    tracker = TensorBoard(output)
    return record_run(experiment, tracker)


class TensorBoard:
    """A tracker that writes event files: a session for the run, and one for each trial."""

    def __init__(self, output: Path) -> None:
        self._tensorboard = require("tensorboardX", "tensorboard", "tensorboard")
        self._output = output
        self._best = math.inf
        self._step = 0  # counts trials: TensorBoard keeps one point a step, so not seconds

    def begin(self, experiment: Experiment) -> None:
        """Open the run's own session, and write all settings."""
        self._output.mkdir(parents=True, exist_ok=True)
        name = experiment.name
        self._run = self._open_session(name)
        settings = experiment.settings()
        lines = [f"    {name}: {value}" for name, value in settings.items()]
        text = "\n".join(lines)
        self._run.add_text("run/settings", text)

    def _open_session(self, name: str) -> Any:
        folder = self._output / name
        return self._tensorboard.SummaryWriter(str(folder))

    def trial(self, experiment: Experiment, trial: Trial) -> None:
        """Write the trial's loss into the run's session, and the rest into one of its own."""
        self._step += 1
        loss = trial.loss
        if loss < self._best:
            self._best = loss
        second = experiment.timeline.completed(trial)
        self._add_point("run/loss", loss, second)
        self._add_point("run/best so far", self._best, second)
        self._run.flush()
        family = trial.candidate.family
        settings = _settings(experiment, trial)
        summaries = _hparams(experiment, settings)
        score = experiment.score(loss)
        scalars = {
            f"hparam/{experiment.metric}": score,
            "hparam/seconds": trial.seconds,
        }
        session_name = f"{experiment.name}/{family}-{trial.id}"
        with self._open_session(session_name) as session:
            for summary in summaries[1:]:
                session.file_writer.add_summary(summary)
            for name, value in scalars.items():
                session.add_scalar(name, value, 0)
            splits = sorted(trial.losses)
            for repeat, fold in splits:
                name = f"curve of {family}/fold {repeat}.{fold}"
                points = learning_curve(experiment, trial, repeat, fold)
                for step, value in points:
                    session.add_scalar(name, value, int(step))

    def _add_point(self, name: str, value: float, second: float) -> None:
        run = self._run
        run.add_scalar(name, value, self._step, walltime=second)

    def end(self, experiment: Experiment) -> list[Path]:
        """Write the expected score, and the names of all hyperparameters.

        TensorBoard reads only one list of names.
        """
        score = experiment.expected
        if score is not None:
            name = f"run/expected {score.metric}"
            last = experiment.timeline.last
            self._add_point(name, score.score, last)
        settings: Settings = {}
        for trial in experiment.study.ranked:
            settings |= _settings(experiment, trial)
        if settings:
            summaries = _hparams(experiment, settings)
            names = summaries[0]
            self._run.file_writer.add_summary(names)
        self._run.close()
        return [self._output]


def _settings(experiment: Experiment, trial: Trial) -> Settings:
    """Return a trial's hyperparameters under their family's name.

    Choices are texts and all others are numbers: a column has one kind of value.
    """
    candidate = trial.candidate
    family = candidate.family
    settings: Settings = {"family": family}
    settings["recipe"] = candidate.recipe.name
    space = space_of(experiment, trial)
    params = all_params(experiment, trial)
    for name, value in params.items():
        range_ = space.get(name)
        is_choice = isinstance(range_, Choice)
        is_number = isinstance(value, (int, float))
        key = f"{family}.{name}"
        settings[key] = str(value)
        if is_number and not is_choice:
            settings[key] = float(value)
    return settings


def _hparams(experiment: Experiment, settings: Settings) -> Any:
    """Return TensorBoard's summaries of the names, of a session's start, and of its end."""
    from tensorboardX.summary import hparams

    score_name = f"hparam/{experiment.metric}"
    scores = {score_name: 0.0}
    scores["hparam/seconds"] = 0.0
    return hparams(settings, scores)
