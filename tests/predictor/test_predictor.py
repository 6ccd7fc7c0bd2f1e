"""The predictor's file: predictions are bit for bit the same, and forged files are refused."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from automl.cleaning import CleanOptions, clean
from automl.errors import InputError, UnsafeModel
from automl.features.encoding import Encoding, fit_shared
from automl.features.recipe import RECIPES
from automl.metrics import METRICS
from automl.models import FAMILIES, find_family
from automl.models._base import FitContext, Sample
from automl.predictor import Member, Part, Predictor, load, save
from automl.predictor.archive import DIGEST_PREFIX, dumps, loads
from automl.predictor.scoring import score_table
from automl.state import pack_to_bytes, unpack_bytes
from automl.table import Table, from_frame
from automl.task import Task


def table(n_rows: int = 120) -> Table:
    rng = np.random.default_rng(0)
    x = rng.normal(size=n_rows)
    place = rng.choice(["Rome", "Oslo", ""], n_rows)
    note = [f"a note on {name}" for name in place]
    y = np.where(x + (place == "Rome") > 0.3, "yes", "no")
    return from_frame({"x": x, "place": place, "note": note, "y": y})


def predictor_of(name: str, data: Table, rounds: int = 15) -> Predictor:
    """Return a predictor with one fitted model of a family."""
    cleaned = clean(data, "y", CleanOptions())
    task = Task("binary", "y", "roc_auc", cleaned.labels, cleaned.dtype)
    kind = find_family(name)
    recipes = [RECIPES[recipe] for recipe in kind.recipes]
    recipe = next(recipe for recipe in recipes if not recipe.reads_target)
    encoding = fit_shared(recipe, cleaned.columns, 0)
    sample = Sample(encoding.transform(cleaned.columns), encoding.features, cleaned.y)
    context = FitContext(task, METRICS["roc_auc"], 0, rounds=rounds)
    prepared = kind.prepare(sample, None, {}, context)
    fitted = kind.fit(prepared, {}, context)
    part = Part(("e",), pack_to_bytes(fitted.model.to_state()))
    member = Member("m", kind, 1.0, (part,))
    return Predictor(
        task,
        cleaned.cleaner,
        {"e": encoding},
        (member,),
        temperature=1.3,
        thresholds=np.array([0.6, 0.4]),
        facts={"metric": "roc_auc"},
    )


@pytest.mark.parametrize("name", [kind.name for kind in FAMILIES])
def test_save_and_load_predict_the_same_bit_for_bit(name: str, tmp_path: Path) -> None:
    data = table()
    predictor = predictor_of(name, data)
    digest = save(predictor, tmp_path / "p.automl")
    loaded = load(tmp_path / "p.automl", digest)
    proba = predictor.predict_proba(data)
    assert (loaded.predict_proba(data) == proba).all()
    assert (loaded.predict(data) == predictor.predict(data)).all()
    for rows in ([5], [9, 3, 3], list(range(119, -1, -1))):
        assert (loaded.predict_proba(data.take(rows)) == proba[rows]).all()
    assert proba.sum(1) == pytest.approx(1)


def test_the_parts_of_a_member_are_weighted_by_their_shares(tmp_path: Path) -> None:
    data = table()
    long = replace(predictor_of("lightgbm", data, 15), temperature=1.0)
    short = replace(predictor_of("lightgbm", data, 2), temperature=1.0)
    long_part = replace(long.members[0].parts[0], share=0.25)
    short_part = replace(short.members[0].parts[0], share=0.75)
    member = replace(long.members[0], parts=(long_part, short_part))
    both = replace(long, members=(member,))
    save(both, tmp_path / "p.automl")
    expected = 0.25 * long.predict_proba(data) + 0.75 * short.predict_proba(data)
    assert load(tmp_path / "p.automl").predict_proba(data) == pytest.approx(expected)
    assert abs(expected - long.predict_proba(data)).max() > 0.01


def test_equal_predictors_have_equal_bytes() -> None:
    predictor = predictor_of("linear", table())
    assert dumps(predictor) == dumps(loads(dumps(predictor)))


@pytest.mark.parametrize(
    ("name", "blocked"),
    [(kind.name, "lightgbm,catboost,xgboost,sklearn,scipy,optuna,numba") for kind in FAMILIES],
)
def test_a_model_predicts_without_the_libraries_of_others(
    name: str, blocked: str, tmp_path: Path
) -> None:
    data = table()
    predictor = predictor_of(name, data)
    save(predictor, tmp_path / "p.automl")
    data.to_frame().to_csv(tmp_path / "t.csv", index=False)
    script = f"""
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked.split(",")!r}:
            raise ImportError(name + " is blocked")
