"""Format numbers, durations, counts and texts for people: in the report, on the terminal, in exports."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

SIGNIFICANT = 6  # digits of a score: ensembles of strong models differ in the fourth or fifth


def visible(value: object, longest: int = 200) -> str:
    r"""A text with control characters, direction marks and lone surrogates written out, and cut to a length.

    >>> visible("age\x1b[31m\n")
    'age\\x1b[31m\\n'
    >>> visible("abcdef", 4)
    'abc…'
    """
    text = str(value)
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    return (
        text
        if text.isprintable()
        else "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    )


def places(value: float | None, significant: int = SIGNIFICANT) -> int:
    """How many decimals show so many significant digits of a value.

    >>> places(0.913245), places(48213.2), places(0.00123)
    (6, 1, 8)
    """
    if value is None or not math.isfinite(value) or value == 0:
        return significant
    return min(12, max(0, significant - 1 - math.floor(math.log10(abs(value)))))


def number(value: float | None, decimals: int) -> str:
    """A number with so many decimals; nothing if there is none.

    >>> number(0.5, 3), number(None, 3)
    ('0.500', '')
    """
    return "" if value is None or not math.isfinite(value) else f"{value:.{decimals}f}"


def duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> duration(0.123), duration(58.31), duration(600), duration(3725)
    ('0.12 s', '58.3 s', '10 min', '1 h 2 min 5 s')
    """
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (rest, "s"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


def counted(count: int, noun: str, plural: str = "") -> str:
    """A count with its noun.

    >>> counted(1, "row"), counted(12500, "row"), counted(2, "class", "classes")
    ('1 row', '12 500 rows', '2 classes')
    """
    return f"{grouped(count)} {noun if count == 1 else plural or noun + 's'}"


def ordinal(place: int) -> str:
    """A place in a ranking.

    >>> [ordinal(place) for place in (1, 2, 3, 4, 11, 12, 13, 21, 102, 113)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '102nd', '113th']
    """
    is_teen = 10 <= place % 100 <= 20
    ending = "th" if is_teen else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{ending}"


def grouped(count: int) -> str:
    """A whole number with its digits in groups of three."""
    return f"{count:,}".replace(",", " ")


def listed(words: Iterable[object], most: int = 5) -> str:
    """A few words with commas, and how many more there are.

    >>> listed("abc", 2)
    'a, b and 1 more'
    """
    shown = [visible(word, 60) for word in words]
    more = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + more


def predict_command(folder: Path) -> str:
    """The command that predicts with a run folder.

    >>> predict_command(Path("runs/my table"))
    "automl predict 'runs/my table' new.csv"
    """
    return f"automl predict {shlex.quote(visible(folder, 4096))} new.csv"


def insight_command(folder: Path) -> str:
    """The command that tells what a run's trials teach."""
    return f"automl insight {shlex.quote(visible(folder, 4096))}"


def aligned(table: Sequence[tuple[str, ...]], left: Sequence[str]) -> str:
    """A table as text, its headings first: columns two spaces apart, to the right but for those named."""
    headings = table[0]
    widths = [max(len(line[place]) for line in table) for place in range(len(headings))]

    def cell(line: tuple[str, ...], place: int) -> str:
        return (
            line[place].ljust(widths[place])
            if headings[place] in left
            else line[place].rjust(widths[place])
        )

    return "\n".join(
        "  ".join(cell(line, place) for place in range(len(headings))).rstrip() for line in table
    )
