"""Tables like real ones, for tests that need no surprises."""

from __future__ import annotations

import numpy as np

from automl.columns import Categories, Columns, Numbers, Texts

_WORDS = [
    first + second
    for first in ("red", "wine", "dry", "sweet", "old", "new", "oak", "plum")
    for second in ("", "er", "est", "ish")
]


def table(n_rows: int = 300, seed: int = 0) -> Columns:
    """A column of every kind, each with some missing values, and one of many levels."""
    random = np.random.default_rng(seed)
    gaps = random.random((6, n_rows)) < 0.1
    words = random.choice(_WORDS, (n_rows, 6))
    return Columns(
        {
            "price": Numbers(np.where(gaps[0], np.nan, np.exp(2 * random.normal(size=n_rows)))),
            "height": Numbers(random.normal(size=n_rows)),
            "open": Numbers(np.where(gaps[1], np.nan, random.integers(0, 2, n_rows)), "flag"),
            "bought": Numbers(
                np.where(gaps[2], np.nan, 1.6e9 + random.integers(0, 10**8, n_rows)), "date"
            ),
            "city": _categories(np.where(gaps[3], -1, random.integers(0, 6, n_rows)), 6),
            "sex": _categories(np.where(gaps[4], -1, random.integers(0, 2, n_rows)), 2),
            "postcode": _categories(random.integers(0, n_rows // 3, n_rows), n_rows // 3),
            "label": Texts.of(
                ["" if gap else " ".join(row) for gap, row in zip(gaps[5], words, strict=True)]
            ),
        },
        n_rows,
    )


def _categories(codes: np.ndarray, n_levels: int) -> Categories:
    return Categories(codes.astype(np.int32), tuple(f"level {place}" for place in range(n_levels)))
