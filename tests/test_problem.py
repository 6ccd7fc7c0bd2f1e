"""A problem gives some of its rows; what stands beside the table goes with them."""

from __future__ import annotations

import numpy as np

from automl.problem import Problem
from automl.table import from_frame


def problem(n_validation: int = 0) -> Problem:
    numbers = np.arange(100)
    return Problem(
        from_frame({"x": numbers}),
        "y",
        y=numbers * 2,
        weight=numbers + 0.5,
        groups=numbers // 10,
        n_validation=n_validation,
    )


def test_drawn_rows_keep_their_order_and_what_belongs_to_them() -> None:
    drawn = problem().draw(20, seed=0)
    x = drawn.table["x"].to_numpy()
    assert len(x) == 20
    assert (np.diff(x) > 0).all()
    assert (np.asarray(drawn.y) == x * 2).all()
    assert (np.asarray(drawn.weight) == x + 0.5).all()
    assert (np.asarray(drawn.groups) == x // 10).all()


def test_rows_for_validation_are_never_left_out() -> None:
    drawn = problem(n_validation=30).draw(20, seed=0)
    assert drawn.table["x"].tolist()[-30:] == list(range(70, 100))
    assert drawn.table.n_rows == 50


def test_equal_seeds_draw_equal_rows_and_few_rows_are_left_as_they_are() -> None:
    whole = problem()
    assert whole.draw(20, seed=1).table["x"].tolist() == whole.draw(20, seed=1).table["x"].tolist()
    assert whole.draw(20, seed=1).table["x"].tolist() != whole.draw(20, seed=2).table["x"].tolist()
    assert whole.draw(100, seed=0) is whole


def test_a_sample_has_none_of_the_rows_for_validation() -> None:
    sample = problem(n_validation=30).sample(20, seed=0)
    assert sample.table.n_rows == 20
    assert sample.table["x"].max() < 70
    assert sample.n_validation == 0
