"""extract: which recipes are in play. Each is encoded by a worker when the first job needs it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from automl.budget import Budget
from automl.columns import Categories, Columns
from automl.errors import InputError, suggestion
from automl.features.category import SEVERAL
from automl.features.recipe import RECIPES
from automl.lab.lab import Lab
from automl.stages._base import option
from automl.trial import Study


@dataclass(frozen=True)
class Extract:
    """Choose how numbers, categories, dates, flags and text become a model's input."""

    recipes: tuple[str, ...] = option((), f"Recipes that may be used, of {', '.join(RECIPES)}; none named: all that fit the table.")
    text: Literal["svd", "skip"] = option("svd", "Text columns: TF-IDF reduced by SVD and scores of their words, or only their lengths.")

    def __post_init__(self) -> None:
        """Refuse recipes that don't exist."""
        for name in self.recipes:
            if name not in RECIPES:
                raise InputError(f"extract.recipes: no recipe {name!r}.{suggestion(name, RECIPES)} There are: {', '.join(RECIPES)}.")

    def run(self, study: Study, lab: Lab, budget: Budget) -> Study:
        """Offer the recipes that make a difference on this table."""
        columns = lab.dataset().columns
        text = self.text if columns.names("text") else "skip"
        recipes = [replace(RECIPES[name], text=text).to_json() for name in self.recipes or _offered(columns)]
        return lab.tell(study, {"kind": "stage", "stage": "extract", "recipes": recipes})


def _offered(columns: Columns) -> tuple[str, ...]:
    """The recipes, without those that are the same as an earlier one on this table."""
    first: dict[tuple[object, ...], str] = {}
    for name in RECIPES:
        first.setdefault(_difference(name, columns), name)
    return tuple(first.values())


def _difference(name: str, columns: Columns) -> tuple[object, ...]:
    """What makes a difference on this table."""
    recipe = RECIPES[name]
    numbers, categories = columns.names("number"), columns.names("category")
    many = any(len(column.levels) > SEVERAL for column in columns.by_name.values() if isinstance(column, Categories))
    kind = "native" if recipe.categories == "mixed" and not many else recipe.categories
    return (
        recipe.numbers,
        kind if categories else "",
        recipe.means and bool(categories),
        recipe.pairs and (len(numbers) > 1 or len(categories) > 1),
    )
