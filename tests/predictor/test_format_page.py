"""docs/format.md names all that is in a predictor's file."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from automl.cleaning import calendars, date_layouts, durations, numbers
from automl.cleaning.cells import MISSING_WORDS
from automl.cleaning.kinds import KINDS
from automl.cleaning.kinds.flag import FALSE_WORDS, TRUE_WORDS
from automl.features.date import CYCLES, DATE_PARTS
from automl.features.encoding import ENCODERS
from automl.features.scaling import SCALERS
from automl.models import FAMILIES
from automl.predictor.archive import PREDICTOR_FORMAT
from automl.state import ZIP_EPOCH
from tests.predictor.test_samples import FOLDER

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")
SAMPLES = sorted((FOLDER / f"format-{PREDICTOR_FORMAT}").glob("*.automl"))
ALIGNMENT = 64


def keys_of(value: Any) -> Iterator[str]:
    """Yield the keys of all objects in plain values, apart from those that are names of columns."""
    if isinstance(value, list):
        for item in value:
            yield from keys_of(item)
    if isinstance(value, dict):
        for key, item in value.items():
            if key in ("versions", "schema"):  # for people
                continue
            yield key
            has_names = key in ("twins", "codes")
            yield from keys_of([*item.values()] if has_names else item)


def states_of(archive: zipfile.ZipFile) -> Iterator[Any]:
    for name in archive.namelist():
        if name.endswith(".json"):
            yield json.loads(archive.read(name))
        if name.endswith(".zip"):
            with zipfile.ZipFile(BytesIO(archive.read(name))) as inner:
                yield from states_of(inner)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_key_of_the_samples_is_on_the_page(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        keys = {key for state in states_of(archive) for key in keys_of(state)}
    numbered = r"(weights|intercepts|gains|kind|activation)\d+"
    keys = {re.sub(numbered, r"\g<1>0", key) for key in keys}
    assert len(keys) > 50
    assert [key for key in sorted(keys) if f"`{key}`" not in PAGE and f'"{key}"' not in PAGE] == []


def test_every_name_of_a_kind_is_on_the_page() -> None:
    names = [*ENCODERS, *SCALERS, *DATE_PARTS, *CYCLES]
    names += [kind.name for kind in KINDS]
    names += [family.name for family in FAMILIES]
    names += calendars.EPOCH_TICKS_PER_SECOND
    assert [name for name in names if f"`{name}`" not in PAGE] == []


def test_the_words_for_missing_cells_and_flags_are_on_the_page() -> None:
    after = PAGE.split("whatever their case (`str.casefold`):")[1]
    (block,) = re.findall(r"\A\s*```text\n(.*?)```", after, flags=re.DOTALL)
    assert {*block.split(), "", "#n/a n/a"} == MISSING_WORDS
    true, false = re.findall(r"1 for `([^`]*)`, 0 for `([^`]*)`", PAGE)[0]
    assert set(true.split()) == TRUE_WORDS
    assert set(false.split()) == FALSE_WORDS


def without_blanks(text: str) -> str:
    return re.sub(r"\s", "", text).replace('\\"', '"')  # the program escapes quotation marks


def named(patterns: list[str], names: dict[str, str]) -> list[str]:
    """Return patterns in which those that have a name are replaced by it, in braces."""
    for name in sorted(names, key=lambda name: -len(names[name])):
        patterns = [pattern.replace(names[name], f"{{{name}}}") for pattern in patterns]
    return patterns


def test_the_patterns_of_dates_and_durations_are_those_of_the_program() -> None:
    names = {
        "YEAR": calendars._YEAR,
        "ANY_YEAR": calendars._ANY_YEAR,
        "DAY": calendars._DAY,
        "MONTH": calendars._MONTH,
        "CLOCK": calendars._CLOCK,
        "ZONE": calendars._ZONE,
    }
    patterns = list(calendars._DAYS)
    patterns += [calendars._DATE_THEN_CLOCK, calendars._CLOCK_THEN_DATE]
    patterns = named(patterns, names) + list(names.values())
    patterns += [durations._CLOCK.pattern, durations._ISO.pattern, durations._AMOUNT.pattern]
    patterns += [date_layouts._ISO_SHAPE.pattern]
    assert_on_page(patterns)


def test_the_patterns_of_numbers_are_those_of_the_program() -> None:
    names = {
        "GROUPED": without_blanks(numbers._GROUPED),
        "INDIAN": numbers._INDIAN,
        "MONEY": numbers._MONEY,
    }
    amount = without_blanks(numbers._amount_pattern(comma=False).pattern)
    money = numbers._MONEY.replace(numbers._CURRENCY_CODES, "{CURRENCY}")
    others = ("_DEGREES", "_NO_CENTS", "_BOUND", "_MARK")
    patterns = [*named([amount], names), names["GROUPED"], numbers._INDIAN, money]
    patterns += [numbers._CURRENCY_CODES, *(getattr(numbers, name).pattern for name in others)]
    assert_on_page(patterns)


def assert_on_page(patterns: list[str]) -> None:
    page = without_blanks(PAGE)
    assert [pattern for pattern in patterns if without_blanks(pattern) not in page] == []


def test_the_zones_of_the_page_are_those_of_the_program() -> None:
    rows = re.findall(r"^\| ([-\d., ]+) \| ([a-z; ]+) \|$", PAGE, flags=re.MULTILINE)
    offsets = {}
    for hours, zones in rows:
        for hour, names in zip(hours.split(", "), zones.split("; "), strict=True):
            offsets |= dict.fromkeys(names.split(), float(hour))
    assert offsets == calendars._OFFSET_HOURS


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_stored_entries_are_aligned_and_others_are_json(path: Path) -> None:
    blob = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    for entry in entries:
        assert entry.date_time == ZIP_EPOCH
        if entry.filename.endswith(".json"):
            assert entry.compress_type == zipfile.ZIP_DEFLATED
            continue
        assert entry.compress_type == zipfile.ZIP_STORED
        lengths = blob[entry.header_offset + 26 : entry.header_offset + 30]
        name, extra = lengths[:2], lengths[2:]
        start = entry.header_offset + 30
        start += int.from_bytes(name, "little") + int.from_bytes(extra, "little")
        assert start % ALIGNMENT == 0
