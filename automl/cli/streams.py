"""Letters on their way in and out: files and pipes are UTF-8, whatever the locale; a terminal shows what it can, and escapes."""

from __future__ import annotations

import io
import locale
import os
import sys

from automl.files import ESCAPE


def speak_utf8() -> None:
    """Start this process anew in Python's UTF-8 mode if the locale has another encoding: same process, same time it began."""
    if sys.getfilesystemencoding() == "utf-8" or sys.flags.utf8_mode:
        return
    settings = {**os.environ, "PYTHONUTF8": "1"}  # for workers, too
    terminal = next(
        (stream for stream in (sys.stdout, sys.stderr) if stream is not None and stream.isatty()),
        None,
    )
    if terminal is not None:
        settings.setdefault("PYTHONIOENCODING", terminal.encoding)
    first, *others = sys.orig_argv
    try:
        os.execve(sys.executable, [first, "-X", "utf8", *others], settings)
    except OSError:  # it can't be started anew: go on as it is
        return


def settle_streams() -> None:
    """Write UTF-8 to files and pipes, and escapes where a terminal has no letter."""
    for stream in (sys.stdout, sys.stderr):
        if not isinstance(stream, io.TextIOWrapper):
            continue
        if stream.isatty():
            stream.reconfigure(errors=ESCAPE)
        else:
            stream.reconfigure(encoding="utf-8", errors=ESCAPE)


def settle_arguments() -> None:
    """Read arguments that are no UTF-8 in the locale's encoding, except where they name a file."""
    sys.argv[1:] = [_readable(word) for word in sys.argv[1:]]


def _readable(word: str) -> str:
    name, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    if (
        word.isascii()
        or value.encode("utf-8", "ignore").decode() == value
        or os.path.lexists(value)
    ):
        return word
    try:
        return f"{name}{equals}{os.fsencode(value).decode(locale.getencoding())}"
    except (UnicodeError, LookupError):
        return word
