"""The predictor's file: a zip of JSON and arrays, without any pickle.

    manifest.json                            format number, versions, task, members, facts
    cleaner/  encodings/<n>/  residuals/     states (automl.state)
    models/<n>.zip                           a model's state, in a zip of its own

The zip's comment holds a SHA-256. It is checked before anything is opened; the names and sizes of
all entries are checked before anything is read but the manifest, which says the format.
"""

from __future__ import annotations

import hashlib
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
from automl.files import ENCODING_ERRORS, atomic_write
from automl.models import find_family, is_known
from automl.predictor.checks import check_facts, check_parts, check_residuals, check_task
from automl.predictor.model import Member, Part, Predictor
from automl.run_files import PREDICTOR
from automl.state import (
    ZIP_EPOCH,
    Archive,
    Blob,
    check_packing,
    check_size,
    pack,
    raising_unsafe_model,
    unpack,
    unpacked_size,
    write_stored,
)
from automl.task import Task

PREDICTOR_FORMAT = 7
READ_FORMATS = (4, 5, 6, PREDICTOR_FORMAT)
MANIFEST = "manifest.json"
DISTRIBUTION = "automl-tabular"
# A version that is named in a command to copy; anything else in its place might be a command.
PLAIN_VERSION = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6}){0,3}[a-z0-9.]{0,10}")
MAX_QUOTED_FORMAT = 20  # characters
DIGEST_PREFIX = b"automl sha256 "  # in the zip's comment, before the digest
DIGEST_CHARACTERS = 64
ENTRY = re.compile(
    r"manifest\.json|models/\d{1,6}\.zip"
    r"|(cleaner|residuals|encodings/\d{1,6})/(state\.json|\d{1,6}\.(npy|bin))"
)
RECORDED_LIBRARIES = (
    DISTRIBUTION,
    "numpy",
    "pandas",
    "scikit-learn",
    "lightgbm",
    "xgboost",
    "catboost",
    "tabicl",
    "tabpfn",
)


def save(predictor: Predictor, path: Path) -> str:
    """Write a predictor's file, completely or not at all, and return its SHA-256."""
    blob = dumps(predictor)
    with atomic_write(path) as temporary:
        temporary.write_bytes(blob)
    return hashlib.sha256(blob).hexdigest()


def dumps(predictor: Predictor) -> bytes:
    """Return the bytes of a predictor's file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        _write(predictor, archive)
    body = buffer.getvalue()[:-2]  # without the length of the comment, which is 0
    comment = DIGEST_PREFIX + hashlib.sha256(body).hexdigest().encode()
    return body + len(comment).to_bytes(2, "little") + comment


def _write(predictor: Predictor, archive: zipfile.ZipFile) -> None:
    members = _write_members(predictor, archive)
    for index, encoding in enumerate(predictor.encodings.values()):
        pack(encoding.to_state(), archive, f"encodings/{index}")
    pack(predictor.cleaner.to_state(), archive, "cleaner")
    if predictor.residuals is not None:
        pack({"quantiles": predictor.residuals}, archive, "residuals")
    manifest = {
        "format": PREDICTOR_FORMAT,
        "versions": versions(),
        "task": predictor.task.to_json(),
        "encodings": list(predictor.encodings),
        "members": members,
        "temperature": predictor.temperature,
        "cuts": None if predictor.thresholds is None else predictor.thresholds.tolist(),
        "residuals": predictor.residuals is not None,
        "schema": predictor.cleaner.schema(),
        "facts": dict(predictor.facts),
    }
    entry = zipfile.ZipInfo(MANIFEST, ZIP_EPOCH)
    text = json.dumps(manifest, ensure_ascii=False, indent=1)
    archive.writestr(
        entry, text.encode("utf-8", ENCODING_ERRORS), compress_type=zipfile.ZIP_DEFLATED
    )


def _write_members(predictor: Predictor, archive: zipfile.ZipFile) -> list[dict[str, Any]]:
    """Write the members' models, and return the members as the manifest has them."""
    names = list(predictor.encodings)
    members: list[dict[str, Any]] = []
    n_models = 0
    for member in predictor.members:
        parts = []
        for part in member.parts:
            write_stored(archive, f"models/{n_models}.zip", part.blob)
            plain_part = {
                "model": n_models,
                "encodings": [names.index(name) for name in part.encodings],
                "share": part.share,
            }
            parts.append(plain_part)
            n_models += 1
        plain_member = {
            "id": member.id,
            "family": member.family_name,
            "weight": member.weight,
            "parts": parts,
        }
        members.append(plain_member)
    return members


