"""extract: which recipes are in play. Each is encoded by a worker when the first job needs it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from automl.budget import Budget
from automl.cleaning import Finding
from automl.columns import Categories, Columns, Texts
from automl.errors import InputError, suggestion
from automl.features.category import SEVERAL
from automl.features.encoding import pieces_of
from automl.features.recipe import MOST_READ, RECIPES
from automl.lab.lab import Lab
from automl.stages._base import option
from automl.trial import Study

SECONDS_TO_READ = 4e-7  # a character, with all that comes of it
READING = 0.1  # of the time that is left may go into the texts, of which less is read where that takes longer
AT_MOST = 0.25  # if not even their first characters can be read in that time, texts are left out
READS = (MOST_READ, 1_000, 250)  # characters of a text


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
                raise InputError(
                    f"extract.recipes: no recipe {name!r}.{suggestion(name, RECIPES)} There are: {', '.join(RECIPES)}."
                )

    def run(self, study: Study, lab: Lab, budget: Budget) -> Study:
        """Offer the recipes that make a difference on this table."""
        columns = lab.dataset().columns
        texts = columns.names("text") if self.text == "svd" else ()
        reads = _affordable(columns, lab.whole.remaining()) if texts else 0
        if texts and reads < MOST_READ:
            study = lab.tell(
                study, {"kind": "finding", "finding": _shortened(texts, reads).to_json()}
            )
        text: dict[str, Any] = {"text": "svd", "reads": reads} if reads else {"text": "skip"}
        recipes = [
            replace(RECIPES[name], **text).to_json() for name in self.recipes or _offered(columns)
        ]
        return lab.tell(study, {"kind": "stage", "stage": "extract", "recipes": recipes})


def _affordable(columns: Columns, seconds: float) -> int:
    """How many characters of each text are read, so that it doesn't take too much of the time that is left; 0 if none can be."""
    texts = [column for column in columns.by_name.values() if isinstance(column, Texts)]
    lengths = np.concatenate([np.diff(column.offsets) for column in texts])
    takes = {reads: SECONDS_TO_READ * int(np.minimum(lengths, reads).sum()) for reads in READS}
    fewest = READS[-1] if takes[READS[-1]] <= AT_MOST * seconds else 0
    return next((reads for reads, needed in takes.items() if needed <= READING * seconds), fewest)


def _shortened(texts: tuple[str, ...], reads: int) -> Finding:
    """What is told of texts that are not read whole."""
    what = (
        f"the first {reads} characters of each text are read"
        if reads
        else "texts are not read, only their lengths are taken"
    )
    action = f"{what}: all of them would take too much of the time"
    return Finding(
        "long_texts",
        texts,
        "warning",
        len(texts),
        action=action,
        override="a larger --budget, or --set extract.text=skip",
    )


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
    many = any(
        len(column.levels) > SEVERAL
        for column in columns.by_name.values()
        if isinstance(column, Categories)
    )
    shape = (
        "standard" if recipe.numbers == "pieces" and pieces_of(len(numbers)) < 2 else recipe.numbers
    )
    kind = "native" if recipe.categories == "mixed" and not many else recipe.categories
    return (
        shape,
        kind if categories else "",
        recipe.means and bool(categories),
        recipe.pairs and (len(numbers) > 1 or len(categories) > 1),
    )
