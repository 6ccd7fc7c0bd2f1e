"""Pretrained families without their packages: where weights lie, what is stored and refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from automl.errors import InputError, MissingExtra, UnsafeModel
from automl.models import (
    PRETRAINED_FAMILIES,
    Feature,
    Sample,
    check_trainable,
    default_families,
    find_pretrained,
    holds_rows,
    is_known,
    is_pretrained,
    missing_library,
)
from automl.models._target import TargetCoding
from automl.models.pretrained.context import Context, clip_magnitudes, repeat_by_weight
from automl.models.pretrained.isolation import OFFLINE, offline
from automl.models.pretrained.model import InContextModel
from automl.models.pretrained.weights import PURPOSES, Purpose, file_sha256
from automl.models.row_cost import row_milliseconds
from tests.models.test_contract import through_zip

ROOT = Path(__file__).resolve().parents[2]
NAMES = [family.name for family in PRETRAINED_FAMILIES]
names = pytest.mark.parametrize("name", NAMES)
CACHES = {"tabicl": "HF_HUB_CACHE", "tabpfn": "TABPFN_MODEL_CACHE_DIR"}
TARGETS = {"classes": TargetCoding(4, (0, 1, 3)), "numbers": TargetCoding(0, (), 10.0, 2.0)}
cases = pytest.mark.parametrize(
    ("name", "target"), [(name, target) for name in NAMES for target in TARGETS]
)


@pytest.fixture(autouse=True)
def empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no weights of this machine be found."""
    for family in PRETRAINED_FAMILIES:
        monkeypatch.delenv(family.weights.variable, raising=False)
        monkeypatch.setenv(CACHES[family.name], str(tmp_path / "caches" / family.name))


def small_model(name: str, target: str) -> InContextModel:
    """Nine rows of three columns, the last of which holds categories."""
    family = find_pretrained(name)
    rows = np.linspace(-1, 1, 27, dtype=np.float32).reshape(9, 3)
    rows[4, 1] = np.nan
    y = np.arange(9.0) % 3
    context = Context(rows, y, np.array([2]))
    return InContextModel(family.engine, family.weights, context, 4, "ab" * 32, TARGETS[target])


def cached(name: str, purpose: Purpose) -> Path:
    """Put a file where the package keeps the weights, and return its path."""
    weights = find_pretrained(name).weights
    folder = Path(os.environ[CACHES[name]])
    if name == "tabicl":
        folder = folder / "models--jingang--TabICL" / "snapshots" / "0123"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / weights.files[purpose][-1]
    path.write_bytes(b"weights")
    return path


@names
def test_they_never_take_part_unasked(name: str) -> None:
    assert name not in default_families()
    assert is_known(name)
    assert is_pretrained(name)
    assert holds_rows(name)


