"""The dialect of a text, found from its first lines: separator, quotation marks and header."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from automl.errors import InputError
from automl.table.form import FileFormat, separator_name
from automl.table.head_parse import (
    N_SAMPLE_ROWS,
    HeadParse,
    Needs,
    parse_best_quoting,
    parse_head,
    quoting_variants,
)
from automl.table.headers import find_header
from automl.table.raw import Request
from automl.table.source import TextHead
from automl.table.stream import FIELD_SEPARATOR
from automl.table.text_layout import SEPARATOR_LINE, TextLayout, layout_of

MAX_SAMPLE_LINES = 2_000  # for the sample's rows: a quoted field may hold line breaks
# Share of the lines that must have equally many fields, for an unusual separator to be believed.
MIN_UNUSUAL_AGREEMENT = 0.95
MIN_FIXED_WIDTH_LINES = 3
MAX_FIXED_WIDTH_STARTS = 1_000
USUAL_SEPARATORS = (",", ";", "\t", "|")
UNUSUAL_SEPARATORS = ("^", ":", "~", "\x01", "\x1f", "\x02")
_ABSENT_CHARACTERS = (FIELD_SEPARATOR, "\x1e", "\x1d", "\x02")
# Of the first row: pandas makes an index of each, and 900 000 take 5 minutes.
MAX_CELLS_TOO_MANY = 1000
_WORD = re.compile(r"\S+")
_LONG_SEPARATOR = re.compile(r"[,;|:~^#<>*!\x01\x1f\t]{2,4}")
_MAX_SHOWN_LENGTH = 60  # characters of a line in a message


def find_layout(text: TextHead, name: str, request: Request) -> TextLayout:
    """Find the layout of a text.

    Raises
    ------
    InputError
        The user's separator separates nothing, or none is found and a needed column is missing,
        or the first row has a thousand cells too many, or lines that nothing separates hold all
        control characters that could stand for the absent separator.
    """
    best = _best_parse(text, name, request)
    layout = layout_of(best, text, request)
    first = 1 if layout.form.header else 0
    n_names = len(layout.names)
    for row in best.rows[first : first + 1]:
        if len(row) > n_names + MAX_CELLS_TOO_MANY:
            raise InputError(
                f"{name}: the first line of data has {len(row)} fields where {n_names} are "
                "expected. Give it as many as the header."
            )
    return layout


def _best_parse(text: TextHead, name: str, request: Request) -> HeadParse:
    """Return the first lines parsed under the best form.

    It is the form that the user names, that of the file at fit if it fits, the one that the first
    line names if it fits, else the best of all.
    """
    head = _sample_lines(text.sample)
    base = FileFormat(encoding=text.encoding)
    if request.overrides.separator is not None:
        return _parse_by_option(head, name, request, base)
    parse = _parse_as_at_fit(head, request, base)
    if parse is not None:
        return parse
    needs = request.needs
    named = SEPARATOR_LINE.match(head)
    if named:
        base = replace(base, skip=1)
        form = replace(base, separator=named["separator"])
        parse = parse_best_quoting(head, form, needs)
        if parse.fits or parse.has_needs:
            return parse
    candidates = _candidates(head, base, needs)
    best = max(candidates, key=HeadParse.rank)
    if best.fits:
        return best
    as_one_column = _parse_as_one_column(head, name, request, base)
    if best.n_names > 1 and not as_one_column.has_needs:
        return best
    if needs and not as_one_column.has_needs:
        raise InputError(
            f"{name}: no column {needs[0]!r}: nothing separates the fields of its first line, "
            f"{_first_line(head)!r}. Tried: {_tried_separators()}. "
            "Name another separator: --separator SEP."
        )
    return as_one_column


def _tried_separators() -> str:
    separators = (*USUAL_SEPARATORS, " ", *UNUSUAL_SEPARATORS[:-1])
    names = list(map(separator_name, separators))
    names.append("columns of a fixed width")
    return ", ".join(names)


def _first_line(head: str) -> str:
    """Return the first line that is not blank, shortened for a message."""
    line = head.strip().partition("\n")[0]
    return line.rstrip()[:_MAX_SHOWN_LENGTH]


def _sample_lines(text: str) -> str:
    """Return the lines from which the dialect is found, whatever ends them."""
    if "\n" in text:
        text = text.replace("\r\n", "\n")
    else:
        text = text.replace("\r", "\n")
    end = 0
    for _ in range(MAX_SAMPLE_LINES):
        end = text.find("\n", end) + 1
        if end == 0:
            return text
    return text[:end]


def _parse_as_at_fit(head: str, request: Request, base: FileFormat) -> HeadParse | None:
    """Return the first lines under the form of the file at fit; None if it doesn't fit."""
    form = request.form
    if form is None or form.kind != "text":
        return None
    for variant in _variants_of_known(form, base, head):
        if variant.widths:
            parse = parse_head(head, variant, request.needs)
        else:
            parse = parse_best_quoting(head, variant, request.needs)
        if parse.has_needs:
            return parse
        if parse.fits and not request.needs:
            return parse
    return None


def _variants_of_known(form: FileFormat, base: FileFormat, head: str) -> Iterator[FileFormat]:
    """Yield a form as another file may have it: with a line that names the separator or without."""
    without_line = replace(form, encoding=base.encoding, skip=0)
    named = SEPARATOR_LINE.match(head)
    if named and named["separator"] == form.separator:
        yield replace(without_line, skip=1)
    yield without_line


