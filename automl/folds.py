"""Which rows are held out when: stratified, grouped, by time, or one holdout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from automl.arrays import Array, Bools, Rows
from automl.errors import InputError

Times = NDArray[np.float64]
Blocks = NDArray[np.int16]
Split = tuple[Rows, Rows]
Seed = int | tuple[int, ...]
FoldKind = Literal["kfold", "time", "holdout", "panel"]

# Share of the rows that may be held out later than their time says, to keep groups whole.
MAX_MOVED_SHARE = 0.2
HasTime = Callable[[], bool]  # whether there is time for more
UNUSED_BLOCK = -2  # the block of rows that are neither trained on nor held out


@dataclass(frozen=True)
class Folds:
    """The block of every row in each repeat.

    Parameters
    ----------
    kind : {"kfold", "time", "holdout", "panel"}
        - "kfold": fold k holds block k out and trains on the others.
        - "time": blocks are in time order from -1 on; fold k holds block k out and trains on all
          earlier ones.
        - "holdout": block 0 is held out, -1 is trained on.
        - "panel": the later rows of the groups of part k are block k, their earlier rows block
          -1 - k; fold k holds block k out and trains on the earlier rows of all other groups.

        Rows of block -2 are neither trained on nor held out, except in "panel".
    blocks : ndarray of shape (n_repeats, n_rows), int16

    Examples
    --------
    >>> folds = Folds("kfold", np.array([[0, 1, 0]], np.int16))
    >>> folds.train(0, 0).tolist(), folds.held_out(0, 0).tolist()
    ([1], [0, 2])
    """

    kind: FoldKind
    blocks: Blocks

    def train(self, repeat: int, fold: int | None) -> Rows:
        """Return the positions of rows to train on; all of them for `fold=None`."""
        if fold is None:
            n_rows = self.blocks.shape[1]
            return np.arange(n_rows)
        blocks = self.blocks[repeat]
        if self.kind == "panel":
            own_early_part = -1 - fold
            is_train = blocks < 0
            is_train &= blocks != own_early_part
            return np.flatnonzero(is_train)
        is_train = blocks != fold
        if self.kind == "time":
            is_train = blocks < fold
        is_train &= blocks != UNUSED_BLOCK
        return np.flatnonzero(is_train)

    def held_out(self, repeat: int, fold: int) -> Rows:
        """Return the positions of rows held out."""
        blocks = self.blocks[repeat]
        is_held = blocks == fold
        return np.flatnonzero(is_held)

    @property
    def n_folds(self) -> int:
        """Number of folds in a repeat."""
        last = int(self.blocks.max())
        return last + 1

    def take(self, rows: Rows) -> Folds:
        """Return the same folds of some of the rows, by position."""
        blocks = self.blocks[:, rows]
        return Folds(self.kind, blocks)

    def embed(self, rows: Rows, n_rows: int) -> Folds:
        """Return the same folds over a larger table.

        Parameters
        ----------
        rows : ndarray of int64
            Positions in the larger table of the rows of these folds; all others are unused.
        n_rows : int
            Number of rows of the larger table.
        """
        n_repeats = len(self.blocks)
        shape = (n_repeats, n_rows)
        blocks = np.full(shape, UNUSED_BLOCK, np.int16)
        blocks[:, rows] = self.blocks
        return Folds(self.kind, blocks)

    def save(self, folder: Path) -> None:
        """Write the folds to a folder."""
        path = folder / _file_name(self.kind)
        np.save(path, self.blocks)


def open_folds(folder: Path) -> Folds:
    """Return the folds that `Folds.save` wrote."""
    paths = folder.glob("folds-*.npy")
    path = next(paths)
    kind = _kind_of(path)
    blocks = np.load(path)
    return Folds(kind, blocks)


def load_user_folds(folder: Path) -> Folds | None:
    """Return the user's own folds that a run keeps in its folder; None if it made its own.

    They are over the rows of the run's table.

    Raises
    ------
    InputError
        The file holds something else.
    """
    path = _existing_file(folder)
    if path is None:
        return None
    try:
        blocks = np.load(path, allow_pickle=False)
    except (ValueError, EOFError):
        blocks = np.zeros(0)
    is_valid = _are_blocks(blocks)
    if not is_valid:
        raise InputError(f"{path}: holds no folds. Copy it again from where the run was made.")
    kind = _kind_of(path)
    return Folds(kind, blocks)


def _existing_file(folder: Path) -> Path | None:
    kinds = get_args(FoldKind)
    for kind in sorted(kinds):
        path = folder / _file_name(kind)
        if path.exists():
            return path
    return None


def _are_blocks(array: Array) -> bool:
    if array.dtype != np.int16:
        return False
    if array.ndim != 2:
        return False
    if not array.size:
        return False
    lowest = int(array.min())
    return lowest >= UNUSED_BLOCK


def _file_name(kind: FoldKind) -> str:
    return f"folds-{kind}.npy"


def _kind_of(path: Path) -> Any:
    name = path.stem
    return name.removeprefix("folds-")


def folds_from_splits(splits: Sequence[Split], n_rows: int) -> Folds:
    """Return the folds that the splits of another splitter make.

    Splits that partition the rows are k folds, or repeats of k folds; blocks that follow each
    other, each trained on all earlier ones, are folds by time; anything else is one holdout for
    each split.

    Parameters
    ----------
    splits : sequence of (train, held)
        Positions of rows; no row is in both.
    n_rows : int
        Number of rows of the table.

    Examples
    --------
    >>> splits = [([1, 2], [0]), ([0, 2], [1]), ([0, 1], [2])]
    >>> folds_from_splits(splits, 3).kind, folds_from_splits(splits[:1], 3).kind
    ('kfold', 'holdout')
    """
    n_splits = len(splits)
    shape = (n_splits, n_rows)
    marks = np.full(shape, UNUSED_BLOCK, np.int16)
    for index, split in enumerate(splits):
        train, held = split
        mark = marks[index]
        mark[train] = -1
        mark[held] = 0
    folds = _as_kfold(marks)
    if folds is None:
        folds = _as_time_folds(marks)
    if folds is None:
        folds = Folds("holdout", marks)
    return folds


def _as_kfold(marks: Blocks) -> Folds | None:
    """Return splits as repeats of k folds; None if they are something else.

    The folds of a repeat hold each row out once, and train on all others.

    Parameters
    ----------
    marks : ndarray of shape (n_splits, n_rows), int16
        -1 where a row is trained on, 0 where it is held out, else UNUSED.
    """
    is_unused = marks == UNUSED_BLOCK
    is_never_used = is_unused.all(axis=0)
    is_sometimes_used = is_unused & ~is_never_used
    if is_sometimes_used.any():
        return None
    is_held = marks == 0
    is_ever_held = is_held.any(axis=0)
    n_held = is_ever_held.sum()
    n_rows = marks.shape[1]
    start = np.full(n_rows, -1, np.int16)
    start[is_never_used] = UNUSED_BLOCK
    repeats: list[Blocks] = []
    blocks = start.copy()
    for held in is_held:
        is_repeated = blocks[held] >= 0
        if is_repeated.any():
            return None
        last = blocks.max()
        blocks[held] = max(-1, last) + 1
        is_done = blocks >= 0
        if is_done.sum() == n_held:
            repeats.append(blocks)
            blocks = start.copy()
    if (blocks >= 0).any():
        return None
    last_blocks = set()
    for repeat in repeats:
        last = int(repeat.max())
        last_blocks.add(last)
    if len(last_blocks) != 1:
        return None
    if last_blocks == {0}:
        return None
    stacked = np.stack(repeats)
    return Folds("kfold", stacked)


def _as_time_folds(marks: Blocks) -> Folds | None:
    """Return splits as blocks in the order of time; None if they are something else.

    Each split must train on the rows that the first one trains on, and on all rows held out
    before it.
    """
    if len(marks) < 2:
        return None
    blocks = marks[0].copy()
    blocks[blocks != -1] = UNUSED_BLOCK
    for fold, mark in enumerate(marks):
        is_train = mark == -1
        is_held = mark == 0
        is_earlier = blocks != UNUSED_BLOCK
        if not np.array_equal(is_train, is_earlier):
            return None
        if is_earlier[is_held].any():
            return None
        blocks[is_held] = fold
    return _one_repeat("time", blocks)


def _one_repeat(kind: FoldKind, blocks: Array) -> Folds:
    """Return folds from the blocks of a single repeat."""
    repeat = blocks.astype(np.int16)
    repeats = repeat[None, :]
    return Folds(kind, repeats)


def unlimited() -> bool:
    """Say that there is time for more."""
    return True


def sample_rows(
    n_rows: int,
    most: int,
    seed: Seed,
) -> Rows:
    """Return the positions of all rows, or of `most` random ones, in ascending order.

    >>> sample_rows(3, 5, seed=0).tolist(), len(sample_rows(100, 5, seed=0))
    ([0, 1, 2], 5)
    """
    if n_rows <= most:
        return np.arange(n_rows)
    rng = np.random.default_rng(seed)
    order = rng.permutation(n_rows)
    drawn = order[:most]
    return np.sort(drawn)


def kfold(
    strata: Array,
    units: Rows,
    n_folds: int,
    n_repeats: int,
    seed: int,
) -> Folds:
    """Return stratified folds that keep units (groups or duplicate rows) whole.

    Parameters
    ----------
    strata : ndarray of shape (n_rows,)
        Classes, or a regression target, of which each fold gets about the same distribution.
    units : ndarray of shape (n_rows,)
        Rows with an equal number stay together.
    """
    repeats = []
    for repeat in range(n_repeats):
        seeds = (seed, repeat)
        rng = np.random.default_rng(seeds)
        blocks = _stratified_blocks(strata, units, n_folds, rng)
        repeats.append(blocks)
    stacked = np.stack(repeats)
    return Folds("kfold", stacked)


def holdout(
    strata: Array,
    units: Rows,
    share: float,
    seed: int,
) -> Folds:
    """Return one holdout of about this share of the rows.

    With few units it is the fold whose size comes nearest to the share.
    """
    n_units = _n_distinct(units)
    n_folds = round(1 / share)
    n_folds = max(2, n_folds)
    n_folds = min(n_folds, n_units)
    folds = kfold(strata, units, n_folds, 1, seed)
    blocks = folds.blocks[0]
    sizes = np.bincount(blocks)
    shares = sizes / len(blocks)
    errors = np.abs(shares - share)
    nearest = errors.round(3).argmin()
    return holdout_of(blocks == nearest)


def _n_distinct(values: Array) -> int:
    return len(np.unique(values))


def by_time(
    times: Times,
    units: Rows,
    n_folds: int,
) -> Folds:
    """Return expanding windows: each fold holds a later block out and trains on all earlier rows.

    Equal times stay together, and so do the rows of a unit, at the time of its last row. There
    are fewer folds where there are too few times; two times are enough for one fold.
    """
    times = _last_times(times, units)
    n_rows = len(times)
    rank = _n_earlier(times)
    from_middle = 2 * rank - n_rows  # negative for the first half of the rows
    for count in range(n_folds, 0, -1):
        blocks = from_middle * count // n_rows
        blocks = np.clip(blocks, -1, None)
        if _n_distinct(blocks) == count + 1:
            return _one_repeat("time", blocks)
    # Most rows have the last time.
    is_last = times == times.max()
    blocks = np.where(is_last, 0, -1)
    return _one_repeat("time", blocks)


def _last_times(times: Times, units: Rows) -> Times:
    """Return for each row the last time of its unit."""
    _, unit_of = np.unique(units, return_inverse=True)
    n_units = _n_distinct(units)
    last = np.full(n_units, -np.inf)
    np.maximum.at(last, unit_of, times)
    return last[unit_of]


def _n_earlier(times: Times) -> Rows:
    """Return for each row the number of rows with an earlier time."""
    in_order = np.sort(times)
    return np.searchsorted(in_order, times, side="left")


def groups_span_times(
    times: Times,
    units: Rows,
    n_folds: int,
) -> bool:
    """Return whether groups run through the times, as stores do that have a row each day.

    Kept whole, such groups would leave no order of time.

    >>> days = np.repeat(np.arange(10.0), 3)
    >>> stores = np.tile([0, 1, 2], 10)
    >>> orders = np.repeat(np.arange(10), 3)
    >>> groups_span_times(days, stores, 2), groups_span_times(days, orders, 2)
    (True, False)
    """
    row_numbers = np.arange(len(times))
    whole = by_time(times, units, n_folds)
    alone = by_time(times, row_numbers, n_folds)
    has_no_train = whole.blocks.min() >= 0
    is_moved = whole.blocks != alone.blocks
    moved_share = float(is_moved.mean())
    return bool(has_no_train) or moved_share > MAX_MOVED_SHARE


def panel(
    times: Times,
    units: Rows,
    n_folds: int,
    seed: int,
) -> Folds:
    """Return folds over groups within the later half of the rows.

    Each fold holds out the later rows of some groups, and trains on no row of these groups.
    """
    row_numbers = np.arange(len(times))
    halves = by_time(times, row_numbers, 1)
    is_late = halves.blocks[0] == 0
    n_units = _n_distinct(units)
    most = min(n_folds, n_units)
    for count in range(most, 1, -1):
        parts = kfold(is_late, units, count, 1, seed)
        part = parts.blocks[0]
        early_part = -1 - part
        blocks = np.where(is_late, part, early_part)
        folds = _one_repeat("panel", blocks)
        if not _has_empty_fold(folds, count):
            return folds
    all_early = np.full_like(row_numbers, -1)
    return _one_repeat("panel", all_early)


def _has_empty_fold(folds: Folds, n_folds: int) -> bool:
    """Return whether a fold of the first repeat trains on nothing or holds nothing out."""
    for fold in range(n_folds):
        train = folds.train(0, fold)
        held = folds.held_out(0, fold)
        if not train.size:
            return True
        if not held.size:
            return True
    return False


def holdout_of(is_held: Bools) -> Folds:
    """Return the holdout of the rows where `is_held`, such as the user's own.

    Parameters
    ----------
    is_held : ndarray of shape (n_rows,), bool
    """
    blocks = np.where(is_held, 0, -1)
    return _one_repeat("holdout", blocks)


def _stratified_blocks(
    strata: Array,
    units: Rows,
    n_folds: int,
    rng: np.random.Generator,
) -> Blocks:
    """Deal the units out like cards, sorted by stratum.

    Large units come first, each to the emptiest fold; the last few small ones likewise.
    """
    _, first_row, unit_of, sizes = np.unique(
        units, return_index=True, return_inverse=True, return_counts=True
    )
    n_units = len(sizes)
    # Dealing units in turn would unbalance the folds if they were larger than this.
    fold_size = len(units) / n_folds
    max_small_size = fold_size / 20
    max_small_size = max(1.0, max_small_size)
    is_large = sizes > max_small_size
    fold_of = np.empty(n_units, np.int16)
    fold_sizes = np.zeros(n_folds)
    for unit in np.flatnonzero(is_large):
        noise = rng.random(n_folds)
        noisy_sizes = fold_sizes + noise
        fold = noisy_sizes.argmin()
        fold_of[unit] = fold
        fold_sizes[fold] += sizes[unit]
    small = np.flatnonzero(~is_large)
    small = rng.permutation(small)
    small_strata = strata[first_row[small]]
    order = np.argsort(small_strata, kind="stable")
    small = small[order]
    n_rounds = len(small) // n_folds + 1
    rounds = []
    for _ in range(n_rounds):
        deal = rng.permutation(n_folds)
        rounds.append(deal)
    # No fold stays empty as long as there is a unit for each.
    last = rounds[-1]
    last_sizes = fold_sizes[last]
    by_size = last_sizes.argsort(kind="stable")
    rounds[-1] = last[by_size]
    dealt = np.concatenate(rounds)
    n_small = len(small)
    fold_of[small] = dealt[:n_small]
    return fold_of[unit_of]
