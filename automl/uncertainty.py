"""How sure a score is: its interval over new rows, what the choice among models flatters it by, and which models are tied.

Pure functions of out-of-fold predictions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.ensemble import Truth, combine, cuts, decide
from automl.error_tails import worsening
from automl.folds import GoOn, always, some
from automl.metrics import Metric

Floats = npt.NDArray[np.float64]
Weigher = Callable[[Sequence[Floats], Truth], Floats]  # finds weights for models
Loss = Callable[[Floats, npt.NDArray[Any], Floats | None], float]  # of truth, prediction and weight

FEWEST = 40  # losses of samples for an interval, however long a metric takes
FEWEST_UNITS = 20  # of a sample that keeps them whole
FEWEST_BLOCKS = 5  # for a plane through their losses
FARTHEST = 0.7  # beyond the logarithm of the largest loss of a block no later one is expected
COMPLETE = 0.8  # of the samples have a loss, or nothing is said of them
NEW = (
    1 / 3
)  # new rows for each one of the table that an interval is told for: as many as a test of a quarter of all rows


def new_rows(rows: int) -> int:
    """How many new rows an interval is told for, unless it is for a table that is there."""
    return max(1, round(NEW * rows))


def widening(rows: int, new: int, trained: float = math.inf) -> float:
    """How much farther the score of new rows may lie than the mean over held-out ones: these are a sample, and so are the new ones.

    So are the rows that models were trained on, where they are given.

    References
    ----------
    Nadeau and Bengio (2003), Inference for the generalization error.

    Examples
    --------
    >>> widening(300, 100)
    2.0
    """
    return math.sqrt(1 + rows / new + rows / trained)


def reached(
    loss: float, low: float, high: float, far: float, metric: Metric
) -> tuple[float, float]:
    """The ends of an interval around a loss, so many times as far away from it.

    The lower one by the distance; the upper one, where a metric knows a least loss, by the ratio, if that is farther: of few errors there
    may be several times as many on other rows. By the ratio it becomes at most e times as large.

    >>> from automl.metrics import METRICS
    >>> low, high = reached(0.1, 0.08, 0.12, 2.0, METRICS["roc_auc"])
    >>> f"{low:.3f} {high:.3f}"
    '0.060 0.144'
    """
    low, farther = loss + (low - loss) * far, loss + (high - loss) * far
    least = metric.least
    if math.isfinite(least) and least < loss < high < math.inf:
        farther = max(
            farther,
            least
            + (high - least)
            * math.exp(min(1.0, math.log((high - least) / (loss - least)) * (far - 1))),
        )
    return max(least, low), min(metric.most, farther)


class Sampler:
    """Draws rows with replacement; rows that are held out together come and go together.

    Examples
    --------
    >>> units = np.array([0, 0, 1, 1])
    >>> sampler = Sampler(Truth(np.zeros(4), units=units))
    >>> sampler.count, sorted(set(sampler.draw(np.random.default_rng(0)).tolist())) in ([0, 1], [2, 3], [0, 1, 2, 3])
    (2, True)
    """

    def __init__(self, truth: Truth) -> None:
        self._n_rows = len(truth.y)
        self.count = self._n_rows
        self._order: npt.NDArray[np.int64] | None = None
        if truth.units is not None:
            _, unit_of, sizes = np.unique(truth.units, return_inverse=True, return_counts=True)
            self.count, self._sizes = len(sizes), sizes
            self._order, self._starts = np.argsort(unit_of, kind="stable"), np.cumsum(sizes) - sizes

    def draw(self, rng: np.random.Generator, count: int | None = None) -> npt.NDArray[np.int64]:
        """Rows of as many units as there are, or of so many."""
        drawn = rng.integers(0, self.count, count or self.count)
        if self._order is None:
            return drawn
        sizes = self._sizes[drawn]
        positions = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        rows: npt.NDArray[np.int64] = self._order[np.repeat(self._starts[drawn], sizes) + positions]
        return rows

    def some(self, most: int, seed: int) -> npt.NDArray[np.int64]:
        """At most so many rows, of whole units where there are some."""
        if self._n_rows <= most or self._order is None:
            return some(self._n_rows, most, seed)
        drawn = np.random.default_rng(seed).permutation(self.count)
        kept = drawn[np.cumsum(self._sizes[drawn]) <= most]
        parts = [
            self._order[self._starts[unit] : self._starts[unit] + self._sizes[unit]]
            for unit in kept
        ]
        return (
            np.sort(np.concatenate(parts))
            if len(parts) >= FEWEST_UNITS
            else some(self._n_rows, most, seed)
        )

    @property
    def scarcity(self) -> float:
        """How much farther an interval of so few units reaches than the bootstrap's over them."""
        if self._order is None or self.count < 2:
            return 1.0
        return student(self.count - 1) / student(10**6) * math.sqrt(self.count / (self.count - 1))


