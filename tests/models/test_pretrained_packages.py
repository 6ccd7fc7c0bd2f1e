"""Pretrained families with tiny checkpoints: they predict what the packages do, always alike."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from automl.errors import InputError
from automl.models import PRETRAINED_FAMILIES, find_pretrained
from automl.models.pretrained.family import InContextFamily
from automl.models.pretrained.model import InContextModel
from automl.models.pretrained.weights import purpose_of
from automl.stages._pretrained_families import admit
from automl.task import Kind
from tests.models.offline import without_network
from tests.models.test_contract import KINDS, fit, how_of, table_of, through_zip
from tests.models.tiny_checkpoints import (
    VARIABLES,
    checkpoints,
    make_checkpoint,
    make_multitask_checkpoint,
    needs,
)
from tests.search.test_stages import lab_of, started

ROOT = Path(__file__).resolve().parents[2]
OF_PACKAGES = [pytest.param(family, marks=needs(family.name)) for family in PRETRAINED_FAMILIES]
families = pytest.mark.parametrize("family", OF_PACKAGES, ids=lambda family: family.name)
kinds = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(autouse=True)
def tiny_weights(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a family its weights."""
    callspec = getattr(request.node, "callspec", None)
    if callspec is not None:
        name = callspec.params["family"].name
        monkeypatch.setenv(VARIABLES[name], str(checkpoints(name)))


def fitted(family: InContextFamily, kind: Kind) -> InContextModel:
    model = fit(family, how_of(kind), table_of(family, kind)).model
    assert isinstance(model, InContextModel)
    return model


def by_the_package(name: str, model: InContextModel, path: Path, X: Any) -> Any:
    """Return what the package's own estimator predicts, all rows at once and without a cache."""
    import torch

    context, is_classification = model.context, model.target.n_classes > 0
    options: dict[str, Any]
    if name == "tabicl":
        from tabicl import TabICLClassifier, TabICLRegressor

        options = {"allow_auto_download": False}
        kind = TabICLClassifier if is_classification else TabICLRegressor
    else:
        from tabpfn import TabPFNClassifier, TabPFNRegressor

        options = {
            "categorical_features_indices": context.categories.tolist(),
            "inference_precision": torch.float64,
        }
        kind = TabPFNClassifier if is_classification else TabPFNRegressor
    estimator = kind(n_estimators=model.views, model_path=path, device="cpu", **options)
    y = context.y.astype(int) if is_classification else context.y
    estimator.fit(context.rows, y)
    raw = estimator.predict_proba(X) if is_classification else estimator.predict(X)
    return model.target.to_prediction(raw)


def check_against_the_package(family: InContextFamily, kind: Kind) -> None:
    model = fitted(family, kind)
    held = table_of(family, kind, 90, seed=1)
    path = family.weights.find(purpose_of(how_of(kind).task))
    expected = by_the_package(family.name, model, path, held.X)
    assert np.ptp(expected, axis=0).max() > 1e-3  # the rows matter
    unit = model.target.scale if kind == "regression" else 1.0
    np.testing.assert_allclose(model.predict(held.X), expected, rtol=0, atol=2e-5 * unit)


@pytest.mark.filterwarnings("ignore:Running on CPU")
@families
@kinds
def test_it_predicts_what_the_package_does(family: InContextFamily, kind: Kind) -> None:
    check_against_the_package(family, kind)


