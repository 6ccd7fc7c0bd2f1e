"""Estimate how sure a score is, by bootstrap samples of out-of-fold predictions.

That is its interval, its optimism (how much the choice among models flatters it), and the models
that are tied with the best one. All are pure functions of arrays.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from automl.arrays import Array, Floats, Integers
from automl.ensemble import Truth, apply_thresholds, choose_thresholds, combine
from automl.error_tails import worsening
from automl.extrapolation import student_t_quantile
from automl.folds import HasTime, sample_rows, unlimited
from automl.metrics import Metric

Weigher = Callable[[Sequence[Floats], Truth], Floats]  # finds weights for models
Loss = Callable[[Floats, Array, Floats | None], float]  # of truth, prediction and weight

MIN_LOSSES = 40  # of samples for an interval, however long a metric takes
MIN_UNITS = 20  # of a sample that keeps them whole
MIN_FINITE_SHARE = 0.8  # of the samples' losses, or no interval is given
LOWER_LEVEL = 0.025  # of a 95% interval
UPPER_LEVEL = 0.975  # of a 95% interval
MANY_DEGREES_OF_FREEDOM = 10**6  # with which Student's distribution is the normal one


class Sampler:
    """Draw rows with replacement; rows that are held out together are drawn together.

    Parameters
    ----------
    truth : Truth

    Examples
    --------
    >>> units = np.array([0, 0, 1, 1])
    >>> sampler = Sampler(Truth(np.zeros(4), units=units))
    >>> sampler.n_units
    2
    >>> rows = sampler.draw(np.random.default_rng(0))
    >>> sorted(set(rows.tolist())) in ([0, 1], [2, 3], [0, 1, 2, 3])
    True
    """

    def __init__(self, truth: Truth) -> None:
        self._n_rows = len(truth.y)
        self._units: _Units | None = None
        self.n_units = self._n_rows
        if truth.units is not None:
            self._units = _Units.of(truth.units)
            self.n_units = len(self._units.sizes)

    def draw(self, rng: np.random.Generator, count: int | None = None) -> Integers:
        """Draw the rows of `count` units, by default of as many as there are."""
        drawn = rng.integers(0, self.n_units, count or self.n_units)
        if self._units is None:
            return drawn
        return self._units.rows_of(drawn)

    def sample_rows(self, most: int, seed: int) -> Integers:
        """Return a sample of at most `most` rows, of whole units unless these are too few."""
        if self._n_rows > most and self._units is not None:
            rng = np.random.default_rng(seed)
            shuffled = rng.permutation(self.n_units)
            n_rows = np.cumsum(self._units.sizes[shuffled])
            chosen = shuffled[n_rows <= most]
            if len(chosen) >= MIN_UNITS:
                rows = self._units.rows_of(chosen)
                return np.sort(rows)
        return sample_rows(self._n_rows, most, seed)

    @property
    def few_units_factor(self) -> float:
        """Factor by which an interval of few units is wider than the bootstrap's over them."""
        if self._units is None or self.n_units < 2:
            return 1.0
        freedom = self.n_units - 1
        tail_factor = student_t_quantile(freedom) / student_t_quantile(MANY_DEGREES_OF_FREEDOM)
        return tail_factor * math.sqrt(self.n_units / freedom)


@dataclass(frozen=True, eq=False)
class _Units:
    """The rows of each unit.

    Parameters
    ----------
    order : ndarray of shape (n_rows,), int64
        All rows, unit by unit.
    starts, sizes : ndarray of shape (n_units,), int64
        The position in `order` of each unit's first row, and the number of its rows.
    """

    order: Integers
    starts: Integers
    sizes: Integers

    @classmethod
    def of(cls, units: Integers) -> _Units:
        """Collect the rows with equal numbers."""
        _, unit_of_row, sizes = np.unique(units, return_inverse=True, return_counts=True)
        order = np.argsort(unit_of_row, kind="stable")
        starts = np.cumsum(sizes) - sizes
        return cls(order, starts, sizes)

    def rows_of(self, units: Integers) -> Integers:
        """Return the rows of some units, in their order."""
        sizes = self.sizes[units]
        first_positions = np.cumsum(sizes) - sizes
        positions = np.arange(sizes.sum())
        within_unit = positions - np.repeat(first_positions, sizes)
        starts = np.repeat(self.starts[units], sizes)
        rows: Integers = self.order[starts + within_unit]
        return rows


