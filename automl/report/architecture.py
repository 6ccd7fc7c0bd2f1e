"""The chapter on a search of architectures: the best network, why it won, what was searched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from automl.formatting import (
    decimal_places,
    format_count,
    format_duration,
    format_number,
    visible,
)
from automl.insight.change import Change, compare_trials
from automl.metrics import metric_of
from automl.models.network.number_inputs import MAX_DISCRETE_VALUES
from automl.report.lessons import format_value
from automl.report.network_drawing import draw_network
from automl.report.network_search import (
    Difference,
    Level,
    NetworkSearch,
    find_network_search,
)
from automl.search.architectures import FIXED
from automl.space import Choice, Range
from automl.study import Study
from automl.trial import Trial

MAX_OTHERS = 5
MAX_NAME_CHARACTERS = 60
LEVEL_HEADINGS = ("judged after", "came there", "dropped", "seconds")
LEVEL_CAPTION = (
    "How far the proposals came: each was judged after a part of its training, and only the best "
    "went on. The processor seconds are those of the proposals that came no further."
)
OTHER_HEADINGS = (
    "id",
    "score",
    "loses",
    "standard error",
    "better on",
    "where it differs (and the best one's value)",
)
VERDICTS = {
    "clearly worse": "That is more than chance.",
    "clearly better": "That is more than chance.",
    "not clearly different": "That may be chance: either could be the better one on new rows.",
    "equal": "They are equal.",
}


def describe_architecture(study: Study) -> dict[str, Any] | None:
    """Return the chapter's texts, tables and drawing; None if no architectures were searched."""
    search = find_network_search(study)
    if search is None:
        return None
    best = search.best
    recipe = best.candidate.recipe
    params = search.params(best)
    return {
        "drawing": draw_network(
            params,
            recipe,
            study.known_task,
            study.size,
        ),
        "caption": " ".join(_caption(search)),
        "reasons": list(_reasons(search)),
        "searched": list(_searched(search)),
        "levels_caption": LEVEL_CAPTION,
        "level_headings": LEVEL_HEADINGS,
        "levels": [_level_row(search, level) for level in search.levels],
        "range_headings": _range_headings(search),
        "ranges": _range_rows(search),
        "others_caption": _others_caption(study),
        "other_headings": OTHER_HEADINGS,
        "others": [_other_row(search, trial) for trial in _others(search)],
    }


# ------------------------------------------------------------ the drawing


def _caption(search: NetworkSearch) -> Iterator[str]:
    """Yield sentences that say what the drawing leaves open."""
    best = search.best
    params = search.params(best)
    yield f"The best network, {best.id}."
    recipe = best.candidate.recipe
    numbers, categories, added = recipe.descriptions
    yield f"Numbers are {numbers}."
    if search.study.size.categories:
        yield f"Categories: {categories}."
    if added:
        yield f"Added: {added}."
    encodings = {"Cosines": params["waves"], "Pieces": params["pieces"]}
    for name, count in encodings.items():
        if count:
            values = f"more than {MAX_DISCRETE_VALUES} different values"
            yield f"{name} are made of numbers with {values}."
    if params["members"] > 1:
        yield "The members share the weights of the blocks."
    if params["block"] == "residual" and params["taper"] < 1:
        yield "What comes in is added as far as a block has as many values."


# ------------------------------------------------------------ why it won


def _reasons(search: NetworkSearch) -> Iterator[str]:
    """Yield sentences that compare the best network with others."""
    yield _score_sentence(search)
    yield from _best_model_sentences(search)
    if not search.is_found:
        yield "It is not one of the proposals of the search, of which none was better."
    best = search.best
    others = _others(search)
    if others:
        second = others[0]
        change = compare_trials(best, second, search.study.plan)
        yield f"The next best network, {second.id}, {_loses(change)}."
        yield from _difference_sentences(search, second, "the next best one")
    yield from _start_sentences(search)


def _score_sentence(search: NetworkSearch) -> str:
    study = search.study
    metric = metric_of(study.known_task)
    folds = format_count(len(study.plan.splits), "fold")
    networks = format_count(len(search.networks), "complete network")
    score = _score(study, search.best.loss)
    return f"Its {metric.name} is {score}, the mean over {folds}: the best of {networks}."


def _best_model_sentences(search: NetworkSearch) -> Iterator[str]:
    """Yield how it stands among all models."""
    study = search.study
    first = study.ranked[0]
    if first is search.best:
        models = format_count(len(study.ranked_models), "complete model")
        yield f"It is also the best of all {models} of the run."
        return
    family = visible(first.family, MAX_NAME_CHARACTERS)
    score = _score(study, first.loss)
    yield f"The best single model of the run is another one: {family} {first.id} with {score}."


def _start_sentences(search: NetworkSearch) -> Iterator[str]:
    """Yield how it compares with the network that the search began with."""
    best = search.best
    start = search.start
    if best is start:
        yield "The search began with it, and no proposal was better."
        return
    if start in _others(search)[:1]:
        yield "The next best network is the one that the search began with."
        return
    if start.losses:
        change = compare_trials(best, start, search.study.plan)
        yield f"The network that the search began with, {start.id}, {_loses(change)}."
    else:
        yield f"The network that the search began with, {start.id}, was given up early."
    yield from _difference_sentences(search, start, "that one")


def _loses(change: Change) -> str:
    """Return what a network loses against the best one, as the end of a sentence."""
    if not change.difference:
        return "is as good"
    size = _amount(abs(change.difference))
    text = f"loses {size}"
    if change.difference < 0:
        text = f"gains {size}"
    if change.error is None:
        return f"{text} on one fold"
    folds = format_count(change.folds, "fold")
    verdict = VERDICTS[change.verdict].rstrip(".")
    return (
        f"{text} (standard error {_amount(change.error)}) "
        f"and is better on {change.better} of {folds}. {verdict}"
    )


