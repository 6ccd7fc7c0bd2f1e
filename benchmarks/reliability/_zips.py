"""Zips as values whose every field can be forged: parts, packed, and sealed by a digest."""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import Any

from automl.predictor.archive import DIGEST_PREFIX

LOCAL = struct.Struct("<4s5H3L2H")
CENTRAL = struct.Struct("<4s4B4HL2L5H2L")
END = struct.Struct("<4s4H2LH")
ALIGNMENT = 64
LOCAL_FIELDS = ("flags", "method", "time", "date", "crc", "packed", "unpacked", "names", "extras")


@dataclass
class Entry:
    """An entry, whose content is bytes or a zip of its own.

    `local` and `central` hold what its two headers say instead of the truth.
    """

    name: str
    content: bytes | Zip
    is_stored: bool = True
    local: dict[str, int] = field(default_factory=dict)
    central: dict[str, int] = field(default_factory=dict)
    extra: bytes | None = None
    _packed: tuple[int, int, bytes] | None = None

    def packed(self) -> tuple[int, int, bytes]:
        """Return the CRC, the size, and the bytes as they lie in the zip; kept, if unchanged."""
        if self._packed is None:
            content = self.content if isinstance(self.content, bytes) else self.content.pack()
            crc = zlib.crc32(content)
            if self.is_stored:
                return crc, len(content), content
            deflater = zlib.compressobj(1, zlib.DEFLATED, -15)
            self._packed = crc, len(content), deflater.compress(content) + deflater.flush()
        return self._packed

    def changed(self, content: bytes | Zip) -> Entry:
        """Return an entry of the same name with other content."""
        return Entry(self.name, content, self.is_stored)


@dataclass
class Zip:
    """The entries of a zip, in their order; `end` holds what its end says instead of the truth."""

    entries: list[Entry]
    end: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, blob: bytes) -> Zip:
        """Return the entries of a zip, and those of the zips in it."""
        entries = []
        with zipfile.ZipFile(io.BytesIO(blob)) as archive:
            for info in archive.infolist():
                content: Any = archive.read(info)
                if info.filename.endswith(".zip"):
                    content = cls.read(content)
                is_stored = info.compress_type == zipfile.ZIP_STORED
                entries.append(Entry(info.filename, content, is_stored))
        return cls(entries)

    def copy(self) -> Zip:
        """Return a zip of the same entries, in which others can be put in their places."""
        return Zip(list(self.entries))

    def at(self, name: str) -> int | None:
        """Return the place of an entry, if there is one of this name."""
        return next((at for at, one in enumerate(self.entries) if one.name == name), None)

    def pack(self) -> bytes:
        """Return the bytes, stored entries aligned as `automl.state` aligns them."""
        out = bytearray()
        central = bytearray()
        for entry in self.entries:
            crc, size, data = entry.packed()
            name = entry.name.encode("utf-8", "replace")
            start = len(out)
            extra = entry.extra
            if extra is None:
                extra = b""
                if entry.is_stored:
                    gap = -(start + LOCAL.size + len(name) + 4) % ALIGNMENT
                    extra = struct.pack("<HH", 0xD935, gap) + bytes(gap)
            fields = {
                "flags": 0,
                "method": 0 if entry.is_stored else 8,
                "time": 0,
                "date": 33,
                "crc": crc,
                "packed": len(data),
                "unpacked": size,
                "names": len(name),
                "extras": len(extra),
            }
            local = fields | entry.local
            out += LOCAL.pack(b"PK\3\4", 20, *(local[key] for key in LOCAL_FIELDS))
            out += name + extra + data
            listed = fields | {"extras": 0, "offset": start} | entry.central
            values = [listed[key] for key in LOCAL_FIELDS]
            central += CENTRAL.pack(
                b"PK\1\2", 20, 3, 20, 0, *values, 0, 0, 0, 0o600 << 16, listed["offset"]
            )
            central += name
        end = {
            "disk": 0,
            "first": 0,
            "here": len(self.entries),
            "count": len(self.entries),
            "size": len(central),
            "start": len(out),
            "comment": 0,
        } | self.end
        return bytes(out + central + END.pack(b"PK\5\6", *end.values()))


def seal(body: bytes) -> bytes:
    """Return a zip without a comment with the digest that `automl` looks for in it."""
    comment = DIGEST_PREFIX + hashlib.sha256(memoryview(body)[:-2]).hexdigest().encode()
    return body[:-2] + len(comment).to_bytes(2, "little") + comment
