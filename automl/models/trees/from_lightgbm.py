"""LightGBM's text format as arrays of ours; nothing in the text is trusted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from itertools import chain, pairwise

import numpy as np

from automl.arrays import Bools, Floats, Integers
from automl.models._blocks import is_outside
from automl.models.trees.conditions import Indices, offsets_of
from automl.models.trees.damage import damaged
from automl.models.trees.splits import NO_SET, Splits, round_down
from automl.models.trees.trees import MAX_OUTPUTS, Trees

_MAX_WORD_LENGTH = 11  # of the lowest number of 32 bits, with its sign
_NUMBER_LIMIT = 2**31
_MAX_FEATURES = 2**24
# Bits of a decision type.
_IS_CATEGORICAL = 1
_DEFAULT_LEFT = 2
_MISSING_TYPE_SHIFT = 2
_N_DECISIONS = 16
# Missing types.
_READ_AS_ZERO = 0
_READ_AS_MISSING = 2
_WORD_BITS = 32  # of a set of categories
_WORD_LIMIT = 2**_WORD_BITS
_OBJECTIVE = re.compile(
    rb"regression|regression_l1|quantile|binary sigmoid:1|multiclass num_class:\d{1,6}"
)
_damaged = partial(damaged, "LightGBM")


def read_lightgbm(text: bytes) -> Trees:
    """Return the trees of a booster's text.

    Raises
    ------
    UnsafeModel
        The text was cut, lengthened, or its trees don't fit together.
    """
    head_text, _, body = text.partition(b"\n\n")
    head = _Head.read(head_text)
    trees_text, end, _ = body.partition(b"end of trees")
    if not end:
        raise _damaged("no end")
    lines = _Lines.of(trees_text)
    count = trees_text.count(b"Tree=")
    sizes = _read_sizes(lines, count)
    splits = _read_splits(lines, sizes)
    conditions, condition = splits.conditions()
    conditions.check(head.features)
    trees = Trees(
        features=head.features,
        conditions=conditions,
        sizes=sizes.astype(np.int32),
        condition=condition,
        children=_read_children(lines, sizes),
        value=_read_values(lines, sizes),
        base=np.zeros(head.outputs),
    )
    trees.check()
    return trees


@dataclass(frozen=True)
class _Head:
    """Number of outputs and of features."""

    outputs: int
    features: int

    @classmethod
    def read(cls, text: bytes) -> _Head:
        """Return the sizes of the text before the trees."""
        entries: dict[bytes, bytes] = {}
        for line in text.splitlines():
            name, _, value = line.partition(b"=")
            entries[name] = value
        if not text.startswith(b"tree\n"):
            raise _damaged("it does not begin as one")
        objective = entries.get(b"objective", b"")
        if not _OBJECTIVE.fullmatch(objective):
            raise _damaged("an objective that no predictor has")
        outputs = _integer(entries.get(b"num_tree_per_iteration", b""))
        classes = _integer(entries.get(b"num_class", b""))
        last_feature = _integer(entries.get(b"max_feature_idx", b""))
        features = last_feature + 1
        head = cls(outputs, features)
        if outputs != classes or not head.is_possible():
            raise _damaged("a head that does not fit together")
        return head

    def is_possible(self) -> bool:
        """Return whether a predictor may have these sizes."""
        has_outputs = 1 <= self.outputs <= MAX_OUTPUTS
        has_features = 1 <= self.features <= _MAX_FEATURES
        return has_outputs and has_features


def _read_sizes(lines: _Lines, count: int) -> Integers:
    """Return the number of inner nodes of each of `count` trees."""
    n_leaves = lines.integers("num_leaves")
    has_leaves = (n_leaves >= 1).all()
    if not count or len(n_leaves) != count or not has_leaves:
        raise _damaged("trees without leaves")
    flags = lines.lines("is_linear")
    if set(flags) != {b"0"}:
        raise _damaged("linear leaves")
    return n_leaves - 1


def _read_children(
    lines: _Lines,
    sizes: Integers,
) -> Indices:
    left = lines.integers("left_child", sizes)
    right = lines.integers("right_child", sizes)
    pairs = np.column_stack([left, right])
    return pairs.astype(np.int32)


def _read_values(
    lines: _Lines,
    sizes: Integers,
) -> Floats:
    """Return the leaves' values, of shape (n_leaves, 1)."""
    values = lines.numbers("leaf_value", sizes + 1)
    is_finite = np.isfinite(values)
    if not is_finite.all():
        raise _damaged("leaves that are not finite")
    return values[:, None]


