"""The portfolio: strong configurations, ordered for each size and kind of task.

They are kept as data in portfolio.toml.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from automl.candidate import FIRST_MODEL_ORIGIN, Candidate
from automl.features.recipe import FIRST_MODEL_RECIPE as BOUNDED
from automl.features.recipe import Recipe
from automl.files import read_toml
from automl.models import default_families, is_baseline, needs_extra
from automl.models.constant import Constant
from automl.search.pretrained import fitting
from automl.space import existing
from automl.study import Study

N_PROVEN = 10  # candidates of an earlier run that are tried again
# Rows from which on the order for large tables is followed. It lies between the sizes of the
# tables that the two orders were learnt on.
MIN_LARGE_ROWS = 5_000
MIN_ROWS_FOR_LINEAR_LAST = 50_000  # linear models are not the quick ones there
# Share of categories among the columns from which on CatBoost, made for them, comes early.
MIN_CATEGORICAL_SHARE = 0.5
_FILE = Path(__file__).with_name("portfolio.toml")

Entry = dict[str, Any]  # family and params, perhaps recipes


@cache
def load_entries(kind: str, size: str) -> tuple[Entry, ...]:
    """Return the entries of portfolio.toml for a kind of task and a size of table, in order."""
    content = read_toml(_FILE)
    names = content["order"][size][kind]
    by_name = content["entry"]
    return tuple(by_name[name] for name in names)


def portfolio(
    study: Study,
    families: Sequence[str] = (),
) -> list[Candidate]:
    """Return the candidates for a study: the constant baseline, then those of the families.

    A family without an entry takes part with its defaults, right after the first entry: a user
    who brings a family wants to see it tried. The slow ones of an extra come last, and pretrained
    ones that the table is too large for not at all.
    """
    names = fitting(study, families or default_families())
    size = "small"
    if study.size.rows >= MIN_LARGE_ROWS:
        size = "large"
    kind = study.known_task.kind
    chosen = []
    known = set()
    for entry in load_entries(kind, size):
        name = entry["family"]
        if name in names:
            chosen.append(entry)
            known.add(name)
    new = [name for name in names if name not in known]
    slow = [name for name in new if needs_extra(name)]
    brought = [name for name in new if name not in slow]
    chosen[1:1] = _default_entries(brought)
    chosen.extend(_default_entries(slow))
    return _candidates(study, chosen)


def baseline(study: Study) -> Candidate:
    """Return the constant, with which everything is compared."""
    entry = {
        "family": Constant.name,
        "params": {},
        "recipes": ["native"],
    }
    candidate = _candidate(study, entry)
    return replace(candidate, origin="baseline")


def first_model(study: Study) -> Candidate:
    """Return the quick linear model that serves as long as there is no better one."""
    params = {"quick": True}
    return Candidate("linear", params, BOUNDED, FIRST_MODEL_ORIGIN)


def defaults(
    study: Study,
    families: Sequence[str] = (),
) -> list[Candidate]:
    """Return the constant baseline, then the defaults of the families that take part."""
    names = families or default_families()
    return _candidates(study, _default_entries(names))


def default_candidate(study: Study, name: str) -> Candidate:
    """Return the defaults of a family as a candidate."""
    (entry,) = _default_entries([name])
    return _candidate(study, entry)


def _default_entries(names: Iterable[str]) -> list[Entry]:
    models = [name for name in names if not is_baseline(name)]
    return [{"family": name, "params": {}} for name in models]


def proven(
    known: Study,
    study: Study,
    families: Sequence[str] = (),
) -> list[Candidate]:
    """Return the best candidates of an earlier run and of each of its families, best first.

    One whose recipe is not used on this table gets its family's first recipe that is.

    Parameters
    ----------
    known : Study
        The earlier run.
    study : Study
        The run that the candidates are for.
    """
    candidates = []
    for rank, trial in enumerate(known.ranked):
        earlier = trial.candidate
        name = earlier.family
        if is_baseline(name):
            continue
        if families and name not in families:
            continue
        if rank >= N_PROVEN and trial is not known.leaders[name]:
            continue
        recipe_name = earlier.recipe.name
        recipe = _recipe(study, name, [recipe_name])
        params = dict(earlier.params)
        candidate = Candidate(name, params, recipe, "earlier")
        candidates.append(candidate)
    return _distinct(candidates)


def _candidates(study: Study, chosen: list[Entry]) -> list[Candidate]:
    """Return the baseline and the chosen entries, each configuration once."""
    ordered = _ordered(study, chosen)
    candidates = [_candidate(study, entry) for entry in ordered]
    return _distinct([baseline(study), *candidates])


def _distinct(candidates: list[Candidate]) -> list[Candidate]:
    by_id = {}
    for candidate in candidates:
        by_id[candidate.id] = candidate
    return list(by_id.values())


def _ordered(study: Study, chosen: list[Entry]) -> list[Entry]:
    """Return entries in an order that suits the table.

    Linear models come last on many rows. CatBoost comes right after LightGBM on categories.
    """
    size = study.size
    ordered = list(chosen)
    if size.rows >= MIN_ROWS_FOR_LINEAR_LAST:
        ordered.sort(key=lambda entry: entry["family"] == "linear")
    min_categories = MIN_CATEGORICAL_SHARE * size.columns
    if not size.categories >= min_categories > 0:
        return ordered
    names = [entry["family"] for entry in ordered]
    if "lightgbm" not in names:
        return ordered
    if "catboost" not in names:
        return ordered
    rank = names.index("catboost")
    early_rank = names.index("lightgbm") + 1
    if early_rank < rank:
        catboost = ordered.pop(rank)
        ordered.insert(early_rank, catboost)
    return ordered


def _candidate(study: Study, entry: Entry) -> Candidate:
    """Return an entry's candidate, with its family's defaults.

    With them, equal configurations have one id.
    """
    name = entry["family"]
    family = study.family(name)
    params = {
        **family.defaults(study.known_task),
        **entry["params"],
    }
    recipe_names = entry.get("recipes", ())
    recipe = _recipe(study, name, recipe_names)
    space = family.space(study.known_task)
    point = existing(space, params)
    return Candidate(name, point, recipe, "portfolio")


def _recipe(study: Study, family: str, names: Sequence[str]) -> Recipe:
    """Return the first of the named recipes that is used on this table.

    If none is, return the family's first recipe that is.
    """
    used = {recipe.name: recipe for recipe in study.recipes}
    suitable = study.family(family).recipes
    for name in (*names, *suitable):
        if name in used:
            return used[name]
    return study.recipes[0]
