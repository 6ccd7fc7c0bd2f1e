"""Pairs of columns are added only where they explain more than their columns by themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from automl.columns import Columns, Numbers
from automl.errors import UnsafeModel
from automl.features.encoding import Encoding, fit_targeted
from automl.features.pairs import OPERATIONS, Arithmetic, Cross, fit_cross
from automl.features.recipe import RECIPES
from automl.features.screening import Chosen, screen
from automl.features.target import encode_targets
from automl.task import Task
from tests.features.samples import categories

REGRESSION = Task("regression", "y", "rmse")
BINARY = Task("binary", "y", "roc_auc", ("no", "yes"))
N_ROWS = 2_000

CROSS = Cross(
    ("u", "v"),
    ("u & v (mean)",),
    levels=(2, 2),
    keys=np.array([0, 4]),
    table=np.array([[0.0], [1.0], [0.4]], np.float32),
)


def choose(columns: Columns, y: np.ndarray, task: Task = REGRESSION) -> Chosen:
    return screen(columns, encode_targets(task, y, np.arange(columns.n_rows), seed=0))


def numbers(names: str = "abcd") -> Columns:
    rng = np.random.default_rng(0)
    return Columns({name: Numbers(rng.uniform(0.5, 3.0, N_ROWS)) for name in names}, N_ROWS)


def noise(size: float = 0.05) -> np.ndarray:
    return np.random.default_rng(1).normal(scale=size, size=N_ROWS)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_operation_behind_a_target_is_found(operation: str) -> None:
    columns = numbers()
    result = OPERATIONS[operation](columns["a"].values, columns["c"].values)
    best, *sources = choose(columns, np.sin(6 * result) + noise()).arithmetic[0]
    assert set(sources) == {"a", "c"}
    assert best == operation or (best in "*/" and operation in "*/")


def test_a_target_without_interactions_gets_no_pairs() -> None:
    columns = numbers()
    y = columns["a"].values + np.sin(3 * columns["b"].values) + noise(0.3)
    assert choose(columns, y).arithmetic == ()


def test_noise_gets_no_pairs() -> None:
    assert choose(numbers(), noise()) == Chosen()


def interacting_categories(seed: int = 0) -> tuple[Columns, np.ndarray]:
    """Return categories of which two together determine the target, and none by itself."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 12, (3, N_ROWS))
    columns = {name: categories(code, 12) for name, code in zip("uvw", codes, strict=True)}
    class_of_pair = rng.integers(0, 2, (12, 12))
    y = class_of_pair[codes[0], codes[1]]
    is_flipped = rng.random(N_ROWS) < 0.1
    return Columns(columns, N_ROWS), np.where(is_flipped, 1 - y, y).astype(float)


def test_the_categories_behind_a_target_are_found() -> None:
    columns, y = interacting_categories()
    assert ("u", "v") in choose(columns, y, BINARY).crosses


def test_the_mean_of_a_pair_explains_more_than_its_columns() -> None:
    columns, y = interacting_categories()
    train = np.arange(0, N_ROWS, 2)
    held_out = np.arange(1, N_ROWS, 2)
    encoding, X = fit_targeted(RECIPES["pairs"], columns, BINARY, y, train, seed=0)
    names = [feature.name for feature in encoding.features]
    by_pair = X[held_out, names.index("u & v (mean of yes)")]
    alone = X[held_out, names.index("u (mean of yes)")]
    assert np.corrcoef(by_pair, y[held_out])[0, 1] > 0.6
    assert np.corrcoef(alone, y[held_out])[0, 1] < 0.3


def test_a_row_does_not_see_its_own_target_in_the_mean_of_its_pair() -> None:
    columns, y = interacting_categories()
    known = encode_targets(BINARY, y, np.arange(N_ROWS), seed=0)
    changed = replace(known, values=known.values.copy())
    changed.values[7] = 1 - changed.values[7]
    _, before = fit_cross(columns["u"], columns["v"], ("u", "v"), "plain", known)
    _, after = fit_cross(columns["u"], columns["v"], ("u", "v"), "plain", changed)
    assert before[7] == pytest.approx(after[7], abs=1e-6)
    assert not np.allclose(before, after, atol=1e-3)  # rows of other folds see it


def test_unseen_pairs_get_the_overall_mean() -> None:
    u = categories(np.array([0, 1, 7, -1]), 2)
    v = categories(np.array([0, 1, 0, -1]), 2)
    assert CROSS.transform(u, v).ravel().tolist() == pytest.approx([0.0, 1.0, 0.4, 0.4])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"keys": np.array([4, 0])}, "pairs should increase"),
        ({"keys": np.array([0, 4, 5])}, "a row per pair"),
        ({"levels": [2]}, "two numbers of levels"),
        ({"levels": [2, -1]}, "two numbers of levels"),
        ({"sources": ["u"]}, "two columns"),
    ],
)
def test_a_cross_that_does_not_fit_together_is_refused(
    change: dict[str, object], message: str
) -> None:
    state = {"kind": "cross"} | CROSS.to_state() | change
    with pytest.raises(UnsafeModel, match=message):
        Encoding.from_state({"encoders": [state]})


def test_an_unknown_operation_is_refused() -> None:
    state = {"kind": "arithmetic"} | Arithmetic(("a", "b"), "+").to_state() | {"operation": "**"}
    with pytest.raises(UnsafeModel, match=r"no operation '\*\*'"):
        Encoding.from_state({"encoders": [state]})
