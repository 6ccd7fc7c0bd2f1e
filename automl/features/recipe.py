"""A recipe: how columns become a model's input. Part of a candidate, so features are searched like any hyperparameter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Recipe:
    """How each kind of column is encoded.

    Parameters
    ----------
    name : str
        The name shown on the leaderboard.
    numbers : {"plain", "standard", "quantile"}
        As they are; centred and scaled; mapped to a normal distribution by ranks. The last two fill missing values with the
        median and add a column that says where they were missing.
    categories : {"native", "onehot", "target", "codes"}
        Codes marked as categorical; one column a level (rare ones together); cross-fitted mean of the target; codes ordered by
        frequency, as numbers.
    text : {"svd", "skip"}
        TF-IDF reduced by SVD, or not used.
    """

    name: str
    numbers: Literal["plain", "standard", "quantile"] = "plain"
    categories: Literal["native", "onehot", "target", "codes"] = "native"
    text: Literal["svd", "skip"] = "svd"

    @property
    def reads_target(self) -> bool:
        """Whether some encoder reads the target, and so has to be fitted inside each fold."""
        return self.categories == "target"

    @property
    def is_finite(self) -> bool:
        """Whether encoded values are never missing, for models that can't have it."""
        return self.numbers != "plain" and self.categories != "native"

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Recipe:
        """The recipe that `to_json` wrote."""
        return cls(**value)


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("native"),
        Recipe("target", categories="target"),
        Recipe("onehot", numbers="standard", categories="onehot"),
        Recipe("quantile", numbers="quantile", categories="onehot"),
        Recipe("scaled_target", numbers="standard", categories="target"),
        Recipe("codes", categories="codes"),
    )
}
