"""A Gaussian process of a family's loss over its search space, learnt from its trials.

Its kernel is a product over hyperparameters. So means over all others, of which importance and
interactions are made, are sums over products of one-dimensional integrals: exact, and quick.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from automl.arrays import Floats
from automl.insight._kernel import (
    JITTER,
    Axis,
    Kernel,
    fit,
    generalised_mean,
    log_kernel,
)
from automl.insight.points import Points

# Trials to learn from: the better half, and as many of the others, evenly.
MAX_TRIALS = 200
# Interquartile ranges above the median, beyond which one loss is as bad as another.
MAX_OUTLIER_RANGES = 10.0


@dataclass(frozen=True)
class Surrogate:
    """A Gaussian process over a family's search space.

    Its values are standardised losses, or their logarithms; `loss` turns them back.

    Parameters
    ----------
    axes : tuple of Axis
    coordinates : ndarray of shape (n_trials, n_axes)
        Coordinates of the trials.
    alpha : ndarray of shape (n_trials,)
    inverse : ndarray of shape (n_trials, n_trials)
        Of the kernel's matrix with noise.
    log_lengths : ndarray of shape (n_axes,)
    scale : float
        The kernel's variance.
    noise : float
        Variance of a single trial's value.
    middle : float
        The mean far away from all trials.
    shift, spread : float
        Mean and standard deviation of the values before they were standardised.
    is_log : bool
    """

    axes: tuple[Axis, ...]
    coordinates: Floats
    alpha: Floats
    inverse: Floats
    log_lengths: Floats
    scale: float
    noise: float
    middle: float
    shift: float
    spread: float
    is_log: bool

    def loss(self, value: Floats) -> Floats:
        """Return the losses of values."""
        raw = self.shift + self.spread * value
        return np.exp(raw) if self.is_log else raw

    def value(self, loss: float) -> float:
        """Return the value of a loss."""
        raw = math.log(loss) if self.is_log else loss
        return (raw - self.shift) / self.spread

    def predict(self, places: Floats) -> tuple[Floats, Floats]:
        """Return mean and standard deviation of the value, without the noise of a trial.

        Parameters
        ----------
        places : ndarray of shape (n, n_axes)
            Coordinates.
        """
        n_places = len(places)
        n_trials = len(self.coordinates)
        logs = np.zeros((n_places, n_trials))
        for index, column in enumerate(places.T):
            known = self.coordinates[:, index]
            logs += self._log_kernel(index, column, known)
        cross = self.scale * np.exp(logs)
        mean = self.middle + cross @ self.alpha
        explained = np.einsum(
            "ij,jk,ik->i",
            cross,
            self.inverse,
            cross,
            optimize=True,
        )
        variance = self.scale - explained
        variance = np.maximum(variance, 0.0)
        return mean, np.sqrt(variance)

    def _log_kernel(self, index: int, one: Floats, other: Floats) -> Floats:
        axis = self.axes[index]
        distance = axis.distance(one, other)
        log_length = float(self.log_lengths[index])
        logs, _ = log_kernel(distance, log_length, axis.is_choice)
        return logs

    # ------------------------------------------------------------ means over the whole range

    @cached_property
    def crosses(self) -> tuple[Floats, ...]:
        """Kernel between the nodes of each axis and the trials."""
        crosses = []
        for index, axis in enumerate(self.axes):
            known = self.coordinates[:, index]
            logs = self._log_kernel(index, axis.nodes, known)
            crosses.append(np.exp(logs))
        return tuple(crosses)

    @cached_property
    def means(self) -> Floats:
        """Mean of the kernel over the range of each axis, by trial."""
        means = []
        for index, axis in enumerate(self.axes):
            cross = self.crosses[index]
            mean = axis.weights @ cross
            means.append(mean)
        return np.array(means)

    @cached_property
    def squares(self) -> tuple[Floats, ...]:
        """Mean over the range of each axis of products of kernels, by two trials."""
        squares = []
        for index, axis in enumerate(self.axes):
            cross = self.crosses[index]
            weights = axis.weights[:, None]
            weighted = cross * weights
            squares.append(weighted.T @ cross)
        return tuple(squares)

    def variance(self, among: Sequence[int]) -> float:
        """Return the variance over the whole range of the mean function.

        Parameters
        ----------
        among : sequence of int
            Axes; over all others the function is averaged first.
        """
        product = np.outer(self.alpha, self.alpha)
        product *= self.scale**2
        for index, mean in enumerate(self.means):
            if index in among:
                product *= self.squares[index]
            else:
                product *= np.outer(mean, mean)
        second_moment = float(product.sum())
        variance = second_moment - self.mean**2
        return max(0.0, variance)

    @cached_property
    def whole(self) -> float:
        """Variance of the mean function over the whole range."""
        axes = range(len(self.axes))
        return self.variance(axes)

    @cached_property
    def alone(self) -> Floats:
        """Part of the variance that each axis explains by itself."""
        axes = range(len(self.axes))
        variances = [self.variance([index]) for index in axes]
        return np.array(variances)

    @cached_property
    def mean(self) -> float:
        """Mean of the function over the whole range, less `middle`."""
        kernel_means = np.prod(self.means, axis=0)
        return float(self.scale * self.alpha @ kernel_means)

    def main_effect(self, index: int) -> tuple[Floats, Floats]:
        """Return mean and covariance of a main effect at an axis's nodes.

        The main effect is the function averaged over all other axes.
        """
        other_means = np.delete(self.means, index, axis=0)
        others = np.prod(other_means, axis=0)
        cross = self.scale * self.crosses[index] * others
        prior = self.scale * self._prior(index)
        for other, axis in enumerate(self.axes):
            if other == index:
                continue
            weights = axis.weights
            average = weights @ self._prior(other) @ weights
            prior = prior * float(average)
        mean = self.middle + cross @ self.alpha
        explained = cross @ self.inverse @ cross.T
        return mean, prior - explained

    def _prior(self, index: int) -> Floats:
        """Return the kernel between the nodes of an axis."""
        nodes = self.axes[index].nodes
        logs = self._log_kernel(index, nodes, nodes)
        return np.exp(logs)


def fit_surrogate(points: Points) -> Surrogate:
    """Return the surrogate of a family's points.

    Raises
    ------
    LookupError
        No hyperparameter varies.
    """
    if not points.space:
        raise LookupError(f"no hyperparameter of {points.family} varies")
    chosen = _choose_trials(points.losses)
    raw, is_log = _flatten(points.losses[chosen])
    shift = float(raw.mean())
    spread = float(raw.std()) or 1.0
    y = (raw - shift) / spread
    axes = [Axis.of(range_) for range_ in points.space.values()]
    places = points.coordinates[chosen]
    kernel = fit(axes, places, y)
    matrix = _covariance(axes, places, kernel)
    inverse = np.asarray(np.linalg.inv(matrix), np.float64)
    middle = generalised_mean(inverse, y)
    return Surrogate(
        tuple(axes),
        places,
        inverse @ (y - middle),
        inverse,
        kernel.log_lengths,
        kernel.scale,
        kernel.noise,
        middle,
        shift,
        spread,
        is_log,
    )


def _covariance(axes: list[Axis], places: Floats, kernel: Kernel) -> Floats:
    """Return the covariance matrix of the values of trials, with their noise."""
    n_trials = len(places)
    logs = np.zeros((n_trials, n_trials))
    for index, axis in enumerate(axes):
        column = places[:, index]
        distance = axis.distance(column, column)
        log_length = float(kernel.log_lengths[index])
        of_axis, _ = log_kernel(distance, log_length, axis.is_choice)
        logs += of_axis
    noise = kernel.noise + JITTER
    covariance = kernel.scale * np.exp(logs)
    covariance += noise * np.eye(n_trials)
    return covariance


def _choose_trials(losses: Floats) -> npt.NDArray[np.int64]:
    """Return the indices of the trials to learn from."""
    order = np.argsort(losses, kind="stable")
    if len(order) <= MAX_TRIALS:
        return np.sort(order)
    n_best = MAX_TRIALS // 2
    n_others = MAX_TRIALS - n_best
    best = order[:n_best]
    others = order[n_best:]
    evenly = np.linspace(0, len(others) - 1, n_others)
    indices = evenly.round().astype(np.int64)
    chosen = np.concatenate([best, others[indices]])
    return np.sort(chosen)


def _flatten(losses: Floats) -> tuple[Floats, bool]:
    """Return logarithms of losses, if all are positive, without outliers above.

    A loss that is far worse than most counts as no worse than far.
    """
    is_log = bool(losses.min() > 0)
    raw = np.log(losses) if is_log else losses
    shares = [0.25, 0.5, 0.75]
    low, middle, high = np.quantile(raw, shares)
    interquartile_range = max(high - low, 1e-12)
    most = middle + MAX_OUTLIER_RANGES * interquartile_range
    return np.minimum(raw, most), is_log
