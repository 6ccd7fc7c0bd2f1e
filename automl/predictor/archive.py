"""The predictor's file: a zip of JSON, arrays and the boosters' own formats, with a SHA-256 in its comment. No pickle.

    manifest.json                            format number, versions, task, members, facts
    cleaner/  encodings/<n>/  residuals/     states (automl.state)
    models/<n>.zip                           a model's state, in a zip of its own

Before anything is opened the digest is checked; before anything is read, the names and sizes of all entries are.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from automl.cleaning import Cleaner
from automl.errors import InputError, UnsafeModel
from automl.extensions import NO_EXTENSIONS, Extensions
from automl.features.encoding import Encoding
from automl.files import ESCAPE, whole
from automl.models import family, is_known
from automl.predictor.model import Member, Part, Predictor
from automl.state import EPOCH, audit, check_size, distrusted, pack, unpack, unpacked_size
from automl.task import Task

FORMAT = 4
MARK = b"automl sha256 "
ENTRY = re.compile(
    r"manifest\.json|models/\d{1,6}\.zip|(cleaner|residuals|encodings/\d{1,6})/(state\.json|\d{1,6}\.(npy|bin))"
)
LIBRARIES = ("numpy", "pandas", "scikit-learn", "lightgbm", "xgboost", "catboost")


def save(predictor: Predictor, path: Path) -> str:
    """Write a predictor's file whole or not at all; its SHA-256 is returned."""
    blob = dumps(predictor)
    with whole(path) as temporary:
        temporary.write_bytes(blob)
    return hashlib.sha256(blob).hexdigest()


