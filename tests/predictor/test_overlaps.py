"""Entries that share bytes are refused: the sum of their sizes would say nothing."""

from __future__ import annotations

import io
import re
import struct
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from automl.errors import UnsafeModel
from automl.predictor.archive import ENTRY
from automl.state import Archive, raising_unsafe_model

SAMPLES = sorted((Path(__file__).with_name("samples")).glob("*/*.automl"))
MAX_SECONDS = 2.0
CONTENT = bytes(1_000)

Change = Callable[[zipfile.ZipInfo], None]


def zip_of(names: Sequence[str], method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name in names:
            archive.writestr(name, CONTENT)
    return stream.getvalue()


def with_places(change: Change, names: Sequence[str], method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip whose last entry was changed in the list of contents alone."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name in names:
            archive.writestr(name, CONTENT)
        change(archive.infolist()[-1])
    return stream.getvalue()


def refused(blob: bytes, why: str) -> None:
    with pytest.raises(UnsafeModel, match=why), raising_unsafe_model("it"):
        Archive.open(blob, ENTRY)


TWO = ["models/0.zip", "models/1.zip"]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_entries_after_one_another_are_read(method: int) -> None:
    archive = Archive.open(zip_of(TWO, method), ENTRY)
    assert [bytes(archive.read(name)) for name in TWO] == [CONTENT, CONTENT]


def test_very_many_names_of_the_same_bytes_are_refused_quickly() -> None:
    names = [f"models/{number}.zip" for number in range(7_000)]
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(names[0], CONTENT)
        (first,) = archive.infolist()
        for name in names[1:]:
            entry = zipfile.ZipInfo(name)
            entry.header_offset = first.header_offset
            entry.file_size = entry.compress_size = first.file_size
            entry.CRC = first.CRC
            archive.filelist.append(entry)
    started = time.monotonic()
    refused(stream.getvalue(), "is not where it should be")
    assert time.monotonic() - started < MAX_SECONDS


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_headers_inside_of_the_content_of_another_entry_are_refused(method: int) -> None:
    """Each name has a header of its own, and the content of all of them is the same."""
    inner = zip_of(["models/1.zip"], method)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("models/0.zip", inner)
        (outer,) = archive.infolist()
        with zipfile.ZipFile(io.BytesIO(inner)) as read:
            (entry,) = read.infolist()
        entry.header_offset = outer.header_offset + 30 + len(outer.filename)
        archive.filelist.append(entry)
    refused(stream.getvalue(), "share bytes")


def test_a_name_that_the_entry_itself_does_not_have_is_refused() -> None:
    def rename(entry: zipfile.ZipInfo) -> None:
        entry.filename = "models/7.zip"

    refused(with_places(rename, TWO), r"'models/7\.zip' is not where it should be")


@pytest.mark.parametrize("offset", [1, 10**6, 2**31])
def test_an_entry_which_begins_elsewhere_is_refused(offset: int) -> None:
    def move(entry: zipfile.ZipInfo) -> None:
        entry.header_offset += offset

    refused(with_places(move, TWO), "is not where it should be|malformed")


def test_an_entry_before_the_file_is_refused() -> None:
    blob = bytearray(zip_of(TWO))
    end = blob.rindex(b"PK\x05\x06")
    offset = struct.unpack_from("<L", blob, end + 16)
    struct.pack_into("<L", blob, end + 16, offset[0] + 100)
    refused(bytes(blob), "is not where it should be")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_entry_that_reaches_into_the_list_of_contents_is_refused(method: int) -> None:
    def lengthen(entry: zipfile.ZipInfo) -> None:
        entry.compress_size += 1
        if method == zipfile.ZIP_STORED:
            entry.file_size += 1

    refused(with_places(lengthen, TWO, method), "ends outside")


def test_a_stored_entry_of_two_lengths_is_refused() -> None:
    def shorten(entry: zipfile.ZipInfo) -> None:
        entry.compress_size = 1

    refused(with_places(shorten, TWO), "packed in a way")


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_archive_of_ours_is_refused(path: Path) -> None:
    archive = Archive.open(path.read_bytes(), ENTRY)
    models = [name for name in archive.entries if re.match("models/", name)]
    assert models
    for name in models:
        Archive.open(archive.read(name))