def student(freedom: int) -> float:
    """Give Student's 97.5% quantile, within 1% (Abramowitz and Stegun 26.7.5)."""
    table = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776}
    return table.get(freedom) or 1.96 + 2.372 / freedom + 2.82 / freedom**2


@dataclass(frozen=True)
class Block:
    """A block of held-out rows: where it lies in time, how long before it training ended, and its loss; both times in rows."""

    start: float
    age: float
    loss: float = math.nan


def later_losses(
    blocks: Sequence[Block], later: Block, least: float = -math.inf
) -> tuple[float, float]:
    """Give the ends of a 95% interval of the loss on a later block of rows.

    A plane through the losses of blocks (their logarithms, where there is a least loss) is followed to the later block. It may rise
    with time and with age, but not fall, and one more block scatters around it as those blocks do.

    Parameters
    ----------
    blocks : sequence of Block
    later : Block
    least : float
        The metric's least loss.

    Examples
    --------
    >>> blocks = [Block(start, age, 1.0 + age / 10) for start in (100, 200, 300) for age in (10, 20, 30)]
    >>> low, high = later_losses(blocks, Block(400, 50))
    >>> round(high, 2)
    6.0
    """
    known = [block for block in blocks if math.isfinite(block.loss)]
    if len(known) < FEWEST_BLOCKS:
        return -math.inf, math.inf
    losses = np.array([block.loss for block in known])
    is_log = math.isfinite(least) and bool((losses > least).all())
    y = np.log(losses - least) if is_log else losses
    mean, error, ahead = _plane(known, y, later)
    high = min(ahead, float(y.max()) + FARTHEST) if is_log else ahead
    low = mean - error
    return (least + math.exp(low), least + math.exp(high)) if is_log else (low, high)


def _plane(blocks: Sequence[Block], y: Floats, later: Block) -> tuple[float, float, float]:
    """The mean, how far one more block may lie from it, and the upper end at a later block."""
    ones = np.ones(len(y))
    columns = {
        "age": np.array([block.age for block in blocks]),
        "start": np.array([block.start for block in blocks]),
    }
    columns = {name: values for name, values in columns.items() if np.ptp(values) > 0}
    while True:
        X = np.stack([ones, *columns.values()], axis=1)
        slopes = np.linalg.lstsq(X, y, rcond=None)[0]
        falling = [name for name, slope in zip(columns, slopes[1:], strict=True) if slope < 0]
        if not falling:
            break
        del columns[falling[0]]
    freedom = max(1, len(y) - X.shape[1])
    error = student(freedom) * math.sqrt(float(((y - X @ slopes) ** 2).sum()) / freedom)
    there = np.array([1.0, *(getattr(later, name) for name in columns)])
    lever = float(there @ np.linalg.pinv(X.T @ X) @ there)
    return (
        float(y.mean()),
        error * math.sqrt(1 + 1 / len(y)),
        float(there @ slopes) + error * math.sqrt(1 + lever),
    )


def _or_nan(loss: Loss, truth: Truth, prediction: npt.NDArray[Any]) -> float:
    """A loss, or NaN where a metric can't be had: a sample may lack a class, and people's own functions raise then."""
    try:
        return loss(truth.y, prediction, truth.weight)
    except (ArithmeticError, LookupError, ValueError):
        return math.nan


def interval(
    prediction: npt.NDArray[Any],
    truth: Truth,
    metric: Metric,
    rounds: int = 200,
    seed: int = 0,
    go_on: GoOn = always,
) -> tuple[float, float]:
    """A 95% interval of the loss over samples of the same size, by the bootstrap over rows, or over units of rows.

    A sample shows neither the largest errors there are nor each kind of them. So the upper end is at least that of samples whose largest
    errors are drawn from the distribution that they seem to be of, or, of classes, in which about one row is predicted what another was.

    Parameters
    ----------
    prediction : ndarray
        As the metric needs it: probabilities, class codes or values.
    """
    rng, sampler = np.random.default_rng(seed), Sampler(truth)
    worsen = worsening(prediction, truth, metric)
    losses: list[float] = []
    feared: list[float] = []
    for _ in range(rounds):
        if len(losses) + len(feared) >= FEWEST and not go_on():
            break
        rows = sampler.draw(rng)
        drawn = truth.take(rows)
        losses.append(_or_nan(metric.loss, drawn, prediction[rows]))
        if worsen:
            feared.append(_or_nan(metric.loss, drawn, worsen(rows, rng)))
    low, high, higher = _quantile(losses, 0.025), _quantile(losses, 0.975), _quantile(feared, 0.975)
    if math.isnan(low):
        return metric.least, metric.most
    return low, high if math.isnan(higher) else max(high, higher)


