"""What a family's loss looks like over its whole search space, learnt from its trials: a Gaussian process.

Its kernel is a product over hyperparameters, so that means over all others, which importance and interactions are made of, are sums over
products of one-dimensional integrals: exact, and quick.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.insight.points import Points
from automl.space import Choice, Range

Floats = npt.NDArray[np.float64]

MOST = 200  # trials that are learnt from: the better half, and of the others as many, evenly
NODES = 16  # of each integral over a range
FAR = 10.0  # interquartile ranges above the median, beyond which one loss is as bad as another
JITTER = 1e-8
LENGTH, LENGTH_SPREAD = (
    math.log(0.7),
    1.0,
)  # of a range: prior of the logarithm of how far a change of a hyperparameter carries
NOISE, NOISE_SPREAD = (
    math.log(0.05),
    1.5,
)  # of the losses' variance: prior of the logarithm of what is chance
BOUNDS = (-4.0, 5.0)


@dataclass(frozen=True)
class Axis:
    """One hyperparameter of the surrogate: at which places integrals are taken, and with which weights."""

    nodes: Floats
    weights: Floats
    is_choice: bool

    @classmethod
    def of(cls, range_: Range) -> Axis:
        """The axis of a range: Gauss and Legendre's nodes from 0 to 1, or each of its values."""
        if isinstance(range_, Choice):
            count = len(range_.values)
            return cls(
                np.arange(count, dtype=np.float64), np.full(count, 1 / count), is_choice=True
            )
        nodes, weights = np.polynomial.legendre.leggauss(NODES)
        return cls((nodes + 1) / 2, weights / 2, is_choice=False)

    def apart(self, one: Floats, other: Floats) -> Floats:
        """How far places are apart: of a choice 1 if they differ."""
        difference = np.abs(one[:, None] - other[None, :])
        return np.minimum(np.ceil(difference), 1.0) if self.is_choice else difference


def _log_kernel(apart: Floats, log_length: float, is_choice: bool) -> tuple[Floats, Floats]:
    """Logarithm of the kernel (Matérn 5/2; of a choice exponential) and its derivative by the logarithm of the length."""
    a = apart * math.exp(-log_length)
    if is_choice:
        return -a, a
    a = a * math.sqrt(5)
    poly = 1 + a + a * a / 3
    return np.log(poly) - a, a * a * (1 + a) / (3 * poly)


