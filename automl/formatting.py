"""Format numbers, durations, counts and texts for people: in reports, exports, on the terminal."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

SCORE_DIGITS = 6  # significant ones: ensembles of strong models differ in the fourth or fifth
MAX_DECIMALS = 12
MAX_ITEM_CHARACTERS = 60  # of a word in a list
MAX_PATH_CHARACTERS = 4096
ORDINAL_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


def visible(value: object, longest: int = 200) -> str:
    r"""Return a value as text that is safe to print, cut to `longest` characters.

    Control characters, direction marks and lone surrogates are written as escapes.

    >>> visible("age\x1b[31m\n")
    'age\\x1b[31m\\n'
    >>> visible("abcdef", 4)
    'abc…'
    """
    text = str(value)
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    if text.isprintable():
        return text
    return "".join(_escape(character) for character in text)


def _escape(character: str) -> str:
    if character.isprintable():
        return character
    escape = character.encode("unicode_escape")
    return escape.decode()


def decimal_places(value: float | None, significant: int = SCORE_DIGITS) -> int:
    """Return how many decimals show a value with the given number of significant digits.

    >>> decimal_places(0.913245), decimal_places(48213.2), decimal_places(0.00123)
    (6, 1, 8)
    """
    if value is None or not math.isfinite(value):
        return significant
    if value == 0:
        return significant
    exponent = math.log10(abs(value))
    decimals = significant - 1 - math.floor(exponent)
    decimals = max(0, decimals)
    return min(MAX_DECIMALS, decimals)


def format_number(value: float | None, decimals: int) -> str:
    """Return a number with a fixed count of decimals; an empty text for None, NaN and infinity.

    >>> format_number(0.5, 3), format_number(None, 3)
    ('0.500', '')
    """
    if value is None or not math.isfinite(value):
        return ""
    return f"{value:.{decimals}f}"


def format_duration(seconds: float) -> str:
    """Return seconds as people write them.

    >>> format_duration(0.123), format_duration(58.31), format_duration(600), format_duration(3725)
    ('0.12 s', '58.3 s', '10 min', '1 h 2 min 5 s')
    """
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = []
    if hours:
        parts.append(f"{hours} h")
    if minutes:
        parts.append(f"{minutes} min")
    if rest:
        parts.append(f"{rest} s")
    return " ".join(parts)


def format_count(count: int, noun: str, plural: str = "") -> str:
    """Return a count with its noun, in the plural where it needs one.

    >>> format_count(1, "row"), format_count(12500, "row"), format_count(2, "class", "classes")
    ('1 row', '12 500 rows', '2 classes')
    """
    if count != 1:
        noun = plural or f"{noun}s"
    digits = group_digits(count)
    return f"{digits} {noun}"


def ordinal(rank: int) -> str:
    """Return a rank as an English ordinal number.

    >>> [ordinal(rank) for rank in (1, 2, 3, 4, 11, 12, 13, 21, 102, 113)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '102nd', '113th']
    """
    is_teen = 10 <= rank % 100 <= 20
    if is_teen:
        return f"{rank}th"
    last_digit = rank % 10
    ending = ORDINAL_ENDINGS.get(last_digit, "th")
    return f"{rank}{ending}"


def group_digits(count: int) -> str:
    """Return a whole number with its digits in groups of three.

    >>> group_digits(1234567)
    '1 234 567'
    """
    return f"{count:,}".replace(",", " ")


def join_words(words: Iterable[object], most: int = 5) -> str:
    """Join the first `most` words with commas, and say how many more there are.

    >>> join_words("abc", 2)
    'a, b and 1 more'
    """
    shown = [visible(word, MAX_ITEM_CHARACTERS) for word in words]
    text = ", ".join(shown[:most])
    hidden = len(shown) - most
    if hidden > 0:
        text += f" and {hidden} more"
    return text


def predict_command(folder: Path) -> str:
    """Return the shell command that predicts with the model of a run folder.

    >>> predict_command(Path("runs/my table"))
    "automl predict 'runs/my table' new.csv"
    """
    path = _quoted(folder)
    return f"automl predict {path} new.csv"


def insight_command(folder: Path) -> str:
    """Return the shell command that shows what the trials of a run teach."""
    path = _quoted(folder)
    return f"automl insight {path}"


def _quoted(folder: Path) -> str:
    path = visible(folder, MAX_PATH_CHARACTERS)
    return shlex.quote(path)


def align_columns(table: Sequence[tuple[str, ...]], left: Sequence[str]) -> str:
    """Return a table as lines of text, with columns two spaces apart.

    Parameters
    ----------
    table : sequence of tuple of str
        The headings, then the rows.
    left : sequence of str
        Headings of the columns that are aligned to the left; all others are aligned to the right.

    >>> print(align_columns([("name", "rows"), ("iris", "150"), ("a", "8")], left=["name"]))
    name  rows
    iris   150
    a        8
    """
    columns = []
    for column in zip(*table, strict=True):
        is_left = column[0] in left
        columns.append(_justified(column, is_left))
    lines = []
    for cells in zip(*columns, strict=True):
        line = "  ".join(cells)
        lines.append(line.rstrip())
    return "\n".join(lines)


def _justified(column: Sequence[str], is_left: bool) -> list[str]:
    width = max(len(text) for text in column)
    if is_left:
        return [text.ljust(width) for text in column]
    return [text.rjust(width) for text in column]
