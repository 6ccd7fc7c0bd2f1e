"""How a file is split into cells: found at fit, stored in the predictor, tried first at predict."""

from __future__ import annotations

import codecs
import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from automl.errors import InputError, UnsafeModel

FILE_KINDS = ("text", "json", "excel", "arrow")
MAX_SKIPPED_LINES = 100  # above the header
MAX_SEPARATOR_LENGTH = 8  # characters
MAX_FIXED_WIDTH_COLUMNS = 10_000
MAX_ENCODING_NAME_LENGTH = 40  # characters

SEPARATOR_NAMES = {
    ",": "comma",
    ";": "semicolon",
    "\t": "tab",
    "|": "bar",
    " ": "space",
    "^": "caret",
    ":": "colon",
    "~": "tilde",
}
_SEPARATORS_BY_WORD = {
    **{name: separator for separator, name in SEPARATOR_NAMES.items()},
    "\\t": "\t",
    "\\x01": "\x01",
    "\\x1f": "\x1f",
    "^A": "\x01",
    "pipe": "|",
}
_CODECS_OF_NO_FILE = (
    "idna",
    "punycode",
    "undefined",
    "unicode_escape",
    "raw_unicode_escape",
)


@dataclass(frozen=True)
class FileFormat:
    r"""How a file is split into cells.

    Parameters
    ----------
    separator : str or None
        Between the fields of delimited text; None for other kinds of file and for columns of a
        fixed width.
    kind : {"text", "json", "excel", "arrow"}
    encoding : str
        Of text, as Python names it.
    quote : str or None
        The character around fields that hold a separator; None if there is none.
    escape : str or None
        The character before a quotation mark within quotes; None where it is doubled.
    spaced : bool
        Whether spaces that follow a separator are left out.
    repeated : bool
        Whether several separators in a row count as one.
    widths : tuple of int
        Where columns of a fixed width begin, in characters.
    skip : int
        Number of lines, or rows of a sheet, above the header.
    header : bool
        Whether the columns have names in the file.
    sheet : str or None
        Of a workbook.
    layout : str or None
        Of JSON: lines, records, columns, index, split or values.

    Examples
    --------
    >>> FileFormat.from_json(FileFormat(";", encoding="cp1251").to_json())
    FileFormat(separator=';', kind='text', encoding='cp1251', ...)
    """

    separator: str | None = None
    kind: str = "text"
    encoding: str = "utf-8"
    quote: str | None = '"'
    escape: str | None = None
    spaced: bool = False
    repeated: bool = False
    widths: tuple[int, ...] = ()
    skip: int = 0
    header: bool = True
    sheet: str | None = None
    layout: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self) | {"widths": list(self.widths)}

    @classmethod
    def from_json(cls, value: Any) -> FileFormat:
        """Return the form that `to_json` wrote.

        Raises
        ------
        UnsafeModel
            For anything that `to_json` doesn't write.
        """
        names = {field.name for field in fields(cls)}
        if not isinstance(value, Mapping) or not value.keys() <= names:
            raise UnsafeModel("the model file's form of a table is not one")
        plain = dict(value)
        widths = plain.pop("widths", [])
        if not _are_widths(widths):
            raise UnsafeModel("the model file's form of a table has widths that are none")
        form = cls(**plain, widths=tuple(widths))
        if not _is_valid(form):
            raise UnsafeModel("the model file's table format is invalid")
        return form


def _are_widths(value: Any) -> bool:
    if not isinstance(value, list) or len(value) > MAX_FIXED_WIDTH_COLUMNS:
        return False
    return all(type(width) is int for width in value)


def _is_valid(form: FileFormat) -> bool:
    """Return whether each part of a form has a type and a value that it may have."""
    checks = [
        form.kind in FILE_KINDS,
        _is_encoding(form.encoding),
        _is_text_or_none(form.separator, MAX_SEPARATOR_LENGTH),
        _is_text_or_none(form.quote, 1),
        _is_text_or_none(form.escape, 1),
        type(form.spaced) is bool,
        type(form.repeated) is bool,
        type(form.header) is bool,
        form.sheet is None or isinstance(form.sheet, str),
        form.layout is None or isinstance(form.layout, str),
        type(form.skip) is int and 0 <= form.skip <= MAX_SKIPPED_LINES,
        _are_increasing([-1, *form.widths]),
    ]
    return all(checks)


