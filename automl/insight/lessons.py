"""All lessons of a run, together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from automl.insight.cost import Cost, cost
from automl.insight.effects import Effect, GoodRange, effects, good_ranges, standard_error
from automl.insight.importance import Importance, Interaction, importances, interactions
from automl.insight.points import Points, trial_points
from automl.insight.stability import Stability, from_trials
from automl.insight.story import StoryStep, TimeOutlook, story, time_outlook
from automl.insight.surrogate import fit_surrogate
from automl.insight.tunability import Tunability, tunability
from automl.models import is_baseline, is_known
from automl.study import Study
from automl.timeline import Timeline

# Seconds of a core that are enough to learn; measured: 0.25 for 28 trials, 1.9 for 500.
BASE_SECONDS = 0.5
SECONDS_PER_TRIAL = 0.007
MIN_TRIALS = 8  # trials of a family from which on something is learnt


@dataclass(frozen=True)
class Lesson:
    """The lessons of one family's trials.

    Parameters
    ----------
    family : str
    trials : int
    error : float
        One standard error of a difference from the best loss.
    """

    family: str
    trials: int
    error: float
    importance: tuple[Importance, ...]
    interactions: tuple[Interaction, ...]
    effects: tuple[Effect, ...]
    ranges: tuple[GoodRange, ...]
    tunability: Tunability
    stability: Stability


@dataclass(frozen=True)
class Insight:
    """The lessons of a run.

    Parameters
    ----------
    metric : str
    lessons : tuple of Lesson
        One a family, best family first.
    too_few : mapping of str to int
        Families with too few trials to learn from, and how many they have.
    """

    metric: str
    lessons: tuple[Lesson, ...]
    too_few: Mapping[str, int]
    story: tuple[StoryStep, ...]
    more: TimeOutlook | None
    cost: Cost
    seeds: tuple[Stability, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values; losses are lower the better, whatever the metric."""
        importance: list[dict[str, Any]] = []
        interactions: list[dict[str, Any]] = []
        sensitivity: list[dict[str, Any]] = []
        ranges: list[dict[str, Any]] = []
        for lesson in self.lessons:
            importance.extend(_plain(lesson.importance))
            interactions.extend(_plain(lesson.interactions))
            sensitivity.extend(_plain(lesson.effects))
            error = {"standard_error": lesson.error}
            ranges.extend(plain | error for plain in _plain(lesson.ranges))
        stability = [*self.seeds, *(lesson.stability for lesson in self.lessons)]
        return {
            "metric": self.metric,
            "importance": importance,
            "interactions": interactions,
            "sensitivity": sensitivity,
            "ranges": ranges,
            "families": _plain(lesson.tunability for lesson in self.lessons),
            "too_few": dict(self.too_few),
            "stability": _plain(stability),
            "cost": asdict(self.cost),
            "story": _plain(self.story),
            "more_time": None if self.more is None else asdict(self.more),
        }


def _plain(values: Iterable[Any]) -> list[dict[str, Any]]:
    """Return dataclasses as dictionaries."""
    return [asdict(value) for value in values]


def learn_from(
    study: Study,
    timeline: Timeline,
    price_per_hour: float | None = None,
    person_per_day: float = 500.0,
) -> Insight:
    """Return the lessons of a run's trials; nothing is trained.

    Parameters
    ----------
    study : Study
    timeline : Timeline
    price_per_hour : float, optional
        Of the machine.
    person_per_day : float, optional
        The cost of a person's day.
    """
    lessons = []
    too_few = {}
    for name in study.leaders:
        if is_baseline(name) or not is_known(name, study.extensions):
            continue
        family_points = trial_points(study, name)
        if family_points.space and len(family_points) >= MIN_TRIALS:
            lessons.append(_lesson(study, family_points))
        else:
            too_few[name] = len(family_points)
    return Insight(
        study.known_task.metric,
        tuple(lessons),
        too_few,
        story(study, timeline),
        time_outlook(study, timeline),
        cost(study, timeline, price_per_hour, person_per_day),
    )


def seconds_to_learn(study: Study) -> float:
    """Return the seconds of a free core that are enough for `learn_from`."""
    return BASE_SECONDS + SECONDS_PER_TRIAL * len(study.trials)


def _lesson(study: Study, family_points: Points) -> Lesson:
    surrogate = fit_surrogate(family_points)
    error = standard_error(study, family_points, surrogate)
    curves = effects(family_points, surrogate)
    return Lesson(
        family_points.family,
        len(family_points),
        error,
        importances(family_points, surrogate, study.seed),
        interactions(family_points, surrogate),
        curves,
        good_ranges(family_points, curves, error),
        tunability(family_points, surrogate, study.seed),
        from_trials(family_points, surrogate),
    )
