"""Pairs of columns are added where they tell what the columns by themselves don't, and only there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from automl.columns import Categories, Columns, Numbers
from automl.errors import UnsafeModel
from automl.features.encoding import Encoding, fit_targeted
from automl.features.pairs import OPERATIONS, Arithmetic, Cross, fit_cross
from automl.features.recipe import RECIPES
from automl.features.screening import Chosen, screen
from automl.features.target import targets
from automl.task import Task

REGRESSION = Task("regression", "y", "rmse")
BINARY = Task("binary", "y", "roc_auc", ("no", "yes"))
N_ROWS = 2_000


def chosen(columns: Columns, y: np.ndarray, task: Task = REGRESSION) -> Chosen:
    return screen(columns, targets(task, y, np.arange(columns.n_rows), seed=0))


def numbers(names: str = "abcd") -> Columns:
    rng = np.random.default_rng(0)
    return Columns({name: Numbers(rng.uniform(0.5, 3.0, N_ROWS)) for name in names}, N_ROWS)


def noise(size: float = 0.05) -> np.ndarray:
    return np.random.default_rng(1).normal(scale=size, size=N_ROWS)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_operation_behind_a_target_is_found(operation: str) -> None:
    columns = numbers()
    inner = OPERATIONS[operation](columns["a"].values, columns["c"].values)
    best = chosen(columns, np.sin(6 * inner) + noise()).arithmetic[0]
    assert set(best[1:]) == {"a", "c"}
    assert best[0] == operation or (best[0] in "*/" and operation in "*/")


def test_a_target_without_pairs_asks_for_none() -> None:
    columns = numbers()
    assert (
        chosen(
            columns, columns["a"].values + np.sin(3 * columns["b"].values) + noise(0.3)
        ).arithmetic
        == ()
    )


def test_noise_asks_for_no_pairs() -> None:
    assert chosen(numbers(), noise()) == Chosen()


def crossed(seed: int = 0) -> tuple[Columns, np.ndarray]:
    """Two categories whose levels tell nothing, and all together."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 12, (3, N_ROWS)).astype(np.int32)
    columns = {
        name: Categories(code, tuple(f"{name}{k}" for k in range(12)))
        for name, code in zip("uvw", codes, strict=True)
    }
    answer = rng.integers(0, 2, (12, 12))[codes[0], codes[1]]
    flipped = rng.random(N_ROWS) < 0.1
    return Columns(columns, N_ROWS), np.where(flipped, 1 - answer, answer).astype(float)


def test_the_categories_behind_a_target_are_found() -> None:
    columns, y = crossed()
    assert ("u", "v") in chosen(columns, y, BINARY).crosses


def test_the_mean_of_a_pair_tells_what_its_columns_do_not() -> None:
    columns, y = crossed()
    train = np.arange(0, N_ROWS, 2)
    encoding, X = fit_targeted(RECIPES["pairs"], columns, BINARY, y, train, seed=0)
    names = [feature.name for feature in encoding.features]
    means = X[:, names.index("u & v (mean of yes)")]
    others = np.setdiff1d(np.arange(N_ROWS), train)
    assert np.corrcoef(means[others], y[others])[0, 1] > 0.6
    assert np.corrcoef(X[others, names.index("u (mean of yes)")], y[others])[0, 1] < 0.3


def test_a_row_does_not_see_its_own_target_in_the_mean_of_its_pair() -> None:
    columns, y = crossed()
    first, second = columns["u"], columns["v"]
    assert isinstance(first, Categories)
    assert isinstance(second, Categories)
    told = targets(BINARY, y, np.arange(N_ROWS), seed=0)
    other = replace(told, values=told.values.copy())
    other.values[7] = 1 - other.values[7]
    held_out = [fit_cross(first, second, ("u", "v"), "plain", what)[1] for what in (told, other)]
    assert held_out[0][7] == pytest.approx(held_out[1][7], abs=1e-6)
    assert not np.allclose(held_out[0], held_out[1], atol=1e-3)  # rows of other folds do


def test_unseen_pairs_get_the_overall_mean() -> None:
    encoder = Cross(
        ("u", "v"),
        ("u & v (mean)",),
        (2, 2),
        np.array([0, 4]),
        np.array([[0.0], [1.0], [0.4]], np.float32),
    )
    u, v = (
        Categories(np.array([0, 1, 7, -1], np.int32), ("a", "b")),
        Categories(np.array([0, 1, 0, -1], np.int32), ("c", "d")),
    )
    assert encoder.transform(u, v).ravel().tolist() == pytest.approx([0.0, 1.0, 0.4, 0.4])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"keys": np.array([4, 0])}, "pairs should increase"),
        ({"keys": np.array([0, 4, 5])}, "a row per pair"),
        ({"levels": [2]}, "two numbers of levels"),
        ({"levels": [2, -1]}, "two numbers of levels"),
        ({"sources": ["u"]}, "two columns"),
    ],
)
def test_a_cross_that_does_not_fit_together_is_refused(
    change: dict[str, object], says: str
) -> None:
    encoder = Cross(
        ("u", "v"),
        ("u & v (mean)",),
        (2, 2),
        np.array([0, 4]),
        np.array([[0.0], [1.0], [0.4]], np.float32),
    )
    with pytest.raises(UnsafeModel, match=says):
        Encoding.from_state({"encoders": [{"kind": "cross"} | encoder.to_state() | change]})


def test_an_unknown_operation_is_refused() -> None:
    state = {"kind": "arithmetic"} | Arithmetic(("a", "b"), "+").to_state() | {"operation": "**"}
    with pytest.raises(UnsafeModel, match=r"no operation '\*\*'"):
        Encoding.from_state({"encoders": [state]})
