"""Scalers: what is done to one column of numbers before a model sees it. Elementwise, so a row never depends on its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from automl.columns import Floats
from automl.errors import UnsafeModel
from automl.features._base import read, read_array, read_states, refuse_unless
from automl.state import State

Singles = npt.NDArray[np.float32]

_LARGEST = float(np.finfo(np.float32).max)
_ROUNDING = 1e-4  # float32 may round by this part of the spread before an offset is taken off
_SKEWED = 2.0  # an exponential distribution's skewness
_TAILS = (0.5, 99.5)  # percentiles beyond which values don't count for the spread
_FARTHEST = 10.0  # in standard deviations
_TINY = 1e-100  # smaller spreads are rounding errors, and dividing by them overflows
_KNOTS = 1000
_SAMPLE = 200_000  # rows; quantiles of more are no better


class Scaler(Protocol):
    """A fitted scaler."""

    kind: ClassVar[str]

    def apply(self, values: Floats) -> Singles:
        """The scaled values, float32."""
        ...

    def to_state(self) -> State:
        """All that the class's `from_state` needs."""
        ...


@dataclass(frozen=True)
class Plain:
    """Values as they are, infinite ones clipped to float32's range.

    Parameters
    ----------
    offset : float
        Taken off where float32 could not tell the values apart otherwise.
    fill : float
        What stands for a missing value; NaN leaves it missing.

    Examples
    --------
    >>> Plain().apply(np.array([1.5, np.nan, -np.inf])).tolist()
    [1.5, nan, -3.4028234663852886e+38]
    """

    kind: ClassVar[str] = "plain"
    offset: float = 0.0
    fill: float = float("nan")

    def apply(self, values: Floats) -> Singles:
        """The values less the offset."""
        shifted = _clipped(_clipped(values) - self.offset)
        return np.where(np.isnan(shifted), self.fill, shifted).astype(np.float32)

    def to_state(self) -> State:
        """All that `from_state` needs."""
        return {"offset": self.offset, "fill": self.fill}

    @classmethod
    def from_state(cls, state: State) -> Plain:
        """The scaler that `to_state` described."""
        return cls(read(state, "offset", float), read(state, "fill", float))


@dataclass(frozen=True)
class Standard:
    """Values centred and scaled, after a signed logarithm where they are skewed; never missing, never farther than 10 from 0.

    Parameters
    ----------
    center, scale : float
    fill : float
        The scaled median, which stands for missing values.
    bend : float
        Values around which the signed logarithm bends from linear to logarithmic; 0 for no logarithm.

    Examples
    --------
    >>> Standard(center=1.0, scale=2.0, fill=0.25).apply(np.array([3.0, np.nan, 1e9])).tolist()
    [1.0, 0.25, 10.0]
    """

    kind: ClassVar[str] = "standard"
    center: float = 0.0
    scale: float = 1.0
    fill: float = 0.0
    bend: float = 0.0

    def apply(self, values: Floats) -> Singles:
        """The scaled values."""
        scaled = np.clip(
            (_bent(_clipped(values), self.bend) - self.center) / self.scale, -_FARTHEST, _FARTHEST
        )
        return np.where(np.isnan(scaled), self.fill, scaled).astype(np.float32)

    def to_state(self) -> State:
        """All that `from_state` needs."""
        return {"center": self.center, "scale": self.scale, "fill": self.fill, "bend": self.bend}

    @classmethod
    def from_state(cls, state: State) -> Standard:
        """The scaler that `to_state` described."""
        scaler = cls(*(read(state, key, float) for key in ("center", "scale", "fill", "bend")))
        refuse_unless(
            np.isfinite([scaler.center, scaler.fill]).all(),
            "a scaler's center and fill should be finite",
        )
        refuse_unless(scaler.scale > 0 and scaler.bend >= 0, "a scaler's scale should be positive")
        return scaler


@dataclass(frozen=True, eq=False)
class Quantile:
    """Values mapped to a normal distribution by their rank; missing is 0, the median.

    Parameters
    ----------
    knots : ndarray of shape (2, n_knots), float64
        Values, increasing, above what they are mapped to. Values in between are interpolated, values outside clipped.

    Examples
    --------
    >>> Quantile(np.array([[0.0, 10.0], [-1.0, 1.0]])).apply(np.array([5.0, 99.0, np.nan])).tolist()
    [0.0, 1.0, 0.0]
    """

    kind: ClassVar[str] = "quantile"
    knots: Floats

    def apply(self, values: Floats) -> Singles:
        """The mapped values."""
        values_at, scores = self.knots
        mapped = np.clip(np.interp(_clipped(values), values_at, scores), scores[0], scores[-1])
        return np.where(np.isnan(mapped), 0.0, mapped).astype(np.float32)

    def to_state(self) -> State:
        """All that `from_state` needs."""
        return {"knots": self.knots}

    @classmethod
    def from_state(cls, state: State) -> Quantile:
        """The scaler that `to_state` described."""
        knots = read_array(state, "knots", np.float64, 2)
        refuse_unless(
            knots.shape[0] == 2 and knots.shape[1] >= 1 and np.isfinite(knots).all(),
            "knots should be two finite rows",
        )
        refuse_unless(
            (np.diff(knots[0]) > 0).all() and (np.diff(knots[1]) >= 0).all(),
            "knots should increase",
        )
        return cls(knots)


