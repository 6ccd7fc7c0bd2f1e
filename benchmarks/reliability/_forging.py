"""Forge predictor files: what is changed knows the structure, and the checksum is made anew.

A forgery follows from its number alone, so that each can be made again.
"""

from __future__ import annotations

import struct
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from _forged_arrays import crude, forge_array
from _forged_boosters import Places, forge_booster, places_of
from _forged_json import forge_json
from _zips import Entry, Zip, seal


@dataclass
class Seed:
    """A predictor's file to forge others from, and the table that it predicts."""

    name: str
    table: str
    blob: bytes
    zip: Zip = field(init=False)
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.zip = Zip.read(self.blob)
        self.size = len(self.blob)


@dataclass
class Forgery:
    """A forged file, what was done to it, and the entries to which it was done."""

    blob: bytes
    table: str
    seed: str
    deeds: list[str]
    aims: list[str]
    is_sealed: bool = True


@dataclass
class Forger:
    """Makes forgeries of some seeds, and remembers where boosters have their structure."""

    seeds: list[Seed]
    places: dict[bytes, Places] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for seed in self.seeds:
            for _, content in _leaves(seed.zip):
                if content.startswith(b"CBM1"):
                    self.places[content] = places_of(content)

    def forge(self, number: int) -> Forgery:
        """Return the forgery of a number."""
        rng = Random(number)
        seed = rng.choice(self.seeds)
        made = _Making(self, seed, seed.zip.copy(), rng)
        for _ in range(rng.choice((1, 1, 1, 1, 2, 3))):
            made.change()
        body = made.zip.pack()
        if rng.random() < 0.04:
            made.note("crude bytes", "file")
            body = crude(body, rng)
        is_sealed = rng.random() < 0.97
        if is_sealed:
            blob = seal(body) if len(body) > 2 else body
        else:
            blob = _unsealed(seal(body), seed.blob, rng)
        return Forgery(blob, seed.table, seed.name, made.deeds, made.aims, is_sealed)


def _unsealed(blob: bytes, original: bytes, rng: Random) -> bytes:
    """Return a file whose checksum is not that of its content."""
    changed = bytearray(blob if rng.random() < 0.5 else original)
    at = rng.randrange(len(changed))
    changed[at] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _leaves(box: Zip, prefix: str = "") -> list[tuple[str, bytes]]:
    found = []
    for entry in box.entries:
        if isinstance(entry.content, Zip):
            found += _leaves(entry.content, f"{prefix}{entry.name}/")
        else:
            found.append((prefix + entry.name, entry.content))
    return found


