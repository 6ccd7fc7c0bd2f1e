"""Sets of categories take bounded memory and time, however small the file that names them is."""

from __future__ import annotations

import struct
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from automl.arrays import Integers
from automl.errors import UnsafeModel
from automl.models.trees.from_lightgbm import read_lightgbm
from automl.models.trees.from_xgboost import read_xgboost
from automl.models.trees.splits import MAX_SET_BYTES, Splits
from automl.models.trees.trees import Trees

LARGEST = 2**24 - 1  # a category of 2 MB of bits
MAX_SECONDS = 5.0
N_WORDS = 2**18  # of a set of 1 MB


def splits_of(sets: list[Integers], column: Integers, chosen: Integers) -> Splits:
    count = len(column)
    return Splits(column, np.zeros(count, np.float32), np.zeros(count, bool), chosen, sets)


def peak_of_refusal(read: Callable[[], object], why: str) -> int:
    """Return the most memory that a refusal took."""
    tracemalloc.start()
    try:
        with pytest.raises(UnsafeModel, match=why):
            read()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_distinct_sets_of_too_many_bytes_are_refused_before_they_take_memory() -> None:
    sets = [np.array([number, LARGEST]) for number in range(1_000)]
    splits = splits_of(sets, np.zeros(1_000, np.int64), np.arange(1_000))
    assert peak_of_refusal(splits.conditions, "would take 2097 MB") < MAX_SET_BYTES / 100


def test_a_set_counts_for_each_column_that_reads_it() -> None:
    splits = splits_of([np.array([LARGEST])], np.arange(1_000), np.zeros(1_000, np.int64))
    assert peak_of_refusal(splits.conditions, "would take 2097 MB") < MAX_SET_BYTES / 100


def test_equal_sets_count_once_and_are_packed_once() -> None:
    orders = [[1, 2, LARGEST], [2, LARGEST, 1], [LARGEST, 1, 1, 2]]
    sets = [np.array(orders[number % 3]) for number in range(10_000)]
    splits = splits_of(sets, np.zeros(10_000, np.int64), np.arange(10_000))
    started = time.monotonic()
    conditions, condition = splits.conditions()
    assert time.monotonic() - started < MAX_SECONDS
    assert conditions.n_sets == 1
    assert not condition.any()


def test_a_large_set_of_very_many_nodes_is_packed_once() -> None:
    large = np.arange(1_000_000)
    splits = splits_of([large], np.zeros(100_000, np.int64), np.zeros(100_000, np.int64))
    started = time.monotonic()
    conditions, _ = splits.conditions()
    assert time.monotonic() - started < MAX_SECONDS
    assert conditions.n_sets == 1


def test_sets_of_100_000_categories_fit_for_thousands_of_nodes() -> None:
    sets = [np.arange(first, 100_000, 5_000) for first in range(5_000)]
    splits = splits_of(sets, np.zeros(5_000, np.int64), np.arange(5_000))
    conditions, _ = splits.conditions()
    conditions.check(columns=1)
    assert conditions.n_sets == 5_000


def test_columns_that_a_key_has_no_bits_for_are_refused() -> None:
    for column in (2**31, 2**32, 2**31 + 1, -1):
        splits = Splits.by_number(np.array([column]), np.zeros(1, np.float32), np.zeros(1, bool))
        with pytest.raises(UnsafeModel, match="column that the model does not have"):
            splits.conditions()


def to_ubjson(value: Any) -> bytes:
    """Return a value as XGBoost writes it, arrays with their type and length."""
    if isinstance(value, dict):
        pairs = (_text(name) + to_ubjson(item) for name, item in value.items())
        return b"{" + b"".join(pairs) + b"}"
    if isinstance(value, str):
        return b"S" + _text(value)
    if isinstance(value, list):
        return b"[#L" + struct.pack(">q", len(value)) + b"".join(map(to_ubjson, value))
    big_endian = value.astype(value.dtype.newbyteorder(">"))
    kind = {"i": b"l", "f": b"d"}[value.dtype.kind]
    return b"[$" + kind + b"#L" + struct.pack(">q", len(value)) + big_endian.tobytes()


def _text(value: str) -> bytes:
    return b"L" + struct.pack(">q", len(value)) + value.encode()


