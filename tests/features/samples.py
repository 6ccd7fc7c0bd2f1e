"""Tables like real ones, for tests that need no surprises."""

from __future__ import annotations

import numpy as np

from automl.columns import Categories, Columns, Numbers, Texts

STEMS = ("red", "wine", "dry", "sweet", "old", "new", "oak", "plum")
ENDINGS = ("", "er", "est", "ish")
WORDS = [stem + ending for stem in STEMS for ending in ENDINGS]


def table(n_rows: int = 300, seed: int = 0) -> Columns:
    """Return a column of every kind, each with some missing values, and one of many levels."""
    rng = np.random.default_rng(seed)
    missing = rng.random((6, n_rows)) < 0.1
    words = rng.choice(WORDS, (n_rows, 6))
    price = np.exp(2 * rng.normal(size=n_rows))
    height = rng.normal(size=n_rows)
    is_open = rng.integers(0, 2, n_rows)
    bought = 1.6e9 + rng.integers(0, 10**8, n_rows)
    city = rng.integers(0, 6, n_rows)
    sex = rng.integers(0, 2, n_rows)
    n_postcodes = n_rows // 3
    postcode = rng.integers(0, n_postcodes, n_rows)
    label = [" ".join(row) for row in words]
    for row in np.flatnonzero(missing[5]):
        label[row] = ""
    return Columns(
        {
            "price": Numbers(np.where(missing[0], np.nan, price)),
            "height": Numbers(height),
            "open": Numbers(np.where(missing[1], np.nan, is_open), "flag"),
            "bought": Numbers(np.where(missing[2], np.nan, bought), "date"),
            "city": categories(np.where(missing[3], -1, city), 6),
            "sex": categories(np.where(missing[4], -1, sex), 2),
            "postcode": categories(postcode, n_postcodes),
            "label": Texts.of(label),
        },
        n_rows,
    )


def categories(codes: np.ndarray, n_levels: int) -> Categories:
    levels = tuple(f"level {code}" for code in range(n_levels))
    return Categories(codes.astype(np.int32), levels)
