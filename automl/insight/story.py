"""The baseline's story: from the same answer for every row to the ensemble, what each step gained and what it cost."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from automl.timeline import Timeline
from automl.trial import MANUAL, Study, Trial

LATER = {
    "earlier": "earlier run",
    "tune": "tuned",
}  # origins of candidates that the run proposed later


@dataclass(frozen=True)
class Step:
    """One step of the story.

    Parameters
    ----------
    name : str
        baseline, first model, portfolio, earlier run, tuned, by hand or ensemble.
    model : str
        Family and recipe.
    loss : float
    gain : float
        What it took off the loss of the step before, as a part of that.
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


def story(study: Study, timeline: Timeline) -> tuple[Step, ...]:
    """The steps that the run made, in order."""
    told = list(_steps(study, timeline))
    steps: list[Step] = []
    for step in (one for one in told if timeline.completed(one[1]) <= timeline.ended):
        steps.append(_step(steps, timeline, *step))
    if len(study.weights) > 1 and "loss" in study.verdict:
        loss = study.verdict["loss"]
        refits = sum(_refitted(study, study.trials[name]) for name in study.weights)
        steps.append(
            Step(
                "ensemble",
                f"{len(study.weights)} models",
                loss,
                _gain(steps, loss),
                timeline.ended,
                refits,
                len(study.weights),
            )
        )
    for step in (one for one in told if timeline.completed(one[1]) > timeline.ended):
        steps.append(_step(steps, timeline, *step))
    return tuple(steps)


def _step(
    before: Sequence[Step], timeline: Timeline, name: str, trial: Trial, kin: Sequence[Trial]
) -> Step:
    trained = sum(other.seconds for other in kin)
    model = f"{trial.candidate.family} {trial.candidate.recipe.name}"
    return Step(
        name,
        model,
        trial.loss,
        _gain(before, trial.loss),
        timeline.completed(trial),
        trained,
        len(kin),
    )


def _steps(study: Study, timeline: Timeline) -> Iterator[tuple[str, Trial, list[Trial]]]:
    """Name, best trial and all trials of each step before the ensemble; a step whose best is no better than an earlier one is told, too."""
    trials = list(study.trials.values())
    complete = list(study.ranked)
    late = [
        t for t in trials if study.complete(t) and timeline.completed(t) > timeline.ended
    ]  # by hand, whoever proposed them
    models = [
        t
        for t in trials
        if t.candidate.family != "constant"
        and t.candidate.origin not in (*LATER, MANUAL)
        and t not in late
    ]
    kinds = {
        "baseline": [t for t in trials if t.candidate.family == "constant"],
        "first model": [t for t in models if study.complete(t)][:1],
        "portfolio": models,
        **{
            step: [t for t in trials if t.candidate.origin == origin and t not in late]
            for origin, step in LATER.items()
        },
        "by hand": [t for t in trials if t.candidate.origin == MANUAL or t in late],
    }
    for name, kin in kinds.items():
        if found := [trial for trial in complete if trial in kin]:
            yield name, found[0], kin


def _gain(steps: Sequence[Step], loss: float) -> float:
    """What a loss takes off the least one so far, as a part of that."""
    if not steps:
        return 0.0
    before = min(step.loss for step in steps)
    return (before - loss) / abs(before) if before else 0.0


def _refitted(study: Study, trial: Trial) -> float:
    return sum(
        outcome.seconds for key, outcome in trial.outcomes.items() if trial.jobs[key].fold is None
    )


@dataclass(frozen=True)
class More:
    """Whether more time is worth it.

    Parameters
    ----------
    seconds, losses : tuple of float
        The anytime curve: the least loss of a single model until each second.
    quarter : float
        Seconds of the last quarter of the time.
    a_minute : float
        What the last quarter of the time took off the loss, by the minute, as a part of the loss.
    four_times : float
        What four times the time can be expected to take off, as a part of the loss: as doublings bring less and less, in the proportion of
        the last two.
    worth_it : bool
        Whether that is more than one part in two hundred.
    """

    seconds: tuple[float, ...]
    losses: tuple[float, ...]
    quarter: float
    a_minute: float
    four_times: float
    worth_it: bool


LEADERS = (
    10  # trials whose mean loss is followed: an ensemble gains as long as new ones come among them
)
FADING = 0.5  # what the next doubling brings of the last one's gain, where that can't be seen
STEADIEST = 0.9
FEWEST = 3  # leaders that tell something
WORTH = 0.005


def more_time(study: Study, timeline: Timeline) -> More | None:
    """The anytime curve and what it promises; None before there is a model."""
    ended = sorted(
        (timeline.completed(trial), trial.loss)
        for trial in study.ranked
        if trial.candidate.family != "constant"
    )
    ended = [(second, loss) for second, loss in ended if second <= timeline.ended]
    if not ended:
        return None
    seconds: list[float] = []
    losses: list[float] = []
    for second, loss in ended:
        if not losses or loss < losses[-1]:
            seconds.append(second)
            losses.append(loss)
    last = timeline.ended
    before, after, late = (
        _gained(ended, first * last, until * last)
        for first, until in ((0.25, 0.5), (0.5, 1.0), (0.75, 1.0))
    )
    ratio = min(STEADIEST, after / before) if before and after is not None else FADING
    four_times = min(1.0, (after or 0.0) * (ratio + ratio**2))
    return More(
        tuple(seconds),
        tuple(losses),
        0.25 * last,
        (late or 0.0) / (0.25 * last / 60),
        four_times,
        four_times > WORTH,
    )


def _gained(ended: Sequence[tuple[float, float]], first: float, until: float) -> float | None:
    """What the leaders' mean loss lost between two seconds, as a part of it; as many leaders at both. None where there were too few."""
    early, late = (
        sorted(loss for when, loss in ended if when <= second) for second in (first, until)
    )
    count = min(LEADERS, len(early))
    if count < FEWEST:
        return None
    then, now = statistics.fmean(early[:count]), statistics.fmean(late[:count])
    return max(0.0, then - now) / (abs(then) or 1.0)
