"""CatBoost's models predict the same as trees of ours, and forged ones harm nobody."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from automl.errors import UnsafeModel
from automl.models.trees._catboost_file import BORDERS, BUCKET, COUNTER, STEP
from automl.models.trees.evaluation import compiled_margins
from automl.models.trees.from_catboost import read_catboost
from automl.models.trees.grove import Grove
from automl.models.trees.pruning import without_idle_splits
from automl.models.trees.trees import Trees
from tests.models.trees.catboost_fits import RandomFit, random_fit
from tests.models.trees.flatbuffer_writer import f64, i32
from tests.models.trees.forged_catboost import (
    LEVELS,
    category,
    doubles,
    file_of,
    integers,
    number,
    source,
    statistic,
    table,
    trees,
)
from tests.models.trees.walking import walked_margins

FITS = 240
FITS_A_TEST = 20
MAX_DEVIATION = 1e-9  # relative; the largest of 1 000 fits was 2e-13
FORGED = 2_000
MAX_SECONDS = 1.0
MAX_BYTES = 2**26
HASHES = np.array([5, 7, 2**63], np.uint64)


@pytest.mark.parametrize("first", range(0, FITS, FITS_A_TEST))
def test_margins_are_those_of_catboost(first: int) -> None:
    for seed in range(first, first + FITS_A_TEST):
        fit = random_fit(seed)
        read = read_catboost(fit.blob, fit.levels, fit.rounds)
        X = fit.rows(seed)
        margins = walked_margins(read, X)
        assert read.count == fit.rounds + 1  # the last is the bias
        np.testing.assert_allclose(margins, fit.margins(X), rtol=MAX_DEVIATION, err_msg=str(seed))
        stored = without_idle_splits(Trees.from_state(read.to_state()))
        (walked,) = Grove.of([stored], [0]).margins([X])
        np.testing.assert_array_equal(walked, margins)
        np.testing.assert_array_equal(compiled_margins(stored, X), margins)


def test_random_fits_are_of_all_kinds() -> None:
    read = [some_trees(seed) for seed in range(80)]
    statistics = [each.statistics for each in read if each.statistics is not None]
    assert {each.outputs for each in read} == {1, 3, 4, 6}
    assert any(each.conditions.n_sets for each in read)
    assert any(each.count > 1 for each in read)
    assert any(each.conditions.n_numeric for each in statistics)
    assert any(each.conditions.n_sets for each in statistics)
    assert any((np.diff(each.part_offsets) > 2).any() for each in statistics)


@cache
def fit_of(seed: int) -> RandomFit:
    return random_fit(seed)


def some_trees(seed: int) -> Trees:
    fit = fit_of(seed)
    return read_catboost(fit.blob, fit.levels)


def test_what_only_later_trees_need_is_left_out() -> None:
    fit = next(each for each in map(fit_of, range(80)) if len(each.levels) > 3 and each.rounds > 9)
    first = read_catboost(fit.blob, fit.levels, 1)
    every = read_catboost(fit.blob, fit.levels)
    used = np.unique(first.condition)
    assert used.tolist() == list(range(len(first.conditions.column)))
    assert len(first.conditions.column) < len(every.conditions.column)


def test_a_missing_tree_is_refused() -> None:
    fit = fit_of(0)
    for rounds in (0, 1_000):
        with pytest.raises(UnsafeModel, match="trees, not"):
            read_catboost(fit.blob, fit.levels, rounds)


def test_other_columns_are_refused() -> None:
    fit = fit_of(1)
    for levels in (fit.levels[1:], (*fit.levels, 0), tuple(5 - min(5, n) for n in fit.levels)):
        with pytest.raises(UnsafeModel):
            read_catboost(fit.blob, levels)


def mutated(blob: bytes, rng: np.random.Generator) -> bytes:
    """Return bytes that were cut, or of which one or a few next to each other were changed."""
    position = int(rng.integers(0, len(blob)))
    kind = rng.integers(0, 4)
    if kind == 0:
        return blob[:position]
    changed = bytearray(blob)
    if kind == 1:
        changed[position] ^= 1 << int(rng.integers(0, 8))
    elif kind == 2:
        changed[position] = int(rng.integers(0, 256))
    else:
        extremes = (0, 1, 2**16, 2**31 - 1, 2**31, 2**32 - 1, len(blob))
        extreme = int(rng.choice(extremes))
        changed[position : position + 4] = extreme.to_bytes(4, "little")
    return bytes(changed)


def is_harmless(blob: bytes, levels: tuple[int, ...]) -> bool:
    """Whether a file is refused, or its trees predict something."""
    try:
        read = Trees.from_state(read_catboost(blob, levels).to_state())
    except UnsafeModel:
        return False
    X = np.zeros((3, len(levels)), np.float32)
    assert walked_margins(read, X).shape == (3, read.outputs)
    return True


def test_mutated_files_are_refused_or_harmless() -> None:
    fits = [fit_of(seed) for seed in range(16)]
    blobs = [fit.blob for fit in fits]
    rng = np.random.default_rng(0)
    answers = 0
    slowest = 0.0
    for turn in range(FORGED):
        which = turn % len(fits)
        blob = mutated(blobs[which], rng)
        start = time.process_time()
        answers += is_harmless(blob, fits[which].levels)
        slowest = max(slowest, time.process_time() - start)
    assert slowest < MAX_SECONDS
    assert 0 < answers < FORGED


def counted(kind: int = COUNTER, classes: int = 0, rows: int = 3) -> bytes:
    """The file of a tree that splits by a statistic of the category."""
    of = source(kind, 0)
    counts = np.arange(rows * max(1, classes), dtype="<i4")
    split = trees(statistics=[statistic(of, 0.5, 1.0)], splits=integers(2, 3))
    return file_of(split, table(of, HASHES, counts, classes))


def test_files_made_by_hand_are_read() -> None:
    read = read_catboost(file_of(trees()), LEVELS)
    X = np.array([[-1, 0], [0, 1], [np.nan, 2], [2, 0]], np.float32)
    assert walked_margins(read, X).ravel().tolist() == [4.5, 5.5, 4.5, 6.5]
    for kind, classes in ((COUNTER, 0), (BORDERS, 2), (BORDERS, 5)):
        assert is_harmless(counted(kind, classes), LEVELS)


def of_steps(*steps: tuple[int, int], places: tuple[int, ...] = (0, 0, 1)) -> bytes:
    """The file of one tree of such steps."""
    return file_of(
        trees(
            steps=np.array(list(steps), STEP),
            leaf_places=np.array(places, "<u4"),
            splits=integers(*[0] * len(steps)),
            sizes=integers(len(steps)),
            leaves=doubles(1, 2),
        )
    )


def test_steps_lead_to_leaves_at_their_end_or_at_the_node_itself() -> None:
    X = np.array([[-2, 0], [0, 0]], np.float32)
    for blob in (of_steps((1, 2), (0, 0), (0, 0)), of_steps((0, 1), (0, 0), places=(0, 1))):
        assert walked_margins(read_catboost(blob, LEVELS), X).ravel().tolist() == [1.5, 2.5]


def one_hot(*values: int) -> dict[int, object]:
    return {0: i32(0), 1: integers(*values)}


MANY = np.zeros(100_000, "<i4")
SHARED_ROWS = table(
    source(BORDERS, 0), np.arange(9, dtype=np.uint64), np.ones(100_000, "<i4"), 100_000
)
SHARED_ROWS[1].view(BUCKET)["index"] = 0

FORGERIES: dict[str, Callable[[], bytes]] = {
    "no bytes": lambda: b"",
    "only the mark": lambda: b"CBM1",
    "a length beyond the end": lambda: b"CBM1\xff\xff\xff\xff" + bytes(100),
    "zeros": lambda: b"CBM1\x64\x00\x00\x00" + bytes(100),
    "bytes after the end": lambda: file_of(trees()) + b"\x00",
    "another part": lambda: file_of(trees()).replace(b"Flabuffers", b"Flatbuffer"),
    "no outputs": lambda: file_of(trees(outputs=i32(0))),
    "negative outputs": lambda: file_of(trees(outputs=i32(-1))),
    "many outputs": lambda: file_of(trees(outputs=i32(2**31 - 1))),
    "no trees": lambda: file_of(trees(sizes=integers(), splits=integers(), leaves=doubles())),
    "a tree of negative size": lambda: file_of(trees(sizes=integers(-1, 3))),
    "a tree of huge size": lambda: file_of(trees(sizes=integers(2**31 - 1, 3))),
    "a deep tree": lambda: file_of(trees(sizes=integers(40), splits=integers(*[0] * 40))),
    "too few leaves": lambda: file_of(trees(leaves=doubles(1, 2, 3))),
    "a split that is not there": lambda: file_of(trees(splits=integers(0, 2))),
    "a negative split": lambda: file_of(trees(splits=integers(0, -1))),
    "an infinite leaf": lambda: file_of(trees(leaves=doubles(1, 2, 3, np.inf))),
    "a border that is no number": lambda: file_of(trees(numbers=[number(0, np.nan, 1)])),
    "a column that is not there": lambda: file_of(trees(numbers=[number(2, -1, 1)])),
    "a column of a category": lambda: file_of(trees(numbers=[number(1, -1, 1)])),
    "a column twice": lambda: file_of(trees(categories=[category(0)])),
    "more features than columns": lambda: file_of(trees(numbers=[number(0, -1, 1)] * 100_000)),
    "a bias of two": lambda: file_of(trees(bias=doubles(1, 2))),
    "an infinite bias": lambda: file_of(trees(bias=doubles(np.inf))),
    "texts": lambda: file_of(trees() | {12: [number()]}),
    "an infinite scale": lambda: file_of(trees() | {14: f64(np.inf)}),
    "a one-hot split of no category": lambda: file_of(
        trees(one_hot=[{0: i32(7), 1: integers(1)}], splits=integers(0, 2))
    ),
    "no table": lambda: file_of(
        trees(statistics=[statistic(source(COUNTER, 0), 1.0)], splits=integers(0, 2))
    ),
    "an unknown kind": lambda: counted(17),
    "too few counts": lambda: counted(rows=2),
    "counts of no class": lambda: counted(BORDERS, 0),
    "counts of negative classes": lambda: counted(BORDERS, -2),
    "counts that were cut": lambda: counted(BORDERS, 7, rows=1),
    "rows of counts that hashes share": lambda: file_of(
        trees(statistics=[statistic(source(BORDERS, 0), 1.0)], splits=integers(0, 2)), SHARED_ROWS
    ),
    "a combination of nothing": lambda: file_of(
        trees(statistics=[statistic(source(COUNTER), 1.0)], splits=integers(0, 2)),
        table(source(COUNTER), HASHES, integers(1, 2, 3)),
    ),
    "a combination of many": lambda: file_of(
        trees(statistics=[statistic(source(COUNTER, *[0] * 99), 1.0)], splits=integers(0, 2))
    ),
    "more values than bytes": lambda: file_of(
        trees(
            statistics=[statistic(source(COUNTER, 0), 1.0)] * 999,
            splits=np.arange(2, 999, dtype="<i4"),
            sizes=np.ones(997, "<i4"),
            leaves=np.ones(1_994),
        ),
        table(source(COUNTER, 0), np.arange(2_000, dtype=np.uint64), MANY[:2_000]),
    ),
    "a step beyond the tree": lambda: of_steps((1, 3), (0, 0), (0, 0)),
    "two steps to a node": lambda: of_steps((1, 1), (0, 0), (0, 0)),
    "a node below none": lambda: of_steps((1, 0), (0, 0), (0, 0)),
    "a leaf that is not there": lambda: of_steps((1, 2), (0, 0), (0, 0), places=(0, 0, 2)),
    "leaves that nodes share": lambda: file_of(
        trees(
            outputs=i32(50_000),
            steps=np.zeros(100_000, STEP),
            leaf_places=MANY,
            splits=MANY,
            sizes=MANY + 1,
            leaves=np.ones(50_000),
            bias=np.zeros(50_000),
        )
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_files_are_refused_quickly(name: str) -> None:
    blob = FORGERIES[name]()
    start = time.process_time()
    with pytest.raises(UnsafeModel):
        read_catboost(blob, LEVELS)
    assert time.process_time() - start < MAX_SECONDS
    assert peak_bytes(blob) < MAX_BYTES


def peak_bytes(blob: bytes) -> int:
    """The memory that a file which is refused takes while it is read."""
    tracemalloc.start()
    with pytest.raises(UnsafeModel):
        read_catboost(blob, LEVELS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_more_levels_than_a_file_can_know_are_refused() -> None:
    blob = file_of(trees(one_hot=[one_hot(1)], splits=integers(0, 2)))
    assert is_harmless(blob, LEVELS)
    with pytest.raises(UnsafeModel, match="more levels"):
        read_catboost(blob, (0, 2**25))


def test_sets_of_many_categories_are_refused() -> None:
    from automl.models.trees._cityhash import category_hashes

    values = category_hashes(2**20)[-1_500:]
    split = np.arange(2, 1_502, dtype="<i4")
    forged = trees(
        one_hot=[{0: i32(0), 1: values}],
        splits=split,
        sizes=np.ones(1_500, "<i4"),
        leaves=np.ones(3_000),
    )
    with pytest.raises(UnsafeModel, match="too large"):
        read_catboost(file_of(forged), (0, 2**20))
