"""LightGBM's text format: boosters made smaller, and checked before LightGBM reads them.

LightGBM trusts the indices in a file and ends the process on some (measured). So every tree's
children must lie inside it, each below one parent, and no split may read a column that isn't there.
"""

from __future__ import annotations

import re

import numpy as np

from automl.errors import UnsafeModel
from automl.models._base import Integers
from automl.models._blocks import is_outside

_MAX_INTEGER_LENGTH = 10  # characters of a whole number below 2**31 with its sign
_MAX_HEAD_DIGITS = 7
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
    for size in map(int, sizes[1].split()):
        tree = body[start : start + size]
        trees.append(_EXPLANATORY_LINE.sub(b"", tree))
        start += size
    new_sizes = b" ".join(b"%d" % len(tree) for tree in trees)
    new_head = head[: sizes.start(1)] + new_sizes + head[sizes.end(1) :]
    return new_head + b"\n\n" + b"".join(trees) + _END


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
    if not head.startswith(b"tree\n") or not sizes or not _are_numbers([*sizes, *numbers]):
        raise UnsafeModel("the model file's LightGBM booster does not begin as one")
    classes, trees_per_round, last_feature = map(int, numbers)
    objective = entries.get(b"objective", b"")
    is_consistent = (
        0 < trees_per_round == classes <= len(sizes)
        and len(sizes) % classes == 0
        and _OBJECTIVE.fullmatch(objective)
    )
    if not is_consistent:
        raise UnsafeModel("the model file's LightGBM booster has a head that does not fit together")
    trees = _complete_trees(body, [int(size) for size in sizes])
    check_trees(trees, len(sizes), last_feature + 1)
    return _head(classes, last_feature, objective, sizes) + trees + _END


def _are_numbers(words: list[bytes]) -> bool:
    return all(word.isdigit() and len(word) <= _MAX_HEAD_DIGITS for word in words)


def _complete_trees(body: bytes, sizes: list[int]) -> bytes:
    """Return the blocks of all trees, each of which must begin where the sizes say."""
    trees = body[: sum(sizes)]
    is_complete = trees.count(b"Tree=") == len(sizes)
    start = 0
    for number, size in enumerate(sizes):
        is_complete = is_complete and trees.startswith(b"Tree=%d\n" % number, start)
        start += size
    if not is_complete or not body[len(trees) :].lstrip().startswith(b"end of trees"):
        raise UnsafeModel("the model file's LightGBM booster is not complete")
    return trees