def _difference_sentences(
    search: NetworkSearch,
    other: Trial,
    name: str,
) -> Iterator[str]:
    """Yield the hyperparameters in which the best network differs from another one."""
    differences = search.differences(search.best, other)
    if differences:
        values = _join_differences(differences)
        yield f"Against {name}, it has {values}."


def _join_differences(differences: Iterable[Difference]) -> str:
    """Return differences with the second value in brackets.

    >>> _join_differences([("layers", 2, 3), ("dropout", 0.125, 0.5)])
    'layers 2 (not 3), dropout 0.125 (not 0.5)'
    """
    words = []
    for name, value, other_value in differences:
        shown = format_value(value)
        other = format_value(other_value)
        words.append(f"{name} {shown} (not {other})")
    return ", ".join(words)


# ------------------------------------------------------------ what was searched


def _searched(search: NetworkSearch) -> Iterator[str]:
    """Yield how many proposals there were, how they ended, and what they cost."""
    proposals = search.proposals
    count = format_count(len(proposals), "architecture")
    ends = Counter(_end(search, trial) for trial in proposals)
    parts = [f"{number} {end}" for end, number in ends.items()]
    yield f"{count} were proposed: {', '.join(parts)}."
    seconds = format_duration(search.seconds)
    yield f"Training them took {seconds} of processor time."
    fixed = [f"{name} {value}" for name, value in FIXED.items()]
    yield f"All of them have {', '.join(fixed)}, so that they are judged at equal moments."


def _end(search: NetworkSearch, trial: Trial) -> str:
    """Return how a proposal ended."""
    if search.study.is_complete(trial):
        return "complete on all folds"
    if trial.decided == "dropped":
        return "dropped early"
    if trial.decided == "failed":
        return "failed"
    return "unfinished"


def _level_row(search: NetworkSearch, level: Level) -> tuple[str, ...]:
    """Return a row under `LEVEL_HEADINGS`."""
    return (
        _level_name(search, level),
        str(level.reached),
        str(level.dropped),
        f"{level.seconds:.1f}",
    )


def _level_name(search: NetworkSearch, level: Level) -> str:
    """Return the part of a training that a rung has."""
    rung = level.rung
    folds = len(search.study.plan.splits)
    judging = "the first fold" if rung.folds == 1 else format_count(rung.folds, "fold")
    if rung.rounds is not None:
        return f"{rung.rounds} of {search.epochs} epochs on {judging}"
    if rung.folds < folds:
        return f"all {search.epochs} epochs on {judging}"
    return f"all {search.epochs} epochs on all {format_count(folds, 'fold')}"


def _range_headings(search: NetworkSearch) -> tuple[str, ...]:
    compared = [name for name, _ in _compared(search)]
    return ("hyperparameter", "searched", *compared)


def _range_rows(search: NetworkSearch) -> list[tuple[str, ...]]:
    """Return a row for each hyperparameter, with the values of some networks."""
    values = [search.params(trial) for _, trial in _compared(search)]
    rows = []
    for name, range_ in search.space.items():
        searched = _range_text(range_)
        if name in FIXED:
            searched = f"always {format_value(FIXED[name])}"
        shown = [format_value(params[name]) for params in values]
        rows.append((name, searched, *shown))
    return rows


def _compared(search: NetworkSearch) -> list[tuple[str, Trial]]:
    """Return networks whose values are shown, with what they are called."""
    found = [("best", search.best)]
    others = _others(search)
    if others:
        found.append(("next best", others[0]))
    shown = [trial for _, trial in found]
    if search.start not in shown:
        found.append(("at the start", search.start))
    return found


def _range_text(range_: Range) -> str:
    """Return the values of a range.

    >>> from automl.space import Int
    >>> _range_text(Int(1, 4)), _range_text(Choice(("silu", "relu")))
    ('1 to 4', 'silu, relu')
    """
    if isinstance(range_, Choice):
        return ", ".join(map(format_value, range_.values))
    low = format_value(range_.low)
    high = format_value(range_.high)
    text = f"{low} to {high}"
    if range_.log:
        return f"{text}, log scale"
    return text


# ------------------------------------------------------------ the next best


def _others(search: NetworkSearch) -> list[Trial]:
    _, *others = search.networks
    return others[:MAX_OTHERS]


def _others_caption(study: Study) -> str:
    metric = metric_of(study.known_task)
    return f"Compared with the best one fold by fold; what they lose is {metric.loss_name}."


def _other_row(search: NetworkSearch, trial: Trial) -> tuple[str, ...]:
    """Return a row under `OTHER_HEADINGS`."""
    study = search.study
    change = compare_trials(search.best, trial, study.plan)
    error = ""
    if change.error is not None:
        error = _amount(change.error)
    differences = search.differences(trial, search.best)
    words = []
    for name, value, best_value in differences:
        shown = format_value(value)
        best = format_value(best_value)
        words.append(f"{name} {shown} ({best})")
    return (
        trial.id,
        _score(study, trial.loss),
        _amount(change.difference),
        error,
        f"{change.better} of {change.folds}",
        ", ".join(words),
    )


def _score(study: Study, loss: float) -> str:
    """Return the score of a loss as text."""
    score = metric_of(study.known_task).score(loss)
    decimals = decimal_places(score)
    return format_number(score, decimals)


def _amount(difference: float) -> str:
    """Return a difference with three digits at least, without a power of ten.

    >>> _amount(0.018861), _amount(651.3)
    ('0.0189', '651')
    """
    decimals = decimal_places(difference, 3)
    return format_number(difference, decimals)