sys.meta_path.insert(0, Blocked())
from pathlib import Path
from typing import Any
from automl.predictor import load
from automl.table import read_table
print(load(Path("p.automl")).predict_proba(read_table("t.csv"))[0, 1].hex())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert float.fromhex(done.stdout.strip()) == predictor.predict_proba(data)[0, 1]


def forged(blob: bytes, change: dict[str, bytes | None]) -> bytes:
    """Change, add or remove entries of a predictor file, and correct its checksum."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(blob)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in [*old.namelist(), *(name for name in change if name not in old.namelist())]:
            content = change.get(name, old.read(name) if name in old.namelist() else None)
            if content is not None:
                new.writestr(name, content)
    body = buffer.getvalue()
    comment = DIGEST_PREFIX + hashlib.sha256(body[:-2]).hexdigest().encode()
    return body[:-2] + len(comment).to_bytes(2, "little") + comment


def manifest_of(blob: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(blob)) as archive:
        manifest: dict[str, Any] = json.loads(archive.read("manifest.json"))
    return manifest


def with_manifest(blob: bytes, **change: object) -> bytes:
    manifest = manifest_of(blob) | change
    return forged(blob, {"manifest.json": json.dumps(manifest).encode()})


def with_task(blob: bytes, **change: object) -> bytes:
    return with_manifest(blob, task=manifest_of(blob)["task"] | change)


def with_member(blob: bytes, **change: object) -> bytes:
    (member,) = manifest_of(blob)["members"]
    return with_manifest(blob, members=[member | change])


FORGERIES = {
    "an entry outside the table": lambda blob: forged(blob, {"../../evil.py": b"print()"}),
    "a pickle as an array": lambda blob: forged(
        blob, {"cleaner/0.npy": b"\x80\x04K\x01.", "cleaner/state.json": b'{"$array": "0.npy"}'}
    ),
    "no manifest": lambda blob: forged(blob, {"manifest.json": None}),
    "no model": lambda blob: forged(blob, {"models/0.zip": None}),
    "another format": lambda blob: with_manifest(blob, format=99),
    "an unknown encoder": lambda blob: forged(
        blob, {"encodings/0/state.json": b'{"encoders": [{"kind": "os.system"}]}'}
    ),
    "members that are nonsense": lambda blob: with_manifest(blob, members=[{"id": 1}]),
    "a task that is nonsense": lambda blob: with_manifest(blob, task=[]),
    "a task of an unknown kind": lambda blob: with_task(blob, kind="kind"),
    "a target that is no name": lambda blob: with_task(blob, target={}),
    "a class that is no text": lambda blob: with_task(blob, labels=["no", 1]),
    "classes of another type": lambda blob: with_task(blob, dtype="int"),
    "one class": lambda blob: with_task(blob, labels=["no"]),
    "classes of numbers": lambda blob: with_task(blob, kind="regression"),
    "facts that are none": lambda blob: with_manifest(blob, facts="facts"),
    "an expected score that is none": lambda blob: with_manifest(blob, facts={"expected": 1}),
    "an expected score that is no number": lambda blob: with_manifest(
        blob, facts={"expected": {"loss": "0.3", "low": 0.2, "high": 0.4}}
    ),
    "an expected score of no rows": lambda blob: with_manifest(
        blob, facts={"expected": {"loss": 0.3, "low": 0.2, "high": 0.4, "rows": 9, "new": 0}}
    ),
    "a member without models": lambda blob: with_member(blob, parts=[]),
    "a model that reads nothing": lambda blob: with_member(
        blob, parts=[{"model": 0, "encodings": [], "share": 1.0}]
    ),
    "a model that reads an encoding twice": lambda blob: with_member(
        blob, parts=[{"model": 0, "encodings": [0, 0], "share": 1.0}]
    ),
    "a model that is named twice": lambda blob: with_member(
        blob, parts=[{"model": 0, "encodings": [0], "share": 0.5}] * 2
    ),
    "residuals that are none": lambda blob: forged(
        with_manifest(blob, residuals=True), {"residuals/state.json": b'{"quantiles": []}'}
    ),
    "invalid JSON": lambda blob: forged(blob, {"manifest.json": b"{"}),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_file_is_refused_with_one_clear_error(name: str) -> None:
    blob = FORGERIES[name](dumps(predictor_of("linear", table())))
    with pytest.raises(UnsafeModel) as caught:
        loads(blob)
    assert "\n" not in str(caught.value)


def test_very_many_encoders_of_one_array_are_refused_before_it_is_read_again() -> None:
    array, buffer = io.BytesIO(), io.BytesIO()
    np.save(array, np.zeros(8_000_000))
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("state/0.npy", array.getvalue())
        encoder = {"kind": "lookup", "table": {"$array": "0.npy"}}
        archive.writestr("state/state.json", json.dumps({"encoders": [encoder] * 10_000}))
    started = time.monotonic()
    with pytest.raises(UnsafeModel, match=r"names the entry 'state/0\.npy' twice"):
        unpack_bytes(buffer.getvalue())
    assert time.monotonic() - started < 5  # once takes 0.1 s


def test_models_that_do_not_fit_what_they_read_or_each_other_are_refused() -> None:
    data = table()
    predictor = predictor_of("lightgbm", data)
    narrow = replace(predictor, encodings={"e": Encoding(predictor.encodings["e"].encoders[:1])})
    with pytest.raises(UnsafeModel, match="does not fit the model's encodings"):
        loads(dumps(narrow)).predict(data.take([0]))
    (part,) = predictor.members[0].parts
    three_classes = pack_to_bytes({"constant": np.array([0.2, 0.2, 0.6]), "number": False})
    parts = (part, replace(part, blob=three_classes))
    mixed = replace(predictor, members=(replace(predictor.members[0], parts=parts),))
    with pytest.raises(UnsafeModel, match="different tasks"):
        loads(dumps(mixed)).predict(data.take([0]))


def test_a_byte_of_the_length_of_the_checksum_is_checked_too() -> None:
    blob = bytearray(dumps(predictor_of("constant", table())))
    blob[blob.rindex(DIGEST_PREFIX) - 1] ^= 1
    with pytest.raises(UnsafeModel, match="checksum"):
        loads(bytes(blob))


def test_a_model_that_is_no_zip_or_holds_other_entries_is_refused() -> None:
    with pytest.raises(UnsafeModel, match="damaged"):
        unpack_bytes(b"nonsense")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("state/../evil.py", "print()")
    with pytest.raises(UnsafeModel, match="no predictor needs"):
        unpack_bytes(buffer.getvalue())


def with_model(predictor: Predictor, change: Callable[[dict[str, Any]], None]) -> Predictor:
    """Return a predictor whose only model's state was changed."""
    (member,) = predictor.members
    (part,) = member.parts
    state = unpack_bytes(part.blob)
    change(state)
    changed = replace(part, blob=pack_to_bytes(state))
    return loads(dumps(replace(predictor, members=(replace(member, parts=(changed,)),))))


