"""Scale one column of numbers before a model sees it, value by value.

Because scalers work value by value, a row never depends on the other rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from automl.arrays import Floats, Integers, Matrix
from automl.errors import UnsafeModel
from automl.features._base import read_array, read_states, read_value, refuse_unless
from automl.state import State

FLOAT32_MAX = float(np.finfo(np.float32).max)
MAX_ROUNDING = 1e-4  # part of the spread by which float32 may round before an offset is subtracted
MIN_SKEWNESS = 2.0  # that of an exponential distribution; below it no logarithm is tried
SPREAD_PERCENTILES = (0.5, 99.5)  # values beyond don't count for the spread
MAX_SCALED = 10.0  # in standard deviations
TINY_SPREAD = 1e-100  # smaller spreads are rounding errors, and dividing by them overflows
TINY_RELATIVE_SPREAD = 1e-12  # likewise, as a share of the largest magnitude
MAX_KNOTS = 1000
MAX_FITTED_ROWS = 200_000  # quantiles of more rows are no better


Parameter = float | Floats  # one for all columns, or one for each, of shape (n_columns, 1)


class Scaler(Protocol):
    """A fitted scaler."""

    kind: ClassVar[str]

    def apply(self, values: Floats) -> Matrix:
        """Return the scaled values, float32."""
        ...

    def to_state(self) -> State:
        """Return everything that the class's `from_state` needs."""
        ...

    @classmethod
    def from_state(cls, state: State) -> Scaler:
        """Return the scaler that `to_state` described."""
        ...


Scalers = tuple[Scaler, ...]


@dataclass(frozen=True)
class NoScaling:
    """Leave values as they are, infinite ones clipped to float32's range.

    Parameters
    ----------
    offset : float
        Subtracted where float32 could not distinguish the values otherwise.
    fill : float
        Replaces missing values; NaN leaves them missing.

    Examples
    --------
    >>> NoScaling().apply(np.array([1.5, np.nan, -np.inf])).tolist()
    [1.5, nan, -3.4028234663852886e+38]
    """

    kind: ClassVar[str] = "plain"
    offset: float = 0.0
    fill: float = float("nan")

    def apply(self, values: Floats) -> Matrix:
        """Return the values less the offset."""
        return shift(values, self.offset, self.fill)

    def to_state(self) -> State:
        """Return everything that `from_state` needs."""
        return {"offset": self.offset, "fill": self.fill}

    @classmethod
    def from_state(cls, state: State) -> NoScaling:
        """Return the scaler that `to_state` described."""
        offset = read_value(state, "offset", float)
        fill = read_value(state, "fill", float)
        return cls(offset, fill)


@dataclass(frozen=True)
class Standard:
    """Centre and scale values, after a signed logarithm where they are skewed.

    Scaled values are never missing and never farther than 10 from 0.

    Parameters
    ----------
    center, scale : float
    fill : float
        The scaled median, which replaces missing values.
    linear_threshold : float
        Magnitude around which the signed logarithm bends from linear to logarithmic; 0 for no
        logarithm.

    Examples
    --------
    >>> scaler = Standard(center=1.0, scale=2.0, fill=0.25)
    >>> scaler.apply(np.array([3.0, np.nan, 1e9])).tolist()
    [1.0, 0.25, 10.0]
    """

    kind: ClassVar[str] = "standard"
    center: float = 0.0
    scale: float = 1.0
    fill: float = 0.0
    linear_threshold: float = 0.0

    def apply(self, values: Floats) -> Matrix:
        """Return the scaled values."""
        bent = _signed_log(clip_to_float32(values), self.linear_threshold)
        return standardise(bent, self.center, self.scale, self.fill)

    def to_state(self) -> State:
        """Return everything that `from_state` needs."""
        return {
            "center": self.center,
            "scale": self.scale,
            "fill": self.fill,
            "bend": self.linear_threshold,
        }

    @classmethod
    def from_state(cls, state: State) -> Standard:
        """Return the scaler that `to_state` described."""
        center = read_value(state, "center", float)
        scale = read_value(state, "scale", float)
        fill = read_value(state, "fill", float)
        threshold = read_value(state, "bend", float)
        refuse_unless(math.isfinite(center), "a scaler's center should be finite")
        refuse_unless(math.isfinite(fill), "a scaler's fill should be finite")
        refuse_unless(scale > 0, "a scaler's scale should be positive")
        refuse_unless(threshold >= 0, "a scaler's bend should not be negative")
        return cls(center, scale, fill, threshold)


