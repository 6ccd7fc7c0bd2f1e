"""Errors that automl raises: one tree, so that one `except AutoMLError` catches all of them.

AutoMLError            anything automl itself reports
├── InputError         the user can fix it (also a ValueError): exit code 2
│   ├── MissingExtra   an optional library is not installed (also an ImportError)
│   └── UnsafeModel    a predictor file is damaged or asks for something outside its closed tables
├── OutOfTime          the budget ended too early
└── UnfaithfulTrees    a library's trees and ours predict differently
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class AutoMLError(Exception):
    """Base of every error that automl raises on purpose."""


class InputError(AutoMLError, ValueError):
    """Wrong use, or an unreadable input: the message names the problem, the place and a remedy."""


class MissingExtra(InputError, ImportError):
    """An optional library is needed; the message names the extra to install."""


class UnsafeModel(InputError):
    """A predictor file is damaged or holds something that no predictor needs."""


class OutOfTime(AutoMLError):
    """The budget ended before the steps that all others depend on were done."""


class UnfaithfulTrees(AutoMLError):
    """A library's trees and the arrays made of them predict differently: the fit is not used."""


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return the clause that ends a message about an unknown name; empty if no name is close.

    >>> suggestion("taget", ["age", "target"])
    " Did you mean 'target'?"
    >>> suggestion("zzz", ["age", "target"])
    ''
    """
    names = list(known)
    close = [name for name in names if name.casefold() == word.casefold()]
    if not close:
        close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""


def one_line(error: object) -> str:
    r"""Return an exception's message in one line of at most 300 characters.

    >>> one_line(ValueError("bad\nvalue."))
    'bad value'
    """
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()).rstrip(".")[:300] or type(error).__name__


_DEBIAN_PACKAGES = {
    "libgomp.so.1": "libgomp1",
    "libstdc++.so.6": "libstdc++6",
    "libomp.so.5": "libomp5",
}


def with_install_hint(reason: str) -> str:
    """Add an installation hint to a message about a missing shared library.

    Other messages are returned as they are.

    >>> with_install_hint("OSError: libgomp.so.1: cannot open shared object file")
    'OSError: libgomp.so.1: cannot open shared object file. To have it: apt-get install libgomp1'
    """
    if "cannot open shared object file" not in reason:
        return reason
    for library, package in _DEBIAN_PACKAGES.items():
        if library in reason:
            return f"{reason}. To have it: apt-get install {package}"
    return f"{reason}. Install the system package that has it"