@pytest.mark.parametrize("n_rows", [1, 120])
@pytest.mark.parametrize("name", ["lightgbm", "extra_trees"])
def test_trees_of_other_columns_are_refused_when_they_are_first_used(
    name: str, n_rows: int
) -> None:
    def widen(state: dict[str, Any]) -> None:
        state["trees"]["features"] += 1

    forged_model = with_model(predictor_of(name, table()), widen)
    with pytest.raises(UnsafeModel, match="member 'm' does not fit the model's encodings"):
        forged_model.predict_proba(table(n_rows))


@pytest.mark.parametrize("present", [[], [0]])
def test_a_target_of_fewer_classes_than_two_is_refused(present: list[int]) -> None:
    def change(state: dict[str, Any]) -> None:
        state["target"]["present"] = present

    forged_model = with_model(predictor_of("linear", table()), change)
    with pytest.raises(UnsafeModel, match="target coding is invalid"):
        forged_model.predict_proba(table())


def test_an_unknown_family_is_refused() -> None:
    class Stranger(type(find_family("linear"))):  # type: ignore[misc]
        name = "os"

    predictor = predictor_of("linear", table())
    strange = replace(predictor.members[0], family=Stranger())
    blob = dumps(replace(predictor, members=(strange,)))
    with pytest.raises(
        InputError, match="made with the model family 'os', which is not known here"
    ):
        loads(blob).predict_proba(table())


def test_intervals_hold_their_share_of_the_residuals() -> None:
    predictor = replace(predictor_of("linear", table()), residuals=np.linspace(-2, 2, 201))
    low, high = predictor.interval(np.array([10.0]), 0.9)
    assert low[0] == pytest.approx(8.2)
    assert high[0] == pytest.approx(11.8)
    with pytest.raises(InputError, match="--interval"):
        predictor.interval(np.array([1.0]), 1.5)


def with_target(data: Table, target: list[str]) -> Table:
    columns: dict[str, Any] = {name: data.columns[name] for name in ("x", "place", "note")}
    columns["y"] = target
    return from_frame(columns)


