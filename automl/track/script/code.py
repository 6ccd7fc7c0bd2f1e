"""Values and calls as Python code, formatted as `ruff format` leaves them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MAX_LINE = 88
INDENT = " " * 4


@dataclass(frozen=True)
class Call:
    """A call, such as `Ridge(alpha=1.0)`.

    Parameters
    ----------
    function : str
    arguments : tuple
        Values, calls and names.
    options : mapping
        The keyword arguments.
    """

    function: str
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Name:
    """A name, or any other short piece of code."""

    code: str


def quoted(text: str) -> str:
    r"""Return a string's code, with the quotation marks that need the fewest escapes.

    >>> print(quoted("it's"), quoted('a "b"'), quoted("tab\t"))
    "it's" 'a "b"' "tab\t"
    """
    mark = '"'
    if text.count('"') > text.count("'"):
        mark = "'"
    # With both marks inside, repr takes single ones around, and escapes those inside.
    body = repr(text + "'\"")[1:-1]
    body = body.removesuffix("\\'\"")
    body = body.replace("\\'", "'").replace(mark, f"\\{mark}")
    return f"{mark}{body}{mark}"


def code(
    value: Any,
    depth: int = 0,
    before: int = 0,
) -> str:
    """Return a value's code; what does not fit in a line has a line for each item.

    Parameters
    ----------
    value : object
        Plain values, lists, tuples and dictionaries of them, calls and names.
    depth : int
        Number of indents of the line that it begins in.
    before : int
        Number of characters before it in its line, and of those that must follow.

    Examples
    --------
    >>> print(code(Call("Ridge", (), {"alpha": 1.0})))
    Ridge(alpha=1.0)
    >>> print(code(["a" * 50, "b" * 50]))
    [
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
    ]
    """
    if isinstance(value, Name):
        return value.code
    if isinstance(value, str):
        return quoted(value)
    opening, items, closing = _pieces(value)
    if not closing:
        return opening
    inner = [
        _item(
            label,
            item,
            depth + 1,
        )
        for label, item in items
    ]
    line = opening + ", ".join(inner)
    if isinstance(value, tuple) and len(items) == 1:
        line += ","
    line += closing
    if "\n" not in line and len(INDENT) * depth + before + len(line) <= MAX_LINE:
        return line
    indent = INDENT * (depth + 1)
    lines = [f"{indent}{item}," for item in inner]
    return "\n".join([opening, *lines, INDENT * depth + closing])


def _pieces(value: Any) -> tuple[str, list[tuple[str, Any]], str]:
    """Return what opens a value, its items with their labels, and what closes it."""
    if isinstance(value, Call):
        items = [("", argument) for argument in value.arguments]
        items += [(f"{name}=", option) for name, option in value.options.items()]
        return f"{value.function}(", items, ")"
    if isinstance(value, Mapping):
        return "{", [(f"{code(key)}: ", item) for key, item in value.items()], "}"
    if isinstance(value, tuple):
        return "(", [("", item) for item in value], ")"
    if isinstance(value, Sequence):
        return "[", [("", item) for item in value], "]"
    return repr(value), [], ""


def _item(
    label: str,
    value: Any,
    depth: int,
) -> str:
    comma = 1
    return label + code(value, depth, len(label) + comma)