@dataclass(frozen=True)
class Surrogate:
    """A Gaussian process over a family's search space. Its values are standardised logarithms of losses; `loss` turns them back.

    Parameters
    ----------
    axes : tuple of Axis
    places : ndarray of shape (n_trials, n_axes)
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
    is_log : bool
    """

    axes: tuple[Axis, ...]
    places: Floats
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
        """Losses of values."""
        raw = self.shift + self.spread * value
        return np.exp(raw) if self.is_log else raw

    def value(self, loss: float) -> float:
        """The value of a loss."""
        return ((math.log(loss) if self.is_log else loss) - self.shift) / self.spread

    def predict(self, places: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the value at places, an array of shape (n, n_axes), without the noise of a trial."""
        logs = np.zeros((len(places), len(self.places)))
        for at, axis in enumerate(self.axes):
            logs += self._log_kernel(at, places[:, at], self.places[:, at], axis)
        cross = self.scale * np.exp(logs)
        variance = self.scale - np.einsum("ij,jk,ik->i", cross, self.inverse, cross, optimize=True)
        return self.middle + cross @ self.alpha, np.sqrt(np.maximum(variance, 0.0))

    def _log_kernel(self, at: int, one: Floats, other: Floats, axis: Axis) -> Floats:
        return _log_kernel(axis.apart(one, other), float(self.log_lengths[at]), axis.is_choice)[0]

    # ------------------------------------------------------------ means over the whole range

    @cached_property
    def crosses(self) -> tuple[Floats, ...]:
        """Of each axis the kernel between its nodes and the trials."""
        return tuple(
            np.exp(self._log_kernel(at, axis.nodes, self.places[:, at], axis))
            for at, axis in enumerate(self.axes)
        )

    @cached_property
    def means(self) -> Floats:
        """Of each axis the kernel's mean over its range, by trial."""
        return np.array(
            [axis.weights @ cross for axis, cross in zip(self.axes, self.crosses, strict=True)]
        )

    @cached_property
    def squares(self) -> tuple[Floats, ...]:
        """Of each axis the mean over its range of products of kernels, by two trials."""
        return tuple(
            (cross * axis.weights[:, None]).T @ cross
            for axis, cross in zip(self.axes, self.crosses, strict=True)
        )

    def variance(self, among: Sequence[int]) -> float:
        """Variance over the whole range of the mean function where it is averaged over all axes but these."""
        product = np.outer(self.alpha, self.alpha) * self.scale**2
        for at in range(len(self.axes)):
            product = product * (
                self.squares[at] if at in among else np.outer(self.means[at], self.means[at])
            )
        return max(0.0, float(product.sum()) - self.mean**2)

    @cached_property
    def whole(self) -> float:
        """Variance of the mean function over the whole range."""
        return self.variance(range(len(self.axes)))

    @cached_property
    def alone(self) -> Floats:
        """What each axis explains of it by itself."""
        return np.array([self.variance([at]) for at in range(len(self.axes))])

    @cached_property
    def mean(self) -> float:
        """Mean of the function over the whole range, less `middle`."""
        return float(self.scale * self.alpha @ np.prod(self.means, axis=0))

    def main_effect(self, at: int) -> tuple[Floats, Floats]:
        """Mean and covariance at an axis's nodes of the function averaged over all other axes."""
        others = np.prod(np.delete(self.means, at, axis=0), axis=0)
        cross = self.scale * self.crosses[at] * others
        axis = self.axes[at]
        prior = self.scale * np.exp(self._log_kernel(at, axis.nodes, axis.nodes, axis))
        for other, axis_of in enumerate(self.axes):
            if other != at:
                own = np.exp(self._log_kernel(other, axis_of.nodes, axis_of.nodes, axis_of))
                prior = prior * float(axis_of.weights @ own @ axis_of.weights)
        return self.middle + cross @ self.alpha, prior - cross @ self.inverse @ cross.T


def learn(points: Points) -> Surrogate:
    """The surrogate of a family's points.

    Raises
    ------
    LookupError
        No hyperparameter varies.
    """
    if not points.space:
        raise LookupError(f"no hyperparameter of {points.family} varies")
    chosen = _chosen(points.losses)
    raw, is_log = _flattened(points.losses[chosen])
    shift, spread = float(raw.mean()), float(raw.std()) or 1.0
    y = (raw - shift) / spread
    axes = tuple(Axis.of(range_) for range_ in points.space.values())
    places = points.places[chosen]
    theta = _fitted(axes, places, y)
    lengths, scale, noise = theta[:-2], math.exp(theta[-2]), math.exp(theta[-1])
    logs = sum(
        _log_kernel(axis.apart(p, p), float(length), axis.is_choice)[0]
        for axis, p, length in zip(axes, places.T, lengths, strict=True)
    )
    inverse = np.asarray(
        np.linalg.inv(scale * np.exp(logs) + (noise + JITTER) * np.eye(len(y))), np.float64
    )
    middle = _middle(inverse, y)
    return Surrogate(
        axes,
        places,
        inverse @ (y - middle),
        inverse,
        lengths,
        scale,
        noise,
        middle,
        shift,
        spread,
        is_log,
    )


def _chosen(losses: Floats) -> npt.NDArray[np.int64]:
    """Places of the trials to learn from."""
    order = np.argsort(losses, kind="stable")
    if len(order) <= MOST:
        return np.sort(order)
    rest = order[MOST // 2 :]
    even = rest[np.linspace(0, len(rest) - 1, MOST - MOST // 2).round().astype(np.int64)]
    return np.sort(np.concatenate([order[: MOST // 2], even]))


def _flattened(losses: Floats) -> tuple[Floats, bool]:
    """Logarithms of losses, where all are positive; what is far worse than most is no worse than that."""
    is_log = bool(losses.min() > 0)
    raw = np.log(losses) if is_log else losses
    low, middle, high = np.quantile(raw, [0.25, 0.5, 0.75])
    return np.minimum(raw, middle + FAR * max(high - low, 1e-12)), is_log


def _middle(inverse: Floats, y: Floats) -> float:
    """The mean by generalised least squares: trials that lie close together count for less."""
    of_ones = inverse.sum(axis=0)
    return float(of_ones @ y / of_ones.sum())


def _fitted(axes: Sequence[Axis], places: Floats, y: Floats) -> Floats:
    """Logarithms of the lengths, the scale and the noise that are most likely, with their priors."""
    from scipy.optimize import minimize

    above = np.triu_indices(len(y), 1)
    aparts = [
        axis.apart(column, column)[above] for axis, column in zip(axes, places.T, strict=True)
    ]
    choices = [axis.is_choice for axis in axes]

    def objective(theta: Floats) -> tuple[float, Floats]:
        return _unlikelihood(theta, aparts, choices, above, y)

    starts = [
        np.array([*[length] * len(axes), 0.0, noise])
        for length, noise in ((LENGTH, NOISE), (LENGTH + 1, NOISE + 2))
    ]
    bounds = [BOUNDS] * len(axes) + [(-4.0, 4.0), (-9.0, 1.0)]
    found = [
        minimize(
            objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 60}
        )
        for start in starts
    ]
    best: Floats = min(found, key=lambda result: float(result.fun)).x
    return best


def _unlikelihood(
    theta: Floats,
    aparts: Sequence[Floats],
    choices: Sequence[bool],
    above: tuple[npt.NDArray[Any], ...],
    y: Floats,
) -> tuple[float, Floats]:
    """Negative logarithm of the posterior, and its gradient."""
    n, lengths, scale, noise = len(y), theta[:-2], math.exp(theta[-2]), math.exp(theta[-1])
    parts = [
        _log_kernel(apart, float(length), choice)
        for apart, length, choice in zip(aparts, lengths, choices, strict=True)
    ]
    flat = scale * np.exp(sum(log for log, _ in parts))
    kernel = np.zeros((n, n))
    kernel[above] = flat
    kernel += kernel.T
    kernel[np.diag_indices(n)] = scale + noise + JITTER
    try:
        root = np.linalg.cholesky(kernel)
    except np.linalg.LinAlgError:
        return 1e10, np.zeros_like(theta)
    inverse_root = np.linalg.inv(root)
    inverse = inverse_root.T @ inverse_root
    rest = y - _middle(inverse, y)
    alpha = inverse @ rest
    value = 0.5 * float(rest @ alpha) + float(np.log(np.diag(root)).sum())
    outer = inverse - np.outer(alpha, alpha)  # twice the derivative by the kernel's matrix
    weighed = outer[above] * flat
    diagonal = np.diag(outer)
    by_lengths = [float(weighed @ slope) for _, slope in parts]
    by_scale = float(weighed.sum()) + 0.5 * scale * float(diagonal.sum())
    by_noise = 0.5 * noise * float(diagonal.sum())
    gradient = np.array([*by_lengths, by_scale, by_noise])
    middle = np.array([*[LENGTH] * len(lengths), 0.0, NOISE])
    width = np.array([*[LENGTH_SPREAD] * len(lengths), 1.5, NOISE_SPREAD])
    off = (theta - middle) / width
    return value + 0.5 * float(off @ off), gradient + off / width
