"""What a run teaches, in words: as plain text for the terminal, as tables for the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from automl.formatting import aligned, counted, duration, number, places, visible
from automl.insight import Insight, Lesson
from automl.insight.cost import BY_HAND, WATTS, Cost
from automl.insight.effects import GoodRange
from automl.insight.lessons import FEWEST
from automl.insight.stability import Stability
from automl.insight.story import More, Step
from automl.metrics import metric_of
from automl.trial import Study

STORY = ("step", "model", "loss", "gain", "at", "trained", "candidates")
RANGES = (
    "hyperparameter",
    "importance",
    "95%",
    "with interactions",
    "good range",
    "share of the range",
    "best",
)
EVERYTHING = 0.95  # of the range: what is good nearly everywhere needs no choice
TOLD = 0.001  # of a loss: what is less is no difference
NAME = 40


def text(study: Study, insight: Insight) -> str:
    """Everything in lines, for standard output."""
    parts = [
        f"What the search teaches ({loss_name(study)}; lower is better)",
        _indented("The story", aligned([STORY, *story(insight.story)], left=STORY[:2])),
    ]
    if insight.more is not None:
        parts.append(f"Is more time worth it?  {more(insight.more)}")
    parts += [_lesson(lesson) for lesson in insight.lessons]
    parts += [too_few(insight)] if insight.too_few else []
    parts += [stability(one) for one in insight.seeds]
    parts.append(_indented("Cost", "\n".join(costs(insight.cost))))
    return "\n\n".join(parts)


def too_few(insight: Insight) -> str:
    """The families that taught nothing, in a sentence; nothing if there are none."""
    if not insight.too_few:
        return ""
    few = ", ".join(f"{visible(name, NAME)} {count}" for name, count in insight.too_few.items())
    return f"Too few trials to learn from (fewer than {FEWEST}, or nothing varied): {few}."


def loss_name(study: Study) -> str:
    """What is called the loss."""
    return f"loss: {metric_of(study.the_task).loss_name}"


def story(steps: Sequence[Step]) -> list[tuple[str, ...]]:
    """The story's rows."""
    decimals = places(min(step.loss for step in steps), 5) if steps else 0
    return [
        (
            step.name,
            visible(step.model, NAME),
            number(step.loss, decimals),
            "" if step.name == "baseline" else _percent(step.gain) if step.gain > 0 else "none",
            duration(step.seconds),
            duration(step.trained),
            str(step.candidates),
        )
        for step in steps
    ]


def more(found: More) -> str:
    """Whether more time is worth it, in a sentence."""
    answer = "Perhaps" if found.worth_it else "Hardly"
    expected = (
        f"four times the time can be expected to cut it by another {_percent(found.four_times)}"
    )
    if found.quarter >= 60:
        return f"{answer}: towards the end, each minute cut the leaders' loss by {_percent(found.a_minute)}, and {expected}."
    late = _percent(found.a_minute * found.quarter / 60)
    return (
        f"{answer}: the last quarter of the time cut the leaders' loss by {late}, and {expected}."
    )


def ranges(lesson: Lesson) -> list[tuple[str, ...]]:
    """A row for each hyperparameter, the most important one first."""
    good = {one.name: one for one in lesson.ranges}
    return [
        (
            one.name,
            f"{one.share:.2f}",
            f"{one.low:.2f} to {one.high:.2f}",
            f"{one.total:.2f}",
            good_range(good[one.name]),
            f"{good[one.name].share:.0%}",
            value(good[one.name].best),
        )
        for one in lesson.importance
    ]


def good_range(found: GoodRange) -> str:
    """A good range in words."""
    if found.share >= EVERYTHING and not found.edge:
        return "any"
    return (" to " if found.is_interval else ", ").join(dict.fromkeys(map(value, found.values)))


def advice(lesson: Lesson) -> list[str]:
    """Say what to do about it, in sentences."""
    if lesson.tunability.bad < TOLD:
        return [
            "None of these settings makes a difference here: tuning them further brings nothing."
        ]
    told = [
        f"{one.first} and {one.second} should be tuned together: their interaction makes up {one.share:.0%} of the effect."
        for one in lesson.interactions[:3]
    ]
    at_edge = [one for one in lesson.ranges if one.edge]
    told += [
        f"The best {one.name} lies at the {one.edge} end of the range ({value(one.searched[one.edge == 'high'])}): search beyond it."
        for one in at_edge
    ]
    return told


def tunability(lesson: Lesson) -> str:
    """How the family takes it when nobody tunes it, in a sentence."""
    found = lesson.tunability
    return (
        f"{found.verdict}: a random setting from the whole range has a loss {_percent(found.median)} above the best one's "
        f"in half of the cases, and {_percent(found.bad)} or more in one case out of ten"
    )


def safe(lesson: Lesson) -> str:
    """The safe choice in words."""
    told = ", ".join(
        f"{visible(name, NAME)}={value(setting)}"
        for name, setting in lesson.tunability.params.items()
    )
    return f"a safe choice, since its neighbours do well, too: {lesson.tunability.safe}" + (
        f" ({told})" if told else ""
    )


def stability(found: Stability) -> str:
    """How a loss jumps with the seed, in a sentence."""
    if found.source == "trials":
        return f"{found.verdict}: chance alone moves its loss by {_percent(found.jump)} (95%)"
    losses = ", ".join(number(loss, places(loss, 5)) for loss in found.losses)
    together = ""
    if found.together is not None and found.together_jump is not None:
        mean = number(found.together, places(found.together, 5))
        together = f" The mean of their predictions has {mean}, and moves by {_percent(found.together_jump)}."
    name = found.model if found.id == "ensemble" else f"{found.model} {found.id}"
    told = f"{name} is {found.verdict}: with {len(found.losses)} other seeds its loss is {losses}"
    return f"{told}, so the seed alone moves it by {_percent(found.jump)} (95%).{together}"


def costs(found: Cost) -> list[str]:
    """What the run cost, and what a person would have, in lines."""
    work = f"{counted(found.fits, 'fit')} of {counted(found.candidates, 'candidate')}"
    told = [
        f"{duration(found.seconds)} on the clock, {found.core_hours:.3g} core hours for {work}",
        f"about {found.kilowatt_hours:.2g} kWh, at {WATTS:g} W a busy core",
    ]
    if found.money is not None:
        told.append(f"{found.money:.4g} for the machine")
    by_hand = f"{found.person_days:.2g} days of a person, which cost {found.person_money:.0f}"
    told.append(f"by hand, at {BY_HAND:g} minutes a candidate: {by_hand}")
    return told


def value(found: Any) -> str:
    """A hyperparameter's value."""
    if isinstance(found, float):
        return f"{found:.3g}"
    return visible(found, NAME)


def _lesson(lesson: Lesson) -> str:
    heading = f"{visible(lesson.family, NAME)}  ({counted(lesson.trials, 'trial')})"
    table = aligned([RANGES, *ranges(lesson)], left=("hyperparameter", "95%", "good range", "best"))
    body = [
        tunability(lesson),
        stability(lesson.stability),
        "",
        table,
        "",
        *advice(lesson),
        safe(lesson),
    ]
    return _indented(heading, "\n".join(body))


def _indented(heading: str, body: str) -> str:
    return "\n".join([heading, *(f"  {line}".rstrip() for line in body.split("\n"))])


def _percent(part: float) -> str:
    """A part of a loss; what is too small to be told is told so."""
    return f"{part:.1%}" if part >= TOLD else "less than 0.1%"