def test_scores_need_the_target_and_know_its_classes() -> None:
    data = table()
    predictor = predictor_of("linear", data)
    result = score_table(predictor, data)
    assert result.metric == "roc_auc"
    assert result.rows == 120
    assert result.by_model[0][1] > 0.8
    assert result.expected is None  # the file doesn't say
    with pytest.raises(InputError, match="no column 'y'"):
        score_table(predictor, data.drop(["y"]))
    strange = with_target(data, ["perhaps"] * 120)
    with pytest.raises(InputError, match="perhaps"):
        score_table(predictor, strange)


def test_rows_of_an_unknown_class_are_left_out_and_the_others_scored() -> None:
    data = table()
    predictor = predictor_of("linear", data)
    target = [" YES " if label == "yes" else "No" for label in data["y"].tolist()]
    respelled = with_target(data, target)
    assert score_table(predictor, respelled).by_model == score_table(predictor, data).by_model
    target[:3] = ["perhaps", "perhaps", ""]
    result = score_table(predictor, with_target(data, target))
    assert result.rows == 117
    reason = "with a class that the model doesn't know in 'y': 'perhaps'"
    assert result.left_out == f"2 rows were left out, {reason}"


def test_the_interval_is_wider_for_a_smaller_table() -> None:
    data = table()
    predictor = predictor_of("linear", data)
    predictor = replace(
        predictor,
        facts={"expected": {"loss": 0.9, "low": 0.8, "high": 0.98, "rows": 300, "new": 100}},
    )
    wide = score_table(predictor, data.take(np.arange(30))).expected
    narrow = score_table(predictor, data.take(np.arange(100))).expected
    assert narrow == pytest.approx((0.9, 0.8, 0.98))
    assert wide is not None
    assert wide[0] == 0.9
    assert wide[1] < 0.8
    assert wide[2] == 1.0  # no score is better


def zipped(entries: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return stream.getvalue()


def npy(header: str, body: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + body


@pytest.mark.parametrize(
    "array",
    [
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }\n"),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }\n", bytes(8)),
        npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n", bytes(8)),
        npy("{'descr': '<U9', 'fortran_order': False, 'shape': (1,), }\n", bytes(36)),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\n", bytes(9)),
        npy(
            "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }" + " " * 9000 + "\n",
            bytes(8),
        ),
        npy("__import__('os')\n", bytes(8)),
        b"\x93NUMPY\x03\x00",
        b"",
    ],
)
def test_an_array_whose_header_is_wrong_is_refused(array: bytes) -> None:
    blob = zipped({"state/state.json": b'{"a": {"$array": "0.npy"}}', "state/0.npy": array})
    with pytest.raises(UnsafeModel):
        unpack_bytes(blob)


def test_arrays_of_any_shape_and_order_are_restored() -> None:
    arrays = {
        "none": np.empty((0, 3), np.float32),
        "one": np.array(5, np.int64),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "flags": np.array([True, False]),
    }
    loaded = unpack_bytes(pack_to_bytes(arrays))
    for name, array in arrays.items():
        assert (loaded[name].dtype, loaded[name].shape) == (array.dtype, array.shape)
        assert (loaded[name] == array).all()
        assert not loaded[name].flags.writeable


def test_a_zip_bomb_is_refused_unread() -> None:
    bomb = zipped(
        {"state/state.json": b'{"a": {"$array": "0.npy"}}', "state/0.npy": bytes(200_000_000)}
    )
    assert len(bomb) < 300_000
    with pytest.raises(UnsafeModel, match="would unpack to 200 MB"):
        unpack_bytes(bomb)


def test_duplicate_entries_and_other_compression_are_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("state/state.json", "{}")
    with pytest.raises(UnsafeModel, match="packed in a way"):
        unpack_bytes(stream.getvalue())
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("state/state.json", "{}")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("state/state.json", "[]")
    with pytest.raises(UnsafeModel, match="twice"):
        unpack_bytes(stream.getvalue())


@pytest.mark.parametrize("name", ["models/7.zip", "encodings/7/state.json"])
def test_entries_that_the_manifest_does_not_name_are_refused(name: str) -> None:
    blob = dumps(predictor_of("linear", table()))
    stream = io.BytesIO(blob[: blob.rindex(DIGEST_PREFIX) - 2] + b"\0\0")
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(name, "{}")
    body = stream.getvalue()
    comment = DIGEST_PREFIX + hashlib.sha256(body[:-2]).hexdigest().encode()
    with pytest.raises(UnsafeModel, match="does not name"):
        loads(body[:-2] + len(comment).to_bytes(2, "little") + comment)
