"""A user's family belongs to its estimator: no other family of that name predicts for it."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from automl import AutoMLRegressor, InputError, load
from automl.extend import SimpleFamily
from automl.models import check_families

X = np.arange(60.0).reshape(-1, 1) % 7
Y = (X[:, 0] - 3) ** 2  # not linear
QUICK: dict[str, Any] = {"pipeline": "linear", "trials": 3, "engine": "inline"}


class Parabola(SimpleFamily):
    """Fits a parabola and adds a secret, which only an object with the same secret can subtract."""

    name = "parabola"

    def __init__(self, secret: float = 0.0) -> None:
        self.secret = secret

    def train(self, X: Any, y: Any, weight: Any, params: Any, context: Any) -> dict[str, Any]:
        return {
            "found": np.linalg.lstsq(np.c_[X, X**2, np.ones(len(X))], y, rcond=None)[0]
            + self.secret
        }

    def answer(self, state: Any, X: Any) -> Any:
        return np.c_[X, X**2, np.ones(len(X))] @ (state["found"] - self.secret)


class Reversed(Parabola):
    """Another class with the same name."""

    def train(self, X: Any, y: Any, weight: Any, params: Any, context: Any) -> dict[str, Any]:
        return {"found": -super().train(X, y, weight, params, context)["found"]}

    def answer(self, state: Any, X: Any) -> Any:
        return super().answer({"found": -state["found"]}, X)


def fitted(family: SimpleFamily, **parameters: Any) -> AutoMLRegressor:
    return AutoMLRegressor(**QUICK | parameters, families=[family]).fit(X, Y)


@pytest.mark.parametrize(
    "other", [Parabola(3.0), Reversed()], ids=["another object", "another class"]
)
def test_a_second_estimator_does_not_change_predictions_of_the_first(other: SimpleFamily) -> None:
    first = fitted(Parabola())
    before = first.predict(X)
    second = fitted(other)
    ours = second.predict(X)
    assert before == pytest.approx(Y, abs=0.5)
    assert ours == pytest.approx(Y, abs=0.5)
    assert np.array_equal(first.predict(X), before)
    first.fit(X, Y)
    assert np.array_equal(first.predict(X), before)
    assert np.array_equal(second.predict(X), ours)


def test_models_that_are_restored_late_use_their_own_family() -> None:
    first = fitted(Parabola())
    fitted(Parabola(3.0))
    assert first.predict(X) == pytest.approx(Y, abs=0.5)


def test_changing_the_object_after_the_fit_changes_no_prediction() -> None:
    family = Parabola()
    model = fitted(family)
    before = model.predict(X)
    family.secret = 3.0
    assert np.array_equal(model.predict(X), before)
    assert np.array_equal(pickle.loads(pickle.dumps(model)).predict(X), before)
    model.set_params(families=[Parabola(5.0)])
    assert np.array_equal(pickle.loads(pickle.dumps(model)).predict(X), before)


def test_copies_and_files_use_their_own_family(tmp_path: Path) -> None:
    first, second = fitted(Parabola()), fitted(Reversed())
    before, others = first.predict(X), second.predict(X)
    copies = [pickle.loads(pickle.dumps(model)) for model in (first, second)]
    for model, name in ((first, "first"), (second, "second")):
        model.save(tmp_path / name)
    read = [
        load(tmp_path / "first", families=[Parabola()]),
        load(tmp_path / "second", families=[Reversed()]),
    ]
    for first_copy, second_copy in (copies, read, (first, second)):
        assert np.array_equal(first_copy.predict(X), before)
        assert np.array_equal(second_copy.predict(X), others)


def test_a_file_is_refused_without_its_family_even_if_it_was_loaded_before(tmp_path: Path) -> None:
    fitted(Parabola()).save(tmp_path / "model")
    load(tmp_path / "model", families=[Parabola()])
    with pytest.raises(
        InputError, match="made with the model family 'parabola', which is not known here"
    ):
        load(tmp_path / "model")


class WithoutRows(Parabola):
    """A family that says that its models hold no rows of the training table."""

    holds_rows = False


@pytest.mark.parametrize(("family", "holds"), [(Parabola(), True), (WithoutRows(), False)])
def test_a_family_holds_rows_unless_it_says_otherwise(family: SimpleFamily, holds: bool) -> None:
    model = fitted(family)
    assert "parabola" in {member.family_name for member in model.predictor_.members}
    assert model.predictor_.facts["holds_rows"] == holds


@pytest.mark.parametrize("former", ["implied", "binning"])
def test_a_member_with_its_former_name_is_refused(former: str) -> None:
    class Old(Parabola):
        name = "old"

    setattr(Old, former, lambda self, given: {})
    with pytest.raises(InputError, match=f"its '{former}' is called '.*' now. Rename it."):
        check_families([Old()])


def test_two_families_of_one_name_in_one_estimator_are_refused() -> None:
    with pytest.raises(InputError, match="families: two of them have the name 'parabola'"):
        AutoMLRegressor(**QUICK, families=[Parabola(), Parabola(3.0)]).fit(X, Y)


WORKERS = """
import numpy as np
from automl import AutoMLRegressor
from automl.extend import SimpleFamily
from automl.models import check_families
def family(secret):
    class Parabola(SimpleFamily):
        name = "parabola"
        def train(self, X, y, weight, params, how):
            powers = np.c_[X, X**2, np.ones(len(X))]
            return {"found": np.linalg.lstsq(powers, y, rcond=None)[0] + secret}
        def answer(self, state, X):
            return np.c_[X, X**2, np.ones(len(X))] @ (state["found"] - secret)
    return Parabola()
X = np.arange(60.0).reshape(-1, 1) % 7
y = (X[:, 0] - 3) ** 2
def estimator(secret):
    families = [family(secret)]
    return AutoMLRegressor(families=families, pipeline="linear", trials=3, n_jobs=1)
models = [estimator(0.0), estimator(5.0)]
first = models[0].fit(X, y).predict(X)
second = models[1].fit(X, y).predict(X)
again = models[0].predict(X), models[0].fit(X, y).predict(X), models[1].predict(X)
print([bool(np.abs(one - y).max() < 0.5) for one in (first, second)])
print([bool((one == other).all()) for one, other in zip(again, (first, first, second))])
"""


@pytest.mark.heavy
def test_workers_use_their_own_family(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WORKERS],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["[True, True]", "[True, True, True]"]
