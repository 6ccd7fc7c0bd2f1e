"""The portfolio: strong configurations, ordered for each size and kind of task, kept as data in portfolio.toml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from automl.features.recipe import FIRST as BOUNDED
from automl.features.recipe import Recipe
from automl.files import read_toml
from automl.models import everybody
from automl.trial import FIRST, Candidate, Study

PROVEN = 10  # candidates of an earlier run that are tried again
LARGE = 5_000  # rows from which on the order for large tables is followed: between those that the two orders were learnt on
MANY = 50_000  # rows from which on linear models come last: they are not the quick ones there
CATEGORICAL = (
    0.5  # of the columns are categories: there CatBoost, which is made for them, comes early
)
_FILE = Path(__file__).with_name("portfolio.toml")


@cache
def entries(kind: str, size: str) -> tuple[dict[str, Any], ...]:
    """The entries of portfolio.toml for a kind of task and small or large tables, in order."""
    told = read_toml(_FILE)
    return tuple(told["entry"][name] for name in told["order"][size][kind])


def portfolio(study: Study, families: Sequence[str] = ()) -> list[Candidate]:
    """The candidates for a study: the constant baseline first, then those of the families that take part.

    A family that takes part without an entry of its own does so with its defaults, right after the first: who has one wants to see it
    tried.
    """
    names = families or everybody()
    size = "large" if study.size.rows >= LARGE else "small"
    taking_part = [
        entry for entry in entries(study.the_task.kind, size) if entry["family"] in names
    ]
    lacking = [
        name
        for name in names
        if name not in {e["family"] for e in taking_part} and name != "constant"
    ]
    own = [{"family": name, "params": {}} for name in lacking]
    return _candidates(study, [*taking_part[:1], *own, *taking_part[1:]])


def baseline(study: Study) -> Candidate:
    """The constant, which everything is held against."""
    return _candidates(study, [])[0]


def first_model(study: Study) -> Candidate:
    """The quick linear model that answers as long as there is no better one."""
    return Candidate("linear", {"quick": True}, BOUNDED, FIRST)


def defaults(study: Study, families: Sequence[str] = ()) -> list[Candidate]:
    """The constant baseline, then the defaults of the families that take part."""
    names = families or everybody()
    return _candidates(
        study, [{"family": name, "params": {}} for name in names if name != "constant"]
    )


def proven(known: Study, study: Study, families: Sequence[str] = ()) -> list[Candidate]:
    """The best candidates of an earlier run, and the best of each of its families, as candidates of this one: best first.

    One whose recipe is not in play on this table has its family's first that is.
    """
    best = [
        trial
        for rank, trial in enumerate(known.ranked)
        if rank < PROVEN or known.leaders[trial.candidate.family] is trial
    ]
    taking_part = [trial.candidate for trial in best if trial.candidate.family != "constant"]
    taking_part = [
        candidate for candidate in taking_part if not families or candidate.family in families
    ]
    made = [
        Candidate(
            one.family,
            dict(one.params),
            _recipe(study, {"family": one.family, "recipes": [one.recipe.name]}),
            "earlier",
        )
        for one in taking_part
    ]
    return list({candidate.id: candidate for candidate in made}.values())


def _candidates(study: Study, taking_part: list[dict[str, Any]]) -> list[Candidate]:
    """The baseline and these entries, each configuration once."""
    first = replace(
        _candidate(study, {"family": "constant", "params": {}, "recipes": ["native"]}),
        origin="baseline",
    )
    candidates = [first, *(_candidate(study, entry) for entry in _suited(study, taking_part))]
    return list({candidate.id: candidate for candidate in candidates}.values())


def _suited(study: Study, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries in an order that suits the table: linear models last for many rows, CatBoost second of the boosters for categories."""
    if study.size.rows >= MANY:
        entries = sorted(entries, key=lambda entry: entry["family"] == "linear")
    names = [entry["family"] for entry in entries]
    if study.size.categories >= CATEGORICAL * study.size.columns > 0 and {
        "lightgbm",
        "catboost",
    } <= set(names):
        rank, after = names.index("catboost"), names.index("lightgbm") + 1
        if after < rank:
            entries = list(entries)
            entries.insert(after, entries.pop(rank))
    return entries


def _candidate(study: Study, entry: dict[str, Any]) -> Candidate:
    """An entry with its family's defaults written out, so that equal configurations have one id."""
    params = {**study.family(entry["family"]).defaults(study.the_task), **entry["params"]}
    return Candidate(entry["family"], params, _recipe(study, entry), "portfolio")


def _recipe(study: Study, entry: dict[str, Any]) -> Recipe:
    """The first of the entry's recipes that is in play on this table, else the family's first that is."""
    offered = {recipe.name: recipe for recipe in study.recipes}
    suited = [*entry.get("recipes", ()), *study.family(entry["family"]).recipes]
    return next((offered[name] for name in suited if name in offered), study.recipes[0])
