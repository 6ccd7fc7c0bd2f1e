"""The share of the highest learning rate at each moment of a training."""

from __future__ import annotations

import math

_WARM_UP = 0.05  # share of the steps over which the rate rises
_LEAST = 0.01  # share of the highest rate that remains at the end


def rate_share(progress: float, restarts: int = 0) -> float:
    """Return the share of the highest learning rate.

    It rises at first and then falls along half a cosine. With restarts it swings up and down, each
    swing twice as long as the one before (as in RealMLP).

    Parameters
    ----------
    progress : float
        Share of the steps that are done; beyond 1 the rate stays.
    restarts : int

    Examples
    --------
    >>> [round(rate_share(progress), 2) for progress in (0.0, 0.025, 0.05, 0.525, 1.0)]
    [0.0, 0.5, 1.0, 0.5, 0.01]
    >>> [round(rate_share(progress, restarts=1), 2) for progress in (0.0, 1 / 3, 0.61, 1.0)]
    [0.01, 0.01, 1.0, 0.01]
    """
    progress = min(1.0, progress)
    if restarts:
        swings = restarts + 1
        growth = 2**swings - 1
        phase = 2 * math.log2(1 + growth * progress)
        return _falling(phase + 1)
    if progress < _WARM_UP:
        return progress / _WARM_UP
    phase = (progress - _WARM_UP) / (1 - _WARM_UP)
    return _falling(phase)


def swing_ends(restarts: int) -> tuple[float, ...]:
    """Return the shares of a training after which the learning rate is lowest.

    >>> [round(end, 2) for end in swing_ends(2)]
    [0.14, 0.43, 1.0]
    """
    growth = 2 ** (restarts + 1) - 1
    ends = []
    for swing in range(restarts + 1):
        done = 2 ** (swing + 1) - 1
        ends.append(done / growth)
    return tuple(ends)


def _falling(phase: float) -> float:
    """Return a cosine that falls from 1 to nearly 0 as the phase goes from 0 to 1."""
    cosine = math.cos(math.pi * phase)
    share = 0.5 * (1 + cosine)
    return max(_LEAST, share)
