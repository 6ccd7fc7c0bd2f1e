"""What separates the fields of a text, how they are quoted, and which line names the columns: found out from the first lines."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from automl.errors import InputError
from automl.table.form import Form, separator_name
from automl.table.frames import unique_names
from automl.table.headers import (
    Row,
    has_header,
    made_names,
    place_of_names,
    titles_above,
    without_spaces,
)
from automl.table.raw import Note, Request
from automl.table.source import LONGEST_LINE, Look
from automl.table.stream import CUT, canonical, separator_of

SAMPLE_LINES = 200  # rows that are looked at
MOST_LINES = 2_000  # lines that may be needed for them: a quoted field may hold line breaks
FEWEST_AGREEING = (
    0.95  # of the lines have as many fields as most, where an unusual separator is believed
)
FEWEST_FIXED = 3  # lines that show columns of a fixed width
SPACED_SHARE = 0.95  # of separators have a space behind them, where it belongs to them
USUAL = (",", ";", "\t", "|")
UNUSUAL = ("^", ":", "~", "\x01", "\x1f", "\x02")
_LONG = re.compile(r"[,;|:~^#<>*!\x01\x1f\t]{2,4}")  # separators of several characters
_SAYS_SEPARATOR = re.compile(
    r"""\ufeff?["']?sep=(?P<separator>[^"'\r\n]{1,4})["']?[,;\t|]*(\r\n|\n|\r)""", re.IGNORECASE
)
_SHOWN = 60  # letters of a line in a message


@dataclass(frozen=True)
class Cut:
    """How a text is cut.

    Parameters
    ----------
    form : Form
    names : list of str
    trailing : bool
        Whether every line of data ends with one more separator than there are names.
    rows : int
        How many rows of data the first lines show.
    notes : tuple of Note
    """

    form: Form
    names: list[str]
    trailing: bool
    rows: int
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class _Line:
    """A row of cells, and how many lines of the file stand above it."""

    above: int
    cells: list[str]


@dataclass(frozen=True)
class _Judged:
    """The first lines under one form, and what speaks for it.

    Parameters
    ----------
    place : int
        Of the header, or of the first row of data, among the lines.
    named : bool
        Whether the header holds the names that are needed, or most of them.
    fits : bool
        Whether there are several fields, and as many names as fields.
    agreement : float
        The share of lines with as many fields as most.
    """

    form: Form
    lines: list[_Line]
    place: int
    named: bool
    fits: bool
    agreement: float
    width: int
    unusual: bool = False

    @property
    def rows(self) -> list[list[str]]:
        """From the header on."""
        return [line.cells for line in self.lines[self.place :]]

    @property
    def evidence(self) -> tuple[bool, bool, float, bool]:
        """What speaks for a way of quoting: at last, that there are as many names as fields."""
        return (self.named, self.fits, self.agreement, len(self.rows[0]) == self.width)

    def rank(self) -> tuple[bool, bool, bool, float, bool, int]:
        """Better forms are larger."""
        has_no_title = self.place == 0
        return (
            self.named,
            self.fits,
            not self.unusual,
            round(self.agreement, 1),
            has_no_title,
            self.width,
        )


def find_cut(text: Look, name: str, request: Request) -> Cut:
    """Find out how a text is cut.

    Raises
    ------
    InputError
        The user's separator separates nothing, or none is found and a column that is needed isn't there.
    """
    best = _best(text, name, request)
    return _cut(best, text, request)


def _best(text: Look, name: str, request: Request) -> _Judged:
    head, needs = _head(text.sample), request.needs
    base = Form(encoding=text.encoding)
    if (
        request.form is not None
        and request.form.kind == "text"
        and request.overrides.separator is None
    ):
        for form in _again(request.form, base, head):
            judged = _judge(head, form, needs) if form.widths else _best_variant(head, form, needs)
            if judged.named or (not needs and judged.fits):
                return judged
    if request.overrides.separator is not None:
        return _asked(head, name, request, base)
    if said := _SAYS_SEPARATOR.match(head):
        base = replace(base, skip=1)
        judged = _best_variant(head, replace(base, separator=said["separator"]), needs)
        if judged.fits or judged.named:
            return judged
    best = max(_candidates(head, base, needs), key=_Judged.rank)
    alone = _one_column(head, base, needs)
    if best.fits or (len(best.lines[best.place].cells) > 1 and not alone.named):
        return best
    if needs and not alone.named:
        tried = ", ".join(
            [*map(separator_name, (*USUAL, " ", *UNUSUAL[:-1])), "columns of a fixed width"]
        )
        first = head.strip().partition("\n")[0].rstrip()[:_SHOWN]
        raise InputError(
            f"{name}: no column {needs[0]!r}: nothing separates the fields of its first line, {first!r}. Tried: {tried}. "
            "Name another separator: --separator SEP."
        )
    return alone


def _head(sample: str) -> str:
    """The lines that are looked at, whatever ends them."""
    sample = sample.replace("\r\n", "\n") if "\n" in sample else sample.replace("\r", "\n")
    place = 0
    for _ in range(MOST_LINES):
        place = sample.find("\n", place) + 1
        if place == 0:
            return sample
    return sample[:place]


def _again(form: Form, base: Form, head: str) -> Iterator[Form]:
    """A form as another file may have it: with a line that says the separator or without."""
    same = replace(form, encoding=base.encoding, skip=0)
    said = _SAYS_SEPARATOR.match(head)
    if said and said["separator"] == form.separator:
        yield replace(same, skip=1)
    yield same


def _asked(head: str, name: str, request: Request, base: Form) -> _Judged:
    """The separator that the user names."""
    separator = str(request.overrides.separator)
    forms = [replace(base, separator=separator)]
    if separator == " ":
        forms.insert(0, replace(base, separator=separator, repeated=True))
    variants = (variant for form in forms for variant in _variants(head, form))
    if said := _SAYS_SEPARATOR.match(head):
        variants = (
            (replace(variant, skip=1) for variant in variants)
            if said["separator"] == separator
            else variants
        )
    best = max((_judge(head, variant, request.needs) for variant in variants), key=_Judged.rank)
    if best.width < 2 and not best.named:
        first = head.strip().partition("\n")[0].rstrip()[:_SHOWN]
        raise InputError(
            f"--separator {separator!r}: separates nothing in {name}, whose first line is {first!r}."
        )
    return best


def _candidates(head: str, base: Form, needs: Sequence[str]) -> Iterator[_Judged]:
    """The first lines under every form that they may have."""
    long = _long_separator(head)
    if long is not None:
        yield _best_variant(head, replace(base, separator=long), needs)
    for separator in USUAL:
        if (separator in head or separator == ",") and separator not in (long or ""):
            yield _best_variant(head, replace(base, separator=separator), needs)
    unusual = [
        replace(base, separator=separator)
        for separator in UNUSUAL
        if separator in head and separator not in (long or "")
    ]
    for form in unusual:
        judged = _best_variant(head, form, needs)
        if judged.fits and judged.agreement >= FEWEST_AGREEING:
            yield replace(judged, unusual=True)
    if " " in head and (spaced := _spaces(head, base, needs)) is not None:
        yield spaced
    if " " in head and (fixed := _fixed(head, base, needs)) is not None:
        yield fixed


def _long_separator(head: str) -> str | None:
    r"""Find a separator of several characters, which stand nowhere else in the first line; None if there is none.

    >>> _long_separator("a::b::y\n1::2::no\n"), _long_separator("a,,y\n"), _long_separator("a,b,,y\n")
    ('::', ',,', None)
    """
    first, *others = head.strip().split("\n", SAMPLE_LINES)[:SAMPLE_LINES]
    found = set(_LONG.findall(first))
    if len(found) != 1:
        return None
    separator = found.pop()
    alone = first.replace(separator, "")
    if set(alone) & set(separator) or any(separator not in line for line in others if line.strip()):
        return None
    return (
        separator
        if len({line.count(separator) for line in (first, *others) if line.strip()}) == 1
        else None
    )


def _spaces(head: str, base: Form, needs: Sequence[str]) -> _Judged | None:
    """The first lines cut at runs of spaces, or else at single ones, if that fits every line."""
    for repeated in (True, False):
        judged = _best_variant(head, replace(base, separator=" ", repeated=repeated), needs)
        if judged.fits and judged.agreement == 1:
            return replace(judged, unusual=True)
    return None


def _one_column(head: str, base: Form, needs: Sequence[str]) -> _Judged:
    """Nothing is separated."""
    separator = next(one for one in (CUT, "\x1e", "\x1d", "\x02") if one not in head)
    return _judge(head, replace(base, separator=separator), needs)


def _best_variant(head: str, form: Form, needs: Sequence[str]) -> _Judged:
    """A form with the quotation marks under which most lines agree."""
    judged = [_judge(head, variant, needs) for variant in _variants(head, form)]
    best = judged[0]
    for other in judged[1:]:
        ahead = other.evidence > best.evidence
        if ahead or (other.evidence == best.evidence and _is_quoted_so(best, other.form, head)):
            best = other
    return best


def _variants(head: str, form: Form) -> Iterator[Form]:
    """How fields may be quoted: as usual, with quotation marks escaped, and in single quotes."""
    form = replace(form, spaced=_is_spaced(head, form))
    yield form
    if form.quote != '"':
        form = replace(form, quote='"', escape=None)
        yield form
    if '\\"' in head:
        yield replace(form, escape="\\")
    separator = re.escape(form.separator or "")
    if re.search(rf"(^|{separator})\s*'[^'\n]*'\s*({separator}|$)", head, re.MULTILINE):
        single = replace(form, quote="'")
        yield single
        if "\\'" in head:
            yield replace(single, escape="\\")


def _is_quoted_so(base: _Judged, form: Form, head: str) -> bool:
    """Whether fields show the marks of a form where they are read as plain letters."""
    if (
        form.escape is not None
    ):  # a mark that ends a field may follow a backslash that belongs to a path
        mark, separator = re.escape(f"{form.escape}{form.quote}"), re.escape(form.separator or "")
        return re.search(rf"{mark}(?!\s*({separator}|$))", head, re.MULTILINE) is not None
    quote = str(form.quote)
    columns = zip(*(row for row in base.rows if len(row) == base.width), strict=False)
    return any(_all_quoted(column, quote) for column in columns)


def _all_quoted(column: Sequence[str], quote: str) -> bool:
    cells = [cell.strip() for cell in column[1:] if cell.strip()]
    return bool(cells) and all(len(cell) > 1 and cell[0] == cell[-1] == quote for cell in cells)


def _is_spaced(head: str, form: Form) -> bool:
    """Whether spaces follow separators throughout, or quotation marks follow spaces."""
    separator = form.separator
    if separator is None or separator in (" ", "\t"):
        return False
    if f'{separator} "' in head and re.search(f'"{re.escape(separator)}|"$', head, re.MULTILINE):
        return True
    lines = [line for line in head.split("\n")[:SAMPLE_LINES] if separator in line]
    seen = sum(line.count(separator) for line in lines)
    spaced = sum(
        line.count(f"{separator} ") + line.rstrip("\r").endswith(separator) for line in lines
    )
    return seen > 0 and f"{separator} " in lines[0] and spaced >= SPACED_SHARE * seen


def _judge(head: str, form: Form, needs: Sequence[str]) -> _Judged:
    """Cut the first lines under a form, and see what speaks for it."""
    lines = [line for line in split(head, form) if line.above >= form.skip] or [
        _Line(0, [head.strip()])
    ]
    rows: list[Row] = [line.cells for line in lines]
    found = place_of_names(rows, needs)
    place = titles_above(rows) if found is None else found
    below = rows[place:]
    widths = Counter(map(len, below))
    width = len(below[0]) if len(below) == 2 else widths.most_common(1)[0][0]
    header = len(below[0])
    ended = header >= 2 and header == width - 1 and set(map(len, below[1:])) == {width}
    fits = width > 1 and (header == width or ended)
    agreement = widths[width] / len(below) if width > 1 else -1.0
    if ended:
        agreement = 1.0
    skip = max(form.skip, lines[place].above) if place else form.skip
    return _Judged(
        replace(form, skip=skip), lines, place, found is not None, fits, agreement, width
    )


def split(sample: str, form: Form) -> list[_Line]:
    """Cut the first lines into cells."""
    separator = separator_of(form)
    text = canonical(sample, form)
    if form.repeated:
        text, separator = _with_single_spaces(text), " "
    quoting: Literal[0, 3] = (
        csv.QUOTE_NONE if form.quote is None or form.widths else csv.QUOTE_MINIMAL
    )
    limit = csv.field_size_limit(LONGEST_LINE)
    lines: list[_Line] = []
    try:
        stream = io.StringIO(text, newline="")
        reader = csv.reader(
            stream,
            delimiter=separator,
            quotechar=form.quote or '"',
            quoting=quoting,
            skipinitialspace=form.spaced,
        )
        above = 0
        for cells in reader:
            if any(cells) or len(cells) > 1:
                lines.append(_Line(above, cells))
            above = reader.line_num
            if len(lines) == SAMPLE_LINES:
                break
    except csv.Error:
        plain = text.splitlines()[:SAMPLE_LINES]
        return [_Line(above, line.split(separator)) for above, line in enumerate(plain) if line]
    finally:
        csv.field_size_limit(limit)
    return lines


def _with_single_spaces(text: str) -> str:
    """One space where there are several blanks, outside of quotes."""
    single = re.sub(r'("(?:[^"\n]|"")*")|[ \t]+', lambda found: found[1] or " ", text)
    return "\n".join(line.strip(" ") for line in single.split("\n"))


def _fixed(head: str, base: Form, needs: Sequence[str]) -> _Judged | None:
    """The first lines as columns of a fixed width, if blanks stand above each other in all of them."""
    lines = [line.rstrip().expandtabs() for line in head.split("\n")[:SAMPLE_LINES] if line.strip()]
    place = place_of_names([line.split() for line in lines], needs) or 0
    lines = lines[place:]
    if len(lines) < FEWEST_FIXED or "\t" in head:
        return None
    longest = max(map(len, lines))
    filled = [any(line[at : at + 1].strip() for line in lines) for at in range(longest)]
    starts = [at for at in range(longest) if filled[at] and (at == 0 or not filled[at - 1])]
    if len(starts) < 2 or len(starts) > 1_000:
        return None
    judged = _judge(head, replace(base, separator=None, widths=tuple(starts)), needs)
    header = judged.rows[0]
    if not all(cell and not (needs and " " in cell and cell not in needs) for cell in header):
        return None
    return replace(judged, unusual=True)


def _cut(best: _Judged, text: Look, request: Request) -> Cut:
    """The names, and what is told of the form."""
    rows = best.rows
    header = _header(best, request)
    raw = list(rows[0]) if header else made_names(best.width)
    if header and best.form.spaced:
        raw = [cell.strip() for cell in raw]
    if header:
        raw = without_spaces(raw, request.needs)
    form = replace(best.form, header=header)
    raw, trailing, notes = _with_ends(raw, rows, header, form)
    names, repeated = unique_names(raw)
    notes = [*repeated, *_told(best, form, text, request), *notes]
    if not header:
        what = "the first line looks like data: the columns were named c1, c2, ..."
        notes.append(Note("header_made", tuple(names), what, len(names)))
    if short := sum(len(row) < len(names) for row in rows[1:]):
        notes.append(
            Note(
                "short_lines",
                (),
                "lines with too few fields were filled up with empty cells",
                short,
            )
        )
    return Cut(form, names, trailing, len(rows) - header, tuple(notes))


def _header(best: _Judged, request: Request) -> bool:
    """Whether the first of the rows names the columns: it does if it holds the names that are needed."""
    if best.named:
        return True
    made = set(made_names(best.width))
    if request.form is not None and not request.form.header and set(request.needs) <= made:
        return False
    return has_header(best.rows)


def _with_ends(
    raw: list[str], rows: list[list[str]], header: bool, form: Form
) -> tuple[list[str], bool, list[Note]]:
    """The names where lines have one field more than the header: an empty one at their end, or the row's name in front."""
    data = rows[1:]
    longer = header and bool(data) and {len(row) for row in data} == {len(raw) + 1}
    if longer and all(row[-1] == "" for row in data):
        return raw, True, []
    if longer and len(raw) > 1 and _is_row_names([row[0] for row in data]):
        return (
            ["row", *raw],
            False,
            [
                Note(
                    "row_names",
                    ("row",),
                    "the first field of each line has no name: it is the row's",
                    1,
                )
            ],
        )
    if (
        header
        and len(raw) > 1
        and raw[-1] == ""
        and all(row[-1] == "" for row in rows if len(row) == len(raw))
    ):
        return raw[:-1], True, []  # the header ends with a separator, too
    return raw, False, []


