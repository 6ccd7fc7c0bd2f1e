"""The story of a run: the steps from the constant baseline to the ensemble.

It says how much each step gained and how long it took, and whether more time is worth it.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from automl.candidate import MANUAL_ORIGIN
from automl.study import Study
from automl.timeline import Timeline
from automl.trial import Trial

# Origins of candidates that the run proposed after the portfolio, and the names of their steps.
LATER_STEPS = {
    "earlier": "earlier run",
    "tune": "tuned",
    "ensemble": "made smaller",
}

# Trials whose mean loss is followed: an ensemble gains as long as new ones come among them.
N_LEADERS = 10
MIN_LEADERS = 3
# Gain of a doubling of the time over that of the doubling before.
DEFAULT_GAIN_RATIO = 0.5  # where there are too few trials to measure it
MAX_GAIN_RATIO = 0.9
MIN_WORTHWHILE_GAIN = 0.005


@dataclass(frozen=True)
class StoryStep:
    """One step of the story.

    Parameters
    ----------
    name : str
        baseline, first model, portfolio, earlier run, tuned, by hand or ensemble.
    model : str
        Family and recipe.
    loss : float
    gain : float
        The part of the least loss so far that it gains.
    seconds : float
        Of the clock, when it was reached.
    trained : float
        Seconds of training that went into all candidates of this kind.
    candidates : int
    """

    name: str
    model: str
    loss: float
    gain: float
    seconds: float
    trained: float
    candidates: int


def story(study: Study, timeline: Timeline) -> tuple[StoryStep, ...]:
    """Return the steps that the run made, in order."""
    before_end = []
    after_end = []
    for name, trials in _trials_by_step(study, timeline).items():
        best = _best(study, trials)
        if best is None:
            continue
        if timeline.completed(best) > timeline.search_end:
            after_end.append((name, best, trials))
        else:
            before_end.append((name, best, trials))
    steps: list[StoryStep] = []
    for name, best, trials in before_end:
        steps.append(_step(steps, timeline, name, best, trials))
    if len(study.weights) > 1 and study.evaluation is not None:
        loss = study.evaluation.loss
        steps.append(_ensemble_step(steps, study, loss, timeline))
    for name, best, trials in after_end:
        steps.append(_step(steps, timeline, name, best, trials))
    return tuple(steps)


def _trials_by_step(study: Study, timeline: Timeline) -> dict[str, list[Trial]]:
    """Return all trials of each step before the ensemble, by its name.

    Trials that ended after the run count as made by hand, whatever proposed them.
    """
    steps: dict[str, list[Trial]] = {
        "baseline": [],
        "first model": [],
        "portfolio": [],
        **{step: [] for step in LATER_STEPS.values()},
        "by hand": [],
    }
    for trial in study.trials.values():
        candidate = trial.candidate
        is_complete = study.is_complete(trial)
        is_late = is_complete and timeline.completed(trial) > timeline.search_end
        if candidate.is_baseline:
            steps["baseline"].append(trial)
        if candidate.origin == MANUAL_ORIGIN or is_late:
            steps["by hand"].append(trial)
        elif candidate.origin in LATER_STEPS:
            steps[LATER_STEPS[candidate.origin]].append(trial)
        elif not candidate.is_baseline:
            steps["portfolio"].append(trial)
            if is_complete and not steps["first model"]:
                steps["first model"].append(trial)
    return steps


def _best(study: Study, trials: Sequence[Trial]) -> Trial | None:
    """Return the best complete one of trials."""
    for trial in study.ranked:
        if trial in trials:
            return trial
    return None


def _step(
    before: Sequence[StoryStep],
    timeline: Timeline,
    name: str,
    best: Trial,
    trials: Sequence[Trial],
) -> StoryStep:
    candidate = best.candidate
    return StoryStep(
        name,
        f"{candidate.family} {candidate.recipe.name}",
        best.loss,
        _gain(before, best.loss),
        seconds=timeline.completed(best),
        trained=sum(trial.seconds for trial in trials),
        candidates=len(trials),
    )


def _ensemble_step(
    before: Sequence[StoryStep], study: Study, loss: float, timeline: Timeline
) -> StoryStep:
    n_members = len(study.weights)
    members = [study.trials[name] for name in study.weights]
    return StoryStep(
        "ensemble",
        f"{n_members} models",
        loss,
        _gain(before, loss),
        seconds=timeline.search_end,
        trained=sum(_refit_seconds(member) for member in members),
        candidates=n_members,
    )


def _gain(before: Sequence[StoryStep], loss: float) -> float:
    """Return the part of the least loss so far that a loss gains."""
    if not before:
        return 0.0
    least = min(step.loss for step in before)
    return (least - loss) / abs(least) if least else 0.0


def _refit_seconds(trial: Trial) -> float:
    seconds = []
    for key, outcome in trial.outcomes.items():
        if trial.jobs[key].fold is None:
            seconds.append(outcome.seconds)
    return sum(seconds)


@dataclass(frozen=True)
class TimeOutlook:
    """Whether more time is worth it.

    Parameters
    ----------
    seconds, losses : tuple of float
        The anytime curve: the least loss of a single model until each second.
    quarter : float
        Seconds of the last quarter of the time.
    a_minute : float
        The part of the loss that a minute of the last quarter of the time gained.
    four_times : float
        The part of the loss that four times the time can be expected to gain: each doubling gains
        less than the one before, in the proportion of the last two.
    worth_it : bool
        Whether that is more than one part in two hundred.
    """

    seconds: tuple[float, ...]
    losses: tuple[float, ...]
    quarter: float
    a_minute: float
    four_times: float
    worth_it: bool


Ended = Sequence[tuple[float, float]]  # second and loss of each complete trial, by the second


def time_outlook(study: Study, timeline: Timeline) -> TimeOutlook | None:
    """Return the anytime curve and the expected gain; None before there is a model."""
    ended = []
    for trial in study.ranked:
        second = timeline.completed(trial)
        if not trial.candidate.is_baseline and second <= timeline.search_end:
            ended.append((second, trial.loss))
    if not ended:
        return None
    ended.sort()
    seconds: list[float] = []
    losses: list[float] = []
    for second, loss in ended:
        if not losses or loss < losses[-1]:
            seconds.append(second)
            losses.append(loss)
    last = timeline.search_end
    quarter = 0.25 * last
    last_gain = _gained(ended, 0.75 * last, 1.0 * last) or 0.0
    four_times = _expected_gain(ended, last)
    return TimeOutlook(
        tuple(seconds),
        tuple(losses),
        quarter,
        last_gain / (quarter / 60),
        four_times,
        four_times > MIN_WORTHWHILE_GAIN,
    )


def _expected_gain(ended: Ended, last: float) -> float:
    """Return the part of the loss that four times the time can be expected to gain."""
    before = _gained(ended, 0.25 * last, 0.5 * last)
    after = _gained(ended, 0.5 * last, 1.0 * last)
    if after is None:
        return 0.0
    ratio = DEFAULT_GAIN_RATIO
    if before:
        ratio = min(MAX_GAIN_RATIO, after / before)
    return min(1.0, after * (ratio + ratio**2))


def _gained(ended: Ended, first: float, until: float) -> float | None:
    """Return the part of the leaders' mean loss that was gained between two seconds.

    There are equally many leaders at both; the result is None if they are too few.
    """
    early = sorted(loss for second, loss in ended if second <= first)
    late = sorted(loss for second, loss in ended if second <= until)
    count = min(N_LEADERS, len(early))
    if count < MIN_LEADERS:
        return None
    before = statistics.fmean(early[:count])
    after = statistics.fmean(late[:count])
    return max(0.0, before - after) / (abs(before) or 1.0)