def _loss_or_nan(
    loss: Loss,
    truth: Truth,
    prediction: Array,
) -> float:
    """Return a loss, or NaN where it is not defined.

    A sample may lack a class, and functions of users raise errors then.
    """
    try:
        return loss(truth.y, prediction, truth.weight)
    except (ArithmeticError, LookupError, ValueError):
        return math.nan


def bootstrap_interval(
    prediction: Array,
    truth: Truth,
    metric: Metric,
    rounds: int = 200,
    seed: int = 0,
    has_time: HasTime = unlimited,
) -> tuple[float, float]:
    """Return a 95% interval of the loss over samples of the same size.

    The samples are bootstrap samples of rows, or of units of rows. A sample shows neither the
    largest errors there are nor each kind of them. So the upper end is at least that of samples
    whose largest errors are drawn from the distribution that they seem to come from, or, for
    classes, in which about one row gets another row's prediction.

    Parameters
    ----------
    prediction : ndarray
        As the metric needs it: probabilities, class codes or values.
    truth : Truth
    metric : Metric
    rounds : int
        Number of samples.
    seed : int
    has_time : callable
        Called before each sample once there are 40 losses; no more are drawn where it returns
        false.
    """
    rng = np.random.default_rng(seed)
    sampler = Sampler(truth)
    worsen = worsening(prediction, truth, metric)
    losses: list[float] = []
    worse_losses: list[float] = []
    for _ in range(rounds):
        n_losses = len(losses) + len(worse_losses)
        if n_losses >= MIN_LOSSES and not has_time():
            break
        rows = sampler.draw(rng)
        sample = truth.take(rows)
        loss = _loss_or_nan(metric.loss, sample, prediction[rows])
        losses.append(loss)
        if worsen is not None:
            worse = worsen(rows, rng)
            worse_loss = _loss_or_nan(metric.loss, sample, worse)
            worse_losses.append(worse_loss)
    low = _finite_quantile(losses, LOWER_LEVEL)
    high = _finite_quantile(losses, UPPER_LEVEL)
    worse_high = _finite_quantile(worse_losses, UPPER_LEVEL)
    if math.isnan(low):
        return metric.min_loss, metric.max_loss
    if not math.isnan(worse_high):
        high = max(high, worse_high)
    return low, high


def lower_end_on_fewer_rows(
    prediction: Array,
    truth: Truth,
    metric: Metric,
    factor: float,
    rounds: int = 200,
    seed: int = 0,
    has_time: HasTime = unlimited,
) -> float:
    """Return the lower end of a 95% interval of the loss over samples of fewer rows.

    The samples scatter `factor` times as much as those of as many rows as there are. Their losses
    are as skewed as those of few rows are: these may all be right. The end is infinite where many
    samples lack a class, or there is no time for them.

    Examples
    --------
    >>> from automl.metrics import METRICS
    >>> y, labels = np.zeros(100), np.resize([1] + [0] * 19, 100)
    >>> lower_end_on_fewer_rows(labels, Truth(y), METRICS["accuracy"], 2.0)
    0.0
    """
    rng = np.random.default_rng(seed)
    sampler = Sampler(truth)
    n_units = max(1, round(sampler.n_units / factor**2))
    losses: list[float] = []
    while len(losses) < rounds and has_time():
        rows = sampler.draw(rng, n_units)
        sample = truth.take(rows)
        loss = _loss_or_nan(metric.loss, sample, prediction[rows])
        losses.append(loss)
    if len(losses) < MIN_LOSSES:
        return math.inf
    finite_share = np.isfinite(losses).mean()
    if finite_share <= MIN_FINITE_SHARE:
        return math.inf
    return _finite_quantile(losses, LOWER_LEVEL)


