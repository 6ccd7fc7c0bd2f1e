"""A recipe as a ColumnTransformer of scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from automl.features.category import MAX_FLAG_LEVELS, MAX_NATIVE_LEVELS
from automl.features.encoding import max_pieces_per_column
from automl.features.recipe import Recipe
from automl.features.scaling import MAX_KNOTS
from automl.track.script.code import Call, Name
from automl.track.script.columns import ScriptColumns

MAX_ONE_HOT_LEVELS = 50


@dataclass
class ScriptFeatures:
    """The steps of a ColumnTransformer, and the lists of columns that they name.

    Parameters
    ----------
    steps : list of tuple
        A name, a transformer, and the name of a list of columns.
    lists : dict of str to list of str
    native : list of str
        The columns that the model itself knows as categories.
    departures : list of str
        How the features differ from automl's own.
    """

    steps: list[tuple[str, Any, Any]] = field(default_factory=list)
    lists: dict[str, list[str]] = field(default_factory=dict)
    native: list[str] = field(default_factory=list)
    departures: list[str] = field(default_factory=list)

    def add(
        self,
        name: str,
        transformer: Any,
        columns: Sequence[str],
    ) -> None:
        """Add a step, unless it has no columns."""
        if not columns:
            return
        for variable, listed in self.lists.items():
            if listed == list(columns):
                break
        else:
            variable = name.upper()
            self.lists[variable] = list(columns)
        self.steps.append((name, transformer, Name(variable)))


@dataclass(frozen=True)
class Pairs:
    """Pairs of columns that automl chose.

    Parameters
    ----------
    arithmetic : mapping of str to tuple of str
        The first column, the operation and the second one, by the feature's name.
    crosses : mapping of str to tuple of str
        Two columns of categories, by the feature's name.
    """

    arithmetic: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    crosses: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def script_features(
    recipe: Recipe,
    columns: ScriptColumns,
    pairs: Pairs,
    n_rows: int,
    own: str,
    target_type: str,
) -> ScriptFeatures:
    """Return what a recipe makes of the columns.

    Parameters
    ----------
    recipe : Recipe
    columns : ScriptColumns
    pairs : Pairs
    n_rows : int
        That a model is trained on.
    own : str
        How the model's library takes categories: "strings", "types", or "" if it takes none.
    target_type : {"continuous", "binary", "multiclass"}
    """
    features = ScriptFeatures()
    _add_numbers(features, recipe, columns, pairs, n_rows)
    means = _means(recipe, target_type)
    _add_categories(features, recipe, columns, own, means)
    if pairs.crosses:
        features.add("pairs", means, list(pairs.crosses))
    elif recipe.pairs and not pairs.arithmetic:
        features.departures.append(
            "automl also chooses pairs of columns in each fold; they are left out here"
        )
    if recipe.bounded:
        features.departures.append("automl reads only the columns that say most by themselves")
    _add_texts(features, recipe, columns)
    return features


def _add_numbers(
    features: ScriptFeatures, recipe: Recipe, columns: ScriptColumns, pairs: Pairs, n_rows: int
) -> None:
    numbers = [*columns.number_features, *pairs.arithmetic]
    if recipe.numbers == "plain":
        features.add("numbers", "passthrough", [*numbers, *columns.flags])
        return
    numbers += columns.cycle_features
    filled = Call("SimpleImputer", (), {"strategy": "median", "add_indicator": True})
    if recipe.numbers == "quantile":
        options = {
            "n_quantiles": min(MAX_KNOTS, max(2, n_rows * 9 // 10)),
            "output_distribution": "normal",
        }
        scaled = Call("QuantileTransformer", (), options)
    else:
        scaled = Call("StandardScaler")
        features.departures.append(
            "automl takes logarithms of skewed numbers before it scales them, and clips them"
        )
    features.add("numbers", Call("make_pipeline", (filled, scaled)), numbers)
    if recipe.numbers == "pieces":
        n_pieces = max_pieces_per_column(len(columns.numbers))
        options = {
            "n_knots": n_pieces + 1,
            "degree": 1,
            "knots": "quantile",
            "extrapolation": "constant",
        }
        if n_pieces >= 2:
            median = Call("SimpleImputer", (), {"strategy": "median"})
            pieces = Call("make_pipeline", (median, Call("SplineTransformer", (), options)))
            features.add("pieces", pieces, columns.numbers)
    half = Call("SimpleImputer", (), {"strategy": "constant", "fill_value": 0.5})
    features.add("flags", half, columns.flags)


def _add_categories(
    features: ScriptFeatures, recipe: Recipe, columns: ScriptColumns, own: str, means: Call
) -> None:
    names = list(columns.levels)
    few = [name for name in names if columns.levels[name] <= MAX_FLAG_LEVELS]
    many = [name for name in names if name not in few]
    method = recipe.categories
    if method in ("onehot", "embedded"):
        features.add("categories", _one_hot(), names)
    elif method == "target":
        features.add("few_levels", _one_hot(), few)
    elif method == "codes":
        features.add("ranks", _ranks(features), names)
    else:
        native = names
        if method == "mixed":
            native = [name for name in names if columns.levels[name] <= MAX_NATIVE_LEVELS]
        _add_native(features, native, own)
        if method == "mixed":
            many = [name for name in names if name not in native]
            features.add("ranks", _ranks(features), many)
    if method in ("target", "mixed") or recipe.means:
        features.add("means", means, many)
        if many:
            features.departures.append(
                "means of the target by category are scikit-learn's TargetEncoder, "
                "which draws rare categories to the mean by another rule"
            )
    if method == "embedded":
        features.departures.append("automl's network learns a vector for each category")
    if method == "target":
        features.departures.append("automl adds how often each of more than 20 categories occurs")


def _add_native(
    features: ScriptFeatures,
    native: list[str],
    own: str,
) -> None:
    if own == "strings":
        filled = Call("SimpleImputer", (), {"strategy": "constant", "fill_value": "missing"})
        features.add("categories", filled, native)
    else:
        features.add("categories", Call("AsCategories"), native)
    features.native = native


def _add_texts(features: ScriptFeatures, recipe: Recipe, columns: ScriptColumns) -> None:
    topics: Any = Call("TextTopics")
    if recipe.is_finite:
        topics = Call("make_pipeline", (topics, Call("StandardScaler")))
    for index, name in enumerate(columns.text_features, start=1):
        features.steps.append((f"text_{index}", topics, [name]))
    if columns.text_features:
        features.departures.append(
            "automl adds the lengths of texts, and scores of the target by their words"
        )


def _one_hot() -> Call:
    options = {
        "handle_unknown": "infrequent_if_exist",
        "max_categories": MAX_ONE_HOT_LEVELS,
        "sparse_output": False,
    }
    return Call("OneHotEncoder", (), options)


def _ranks(features: ScriptFeatures) -> Call:
    features.departures.append("codes of categories are in alphabetical order, not by frequency")
    return Call("OrdinalEncoder", (), {"handle_unknown": "use_encoded_value", "unknown_value": -1})


def _means(recipe: Recipe, target_type: str) -> Call:
    encoder = Call("TargetEncoder", (), {"target_type": target_type})
    if recipe.numbers == "plain":
        return encoder
    return Call("make_pipeline", (encoder, Call("StandardScaler")))