def versions() -> dict[str, str]:
    """Return the versions of the libraries that a model may have been made with."""
    import importlib.metadata

    installed = {}
    for name in RECORDED_LIBRARIES:
        try:
            installed[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return installed


def load(
    path: Path, expected_sha256: str | None = None, extra_families: Extensions = NO_EXTENSIONS
) -> Predictor:
    """Read a predictor's file.

    Parameters
    ----------
    path : Path
        The file, or the folder of its run.
    expected_sha256 : str, optional
        Refuse any other file.
    extra_families : Extensions
        Families that the predictor may use in addition to the built-in and the installed ones.

    Raises
    ------
    UnsafeModel
        The file is damaged, is not a predictor, or holds something that no predictor needs.
    InputError
        There is no such file, or its SHA-256 is not the expected one.
    """
    if path.is_dir():
        if not (path / PREDICTOR).exists():
            raise InputError(f"{path}: holds no {PREDICTOR}: is it the folder of a run?")
        path /= PREDICTOR
    try:
        blob = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such model file, or run folder.") from None
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from None
    return loads(blob, str(path), expected_sha256, extra_families)


def loads(
    blob: bytes,
    path: str = "the model",
    expected_sha256: str | None = None,
    extra_families: Extensions = NO_EXTENSIONS,
) -> Predictor:
    """Read a predictor from the bytes of its file; `path` is its name in messages."""
    _check_digests(blob, path, expected_sha256)
    with raising_unsafe_model(path):
        predictor = _read(Archive.unaudited(blob), extra_families)
        predictor.check()
        check_task(predictor.task)
        check_parts(predictor.members)
        check_residuals(predictor.residuals)
        check_facts(predictor.facts)
        return predictor


def _check_digests(blob: bytes, path: str, expected: str | None) -> None:
    """Refuse bytes that don't have the expected digest or the one in the file's own comment."""
    if expected is not None:
        _check_expected_digest(blob, path, expected)
    if not blob.startswith(b"PK"):
        raise UnsafeModel(
            f"{path}: not a predictor: `automl fit` writes predictor.automl into the run's folder."
        )
    length = len(DIGEST_PREFIX) + DIGEST_CHARACTERS
    body = memoryview(blob)[: -length - 2]  # no copy, since files may be large
    comment = DIGEST_PREFIX + hashlib.sha256(body).hexdigest().encode()
    ending = length.to_bytes(2, "little") + comment
    if not blob.endswith(ending):
        raise UnsafeModel(
            f"{path}: the model file is damaged or cut short: its checksum is wrong. "
            "Copy it again from where it was made."
        )


def _check_expected_digest(blob: bytes, path: str, expected: str) -> None:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", expected):
        raise InputError(
            f"--expect-sha256: {expected!r} is not a SHA-256, which has 64 hexadecimal digits."
        )
    digest = hashlib.sha256(blob).hexdigest()
    if digest != expected.lower():
        raise InputError(f"{path}: its SHA-256 is {digest}, not the expected {expected}.")


def _read(archive: Archive, own: Extensions) -> Predictor:
    manifest = _read_manifest(archive)
    _check_format(manifest)  # before the audit, since a later format may have other entries
    archive.audit(ENTRY)
    _check_families(manifest, own)
    blobs = _read_models(archive, manifest)
    names = [str(name) for name in manifest["encodings"]]
    _check_entries(archive, blobs, len(names))
    encodings = {}
    for index, name in enumerate(names):
        encodings[name] = Encoding.from_state(unpack(archive, f"encodings/{index}"))
    members = [_read_member(plain, names, blobs, own) for plain in manifest["members"]]
    residuals = None
    if manifest["residuals"]:
        residuals = np.asarray(unpack(archive, "residuals")["quantiles"], np.float64)
    thresholds = None
    if manifest["cuts"] is not None:
        thresholds = np.array(manifest["cuts"], np.float64)
    return Predictor(
        task=Task.from_json(manifest["task"]),
        cleaner=Cleaner.from_state(unpack(archive, "cleaner")),
        encodings=encodings,
        members=tuple(members),
        temperature=float(manifest["temperature"]),
        thresholds=thresholds,
        residuals=residuals,
        facts=manifest["facts"],
    )


def _read_manifest(archive: Archive) -> Any:
    """Return the manifest, of which alone the packing and the size are checked."""
    entry = archive.entries[MANIFEST]
    check_packing(entry)
    check_size(entry.file_size, entry.compress_size)
    return json.loads(archive.text(MANIFEST))


def _check_format(manifest: Mapping[str, Any]) -> None:
    """Refuse a format that this version does not read, and say which version does."""
    number = manifest["format"]
    if number in READ_FORMATS:
        return
    *others, newest = map(str, READ_FORMATS)
    reads = ", ".join(others) + f" and {newest}"
    quoted = repr(number)[:MAX_QUOTED_FORMAT]
    remedy = ""
    if type(number) is int and number > PREDICTOR_FORMAT:
        remedy = ". " + _advice(manifest)
    raise UnsafeModel(
        f"the model file has format {quoted}; this version of automl reads formats {reads}{remedy}"
    )


def _advice(manifest: Mapping[str, Any]) -> str:
    """Return what to do about a later format."""
    version = str(manifest.get("versions", {}).get(DISTRIBUTION, ""))
    if not PLAIN_VERSION.fullmatch(version):
        return "It needs a newer version of automl"
    return f"Install the version that wrote it: pip install '{DISTRIBUTION}>={version}'"


def _check_families(manifest: Mapping[str, Any], own: Extensions) -> None:
    """Refuse a predictor with a member of an unknown family."""
    for member in manifest["members"]:
        name = str(member["family"])
        if not is_known(name, own):
            raise UnsafeModel(
                f"it was made with the model family {name!r}, which is not known here: "
                "install the package that registers it, or give it in Python: "
                "automl.load(path, families=[...])"
            )


def _read_models(archive: Archive, manifest: Mapping[str, Any]) -> dict[int, memoryview]:
    """Read the packed states of the models that the manifest names, each of them once.

    Each part restores its model, which takes long where very many parts name a large one.
    """
    blobs = {}
    for member in manifest["members"]:
        for part in member["parts"]:
            index = int(part["model"])
            if index in blobs:
                raise UnsafeModel(f"it names the model {index} twice")
            blobs[index] = archive.read(f"models/{index}.zip")
    unpacked = sum(unpacked_size(blob) for blob in blobs.values())
    packed = sum(len(blob) for blob in blobs.values())
    check_size(unpacked, packed)
    return blobs


def _check_entries(archive: Archive, models: Mapping[int, Blob], n_encodings: int) -> None:
    """Refuse a file with entries that its manifest doesn't name."""
    known = {MANIFEST, "cleaner", "residuals"}
    known |= {f"models/{index}.zip" for index in models}
    known |= {f"encodings/{index}" for index in range(n_encodings)}
    unknown = {_folder_or_file(entry) for entry in archive.entries} - known
    if unknown:
        raise UnsafeModel(f"it holds an entry that its manifest does not name: {min(unknown)!r}")


def _folder_or_file(entry: str) -> str:
    """Return an entry's folder, or the entry itself where it has none or is a model."""
    if entry.startswith("models/"):
        return entry
    return entry.rpartition("/")[0] or entry


def _read_member(
    plain: Mapping[str, Any], names: Sequence[str], blobs: Mapping[int, Blob], own: Extensions
) -> Member:
    return Member(
        id=str(plain["id"]),
        family=find_family(str(plain["family"]), own),
        weight=float(plain["weight"]),
        parts=tuple(_read_part(part, names, blobs) for part in plain["parts"]),
    )


def _read_part(plain: Mapping[str, Any], names: Sequence[str], blobs: Mapping[int, Blob]) -> Part:
    return Part(
        encodings=tuple(names[index] for index in plain["encodings"]),
        blob=blobs[int(plain["model"])],
        share=float(plain["share"]),
    )