def _finite_quantile(losses: Sequence[float], level: float) -> float:
    """Return a quantile of the losses that are defined, or NaN if none is."""
    finite = _finite(losses)
    if not finite:
        return math.nan
    return float(np.quantile(finite, level))


def _finite(values: Sequence[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)]


@dataclass(frozen=True)
class LossDifference:
    """How much more one prediction loses than another one on the same rows.

    Parameters
    ----------
    mean : float
        On all rows.
    low, high : float
        Ends of its 95% interval; infinite where the loss is not defined on samples of the rows.
    """

    mean: float
    low: float
    high: float


def loss_difference(
    prediction: Array,
    reference: Array,
    truth: Truth,
    metric: Metric,
    rounds: int = 200,
    seed: int = 0,
) -> LossDifference:
    """Return how much more a prediction loses than a reference, by paired bootstrap samples.

    Parameters
    ----------
    prediction, reference : ndarray
        As the metric needs them: probabilities, class codes or values.
    truth : Truth
        Rows of one unit are drawn together.
    metric : Metric
    rounds : int
        Number of samples.
    seed : int

    Examples
    --------
    >>> from automl.metrics import METRICS
    >>> y = np.arange(50.0)
    >>> found = loss_difference(y + 3, y + 1, Truth(y), METRICS["rmse"])
    >>> found.mean, found.low, found.high
    (2.0, 2.0, 2.0)
    """
    rng = np.random.default_rng(seed)
    sampler = Sampler(truth)
    differences = []
    for _ in range(rounds):
        rows = sampler.draw(rng)
        sample = truth.take(rows)
        loss = _loss_or_nan(metric.loss, sample, prediction[rows])
        reference_loss = _loss_or_nan(metric.loss, sample, reference[rows])
        differences.append(loss - reference_loss)
    loss = metric.loss(truth.y, prediction, truth.weight)
    mean = loss - metric.loss(truth.y, reference, truth.weight)
    low = _finite_quantile(differences, LOWER_LEVEL)
    high = _finite_quantile(differences, UPPER_LEVEL)
    if math.isnan(low):
        return LossDifference(mean, -math.inf, math.inf)
    factor = sampler.few_units_factor
    low = min(mean, mean + factor * (low - mean))
    high = max(mean, mean + factor * (high - mean))
    return LossDifference(mean, low, high)


def find_ties(
    predictions: Sequence[Floats],
    truth: Truth,
    metric: Metric,
    rounds: int = 100,
    seed: int = 0,
    has_time: HasTime = unlimited,
) -> list[bool]:
    """Return which models can't be distinguished from the first one.

    These are as good as the first one on at least 2.5% of paired bootstrap samples of the rows.
    Where there isn't time for all rounds, none is returned as tied.

    Parameters
    ----------
    predictions : sequence of ndarray, each of shape (n_rows, n_classes) or (n_rows,)
        The best model's first.
    truth : Truth
    metric : Metric
    rounds : int
        Number of samples.
    seed : int
    has_time : callable
        Called before each sample but the first.

    Examples
    --------
    >>> from automl.metrics import METRICS
    >>> y = np.arange(50.0)
    >>> good, bad = y + np.resize([1.0, -1.0], 50), y + 5
    >>> as_good = y + np.resize([-1.0, 1.0, 1.0], 50)
    >>> find_ties([good, as_good, bad], Truth(y), METRICS["rmse"])
    [True, True, False]
    """
    rng = np.random.default_rng(seed)
    sampler = Sampler(truth)
    n_models = len(predictions)
    differences = np.zeros((rounds, n_models))
    for index in range(rounds):
        if index > 0 and not has_time():
            return [False] * n_models
        rows = sampler.draw(rng)
        sample = truth.take(rows)
        losses = []
        for prediction in predictions:
            loss = _loss_or_nan(metric.loss_of_output, sample, prediction[rows])
            losses.append(loss)
        differences[index] = np.array(losses) - losses[0]
    lowest = np.nanquantile(differences, LOWER_LEVEL, axis=0)
    is_tied: list[bool] = (lowest <= 0).tolist()
    return is_tied