@dataclass(frozen=True, eq=False)
class Quantile:
    """Map values to a normal distribution by their rank; missing is 0, the median.

    Parameters
    ----------
    knots : ndarray of shape (2, n_knots), float64
        Increasing values, and in the second row the scores that they are mapped to. Values in
        between are interpolated, values outside clipped.

    Examples
    --------
    >>> scaler = Quantile(np.array([[0.0, 10.0], [-1.0, 1.0]]))
    >>> scaler.apply(np.array([5.0, 99.0, np.nan])).tolist()
    [0.0, 1.0, 0.0]
    """

    kind: ClassVar[str] = "quantile"
    knots: Floats

    def apply(self, values: Floats) -> Matrix:
        """Return the mapped values."""
        knot_values, scores = self.knots
        clipped_values = clip_to_float32(values)
        mapped = np.interp(clipped_values, knot_values, scores)
        lowest = scores[0]
        highest = scores[-1]
        clipped = np.clip(mapped, lowest, highest)
        return _fill(clipped, 0.0)

    def to_state(self) -> State:
        """Return everything that `from_state` needs."""
        return {"knots": self.knots}

    @classmethod
    def from_state(cls, state: State) -> Quantile:
        """Return the scaler that `to_state` described."""
        knots = read_array(state, "knots", np.float64, 2)
        n_rows, n_knots = knots.shape
        refuse_unless(n_rows == 2 and n_knots >= 1, "knots should be two rows")
        are_finite = np.isfinite(knots)
        refuse_unless(are_finite.all(), "knots should be finite")
        value_steps, score_steps = np.diff(knots)
        refuse_unless((value_steps > 0).all(), "knots should increase")
        refuse_unless((score_steps >= 0).all(), "knots should increase")
        return cls(knots)