@dataclass
class _Making:
    """A forgery being made."""

    forger: Forger
    seed: Seed
    zip: Zip
    rng: Random
    deeds: list[str] = field(default_factory=list)
    aims: list[str] = field(default_factory=list)

    def note(self, deed: str, aim: str) -> None:
        """Note what was done to what."""
        self.deeds.append(deed)
        self.aims.append(aim)

    def change(self) -> None:
        """Do one thing, chosen at random."""
        rng = self.rng
        chance = rng.random()
        if chance < 0.74:
            self.change_leaf(self.zip, "")
        elif chance < 0.82:
            self.change_entries(*self.some_box())
        elif chance < 0.94:
            self.change_headers(*self.some_box())
        elif chance < 0.97:
            self.mix()
        else:
            self.crude_inner()

    def some_box(self) -> tuple[Zip, str]:
        """Return the zip itself or one of those in it, which is copied first."""
        inner = [at for at, one in enumerate(self.zip.entries) if isinstance(one.content, Zip)]
        if inner and self.rng.random() < 0.6:
            at = self.rng.choice(inner)
            entry = self.zip.entries[at]
            assert isinstance(entry.content, Zip)
            box = entry.content.copy()
            self.zip.entries[at] = entry.changed(box)
            return box, "model"
        return self.zip, "file"

    def change_leaf(self, box: Zip, prefix: str) -> None:
        """Change the content of one entry, in the way of its kind."""
        rng = self.rng
        if not box.entries:
            return
        at = self._leaf_of(box)
        entry = box.entries[at]
        if isinstance(entry.content, Zip):
            inner = entry.content.copy()
            box.entries[at] = entry.changed(inner)
            self.change_leaf(inner, "model/")
            return
        name = prefix + entry.name
        box.entries[at] = entry.changed(self.changed_content(name, entry.content, rng))

    def _leaf_of(self, box: Zip) -> int:
        """Return the place of an entry; each half of those of a kind as often as the others."""
        rng = self.rng
        kinds: dict[str, list[int]] = {}
        for at, entry in enumerate(box.entries):
            kind = entry.name.split("/")[0]
            if kind == "state":
                kind = entry.name.rpartition(".")[2]
            kinds.setdefault(kind, []).append(at)
        weights = {"models": 6, "encodings": 3, "cleaner": 2, "npy": 3, "json": 2, "bin": 5}
        names = list(kinds)
        (kind,) = rng.choices(names, [weights.get(name, 1) for name in names])
        return rng.choice(kinds[kind])

    def changed_content(self, name: str, content: bytes, rng: Random) -> bytes:
        """Return other content of an entry."""
        aim = name.split("/", maxsplit=1)[0]
        if rng.random() < 0.02:
            self.note("crude content", aim)
            return crude(content, rng)
        try:
            deed, changed = self.forged(name, content, rng)
        except (ValueError, LookupError, RecursionError, struct.error):  # it was forged before
            deed, changed = "crude content", crude(content, rng)
        self.note(deed, aim)
        return changed

    def forged(self, name: str, content: bytes, rng: Random) -> tuple[str, bytes]:
        """Return what was done, and content changed in the way of its kind."""
        if name.endswith(".json"):
            return forge_json(content, rng)
        if content[:6] == b"\x93NUMPY":
            return forge_array(content, rng)
        return forge_booster(content, self.forger.places.get(content), rng)

    def change_entries(self, box: Zip, aim: str) -> None:
        """Remove, repeat, rename, add or swap entries."""
        rng = self.rng
        entries = box.entries
        if not entries:
            return
        at, other = rng.randrange(len(entries)), rng.randrange(len(entries))
        one = entries[at]
        match rng.randrange(9):
            case 0:
                self.note("entry removed", aim)
                del entries[at]
            case 1:
                self.note("entry twice", aim)
                entries.insert(other, Entry(one.name, entries[other].content, one.is_stored))
            case 2 | 3:
                self.note("contents swapped", aim)
                entries[at] = one.changed(entries[other].content)
                entries[other] = entries[other].changed(one.content)
            case 4:
                self.note("contents equal", aim)
                entries[at] = one.changed(entries[other].content)
            case 5:
                self.note("entry renamed", aim)
                name = rng.choice((*NAMES, one.name + "\0", one.name[:-1]))
                entries[at] = Entry(name, one.content, one.is_stored)
            case 6:
                self.note("entry added", aim)
                name = rng.choice(("cleaner/99.npy", "encodings/0/77.bin", "state/55.npy", "evil"))
                content = rng.choice((PICKLE, b"", _zeros(rng)))
                entries.insert(other, Entry(name, content, rng.random() < 0.3))
            case 7:
                self.note("order of entries", aim)
                rng.shuffle(entries)
            case 8:
                self.note("packed otherwise", aim)
                entries[at] = Entry(one.name, one.content, not one.is_stored)

    def change_headers(self, box: Zip, aim: str) -> None:
        """Let the headers of an entry, or the end of the list of entries, say something untrue."""
        rng = self.rng
        if not box.entries or rng.random() < 0.15:
            self.note("end of the list", aim)
            key = rng.choice(("disk", "first", "here", "count", "size", "start", "comment"))
            limit = 2**32 if key in ("size", "start") else 2**16
            box.end[key] = _near(rng, len(box.entries), limit)
            return
        at = rng.randrange(len(box.entries))
        entry = box.entries[at]
        forged = Entry(entry.name, entry.content, entry.is_stored)
        forged.local, forged.central = dict(entry.local), dict(entry.central)
        box.entries[at] = forged
        if rng.random() < 0.15:
            self.note("extra field", aim)
            forged.extra = rng.randbytes(rng.choice((0, 1, 3, 4, 60, 1000)))
            if rng.random() < 0.5:
                forged.extra = struct.pack("<HHQQQ", 1, 24, *(_near(rng, 9, 2**64) for _ in "123"))
            return
        key = rng.choice(
            ("flags", "method", "crc", "packed", "unpacked", "names", "extras", "offset")
        )
        limit = 2**16 if key in ("flags", "method", "names", "extras") else 2**32
        size = entry.packed()[1]
        value = _near(rng, size if key in ("packed", "unpacked") else 64, limit)
        if key == "method":
            value = rng.choice((0, 8, 12, 14, 99))
        headers = rng.choice(((forged.local,), (forged.central,), (forged.local, forged.central)))
        self.note("header of an entry", aim)
        for header in headers:
            if key == "names" and header is forged.central:
                continue
            header[key] = value

    def mix(self) -> None:
        """Take entries from another seed."""
        rng = self.rng
        other = rng.choice(self.forger.seeds)
        prefixes = ("models/", "encodings/", "cleaner/", "manifest", "residuals/", "state/")
        prefix = rng.choice(prefixes)
        self.note("parts of another file", prefix.rstrip("/"))
        if prefix == "state/":
            self.mix_arrays(other)
            return
        theirs = [one for one in other.zip.entries if one.name.startswith(prefix)]
        if rng.random() < 0.5 and theirs:
            theirs = [rng.choice(theirs)]
        for entry in theirs:
            at = self.zip.at(entry.name)
            if at is None:
                self.zip.entries.append(entry)
            else:
                self.zip.entries[at] = entry

    def mix_arrays(self, other: Seed) -> None:
        """Put an array of another seed's model into a model."""
        rng = self.rng
        box, _ = self.some_box()
        arrays = [content for name, content in _leaves(other.zip) if not name.endswith(".json")]
        places = [at for at, one in enumerate(box.entries) if one.name.endswith((".npy", ".bin"))]
        if arrays and places:
            at = rng.choice(places)
            box.entries[at] = box.entries[at].changed(rng.choice(arrays))

    def crude_inner(self) -> None:
        """Change bytes of a packed model."""
        rng = self.rng
        inner = [at for at, one in enumerate(self.zip.entries) if isinstance(one.content, Zip)]
        if not inner:
            return
        at = rng.choice(inner)
        entry = self.zip.entries[at]
        assert isinstance(entry.content, Zip)
        self.note("crude bytes", "model")
        self.zip.entries[at] = entry.changed(crude(entry.content.pack(), rng))