def estimate_optimism(
    predictions: Sequence[Floats],
    truth: Truth,
    metric: Metric,
    weigher: Weigher,
    rounds: int = 10,
    rows: int = 1000,
    seed: int = 0,
    has_time: HasTime = unlimited,
    chooses_thresholds: bool = False,
) -> float:
    """Return how much lower the loss is on the rows that weights were chosen on than on others.

    This is Efron's bootstrap: the choice of weights, and of thresholds, is made again on samples
    of the rows, and its loss there is compared with that on all rows. The luck of the sample
    itself is subtracted: the equal mean of all models, for which nothing was chosen, has had the
    same luck.

    Parameters
    ----------
    predictions : sequence of ndarray, each of shape (n_rows, n_classes) or (n_rows,)
    truth : Truth
    metric : Metric
    weigher : callable
        Finds weights from predictions and truth.
    rounds : int
        Number of samples.
    rows : int
        Maximum number of rows that are used; the optimism of all rows is smaller in proportion.
    seed : int
    has_time : callable
        Called before each sample but the first; no more are drawn where it returns false.
    chooses_thresholds : bool
        Whether thresholds between classes are chosen, too.

    Returns
    -------
    float
        At least 0, in the loss's unit.
    """
    if len(predictions) < 2 and not chooses_thresholds:
        return 0.0
    used = Sampler(truth).sample_rows(rows, seed)
    known = [prediction[used] for prediction in predictions]
    used_truth = truth.take(used)
    choice = _Choice(known, used_truth, metric, weigher, chooses_thresholds)
    all_gaps = list(choice.gaps(rounds, seed, has_time))
    gaps = _finite(all_gaps)  # a sample may lack a class
    if not gaps:
        return 0.0
    mean_gap = float(np.mean(gaps))
    mean_gap = max(0.0, mean_gap)
    return mean_gap * len(used) / len(truth.y)


@dataclass(frozen=True)
class _Choice:
    """The choice of weights, and perhaps of thresholds, that can be made again on samples."""

    predictions: Sequence[Floats]
    truth: Truth
    metric: Metric
    weigher: Weigher
    chooses_thresholds: bool

    def gaps(
        self,
        rounds: int,
        seed: int,
        has_time: HasTime,
    ) -> Iterator[float]:
        """Yield, for each sample, how much more its choice gains there than on all rows."""
        all_rows = np.arange(len(self.truth.y))
        n_models = len(self.predictions)
        equal_weights = np.full(n_models, 1 / n_models)
        equal_mean = self._combined(equal_weights, all_rows)
        rng = np.random.default_rng(seed)
        sampler = Sampler(self.truth)
        for index in range(rounds):
            if index > 0 and not has_time():
                return
            rows = sampler.draw(rng)
            sample = self.truth.take(rows)
            drawn = [prediction[rows] for prediction in self.predictions]
            weights = self.weigher(drawn, sample)
            chosen = self._combined(weights, rows)
            gap = self._gap(chosen, rows)
            luck = self._gap(equal_mean, rows)
            yield gap - luck

    def _combined(self, weights: Floats, rows: Integers) -> Array:
        """Return the weighted mean on all rows, with thresholds chosen on the given ones."""
        mean = combine(self.predictions, weights)
        if not self.chooses_thresholds:
            return mean
        sample = self.truth.take(rows)
        thresholds = choose_thresholds(mean[rows], sample, self.metric)
        return apply_thresholds(mean, thresholds)

    def _gap(self, prediction: Array, rows: Integers) -> float:
        """Return how much higher the loss is on all rows than on the given ones."""
        loss = self.metric.loss_of_output(self.truth.y, prediction, self.truth.weight)
        sample = self.truth.take(rows)
        sample_loss = _loss_or_nan(self.metric.loss_of_output, sample, prediction[rows])
        return loss - sample_loss
