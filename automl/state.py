"""The state of a fitted part: nested dictionaries and lists of JSON values, arrays and bytes, and how they lie in a zip.

Nothing here can run code: arrays are read with `allow_pickle=False`, everything else is JSON or raw bytes.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from automl.errors import UnsafeModel

State = dict[str, Any]

LARGEST = 8 * 2**30  # bytes of all entries of one archive when unpacked
_ENTRY = re.compile(r"state/(state\.json|\d{1,6}\.(npy|bin))")
EPOCH = (1980, 1, 1, 0, 0, 0)  # equal states make equal bytes


def pack(state: Mapping[str, Any], archive: zipfile.ZipFile, prefix: str) -> None:
    """Write a state below `prefix`: `<prefix>/state.json`, and each array or bytes value as an entry of its own."""
    blobs: list[tuple[str, bytes]] = []

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            buffer = io.BytesIO()
            np.save(buffer, value, allow_pickle=False)
            blobs.append((f"{len(blobs)}.npy", buffer.getvalue()))
            return {"$array": blobs[-1][0]}
        if isinstance(value, bytes):
            blobs.append((f"{len(blobs)}.bin", value))
            return {"$bytes": blobs[-1][0]}
        if isinstance(value, Mapping):
            return {str(key): plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        if isinstance(value, np.generic):
            return value.item()
        return value

    text = json.dumps(plain(state), ensure_ascii=False)
    for name, blob in [("state.json", text.encode()), *blobs]:
        archive.writestr(zipfile.ZipInfo(f"{prefix}/{name}", EPOCH), blob, compress_type=zipfile.ZIP_DEFLATED, compresslevel=1)


def packed(state: Mapping[str, Any]) -> bytes:
    """A state as the bytes of a zip of its own, compressed once and from then on only copied."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        pack(state, archive, "state")
    return buffer.getvalue()


def unpacked(blob: bytes) -> State:
    """The state that `packed` made bytes of.

    Raises
    ------
    UnsafeModel
        The bytes hold something else, or would unpack to more than 8 GB.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(blob)) as archive:
            audit(archive, _ENTRY)
            return unpack(archive, "state")
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise UnsafeModel(f"a model's state is damaged: {error}") from None


def audit(archive: zipfile.ZipFile, names: re.Pattern[str]) -> None:
    """Refuse entries of other names, and sizes that no machine holds."""
    for entry in archive.infolist():
        if not names.fullmatch(entry.filename):
            raise UnsafeModel(f"the model file holds an entry that no predictor needs: {entry.filename[:80]!r}")
    if sum(entry.file_size for entry in archive.infolist()) > LARGEST:
        raise UnsafeModel("the model file would unpack to more than 8 GB")


def unpack(archive: zipfile.ZipFile, prefix: str) -> State:
    """Read the state that `pack` wrote below `prefix`."""

    def rich(value: Any) -> Any:
        if isinstance(value, dict):
            if value.keys() == {"$array"}:
                return _array(archive.read(f"{prefix}/{value['$array']}"))
            if value.keys() == {"$bytes"}:
                return archive.read(f"{prefix}/{value['$bytes']}")
            return {key: rich(item) for key, item in value.items()}
        return [rich(item) for item in value] if isinstance(value, list) else value

    try:
        state = rich(json.loads(archive.read(f"{prefix}/state.json")))
    except KeyError as error:
        raise UnsafeModel(f"the model file lacks the entry {error.args[0]!r}") from None
    except (ValueError, zipfile.BadZipFile, RecursionError) as error:
        raise UnsafeModel(f"the model file's entry {prefix!r} can't be read: {error}") from None
    if not isinstance(state, dict):
        raise UnsafeModel(f"the model file's entry {prefix!r} holds no state")
    return state


def _array(blob: bytes) -> np.ndarray[Any, Any]:
    array: np.ndarray[Any, Any] = np.load(io.BytesIO(blob), allow_pickle=False)
    return array