def dumps(predictor: Predictor) -> bytes:
    """The bytes of a predictor's file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        _write(predictor, archive)
    body = buffer.getvalue()
    comment = MARK + hashlib.sha256(body[:-2]).hexdigest().encode()
    return body[:-2] + len(comment).to_bytes(2, "little") + comment


def _write(predictor: Predictor, archive: zipfile.ZipFile) -> None:
    names = list(predictor.encodings)
    members: list[dict[str, Any]] = []
    count = 0
    for member in predictor.members:
        parts = []
        for part in member.parts:
            archive.writestr(zipfile.ZipInfo(f"models/{count}.zip", EPOCH), part.blob)
            parts.append(
                {
                    "model": count,
                    "encodings": [names.index(name) for name in part.encodings],
                    "share": part.share,
                }
            )
            count += 1
        members.append(
            {"id": member.id, "family": member.family, "weight": member.weight, "parts": parts}
        )
    for place, name in enumerate(names):
        pack(predictor.encodings[name].to_state(), archive, f"encodings/{place}")
    pack(predictor.cleaner.to_state(), archive, "cleaner")
    if predictor.residuals is not None:
        pack({"quantiles": predictor.residuals}, archive, "residuals")
    manifest = {
        "format": FORMAT,
        "versions": versions(),
        "task": predictor.task.to_json(),
        "encodings": names,
        "members": members,
        "temperature": predictor.temperature,
        "cuts": None if predictor.cuts is None else predictor.cuts.tolist(),
        "residuals": predictor.residuals is not None,
        "schema": predictor.cleaner.schema(),
        "facts": dict(predictor.facts),
    }
    entry = zipfile.ZipInfo("manifest.json", EPOCH)
    text = json.dumps(manifest, ensure_ascii=False, indent=1).encode("utf-8", ESCAPE)
    archive.writestr(entry, text, compress_type=zipfile.ZIP_DEFLATED)


def versions() -> dict[str, str]:
    """Versions of the libraries that a model may have been made with."""
    found = {}
    for name in ("automl-tabular", *LIBRARIES):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def load(
    path: Path, expected_sha256: str | None = None, own: Extensions = NO_EXTENSIONS
) -> Predictor:
    """Read a predictor's file, or that of a run's folder, made with families of ours, of `own` or of installed packages.

    Raises
    ------
    UnsafeModel
        The file is damaged, is no predictor, or holds something that no predictor needs.
    InputError
        There is no such file, or its SHA-256 is not the expected one.
    """
    if path.is_dir():
        if not (path / "predictor.automl").exists():
            raise InputError(f"{path}: holds no predictor.automl: is it the folder of a run?")
        path /= "predictor.automl"
    try:
        blob = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such model file, or run folder.") from None
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from None
    return loads(blob, str(path), expected_sha256, own)


def loads(
    blob: bytes,
    path: str = "the model",
    expected_sha256: str | None = None,
    own: Extensions = NO_EXTENSIONS,
) -> Predictor:
    """The predictor whose file has these bytes; `path` is its name in messages."""
    _check(blob, path, expected_sha256)
    with distrusted(path), zipfile.ZipFile(io.BytesIO(blob)) as archive:
        audit(archive, ENTRY)
        predictor = _read(archive, own)
        predictor.check()
        return predictor


def _check(blob: bytes, path: str, expected: str | None) -> None:
    """Refuse bytes whose digest is wrong."""
    if expected is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", expected):
        raise InputError(
            f"--expect-sha256: {expected!r} is no SHA-256: it has 64 hexadecimal digits."
        )
    if expected is not None and hashlib.sha256(blob).hexdigest() != expected.lower():
        raise InputError(
            f"{path}: its SHA-256 is {hashlib.sha256(blob).hexdigest()}, not the expected {expected}."
        )
    length = len(MARK) + 64
    if not blob.startswith(b"PK"):
        raise UnsafeModel(
            f"{path}: not a predictor: `automl fit` writes predictor.automl into the run's folder."
        )
    body = memoryview(blob)[: -length - 2]  # no copy: files may be large
    if len(blob) < length + 2 or blob[-length:] != MARK + hashlib.sha256(body).hexdigest().encode():
        raise UnsafeModel(
            f"{path}: the model file is damaged or cut short: its checksum is wrong. Copy it again from where it was made."
        )


def _read(archive: zipfile.ZipFile, own: Extensions) -> Predictor:
    manifest = json.loads(archive.read("manifest.json"))
    if manifest["format"] != FORMAT:
        raise UnsafeModel(
            f"the model file has format {manifest['format']!r}; this version of automl reads format {FORMAT}"
        )
    if strangers := [
        str(plain["family"])
        for plain in manifest["members"]
        if not is_known(str(plain["family"]), own)
    ]:
        here = "which is not known here: install the package that registers it, or give it in Python: automl.load(path, families=[...])"
        raise UnsafeModel(f"it was made with the model family {strangers[0]!r}, {here}")
    blobs = {int(part["model"]): b"" for plain in manifest["members"] for part in plain["parts"]}
    blobs = {place: archive.read(f"models/{place}.zip") for place in blobs}
    check_size(sum(map(unpacked_size, blobs.values())), sum(map(len, blobs.values())))
    names = [str(name) for name in manifest["encodings"]]
    known = {
        "manifest.json",
        "cleaner",
        "residuals",
        *(f"models/{n}.zip" for n in blobs),
        *(f"encodings/{n}" for n in range(len(names))),
    }
    if (
        unknown := {
            entry if entry.startswith("models/") else entry.rpartition("/")[0] or entry
            for entry in archive.namelist()
        }
        - known
    ):
        raise UnsafeModel(f"it holds an entry that its manifest does not name: {min(unknown)!r}")
    encodings = {
        name: Encoding.from_state(unpack(archive, f"encodings/{place}"))
        for place, name in enumerate(names)
    }
    members = tuple(
        Member(
            id=str(plain["id"]),
            kind=family(str(plain["family"]), own),
            weight=float(plain["weight"]),
            parts=tuple(_part(part, names, blobs) for part in plain["parts"]),
        )
        for plain in manifest["members"]
    )
    residuals = (
        np.asarray(unpack(archive, "residuals")["quantiles"], np.float64)
        if manifest["residuals"]
        else None
    )
    return Predictor(
        task=Task.from_json(manifest["task"]),
        cleaner=Cleaner.from_state(unpack(archive, "cleaner")),
        encodings=encodings,
        members=members,
        temperature=float(manifest["temperature"]),
        cuts=None if manifest["cuts"] is None else np.array(manifest["cuts"], np.float64),
        residuals=residuals,
        facts=manifest["facts"],
    )


def _part(plain: Mapping[str, Any], names: Sequence[str], blobs: Mapping[int, bytes]) -> Part:
    return Part(
        tuple(names[place] for place in plain["encodings"]),
        blobs[int(plain["model"])],
        float(plain["share"]),
    )