def _read_splits(
    lines: _Lines,
    sizes: Integers,
) -> Splits:
    codes = lines.integers("decision_type", sizes)
    column = lines.integers("split_feature", sizes)
    threshold = lines.numbers("threshold", sizes)
    is_missing = np.isnan(threshold)
    if is_outside(codes, _N_DECISIONS) or is_missing.any():
        raise _damaged("splits of an unknown kind")
    decisions = _Decisions(codes)
    if not decisions.are_known():
        raise _damaged("zeros that stand for missing values")
    sets = _CategorySets.read(lines, len(sizes))
    chosen_set = np.full(len(column), NO_SET)
    nodes = np.flatnonzero(decisions.is_categorical)
    tree = _tree_of_node(sizes)[nodes]
    chosen_set[nodes] = sets.find(threshold[nodes], tree)
    return Splits(
        column=column,
        threshold=round_down(threshold),
        missing_left=decisions.missing_left(threshold),
        chosen_set=chosen_set,
        sets=sets.categories,
    )


def _tree_of_node(sizes: Integers) -> Integers:
    """Return the tree of each inner node."""
    count = len(sizes)
    return np.repeat(np.arange(count), sizes)


@dataclass(frozen=True)
class _Decisions:
    """How inner nodes decide, as LightGBM's bits.

    Parameters
    ----------
    codes : ndarray of shape (n_inner,), int64
    """

    codes: Integers

    @property
    def is_categorical(self) -> Bools:
        """Whether each node looks a category up in a set."""
        flags: Bools = (self.codes & _IS_CATEGORICAL) > 0
        return flags

    @property
    def _missing_type(self) -> Integers:
        return self.codes >> _MISSING_TYPE_SHIFT

    def are_known(self) -> bool:
        """Return whether only missing numbers count as missing, in all splits of numbers."""
        known_types = (_READ_AS_ZERO, _READ_AS_MISSING)
        is_known = np.isin(self._missing_type, known_types)
        is_fine = is_known | self.is_categorical
        return bool(is_fine.all())

    def missing_left(self, threshold: Floats) -> Bools:
        """Return whether missing values go left; missing categories never do."""
        has_direction = self._missing_type == _READ_AS_MISSING
        is_default_left = (self.codes & _DEFAULT_LEFT) > 0
        is_zero_left = threshold >= 0
        goes_left = np.where(has_direction, is_default_left, is_zero_left)
        return goes_left & ~self.is_categorical


@dataclass(frozen=True)
class _CategorySets:
    """The sets of categories of all trees.

    Parameters
    ----------
    categories : list of ndarray of int64
        The categories of each set, tree after tree.
    first : ndarray of shape (n_trees + 1,), int64
        The first set of each tree, and the number of all sets.
    """

    categories: list[Integers]
    first: Integers

    @classmethod
    def read(cls, lines: _Lines, n_trees: int) -> _CategorySets:
        """Return the sets of trees' lines. Trees without any have no lines of sets."""
        counts = lines.integers("num_cat")
        if len(counts) != n_trees:
            raise _damaged("trees that do not say how many sets of categories they have")
        if (counts < 0).any():
            raise _damaged("fewer than no sets of categories")
        has_sets = counts > 0
        edges = lines.split("cat_boundaries")
        words = lines.split("cat_threshold")
        n_with_sets = np.count_nonzero(has_sets)
        if len(edges) != n_with_sets or len(words) != n_with_sets:
            raise _damaged("sets of categories that do not fit together")
        categories: list[Integers] = []
        for index, count in enumerate(counts[has_sets]):
            categories += _sets_of_tree(
                _integers(edges[index]),
                _integers(words[index], _WORD_LIMIT),
                count,
            )
        return cls(categories, first=offsets_of(counts))

    def find(
        self,
        threshold: Floats,
        tree: Integers,
    ) -> Integers:
        """Return the set of each of some nodes, whose threshold is its number in its tree."""
        n_sets = np.diff(self.first)[tree]
        is_set = threshold == np.floor(threshold)
        is_set &= threshold >= 0
        is_set &= threshold < n_sets
        if not is_set.all():
            raise _damaged("a split by a set of categories which is not there")
        number = threshold.astype(np.int64)
        return self.first[tree] + number


