"""How sure a score is: its interval over new rows, what the choice among models flatters it by, and which models are tied.

Pure functions of out-of-fold predictions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.ensemble import GoOn, Truth, always, combine, cuts, decide
from automl.folds import some
from automl.metrics import METRICS, Metric

Floats = npt.NDArray[np.float64]
Weigher = Callable[[Sequence[Floats], Truth], Floats]  # finds weights for models
Worsen = Callable[[npt.NDArray[np.int64], np.random.Generator], npt.NDArray[Any]]  # predictions of some rows
Loss = Callable[[Floats, npt.NDArray[Any], Floats | None], float]  # of truth, prediction and weight

FEWEST = 40  # losses of samples for an interval, however long a metric takes
OF_ERRORS = ("rmse", "mae", "median_ae", "r2")  # metrics by the distance between truth and prediction
_HEAVIEST = 0.95  # shape of a tail: at 1 its mean doesn't exist any more
NEW = 1 / 3  # new rows for each one of the table that an interval is told for: as many as a test of a quarter of all rows


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


def reached(loss: float, low: float, high: float, far: float, metric: Metric) -> tuple[float, float]:
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
        farther = max(farther, least + (high - least) * math.exp(min(1.0, math.log((high - least) / (loss - least)) * (far - 1))))
    return max(least, low), min(metric.most, farther)


def _or_nan(loss: Loss, truth: Truth, prediction: npt.NDArray[Any]) -> float:
    """A loss, or NaN where a metric can't be had: a sample may lack a class, and people's own functions raise then."""
    try:
        return loss(truth.y, prediction, truth.weight)
    except (ArithmeticError, LookupError, ValueError):
        return math.nan


def interval(
    prediction: npt.NDArray[Any], truth: Truth, metric: Metric, rounds: int = 200, seed: int = 0, go_on: GoOn = always
) -> tuple[float, float]:
    """A 95% interval of the loss over samples of the same size, by the bootstrap over rows.

    A sample shows neither the largest errors there are nor each kind of them. So the upper end is at least that of samples whose largest
    errors are drawn from the distribution that they seem to be of, or, of classes, in which about one row is predicted what another was.

    Parameters
    ----------
    prediction : ndarray
        As the metric needs it: probabilities, class codes or values.
    """
    rng = np.random.default_rng(seed)
    n_rows = len(truth.y)
    worsen = _worsening(prediction, truth, metric)
    losses: list[float] = []
    feared: list[float] = []
    for nth in range(rounds):
        if len(losses) + len(feared) >= FEWEST and not go_on():
            break
        rows = rng.integers(0, n_rows, n_rows)
        drawn = truth.take(rows)
        losses.append(_or_nan(metric.loss, drawn, prediction[rows]))
        if worsen:
            feared.append(_or_nan(metric.loss, drawn, worsen(rows, rng)))
    low, high, higher = _quantile(losses, 0.025), _quantile(losses, 0.975), _quantile(feared, 0.975)
    if math.isnan(low):
        return metric.least, math.inf
    return low, high if math.isnan(higher) else max(high, higher)


def _quantile(losses: Sequence[float], share: float) -> float:
    """A quantile of the losses that could be had; NaN if none could: a sample may lack a class."""
    finite = [loss for loss in losses if np.isfinite(loss)]
    return float(np.quantile(finite, share)) if finite else math.nan


def _worsening(prediction: npt.NDArray[Any], truth: Truth, metric: Metric) -> Worsen | None:
    """What makes predictions of some rows as bad as other rows' may be; None for metrics that such predictions may be nothing for."""
    if metric.name in OF_ERRORS or metric.name.startswith("pinball"):
        return partial(_Tail.of(truth.y - prediction).stretched, truth.y, prediction)
    return partial(_mistaken, prediction) if metric.needs != "numbers" and metric.name in METRICS else None