def fit_scaler(how: str, values: Floats) -> Scaler:
    """Fit a scaler to a column of numbers.

    Parameters
    ----------
    how : {"plain", "standard", "quantile", "pieces"}
        The last is the second: pieces stand beside it.
    values : ndarray of shape (n_rows,), float64
        NaN where missing.

    Examples
    --------
    >>> fit_scaler("plain", np.array([1.0, 2.0]))
    Plain(offset=0.0, fill=nan)
    >>> fit_scaler("standard", np.exp(np.arange(50.0))).bend > 0
    True
    """
    sample = _clipped(values[:: -(-len(values) // _SAMPLE) or 1])
    seen = sample[~np.isnan(sample)]
    if how == "plain":
        return _fit_plain(seen)
    if not len(seen):
        return Standard()
    return _fit_quantile(seen) if how == "quantile" else _fit_standard(seen)


def _fit_plain(seen: Floats) -> Plain:
    if not len(seen):
        return Plain()
    rounding = float(np.abs(seen - seen.astype(np.float32)).max())
    return (
        Plain(float(np.median(seen))) if rounding > _ROUNDING * float(seen.std()) > 0 else Plain()
    )


def _fit_standard(seen: Floats) -> Standard:
    bend = _fit_bend(seen)
    bent = _bent(seen, bend)
    low, high = np.percentile(bent, _TAILS)
    kept = np.clip(bent, low, high)
    if not _varies(kept):  # nearly all values are equal
        kept = bent
    center = float(kept.mean())
    scale = float(kept.std()) if _varies(kept) else 1.0
    fill = float(np.clip((np.median(bent) - center) / scale, -_FARTHEST, _FARTHEST))
    return Standard(center, scale, fill, bend)


def _varies(values: Floats) -> bool:
    return bool(values.std() > max(_TINY, 1e-12 * np.abs(values).max()))


def _fit_bend(seen: Floats) -> float:
    """The median magnitude, if a logarithm makes a skewed column less skewed; otherwise 0."""
    raw = abs(_skewness(seen))
    if raw <= _SKEWED:
        return 0.0
    bend = max(float(np.median(np.abs(seen[seen != 0]))), _TINY)
    return bend if abs(_skewness(_bent(seen, bend))) < raw else 0.0


def _skewness(values: Floats) -> float:
    centred = values - values.mean()
    largest = float(np.abs(centred).max())
    if largest <= max(_TINY, 1e-12 * float(np.abs(values).max())):
        return 0.0
    centred /= largest  # so that no cube overflows
    return float((centred**3).mean() / (centred**2).mean() ** 1.5)


def _fit_quantile(seen: Floats) -> Quantile:
    """Knots at the middle rank of each distinct value, or of about 1000 of them."""
    distinct, counts = np.unique(seen, return_counts=True)
    ranks = (np.cumsum(counts) - counts / 2) / counts.sum()
    if len(distinct) > _KNOTS:
        even = np.interp(np.linspace(ranks[0], ranks[-1], _KNOTS), ranks, np.arange(len(ranks)))
        picked = np.unique(np.round(even).astype(np.int64))
        distinct, ranks = distinct[picked], ranks[picked]
    normal = NormalDist()
    return Quantile(np.array([distinct, [normal.inv_cdf(rank) for rank in ranks.tolist()]]))


def _clipped(values: Floats) -> Floats:
    return np.clip(values, -_LARGEST, _LARGEST)


def _bent(values: Floats, bend: float) -> Floats:
    return np.sign(values) * np.log1p(np.abs(values) / bend) if bend else values


_SCALERS: dict[str, type[Plain] | type[Standard] | type[Quantile]] = {
    scaler.kind: scaler for scaler in (Plain, Standard, Quantile)
}


def scalers_to_state(scalers: Sequence[Scaler]) -> list[State]:
    """States of some scalers, to be kept in their encoder's state."""
    return [{"kind": scaler.kind} | scaler.to_state() for scaler in scalers]


def scalers_from_state(state: State, key: str) -> tuple[Scaler, ...]:
    """The scalers that `scalers_to_state` described."""
    return tuple(_scaler(item) for item in read_states(state, key))


def _scaler(state: State) -> Scaler:
    kind = read(state, "kind", str)
    if kind not in _SCALERS:
        raise UnsafeModel(
            f"the encoders' state: no scaler {kind!r}; known are {', '.join(_SCALERS)}"
        )
    return _SCALERS[kind].from_state(state)
