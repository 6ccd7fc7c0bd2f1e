"""LightGBM's text format: boosters made smaller, and checked before LightGBM reads them.

LightGBM trusts the indices in a file and ends the process on some (measured). So every tree's
children must lie inside it, each below one parent, and no split may read a column that isn't there.
"""

from __future__ import annotations

import re

import numpy as np

from automl.arrays import Integers
from automl.errors import UnsafeModel
from automl.models._blocks import is_outside

_MAX_INTEGER_LENGTH = 10  # characters of a whole number below 2**31 with its sign
_INTEGER_LINE = re.compile(rb"[-0-9 ]*")
_MAX_HEAD_DIGITS = 7
_DECISION_TYPES = 16
_IS_CATEGORICAL = 1  # bit of a decision type
_OBJECTIVE = re.compile(
    rb"regression|regression_l1|quantile|binary sigmoid:1|multiclass num_class:\d{1,6}"
)
_END = (
    b"end of trees\n\nfeature_importances:\n\nparameters:\n\nend of parameters\n\n"
    b"pandas_categorical:null\n"
)
_EXPLANATORY_LINE = re.compile(
    rb"^(?:split_gain|internal_value|internal_weight|internal_count|leaf_weight|leaf_count)=.*\n",
    re.MULTILINE,
)
_TREE_SIZES_LINE = re.compile(rb"^tree_sizes=(.*)$", re.MULTILINE)


def strip_explanations(text: bytes) -> bytes:
    r"""Return a booster's text without the lines that explain its trees.

    They aren't read to predict and are two fifths of the text.

    >>> text = b"tree\ntree_sizes=35\n\nTree=0\nleaf_value=1\nleaf_count=7\n\n\nend of trees\n"
    >>> strip_explanations(text).splitlines()[1:5]
    [b'tree_sizes=22', b'', b'Tree=0', b'leaf_value=1']
    """
    head, _, body = text.partition(b"\n\n")
    sizes = _TREE_SIZES_LINE.search(head)
    if sizes is None:  # it has no tree
        return text
    trees = []
    start = 0
    for size in sizes[1].split():
        end = start + int(size)
        tree = _EXPLANATORY_LINE.sub(b"", body[start:end])
        trees.append(tree)
        start = end
    new_sizes = [b"%d" % len(tree) for tree in trees]
    sizes_start, sizes_end = sizes.span(1)
    parts = [
        head[:sizes_start],
        b" ".join(new_sizes),
        head[sizes_end:],
        b"\n\n",
        *trees,
        _END,
    ]
    return b"".join(parts)


def sanitise(text: bytes) -> bytes:
    """Return a booster's checked trees between a head and an end of our own.

    LightGBM may end the process on other heads and ends (measured).

    Raises
    ------
    UnsafeModel
        The text was cut, lengthened, or holds trees that point outside themselves.
    """
    head, _, body = text.partition(b"\n\n")
    entries: dict[bytes, bytes] = {}
    for line in head.splitlines():
        name, _, value = line.partition(b"=")
        entries[name] = value
    sizes = entries.get(b"tree_sizes", b"").split()
    names = (b"num_class", b"num_tree_per_iteration", b"max_feature_idx")
    numbers = [entries.get(name, b"") for name in names]
    has_mark = head.startswith(b"tree\n")
    if not has_mark or not sizes or not _are_short_numbers([*sizes, *numbers]):
        raise UnsafeModel("the model file's LightGBM booster does not begin as one")
    classes, trees_per_round, last_feature = map(int, numbers)
    objective = entries.get(b"objective", b"")
    has_full_rounds = 0 < trees_per_round == classes and len(sizes) % classes == 0
    if not has_full_rounds or not _OBJECTIVE.fullmatch(objective):
        raise UnsafeModel("the model file's LightGBM booster has a head that does not fit together")
    trees = _complete_trees(body, list(map(int, sizes)))
    check_trees(trees, len(sizes), last_feature + 1)
    new_head = _head(classes, last_feature, objective, sizes)
    return new_head + trees + _END