def xgboost_chain(segments: list[tuple[int, int]], categories: list[int]) -> bytes:
    """Return a booster of one tree, in which each inner node has a segment of the categories."""
    inner = len(segments)
    count = 2 * inner + 1
    first = np.arange(inner, dtype=np.int32)
    leaves = np.full(inner + 1, -1, np.int32)
    begins, sizes = np.array(segments, np.int32).T
    last = 2 * inner
    tree = {
        "tree_param": {"num_nodes": str(count), "size_leaf_vector": "1"},
        "left_children": np.concatenate([first + inner, leaves]),
        "right_children": np.concatenate([first[1:], np.array([last], np.int32), leaves]),
        "split_indices": np.zeros(count, np.int32),
        "split_conditions": np.zeros(count, np.float32),
        "split_type": np.repeat(np.array([1, 0], np.int32), [inner, inner + 1]),
        "default_left": np.zeros(count, np.int32),
        "categories": np.array(categories, np.int32),
        "categories_nodes": first,
        "categories_segments": begins,
        "categories_sizes": sizes,
    }
    learner = {
        "learner_model_param": {"num_feature": "1", "num_class": "0", "base_score": "[0.5]"},
        "objective": {"name": "reg:squarederror"},
        "gradient_booster": {
            "name": "gbtree",
            "model": {"trees": [tree], "tree_info": np.zeros(1, np.int32)},
        },
    }
    return to_ubjson({"learner": learner})


def test_an_xgboost_booster_of_separate_sets_is_read() -> None:
    trees = read_xgboost(xgboost_chain([(0, 1), (1, 2)], [5, 6, 7]))
    assert trees.conditions.n_sets == 2


def test_an_xgboost_booster_of_large_sets_is_refused() -> None:
    categories = []
    for number in range(1_000):
        categories += [number, LARGEST]
    blob = xgboost_chain([(2 * number, 2) for number in range(1_000)], categories)
    assert len(blob) < 100_000
    assert peak_of_refusal(lambda: read_xgboost(blob), "would take 2097 MB") < MAX_SET_BYTES / 10


def test_an_xgboost_booster_of_very_many_equal_sets_is_read_quickly() -> None:
    blob = xgboost_chain([(number, 1) for number in range(10_000)], [LARGEST] * 10_000)
    started = time.monotonic()
    assert read_xgboost(blob).conditions.n_sets == 1
    assert time.monotonic() - started < MAX_SECONDS


def test_an_xgboost_booster_whose_sets_overlap_is_refused() -> None:
    blob = xgboost_chain([(0, 2), (1, 2)], [5, 6, 7])
    with pytest.raises(UnsafeModel, match="sets of categories that overlap"):
        read_xgboost(blob)


def lightgbm_chain(columns: list[int], words: str) -> bytes:
    """Return a booster of one tree whose nodes all name one set, each of a column."""
    inner = len(columns)
    n_words = len(words.split())
    children = [str(number) for number in range(1, inner)]
    leaves = [str(~number) for number in range(inner + 1)]
    lines = [
        "tree",
        "num_class=1",
        "num_tree_per_iteration=1",
        f"max_feature_idx={max(0, *columns)}",
        "objective=regression",
        "",
        "Tree=0",
        f"num_leaves={inner + 1}",
        "num_cat=1",
        f"split_feature={' '.join(map(str, columns))}",
        f"threshold={' '.join(['0'] * inner)}",
        f"decision_type={' '.join(['1'] * inner)}",
        f"left_child={' '.join(leaves[:inner])}",
        f"right_child={' '.join([*children, leaves[inner]])}",
        f"leaf_value={' '.join(['1'] * (inner + 1))}",
        f"cat_boundaries=0 {n_words}",
        f"cat_threshold={words}",
        "is_linear=0",
        "end of trees",
    ]
    return "\n".join(lines).encode()


def read_chain(columns: list[int], words: str) -> Trees:
    return read_lightgbm(lightgbm_chain(columns, words))


def test_a_lightgbm_booster_of_one_large_set_is_read_quickly() -> None:
    words = "0 " * (N_WORDS - 1) + "4294967295"
    started = time.monotonic()
    trees = read_chain([0] * 10_000, words)
    assert time.monotonic() - started < MAX_SECONDS
    assert trees.conditions.n_sets == 1


def test_a_lightgbm_booster_of_one_large_set_in_very_many_columns_is_refused() -> None:
    words = "0 " * (N_WORDS - 1) + "1"
    with pytest.raises(UnsafeModel, match="would take 1049 MB"):
        read_chain(list(range(1_000)), words)
