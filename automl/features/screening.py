"""Which pairs of columns promise something: what boosted trees leave unexplained is held against every candidate feature.

The idea is OpenFE's (Zhang et al. 2023, arXiv 2211.12507): a feature is worth adding if it explains what a model of the plain
columns does not. Here the rest is explained by means over bins that are learnt from other rows, which takes a millisecond a candidate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

import numpy as np

from automl.columns import Categories, Columns, Floats
from automl.features._base import codes_of, numbers_of
from automl.features.category import known_codes
from automl.features.pairs import OPERATIONS, combined, pair_keys
from automl.features.target import N_FOLDS, Places, Targets, cross_fit
from automl.folds import some

Pair = TypeVar("Pair", bound=tuple[str, ...])

_SAMPLE = 10_000  # rows that are looked at
_CELLS = 3_000_000  # rows x columns, but a thousand rows at least
_OUTPUTS = 3  # classes that are looked at: those with the largest rest, on wide tables the most frequent ones
_NUMBERS, _CATEGORIES = 8, 7  # columns that are put in pairs, the most important ones
_ARITHMETIC, _CROSSES = 10, 6  # pairs that are chosen at most
_BINS = 24
_GAIN = 0.002  # part of the rest that a pair has to explain
_OWN = 1.5  # times what its better column explains by itself
_ROUNDS, _LEAVES, _RATE = 60, 16, 0.1


@dataclass(frozen=True)
class Chosen:
    """The pairs that are worth adding, best first.

    Parameters
    ----------
    arithmetic : tuple of (str, str, str)
        Operation and two columns.
    crosses : tuple of (str, str)
    """

    arithmetic: tuple[tuple[str, str, str], ...] = ()
    crosses: tuple[tuple[str, str], ...] = ()


def screen(columns: Columns, targets: Targets) -> Chosen:
    """Choose pairs by the rows to learn from.

    Parameters
    ----------
    columns : Columns
    targets : Targets
        The rows, what is predicted there, and inner folds.
    """
    numbers, categories = sorted(columns.names("number")), sorted(columns.names("category"))
    if len(numbers) < 2 and len(categories) < 2:
        return Chosen()
    drawn = _Some.of(
        columns, targets, (*numbers, *sorted(columns.names("flag", "date")), *categories)
    )
    if len(drawn.rest) < 10 * N_FOLDS:
        return Chosen()
    return Chosen(
        _best(_arithmetic(drawn, drawn.important(numbers, _NUMBERS)), _ARITHMETIC),
        _best(_crosses(drawn, drawn.important(categories, _CATEGORIES)), _CROSSES),
    )


@dataclass(frozen=True)
class _Some:
    """Some rows, what trees leave unexplained there, and how much the trees used each column."""

    columns: Columns
    rest: Floats
    folds: Places
    uses: Mapping[str, float]

    @classmethod
    def of(cls, columns: Columns, targets: Targets, names: tuple[str, ...]) -> _Some:
        """A sample of the rows to learn from."""
        most = max(1_000, min(_SAMPLE, _CELLS // len(names)))
        picked = some(len(targets.rows), most, len(targets.rows))
        taken = Columns({name: columns[name] for name in names}, columns.n_rows).take(
            targets.rows[picked]
        )
        X = np.column_stack([_plain(taken, name) for name in names])
        values = targets.values[picked]
        if X.size * values.shape[1] > 2 * _OUTPUTS * _CELLS:
            values = values[:, np.sort(np.argsort(-values.var(axis=0), kind="stable")[:_OUTPUTS])]
        rest, uses = _unexplained(X, values, targets.folds[picked])
        largest = np.sort(np.argsort(-rest.var(axis=0), kind="stable")[:_OUTPUTS])
        return cls(
            taken,
            rest[:, largest],
            targets.folds[picked],
            dict(zip(names, uses.tolist(), strict=True)),
        )

    def important(self, names: list[str], most: int) -> list[str]:
        """The columns that the trees used most, by name."""
        return sorted(sorted(names, key=lambda name: (-self.uses[name], name))[:most])

    def explained(self, codes: Places, n_levels: int) -> float:
        """The part of the rest that means by these codes explain, learnt from other folds."""
        parts = []
        for rest in self.rest.T:
            left = rest - cross_fit(codes, rest, self.folds, n_levels)[1]
            parts.append(1.0 - float((left**2).mean()) / max(1e-300, float((rest**2).mean())))
        return float(np.mean(parts))


def _plain(columns: Columns, name: str) -> Floats:
    """A column as trees are given it here: categories as the codes that they have."""
    column = columns[name]
    return (
        codes_of(column, name).astype(np.float64)
        if isinstance(column, Categories)
        else numbers_of(column, name)
    )


def _unexplained(X: Floats, values: Floats, folds: Places) -> tuple[Floats, Floats]:
    """What trees that were grown on the other half of the rows leave unexplained, and how much they gained by each column."""
    import lightgbm

    params = {
        "objective": "regression",
        "num_leaves": _LEAVES,
        "learning_rate": _RATE,
        "min_data_in_leaf": max(5, len(X) // 200),
        "num_threads": 1,
        "verbosity": -1,
        "deterministic": True,
        "force_col_wise": True,
        "seed": 1,
    }
    rest, uses = np.array(values, np.float64), np.zeros(X.shape[1])
    for half in (0, 1):
        held = folds % 2 == half
        for place in range(values.shape[1]):
            booster = lightgbm.train(
                params,
                lightgbm.Dataset(X[~held], values[~held, place], free_raw_data=True),
                _ROUNDS,
            )
            rest[held, place] -= booster.predict(X[held], num_threads=1)
            uses += booster.feature_importance("gain") / max(1e-300, float(values[:, place].var()))
    return rest, uses


def _arithmetic(drawn: _Some, names: list[str]) -> Iterator[tuple[tuple[str, str, str], float]]:
    """Every operation on every pair, with what it explains beyond its columns."""
    values = {name: numbers_of(drawn.columns[name], name) for name in names}
    alone = {name: drawn.explained(binned(values[name]), _BINS + 1) for name in names}
    for first, second in combinations(names, 2):
        least = _OWN * max(alone[first], alone[second], 0.0)
        for operation, one, other in (
            *((sign, first, second) for sign in OPERATIONS),
            ("/", second, first),
        ):
            gain = drawn.explained(
                binned(combined(operation, values[one], values[other])), _BINS + 1
            )
            if gain > least:
                yield (operation, one, other), gain


def _crosses(drawn: _Some, names: list[str]) -> Iterator[tuple[tuple[str, str], float]]:
    """Every pair of categories, with what it explains beyond its columns."""
    kinds = {
        name: column for name in names if isinstance(column := drawn.columns[name], Categories)
    }
    n_levels = {name: len(column.levels) for name, column in kinds.items()}
    alone = {
        name: drawn.explained(known_codes(column, name, n_levels[name]), n_levels[name] + 1)
        for name, column in kinds.items()
    }
    for first, second in combinations(kinds, 2):
        levels = (n_levels[first], n_levels[second])
        keys, codes = np.unique(
            pair_keys(kinds[first], kinds[second], (first, second), levels), return_inverse=True
        )
        gain = drawn.explained(codes, len(keys))
        if gain > _OWN * max(alone[first], alone[second], 0.0):
            yield (first, second), gain


def _best(found: Iterator[tuple[Pair, float]], most: int) -> tuple[Pair, ...]:
    """The best of each pair of columns, best first."""
    chosen: dict[tuple[str, ...], Pair] = {}
    for pair, gain in sorted(found, key=lambda item: (-item[1], item[0])):
        if gain >= _GAIN and len(chosen) < most:
            chosen.setdefault(tuple(sorted(pair[-2:])), pair)
    return tuple(chosen.values())


def binned(values: Floats) -> Places:
    """Codes of bins with about equally many values, the last for missing ones.

    >>> binned(np.array([3.0, 1.0, np.nan])).tolist()[2] == _BINS
    True
    """
    bounded = np.clip(values, -1e300, 1e300)
    seen = bounded[~np.isnan(bounded)]
    if not len(seen):
        return np.full(len(values), _BINS)
    edges = np.quantile(seen, np.linspace(0, 1, _BINS + 1)[1:-1])
    return np.where(np.isnan(bounded), _BINS, np.searchsorted(edges, bounded, side="right")).astype(
        np.int64
    )
