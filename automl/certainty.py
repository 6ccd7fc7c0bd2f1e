"""How sure a score is: its interval over new rows, what the choice among models flatters it by, and which models are tied.

Pure functions of out-of-fold predictions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.ensemble import GoOn, Truth, always, combine, cuts, decide
from automl.folds import some
from automl.metrics import Metric

Floats = npt.NDArray[np.float64]
Weigher = Callable[[Sequence[Floats], Truth], Floats]  # finds weights for models
Loss = Callable[[Floats, npt.NDArray[Any], Floats | None], float]  # of truth, prediction and weight

FEWEST = 40  # samples for an interval, however long a metric takes
NEW = 1 / 3  # new rows for each one of the table that an interval is told for: as many as a test of a quarter of all rows


def new_rows(rows: int) -> int:
    """How many new rows an interval is told for, unless it is for a table that is there."""
    return max(1, round(NEW * rows))


def widening(rows: int, new: int) -> float:
    """How much farther the score of new rows may lie than the mean over held-out ones: these are a sample, and so are the new ones.

    >>> widening(300, 100)
    2.0
    """
    return math.sqrt(1 + rows / new)


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

    Parameters
    ----------
    prediction : ndarray
        As the metric needs it: probabilities, class codes or values.
    """
    rng = np.random.default_rng(seed)
    n_rows = len(truth.y)
    losses = []
    for nth in range(rounds):
        if nth >= FEWEST and not go_on():
            break
        rows = rng.integers(0, n_rows, n_rows)
        drawn = truth.take(rows)
        losses.append(_or_nan(metric.loss, drawn, prediction[rows]))
    finite = [loss for loss in losses if np.isfinite(loss)]  # a sample may lack a class
    if not finite:
        return metric.least, math.inf
    return float(np.quantile(finite, 0.025)), float(np.quantile(finite, 0.975))


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
