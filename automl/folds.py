"""Which rows are held out when: stratified, grouped, by time, or one holdout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]
GoOn = Callable[[], bool]  # whether there is time for more
FoldKind = Literal["kfold", "time", "holdout"]


@dataclass(frozen=True)
class Folds:
    """The block of every row in each repeat.

    Parameters
    ----------
    kind : {"kfold", "time", "holdout"}
        "kfold": fold k holds block k out and trains on the others. "time": blocks are in time order from -1 on; fold k holds
        block k out and trains on all earlier ones. "holdout": block 0 is held out, -1 is trained on.
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
        return np.flatnonzero(blocks < fold if self.kind == "time" else blocks != fold)

    def held(self, repeat: int, fold: int) -> Rows:
        """Rows held out."""
        return np.flatnonzero(self.blocks[repeat] == fold)

    @property
    def n_folds(self) -> int:
        """Folds of a repeat."""
        return int(self.blocks.max()) + 1

    def save(self, folder: Path) -> None:
        """Lay the folds into a folder."""
        np.save(folder / f"folds-{self.kind}.npy", self.blocks)


def open_folds(folder: Path) -> Folds:
    """The folds that `Folds.save` laid there."""
    path = next(folder.glob("folds-*.npy"))
    kind: Any = path.stem.removeprefix("folds-")
    return Folds(kind, np.load(path))


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
    repeats = [_stratified(strata, units, n_folds, np.random.default_rng((seed, repeat))) for repeat in range(n_repeats)]
    return Folds("kfold", np.stack(repeats))


def holdout(strata: npt.NDArray[Any], units: Rows, share: float, seed: int) -> Folds:
    """One holdout of about this share of the rows; of a few units, those that come nearest to it."""
    blocks = kfold(strata, units, min(max(2, round(1 / share)), len(np.unique(units))), 1, seed).blocks
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
    return Folds("time", np.where(times == times.max(), 0, -1).astype(np.int16)[None, :])  # most rows have the last time


def given(is_held: npt.NDArray[np.bool_]) -> Folds:
    """The holdout that the user gave."""
    return Folds("holdout", np.where(is_held, 0, -1).astype(np.int16)[None, :])


def _stratified(strata: npt.NDArray[Any], units: Rows, n_folds: int, rng: np.random.Generator) -> npt.NDArray[np.int16]:
    """Deal the units out like cards, sorted by stratum: first the large ones, each to the emptiest fold; the last few likewise."""
    _, first, unit_of, counts = np.unique(units, return_index=True, return_inverse=True, return_counts=True)
    dealt = np.empty(len(counts), np.int16)
    sums = np.zeros(n_folds)
    for unit in np.flatnonzero(counts > max(1.0, len(units) / n_folds / 20)):  # so large that dealing in turn would unbalance
        dealt[unit] = (sums + rng.random(n_folds)).argmin()
        sums[dealt[unit]] += counts[unit]
    small = np.flatnonzero(counts <= max(1.0, len(units) / n_folds / 20))
    small = rng.permutation(small)
    small = small[np.argsort(strata[first[small]], kind="stable")]
    turns = [rng.permutation(n_folds) for _ in range(len(small) // n_folds + 1)]
    turns[-1] = turns[-1][sums[turns[-1]].argsort(kind="stable")]  # no fold stays empty as long as there is a unit for each
    dealt[small] = np.concatenate(turns)[: len(small)]
    return dealt[unit_of]
