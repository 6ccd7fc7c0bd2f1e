"""A recipe: how columns become a model's input.

It is part of a candidate, so features are searched like any hyperparameter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

MAX_TEXT_CHARACTERS = 4_000  # characters of a text


@dataclass(frozen=True)
class Recipe:
    """How each kind of column is encoded.

    Parameters
    ----------
    name : str
        The name shown on the leaderboard.
    numbers : {"plain", "standard", "quantile", "pieces"}
        "plain": as they are. "standard": centred and scaled. "quantile": mapped to a normal
        distribution by ranks. "pieces": centred and scaled, and next to that their share of every
        piece between quantiles (piecewise linear encoding). All but "plain" fill missing values
        with the median and add a feature that says where they were missing.
    categories : {"native", "embedded", "onehot", "target", "codes", "mixed"}
        "native": codes marked as categorical. "embedded": the same, but two levels are 0 and 1.
        "onehot": one feature per level, rare levels together. "target": cross-fitted mean of the
        target. "codes": codes ordered by frequency, as numbers. "mixed": "native" where levels
        are few, else "target" and "codes".
    text : {"svd", "skip", "alone"}
        "svd": next to the lengths of texts, their topics by TF-IDF reduced by SVD, and scores of
        the target by their words. Topics take by far the longest and are the same for every
        recipe, so `TOPICS_RECIPE` ("alone"), which makes nothing else, makes them once for all
        recipes. "skip": lengths only.
    reads : int
        Number of characters of a text that are read.
    means : bool
        Whether cross-fitted means of the target are added to the categories.
    pairs : bool
        Whether pairs of columns are added that promise to explain more than the columns by
        themselves: sums, differences, products and ratios of numbers, means of the target by two
        categories.
    bounded : bool
        Whether only a bounded number of columns is used: those that explain most of the target
        on a bounded sample of rows.
    """

    name: str
    numbers: Literal["plain", "standard", "quantile", "pieces"] = "plain"
    categories: Literal["native", "embedded", "onehot", "target", "codes", "mixed"] = "native"
    text: Literal["svd", "skip", "alone"] = "svd"
    reads: int = MAX_TEXT_CHARACTERS
    means: bool = False
    pairs: bool = False
    bounded: bool = False

    @property
    def descriptions(self) -> tuple[str, str, str]:
        """Descriptions of the encoding of numbers, that of categories, and the added features."""
        added = []
        if self.means:
            added.append("means of the target by category")
        if self.pairs:
            added.append("pairs of columns")
        return (
            NUMBER_ENCODINGS[self.numbers],
            CATEGORY_ENCODINGS[self.categories],
            " and ".join(added),
        )

    @property
    def reads_target(self) -> bool:
        """Whether some encoder reads the target, and so must be fitted inside each fold."""
        return (
            self.categories in ("target", "mixed")
            or self.means
            or self.pairs
            or self.makes_topics
            or self.bounded
        )

    @property
    def makes_topics(self) -> bool:
        """Whether the recipe makes nothing but the features of texts that all recipes share."""
        return self.text == "alone"

    @property
    def is_finite(self) -> bool:
        """Whether encoded values are never missing, for models that can't handle missing values."""
        return self.numbers != "plain" and not self.has_native_categories and not self.pairs

    @property
    def has_native_categories(self) -> bool:
        """Whether some of the features may be categorical codes."""
        return self.categories in ("native", "embedded", "mixed")

    def to_json(self) -> dict[str, Any]:
        """Return plain values, with `bounded` only if it is set.

        Candidates were named by these values before the field `bounded` existed.
        """
        plain = asdict(self)
        if not self.bounded:
            del plain["bounded"]
        return plain

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Recipe:
        """Return the recipe that `to_json` wrote."""
        return cls(**value)


NUMBER_ENCODINGS = {
    "plain": "as they are",
    "standard": "centred and scaled",
    "quantile": "by rank, mapped to a normal distribution",
    "pieces": "centred and scaled, and their share of each piece between quantiles",
}
CATEGORY_ENCODINGS = {
    "native": "codes marked as categorical",
    "embedded": "codes marked as categorical; two levels: 0 and 1",
    "onehot": "one column a level, rare levels together",
    "target": "cross-fitted mean of the target",
    "codes": "codes ordered by frequency, as numbers",
    "mixed": (
        "few levels: codes marked as categorical; "
        "many: mean of the target, and codes ordered by frequency"
    ),
}

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("native"),
        Recipe("mixed", categories="mixed"),
        Recipe("target", categories="target"),
        Recipe("onehot", numbers="standard", categories="onehot"),
        Recipe("quantile", numbers="quantile", categories="onehot"),
        Recipe("scaled_target", numbers="standard", categories="target"),
        Recipe("embedded", numbers="standard", categories="embedded"),
        Recipe("codes", categories="codes"),
        Recipe("pieces", numbers="pieces", categories="onehot", means=True),
        Recipe("pairs", means=True, pairs=True),
        Recipe("mixed_pairs", categories="mixed", means=True, pairs=True),
        Recipe("coded_pairs", categories="codes", means=True, pairs=True),
    )
}

FIRST_MODEL_RECIPE = Recipe(
    "first", numbers="standard", categories="onehot", text="skip", bounded=True
)
TOPICS_RECIPE = Recipe("topics", numbers="standard", text="alone")


def topics_recipe(recipe: Recipe) -> Recipe:
    """Return the recipe of the text features that all recipes share, as long as `recipe` reads."""
    return replace(TOPICS_RECIPE, reads=recipe.reads)
