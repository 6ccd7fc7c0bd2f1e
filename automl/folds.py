"""Which rows are held out when: stratified, grouped, by time, or one holdout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from automl.errors import InputError

Rows = npt.NDArray[np.int64]
FoldKind = Literal["kfold", "time", "holdout", "panel"]

MOST_MOVED = (
    0.2  # of the rows may be held out later than their time says, for their groups to stay whole
)
GoOn = Callable[[], bool]  # whether there is time for more
UNUSED = -2  # the block of rows that are neither trained on nor held out


@dataclass(frozen=True)
class Folds:
    """The block of every row in each repeat.

    Parameters
    ----------
    kind : {"kfold", "time", "holdout", "panel"}
        "kfold": fold k holds block k out and trains on the others. "time": blocks are in time order from -1 on; fold k holds
        block k out and trains on all earlier ones. "holdout": block 0 is held out, -1 is trained on. "panel": the later rows of the
        groups of part k are block k, their earlier rows block -1 - k; fold k holds block k out and trains on the earlier rows of all
        other groups.
        Of the other kinds, rows of block -2 are left out of both.
    blocks : ndarray of shape (n_repeats, n_rows), int16

    Examples
    --------
    >>> folds = Folds("kfold", np.array([[0, 1, 0]], np.int16))
    >>> folds.train(0, 0).tolist(), folds.held(0, 0).tolist()
    ([1], [0, 2])
    """

    kind: FoldKind
    blocks: npt.NDArray[np.int16]

    def train(self, repeat: int, fold: int | None) -> Rows:
        """Rows to train on; all of them for `fold=None`."""
        if fold is None:
            return np.arange(self.blocks.shape[1])
        blocks = self.blocks[repeat]
        if self.kind == "panel":
            return np.flatnonzero((blocks < 0) & (blocks != -1 - fold))
        return np.flatnonzero(
            (blocks < fold if self.kind == "time" else blocks != fold) & (blocks != UNUSED)
        )

    def held(self, repeat: int, fold: int) -> Rows:
        """Rows held out."""
        return np.flatnonzero(self.blocks[repeat] == fold)

    @property
    def n_folds(self) -> int:
        """Folds of a repeat."""
        return int(self.blocks.max()) + 1

    def take(self, rows: Rows) -> Folds:
        """The same folds of some of the rows."""
        return Folds(self.kind, self.blocks[:, rows])

    def spread(self, rows: Rows, n_rows: int) -> Folds:
        """The same folds over a larger table, in which these rows stand at `rows`; the others are unused."""
        blocks = np.full((len(self.blocks), n_rows), UNUSED, np.int16)
        blocks[:, rows] = self.blocks
        return Folds(self.kind, blocks)

    def save(self, folder: Path) -> None:
        """Lay the folds into a folder."""
        np.save(folder / _file(self.kind), self.blocks)


def open_folds(folder: Path) -> Folds:
    """The folds that `Folds.save` laid there."""
    path = next(folder.glob("folds-*.npy"))
    kind: Any = path.stem.removeprefix("folds-")
    return Folds(kind, np.load(path))


def given_folds(folder: Path) -> Folds | None:
    """The folds that a run was given and keeps in its folder, over the rows of its table; None if it made its own.

    Raises
    ------
    InputError
        The file holds something else.
    """
    path = next(
        (
            folder / name
            for name in sorted(map(_file, get_args(FoldKind)))
            if (folder / name).exists()
        ),
        None,
    )
    if path is None:
        return None
    try:
        blocks = np.load(path, allow_pickle=False)
    except (ValueError, EOFError):
        blocks = np.zeros(0)
    if blocks.dtype != np.int16 or blocks.ndim != 2 or not blocks.size or blocks.min() < UNUSED:
        raise InputError(f"{path}: holds no folds. Copy it again from where the run was made.")
    kind: Any = path.stem.removeprefix("folds-")
    return Folds(kind, blocks)


def _file(kind: FoldKind) -> str:
    """The name of the file that folds of a kind lie in."""
    return f"folds-{kind}.npy"


def from_splits(splits: Sequence[tuple[Rows, Rows]], n_rows: int) -> Folds:
    """The folds that splits of somebody else's make.

    Splits that part the rows are k folds, or repeats of k folds; blocks that follow each other, each trained on all earlier ones,
    are folds by time; anything else is one holdout a split.

    Parameters
    ----------
    splits : sequence of (train, held)
        Positions of rows; none stands in both.

    Examples
    --------
    >>> parted = [([1, 2], [0]), ([0, 2], [1]), ([0, 1], [2])]
    >>> from_splits(parted, 3).kind, from_splits(parted[:1], 3).kind
    ('kfold', 'holdout')
    """
    marks = np.full((len(splits), n_rows), UNUSED, np.int16)
    for mark, (train, held) in zip(marks, splits, strict=True):
        mark[train], mark[held] = -1, 0
    return _parted(marks) or _ordered(marks) or Folds("holdout", marks)


def _parted(marks: npt.NDArray[np.int16]) -> Folds | None:
    """Splits as repeats of k folds: those of a repeat hold each row out once, and train on all others."""
    is_used = (marks != UNUSED).any(axis=0)
    if (marks[:, is_used] == UNUSED).any():
        return None
    n_held = int((marks == 0).any(axis=0).sum())
    untouched = np.where(is_used, -1, UNUSED).astype(np.int16)
    repeats: list[npt.NDArray[np.int16]] = []
    blocks = untouched.copy()
    for held in marks == 0:
        if (blocks[held] != -1).any():
            return None
        blocks[held] = max(-1, blocks.max()) + 1
        if int((blocks >= 0).sum()) == n_held:
            repeats.append(blocks)
            blocks = untouched.copy()
    counts = {int(repeat.max()) + 1 for repeat in repeats}
    is_whole = (blocks < 0).all() and len(counts) == 1 and counts != {1}
    return Folds("kfold", np.stack(repeats)) if is_whole else None


def _ordered(marks: npt.NDArray[np.int16]) -> Folds | None:
    """Splits as blocks in the order of time: each is trained on what the first one was, and on all blocks held out before it."""
    if len(marks) < 2:
        return None
    blocks = np.where(marks[0] == -1, -1, UNUSED).astype(np.int16)
    for fold, mark in enumerate(marks):
        if not np.array_equal(mark == -1, blocks > UNUSED) or (blocks[mark == 0] != UNUSED).any():
            return None
        blocks[mark == 0] = fold
    return Folds("time", blocks[None, :])


def always() -> bool:
    """There is time."""
    return True


def some(n_rows: int, most: int, seed: int | tuple[int, ...]) -> Rows:
    """All rows, or so many of them, drawn at random and left in their order.

    >>> some(3, 5, seed=0).tolist(), len(some(100, 5, seed=0))
    ([0, 1, 2], 5)
    """
    if n_rows <= most:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(seed).permutation(n_rows)[:most])


def kfold(strata: npt.NDArray[Any], units: Rows, n_folds: int, n_repeats: int, seed: int) -> Folds:
    """Stratified folds that keep units (groups or duplicate rows) whole.

    Parameters
    ----------
    strata : ndarray of shape (n_rows,)
        Classes, or a regression target, whose distribution each fold shall share.
    units : ndarray of shape (n_rows,)
        Rows with an equal number stay together.
    """
    repeats = [
        _stratified(strata, units, n_folds, np.random.default_rng((seed, repeat)))
        for repeat in range(n_repeats)
    ]
    return Folds("kfold", np.stack(repeats))


def holdout(strata: npt.NDArray[Any], units: Rows, share: float, seed: int) -> Folds:
    """One holdout of about this share of the rows; of a few units, those that come nearest to it."""
    blocks = kfold(
        strata, units, min(max(2, round(1 / share)), len(np.unique(units))), 1, seed
    ).blocks
    sizes = np.bincount(blocks[0]) / blocks.shape[1]
    held = int(np.abs(sizes - share).round(3).argmin())
    return Folds("holdout", np.where(blocks == held, 0, -1).astype(np.int16))


def by_time(times: npt.NDArray[np.float64], units: Rows, n_folds: int) -> Folds:
    """Expanding windows: each fold holds a later block out and trains on all that came before.

    Equal times stay together, and so do the rows of a unit: it stands where its last row does. There are fewer folds where there are
    too few times for so many; two times are enough for one.
    """
    _, unit_of = np.unique(units, return_inverse=True)
    last = np.full(unit_of.max() + 1, -np.inf)
    np.maximum.at(last, unit_of, times)
    times = last[unit_of]
    _, first, inverse = np.unique(np.sort(times), return_index=True, return_inverse=True)
    rank = np.empty(len(times), np.int64)  # the rows that came before
    rank[np.argsort(times, kind="stable")] = first[inverse]
    for count in range(n_folds, 0, -1):  # half of the rows is trained on in every fold
        blocks = np.clip((2 * rank - len(times)) * count // len(times), -1, None)
        if len(np.unique(blocks)) == count + 1:
            return Folds("time", blocks.astype(np.int16)[None, :])
    return Folds(
        "time", np.where(times == times.max(), 0, -1).astype(np.int16)[None, :]
    )  # most rows have the last time


def spans_times(times: npt.NDArray[np.float64], units: Rows, n_folds: int) -> bool:
    """Whether groups run through the times, as stores do that are there each day: kept whole, they would leave no order of time.

    >>> days = np.repeat(np.arange(10.0), 3)
    >>> spans_times(days, np.tile([0, 1, 2], 10), 2), spans_times(days, np.repeat(np.arange(10), 3), 2)
    (True, False)
    """
    whole = by_time(times, units, n_folds)
    alone = by_time(times, np.arange(len(times)), n_folds)
    moved = float((whole.blocks != alone.blocks).mean())
    return bool(whole.blocks.min() >= 0) or moved > MOST_MOVED


def panel(times: npt.NDArray[np.float64], units: Rows, n_folds: int, seed: int) -> Folds:
    """The later half of the rows is held out, that of some groups in each fold, of which nothing is trained on."""
    is_late = by_time(times, np.arange(len(times)), 1).blocks[0] == 0
    for count in range(min(n_folds, len(np.unique(units))), 1, -1):
        part = kfold(is_late, units, count, 1, seed).blocks[0]
        made = Folds("panel", np.where(is_late, part, -1 - part).astype(np.int16)[None, :])
        if all(len(made.train(0, fold)) and len(made.held(0, fold)) for fold in range(count)):
            return made
    return Folds("panel", np.full((1, len(times)), -1, np.int16))


def given(is_held: npt.NDArray[np.bool_]) -> Folds:
    """The holdout that the user gave."""
    return Folds("holdout", np.where(is_held, 0, -1).astype(np.int16)[None, :])


def _stratified(
    strata: npt.NDArray[Any], units: Rows, n_folds: int, rng: np.random.Generator
) -> npt.NDArray[np.int16]:
    """Deal the units out like cards, sorted by stratum: first the large ones, each to the emptiest fold; the last few likewise."""
    _, first, unit_of, counts = np.unique(
        units, return_index=True, return_inverse=True, return_counts=True
    )
    dealt = np.empty(len(counts), np.int16)
    sums = np.zeros(n_folds)
    for unit in np.flatnonzero(
        counts > max(1.0, len(units) / n_folds / 20)
    ):  # so large that dealing in turn would unbalance
        dealt[unit] = (sums + rng.random(n_folds)).argmin()
        sums[dealt[unit]] += counts[unit]
    small = np.flatnonzero(counts <= max(1.0, len(units) / n_folds / 20))
    small = rng.permutation(small)
    small = small[np.argsort(strata[first[small]], kind="stable")]
    turns = [rng.permutation(n_folds) for _ in range(len(small) // n_folds + 1)]
    turns[-1] = turns[-1][
        sums[turns[-1]].argsort(kind="stable")
    ]  # no fold stays empty as long as there is a unit for each
    dealt[small] = np.concatenate(turns)[: len(small)]
    return dealt[unit_of]
