"""Forge tables of every format: cells, lines, separators, encodings, and what formats trust in."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from _forged_arrays import crude
from _forged_json import forge_json
from _zips import Entry, Zip

if TYPE_CHECKING:
    import pandas as pd

Forge = Callable[[bytes, Random], bytes]

CELLS = (
    b"",
    b'"',
    b'""',
    b"'",
    b",",
    b"\x00",
    b"\xff\xfe",
    b"\r",
    b"\n",
    b"\t\t\t",
    b"=cmd|' /C calc'!A0",
    b"1e999",
    b"-inf",
    b"nan",
    b"9" * 400,
    b"0x1F",
    b"1,5",
    b"1.234.567,8",
    b"2024-02-31",
    b"0000-00-00",
    b"99:99:99",
    b"\xd9\xa3",
    b"\xf0\x9f\x98\x80",
    b"\xe2\x80\xae",
    b"x" * 70_000,
    b"1/0",
    b"%s%n",
    b"[[[[",
    b"{}",
    b"\x1a",
    b"\x1b[31m",
)
SEPARATORS = (b";", b"\t", b"|", b" ", b",,", b"\x01", b"::", b"^", b"~", b"\n", b"")
TEXT_ENCODINGS = ("utf-16", "utf-32", "utf-8-sig", "utf-16-le", "utf-16-be", "cp500", "utf-7")
XML_VALUES = (b"-1", b"0", b"99999999999", b"1e999", b"nan", b"&#0;", b"<", b"A1", b"XFD1048576")
XML_VALUES += (b"AAAAAA9999999999", b"A1:XFD1048576", b"s", b"d", b"b", b"&a;", b"", b"]]>")
XML_NUMBER = re.compile(rb'(?<=[">])[A-Z]{0,3}\d+(?::[A-Z]+\d+)?(?=["<])')


@dataclass(frozen=True)
class TableSeed:
    """A table to forge others from.

    Parameters
    ----------
    name : str
        Its format.
    table : str
        Its content's name.
    blob : bytes
        Without compression.
    forge : callable
    compress : callable or None
    """

    name: str
    table: str
    blob: bytes
    forge: Forge
    compress: Callable[[bytes], bytes] | None = None

    def forged(self, rng: Random) -> bytes:
        """Return a forged table, of which the compressed bytes or those inside were changed."""
        blob = self.blob
        if self.compress is None:
            return self.forge(blob, rng)
        if rng.random() < 0.5:
            blob = self.forge(blob, rng)
            return self.compress(blob)
        return crude(self.compress(blob), rng)


def make_seeds(table: str, text: bytes) -> list[TableSeed]:
    """Return a table in every format that can be written here."""
    import pandas as pd

    frame = pd.read_csv(io.BytesIO(text), keep_default_na=False)
    plain: list[tuple[str, bytes, Forge]] = [
        ("csv", text, forge_text),
        ("tsv", _csv(frame, sep="\t"), forge_text),
        ("csv, semicolons", _csv(frame, sep=";", decimal=",", encoding="cp1252"), forge_text),
        ("csv, quoted", _csv(frame, quoting=1, lineterminator="\r\n"), forge_text),
        ("csv, utf-16", text.decode().encode("utf-16"), forge_text),
        ("fixed width", frame.to_string(index=False).encode(), forge_text),
        ("json lines", frame.to_json(orient="records", lines=True).encode(), forge_lines),
    ]
    for layout in ("records", "columns", "index", "split", "values"):
        content = frame.to_json(orient=layout).encode()  # type: ignore[call-overload]
        plain.append((f"json {layout}", content, forge_whole_json))
    for packing in ("snappy", "gzip", "none"):
        plain.append((f"parquet, {packing}", _parquet(frame, packing), forge_ends))
    plain.append(("parquet, typed", _parquet(_typed(frame), "none"), forge_ends))
    for packing in ("lz4", "uncompressed"):
        plain.append((f"feather, {packing}", _feather(frame, packing), forge_ends))
    plain.append(("feather, typed", _feather(_typed(frame), "uncompressed"), forge_ends))
    plain.append(("xlsx", _xlsx(frame), forge_workbook))
    seeds = [TableSeed(name, table, blob, forge) for name, blob, forge in plain]
    packings = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zip": _zipped}
    for suffix, compress in packings.items():
        seeds.append(TableSeed(f"csv.{suffix}", table, text, forge_text, compress))
    lines = frame.to_json(orient="records", lines=True).encode()
    seeds.append(TableSeed("json lines.gz", table, lines, forge_lines, gzip.compress))
    return seeds


def _csv(frame: pd.DataFrame, encoding: str = "utf-8", **options: object) -> bytes:
    return frame.to_csv(index=False, **options).encode(encoding)  # type: ignore[call-overload,no-any-return]


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with columns of many types."""
    import pandas as pd

    typed = frame.copy()
    for name, column in frame.items():
        if column.dtype.kind not in "if":
            typed[name] = column.astype("category")
    typed["moment"] = pd.date_range("2024-01-01", periods=len(typed))
    typed["bytes"] = [b"\x00\xff"] * len(typed)
    typed["list"] = [[1, 2]] * len(typed)
    typed["flag"] = True
    typed["small"] = pd.array([1, 2, None, 1] * (len(typed) // 4), "Int8")
    return typed


def _parquet(frame: pd.DataFrame, packing: str) -> bytes:
    stream = io.BytesIO()
    frame.to_parquet(stream, index=False, compression=None if packing == "none" else packing)
    return stream.getvalue()


def _feather(frame: pd.DataFrame, packing: str) -> bytes:
    stream = io.BytesIO()
    frame.to_feather(stream, compression=packing)
    return stream.getvalue()


def _xlsx(frame: pd.DataFrame) -> bytes:
    stream = io.BytesIO()
    frame.to_excel(stream, index=False)
    return stream.getvalue()


def _zipped(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("table.csv", content)
    return stream.getvalue()


# --- text ---------------------------------------------------------------------------------------


def forge_text(blob: bytes, rng: Random) -> bytes:
    """Return text with other bytes, cells, separators, quotes, lines, names or encoding."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        blob = rng.choice((crude, _lines, _cells, _cells, _header, _whole))(blob, rng)
    return blob


def _lines(blob: bytes, rng: Random) -> bytes:
    lines = blob.split(b"\n")
    at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.randrange(7):
        case 0:
            lines[at] = rng.choice(CELLS)
        case 1:
            lines[at] *= rng.choice((2, 3, 200))
        case 2:
            lines[at], lines[other] = lines[other], lines[at]
        case 3:
            lines.insert(at, rng.choice((b"", b"# comment", b"sep=;", b"total,,,", b",,,,", b'"')))
        case 4:
            del lines[at:other]
        case 5:
            lines = lines[:at] + lines[:1] * rng.choice((1, 50)) + lines[at:]
        case 6:
            lines = lines[: rng.randrange(3)]
    return b"\n".join(lines)


def _cells(blob: bytes, rng: Random) -> bytes:
    lines = blob.split(b"\n")
    at = rng.randrange(len(lines))
    cells = lines[at].split(b",")
    place = rng.randrange(len(cells))
    match rng.randrange(5):
        case 0 | 1:
            cells[place] = rng.choice(CELLS)
        case 2:
            rng.shuffle(cells)
        case 3:
            cells.insert(place, cells[place])
        case 4:
            cells[place] = b'"' + cells[place] + rng.choice((b'"', b"", b'""', b'"x', b'\\"'))
    lines[at] = b",".join(cells)
    if rng.random() < 0.1:  # the same cell of every line
        for index, line in enumerate(lines[1:], 1):
            words = line.split(b",")
            words[min(place, len(words) - 1)] = cells[place]
            lines[index] = b",".join(words)
    return b"\n".join(lines)


def _header(blob: bytes, rng: Random) -> bytes:
    first, _, others = blob.partition(b"\n")
    names = first.split(b",")
    at = rng.randrange(len(names))
    match rng.randrange(6):
        case 0:
            names[at] = rng.choice((*CELLS, b"a.1", b"__class__", b"<b>x</b>", b"[red]", b" "))
        case 1:
            names[at] = rng.choice(names)
        case 2:
            del names[at]
        case 3:
            return others
        case 4:
            names = [names[at]] * len(names)
        case 5:
            names *= rng.choice((2, 300))
    return b",".join(names) + b"\n" + others


def _whole(blob: bytes, rng: Random) -> bytes:
    match rng.randrange(7):
        case 0 | 1:
            return blob.replace(b",", rng.choice(SEPARATORS))
        case 2:
            return blob.replace(
                b"\n", rng.choice((b"\r\n", b"\r", b"\n\n", b"\x0b", b"\xe2\x80\xa8"))
            )
        case 3:
            text = blob.decode("utf-8", "replace")
            return text.encode(rng.choice(TEXT_ENCODINGS), "replace")
        case 4:
            return rng.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"\n" * 200, b"PAR1")) + blob
        case 5:
            return blob.replace(rng.choice((b"e", b"1", b".")), rng.choice(CELLS[:20]))
        case _:
            return rng.choice((b"", b"\n", b"a", b"a\n", b"\x00" * 9, blob[: rng.randrange(99)]))


# --- JSON ---------------------------------------------------------------------------------------


def forge_lines(blob: bytes, rng: Random) -> bytes:
    """Return lines of JSON, some of which were forged."""
    if rng.random() < 0.3:
        return forge_text(blob, rng)
    lines = blob.split(b"\n")
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(lines))
        try:
            lines[at] = forge_json(lines[at], rng)[1]
        except (ValueError, LookupError):
            lines[at] = crude(lines[at], rng)
    return b"\n".join(lines)


def forge_whole_json(blob: bytes, rng: Random) -> bytes:
    """Return one value of JSON, forged."""
    if rng.random() < 0.1:
        return crude(blob, rng)
    for _ in range(rng.choice((1, 1, 2))):
        try:
            json.loads(blob)
        except (ValueError, RecursionError):
            return crude(blob, rng)
        blob = forge_json(blob, rng)[1]
    return blob


# --- binary formats -----------------------------------------------------------------------------


def forge_ends(blob: bytes, rng: Random) -> bytes:
    """Return a file of Arrow's with other bytes, most of them in its head or its footer.

    The footer's length stands before the mark at the end.
    """
    data = bytearray(blob)
    length = int.from_bytes(data[-8:-4], "little")
    if data.endswith(b"ARROW1"):
        length = int.from_bytes(data[-10:-6], "little")
    footer = max(0, len(data) - length - 10)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        chance = rng.random()
        if chance < 0.65:
            at = rng.randrange(footer, len(data))
        elif chance < 0.8:
            at = rng.randrange(min(400, len(data)))
        else:
            at = rng.randrange(len(data))
        match rng.randrange(5):
            case 0:
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                data[at] = rng.choice((0, 1, 2, 127, 128, 254, 255))
            case 2:
                word = rng.choice(
                    (0, 1, 2**31 - 1, 2**31, 2**32 - 1, len(data), rng.randrange(999))
                )
                data[at : at + 4] = word.to_bytes(4, "little")
            case 3:
                data[at] = (data[at] + rng.choice((1, 2, 255, 254))) % 256
            case 4 if rng.random() < 0.2:
                return crude(bytes(data), rng)
    return bytes(data)


def forge_workbook(blob: bytes, rng: Random) -> bytes:
    """Return a workbook with other cells, references or counts, or other parts in its zip."""
    box = Zip.read(blob)
    entries = box.entries
    at = rng.randrange(len(entries))
    if rng.random() < 0.5:
        at = next(place for place, one in enumerate(entries) if "sheet1" in one.name)
    entry = entries[at]
    assert isinstance(entry.content, bytes)
    chance = rng.random()
    if chance < 0.6:
        entries[at] = entry.changed(_forge_xml(entry.content, rng))
    elif chance < 0.7:
        entries[at] = entry.changed(crude(entry.content, rng))
    elif chance < 0.8:
        del entries[at]
    elif chance < 0.9:
        key = rng.choice(("flags", "crc", "packed", "unpacked", "names", "extras"))
        forged = Entry(entry.name, entry.content, entry.is_stored)
        forged.local = {key: rng.choice((0, 1, 9, 60_000))}
        forged.central = rng.choice(({}, {"packed": rng.randrange(99)}, {"offset": 7}))
        entries[at] = forged
    else:
        return crude(box.pack(), rng)
    return box.pack()


def _forge_xml(content: bytes, rng: Random) -> bytes:
    """Return XML with other numbers, references or names, or with parts repeated or cut."""
    found = list(XML_NUMBER.finditer(content))
    chance = rng.random()
    if found and chance < 0.7:
        for match in sorted(rng.sample(found, min(len(found), rng.choice((1, 1, 2, 5)))), key=_end):
            content = content[: match.start()] + rng.choice(XML_VALUES) + content[match.end() :]
        return content
    if chance < 0.8:
        entities = b'<!DOCTYPE x [<!ENTITY a "' + b"b" * 999 + b'">]>'
        return content.replace(b"?>", b"?>" + entities, 1)
    tags = re.findall(rb"<[a-zA-Z:]+", content)
    if not tags:
        return crude(content, rng)
    tag = rng.choice(tags)
    other = rng.choice((*tags, b"<x", b"</", b""))
    return content.replace(tag, other, rng.choice((1, 1, -1)))


def _end(match: re.Match[bytes]) -> int:
    return -match.end()
