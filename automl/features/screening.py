"""Choose the pairs of columns that explain most of the rest that boosted trees leave unexplained.

The idea is OpenFE's (Zhang et al. 2023, arXiv 2211.12507): a feature is worth adding if it
explains something that a model of the plain columns does not. Here the rest is explained by means
over bins that are learnt from other rows, which takes a millisecond a candidate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from automl.arrays import Floats, Integers
from automl.columns import Categories, Columns
from automl.features._base import Names, category_codes, number_values
from automl.features.category import known_codes
from automl.features.pairs import OPERATIONS, apply_operation, pair_keys
from automl.features.target import N_CROSS_FITTING_FOLDS, TargetColumns, cross_fit
from automl.folds import sample_rows

ColumnPair = tuple[str, str]
OperationPair = tuple[str, str, str]  # operation and two columns

MAX_ROWS = 10_000  # that are screened
MIN_SCREENED_ROWS = 10 * N_CROSS_FITTING_FOLDS
MIN_ROWS_OF_WIDE_TABLE = 1_000
MAX_SCREENED_CELLS = 3_000_000  # rows x columns, unless that leaves less than a thousand rows
MAX_OUTPUTS = 3  # classes with the largest rest; on wide tables first the most frequent ones
MAX_NUMBERS = 8  # the most important numbers, which are paired
MAX_CATEGORIES = 7  # the most important categories, which are paired
MAX_ARITHMETIC = 10  # chosen pairs of numbers
MAX_CROSSES = 6  # chosen pairs of categories
N_BINS = 24
MIN_EXPLAINED = 0.002  # part of the rest that a pair must explain
MIN_RATIO_TO_COLUMN = 1.5  # to the part that its better column explains by itself
MIN_VARIANCE = 1e-300  # so that no division is by zero
MAX_BINNED = 1e300  # larger magnitudes are clipped before binning

N_BOOSTING_ROUNDS = 60
BOOSTING_PARAMETERS = {
    "objective": "regression",
    "num_leaves": 16,
    "learning_rate": 0.1,
    "num_threads": 1,
    "verbosity": -1,
    "deterministic": True,
    "force_col_wise": True,
    "seed": 1,
}


@dataclass(frozen=True)
class Chosen:
    """The pairs that are worth adding, best first.

    Parameters
    ----------
    arithmetic : tuple of (str, str, str)
        Operation and two columns.
    crosses : tuple of (str, str)
    """

    arithmetic: tuple[OperationPair, ...] = ()
    crosses: tuple[ColumnPair, ...] = ()


@dataclass(frozen=True)
class Promising:
    """A candidate that explains more than its columns by themselves.

    Parameters
    ----------
    pair : tuple of str
        An entry of `Chosen.arithmetic` or `Chosen.crosses`.
    explained : float
        The part of the rest that it explains.
    """

    pair: Names
    explained: float


def screen(columns: Columns, targets: TargetColumns) -> Chosen:
    """Choose pairs on a sample of the rows to learn from.

    Parameters
    ----------
    columns : Columns
    targets : TargetColumns
        The rows, their target values, and inner folds.
    """
    numbers = sorted(columns.names("number"))
    categories = sorted(columns.names("category"))
    if len(numbers) < 2 and len(categories) < 2:
        return Chosen()
    others = sorted(columns.names("flag", "date"))
    names = [*numbers, *others, *categories]
    sample = _ScreeningSample.of(columns, targets, names)
    if len(sample.rest) < MIN_SCREENED_ROWS:
        return Chosen()
    numbers = sample.most_important(numbers, MAX_NUMBERS)
    categories = sample.most_important(categories, MAX_CATEGORIES)
    arithmetic = _find_promising_arithmetic(sample, numbers)
    crosses = _find_promising_crosses(sample, categories)
    best_arithmetic = _best(arithmetic, MAX_ARITHMETIC)
    best_crosses = _best(crosses, MAX_CROSSES)
    return Chosen(best_arithmetic, best_crosses)


@dataclass(frozen=True)
class _ScreeningSample:
    """A sample of rows, and the results of boosted trees on them.

    Parameters
    ----------
    columns : Columns
        Of the sampled rows.
    rest : ndarray of shape (n_rows, n_outputs), float64
        The part of the target values that the trees leave unexplained.
    folds : ndarray of shape (n_rows,), int64
    importance : mapping of str to float
        How much the trees gained by each column.
    """

    columns: Columns
    rest: Floats
    folds: Integers
    importance: Mapping[str, float]

    @classmethod
    def of(
        cls, columns: Columns, targets: TargetColumns, column_names: Sequence[str]
    ) -> _ScreeningSample:
        """Sample the rows to learn from, and fit trees on the named columns."""
        max_rows = MAX_SCREENED_CELLS // len(column_names)
        max_rows = min(MAX_ROWS, max_rows)
        max_rows = max(MIN_ROWS_OF_WIDE_TABLE, max_rows)
        n_rows = len(targets.rows)
        indices = sample_rows(n_rows, max_rows, n_rows)
        sampled = targets.take(indices)
        by_name = {name: columns[name] for name in column_names}
        named = Columns(by_name, columns.n_rows)
        taken = named.take(sampled.rows)
        X = _as_matrix(taken)
        values = sampled.values
        n_outputs = values.shape[1]
        n_cells = X.size * n_outputs
        if n_cells > 2 * MAX_OUTPUTS * MAX_SCREENED_CELLS:
            values = _most_varied(values)
        rest, gains = _fit_trees_on_halves(X, values, sampled.folds)
        rest = _most_varied(rest)
        gain_list = gains.tolist()
        importance = dict(zip(column_names, gain_list, strict=True))
        return cls(taken, rest, sampled.folds, importance)

    def most_important(self, names: Sequence[str], max_columns: int) -> list[str]:
        """Return the columns that the trees gained most by, sorted by name."""
        ranked = sorted(names)
        ranked.sort(key=self.importance.__getitem__, reverse=True)
        return sorted(ranked[:max_columns])

    def explained(self, codes: Integers, n_levels: int) -> float:
        """Return the part of the rest that means by code explain, learnt from other folds."""
        parts = []
        for rest in self.rest.T:
            _, means = cross_fit(codes, rest, self.folds, n_levels)
            unexplained = _mean_square(rest - means)
            total = _mean_square(rest)
            total = max(MIN_VARIANCE, total)
            part = 1.0 - unexplained / total
            parts.append(part)
        return float(np.mean(parts))

    def explained_by_bins(self, values: Floats) -> float:
        """Return the part of the rest that means over bins of numbers explain."""
        codes = binned(values)
        return self.explained(codes, N_BINS + 1)


def _mean_square(values: Floats) -> float:
    squares = values**2
    return float(squares.mean())


def _most_varied(values: Floats) -> Floats:
    """Return the columns with the largest variances, in their order."""
    variances = values.var(axis=0)
    order = np.argsort(-variances, kind="stable")
    chosen = np.sort(order[:MAX_OUTPUTS])
    return values[:, chosen]


def _as_matrix(columns: Columns) -> Floats:
    """Return the columns as the trees get them here: categories as their codes."""
    parts = []
    for name, column in columns.by_name.items():
        if isinstance(column, Categories):
            codes = category_codes(column, name)
            parts.append(codes.astype(np.float64))
        else:
            numbers = number_values(column, name)
            parts.append(numbers)
    return np.column_stack(parts)


def _fit_trees_on_halves(
    X: Floats, target_values: Floats, folds: Integers
) -> tuple[Floats, Floats]:
    """Fit boosted trees on each half of the rows, and predict the other half.

    Returns
    -------
    rest : ndarray of shape (n_rows, n_outputs)
        The values less their predictions.
    gains : ndarray of shape (n_columns,)
        How much the trees gained by each column, relative to the variances of the outputs.
    """
    import lightgbm

    n_rows, n_columns = X.shape
    parameters: dict[str, Any] = dict(BOOSTING_PARAMETERS)
    parameters["min_data_in_leaf"] = max(5, n_rows // 200)
    rest = np.array(target_values, np.float64)
    gains = np.zeros(n_columns)
    for half in (0, 1):
        held_out = folds % 2 == half
        train = ~held_out
        train_X = X[train]
        held_out_X = X[held_out]
        for output, y in enumerate(target_values.T):
            train_y = y[train]
            data = lightgbm.Dataset(train_X, train_y, free_raw_data=True)
            booster = lightgbm.train(parameters, data, N_BOOSTING_ROUNDS)
            predicted = booster.predict(held_out_X, num_threads=1)
            rest[held_out, output] -= predicted
            variance = float(y.var())
            variance = max(MIN_VARIANCE, variance)
            gain = booster.feature_importance("gain")
            gains += gain / variance
    return rest, gains


def _find_promising_arithmetic(
    sample: _ScreeningSample, number_names: Sequence[str]
) -> Iterator[Promising]:
    """Yield operations on pairs of numbers that explain more than either column does."""
    values = {}
    alone = {}
    for name in number_names:
        column = sample.columns[name]
        numbers = number_values(column, name)
        values[name] = numbers
        alone[name] = sample.explained_by_bins(numbers)
    for first, second in combinations(number_names, 2):
        candidates = [(operation, first, second) for operation in OPERATIONS]
        candidates.append(("/", second, first))
        min_explained = _min_explained(alone[first], alone[second])
        for candidate in candidates:
            operation, left, right = candidate
            left_values = values[left]
            right_values = values[right]
            result = apply_operation(operation, left_values, right_values)
            explained = sample.explained_by_bins(result)
            if explained > min_explained:
                yield Promising(candidate, explained)


def _find_promising_crosses(
    sample: _ScreeningSample, category_names: Sequence[str]
) -> Iterator[Promising]:
    """Yield pairs of categories that explain more than either column does."""
    alone = {}
    n_levels = {}
    for name in category_names:
        column = sample.columns[name]
        assert isinstance(column, Categories)
        missing_code = len(column.levels)
        n_levels[name] = missing_code
        codes = known_codes(column, name, missing_code)
        n_codes = missing_code + 1
        alone[name] = sample.explained(codes, n_codes)
    for pair in combinations(category_names, 2):
        first, second = pair
        levels = (n_levels[first], n_levels[second])
        first_column = sample.columns[first]
        second_column = sample.columns[second]
        keys = pair_keys(first_column, second_column, pair, levels)
        distinct, codes = np.unique(keys, return_inverse=True)
        explained = sample.explained(codes, len(distinct))
        min_explained = _min_explained(alone[first], alone[second])
        if explained > min_explained:
            yield Promising(pair, explained)


def _min_explained(first_alone: float, second_alone: float) -> float:
    """Return the part of the rest that a pair must exceed, given the parts of its columns."""
    better = max(first_alone, second_alone, 0.0)
    return MIN_RATIO_TO_COLUMN * better


def _best(promising: Iterable[Promising], max_pairs: int) -> tuple[Any, ...]:
    """Return the best entry of each pair of columns, best first."""
    ranked = sorted(promising, key=_rank)
    chosen: dict[frozenset[str], Names] = {}
    for entry in ranked:
        if entry.explained < MIN_EXPLAINED:
            break
        if len(chosen) == max_pairs:
            break
        columns = frozenset(entry.pair[-2:])
        if columns not in chosen:
            chosen[columns] = entry.pair
    return tuple(chosen.values())


def _rank(entry: Promising) -> tuple[float, Names]:
    return -entry.explained, entry.pair


def binned(values: Floats) -> Integers:
    """Return the codes of bins with about equally many values, the last code for missing ones.

    >>> binned(np.array([3.0, 1.0, np.nan])).tolist()[2] == N_BINS
    True
    """
    clipped = values.clip(-MAX_BINNED, MAX_BINNED)
    is_missing = np.isnan(clipped)
    present = clipped[~is_missing]
    if not len(present):
        return np.full(len(values), N_BINS)
    shares = np.linspace(0, 1, N_BINS + 1)
    inner_shares = shares[1:-1]
    edges = np.quantile(present, inner_shares)
    bins = np.searchsorted(edges, clipped, side="right")
    codes = np.where(is_missing, N_BINS, bins)
    return codes.astype(np.int64)
