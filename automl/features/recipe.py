"""A recipe: how columns become a model's input. Part of a candidate, so features are searched like any hyperparameter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

MOST_READ = 4_000  # characters of a text


@dataclass(frozen=True)
class Recipe:
    """How each kind of column is encoded.

    Parameters
    ----------
    name : str
        The name shown on the leaderboard.
    numbers : {"plain", "standard", "quantile", "pieces"}
        As they are; centred and scaled; mapped to a normal distribution by ranks; centred and scaled with, beside it, its share of
        every piece between quantiles. All but the first fill missing values with the median and add a column that says where they were
        missing.
    categories : {"native", "onehot", "target", "codes", "mixed"}
        Codes marked as categorical; one column a level (rare ones together); cross-fitted mean of the target; codes ordered by
        frequency, as numbers; the first where levels are few, else the last two.
    text : {"svd", "skip", "alone"}
        Beside their lengths, what texts are about, by TF-IDF reduced by SVD, and what their words tell of the target. It takes the
        longest of all and is the same for every recipe: the recipe of topics, which makes nothing else, makes it once for all. Or not used.
    reads : int
        Characters of a text that are read.
    means : bool
        Whether cross-fitted means of the target stand beside the categories.
    pairs : bool
        Whether pairs of columns are added that promise to explain what the columns by themselves don't: sums, differences, products
        and ratios of numbers, means of the target by two categories.
    bounded : bool
        Whether only a bounded number of columns is used, those that tell most of the target on a bounded sample of rows.
    """

    name: str
    numbers: Literal["plain", "standard", "quantile", "pieces"] = "plain"
    categories: Literal["native", "onehot", "target", "codes", "mixed"] = "native"
    text: Literal["svd", "skip", "alone"] = "svd"
    reads: int = MOST_READ
    means: bool = False
    pairs: bool = False
    bounded: bool = False

    @property
    def words(self) -> tuple[str, str, str]:
        """What becomes of numbers and of categories, and what is added, for people."""
        added = ["means of the target by category"] if self.means else []
        added += ["pairs of columns"] if self.pairs else []
        return NUMBERS[self.numbers], CATEGORIES[self.categories], " and ".join(added)

    @property
    def reads_target(self) -> bool:
        """Whether some encoder reads the target, and so has to be fitted inside each fold."""
        return (
            self.categories in ("target", "mixed")
            or self.means
            or self.pairs
            or self.makes_topics
            or self.bounded
        )

    @property
    def makes_topics(self) -> bool:
        """Whether it makes of texts what all recipes share, and nothing else."""
        return self.text == "alone"

    @property
    def is_finite(self) -> bool:
        """Whether encoded values are never missing, for models that can't have it."""
        return self.numbers != "plain" and not self.has_codes and not self.pairs

    @property
    def has_codes(self) -> bool:
        """Whether columns of category codes may be among what it makes."""
        return self.categories in ("native", "mixed")

    def to_json(self) -> dict[str, Any]:
        """Plain values; `bounded` only where it is so, since candidates were named before there was such a thing."""
        plain = asdict(self)
        return (
            plain
            if self.bounded
            else {name: value for name, value in plain.items() if name != "bounded"}
        )

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Recipe:
        """The recipe that `to_json` wrote."""
        return cls(**value)


NUMBERS = {
    "plain": "as they are",
    "standard": "centred and scaled",
    "quantile": "by rank, mapped to a normal distribution",
    "pieces": "centred and scaled, and their share of each piece between quantiles",
}
CATEGORIES = {
    "native": "codes marked as categorical",
    "onehot": "one column a level, rare levels together",
    "target": "cross-fitted mean of the target",
    "codes": "codes ordered by frequency, as numbers",
    "mixed": "few levels: codes marked as categorical; many: mean of the target, and codes ordered by frequency",
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
        Recipe("codes", categories="codes"),
        Recipe("pieces", numbers="pieces", categories="onehot", means=True),
        Recipe("pairs", means=True, pairs=True),
        Recipe("mixed_pairs", categories="mixed", means=True, pairs=True),
        Recipe("coded_pairs", categories="codes", means=True, pairs=True),
    )
}

FIRST = Recipe("first", numbers="standard", categories="onehot", text="skip", bounded=True)
TOPICS = Recipe("topics", numbers="standard", text="alone")


def topics(recipe: Recipe) -> Recipe:
    """What makes of texts, for a recipe, what all recipes share."""
    return replace(TOPICS, reads=recipe.reads)
