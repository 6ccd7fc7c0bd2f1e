"""RealMLP and TabM in NumPy alone: values, storage, and the refusal of damaged files."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from automl.errors import MissingExtra, UnsafeModel
from automl.models import (
    FAMILIES,
    NN_FAMILIES,
    absent_families,
    check_trainable,
    default_families,
    find_family,
    is_known,
)
from automl.models.row_cost import row_milliseconds
from tests.models.deep_networks import FEATURES, MAKERS, TARGETS, hide_extra, rows, small_model
from tests.models.test_contract import check_same_in_any_company, through_zip

ROOT = Path(__file__).resolve().parents[2]
CASES = [(name, kind) for name in MAKERS for kind in TARGETS]
cases = pytest.mark.parametrize(("name", "kind"), CASES)
# The sum of each network's predictions, each times its place among them.
KNOWN = {
    ("realmlp", "binary"): 35.2835251687,
    ("realmlp", "multiclass"): 35.1806379732,
    ("realmlp", "regression"): 359.544977971,
    ("tabm", "binary"): 35.2812566622,
    ("tabm", "multiclass"): 35.1111741764,
    ("tabm", "regression"): 373.838493423,
    ("mlp", "binary"): 35.2422196137,
    ("mlp", "multiclass"): 35.0970534264,
    ("mlp", "regression"): 351.293597816,
}


@cases
def test_a_stored_network_predicts_the_same_alone_and_in_any_company(name: str, kind: str) -> None:
    model = small_model(name, kind)
    restored = find_family(name).restore(through_zip(model.to_state()))
    X = rows()
    whole = model.predict(X)
    assert np.isfinite(whole).all()
    np.testing.assert_array_equal(restored.predict(X), whole)
    check_same_in_any_company(restored, X, whole)


@cases
def test_a_network_of_fixed_numbers_predicts_what_it_always_did(name: str, kind: str) -> None:
    prediction = small_model(name, kind).predict(rows())
    places = np.arange(1, prediction.size + 1) / prediction.size
    assert prediction.ravel() @ places == pytest.approx(KNOWN[name, kind], rel=1e-7)


@cases
def test_every_array_is_checked(name: str, kind: str) -> None:
    family = find_family(name)
    state = small_model(name, kind).to_state()
    for key, value in state.items():
        with pytest.raises(UnsafeModel):
            family.restore(state | {key: None})
        if not isinstance(value, np.ndarray):
            continue
        wider = np.concatenate([value, value], axis=value.ndim - 1)
        bad = np.full_like(value, np.nan if value.dtype.kind == "f" else -5)
        for damaged in (value[:0], wider, bad, value.astype(np.float16), value[None]):
            if damaged.dtype == value.dtype and damaged.shape == value.shape and not value.size:
                continue  # there was nothing to damage
            with pytest.raises(UnsafeModel):
                family.restore(state | {key: damaged})


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("hidden", [0, 25, 10**9])
def test_an_absurd_depth_is_refused(name: str, hidden: int) -> None:
    state = small_model(name, "binary").to_state()
    with pytest.raises(UnsafeModel):
        find_family(name).restore(state | {"hidden": hidden})


@pytest.mark.parametrize("name", MAKERS)
def test_columns_beyond_the_table_are_refused(name: str) -> None:
    state = small_model(name, "binary").to_state()
    for key in ("numbers", "coded" if name == "mlp" else "hot_columns"):
        with pytest.raises(UnsafeModel):
            find_family(name).restore(state | {key: state[key] + FEATURES})


@pytest.mark.parametrize("name", MAKERS)
def test_missing_and_unknown_categories_are_alike(name: str) -> None:
    model = small_model(name, "regression")
    X = rows()[10:20]
    X[:, [1, 2, 4, 5]] = np.nan
    missing = model.predict(X)
    X[:, [1, 2, 4, 5]] = 99
    if name == "tabm":  # there column 2 holds numbers
        X[:, 2] = np.nan
    np.testing.assert_array_equal(model.predict(X), missing)


@cases
def test_each_key_of_a_state_is_on_the_page_of_the_format(name: str, kind: str) -> None:
    page = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")
    numbered = r"(weights|intercepts|gains|kind|activation|shares|before|after)\d+"
    keys = {re.sub(numbered, r"\g<1>0", key) for key in small_model(name, kind).to_state()}
    assert [key for key in sorted(keys) if f"`{key}`" not in page] == []
    assert f"`{name}`" in page


@cases
def test_a_row_has_a_price(name: str, kind: str) -> None:
    assert row_milliseconds(small_model(name, kind)) > 0


FIT_WITHOUT_TIME = """
import sys
from automl.budget import Budget
from automl.models import NN_FAMILIES
from tests.models.test_contract import fit, how_of, rows_of
for family in NN_FAMILIES:
    fitted = fit(family, how_of("binary", budget=Budget().within(0.5)), rows_of("binary", True))
    print(type(fitted.model).__name__, fitted.hit_deadline)
print("torch" in sys.modules)
"""


def test_torch_is_not_loaded_where_there_is_no_time_for_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIT_WITHOUT_TIME],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == ["ConstantModel True"] * 2 + ["False"], done.stderr


PREDICT_WITHOUT_TORCH = """
import sys
for name in ("torch", "pytabkit", "tabm", "rtdl_num_embeddings"):
    sys.modules[name] = None
from automl.models import find_family
from tests.models.deep_networks import MAKERS, rows, small_model
for name in MAKERS:
    state = small_model(name, "binary").to_state()
    print(find_family(name).restore(state).predict(rows()).shape)
"""


def test_predicting_needs_no_torch() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PREDICT_WITHOUT_TORCH],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.split("\n")[:2] == ["(70, 2)", "(70, 2)"]


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing of the extra be found."""
    hide_extra(monkeypatch)


@pytest.mark.usefixtures("without_torch")
def test_without_the_extra_the_families_are_the_others() -> None:
    assert default_families() == tuple(family.name for family in FAMILIES)
    assert absent_families() == tuple(family.name for family in NN_FAMILIES)
    assert all(is_known(family.name) for family in NN_FAMILIES)


@pytest.mark.usefixtures("without_torch")
@pytest.mark.parametrize("name", [family.name for family in NN_FAMILIES])
def test_naming_a_family_without_its_libraries_says_what_to_install(name: str) -> None:
    expected = rf"the family '{name}' needs 'torch': pip install 'automl-tabular\[nn\]'$"
    with pytest.raises(MissingExtra, match=expected):
        check_trainable(name)
