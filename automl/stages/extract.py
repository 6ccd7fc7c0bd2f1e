"""The extract stage: which recipes are used.

A worker encodes the table by a recipe when the first job needs it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from automl.budget import Budget
from automl.columns import Categories, Columns, Texts
from automl.errors import InputError, suggestion
from automl.events import FindingRecorded, RecipesChosen
from automl.features.category import MAX_NATIVE_LEVELS
from automl.features.encoding import max_pieces_per_column
from automl.features.recipe import MAX_TEXT_CHARACTERS, RECIPES
from automl.finding import Finding
from automl.lab.lab import Lab
from automl.stages._base import option
from automl.study import Study

SECONDS_PER_CHARACTER = 4e-7  # of a text, with everything that is computed from it
TEXT_READING_TIME_SHARE = 0.1  # of the time that is left; where reading takes longer, less is read
# If even the first characters of the texts take more than this, texts are left out.
MAX_READING_TIME_SHARE = 0.25
CHARACTERS_READ = (MAX_TEXT_CHARACTERS, 1_000, 250)  # of each text


@dataclass(frozen=True)
class Extract:
    """Choose how numbers, categories, dates, flags and text become a model's input."""

    recipes: tuple[str, ...] = option(
        (),
        f"Recipes that may be used, of {', '.join(RECIPES)}; none named: all that fit the table.",
    )
    text: Literal["svd", "skip"] = option(
        "svd",
        "Text columns: TF-IDF reduced by SVD and scores of their words, or only their lengths.",
    )

    def __post_init__(self) -> None:
        """Refuse recipes that don't exist."""
        for name in self.recipes:
            if name not in RECIPES:
                hint = suggestion(name, RECIPES)
                raise InputError(
                    f"extract.recipes: no recipe {name!r}.{hint} There are: {', '.join(RECIPES)}."
                )

    def run(self, study: Study, lab: Lab, budget: Budget) -> Study:
        """Offer the recipes that make a difference on this table."""
        columns = lab.data.dataset().columns
        text: dict[str, Any] = {"text": "skip"}
        texts = columns.names("text")
        if texts and self.text == "svd":
            characters = _affordable_characters(columns, lab.budget.remaining())
            if characters < MAX_TEXT_CHARACTERS:
                finding = _long_texts_finding(texts, characters)
                study = lab.record(study, FindingRecorded(finding))
            if characters:
                text = {"text": "svd", "reads": characters}
        names = self.recipes or _distinct_recipes(columns)
        recipes = [replace(RECIPES[name], **text) for name in names]
        return lab.record(study, RecipesChosen(tuple(recipes)))


def _affordable_characters(columns: Columns, seconds_left: float) -> int:
    """Return how many characters of each text there is time to read; 0 if there is none."""
    texts = [column for column in columns.by_name.values() if isinstance(column, Texts)]
    lengths = np.concatenate([np.diff(column.offsets) for column in texts])
    seconds = 0.0
    for characters in CHARACTERS_READ:
        total = int(np.minimum(lengths, characters).sum())
        seconds = SECONDS_PER_CHARACTER * total
        if seconds <= TEXT_READING_TIME_SHARE * seconds_left:
            return characters
    is_affordable = seconds <= MAX_READING_TIME_SHARE * seconds_left
    return CHARACTERS_READ[-1] if is_affordable else 0


def _long_texts_finding(texts: tuple[str, ...], characters: int) -> Finding:
    """Report texts that are not read whole."""
    what = "texts are not read, only their lengths are taken"
    if characters:
        what = f"the first {characters} characters of each text are read"
    return Finding(
        "long_texts",
        texts,
        "warning",
        len(texts),
        action=f"{what}: all of them would take too much of the time",
        override="a larger --budget, or --set extract.text=skip",
    )


def _distinct_recipes(columns: Columns) -> tuple[str, ...]:
    """Return the recipes without those that are equal to an earlier one on this table."""
    first: dict[tuple[object, ...], str] = {}
    for name in RECIPES:
        first.setdefault(_effect(name, columns), name)
    return tuple(first.values())


def _effect(name: str, columns: Columns) -> tuple[object, ...]:
    """Return the settings of a recipe that have an effect on this table."""
    recipe = RECIPES[name]
    n_numbers = len(columns.names("number"))
    n_categories = len(columns.names("category"))
    numbers = recipe.numbers
    if numbers == "pieces" and max_pieces_per_column(n_numbers) < 2:
        numbers = "standard"
    categories: str = recipe.categories
    if categories == "mixed" and not _has_many_levels(columns):
        categories = "native"
    return (
        numbers,
        categories if n_categories else "",
        recipe.means and n_categories > 0,
        recipe.pairs and (n_numbers > 1 or n_categories > 1),
    )


def _has_many_levels(columns: Columns) -> bool:
    for column in columns.by_name.values():
        if isinstance(column, Categories) and len(column.levels) > MAX_NATIVE_LEVELS:
            return True
    return False