@names
@pytest.mark.parametrize("library", ["torch", "package"])
def test_naming_one_without_its_package_says_what_to_install(
    name: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = name if library == "package" else library
    for module in ("torch", "tabicl", "tabpfn"):
        monkeypatch.setitem(sys.modules, module, pytest)
    monkeypatch.setitem(sys.modules, hidden, None)
    install = r"pip install 'automl-tabular\[pretrained\]'$"
    with pytest.raises(MissingExtra, match=f"the family '{name}' needs '{hidden}': {install}"):
        check_trainable(name)


@names
@pytest.mark.parametrize("purpose", PURPOSES)
def test_weights_are_found_where_the_package_keeps_them(name: str, purpose: Purpose) -> None:
    weights = find_pretrained(name).weights
    with pytest.raises(InputError, match="needs pretrained weights") as refused:
        weights.find(purpose)
    message = str(refused.value)
    assert os.environ[CACHES[name]] in message
    assert weights.files[purpose][0] in message
    assert weights.variable in message
    assert "\n" not in message
    path = cached(name, purpose)
    assert weights.find(purpose) == path
    weights.check_any()


@names
def test_the_usual_cache_lies_in_the_home_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in (CACHES[name], "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for folder in find_pretrained(name).weights.folders():
        assert folder.is_relative_to(tmp_path)


@names
def test_a_variable_names_a_checkpoint_or_a_folder_and_nothing_else_counts(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = find_pretrained(name).weights
    cached(name, "regression")
    own = tmp_path / "own.ckpt"
    own.write_bytes(b"others")
    monkeypatch.setenv(weights.variable, str(own))
    assert weights.find("classification") == own
    monkeypatch.setenv(weights.variable, str(tmp_path))
    with pytest.raises(InputError, match=f"{weights.variable}=.* for classification there"):
        weights.find("classification")
    published = tmp_path / weights.files["classification"][-1]
    published.write_bytes(b"weights")
    assert weights.find("classification") == published
    monkeypatch.setenv(weights.variable, str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="Give a checkpoint, or a folder"):
        weights.check_any()


@names
def test_other_weights_than_those_of_the_fit_are_refused(name: str) -> None:
    weights = find_pretrained(name).weights
    path = cached(name, "classification")
    sha256 = file_sha256(path)
    assert weights.find_equal("classification", sha256) == path
    path.write_bytes(b"others, by now")
    assert file_sha256(path) != sha256
    with pytest.raises(InputError, match=f"needs the weights with the SHA-256 {sha256}"):
        weights.find_equal("classification", sha256)


def test_limits_and_licences_follow_from_a_checkpoints_name() -> None:
    tabpfn = find_pretrained("tabpfn")
    rows = {"tabpfn-v3.5-20260909.safetensors": 5_000, "tabpfn-v2-regressor.ckpt": 1_000}
    for name, most in rows.items():
        assert tabpfn.limits(Path(name)).rows == most
    assert "Prior Labs License" in tabpfn.licences(Path("tabpfn-v2-regressor.ckpt"))
    assert "no commercial" in tabpfn.licences(Path("tabpfn-v3.5-20260909.safetensors"))
    assert "no commercial" in tabpfn.licences(Path("own.ckpt"))
    assert "BSD-3-Clause" in find_pretrained("tabicl").licences(Path("own.ckpt"))


@given(arrays(np.float64, st.integers(1, 50), elements=st.floats(0.01, 100.0)))
def test_a_row_is_repeated_by_its_weight(weight: np.ndarray) -> None:
    weight = weight / weight.mean()
    positions = repeat_by_weight(weight)
    assert len(positions) == len(weight)
    counts = np.bincount(positions, minlength=len(weight))
    assert (np.abs(counts - weight) <= 1 + 1e-9).all()


def test_a_class_of_light_rows_stays_in_the_context() -> None:
    y = np.repeat([0.0, 1.0, 2.0], [48, 48, 4])
    weight = np.where(y == 2, 0.1, 1.0)
    rows = np.arange(100, dtype=np.float32)[:, None]
    sample = Sample(rows, (Feature("a", "a"),), y, weight / weight.mean())
    target = TargetCoding(3, (0, 1, 2))
    context = Context.of(sample, target)
    assert np.unique(context.y).tolist() == [0, 1, 2]
    np.testing.assert_array_equal(y[context.rows[:, 0].astype(int)], context.y)
    Context.from_state(context.to_state(), target)


def test_rows_without_a_weight_stay_as_they_are() -> None:
    np.testing.assert_array_equal(repeat_by_weight(np.ones(7)), np.arange(7))
    X = np.array([[1.0, np.nan], [np.inf, -1e30]], np.float32)
    assert clip_magnitudes(X).tolist()[1] == [pytest.approx(1e15), pytest.approx(-1e15)]
    assert np.isnan(clip_magnitudes(X)[0, 1])


@cases
def test_a_stored_model_is_the_same(name: str, target: str) -> None:
    model = small_model(name, target)
    restored = find_pretrained(name).restore(through_zip(model.to_state()))
    assert isinstance(restored, InContextModel)
    np.testing.assert_array_equal(restored.context.rows, model.context.rows)
    np.testing.assert_array_equal(restored.context.y, model.context.y)
    np.testing.assert_array_equal(restored.context.categories, model.context.categories)
    assert (restored.views, restored.sha256) == (model.views, model.sha256)
    assert restored.target == model.target
    assert row_milliseconds(restored) > 0
    assert restored.predict(model.context.rows[:0]).shape[0] == 0


@cases
def test_arrays_that_do_not_fit_together_are_refused(name: str, target: str) -> None:
    family = find_pretrained(name)
    state = small_model(name, target).to_state()
    changes: list[dict[str, object]] = [{key: None} for key in state]
    changes += [
        {"rows": state["rows"][:0], "y": state["y"][:0]},
        {"rows": state["rows"][1:]},
        {"rows": state["rows"].astype(np.float64)},
        {"rows": np.full_like(state["rows"], np.inf)},
        {"y": state["y"] * np.nan},
        {"categories": np.array([3])},
        {"categories": np.array([-1])},
        {"views": 0},
        {"views": 10**9},
        {"sha256": "ab"},
        {"sha256": "AB" * 32},
    ]
    if target == "classes":
        changes += [{"y": state["y"] + 1}, {"y": np.zeros(9)}]
    for change in changes:
        with pytest.raises(UnsafeModel):
            family.restore(state | change)


@cases
def test_each_key_of_a_state_is_on_the_page_of_the_format(name: str, target: str) -> None:
    page = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")
    keys = small_model(name, target).to_state()
    assert [key for key in sorted(keys) if f"`{key}`" not in page] == []
    assert f"`{name}`" in page


@names
def test_predicting_without_the_package_says_what_to_install(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    model = small_model(name, "classes")
    with pytest.raises(MissingExtra, match="automl-tabular"):
        model.predict(model.context.rows)


def test_switches_of_the_packages_are_set_and_then_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.delenv("TABPFN_NO_BROWSER", raising=False)
    with offline():
        assert {name: os.environ[name] for name in OFFLINE} == OFFLINE
    assert os.environ["HF_HUB_OFFLINE"] == "0"
    assert "TABPFN_NO_BROWSER" not in os.environ


def test_restoring_loads_none_of_the_packages() -> None:
    code = (
        "import sys, automl.models.row_cost; from automl.models import PRETRAINED_FAMILIES; "
        "print([name for name in ('torch', 'tabicl', 'tabpfn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@names
def test_a_machine_without_weights_is_refused_early(name: str) -> None:
    if missing_library(name):
        with pytest.raises(MissingExtra):
            check_trainable(name)
    else:
        with pytest.raises(InputError, match="none for classification or regression, such as"):
            check_trainable(name)
