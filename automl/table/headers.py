"""Which line names the columns.

It is the first that holds the names that are needed, or one that does not look like data.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence

MAX_TITLE_LINES = 30  # above a header
MIN_FILLED_HEADER_SHARE = 0.7  # of a header's cells
MIN_WIDTH_OF_SPARSE_TITLES = 4
FIRST_YEAR = 1900
LAST_YEAR = 2100
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")

Row = Sequence[str]


def find_header(rows: Sequence[Row], needs: Sequence[str]) -> int | None:
    """Return the index of the first row with all needed names, or most of several; else None.

    >>> find_header([["Sales"], ["a", " y"], ["1", "2"]], ["y"])
    1

    A single name may also be the value of a cell: then the rows above must be titles, which fill
    fewer cells.

    >>> find_header([["a", "y"], ["1", "no"]], ["no"]) is None
    True
    """
    first_rows = rows[:MAX_TITLE_LINES]
    counts = [_count_names(row, needs) for row in first_rows]
    most = max(counts, default=0)
    if most == 0 or 2 * most <= len(needs):
        return None
    index = counts.index(most)
    if index == 0 or most > 1:
        return index
    above = map(_count_filled, rows[:index])
    n_filled = _count_filled(rows[index])
    if max(above) < n_filled:
        return index
    return None


def _count_names(row: Row, needs: Sequence[str]) -> int:
    """Return how many needed names a row holds, with or without the spaces around its cells."""
    wanted = set(needs)
    stripped = map(str.strip, row)
    n_exact = len(wanted.intersection(row))
    n_stripped = len(wanted.intersection(stripped))
    return max(n_exact, n_stripped)


def _count_filled(row: Row) -> int:
    return sum(bool(cell.strip()) for cell in row)


def matching_names(row: Row, needs: Sequence[str]) -> list[str]:
    """Return a header's names, stripped of spaces if more of the needed names match so."""
    wanted = set(needs)
    names = list(row)
    stripped = [name.strip() for name in names]
    n_exact = len(wanted.intersection(names))
    n_stripped = len(wanted.intersection(stripped))
    if n_stripped > n_exact:
        return stripped
    return names


def count_titles(rows: Sequence[Row]) -> int:
    """Return the number of title lines above a header; 0 if the first row is not a title.

    Titles fill few cells, and the header below them most, with words.

    >>> count_titles([["Sales 2024"], ["", ""], ["a", "b", "y"], ["1", "2", "3"], ["4", "5", "6"]])
    2
    >>> count_titles([["a", "b"], ["1", "2"]])
    0
    """
    if len(rows) < 3:
        return 0
    width_counts = Counter(map(len, rows))
    usual = width_counts.most_common(1)
    width = usual[0][0]
    last = len(rows) - 1
    first_rows = rows[:MAX_TITLE_LINES]
    for index, row in enumerate(first_rows):
        if index < last and _is_title(row, width):
            continue
        if _is_full_of_words(row, width):
            return index
        break
    return 0


def _is_title(row: Row, width: int) -> bool:
    if width < 2:
        return False
    n_filled = _count_filled(row)
    is_narrow = len(row) < width
    if n_filled <= 1 and (is_narrow or width >= 3):
        return True
    if width < MIN_WIDTH_OF_SPARSE_TITLES:
        return False
    return n_filled < width / 2


def _is_full_of_words(row: Row, width: int) -> bool:
    """Return whether a row looks like a header: most cells are filled, and none is a number."""
    if any(map(_NUMBER.fullmatch, row)):
        return False
    least = max(2, MIN_FILLED_HEADER_SHARE * width)
    return _count_filled(row) >= least


def has_header(rows: Sequence[Row]) -> bool:
    """Return whether the first row names the columns.

    It does not if all of it is numbers (other than 0, 1, 2, ..., which pandas writes for columns
    without a name, or a run of years), or if every cell of it is a number or a word that occurs
    in the same column again.
    """
    first = rows[0]
    rest = rows[1:]
    if _count_filled(first) == 0:
        return True
    matches = list(map(_NUMBER.fullmatch, first))
    if all(matches):
        return len(first) > 1 and _counts_up(first)
    if not any(matches):
        return True
    return not _repeats(first, rest)


def _counts_up(cells: Row) -> bool:
    """Return whether cells are consecutive numbers from 0 or 1 on, or consecutive years."""
    stripped = [cell.strip() for cell in cells]
    if not all(map(str.isdecimal, stripped)):
        return False
    numbers = list(map(int, cells))
    start = numbers[0]
    end = start + len(numbers)
    if numbers != list(range(start, end)):
        return False
    if start in (0, 1):
        return True
    return FIRST_YEAR <= start <= LAST_YEAR


def _repeats(first: Row, rest: Sequence[Row]) -> bool:
    """Return whether every cell of the first row is a number or occurs in its column again."""
    columns = list(itertools.zip_longest(*rest, fillvalue=""))
    if len(columns) != len(first):
        return False
    for index, cell in enumerate(first):
        if _NUMBER.fullmatch(cell):
            continue
        if cell not in columns[index]:
            return False
    return True


def numbered_names(width: int) -> list[str]:
    """Return names for columns without any: c1, c2, ..."""
    return [f"c{number}" for number in range(1, width + 1)]
