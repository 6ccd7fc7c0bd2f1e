"""Widen the interval of a loss from the held-out rows to new rows, or to later ones.

All are pure functions of numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from automl.arrays import Floats
from automl.metrics import Metric

Interval = tuple[float, float]

# By default an interval is for a third as many new rows as the table has: as many as a test of a
# quarter of all rows has.
NEW_ROWS_PER_ROW = 1 / 3
MAX_LOG_FACTOR = 1.0  # an end that is scaled by the ratio becomes at most e times as large
VARIABLES = ("age", "start")  # fields of a block that its loss may rise with
MIN_BLOCKS = 5  # for a plane through their losses
MAX_LOG_EXCESS = 0.7  # of a later block's loss over the largest loss of a block, as a logarithm
STUDENT_QUANTILES = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776}  # 97.5%, by degrees of freedom


def default_n_new_rows(rows: int) -> int:
    """Return the number of new rows that an interval is for, unless a test table is given."""
    n_new = round(NEW_ROWS_PER_ROW * rows)
    return max(1, n_new)


def widening_factor(rows: int, new: int, trained: float = math.inf) -> float:
    """Return the factor by which the interval of held-out rows widens for new rows.

    The held-out rows are a sample, and so are the new ones; so are the rows that models were
    trained on, where their number is given.

    References
    ----------
    Nadeau and Bengio (2003), Inference for the generalization error.

    Examples
    --------
    >>> widening_factor(300, 100)
    2.0
    """
    from_new_rows = rows / new
    from_training = rows / trained
    return math.sqrt(1 + from_new_rows + from_training)


def widen_interval(
    loss: float, low: float, high: float, distance_factor: float, metric: Metric
) -> Interval:
    """Return the ends of an interval around a loss, moved away from it by a factor.

    The lower end moves by the distance. If the metric has a least loss, the upper end moves by
    the ratio where that is farther: of few errors there may be several times as many on other
    rows. By the ratio it becomes at most e times as large.

    >>> from automl.metrics import METRICS
    >>> low, high = widen_interval(0.1, 0.08, 0.12, 2.0, METRICS["roc_auc"])
    >>> f"{low:.3f} {high:.3f}"
    '0.060 0.144'
    """
    least = metric.min_loss
    down = low - loss
    up = high - loss
    far_low = loss + down * distance_factor
    far_high = loss + up * distance_factor
    is_above_least = least < loss < high < math.inf
    if is_above_least and math.isfinite(least):
        excess = high - least
        ratio = excess / (loss - least)
        log_ratio = math.log(ratio)
        log_factor = log_ratio * (distance_factor - 1)
        log_factor = min(MAX_LOG_FACTOR, log_factor)
        factor = math.exp(log_factor)
        by_ratio = least + excess * factor
        far_high = max(far_high, by_ratio)
    far_low = max(least, far_low)
    far_high = min(metric.max_loss, far_high)
    return far_low, far_high


def student_t_quantile(freedom: int) -> float:
    """Return Student's 97.5% quantile, within 1% (Abramowitz and Stegun 26.7.5).

    Parameters
    ----------
    freedom : int
        Degrees of freedom.
    """
    if freedom in STUDENT_QUANTILES:
        return STUDENT_QUANTILES[freedom]
    return 1.96 + 2.372 / freedom + 2.82 / freedom**2


@dataclass(frozen=True)
class Block:
    """A block of held-out rows and its loss.

    Parameters
    ----------
    start : float
        Its position in time, in rows.
    age : float
        How long before it training ended, in rows.
    loss : float
    """

    start: float
    age: float
    loss: float = math.nan


def later_loss_interval(
    blocks: Sequence[Block], later_block: Block, least_loss: float = -math.inf
) -> Interval:
    """Return the ends of a 95% interval of the loss on a later block of rows.

    A plane through the losses of blocks (their logarithms, where there is a least loss) is
    followed to the later block. It may rise with time and with age, but not fall, and one more
    block scatters around it as those blocks do.

    Parameters
    ----------
    blocks : sequence of Block
    later_block : Block
    least_loss : float
        The metric's least loss.

    Examples
    --------
    >>> times = [(start, age) for start in (100, 200, 300) for age in (10, 20, 30)]
    >>> blocks = [Block(start, age, 1.0 + age / 10) for start, age in times]
    >>> low, high = later_loss_interval(blocks, Block(400, 50))
    >>> round(high, 2)
    6.0
    """
    known = [block for block in blocks if math.isfinite(block.loss)]
    if len(known) < MIN_BLOCKS:
        return -math.inf, math.inf
    block_losses = [block.loss for block in known]
    losses = np.array(block_losses)
    excess = losses - least_loss
    is_positive = bool((excess > 0).all())
    is_logarithmic = is_positive and math.isfinite(least_loss)
    values = losses
    if is_logarithmic:
        values = np.log(excess)
    plane = _Plane.of(known, values)
    low = plane.lower_end()
    high = plane.upper_end(later_block)
    if not is_logarithmic:
        return low, high
    highest = float(values.max())
    high = min(high, highest + MAX_LOG_EXCESS)
    low = least_loss + math.exp(low)
    high = least_loss + math.exp(high)
    return low, high


@dataclass(frozen=True, eq=False)
class _Plane:
    """A plane through values of blocks, which doesn't fall with their age or start.

    Parameters
    ----------
    X : ndarray of shape (n_blocks, 1 + n_variables)
        Ones, and the variables that the plane rises with.
    variables : tuple of str
        Fields of `Block`.
    values : ndarray of shape (n_blocks,)
    slopes : ndarray of shape (1 + n_variables,)
    """

    X: Floats
    variables: tuple[str, ...]
    values: Floats
    slopes: Floats

    @classmethod
    def of(cls, blocks: Sequence[Block], values: Floats) -> _Plane:
        """Fit a plane by least squares, leaving out the first variable with which it falls."""
        columns = {}
        for name in VARIABLES:
            fields = [getattr(block, name) for block in blocks]
            column = np.array(fields)
            if np.ptp(column) > 0:
                columns[name] = column
        ones = np.ones(len(values))
        while True:
            parts = [ones, *columns.values()]
            X = np.stack(parts, axis=1)
            solution = np.linalg.lstsq(X, values, rcond=None)
            slopes = solution[0]
            is_falling = slopes[1:] < 0
            variables = tuple(columns)
            if not is_falling.any():
                return cls(X, variables, values, slopes)
            first_falling = int(is_falling.argmax())
            del columns[variables[first_falling]]

    def lower_end(self) -> float:
        """Return the lower end of one more value of blocks like these."""
        mean = float(self.values.mean())
        n_blocks = len(self.values)
        width_factor = math.sqrt(1 + 1 / n_blocks)
        width = self.error * width_factor
        return mean - width

    def upper_end(self, later_block: Block) -> float:
        """Return the upper end of the value of a later block."""
        fields = [getattr(later_block, name) for name in self.variables]
        position = np.array([1.0, *fields])
        squares = self.X.T @ self.X
        covariance = np.linalg.pinv(squares)
        leverage = float(position @ covariance @ position)
        expected = float(position @ self.slopes)
        width_factor = math.sqrt(1 + leverage)
        return expected + self.error * width_factor

    @property
    def error(self) -> float:
        """Half the width of the 95% interval of a block's distance from the plane."""
        n_blocks, n_columns = self.X.shape
        freedom = max(1, n_blocks - n_columns)
        fitted = self.X @ self.slopes
        residuals = self.values - fitted
        squares = residuals**2
        total = float(squares.sum())
        deviation = math.sqrt(total / freedom)
        return student_t_quantile(freedom) * deviation