def _are_short_numbers(words: list[bytes]) -> bool:
    for word in words:
        if not word.isdigit():
            return False
        if len(word) > _MAX_HEAD_DIGITS:
            return False
    return True


def _complete_trees(body: bytes, sizes: list[int]) -> bytes:
    """Return the blocks of all trees, each of which must begin where the sizes say."""
    error = UnsafeModel("the model file's LightGBM booster is not complete")
    length = sum(sizes)
    trees = body[:length]
    rest = body[length:].lstrip()
    if not rest.startswith(b"end of trees"):
        raise error
    if trees.count(b"Tree=") != len(sizes):
        raise error
    start = 0
    for number, size in enumerate(sizes):
        if not trees.startswith(b"Tree=%d\n" % number, start):
            raise error
        start += size
    return trees


def _head(classes: int, last_feature: int, objective: bytes, sizes: list[bytes]) -> bytes:
    """Return the head of a booster whose columns have no names."""
    columns = range(last_feature + 1)
    names = [f"Column_{index}" for index in columns]
    infos = ["none"] * len(names)
    lines = [
        "tree",
        "version=v4",
        f"num_class={classes}",
        f"num_tree_per_iteration={classes}",
        "label_index=0",
        f"max_feature_idx={last_feature}",
        f"objective={objective.decode()}",
        f"feature_names={' '.join(names)}",
        f"feature_infos={' '.join(infos)}",
        f"tree_sizes={b' '.join(sizes).decode()}",
    ]
    return "\n".join(lines).encode() + b"\n\n"


def check_trees(trees: bytes, count: int, features: int) -> None:
    """Refuse trees that point outside themselves.

    Parameters
    ----------
    trees : bytes
        The blocks that begin with `Tree=`.
    count : int
        Number of trees.
    features : int
        Number of columns of the model's input.
    """
    text = _TreeLines(trees, count)
    one_per_tree = np.ones(count, np.int64)
    leaves = text.integers("num_leaves", one_per_tree)
    nodes = leaves - 1
    if (leaves < 1).any():
        raise _damaged("a tree without leaves")
    _check_children(text, nodes, leaves)
    feature = text.integers("split_feature", nodes)
    decision = text.integers("decision_type", nodes)
    if is_outside(feature, features) or is_outside(decision, _DECISION_TYPES):
        raise _damaged("a split that reads a column which is not there")
    text.check_counts("leaf_value", leaves)
    text.check_counts("threshold", nodes)
    is_linear = text.lines("is_linear")
    if set(is_linear) != {b"0"}:
        raise _damaged("linear leaves")
    set_counts = text.integers("num_cat", one_per_tree)
    has_sets = set_counts != 0
    _check_category_sets(text, set_counts[has_sets])
    node_set_counts = np.repeat(set_counts, nodes)
    _check_categorical_splits(text, node_set_counts, decision)


def _check_children(text: _TreeLines, nodes: Integers, leaves: Integers) -> None:
    """Refuse children outside their tree, and inner nodes without exactly one parent."""
    left = text.integers("left_child", nodes)
    right = text.integers("right_child", nodes)
    node_limit = np.repeat(nodes, nodes)
    leaf_limit = np.repeat(leaves, nodes)
    first_nodes = np.cumsum(nodes) - nodes
    starts = np.repeat(first_nodes, nodes)
    n_nodes = len(starts)
    parents = np.zeros(n_nodes, np.int64)
    for child in (left, right):
        is_node = child >= 0
        leaf = ~child
        is_leaf_inside = leaf < leaf_limit
        is_inside = np.where(is_node, child < node_limit, is_leaf_inside)
        if not is_inside.all():
            raise _damaged("a child outside its tree")
        child_nodes = (starts + child)[is_node]
        parents += np.bincount(child_nodes, minlength=n_nodes)
    roots = first_nodes[nodes > 0]
    parents[roots] += 1  # which have none
    if (parents != 1).any():
        raise _damaged("a node below two others, or below none")


