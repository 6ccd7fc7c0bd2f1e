"""The kernel of the surrogate, and its parameters: the most likely ones, with priors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.arrays import Floats
from automl.space import Choice, Range

N_NODES = 16  # of each integral over a range
JITTER = 1e-8  # that is added to the noise, for numerical stability

# Priors, with their standard deviations: of the logarithm of the length, in ranges, over which a
# hyperparameter has an effect; of the logarithm of the scale; and of the logarithm of the part of
# the losses' variance that is noise.
LOG_LENGTH = math.log(0.7)
LOG_LENGTH_DEVIATION = 1.0
LOG_SCALE_DEVIATION = 1.5
LOG_NOISE = math.log(0.05)
LOG_NOISE_DEVIATION = 1.5

LOG_LENGTH_BOUNDS = (-4.0, 5.0)
LOG_SCALE_BOUNDS = (-4.0, 4.0)
LOG_NOISE_BOUNDS = (-9.0, 1.0)
MAX_ITERATIONS = 60
INFEASIBLE = 1e10  # the objective where the kernel's matrix is not positive definite


@dataclass(frozen=True)
class Axis:
    """One hyperparameter of the surrogate, with the nodes and weights of integrals over it."""

    nodes: Floats
    weights: Floats
    is_choice: bool

    @classmethod
    def of(cls, range_: Range) -> Axis:
        """Return the axis of a range: Gauss-Legendre nodes from 0 to 1, or each of its values."""
        if isinstance(range_, Choice):
            count = len(range_.values)
            nodes = np.arange(count, dtype=np.float64)
            weights = np.full(count, 1 / count)
            return cls(nodes, weights, is_choice=True)
        nodes, weights = np.polynomial.legendre.leggauss(N_NODES)
        nodes = (nodes + 1) / 2
        weights = weights / 2
        return cls(nodes, weights, is_choice=False)

    def distance(self, one: Floats, other: Floats) -> Floats:
        """Return the distances between coordinates; of a choice 1 if they differ."""
        difference = np.abs(one[:, None] - other)
        if self.is_choice:
            return np.minimum(np.ceil(difference), 1.0)
        return difference


def log_kernel(distance: Floats, log_length: float, is_choice: bool) -> tuple[Floats, Floats]:
    """Return the logarithm of the kernel, and its derivative by the logarithm of the length.

    The kernel is Matérn 5/2; of a choice it is exponential.

    Parameters
    ----------
    distance : ndarray
        Distances.
    """
    a = distance * math.exp(-log_length)
    if is_choice:
        return -a, a
    a = a * math.sqrt(5)
    polynomial = 1 + a + a * a / 3
    log = np.log(polynomial) - a
    slope = a * a * (1 + a)
    slope /= 3 * polynomial
    return log, slope


def generalised_mean(inverse: Floats, y: Floats) -> float:
    """Return the mean by generalised least squares: close trials count for less."""
    of_ones = inverse.sum(axis=0)
    return float(of_ones @ y / of_ones.sum())


@dataclass(frozen=True)
class Kernel:
    """The parameters of a kernel.

    Parameters
    ----------
    log_lengths : ndarray of shape (n_axes,)
    scale : float
        The kernel's variance.
    noise : float
        Variance of a single trial's value.
    """

    log_lengths: Floats
    scale: float
    noise: float

    @classmethod
    def of(cls, theta: Floats) -> Kernel:
        """Return the kernel of a vector of logarithms: lengths, scale and noise."""
        scale = math.exp(theta[-2])
        noise = math.exp(theta[-1])
        return cls(theta[:-2], scale, noise)


def fit(axes: Sequence[Axis], places: Floats, y: Floats) -> Kernel:
    """Return the kernel that is most likely, with its priors.

    Parameters
    ----------
    places : ndarray of shape (n_trials, n_axes)
        Coordinates.
    y : ndarray of shape (n_trials,)
    """
    from scipy.optimize import minimize

    n_axes = len(axes)
    above = np.triu_indices(len(y), 1)
    distances = []
    for index, axis in enumerate(axes):
        column = places[:, index]
        distance = axis.distance(column, column)
        distances.append(distance[above])
    choices = [axis.is_choice for axis in axes]

    def objective(theta: Floats) -> tuple[float, Floats]:
        return negative_log_posterior(theta, distances, choices, above, y)

    bounds = [
        *[LOG_LENGTH_BOUNDS] * n_axes,
        LOG_SCALE_BOUNDS,
        LOG_NOISE_BOUNDS,
    ]
    starts = [
        _theta(n_axes, LOG_LENGTH, 0.0, LOG_NOISE),
        _theta(n_axes, LOG_LENGTH + 1, 0.0, LOG_NOISE + 2),
    ]
    results = []
    for start in starts:
        result = minimize(
            objective,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": MAX_ITERATIONS},
        )
        results.append(result)
    best = min(results, key=lambda result: float(result.fun))
    return Kernel.of(best.x)


def _theta(n_axes: int, length: float, scale: float, noise: float) -> Floats:
    """Return a vector with a number for each axis, one for the scale and one for the noise."""
    return np.array([*[length] * n_axes, scale, noise])


def negative_log_posterior(
    theta: Floats,
    distances: Sequence[Floats],
    choices: Sequence[bool],
    above: tuple[npt.NDArray[Any], ...],
    y: Floats,
) -> tuple[float, Floats]:
    """Return the negative logarithm of the posterior, and its gradient.

    Parameters
    ----------
    theta : ndarray of shape (n_axes + 2,)
        Logarithms of the lengths, the scale and the noise.
    distances : sequence of ndarray of shape (n_pairs,)
        Of pairs of trials, one array an axis.
    choices : sequence of bool
        Which axes are choices.
    above : tuple of ndarray
        Indices of the pairs in the kernel's matrix, above its diagonal.
    y : ndarray of shape (n_trials,)
    """
    parameters = Kernel.of(theta)
    scale = parameters.scale
    logs = []
    slopes = []
    for index, distance in enumerate(distances):
        is_choice = choices[index]
        length = parameters.log_lengths[index]
        log, slope = log_kernel(distance, float(length), is_choice)
        logs.append(log)
        slopes.append(slope)
    flat = scale * np.exp(sum(logs))
    n_trials = len(y)
    kernel = np.zeros((n_trials, n_trials))
    kernel[above] = flat
    kernel += kernel.T
    diagonal = np.diag_indices(n_trials)
    kernel[diagonal] = scale + parameters.noise + JITTER
    try:
        root = np.linalg.cholesky(kernel)
    except np.linalg.LinAlgError:
        return INFEASIBLE, np.zeros_like(theta)
    inverse_root = np.linalg.inv(root)
    inverse = inverse_root.T @ inverse_root
    residuals = y - generalised_mean(inverse, y)
    alpha = inverse @ residuals
    root_logs = np.log(np.diag(root))
    value = 0.5 * float(residuals @ alpha)
    value += float(root_logs.sum())  # half of the logarithm of the determinant
    # Twice the derivative by the kernel's matrix.
    outer = inverse - np.outer(alpha, alpha)
    weighted = outer[above] * flat
    outer_diagonal = np.diag(outer)
    trace = float(outer_diagonal.sum())
    gradient = [float(weighted @ slope) for slope in slopes]
    by_scale = float(weighted.sum())
    by_scale += 0.5 * scale * trace
    by_noise = 0.5 * parameters.noise * trace
    gradient += [by_scale, by_noise]
    prior, prior_gradient = _negative_log_prior(theta)
    return value + prior, np.array(gradient) + prior_gradient


def _negative_log_prior(theta: Floats) -> tuple[float, Floats]:
    n_axes = len(theta) - 2
    middle = _theta(n_axes, LOG_LENGTH, 0.0, LOG_NOISE)
    deviation = _theta(n_axes, LOG_LENGTH_DEVIATION, LOG_SCALE_DEVIATION, LOG_NOISE_DEVIATION)
    z = (theta - middle) / deviation
    return 0.5 * float(z @ z), z / deviation