def _sets_of_tree(
    edges: Integers,
    words: Integers,
    count: int,
) -> list[Integers]:
    """Return the categories of each of a tree's sets.

    Parameters
    ----------
    edges : ndarray of shape (count + 1,)
        Where the words of each set begin, and the number of all words.
    words : ndarray of shape (n_words,)
        The sets' bits, 32 in a word.
    count : int
    """
    error = _damaged("sets of categories that do not follow one another")
    if len(edges) != count + 1 or edges[0] != 0 or edges[-1] != len(words):
        raise error
    lengths = np.diff(edges)
    if (lengths < 0).any():
        raise error
    if is_outside(words, _WORD_LIMIT):
        raise _damaged("sets of categories that are not there")
    little_endian = words.astype("<u4")
    in_bytes = little_endian.view(np.uint8)
    bits = np.unpackbits(in_bytes, bitorder="little")
    bit_edges = _WORD_BITS * edges
    sets = []
    for start, end in pairwise(bit_edges.tolist()):
        piece = bits[start:end]
        sets.append(piece.nonzero()[0])
    return sets


@dataclass(frozen=True)
class _Lines:
    """The lines of all trees by their names, in the order of the trees."""

    by_name: dict[bytes, list[bytes]]

    @classmethod
    def of(cls, trees: bytes) -> _Lines:
        """Return the lines of the trees' text."""
        by_name: dict[bytes, list[bytes]] = {}
        for line in trees.split(b"\n"):
            name, equals, value = line.partition(b"=")
            if equals:
                lines = by_name.setdefault(name, [])
                lines.append(value)
        return cls(by_name)

    def lines(self, name: str) -> list[bytes]:
        """Return the lines of a name."""
        key = name.encode()
        return self.by_name.get(key, [])

    def split(self, name: str) -> list[list[bytes]]:
        """Return the words of each line of a name."""
        lines = self.lines(name)
        return [line.split() for line in lines]

    def integers(
        self,
        name: str,
        counts: Integers | None = None,
    ) -> Integers:
        """Return the whole numbers of a name.

        Parameters
        ----------
        name : str
        counts : ndarray of shape (n_trees,) or None
            How many each tree has. If None, each line of that name has one.
        """
        words = self._words(name, counts)
        return _integers(words)

    def numbers(
        self,
        name: str,
        counts: Integers,
    ) -> Floats:
        """Return the numbers of a name, of which each tree has one of the counts."""
        words = self._words(name, counts)
        try:
            numbers = [float(word) for word in words]
        except ValueError:
            raise _damaged(f"something other than numbers in {name!r}") from None
        return np.array(numbers, np.float64)

    def _words(
        self,
        name: str,
        counts: Integers | None,
    ) -> list[bytes]:
        lines = self.split(name)
        expected = [1] * len(lines)
        if counts is not None:
            expected = counts.tolist()
        found = [len(words) for words in lines]
        if found != expected:
            raise _damaged(f"too few or too many numbers in {name!r}")
        return list(chain.from_iterable(lines))


def _integer(word: bytes) -> int:
    (number,) = _integers([word])
    return int(number)


def _integers(
    words: list[bytes],
    limit: int = _NUMBER_LIMIT,
) -> Integers:
    """Return words as whole numbers from -limit to limit - 1."""
    error = _damaged("malformed whole numbers")
    lengths = map(len, words)
    if max(lengths, default=0) > _MAX_WORD_LENGTH:
        raise error
    try:
        parsed = [int(word) for word in words]
    except ValueError:
        raise error from None
    numbers = np.array(parsed, np.int64)
    is_low = numbers < -limit
    is_high = numbers >= limit
    if (is_low | is_high).any():
        raise _damaged("whole numbers that are too large")
    return numbers
