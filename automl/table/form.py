"""How a file is cut into cells: decided once at fit, recorded in the predictor, and tried first at predict."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from automl.errors import InputError, UnsafeModel

KINDS = ("text", "json", "excel", "arrow")
MOST_SKIPPED = 100  # lines above the header
LONGEST_SEPARATOR = 8  # characters
MOST_WIDTHS = 10_000  # columns of a fixed width

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
_SPELLED = {
    **{name: separator for separator, name in SEPARATOR_NAMES.items()},
    "\\t": "\t",
    "\\x01": "\x01",
    "\\x1f": "\x1f",
    "^A": "\x01",
    "pipe": "|",
}


@dataclass(frozen=True)
class Form:
    r"""How a file is cut into cells.

    Parameters
    ----------
    separator : str or None
        Between the fields of delimited text; None for other kinds of file and for columns of a fixed width.
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
        Where columns of a fixed width begin.
    skip : int
        Lines, or rows of a sheet, above the header.
    header : bool
        Whether the columns have names in the file.
    sheet : str or None
        Of a workbook.
    layout : str or None
        Of JSON: lines, records, columns, index, split or values.

    Examples
    --------
    >>> Form.from_json(Form(";", encoding="cp1251").to_json())
    Form(separator=';', kind='text', encoding='cp1251', ...)
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
        """Plain values."""
        return asdict(self) | {"widths": list(self.widths)}

    @classmethod
    def from_json(cls, value: Any) -> Form:
        """Read the form that `to_json` wrote.

        Raises
        ------
        UnsafeModel
            For anything that `to_json` doesn't write.
        """
        if not isinstance(value, Mapping) or not value.keys() <= {
            field.name for field in fields(cls)
        }:
            raise UnsafeModel("the model file's form of a table is not one")
        plain = dict(value)
        widths = plain.get("widths", [])
        if (
            not isinstance(widths, list)
            or len(widths) > MOST_WIDTHS
            or not all(type(width) is int for width in widths)
        ):
            raise UnsafeModel("the model file's form of a table has widths that are none")
        form = cls(**{**plain, "widths": tuple(widths)})
        if not _is_sound(form):
            raise UnsafeModel("the model file's form of a table makes no sense")
        return form


def _is_sound(form: Form) -> bool:
    """Whether each part of a form is what it may be."""
    flags = (form.spaced, form.repeated, form.header)
    letters = (form.quote, form.escape)
    texts = (form.sheet, form.layout)
    return (
        form.kind in KINDS
        and _is_encoding(form.encoding)
        and (form.separator is None or _is_text(form.separator, LONGEST_SEPARATOR))
        and all(letter is None or _is_text(letter, 1) for letter in letters)
        and all(type(flag) is bool for flag in flags)
        and all(text is None or isinstance(text, str) for text in texts)
        and type(form.skip) is int
        and 0 <= form.skip <= MOST_SKIPPED
        and all(low < high for low, high in zip((-1, *form.widths), form.widths, strict=False))
    )


def _is_encoding(value: Any) -> bool:
    return isinstance(value, str) and known_encoding(value) is not None


def _is_text(value: Any, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest and not set(value) & {"\n", "\r"}


def known_encoding(name: str) -> str | None:
    """Python's own name of an encoding of text; None if there is none.

    >>> known_encoding("Windows-1251"), known_encoding("rot13"), known_encoding("klingon")
    ('cp1251', None, None)
    """
    if (
        not name.isascii()
        or len(name) > 40
        or not name.replace("-", "").replace("_", "").replace(".", "").isalnum()
    ):
        return None
    try:
        found = codecs.lookup(name)
    except LookupError:
        return None
    is_text: bool = getattr(found, "_is_text_encoding", True)
    if not is_text or found.name in (
        "idna",
        "punycode",
        "undefined",
        "unicode_escape",
        "raw_unicode_escape",
    ):
        return None
    return found.name


def separator_name(separator: str, *, many: bool = False) -> str:
    r"""Name a separator in words.

    >>> separator_name(";"), separator_name(";", many=True), separator_name("::"), separator_name("\x02")
    ('semicolon', 'semicolons', "'::'", "'\\x02'")
    """
    name = SEPARATOR_NAMES.get(separator)
    if name is None:
        return repr(separator)
    return f"{name}s" if many else name


@dataclass(frozen=True)
class Overrides:
    r"""What the user says of a file's form: each is taken at its word.

    Parameters
    ----------
    separator : str or None
        The characters between fields, or a name: comma, semicolon, tab, space, bar, caret, colon.
    encoding : str or None
        As Python or the Web names it.
    sheet : str or None
        The name of a workbook's sheet, or its place, from 1.

    Raises
    ------
    InputError
        For what can be neither.

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
            object.__setattr__(self, "separator", _said_separator(self.separator))
        if self.encoding is not None:
            object.__setattr__(self, "encoding", _said_encoding(self.encoding))
        if self.sheet is not None and not self.sheet.strip():
            raise InputError("--sheet: is empty. Give the name of a sheet, or its place, from 1.")

    def to_json(self) -> dict[str, str]:
        """Plain values of what was said."""
        return {name: value for name, value in asdict(self).items() if value is not None}


NO_OVERRIDES = Overrides()


def _said_separator(word: str) -> str:
    separator = _SPELLED.get(word, word)
    if _is_text(separator, LONGEST_SEPARATOR) and not any(
        letter.isalnum() or letter in "\"'" for letter in separator
    ):
        return separator
    names = ", ".join(name for name in SEPARATOR_NAMES.values() if " " not in name)
    raise InputError(
        f"--separator {word!r}: give the characters between fields, no letters or digits, or one of {names}."
    )


def _said_encoding(word: str) -> str:
    known = known_encoding(word)
    if known is None:
        raise InputError(
            f"--encoding {word!r}: no such encoding. Give one such as utf-8, cp1252, cp1251, gbk, shift_jis or latin-1."
        )
    return known