def _is_row_names(cells: list[str]) -> bool:
    """Whether a first field names the rows, as R writes it: numbers that count up, or words that all differ."""
    if all(cell.isdecimal() for cell in cells):
        numbers = list(map(int, cells))
        return numbers == list(range(numbers[0], numbers[0] + len(numbers))) and numbers[0] in (
            0,
            1,
        )
    return (
        len(cells) > 2
        and len(set(cells)) == len(cells)
        and not any(cell[:1].isdecimal() for cell in cells)
    )


def _told(best: _Judged, form: Form, text: Look, request: Request) -> list[Note]:
    """What was found out, each with the option that changes it."""
    notes = []
    if request.overrides.separator is None and (what := _separated(form, best.width)):
        notes.append(Note("separator", (), what, override="--separator SEP"))
    if form.quote == "'":
        notes.append(Note("quote", (), "fields stand in single quotes"))
    if form.escape is not None:
        notes.append(
            Note("escape", (), f"quotation marks within fields are escaped by {form.escape}")
        )
    said = _SAYS_SEPARATOR.match(text.sample) is not None
    if (titles := form.skip - said) > 0:
        notes.append(
            Note(
                "title_lines",
                (),
                f"{titles} line{'s' * (titles > 1)} above the header left out",
                titles,
            )
        )
    return notes


def _separated(form: Form, width: int) -> str:
    """What separates the fields, in words; empty for commas."""
    if form.widths:
        return f"the {len(form.widths)} columns have a fixed width"
    if form.separator in (None, ",") or width < 2:
        return ""
    if form.repeated:
        return "the fields are separated by one or several spaces"
    return f"the fields are separated by {separator_name(str(form.separator), many=True)}"