NAMES = (
    "../evil.py",
    "/etc/x",
    "state/0.pkl",
    "models/9.zip",
    "manifest.json",
    "encodings/7/state.json",
    "cleaner/00.npy",
    "STATE/state.json",
    "state/999999.npy",
    "",
)
PICKLE = b"cos\nsystem\n(S'touch /tmp/automl-was-here'\ntR."


def _zeros(rng: Random) -> bytes:
    """Return zeros, which compress very well; rarely many of them."""
    return bytes(rng.choice((0, 10, 10**4, 10**6)) if rng.random() < 0.97 else 10**8)


def _near(rng: Random, number: int, limit: int) -> int:
    """Return a number below a limit that is near another one, or near a power of two."""
    edges = (0, 1, 2**16 - 1, 2**31, 2**32 - 1, limit - 1)
    near = (number, number - 1, number + 1, number * 2)
    drawn: int = rng.choice((*edges, *near, rng.randrange(limit), rng.randrange(1, 4096)))
    return drawn % limit


def read_seeds(path: Path) -> tuple[list[Seed], dict[str, bytes]]:
    """Return the seeds of an archive, and the tables beside them, by their names."""
    seeds, tables = [], {}
    with tarfile.open(path) as archive:
        for member in sorted(archive.getmembers(), key=lambda one: one.name):
            opened = archive.extractfile(member)
            if opened is None:
                continue
            blob, name = opened.read(), Path(member.name)
            if name.suffix == ".csv":
                tables[name.stem] = blob
            else:
                seeds.append(Seed(name.stem, name.stem.split("-")[1], blob))
    return seeds, tables
