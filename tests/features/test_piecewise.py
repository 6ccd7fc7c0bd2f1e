"""Piecewise linear encoding: numbers as their shares of pieces."""

from __future__ import annotations

import numpy as np
import pytest

from automl.columns import Columns, Numbers
from automl.errors import UnsafeModel
from automl.features.encoding import Encoding, fit_shared
from automl.features.piecewise import PiecewiseLinear, fit_piecewise_linear
from automl.features.recipe import RECIPES


def test_pieces_hold_about_equally_many_rows() -> None:
    values = np.random.default_rng(0).exponential(size=4_000)
    (encoder,) = fit_piecewise_linear("x", values, 8)
    counts, _ = np.histogram(values, encoder.edges)
    assert counts.tolist() == pytest.approx([500] * 8, abs=2)


def test_few_rows_make_few_pieces() -> None:
    (encoder,) = fit_piecewise_linear("x", np.arange(160.0), 16)
    assert len(encoder.features) == 3


@pytest.mark.parametrize(
    "values",
    [np.arange(60.0), np.resize([0.0, 1.0], 4_000), np.full(4_000, np.nan)],
    ids=["few rows", "two values", "missing"],
)
def test_too_few_values_make_no_pieces(values: np.ndarray) -> None:
    assert fit_piecewise_linear("x", values, 16) == ()


def test_a_sum_of_pieces_follows_a_curve_that_no_line_does() -> None:
    values = np.random.default_rng(0).uniform(-3, 3, 4_000)
    curve = np.sin(2 * values)
    columns = Columns({"x": Numbers(values)}, 4_000)
    X = fit_shared(RECIPES["pieces"], columns, seed=0).transform(columns)
    design = np.column_stack([X, np.ones(len(X))])
    coefficients = np.linalg.lstsq(design, curve, rcond=None)[0]
    residuals = curve - design @ coefficients
    assert residuals.var() < 0.02 * curve.var()


def test_wide_tables_get_fewer_pieces_per_column() -> None:
    rng = np.random.default_rng(0)
    wide = Columns({f"x{k}": Numbers(rng.normal(size=2_000)) for k in range(200)}, 2_000)
    assert len(fit_shared(RECIPES["pieces"], wide, seed=0).features) == 200 * 5


@pytest.mark.parametrize("edges", [[1.0, 0.0], [0.0], [0.0, np.inf], [0.0, 0.0, 1.0]])
def test_edges_that_do_not_increase_are_refused(edges: list[float]) -> None:
    state = PiecewiseLinear("x", np.array(edges), 0.0).to_state()
    with pytest.raises(UnsafeModel, match="edges should"):
        Encoding.from_state({"encoders": [{"kind": "pieces"} | state]})
