"""Names of columns that all differ, whatever the header says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from automl.table.raw import Note

Names = Sequence[str]


def unique_names(names: Names) -> tuple[list[str], list[Note]]:
    """Return names that all differ, with notes on those that were changed.

    Blank names become `column_` and the column's number, repeated ones get a number.
    """
    notes: list[Note] = []
    filled: list[str] = []
    blank: list[str] = []
    for number, name in enumerate(names, 1):
        if name.strip():
            filled.append(name)
            continue
        new = f"column_{number}"
        filled.append(new)
        blank.append(new)
    if blank:
        what = "columns without a name were named by their number"
        note = Note("header_blank", tuple(blank), what, len(blank))
        notes.append(note)
    unique = list(_numbered_repeats(filled))
    renamed: list[str] = []
    repeated: dict[str, None] = {}
    for old, new in zip(filled, unique, strict=True):
        if old != new:
            renamed.append(new)
            repeated[old] = None
    if renamed:
        what = f"columns of the same name were renamed: {', '.join(renamed)}"
        note = Note("header_duplicate", tuple(repeated), what, len(renamed))
        notes.append(note)
    return unique, notes


def _numbered_repeats(names: Names) -> Iterator[str]:
    """Yield names, those that occurred before with a number that makes them new."""
    taken = set(names)
    next_numbers: dict[str, int] = {}
    for name in names:
        if name not in next_numbers:
            next_numbers[name] = 2
            yield name
            continue
        number = next_numbers[name]
        while f"{name}.{number}" in taken:
            number += 1
        next_numbers[name] = number + 1  # counting from 2 each time would be quadratic
        new = f"{name}.{number}"
        taken.add(new)
        yield new
