"""LightGBM's text format as arrays of ours; nothing in the text is trusted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from automl.arrays import Floats, Integers
from automl.errors import UnsafeModel
from automl.models._blocks import is_outside
from automl.models.trees.splits import Splits, round_down
from automl.models.trees.trees import Trees

_MAX_DIGITS = 10  # of a whole number below 2**31, with its sign
_MAX_FEATURES = 2**24
_MAX_CLASSES = 100_000
# Bits of a decision type.
_IS_CATEGORICAL = 1
_DEFAULT_LEFT = 2
_MISSING_TYPE_SHIFT = 2
_MISSING_IS_ZERO = 0  # a missing number is read as 0
_MISSING_IS_NAN = 2
_WORD_BITS = 32  # of a set of categories
_OBJECTIVE = re.compile(
    rb"regression|regression_l1|quantile|binary sigmoid:1|multiclass num_class:\d{1,6}"
)


def from_lightgbm(text: bytes) -> Trees:
    """Return the trees of a booster's text.

    Raises
    ------
    UnsafeModel
        The text was cut, lengthened, or its trees don't fit together.
    """
    head, _, body = text.partition(b"\n\n")
    outputs, features = _read_head(head)
    trees, end, _ = body.partition(b"end of trees")
    if not end:
        raise _damaged("no end")
    lines = _Lines.of(trees)
    sizes = lines.integers("num_leaves") - 1
    if len(sizes) != trees.count(b"Tree=") or not len(sizes) or (sizes < 0).any():
        raise _damaged("trees without leaves")
    if set(lines.lines("is_linear")) != {b"0"}:
        raise _damaged("linear leaves")
    conditions, condition = _read_splits(lines, sizes).conditions()
    conditions.check(features)
    read = Trees(
        features=features,
        conditions=conditions,
        sizes=sizes.astype(np.int32),
        condition=condition,
        children=_read_children(lines, sizes),
        value=lines.numbers("leaf_value", sizes + 1)[:, None],
        base=np.zeros(outputs),
    )
    if not np.isfinite(read.value).all():
        raise _damaged("leaves that are not finite")
    read.check()
    return read


def _read_head(head: bytes) -> tuple[int, int]:
    """Return the number of outputs and of features."""
    entries: dict[bytes, bytes] = {}
    for line in head.splitlines():
        name, _, value = line.partition(b"=")
        entries[name] = value
    if not head.startswith(b"tree\n"):
        raise _damaged("it does not begin as one")
    if not _OBJECTIVE.fullmatch(entries.get(b"objective", b"")):
        raise _damaged("an objective that no predictor has")
    outputs = _integer(entries.get(b"num_tree_per_iteration", b""))
    classes = _integer(entries.get(b"num_class", b""))
    features = 1 + _integer(entries.get(b"max_feature_idx", b""))
    if not 1 <= outputs == classes <= _MAX_CLASSES or not 1 <= features <= _MAX_FEATURES:
        raise _damaged("a head that does not fit together")
    return outputs, features


def _read_children(lines: _Lines, sizes: Integers) -> Any:
    left = lines.integers("left_child", sizes)
    right = lines.integers("right_child", sizes)
    return np.column_stack([left, right]).astype(np.int32)


def _read_splits(lines: _Lines, sizes: Integers) -> Splits:
    decision = lines.integers("decision_type", sizes)
    column = lines.integers("split_feature", sizes)
    threshold = lines.numbers("threshold", sizes)
    if is_outside(decision, 16) or np.isnan(threshold).any():
        raise _damaged("splits of an unknown kind")
    is_categorical = (decision & _IS_CATEGORICAL) > 0
    missing_type = decision >> _MISSING_TYPE_SHIFT
    is_numeric_missing = np.isin(missing_type, (_MISSING_IS_ZERO, _MISSING_IS_NAN))
    if not (is_categorical | is_numeric_missing).all():
        raise _damaged("zeros that stand for missing values")
    is_left = np.where(
        missing_type == _MISSING_IS_NAN, (decision & _DEFAULT_LEFT) > 0, threshold >= 0
    )
    sets, first_set = _read_sets(lines)
    chosen = np.full(len(column), -1)
    nodes = np.flatnonzero(is_categorical)
    numbers = threshold[nodes]
    tree = np.repeat(np.arange(len(sizes)), sizes)[nodes]
    n_sets = np.diff(first_set)[tree]
    if not ((numbers >= 0) & (numbers < n_sets) & (numbers == np.floor(numbers))).all():
        raise _damaged("a split by a set of categories which is not there")
    chosen[nodes] = first_set[tree] + numbers.astype(np.int64)
    return Splits(
        column=column,
        threshold=round_down(threshold),
        missing_left=is_left & ~is_categorical,
        chosen_set=chosen,
        sets=sets,
    )


def _read_sets(lines: _Lines) -> tuple[list[Integers], Integers]:
    """Return the categories of all sets, and the first set of each tree, with their number."""
    counts = lines.integers("num_cat")
    if (counts < 0).any():
        raise _damaged("fewer than no sets of categories")
    first = np.concatenate([[0], np.cumsum(counts)])
    counts = counts[counts > 0]
    bounds = lines.split("cat_boundaries")
    words = lines.split("cat_threshold")
    if not len(counts) == len(bounds) == len(words):
        raise _damaged("sets of categories that do not fit together")
    sets: list[Integers] = []
    for index, count in enumerate(counts.tolist()):
        edges = _integers(bounds[index])
        values = _integers(words[index], digits=_MAX_DIGITS)
        has_ends = edges[0] == 0 and edges[-1] == len(values)
        if len(edges) != count + 1 or not has_ends or (np.diff(edges) < 0).any():
            raise _damaged("sets of categories that do not follow one another")
        if is_outside(values, 2**_WORD_BITS):
            raise _damaged("sets of categories that are not there")
        bits = np.unpackbits(values.astype("<u4").view(np.uint8), bitorder="little")
        for start, end in pairwise((_WORD_BITS * edges).tolist()):
            sets.append(np.flatnonzero(bits[start:end]))
    return sets, first


@dataclass(frozen=True)
class _Lines:
    """The lines of all trees by their names, in the order of the trees."""

    by_name: dict[bytes, list[bytes]]

    @classmethod
    def of(cls, trees: bytes) -> _Lines:
        by_name: dict[bytes, list[bytes]] = {}
        for line in trees.split(b"\n"):
            name, equals, value = line.partition(b"=")
            if equals:
                by_name.setdefault(name, []).append(value)
        return cls(by_name)

    def lines(self, name: str) -> list[bytes]:
        """Return the lines of a name."""
        return self.by_name.get(name.encode(), [])

    def split(self, name: str) -> list[list[bytes]]:
        """Return the words of each line of a name."""
        return [line.split() for line in self.lines(name)]

    def _words(self, name: str, sizes: Integers | None) -> list[bytes]:
        lines = self.split(name)
        counts = [len(line) for line in lines]
        expected = [1] * len(lines)
        if sizes is not None:
            expected = sizes.tolist()
        if counts != expected:
            raise _damaged(f"too few or too many numbers in {name!r}")
        return [word for line in lines for word in line]

    def integers(self, name: str, sizes: Integers | None = None) -> Integers:
        """Return the whole numbers of a name, of which each tree has so many; 1 by default."""
        return _integers(self._words(name, sizes))

    def numbers(self, name: str, sizes: Integers) -> Floats:
        """Return the numbers of a name, of which each tree has so many."""
        words = self._words(name, sizes)
        try:
            return np.array(list(map(float, words)), np.float64)
        except ValueError:
            raise _damaged(f"something other than numbers in {name!r}") from None


def _integer(word: bytes) -> int:
    (number,) = _integers([word]).tolist()
    return int(number)


def _integers(words: list[bytes], digits: int = _MAX_DIGITS) -> Integers:
    longest = max(map(len, words), default=0)
    try:
        if longest > digits + 1:
            raise ValueError
        return np.array(list(map(int, words)), np.int64)
    except ValueError:
        raise _damaged("malformed whole numbers") from None


def _damaged(defect: str) -> UnsafeModel:
    return UnsafeModel(f"the model file's LightGBM booster is damaged: {defect}")