def fit_scaler(method: str, values: Floats) -> Scaler:
    """Fit a scaler to a column of numbers.

    Parameters
    ----------
    method : {"plain", "standard", "quantile", "pieces"}
        "pieces" scales as "standard" does: the piecewise linear features are another encoder's.
    values : ndarray of shape (n_rows,), float64
        NaN where missing.

    Examples
    --------
    >>> fit_scaler("plain", np.array([1.0, 2.0]))
    NoScaling(offset=0.0, fill=nan)
    >>> fit_scaler("standard", np.exp(np.arange(50.0))).linear_threshold > 0
    True
    """
    step = -(-len(values) // MAX_FITTED_ROWS)
    sample = clip_to_float32(values[:: step or 1])
    present = sample[~np.isnan(sample)]
    if method == "plain":
        return _fit_plain(present)
    if not len(present):
        return Standard()
    if method == "quantile":
        return _fit_quantile(present)
    return _fit_standard(present)


def _fit_plain(values: Floats) -> NoScaling:
    if not len(values):
        return NoScaling()
    rounded = values.astype(np.float32)
    largest_error = _largest_magnitude(values - rounded)
    max_error = MAX_ROUNDING * float(values.std())
    if not largest_error > max_error > 0:
        return NoScaling()
    return NoScaling(float(np.median(values)))


def _fit_standard(values: Floats) -> Standard:
    threshold = _fit_linear_threshold(values)
    bent = _signed_log(values, threshold)
    low, high = np.percentile(bent, SPREAD_PERCENTILES)
    central = np.clip(bent, low, high)
    if not _varies(central):  # nearly all values are equal
        central = bent
    center = float(central.mean())
    scale = 1.0
    if _varies(central):
        scale = float(central.std())
    median = np.median(bent)
    scaled_median = (median - center) / scale
    fill = np.clip(scaled_median, -MAX_SCALED, MAX_SCALED)
    return Standard(center, scale, float(fill), threshold)


def _varies(values: Floats) -> bool:
    spread = float(values.std())
    return spread > _rounding_error(values)


def _rounding_error(values: Floats) -> float:
    """Return the spread below which values are equal but for rounding errors."""
    relative = TINY_RELATIVE_SPREAD * _largest_magnitude(values)
    return max(TINY_SPREAD, relative)


def _largest_magnitude(values: Floats) -> float:
    magnitudes = np.abs(values)
    return float(magnitudes.max())


def _fit_linear_threshold(values: Floats) -> float:
    """Return the median magnitude if a logarithm makes a skewed column less skewed; otherwise 0."""
    skewness = abs(_skewness(values))
    if skewness <= MIN_SKEWNESS:
        return 0.0
    nonzero = values[values != 0]
    median = float(np.median(np.abs(nonzero)))
    threshold = max(median, TINY_SPREAD)
    bent = _signed_log(values, threshold)
    bent_skewness = abs(_skewness(bent))
    if bent_skewness < skewness:
        return threshold
    return 0.0


def _skewness(values: Floats) -> float:
    centred = values - values.mean()
    largest = _largest_magnitude(centred)
    if largest <= _rounding_error(values):
        return 0.0
    centred /= largest  # so that no cube overflows
    cubes = centred**3
    squares = centred**2
    return float(cubes.mean() / squares.mean() ** 1.5)


def _fit_quantile(values: Floats) -> Quantile:
    """Place knots at the middle rank of each distinct value, or of about 1000 of them."""
    distinct, counts = np.unique(values, return_counts=True)
    middles = np.cumsum(counts) - counts / 2
    ranks = middles / counts.sum()
    if len(distinct) > MAX_KNOTS:
        chosen = _evenly_ranked(ranks)
        distinct = distinct[chosen]
        ranks = ranks[chosen]
    from statistics import NormalDist

    normal = NormalDist()
    scores = list(map(normal.inv_cdf, ranks.tolist()))
    knots = np.array([distinct, scores])
    return Quantile(knots)


def _evenly_ranked(ranks: Floats) -> Integers:
    """Return the indices of about 1000 ranks that are evenly spaced."""
    first = ranks[0]
    last = ranks[-1]
    grid = np.linspace(first, last, MAX_KNOTS)
    indices = np.arange(len(ranks))
    interpolated = np.interp(grid, ranks, indices)
    nearest = np.round(interpolated)
    return np.unique(nearest.astype(np.int64))


def shift(
    values: Floats,
    offset: Parameter,
    fill: Parameter,
) -> Matrix:
    """Return values less an offset, within float32's range, with missing ones replaced."""
    shifted = clip_to_float32(values) - offset
    return _fill(clip_to_float32(shifted), fill)


def standardise(
    values: Floats,
    center: Parameter,
    scale: Parameter,
    fill: Parameter,
) -> Matrix:
    """Return centred and scaled values, no farther than 10 from 0, with missing ones replaced."""
    scaled = (values - center) / scale
    clipped = _clip(scaled, MAX_SCALED)
    return _fill(clipped, fill)


def clip_to_float32(values: Floats) -> Floats:
    """Return the values clipped to float32's range."""
    return _clip(values, FLOAT32_MAX)


def _clip(values: Floats, largest: float) -> Floats:
    """Return the values clipped to a range around 0; for few values `np.clip` takes longer."""
    not_below = np.maximum(values, -largest)
    return np.minimum(not_below, largest)


def _fill(values: Floats, fill: Parameter) -> Matrix:
    """Return the values as float32, with missing ones replaced."""
    is_missing = np.isnan(values)
    filled = np.where(is_missing, fill, values)
    return filled.astype(np.float32)


def _signed_log(values: Floats, linear_threshold: float) -> Floats:
    """Return a signed logarithm of the values, or the values themselves if the threshold is 0."""
    if not linear_threshold:
        return values
    return bend(values, linear_threshold)


def bend(values: Floats, linear_threshold: Parameter) -> Floats:
    """Return a signed logarithm of the values, which is nearly linear around 0."""
    signs = np.sign(values)
    magnitudes = np.abs(values)
    return signs * np.log1p(magnitudes / linear_threshold)


SCALERS: dict[str, type[Scaler]] = {
    NoScaling.kind: NoScaling,
    Standard.kind: Standard,
    Quantile.kind: Quantile,
}


def scalers_to_state(scalers: Sequence[Scaler]) -> list[State]:
    """Return the states of scalers, for the state of their encoder."""
    states = []
    for scaler in scalers:
        kind = {"kind": scaler.kind}
        states.append(kind | scaler.to_state())
    return states


def scalers_from_state(state: State, key: str) -> Scalers:
    """Return the scalers that `scalers_to_state` described."""
    states = read_states(state, key)
    return tuple(map(_scaler_from_state, states))


def _scaler_from_state(state: State) -> Scaler:
    kind = read_value(state, "kind", str)
    if kind not in SCALERS:
        known = ", ".join(SCALERS)
        raise UnsafeModel(f"the encoders' state: no scaler {kind!r}; known are {known}")
    scaler_class = SCALERS[kind]
    return scaler_class.from_state(state)
