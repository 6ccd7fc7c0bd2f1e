"""Describe a run's lessons: as text for the terminal, as sentences and tables for the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from automl.formatting import (
    align_columns,
    decimal_places,
    format_count,
    format_duration,
    format_number,
    visible,
)
from automl.insight import Insight, Lesson
from automl.insight.cost import MINUTES_PER_MANUAL_TRIAL, WATTS_PER_CORE, Cost
from automl.insight.effects import GoodRange
from automl.insight.lessons import MIN_TRIALS
from automl.insight.stability import Stability
from automl.insight.story import StoryStep, TimeOutlook
from automl.metrics import metric_of
from automl.study import Study

STORY_HEADINGS = ("step", "model", "loss", "gain", "at", "trained", "candidates")
RANGE_HEADINGS = (
    "hyperparameter",
    "importance",
    "95%",
    "with interactions",
    "good range",
    "share of the range",
    "best",
)
ANY_VALUE_SHARE = 0.95  # of the range: if that much is good, the value doesn't matter
MIN_LOSS_SHARE = 0.001  # of a loss: smaller differences are not worth mentioning
MAX_INTERACTIONS = 3
MAX_NAME_CHARACTERS = 40
LOSS_DIGITS = 5


def text(study: Study, insight: Insight) -> str:
    """Return everything as lines for standard output."""
    steps = align_columns([STORY_HEADINGS, *story_rows(insight.story)], left=STORY_HEADINGS[:2])
    parts = [
        f"What the search teaches ({loss_name(study)}; lower is better)",
        _indented("The story", steps),
    ]
    if insight.more is not None:
        parts.append(f"Is more time worth it?  {more_time_sentence(insight.more)}")
    parts += [_lesson(lesson) for lesson in insight.lessons]
    if insight.too_few:
        parts.append(too_few_sentence(insight))
    parts += [stability_sentence(found) for found in insight.seeds]
    lines = "\n".join(cost_lines(insight.cost))
    parts.append(_indented("Cost", lines))
    return "\n\n".join(parts)


def too_few_sentence(insight: Insight) -> str:
    """Return a sentence that names the families with too few trials; empty if there are none."""
    if not insight.too_few:
        return ""
    families = ", ".join(
        f"{visible(name, MAX_NAME_CHARACTERS)} {count}" for name, count in insight.too_few.items()
    )
    return f"Too few trials to learn from (fewer than {MIN_TRIALS}, or nothing varied): {families}."


def loss_name(study: Study) -> str:
    """Return the name of the loss."""
    return f"loss: {metric_of(study.known_task).loss_name}"


def story_rows(steps: Sequence[StoryStep]) -> list[tuple[str, ...]]:
    """Return a row for each step under `STORY_HEADINGS`."""
    lowest = min((step.loss for step in steps), default=None)
    decimals = decimal_places(lowest, LOSS_DIGITS)
    return [
        (
            step.name,
            visible(step.model, MAX_NAME_CHARACTERS),
            format_number(step.loss, decimals),
            _gain(step),
            format_duration(step.seconds),
            format_duration(step.trained),
            str(step.candidates),
        )
        for step in steps
    ]


def _gain(step: StoryStep) -> str:
    if step.name == "baseline":
        return ""
    if step.gain <= 0:
        return "none"
    return _percent(step.gain)


def more_time_sentence(found: TimeOutlook) -> str:
    """Return a sentence that says whether more time is worth it."""
    answer = "Perhaps" if found.worth_it else "Hardly"
    four_times = _percent(found.four_times)
    expected = f"four times the time can be expected to cut it by another {four_times}"
    if found.quarter >= 60:
        gain = _percent(found.a_minute)
        recently = f"towards the end, each minute cut the leaders' loss by {gain}"
    else:
        gain = _percent(found.a_minute * found.quarter / 60)
        recently = f"the last quarter of the time cut the leaders' loss by {gain}"
    return f"{answer}: {recently}, and {expected}."


def range_rows(lesson: Lesson) -> list[tuple[str, ...]]:
    """Return a row for each hyperparameter under `RANGE_HEADINGS`, most important first."""
    good = {found.name: found for found in lesson.ranges}
    return [
        (
            item.name,
            f"{item.share:.2f}",
            f"{item.low:.2f} to {item.high:.2f}",
            f"{item.total:.2f}",
            format_range(good[item.name]),
            f"{good[item.name].share:.0%}",
            format_value(good[item.name].best),
        )
        for item in lesson.importance
    ]


def format_range(found: GoodRange) -> str:
    """Return a good range as text."""
    if found.share >= ANY_VALUE_SHARE and not found.edge:
        return "any"
    separator = " to " if found.is_interval else ", "
    values = dict.fromkeys(map(format_value, found.values))
    return separator.join(values)


def advice_sentences(lesson: Lesson) -> list[str]:
    """Return sentences that say how to search on."""
    if lesson.tunability.bad < MIN_LOSS_SHARE:
        return [
            "None of these settings makes a difference here: tuning them further brings nothing."
        ]
    sentences = [
        f"{pair.first} and {pair.second} should be tuned together: "
        f"their interaction makes up {pair.share:.0%} of the effect."
        for pair in lesson.interactions[:MAX_INTERACTIONS]
    ]
    for good in lesson.ranges:
        if good.edge:
            end = format_value(good.searched[good.edge == "high"])
            at_end = f"The best {good.name} lies at the {good.edge} end of the range ({end})"
            sentences.append(f"{at_end}: search beyond it.")
    return sentences


def tunability_sentence(lesson: Lesson) -> str:
    """Return a sentence that says how well the family does untuned."""
    found = lesson.tunability
    return (
        f"{found.level} tunability: a random setting from the whole range has a loss "
        f"{_percent(found.median)} above the best one's in half of the cases, "
        f"and {_percent(found.bad)} or more in one case out of ten"
    )


def safe_choice_sentence(lesson: Lesson) -> str:
    """Return a sentence that names the safe choice and its hyperparameters."""
    found = lesson.tunability
    sentence = f"a safe choice, since its neighbours do well, too: {found.safe}"
    settings = ", ".join(
        f"{visible(name, MAX_NAME_CHARACTERS)}={format_value(setting)}"
        for name, setting in found.params.items()
    )
    return f"{sentence} ({settings})" if settings else sentence


def stability_sentence(found: Stability) -> str:
    """Return a sentence that says how much a loss depends on the seed."""
    jump = _percent(found.jump)
    if found.source == "trials":
        return f"{found.verdict}: chance alone moves its loss by {jump} (95%)"
    name = found.model
    if found.id != "ensemble":
        name += f" {found.id}"
    losses = ", ".join(_loss(loss) for loss in found.losses)
    sentences = (
        f"{name} is {found.verdict}: with {len(found.losses)} other seeds its loss is {losses}, "
        f"so the seed alone moves it by {jump} (95%)."
    )
    if found.together is not None and found.together_jump is not None:
        sentences += (
            f" The mean of their predictions has {_loss(found.together)}, "
            f"and moves by {_percent(found.together_jump)}."
        )
    return sentences


def _loss(loss: float) -> str:
    decimals = decimal_places(loss, LOSS_DIGITS)
    return format_number(loss, decimals)


def cost_lines(found: Cost) -> list[str]:
    """Return lines that say what the run cost, and what the work would cost by hand."""
    fits = format_count(found.fits, "fit")
    candidates = format_count(found.candidates, "candidate")
    clock = format_duration(found.seconds)
    lines = [
        f"{clock} on the clock, {found.core_hours:.3g} core hours for {fits} of {candidates}",
        f"about {found.kilowatt_hours:.2g} kWh, at {WATTS_PER_CORE:g} W a busy core",
    ]
    if found.money is not None:
        lines.append(f"{found.money:.4g} for the machine")
    person = f"{found.person_days:.2g} days of a person, which cost {found.person_money:.0f}"
    lines.append(f"by hand, at {MINUTES_PER_MANUAL_TRIAL:g} minutes a candidate: {person}")
    return lines


def format_value(setting: Any) -> str:
    """Return a hyperparameter's value as text."""
    if isinstance(setting, float):
        return f"{setting:.3g}"
    return visible(setting, MAX_NAME_CHARACTERS)


def _lesson(lesson: Lesson) -> str:
    family = visible(lesson.family, MAX_NAME_CHARACTERS)
    trials = format_count(lesson.trials, "trial")
    rows = [RANGE_HEADINGS, *range_rows(lesson)]
    table = align_columns(rows, left=("hyperparameter", "95%", "good range", "best"))
    lines = [
        tunability_sentence(lesson),
        stability_sentence(lesson.stability),
        "",
        table,
        "",
        *advice_sentences(lesson),
        safe_choice_sentence(lesson),
    ]
    return _indented(f"{family}  ({trials})", "\n".join(lines))


def _indented(heading: str, body: str) -> str:
    lines = [f"  {line}".rstrip() for line in body.split("\n")]
    return "\n".join([heading, *lines])


def _percent(share: float) -> str:
    """Return a share of a loss in percent, with a floor below which numbers mean little."""
    if share < MIN_LOSS_SHARE:
        return "less than 0.1%"
    return f"{share:.1%}"