def _are_increasing(numbers: list[int]) -> bool:
    pairs = itertools.pairwise(numbers)
    return all(low < high for low, high in pairs)


def _is_encoding(value: Any) -> bool:
    return isinstance(value, str) and known_encoding(value) is not None


def _is_text_or_none(value: Any, max_length: int) -> bool:
    return value is None or _is_text(value, max_length)


def _is_text(value: Any, max_length: int) -> bool:
    """Return whether a value is text of at most this length, without line breaks."""
    if not isinstance(value, str) or not 0 < len(value) <= max_length:
        return False
    return "\n" not in value and "\r" not in value


def known_encoding(name: str) -> str | None:
    """Return Python's own name of an encoding of text; None if there is none.

    >>> known_encoding("Windows-1251"), known_encoding("rot13"), known_encoding("klingon")
    ('cp1251', None, None)
    """
    if not name.isascii() or len(name) > MAX_ENCODING_NAME_LENGTH:
        return None
    bare = name.replace("-", "").replace("_", "").replace(".", "")
    if not bare.isalnum():
        return None
    try:
        codec = codecs.lookup(name)
    except LookupError:
        return None
    is_text = getattr(codec, "_is_text_encoding", True)
    if not is_text or codec.name in _CODECS_OF_NO_FILE:
        return None
    return codec.name


def separator_name(separator: str, *, many: bool = False) -> str:
    r"""Return a separator's name in words, in the plural with `many`.

    >>> separator_name(";"), separator_name(";", many=True)
    ('semicolon', 'semicolons')
    >>> separator_name("::"), separator_name("\x02")
    ("'::'", "'\\x02'")
    """
    name = SEPARATOR_NAMES.get(separator)
    if name is None:
        return repr(separator)
    return f"{name}s" if many else name


@dataclass(frozen=True)
class Overrides:
    r"""The user's options for a file's form, each of which is obeyed.

    Parameters
    ----------
    separator : str or None
        The characters between fields, or a name: comma, semicolon, tab, space, bar, caret, colon.
    encoding : str or None
        As Python or the Web names it.
    sheet : str or None
        The name of a workbook's sheet, or its number, from 1.

    Raises
    ------
    InputError
        For values that are none of these.

    Examples
    --------
    >>> Overrides(separator="tab", encoding="Windows-1251")
    Overrides(separator='\t', encoding='cp1251', sheet=None)
    """

    separator: str | None = None
    encoding: str | None = None
    sheet: str | None = None

    def __post_init__(self) -> None:
        if self.separator is not None:
            separator = _separator_option(self.separator)
            object.__setattr__(self, "separator", separator)
        if self.encoding is not None:
            encoding = _encoding_option(self.encoding)
            object.__setattr__(self, "encoding", encoding)
        if self.sheet is not None and not self.sheet.strip():
            raise InputError("--sheet: is empty. Give the name of a sheet, or its number, from 1.")

    def to_json(self) -> dict[str, str]:
        """Return the options that the user set, as plain values."""
        return {name: value for name, value in asdict(self).items() if value is not None}


NO_OVERRIDES = Overrides()


def _separator_option(word: str) -> str:
    separator = _SEPARATORS_BY_WORD.get(word, word)
    has_letters = any(letter.isalnum() or letter in "\"'" for letter in separator)
    if _is_text(separator, MAX_SEPARATOR_LENGTH) and not has_letters:
        return separator
    names = ", ".join(SEPARATOR_NAMES.values())
    raise InputError(
        f"--separator {word!r}: give the characters between fields, no letters or digits, "
        f"or one of {names}."
    )


def _encoding_option(word: str) -> str:
    encoding = known_encoding(word)
    if encoding is None:
        raise InputError(
            f"--encoding {word!r}: no such encoding. "
            "Give one such as utf-8, cp1252, cp1251, gbk, shift_jis or latin-1."
        )
    return encoding
