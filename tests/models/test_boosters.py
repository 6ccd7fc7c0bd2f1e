"""A booster that points outside itself is refused before its library reads it.

The libraries end the process on some such files.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

import numpy as np
import pytest

from automl.errors import UnsafeModel
from automl.metrics import METRICS
from automl.models import Feature, FitContext, Sample, find_family
from automl.models import _ubjson as ubjson
from automl.models.lightgbm import LightGBMModel
from automl.task import Task

TASK = Task("multiclass", "y", "log_loss", ("a", "b", "c"))


def state_of(name: str) -> dict[str, object]:
    """Return the state of a fitted booster with numeric and categorical splits."""
    rng = np.random.default_rng(0)
    categories = rng.integers(0, 12, 400)
    X = np.column_stack([rng.normal(size=(400, 2)), categories]).astype(np.float32)
    is_positive = (X[:, 0] > 0).astype(float)
    y = is_positive + np.isin(categories, [1, 4, 7, 9])
    features = (Feature("x", "x"), Feature("z", "z"), Feature("c", "c", 12))
    sample = Sample(X, features, y.clip(0, 2))
    context = FitContext(TASK, METRICS["log_loss"], seed=0, rounds=5)
    params = {"max_cat_to_onehot": 4} if name == "lightgbm" else {}
    booster_family = find_family(name)
    prepared = booster_family.prepare(sample, None, params, context)
    return booster_family.fit(prepared, params, context).model.to_state()


LIGHTGBM = state_of("lightgbm")
XGBOOST = state_of("xgboost")


def restore_lightgbm(change: Callable[[bytes], bytes]) -> None:
    """Restore a booster whose text was changed, with its tree sizes adapted."""
    booster = LIGHTGBM["booster"]
    assert isinstance(booster, bytes)
    changed = change(booster)
    assert changed != booster
    body = changed.partition(b"\n\n")[2]
    trees = body.partition(b"end of trees")[0]
    blocks = re.split(rb"(?=^Tree=)", trees, flags=re.M)
    sizes = b" ".join(b"%d" % len(block) for block in blocks if block)
    changed = re.sub(rb"tree_sizes=[\d ]*", b"tree_sizes=" + sizes, changed)
    find_family("lightgbm").restore({**LIGHTGBM, "booster": changed})


def first(name: str, number: bytes) -> Callable[[bytes], bytes]:
    """Return a change of the first number of the first line of a name."""
    pattern = rb"^(%s=)\S+" % name.encode()
    return lambda text: re.sub(pattern, rb"\g<1>" + number, text, count=1, flags=re.M)


def test_a_fitted_booster_is_restored_as_it_is() -> None:
    find_family("lightgbm").restore(LIGHTGBM)
    find_family("xgboost").restore(XGBOOST)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (first("left_child", b"99999"), "outside its tree"),
        (first("left_child", b"0"), "below two others"),
        (first("right_child", b"-999"), "outside its tree"),
        (first("split_feature", b"7"), "column which is not there"),
        (first("split_feature", b"-1"), "column which is not there"),
        (first("decision_type", b"64"), "column which is not there"),
        (first("num_leaves", b"4000"), "too few or too many numbers"),
        (first("num_leaves", b"0"), "without leaves"),
        (first("num_leaves", b"99999999999999999999"), "too large or malformed"),
        (first("cat_boundaries", b"3"), "do not follow one another"),
        (first("leaf_value", b"0.5 0.5"), "too few or too many numbers"),
        (first("threshold", b"1.5 1.5"), "too few or too many numbers"),
        (first("left_child", b"1x"), "too large or malformed"),
        (first("left_child", b"1-2"), "something other than whole numbers"),
        (lambda text: text.replace(b"is_linear=0", b"is_linear=1", 1), "linear leaves"),
        (
            lambda text: re.sub(rb"^right_child=.*\n", b"", text, count=1, flags=re.M),
            "lines 'right_child'",
        ),
    ],
)
def test_a_lightgbm_booster_that_points_outside_itself_is_refused(
    change: Callable[[bytes], bytes], why: str
) -> None:
    with pytest.raises(UnsafeModel, match=why):
        restore_lightgbm(change)


LENGTH_BYTES = {ord("i"): 1, ord("U"): 1, ord("I"): 2, ord("l"): 4, ord("L"): 8}


def first_number(blob: bytes, name: str) -> int:
    """Return where the first number of the first array of a name begins.

    Before it come the name, `[$`, a type, `#`, and a length of some type.
    """
    key = b"L" + struct.pack(">q", len(name)) + name.encode() + b"[$"
    item_type = blob.index(key) + len(key)
    length_type = item_type + len("d#")
    return length_type + 1 + LENGTH_BYTES[blob[length_type]]


def restore_xgboost(name: str, number: bytes) -> None:
    """Restore a booster with another first number in an array."""
    booster = XGBOOST["booster"]
    assert isinstance(booster, bytes)
    start = first_number(booster, name)
    end = start + len(number)
    changed = booster[:start] + number + booster[end:]
    find_family("xgboost").restore({**XGBOOST, "booster": changed})


@pytest.mark.parametrize(
    ("name", "number", "why"),
    [
        ("left_children", struct.pack(">i", 99_999), "outside its tree"),
        ("left_children", struct.pack(">i", -5), "outside its tree"),
        ("right_children", struct.pack(">i", 0), "outside its tree"),
        ("split_indices", struct.pack(">i", 3), "column which is not there"),
        ("categories_segments", struct.pack(">q", 10**6), "sets of categories that are not there"),
        (
            "categories_segments",
            struct.pack(">q", 2**63 - 1),
            "sets of categories that are not there",
        ),
        ("categories_nodes", struct.pack(">i", 10**6), "nodes which are not there"),
        ("left_children", struct.pack(">i", 2), "below two nodes"),
    ],
)
def test_an_xgboost_booster_that_points_outside_itself_is_refused(
    name: str, number: bytes, why: str
) -> None:
    with pytest.raises(UnsafeModel, match=why):
        restore_xgboost(name, number)


def test_an_xgboost_booster_that_was_cut_or_is_another_thing_is_refused() -> None:
    booster = XGBOOST["booster"]
    assert isinstance(booster, bytes)
    for blob in (booster[:-1], booster + b"}", b"{", b"no", booster[: len(booster) // 2]):
        with pytest.raises(UnsafeModel, match="XGBoost"):
            find_family("xgboost").restore({**XGBOOST, "booster": blob})


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"[",
        b"[" * 100,
        b"{i\x01a",
        b"[$U#i\x7f",
        b"Si\xff",
        b"[#l\xff\xff\xff\xff",
        b"x",
        b"ZZ",
        b"{i\x01aZi\x01aZ}",
    ],
)
def test_other_bytes_than_ubjson_are_a_value_error(blob: bytes) -> None:
    with pytest.raises(ValueError):
        ubjson.loads(blob)


def test_ubjson_values() -> None:
    assert ubjson.loads(b"[[#i\x02TFZ]") == [[True, False], None]
    assert ubjson.loads(b"[i\xffU\xffI\x01\x00Z]") == [-1, 255, 256, None]
    assert ubjson.loads(b"{#i\x01i\x01aD" + struct.pack(">d", 0.5)) == {"a": 0.5}


@pytest.mark.parametrize(
    "task",
    [Task("regression", "y", "rmse"), Task("binary", "y", "roc_auc", ("a", "b")), TASK],
    ids=lambda task: str(task.kind),
)
def test_many_trees_evaluated_in_blocks_predict_as_lightgbm_does(task: Task) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3)).astype(np.float32)
    y = X[:, 0]
    if not task.is_regression:
        thresholds = [-0.5, 0.5][: task.n_outputs - 1]
        y = np.digitize(X[:, 0] + X[:, 1], thresholds).astype(float)
    features = tuple(Feature(name, name) for name in "abc")
    lightgbm = find_family("lightgbm")
    context = FitContext(task, METRICS[task.metric], seed=0, rounds=250)
    params = {"learning_rate": 0.02, "num_leaves": 5}
    prepared = lightgbm.prepare(Sample(X, features, y), None, params, context)
    model = lightgbm.fit(prepared, params, context).model
    assert isinstance(model, LightGBMModel)
    assert model.booster.num_trees() > 200
    prediction = model.predict(X)
    raw = model.booster.predict(X, num_threads=1)
    assert prediction == pytest.approx(model.target.to_prediction(raw), rel=1e-9, abs=1e-12)
    for index in range(20):
        (alone,) = model.predict(X[index : index + 1])
        assert np.array_equal(alone, prediction[index])