@pytest.mark.filterwarnings("ignore:Running on CPU")
@pytest.mark.parametrize("family", OF_PACKAGES[1:], ids=lambda family: family.name)
@kinds
def test_so_does_the_second_version_of_tabpfn(
    family: InContextFamily, kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    purpose = purpose_of(how_of(kind).task)
    path = make_checkpoint(family.name, purpose, tmp_path)
    monkeypatch.setenv(family.weights.variable, str(path))
    check_against_the_package(family, kind)


@families
@kinds
def test_a_stored_model_predicts_the_same_bits(family: InContextFamily, kind: Kind) -> None:
    model = fitted(family, kind)
    restored = family.restore(through_zip(model.to_state()))
    held = table_of(family, kind, 90, seed=1)
    np.testing.assert_array_equal(restored.predict(held.X), model.predict(held.X))


PREDICT = """
import hashlib, sys
from tests.models.test_contract import fit, how_of, table_of
from automl.models import find_pretrained
family = find_pretrained(sys.argv[1])
model = fit(family, how_of("multiclass"), table_of(family, "multiclass")).model
prediction = model.predict(table_of(family, "multiclass", 90, seed=1).X)
print(hashlib.sha256(prediction.tobytes()).hexdigest())
"""


@families
def test_every_process_predicts_the_same_bits_without_a_network(
    family: InContextFamily, tmp_path: Path
) -> None:
    settings, record = without_network(tmp_path)
    settings["PYTHONPATH"] += os.pathsep + str(ROOT)
    sums = set()
    for seed, threads in (("0", "1"), ("1", "2"), ("2", "4")):
        settings |= {"PYTHONHASHSEED": seed, "OMP_NUM_THREADS": threads}
        done = subprocess.run(
            [sys.executable, "-c", PREDICT, family.name],
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        sums.add(done.stdout)
    assert len(sums) == 1
    assert not record.exists()


def test_a_look_for_a_network_is_refused_and_written_down(tmp_path: Path) -> None:
    settings, record = without_network(tmp_path)
    code = "import urllib.request; urllib.request.urlopen('https://huggingface.co')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "there is no network" in done.stderr
    assert "huggingface.co" in record.read_text(encoding="utf-8")


class Trap:
    """An object whose unpickling would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@families
def test_a_checkpoint_that_holds_code_is_refused(
    family: InContextFamily, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    # torch would unpickle anything where a program doesn't say what it wants.
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    model = fitted(family, "binary")
    path = make_checkpoint(family.name, "classification", tmp_path)
    content = torch.load(path, weights_only=True)
    sprung = tmp_path / "sprung"
    torch.save(content | {"more": Trap(sprung)}, path)
    monkeypatch.setenv(family.weights.variable, str(path))
    trapped = fitted(family, "binary")
    with pytest.raises(InputError, match="automl runs no code of a checkpoint"):
        trapped.predict(model.context.rows)
    assert not sprung.exists()


@families
@pytest.mark.parametrize("content", [b"", b"no checkpoint", {"other": 1}])
def test_a_file_that_is_no_checkpoint_is_refused(
    family: InContextFamily,
    content: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torch

    path = tmp_path / "own.ckpt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    monkeypatch.setenv(family.weights.variable, str(path))
    model = fitted(family, "binary")
    with pytest.raises(InputError, match=r"own\.ckpt: (is|holds)") as refused:
        model.predict(model.context.rows)
    assert "\n" not in str(refused.value)


@families
@kinds
def test_a_checkpoint_for_another_kind_of_task_is_refused(
    family: InContextFamily, kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    purpose = purpose_of(how_of(kind).task)
    other = "classification" if purpose == "regression" else "regression"
    path = make_checkpoint(family.name, other, tmp_path)
    monkeypatch.setenv(family.weights.variable, str(path))
    model = fitted(family, kind)
    with pytest.raises(InputError, match=f"is for {other}, and the task is {purpose}"):
        model.predict(model.context.rows)


@families
def test_so_is_one_that_a_run_is_to_take_part_with(
    family: InContextFamily, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_checkpoint(family.name, "regression", tmp_path)
    monkeypatch.setenv(family.weights.variable, str(path))
    lab = lab_of(tmp_path, 100)
    with pytest.raises(InputError, match="is for regression, and the task is classification"):
        admit(started(lab), lab, [family.name], [])
    lab.data.store.close()


@families
def test_a_fit_of_too_many_columns_is_refused(family: InContextFamily) -> None:
    train = table_of(family, "binary")
    copies = 5_000
    wide = dataclasses.replace(
        train,
        X=np.tile(train.X[:50], copies),
        y=train.y[:50],
        features=train.features * copies,
        weight=None,
    )
    with pytest.raises(InputError, match="there are 25000 columns, and it takes at most"):
        fit(family, how_of("binary"), wide)


@pytest.mark.parametrize("family", OF_PACKAGES[1:], ids=lambda family: family.name)
def test_one_checkpoint_may_serve_both_kinds_of_task(
    family: InContextFamily, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_multitask_checkpoint(tmp_path)
    monkeypatch.setenv(family.weights.variable, str(path))
    sums = {fitted(family, kind).sha256 for kind in KINDS}
    assert len(sums) == 1
    assert find_pretrained("tabpfn").limits(path).rows == 5_000