def _parse_by_option(head: str, name: str, request: Request, base: FileFormat) -> HeadParse:
    """Return the first lines under the separator that the user names."""
    separator = str(request.overrides.separator)
    forms = []
    if separator == " ":
        forms.append(replace(base, separator=separator, repeated=True))
    forms.append(replace(base, separator=separator))
    named = SEPARATOR_LINE.match(head)
    has_separator_line = named is not None and named["separator"] == separator
    parses = []
    for form in forms:
        for variant in quoting_variants(head, form):
            skip = 1 if has_separator_line else 0
            skipping = replace(variant, skip=skip)
            parse = parse_head(head, skipping, request.needs)
            parses.append(parse)
    best = max(parses, key=HeadParse.rank)
    if best.width < 2 and not best.has_needs:
        raise InputError(
            f"--separator {separator!r}: separates nothing in {name}, "
            f"whose first line is {_first_line(head)!r}."
        )
    return best


def _candidates(head: str, base: FileFormat, needs: Needs) -> Iterator[HeadParse]:
    """Yield the first lines under every form that they may have."""
    long_separator = _long_separator(head)
    if long_separator is not None:
        form = replace(base, separator=long_separator)
        yield parse_best_quoting(head, form, needs)
    ruled_out = long_separator or ""
    for separator in USUAL_SEPARATORS:
        is_possible = separator in head or separator == ","
        if is_possible and separator not in ruled_out:
            form = replace(base, separator=separator)
            yield parse_best_quoting(head, form, needs)
    for separator in UNUSUAL_SEPARATORS:
        if separator in head and separator not in ruled_out:
            form = replace(base, separator=separator)
            parse = parse_best_quoting(head, form, needs)
            if parse.fits and parse.agreement >= MIN_UNUSUAL_AGREEMENT:
                yield replace(parse, is_unusual=True)
    if " " in head:
        spaced = _parse_spaces(head, base, needs)
        fixed = _parse_fixed(head, base, needs)
        for unusual in (spaced, fixed):
            if unusual is not None:
                yield replace(unusual, is_unusual=True)


def _long_separator(head: str) -> str | None:
    r"""Find a separator of several characters; None if there is none.

    The first line must hold these characters nowhere else, and all lines must hold it equally
    often.

    >>> _long_separator("a::b::y\n1::2::no\n"), _long_separator("a,,y\n")
    ('::', ',,')
    >>> _long_separator("a,b,,y\n") is None
    True
    """
    head = head.strip()
    lines = head.split("\n", N_SAMPLE_ROWS)[:N_SAMPLE_ROWS]
    first = lines[0]
    separators = set(_LONG_SEPARATOR.findall(first))
    if len(separators) != 1:
        return None
    separator: str = separators.pop()
    rest = first.replace(separator, "")
    if set(rest) & set(separator):
        return None
    counts = {line.count(separator) for line in lines if line.strip()}
    if len(counts) == 1:
        return separator
    return None


def _parse_spaces(head: str, base: FileFormat, needs: Needs) -> HeadParse | None:
    """Split the first lines at runs of spaces, or else at single ones, if that fits every line."""
    for repeated in (True, False):
        form = replace(base, separator=" ", repeated=repeated)
        parse = parse_best_quoting(head, form, needs)
        if parse.fits and parse.agreement == 1:
            return parse
    return None


def _parse_as_one_column(head: str, name: str, request: Request, base: FileFormat) -> HeadParse:
    """Parse the first lines without a separator."""
    for character in _ABSENT_CHARACTERS:
        if character not in head:
            form = replace(base, separator=character)
            return parse_head(head, form, request.needs)
    raise InputError(
        f"{name}: nothing separates the fields of its first lines, which hold control characters "
        "of all kinds: not a table, or its separator must be named: --separator SEP."
    )


def _parse_fixed(head: str, base: FileFormat, needs: Needs) -> HeadParse | None:
    """Parse the first lines as columns of a fixed width, if the same columns are blank in all."""
    if "\t" in head:
        return None
    all_lines = head.split("\n")[:N_SAMPLE_ROWS]
    lines = [line.rstrip() for line in all_lines if line.strip()]
    words = [line.split() for line in lines]
    header_index = find_header(words, needs) or 0
    lines = lines[header_index:]
    if len(lines) < MIN_FIXED_WIDTH_LINES:
        return None
    starts = _column_starts(lines)
    if not 2 <= len(starts) <= MAX_FIXED_WIDTH_STARTS:
        return None
    form = replace(base, separator=None, widths=starts)
    parse = parse_head(head, form, needs)
    if _are_names(parse.rows[0], needs):
        return parse
    return None


def _column_starts(lines: list[str]) -> tuple[int, ...]:
    """Return the positions after a column of blanks, in characters."""
    filled: set[int] = set()
    for line in lines:
        for word in _WORD.finditer(line):
            filled.update(range(word.start(), word.end()))
    starts = [position for position in filled if position - 1 not in filled]
    return tuple(sorted(starts))


def _are_names(cells: Iterable[str], needs: Needs) -> bool:
    """Return whether all cells are names: not empty, and, if some are needed, without a space."""
    for cell in cells:
        if not cell:
            return False
        if needs and " " in cell and cell not in needs:
            return False
    return True