class _TreeLines:
    """The lines of all trees by their names, in the order of the trees."""

    def __init__(self, trees: bytes, count: int) -> None:
        self._count = count
        self._by_name: dict[bytes, list[bytes]] = {}
        for line in trees.split(b"\n"):
            name, equals, value = line.partition(b"=")
            if equals:
                values = self._by_name.setdefault(name, [])
                values.append(value)

    def lines(self, name: str, count: int | None = None) -> list[bytes]:
        """Return the lines of a name, which must be one for each tree, or `count`."""
        lines = self._by_name.get(name.encode(), [])
        expected = self._count if count is None else count
        if len(lines) != expected:
            raise _damaged(f"{len(lines)} lines {name!r} for {expected} trees")
        return lines

    def check_counts(self, name: str, sizes: Integers) -> None:
        """Refuse lines that hold another number of values than their trees have."""
        counts = []
        for line in self.lines(name):
            count = 0
            if line:
                count = line.count(b" ") + 1
            counts.append(count)
        if counts != sizes.tolist():
            raise _damaged(f"too few or too many numbers in {name!r}")

    def integers(self, name: str, sizes: Integers) -> Integers:
        """Return the integers of all lines of a name, whose counts must be `sizes`."""
        self.check_counts(name, sizes)
        count = int(sizes.sum())
        return _parse_integers(self.joined(name), count, name)

    def joined(self, name: str) -> bytes:
        """Return the values of all lines of a name in one line."""
        lines = self.lines(name)
        return b" ".join(line for line in lines if line)


def _parse_integers(text: bytes, count: int, name: str) -> Integers:
    """Return the integers below 2**31 in a line.

    Text that another reader would take for other numbers is refused.
    """
    error = _damaged(f"too few, too many, too large or malformed numbers in {name!r}")
    tokens = text.split(b" ") if text else []
    if len(tokens) != count:
        raise error
    if not _INTEGER_LINE.fullmatch(text):
        raise error
    longest = max(map(len, tokens), default=0)
    if longest > _MAX_INTEGER_LENGTH:
        raise error
    try:
        values = [int(token) for token in tokens]
    except ValueError:
        raise _damaged(f"something other than whole numbers in {name!r}") from None
    return np.array(values, np.int64)


def _check_category_sets(text: _TreeLines, set_counts: Integers) -> None:
    """Refuse sets whose bounds don't ascend, or don't end where their words do.

    `set_counts` are those of the trees that have sets.
    """
    n_trees = len(set_counts)
    bound_lines = text.lines("cat_boundaries", n_trees)
    word_lines = text.lines("cat_threshold", n_trees)
    for index, set_count in enumerate(set_counts.tolist()):
        bounds = bound_lines[index]
        n_bounds = bounds.count(b" ") + 1
        words = word_lines[index]
        n_words = words.count(b" ") + 1
        edges = _parse_integers(bounds, n_bounds, "cat_boundaries")
        has_ends = edges[0] == 0 and edges[-1] == n_words
        steps = np.diff(edges)
        is_ascending = (steps >= 0).all()
        if n_bounds != set_count + 1 or not has_ends or not is_ascending:
            raise _damaged("sets of categories that do not follow one another")


def _check_categorical_splits(text: _TreeLines, set_counts: Integers, decision: Integers) -> None:
    """Refuse categorical splits by sets which are not there.

    `set_counts` are those of each node's tree.
    """
    is_categorical = (decision & _IS_CATEGORICAL) == 1
    if not is_categorical.any():
        return
    thresholds = text.joined("threshold").split(b" ")
    nodes = np.flatnonzero(is_categorical).tolist()
    named = [thresholds[node] for node in nodes]
    line = b" ".join(named)
    sets = _parse_integers(line, len(named), "threshold")
    if is_outside(sets, set_counts[nodes]):
        raise _damaged("a split by a set of categories which is not there")


def _damaged(defect: str) -> UnsafeModel:
    return UnsafeModel(f"the model file's LightGBM booster is damaged: {defect}")