def _mistaken(prediction: npt.NDArray[Any], rows: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[Any]:
    """What these rows were predicted, but about one of them what another row was: an error that none has shown yet."""
    given = prediction[rows]
    places = rng.integers(0, len(rows), rng.poisson(1.0))
    given[places] = prediction[rng.integers(0, len(prediction), len(places))]
    return given


@dataclass(frozen=True)
class _Tail:
    """What the largest errors lie beyond, and the generalised Pareto distribution of how far.

    Parameters
    ----------
    beyond, scale : float
        In the target's unit.
    shape : float
        0 where large errors grow rare as exponentially as normal ones do, or faster; 1 where they have no mean any more.
    """

    beyond: float
    scale: float
    shape: float

    @classmethod
    def of(cls, errors: Floats) -> _Tail:
        """Of as many of the largest errors as the root of all, a quarter at most, by probability-weighted moments.

        References
        ----------
        Hosking and Wallis (1987), Parameter and quantile estimation for the generalized Pareto distribution.
        """
        sizes = np.sort(np.abs(errors))
        count = min(max(5, round(math.sqrt(len(sizes)))), len(sizes) // 4)
        beyond = float(sizes[-count - 1])
        excess = sizes[len(sizes) - count :] - beyond
        if not excess.any():
            return cls(math.inf, 0.0, 0.0)
        rarer = 1 - (np.arange(count) + 0.65) / count
        mean, weighted = float(excess.mean()), float((excess * rarer).mean())
        shape = min(_HEAVIEST, max(0.0, 2 - mean / max(mean - 2 * weighted, 1e-9 * mean)))
        return cls(beyond, mean * (1 - shape), shape)

    def stretched(self, y: Floats, prediction: Floats, rows: npt.NDArray[np.int64], rng: np.random.Generator) -> Floats:
        """The predictions of some rows, with errors of the tail drawn anew."""
        worse = prediction[rows]
        error = y[rows] - worse
        large = np.flatnonzero(np.abs(error) > self.beyond)
        drawn = rng.exponential(size=len(large))
        far = self.scale * (np.expm1(self.shape * drawn) / self.shape if self.shape else drawn)
        worse[large] = y[rows[large]] - np.sign(error[large]) * (self.beyond + far)
        return worse


def tied(predictions: Sequence[Floats], truth: Truth, metric: Metric, rounds: int = 100, seed: int = 0, go_on: GoOn = always) -> list[bool]:
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
    rng = np.random.default_rng(seed)
    n_rows = len(truth.y)
    behind = np.zeros((rounds, len(predictions)))
    for place in range(rounds):
        if place and not go_on():
            return [False] * len(predictions)
        rows = rng.integers(0, n_rows, n_rows)
        drawn = truth.take(rows)
        losses = np.array([_or_nan(metric.of, drawn, prediction[rows]) for prediction in predictions])
        behind[place] = losses - losses[0]
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
    used = some(len(truth.y), rows, seed)
    known, drawn_from = [prediction[used] for prediction in predictions], truth.take(used)
    equal = combine(known, np.full(len(known), 1 / len(known)))
    unchosen = decide(equal, cuts(equal, drawn_from, metric)) if cutting else equal
    rng = np.random.default_rng(seed)
    flattered = []
    for nth in range(rounds):
        if nth and not go_on():
            break
        drawn = rng.integers(0, len(used), len(used))
        sample = drawn_from.take(drawn)
        mixed = combine(known, weigher([prediction[drawn] for prediction in known], sample))
        chosen = decide(mixed, cuts(mixed[drawn], sample, metric)) if cutting else mixed
        gaps = [metric.of(drawn_from.y, p, drawn_from.weight) - _or_nan(metric.of, sample, p[drawn]) for p in (chosen, unchosen)]
        flattered.append(gaps[0] - gaps[1])
    finite = [gap for gap in flattered if np.isfinite(gap)]  # a sample may lack a class
    return max(0.0, float(np.mean(finite))) * len(used) / len(truth.y) if finite else 0.0
