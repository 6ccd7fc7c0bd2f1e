"""A problem of some rows has the arrays of the same rows."""

from __future__ import annotations

import numpy as np

from automl.problem import Problem
from automl.table import from_frame


def make_problem(n_validation: int = 0) -> Problem:
    numbers = np.arange(100)
    table = from_frame({"x": numbers})
    return Problem(
        table,
        "y",
        y=numbers * 2,
        weight=numbers + 0.5,
        groups=numbers // 10,
        n_validation=n_validation,
    )


def values(problem: Problem) -> list[int]:
    column = problem.table["x"]
    return column.tolist()


def test_drawn_rows_keep_their_order_and_what_belongs_to_them() -> None:
    drawn = make_problem().draw(20, seed=0)
    x = drawn.table["x"].to_numpy()
    assert len(x) == 20
    steps = np.diff(x)
    assert (steps > 0).all()
    assert drawn.y.tolist() == (x * 2).tolist()
    assert drawn.weight.tolist() == (x + 0.5).tolist()
    assert drawn.groups.tolist() == (x // 10).tolist()


def test_rows_for_validation_are_never_left_out() -> None:
    problem = make_problem(n_validation=30)
    drawn = problem.draw(20, seed=0)
    last_values = values(drawn)[-30:]
    assert last_values == list(range(70, 100))
    assert drawn.table.n_rows == 50


def test_equal_seeds_draw_equal_rows() -> None:
    problem = make_problem()
    drawn = values(problem.draw(20, seed=1))
    again = values(problem.draw(20, seed=1))
    other = values(problem.draw(20, seed=2))
    assert drawn == again
    assert drawn != other


def test_few_rows_are_left_as_they_are() -> None:
    problem = make_problem()
    assert problem.draw(100, seed=0) is problem


def test_a_sample_has_none_of_the_rows_for_validation() -> None:
    problem = make_problem(n_validation=30)
    sample = problem.sample(20, seed=0)
    assert sample.table.n_rows == 20
    assert max(values(sample)) < 70
    assert sample.n_validation == 0
