"""The first lines of a text, parsed under one form, and the evidence for that form."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from automl.table.form import FileFormat
from automl.table.headers import count_titles, find_header
from automl.table.source import MAX_LINE_BYTES
from automl.table.stream import canonical_text, separator_of

N_SAMPLE_ROWS = 200  # that are parsed
# Share of separators that have a space behind them, where it belongs to the separator.
MIN_SPACED_SHARE = 0.95
MAX_BLANKS = 20  # around a cell in single quotes
_BLANKS_OR_QUOTED = re.compile(r'("(?:[^"\n]|"")*")|[ \t]+')

Needs = Sequence[str]
Evidence = tuple[bool, bool, float, bool]
Rank = tuple[bool, bool, bool, float, bool, int]


@dataclass(frozen=True)
class FileLine:
    """A row of cells, and the number of lines of the file above it."""

    above: int
    cells: list[str]


@dataclass(frozen=True)
class HeadParse:
    """The first lines parsed under one form, and the evidence for that form.

    Parameters
    ----------
    form : Form
    lines : list of FileLine
    header_index : int
        Index, among the lines, of the header or else of the first row of data.
    has_needs : bool
        Whether the header holds the names that are needed, or most of them.
    fits : bool
        Whether there are several fields, and as many names as fields.
    agreement : float
        Share of the lines that have the most frequent number of fields.
    width : int
        That number of fields.
    is_unusual : bool
        Whether few files have such a form.
    """

    form: FileFormat
    lines: list[FileLine]
    header_index: int
    has_needs: bool
    fits: bool
    agreement: float
    width: int
    is_unusual: bool = False

    @property
    def rows(self) -> list[list[str]]:
        """Rows of cells from the header on."""
        lines = self.lines[self.header_index :]
        return [line.cells for line in lines]

    @property
    def n_names(self) -> int:
        """Number of cells of the header."""
        header = self.lines[self.header_index]
        return len(header.cells)

    @property
    def evidence(self) -> Evidence:
        """Evidence for a way of quoting; more is larger."""
        has_all_names = self.n_names == self.width
        return (self.has_needs, self.fits, self.agreement, has_all_names)

    def rank(self) -> Rank:
        """Return a key by which better forms are larger."""
        return (
            self.has_needs,
            self.fits,
            not self.is_unusual,
            round(self.agreement, 1),
            self.header_index == 0,
            self.width,
        )


def parse_head(head: str, form: FileFormat, needs: Needs) -> HeadParse:
    """Parse the first lines under a form, and collect the evidence for it."""
    all_lines = split_lines(head, form)
    lines = [line for line in all_lines if line.above >= form.skip]
    if not lines:
        lines = [FileLine(0, [head.strip()])]
    rows = [line.cells for line in lines]
    index = find_header(rows, needs)
    has_needs = index is not None
    if index is None:
        index = count_titles(rows)
    skip = form.skip
    if index > 0:
        skip = max(skip, lines[index].above)
    widths = list(map(len, rows[index:]))
    width, agreement, fits = _agreement(widths)
    return HeadParse(
        form=replace(form, skip=skip),
        lines=lines,
        header_index=index,
        has_needs=has_needs,
        fits=fits,
        agreement=agreement,
        width=width,
    )


def _agreement(widths: list[int]) -> tuple[int, float, bool]:
    """Return the usual number of fields, the share of lines that have it, and whether names fit.

    Parameters
    ----------
    widths : list of int
        Number of fields of each line, the header's first.
    """
    counts = Counter(widths)
    n_names = widths[0]
    width = n_names
    if len(widths) != 2:
        width = counts.most_common(1)[0][0]
    if width < 2:
        return width, -1.0, False
    has_extra_field = n_names >= 2 and n_names == width - 1
    if has_extra_field and set(widths[1:]) == {width}:
        return width, 1.0, True
    agreement = counts[width] / len(widths)
    return width, agreement, n_names == width


def split_lines(sample: str, form: FileFormat) -> list[FileLine]:
    """Split the first lines into cells; empty lines are left out."""
    separator = separator_of(form)
    text = canonical_text(sample, form)
    if form.repeated:
        separator = " "
        text = _with_single_spaces(text)
    max_field_size = csv.field_size_limit(MAX_LINE_BYTES)
    try:
        return _parse_csv(text, separator, form)
    except csv.Error:
        return _split_plainly(text, separator)
    finally:
        csv.field_size_limit(max_field_size)


def _parse_csv(text: str, separator: str, form: FileFormat) -> list[FileLine]:
    has_quotes = form.quote is not None and not form.widths
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=separator,
        quotechar=form.quote or '"',
        quoting=csv.QUOTE_MINIMAL if has_quotes else csv.QUOTE_NONE,
        skipinitialspace=form.spaced,
    )
    lines: list[FileLine] = []
    above = 0
    for cells in reader:
        if any(cells) or len(cells) > 1:
            lines.append(FileLine(above, cells))
        above = reader.line_num
        if len(lines) == N_SAMPLE_ROWS:
            break
    return lines


def _split_plainly(text: str, separator: str) -> list[FileLine]:
    """Split lines at every separator, whatever the quotation marks."""
    lines = []
    for above, line in enumerate(text.splitlines()[:N_SAMPLE_ROWS]):
        if line:
            cells = line.split(separator)
            lines.append(FileLine(above, cells))
    return lines


def _with_single_spaces(text: str) -> str:
    """Replace several blanks by one space, outside of quotes."""
    single = _BLANKS_OR_QUOTED.sub(lambda match: match[1] or " ", text)
    lines = [line.strip(" ") for line in single.split("\n")]
    return "\n".join(lines)


def parse_best_quoting(head: str, form: FileFormat, needs: Needs) -> HeadParse:
    """Parse the first lines under a form with the quotation marks under which most lines agree."""
    variants = list(quoting_variants(head, form))
    best = parse_head(head, variants[0], needs)
    for variant in variants[1:]:
        other = parse_head(head, variant, needs)
        is_better = other.evidence > best.evidence
        if other.evidence == best.evidence:
            is_better = _shows_marks(best, other.form, head)
        if is_better:
            best = other
    return best


def quoting_variants(head: str, form: FileFormat) -> Iterator[FileFormat]:
    """Yield forms with all ways in which the fields may be quoted.

    As usual, with quotation marks escaped, and in single quotes.
    """
    form = replace(form, spaced=_is_spaced(head, form))
    yield form
    if form.quote != '"':
        form = replace(form, quote='"', escape=None)
        yield form
    if '\\"' in head:
        yield replace(form, escape="\\")
    separator = re.escape(form.separator or "")
    blanks = rf"\s{{0,{MAX_BLANKS}}}"  # if unlimited, blank separators would take quadratic time
    single_quoted = rf"(^|{separator}){blanks}'[^'\n]*'{blanks}({separator}|$)"
    if re.search(single_quoted, head, re.MULTILINE):
        single = replace(form, quote="'")
        yield single
        if "\\'" in head:
            yield replace(single, escape="\\")


def _shows_marks(parse: HeadParse, form: FileFormat, head: str) -> bool:
    """Return whether cells of a parse show the marks of another form as plain letters."""
    if form.escape is not None:
        # A mark that ends a field may follow a backslash that belongs to a path.
        mark = re.escape(f"{form.escape}{form.quote}")
        separator = re.escape(form.separator or "")
        within_field = rf"{mark}(?!\s*({separator}|$))"
        return re.search(within_field, head, re.MULTILINE) is not None
    quote = str(form.quote)
    rows = [row for row in parse.rows if len(row) == parse.width]
    columns = zip(*rows, strict=True)
    return any(_is_all_quoted(column[1:], quote) for column in columns)


def _is_all_quoted(cells: Sequence[str], quote: str) -> bool:
    """Return whether all cells that are not blank are quoted, and there are some."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    for cell in filled:
        is_quoted = cell[0] == quote and cell[-1] == quote
        if len(cell) < 2 or not is_quoted:
            return False
    return bool(filled)


def _is_spaced(head: str, form: FileFormat) -> bool:
    """Return whether spaces follow separators throughout, or quotation marks follow spaces."""
    separator = form.separator
    if separator is None or separator in (" ", "\t"):
        return False
    ends_quoted = f'"{re.escape(separator)}|"$'
    if f'{separator} "' in head and re.search(ends_quoted, head, re.MULTILINE):
        return True
    spaced_separator = f"{separator} "
    lines = [line for line in head.split("\n")[:N_SAMPLE_ROWS] if separator in line]
    if not lines or spaced_separator not in lines[0]:
        return False
    n_separators = 0
    n_spaced = 0
    for line in lines:
        n_separators += line.count(separator)
        n_spaced += line.count(spaced_separator)
        n_spaced += line.rstrip("\r").endswith(separator)
    return n_spaced >= MIN_SPACED_SHARE * n_separators