def better_end(
    prediction: npt.NDArray[Any],
    truth: Truth,
    metric: Metric,
    far: float,
    rounds: int = 200,
    seed: int = 0,
    go_on: GoOn = always,
) -> float:
    """The lower end of a 95% interval of the loss over samples that scatter so many times as much as those of as many rows.

    They are of fewer rows, and their losses as skewed as those of few rows are: these may all be right. Infinite where many of them
    lack a class, or there is no time for them.

    Examples
    --------
    >>> from automl.metrics import METRICS
    >>> y, labels = np.zeros(100), np.resize([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 100)
    >>> better_end(labels, Truth(y), METRICS["accuracy"], 2.0)
    0.0
    """
    rng, sampler = np.random.default_rng(seed), Sampler(truth)
    losses: list[float] = []
    while len(losses) < rounds and go_on():
        rows = sampler.draw(rng, max(1, round(sampler.count / far**2)))
        losses.append(_or_nan(metric.loss, truth.take(rows), prediction[rows]))
    return (
        _quantile(losses, 0.025)
        if len(losses) >= FEWEST and np.isfinite(losses).mean() > COMPLETE
        else math.inf
    )


def _quantile(losses: Sequence[float], share: float) -> float:
    """A quantile of the losses that could be had; NaN if none could: a sample may lack a class."""
    finite = [loss for loss in losses if np.isfinite(loss)]
    return float(np.quantile(finite, share)) if finite else math.nan


def tied(
    predictions: Sequence[Floats],
    truth: Truth,
    metric: Metric,
    rounds: int = 100,
    seed: int = 0,
    go_on: GoOn = always,
) -> list[bool]:
    """Which models can't be told apart from the first: on 2.5% of paired bootstrap samples of the rows, or more, they are as good.

    None can, where there isn't time for all rounds.

    Parameters
    ----------
    predictions : sequence of ndarray, each of shape (n_rows, n_classes) or (n_rows,)
        The best model's first.

    Examples
    --------
    >>> from automl.metrics import METRICS
    >>> y = np.arange(50.0)
    >>> good, as_good, bad = y + np.resize([1.0, -1.0], 50), y + np.resize([-1.0, 1.0, 1.0], 50), y + 5
    >>> tied([good, as_good, bad], Truth(y), METRICS["rmse"])
    [True, True, False]
    """
    rng, sampler = np.random.default_rng(seed), Sampler(truth)
    behind = np.zeros((rounds, len(predictions)))
    for round_ in range(rounds):
        if round_ and not go_on():
            return [False] * len(predictions)
        rows = sampler.draw(rng)
        drawn = truth.take(rows)
        losses = np.array(
            [_or_nan(metric.of, drawn, prediction[rows]) for prediction in predictions]
        )
        behind[round_] = losses - losses[0]
    level: list[bool] = (np.nanquantile(behind, 0.025, axis=0) <= 0).tolist()
    return level


def optimism(
    predictions: Sequence[Floats],
    truth: Truth,
    metric: Metric,
    weigher: Weigher,
    rounds: int = 10,
    rows: int = 1000,
    seed: int = 0,
    go_on: GoOn = always,
    cutting: bool = False,
) -> float:
    """How much lower the loss of weights, and of cuts, is on the rows they were chosen on than on others (Efron's bootstrap).

    The choice is made again on samples of the rows, and its loss there held against that on all rows. What the sample itself is lucky
    by is taken off: the equal mean of all models, which nothing was chosen for, has had the same luck.

    Parameters
    ----------
    predictions : sequence of ndarray, each of shape (n_rows, n_classes) or (n_rows,)
    rows : int
        At most so many are used; the optimism of all is smaller by as much as they are more.
    cutting : bool
        Whether cuts between classes are chosen, too.

    Returns
    -------
    float
        At least 0, in the loss's unit.
    """
    if len(predictions) < 2 and not cutting:
        return 0.0
    used = Sampler(truth).some(rows, seed)
    known, drawn_from = [prediction[used] for prediction in predictions], truth.take(used)
    equal = combine(known, np.full(len(known), 1 / len(known)))
    unchosen = decide(equal, cuts(equal, drawn_from, metric)) if cutting else equal
    rng, sampler = np.random.default_rng(seed), Sampler(drawn_from)
    flattered = []
    for nth in range(rounds):
        if nth and not go_on():
            break
        drawn = sampler.draw(rng)
        sample = drawn_from.take(drawn)
        mixed = combine(known, weigher([prediction[drawn] for prediction in known], sample))
        chosen = decide(mixed, cuts(mixed[drawn], sample, metric)) if cutting else mixed
        gaps = [
            metric.of(drawn_from.y, p, drawn_from.weight) - _or_nan(metric.of, sample, p[drawn])
            for p in (chosen, unchosen)
        ]
        flattered.append(gaps[0] - gaps[1])
    finite = [gap for gap in flattered if np.isfinite(gap)]  # a sample may lack a class
    return max(0.0, float(np.mean(finite))) * len(used) / len(truth.y) if finite else 0.0
