"""All that a run teaches, together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from automl.insight.cost import Cost, cost
from automl.insight.effects import Effect, GoodRange, effects, good_ranges, standard_error
from automl.insight.importance import Importance, Interaction, importances, interactions
from automl.insight.points import Points, points
from automl.insight.stability import Stability, from_trials
from automl.insight.story import More, Step, more_time, story
from automl.insight.surrogate import learn
from automl.insight.tunability import Tunability, tunability
from automl.models import is_known
from automl.timeline import Timeline
from automl.trial import Study

START, EACH = (
    0.5,
    0.007,
)  # seconds of a core that are enough to learn, and for each trial; measured: 0.25 for 28 trials, 1.9 for 500
FEWEST = 8  # trials of a family from which on something is learnt


@dataclass(frozen=True)
class Lesson:
    """What the trials of one family teach.

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
    """What a run teaches.

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
    story: tuple[Step, ...]
    more: More | None
    cost: Cost
    seeds: tuple[Stability, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values, losses as losses: lower is better whatever the metric."""
        return {
            "metric": self.metric,
            "importance": [asdict(one) for lesson in self.lessons for one in lesson.importance],
            "interactions": [asdict(one) for lesson in self.lessons for one in lesson.interactions],
            "sensitivity": [asdict(one) for lesson in self.lessons for one in lesson.effects],
            "ranges": [
                asdict(one) | {"standard_error": lesson.error}
                for lesson in self.lessons
                for one in lesson.ranges
            ],
            "families": [asdict(lesson.tunability) for lesson in self.lessons],
            "too_few": dict(self.too_few),
            "stability": [
                asdict(one) for one in (*self.seeds, *(lesson.stability for lesson in self.lessons))
            ],
            "cost": asdict(self.cost),
            "story": [asdict(step) for step in self.story],
            "more_time": None if self.more is None else asdict(self.more),
        }


def learn_from(
    study: Study,
    timeline: Timeline,
    price_per_hour: float | None = None,
    person_per_day: float = 500.0,
) -> Insight:
    """What a run's trials teach; nothing is trained.

    Parameters
    ----------
    study : Study
    timeline : Timeline
    price_per_hour : float, optional
        Of the machine.
    person_per_day : float, optional
        What a day of a person's costs.
    """
    told = {
        name: points(study, name)
        for name in study.leaders
        if name != "constant" and is_known(name, study.extensions)
    }
    lessons = tuple(_lesson(study, of) for of in told.values() if len(of) >= FEWEST and of.space)
    taught = {lesson.family for lesson in lessons}
    too_few = {name: len(of) for name, of in told.items() if name not in taught}
    costs = cost(study, timeline, price_per_hour, person_per_day)
    return Insight(
        study.the_task.metric,
        lessons,
        too_few,
        story(study, timeline),
        more_time(study, timeline),
        costs,
    )


def seconds_to_learn(study: Study) -> float:
    """What is enough for `learn_from` on a free core."""
    return START + EACH * len(study.trials)


def _lesson(study: Study, of: Points) -> Lesson:
    surrogate = learn(of)
    error, curves = standard_error(study, of, surrogate), effects(of, surrogate)
    return Lesson(
        of.family,
        len(of),
        error,
        importances(of, surrogate, study.seed),
        interactions(of, surrogate),
        curves,
        good_ranges(of, curves, error),
        tunability(of, surrogate, study.seed),
        from_trials(of, surrogate),
    )
