"""Boosters in predictor files of format 4 are read by readers of ours, which trust nothing."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import Any

import lightgbm
import numpy as np
import pytest
import xgboost

from automl.errors import UnsafeModel
from automl.models import _ubjson as ubjson
from automl.models import find_family
from automl.models._boosted import BoostedModel
from automl.state import State

TARGET = {"total": 3, "present": [0, 1, 2], "shift": 0.0, "scale": 1.0}
RNG = np.random.default_rng(0)
CATEGORIES = RNG.integers(0, 12, 400)
X = np.column_stack([RNG.normal(size=(400, 2)), CATEGORIES]).astype(np.float32)
Y = (X[:, 0] > 0).astype(int) + np.isin(CATEGORIES, [1, 4, 7, 9])


def lightgbm_booster() -> Any:
    params = {
        "objective": "multiclass",
        "num_class": 3,
        "max_cat_to_onehot": 4,
        "min_data_per_group": 5,
        "num_threads": 1,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(X, Y, categorical_feature=[2])
    return lightgbm.train(params, data, 5)


def xgboost_booster() -> Any:
    params = {"objective": "multi:softprob", "num_class": 3, "nthread": 1}
    data = xgboost.QuantileDMatrix(X, Y, feature_types=["q", "q", "c"], enable_categorical=True)
    return xgboost.train(params, data, 5)


LIGHTGBM_BOOSTER = lightgbm_booster()
XGBOOST_BOOSTER = xgboost_booster()
LIGHTGBM: State = {
    "booster": LIGHTGBM_BOOSTER.model_to_string().encode(),
    "target": TARGET,
}
XGBOOST: State = {"booster": bytes(XGBOOST_BOOSTER.save_raw("ubj")), "target": TARGET}


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


def test_a_booster_predicts_as_it_did() -> None:
    lightgbm_model = find_family("lightgbm").restore(LIGHTGBM)
    assert lightgbm_model.predict(X) == pytest.approx(LIGHTGBM_BOOSTER.predict(X), rel=1e-9)
    xgboost_model = find_family("xgboost").restore(XGBOOST)
    assert xgboost_model.predict(X) == pytest.approx(XGBOOST_BOOSTER.inplace_predict(X), rel=1e-6)
    assert isinstance(xgboost_model, BoostedModel)
    assert xgboost_model.trees.single


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (first("left_child", b"99999"), "not below its parent"),
        (first("left_child", b"0"), "not below its parent"),
        (first("right_child", b"-999"), "not below its parent"),
        (first("split_feature", b"7"), "column that the model does not have"),
        (first("split_feature", b"-1"), "column that the model does not have"),
        (first("decision_type", b"64"), "splits of an unknown kind"),
        (first("num_leaves", b"4000"), "too few or too many numbers"),
        (first("num_leaves", b"0"), "without leaves"),
        (first("num_leaves", b"99999999999999999999"), "malformed whole numbers"),
        (first("left_child", b"4294967297"), "whole numbers that are too large"),
        (first("right_child", b"-4294967297"), "whole numbers that are too large"),
        (first("split_feature", b"2147483648"), "whole numbers that are too large"),
        (first("split_feature", b"99999999999"), "whole numbers that are too large"),
        (first("split_feature", b"-2147483649"), "whole numbers that are too large"),
        (first("cat_threshold", b"4294967296"), "whole numbers that are too large"),
        (first("cat_threshold", b"-1"), "sets of categories that are not there"),
        (first("cat_boundaries", b"3"), "do not follow one another"),
        (
            lambda text: re.sub(rb"cat_boundaries=.*", b"cat_boundaries=", text, count=1),
            "do not follow one another",
        ),
        (first("num_cat", b"99"), "do not follow one another"),
        (
            lambda text: text.replace(b"num_cat=", b"number=", 1),
            "trees that do not say how many sets of categories they have",
        ),
        (first("leaf_value", b"0.5 0.5"), "too few or too many numbers"),
        (first("threshold", b"1.5 1.5"), "too few or too many numbers"),
        (first("left_child", b"1x"), "malformed whole numbers"),
        (first("left_child", b"1-2"), "malformed whole numbers"),
        (lambda text: text.replace(b"is_linear=0", b"is_linear=1", 1), "linear leaves"),
        (
            lambda text: re.sub(rb"^right_child=.*\n", b"", text, count=1, flags=re.M),
            "too few or too many numbers in 'right_child'",
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
        ("right_children", struct.pack(">i", 0), "not below its parent"),
        ("split_indices", struct.pack(">i", 3), "column that the model does not have"),
        ("categories_segments", struct.pack(">q", 10**6), "sets of categories that are not there"),
        (
            "categories_segments",
            struct.pack(">q", 2**63 - 1),
            "sets of categories that are not there",
        ),
        ("categories_nodes", struct.pack(">i", 10**6), "nodes which are not there"),
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
