"""Which line names the columns: the first that holds the names that are needed, or one that looks like no data."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

MOST_TITLES = 30  # lines above a header
FILLED_SHARE = 0.7  # of a header's cells hold a name, at least
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")

Row = Sequence[str]


def place_of_names(rows: Sequence[Row], needs: Sequence[str]) -> int | None:
    """Find the first row that holds all needed names, or most of several; None if there is none.

    >>> place_of_names([["Sales"], ["a", " y"], ["1", "2"]], ["y"])
    1

    A single name may also be the value of a cell: then the rows above have to be titles, which fill fewer cells.

    >>> place_of_names([["a", "y"], ["1", "no"]], ["no"]) is None
    True
    """
    held = [names_held(row, needs) for row in rows[:MOST_TITLES]]
    best = max(held, default=0)
    if not best or 2 * best <= len(needs):
        return None
    place = held.index(best)
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows[: place + 1]]
    return place if best > 1 or not place or max(filled[:-1]) < filled[-1] else None


def names_held(row: Row, needs: Sequence[str]) -> int:
    """Count the needed names that a row holds, whatever spaces stand around them."""
    wanted = set(needs)
    return max(len(wanted & set(row)), len(wanted & {cell.strip() for cell in row}))


def without_spaces(row: Row, needs: Sequence[str]) -> list[str]:
    """A header's names, without spaces around them where the needed names have none."""
    bare = [cell.strip() for cell in row]
    return bare if len(set(needs) & set(bare)) > len(set(needs) & set(row)) else list(row)


def titles_above(rows: Sequence[Row]) -> int:
    """Count the lines of titles above a header: they fill few cells, and the header below them most, with words.

    >>> titles_above([["Sales 2024"], ["", ""], ["a", "b", "y"], ["1", "2", "3"], ["4", "5", "6"]])
    2
    >>> titles_above([["a", "b"], ["1", "2"]])
    0
    """
    if len(rows) < 3:
        return 0
    width = Counter(len(row) for row in rows).most_common(1)[0][0]
    for place, row in enumerate(rows[:MOST_TITLES]):
        if place < len(rows) - 1 and _is_title(row, width):
            continue
        return place if place and _is_full(row, width) else 0
    return 0


def _is_title(row: Row, width: int) -> bool:
    filled = sum(bool(cell.strip()) for cell in row)
    if width < 2:
        return False
    is_alone = filled <= 1 and (len(row) < width or width >= 3)
    return is_alone or (width >= 4 and filled < width / 2)


def _is_full(row: Row, width: int) -> bool:
    """Whether a row looks like a header: most cells hold a word that is no number."""
    filled = [cell for cell in row if cell.strip()]
    return len(filled) >= max(2, FILLED_SHARE * width) and not any(
        _NUMBER.fullmatch(cell) for cell in filled
    )


def has_header(rows: Sequence[Row]) -> bool:
    """Whether the first row names the columns.

    It does not if all of it is numbers (other than 0, 1, 2, ..., which pandas writes for columns without a name, or a run of years),
    or if every cell of it is a number or a word that stands in the same column again.
    """
    first, rest = rows[0], rows[1:]
    if not any(cell.strip() for cell in first):
        return True
    numeric = [_NUMBER.fullmatch(cell) is not None for cell in first]
    if all(numeric):
        return len(first) > 1 and _counts_up(first)
    if not any(numeric) or len(rest) < 2:
        return not (_repeats(first, rest, numeric) and any(numeric))
    return not _repeats(first, rest, numeric)


def _counts_up(cells: Row) -> bool:
    if not all(cell.strip().isdecimal() for cell in cells):
        return False
    steps = np.diff([int(cell) for cell in cells])
    return bool((steps == 1).all()) and (int(cells[0]) in (0, 1) or 1900 <= int(cells[0]) <= 2100)


def _repeats(first: Row, rest: Sequence[Row], numeric: list[bool]) -> bool:
    columns = list(itertools.zip_longest(*rest, fillvalue=""))
    if len(columns) != len(first):
        return False
    return all(
        is_number or cell in column
        for cell, is_number, column in zip(first, numeric, columns, strict=True)
    )


def made_names(width: int) -> list[str]:
    """Names for columns without any."""
    return [f"c{place}" for place in range(1, width + 1)]