def _head(classes: int, last_feature: int, objective: bytes, sizes: list[bytes]) -> bytes:
    """Return the head of a booster whose columns have no names."""
    columns = range(last_feature + 1)
    lines = [
        "tree",
        "version=v4",
        f"num_class={classes}",
        f"num_tree_per_iteration={classes}",
        "label_index=0",
        f"max_feature_idx={last_feature}",
        f"objective={objective.decode()}",
        f"feature_names={' '.join(f'Column_{index}' for index in columns)}",
        f"feature_infos={' '.join('none' for _ in columns)}",
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
    leaves = text.integers("num_leaves", np.ones(count, np.int64))
    nodes = leaves - 1
    if (leaves < 1).any():
        raise _damaged("a tree without leaves")
    _check_children(text, nodes, leaves)
    feature = text.integers("split_feature", nodes)
    decision = text.integers("decision_type", nodes)
    if is_outside(feature, features) or is_outside(decision, 16):
        raise _damaged("a split that reads a column which is not there")
    text.check_counts("leaf_value", leaves)
    text.check_counts("threshold", nodes)
    if any(line != b"0" for line in text.lines("is_linear")):
        raise _damaged("linear leaves")
    _check_categories(text, nodes, decision)


def _check_children(text: _TreeLines, nodes: Integers, leaves: Integers) -> None:
    """Refuse children outside their tree, and inner nodes without exactly one parent."""
    left = text.integers("left_child", nodes)
    right = text.integers("right_child", nodes)
    node_limit = np.repeat(nodes, nodes)
    leaf_limit = np.repeat(leaves, nodes)
    for child in (left, right):
        is_inside = np.where(child >= 0, child < node_limit, ~child < leaf_limit)
        if not is_inside.all():
            raise _damaged("a child outside its tree")
    first_nodes = np.cumsum(nodes) - nodes
    starts = np.repeat(first_nodes, nodes)
    inner_children = np.concatenate([(starts + child)[child >= 0] for child in (left, right)])
    n_nodes = int(nodes.sum())
    expected_parents = np.ones(n_nodes, np.int64)
    expected_parents[first_nodes[nodes > 0]] = 0
    if (np.bincount(inner_children, minlength=n_nodes) != expected_parents).any():
        raise _damaged("a node below two others, or below none")


class _TreeLines:
    """The lines of all trees by their names, in the order of the trees."""

    def __init__(self, trees: bytes, count: int) -> None:
        self._count = count
        self._by_name: dict[bytes, list[bytes]] = {}
        for line in trees.split(b"\n"):
            name, equals, value = line.partition(b"=")
            if equals:
                self._by_name.setdefault(name, []).append(value)

    def lines(self, name: str, count: int | None = None) -> list[bytes]:
        """Return the lines of a name, which must be one for each tree, or `count`."""
        lines = self._by_name.get(name.encode(), [])
        expected = self._count if count is None else count
        if len(lines) != expected:
            raise _damaged(f"{len(lines)} lines {name!r} for {expected} trees")
        return lines

    def check_counts(self, name: str, sizes: Integers) -> None:
        """Refuse lines that hold another number of values than their trees have."""
        counts = [line.count(b" ") + 1 if line else 0 for line in self.lines(name)]
        if counts != sizes.tolist():
            raise _damaged(f"too few or too many numbers in {name!r}")

    def integers(self, name: str, sizes: Integers) -> Integers:
        """Return the integers of all lines of a name, whose counts must be `sizes`."""
        self.check_counts(name, sizes)
        return _parse_integers(self.joined(name), int(sizes.sum()), name)

    def joined(self, name: str) -> bytes:
        """Return the values of all lines of a name in one line."""
        return b" ".join(line for line in self.lines(name) if line)


def _parse_integers(text: bytes, count: int, name: str) -> Integers:
    """Return the integers below 2**31 in a line.

    Text that another reader would take for other numbers is refused.
    """
    tokens = text.split(b" ") if text else []
    longest = max(map(len, tokens), default=0)
    is_plain = re.fullmatch(rb"[-0-9 ]*", text)
    if len(tokens) != count or not is_plain or longest > _MAX_INTEGER_LENGTH:
        raise _damaged(f"too few, too many, too large or malformed numbers in {name!r}")
    try:
        return np.array([int(token) for token in tokens], np.int64)
    except ValueError:
        raise _damaged(f"something other than whole numbers in {name!r}") from None


def _check_categories(text: _TreeLines, nodes: Integers, decision: Integers) -> None:
    """Refuse categorical splits whose sets of categories are missing or malformed.

    A split by category names a set; the sets' bounds ascend and end where their words do.
    """
    set_counts = text.integers("num_cat", np.ones(len(nodes), np.int64))
    _check_category_sets(text, set_counts[set_counts != 0])
    is_categorical = (decision & 1) == 1
    if not is_categorical.any():
        return
    thresholds = text.joined("threshold").split(b" ")
    named = [thresholds[index] for index in np.flatnonzero(is_categorical).tolist()]
    numbers = _parse_integers(b" ".join(named), len(named), "threshold")
    if is_outside(numbers, np.repeat(set_counts, nodes)[is_categorical]):
        raise _damaged("a split by a set of categories which is not there")


def _check_category_sets(text: _TreeLines, set_counts: Integers) -> None:
    """Refuse sets whose bounds don't cover their words; `set_counts` are of trees that have sets."""
    bound_lines = text.lines("cat_boundaries", len(set_counts))
    word_lines = text.lines("cat_threshold", len(set_counts))
    for count, bounds, words in zip(set_counts.tolist(), bound_lines, word_lines, strict=True):
        edges = _parse_integers(bounds, bounds.count(b" ") + 1, "cat_boundaries")
        n_words = words.count(b" ") + 1
        has_ends = len(edges) == count + 1 and edges[0] == 0 and edges[-1] == n_words
        if not has_ends or (np.diff(edges) < 0).any():
            raise _damaged("sets of categories that do not follow one another")


def _damaged(defect: str) -> UnsafeModel:
    return UnsafeModel(f"the model file's LightGBM booster is damaged: {defect}")
