"""An experiment as TensorBoard's event files: learning curves, losses over time, hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from automl.files import require
from automl.metrics import metric_of
from automl.track.experiment import Experiment
from automl.track.tables import curve, params_of
from automl.trial import Trial


def export(one: Experiment, output: Path) -> list[Path]:
    """Write event files into a folder, and give its path: `tensorboard --logdir FOLDER` shows them.

    Raises
    ------
    MissingExtra
        tensorboardX is not installed.
    """
    writers = require("tensorboardX", "tensorboard", "--to tensorboard")
    output.mkdir(parents=True, exist_ok=True)
    scored = [trial for trial in one.study.trials.values() if trial.losses]
    settings = _settings(one, scored)
    with writers.SummaryWriter(str(output / one.name)) as writer:
        if scored:
            _progress(one, writer)
            writer.file_writer.add_summary(_hparams({name: value for told in settings for name, value in told.items()}, one)[0])
    for trial, told in zip(scored, settings, strict=True):
        with writers.SummaryWriter(str(output / one.name / f"{trial.candidate.family}-{trial.id}")) as writer:
            _trial(one, trial, told, writer)
    return [output]


def _settings(one: Experiment, scored: Sequence[Trial]) -> list[dict[str, Any]]:
    """The hyperparameters of each trial; one that is a number in some and a word in others is a word in all."""
    told = [{"family": t.candidate.family, "recipe": t.candidate.recipe.name, **params_of(one, t)} for t in scored]
    words = {name for settings in told for name, value in settings.items() if not isinstance(value, (int, float))}
    return [{name: str(value) if name in words else float(value) for name, value in settings.items()} for settings in told]


def _hparams(settings: Mapping[str, Any], one: Experiment) -> Any:
    """TensorBoard's summaries of an experiment, which has to have every name, of a session's start, and of its end."""
    from tensorboardX.summary import hparams

    return hparams(dict(settings), {f"hparam/{metric_of(one.study.the_task).name}": 0.0, "hparam/seconds": 0.0})


def _progress(one: Experiment, writer: Any) -> None:
    """The loss of each complete trial and the least so far, by the second at which they were there."""
    ended = sorted(((one.timeline.completed(trial), trial) for trial in one.study.ranked), key=lambda pair: pair[0])
    best = float("inf")
    for second, trial in ended:
        best = min(best, trial.loss)
        writer.add_scalar("run/loss", trial.loss, int(second), walltime=second)
        writer.add_scalar("run/best so far", best, int(second), walltime=second)
    score = one.expected
    if score is not None:
        writer.add_scalar(f"run/expected {score.metric}", score.score, int(one.timeline.last), walltime=one.timeline.last)
    facts = "\n".join(f"    {name}: {value}" for name, value in one.settings().items())
    writer.add_text("run/settings", facts)


def _trial(one: Experiment, trial: Trial, settings: Mapping[str, Any], writer: Any) -> None:
    """A trial's hyperparameters with its score, and the learning curve of each of its folds."""
    metric = metric_of(one.study.the_task)
    for summary in _hparams(settings, one)[1:]:
        writer.file_writer.add_summary(summary)
    writer.add_scalar(f"hparam/{metric.name}", metric.score(trial.loss), 0)
    writer.add_scalar("hparam/seconds", trial.seconds, 0)
    for (repeat, fold), _ in sorted(trial.losses.items()):
        for step, loss in curve(one, trial, repeat, fold):
            writer.add_scalar(f"curve of {trial.candidate.family}/fold {repeat}.{fold}", loss, int(step))
