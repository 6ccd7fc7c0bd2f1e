"""Groups of rows, as codes: how much a target or a column varies between and within them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.arrays import Floats, Rows
from automl.columns import Categories, Column, Texts

MIN_ROWS_IN_LARGER_GROUPS = (
    20  # rows of groups with several rows: fewer cannot show that a column is constant
)
MAX_GROUP_TARGET_CLASSES = 30
NEEDED_GROUPS = 200  # where groups are large, a sample takes fewer rows of each to fit this many
MIN_ROWS_OF_SAMPLED_GROUP = 20
CONSTANT_SHARE = 0.9  # of a column's variation is explained by the group: it is constant within it
MAX_CHANCE_SHARE = 0.98  # a column that is as constant as this when shuffled shows nothing


def exact_codes(column: Column) -> Rows:
    """Return codes of a column's exact values; a missing cell counts as a value."""
    if isinstance(column, Categories):
        return compact_codes(column.codes)
    if isinstance(column, Texts):
        texts = list(column)
        return compact_codes(np.array(texts, dtype=object))
    return compact_codes(column.values)


def compact_codes(values: npt.NDArray[Any]) -> Rows:
    """Return codes of values, without gaps from 0 on, in the order of the values."""
    _, codes = np.unique(values, return_inverse=True)
    return np.asarray(codes, np.int64)


def combine_codes(codes: Sequence[Rows]) -> Rows:
    """Return codes of the combinations of several columns' codes."""
    combined = codes[0]
    for other in codes[1:]:
        n_codes = int(other.max()) + 1
        combined = compact_codes(combined * n_codes + other)
    return combined


def target_outputs(y: Floats, is_regression: bool) -> Floats:
    """Return a target as columns whose variance can be compared.

    Returns
    -------
    ndarray of shape (n_rows, n_outputs), float64
        The ranks of a regression target, from 0 to 1, because a few large values would dominate
        its variance; otherwise an indicator a class, of at most `MAX_GROUP_TARGET_CLASSES`.
    """
    if is_regression:
        order = np.argsort(y, kind="stable")
        ranks = np.argsort(order, kind="stable")
        last_rank = max(1, len(y) - 1)
        scaled = ranks / last_rank
        return scaled[:, None]
    classes = np.unique(y)
    if len(classes) == 2:
        classes = classes[:1]
    classes = classes[:MAX_GROUP_TARGET_CLASSES]
    is_class = y[:, None] == classes
    return np.asarray(is_class, np.float64)


@dataclass(frozen=True)
class GroupVariance:
    """The part of a target's variance that lies between groups of rows.

    Parameters
    ----------
    share : float
        Omega squared: the part less the one that chance explains; at most 1.
    standard_errors : float
        Standard errors by which the F statistic exceeds 1.
    """

    share: float
    standard_errors: float


NO_VARIANCE = GroupVariance(0.0, 0.0)


def variance_between_groups(groups: Rows, outputs: Floats) -> GroupVariance:
    """Return the part of the variance of a target's outputs that lies between groups."""
    sizes = np.bincount(groups)
    n_groups = int(np.count_nonzero(sizes))
    between_freedom = n_groups - 1
    within_freedom = len(groups) - n_groups
    if between_freedom < 1 or within_freedom < 1:
        return NO_VARIANCE
    divisors = np.maximum(1, sizes)
    total = 0.0
    between = 0.0
    means = outputs.mean(axis=0)[:, None]
    centred = outputs.T - means
    for values in centred:
        sums = np.bincount(groups, values)
        squares = sums**2 / divisors
        between += float(squares.sum())
        squares = values**2
        total += float(squares.sum())
    if total <= 0:
        return NO_VARIANCE
    unexplained = max(1e-12 * total, total - between)
    within = unexplained / within_freedom
    f_statistic = between / between_freedom / within
    surplus = between - between_freedom * within
    omega_squared = surplus / (total + within)
    f_variance = 2 / between_freedom + 2 / within_freedom
    standard_errors = (f_statistic - 1) / math.sqrt(f_variance)
    return GroupVariance(omega_squared, standard_errors)


def constancy(groups: Rows, codes: Rows, seed: int = 0) -> float:
    """Return how constant a column is within groups, compared to the same column shuffled.

    Returns
    -------
    float
        1 if it is always constant; 0 if it is as constant as when shuffled, or not nearly
        constant.

    Examples
    --------
    >>> groups = np.repeat(np.arange(50), 4)
    >>> constancy(groups, groups % 7), round(constancy(groups, np.arange(200) % 3)) <= 0
    (1.0, True)
    """
    sizes = np.bincount(groups)
    has_others = sizes[groups] > 1
    if has_others.sum() < MIN_ROWS_IN_LARGER_GROUPS:
        return 0.0
    groups = groups[has_others]
    codes = codes[has_others]
    is_first_value = codes == codes[0]
    if is_first_value.all():
        return 0.0
    share = _share_of_modes(groups, codes)
    if share < CONSTANT_SHARE:
        return 0.0
    seeds = (seed, len(codes))
    rng = np.random.default_rng(seeds)
    shuffled = rng.permutation(codes)
    chance = _share_of_modes(groups, shuffled)
    if chance >= MAX_CHANCE_SHARE:
        return 0.0
    return (share - chance) / max(1e-9, 1 - chance)


def _share_of_modes(groups: Rows, codes: Rows) -> float:
    """Return the share of rows with their group's most frequent value, less one row a group."""
    n_codes = int(codes.max()) + 1
    n_groups = int(groups.max()) + 1
    flat = groups * n_codes + codes
    pairs, counts = np.unique(flat, return_counts=True)
    mode_counts = np.zeros(n_groups, np.int64)
    pair_groups = pairs // n_codes
    np.maximum.at(mode_counts, pair_groups, counts)
    mode_counts = mode_counts[mode_counts > 0]
    repeats = mode_counts - 1
    n_repeats = repeats.sum()
    n_others = len(codes) - len(mode_counts)
    return float(n_repeats / max(1, n_others))


def sample_whole_groups(groups: Rows, max_rows: int, seed: int) -> Rows:
    """Return the indices of about `max_rows` rows, in order, drawn group by group.

    Of large groups only some rows are drawn, so that there is room for many groups.
    """
    n_rows = len(groups)
    if n_rows <= max_rows:
        return np.arange(n_rows)
    sizes = np.bincount(groups)
    n_groups = int(np.count_nonzero(sizes))
    fair_rows = max_rows // min(NEEDED_GROUPS, n_groups)
    max_group_rows = max(MIN_ROWS_OF_SAMPLED_GROUP, fair_rows)
    rng = np.random.default_rng((seed, max_rows))
    shuffled = rng.permutation(n_rows)
    shuffled_groups = groups[shuffled]
    by_group = np.argsort(shuffled_groups, kind="stable")
    order = shuffled[by_group]
    starts = np.cumsum(sizes) - sizes
    first_ranks = np.repeat(starts, sizes)
    rank_in_group = np.arange(n_rows) - first_ranks
    order = order[rank_in_group < max_group_rows]
    sizes = np.minimum(sizes, max_group_rows)
    drawn = rng.permutation(len(sizes))
    n_drawn_rows = np.cumsum(sizes[drawn])
    sampled = drawn[n_drawn_rows <= max_rows]
    is_sampled = np.zeros_like(sizes, np.bool_)
    is_sampled[sampled] = True
    row_groups = groups[order]
    is_row_sampled = is_sampled[row_groups]
    return np.sort(order[is_row_sampled])
