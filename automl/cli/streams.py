"""Text encodings on their way in and out.

Files and pipes are UTF-8, whatever the locale. A terminal shows the characters that it has, and
escapes for the others.
"""

from __future__ import annotations

import io
import locale
import os
import sys

from automl.files import ENCODING_ERRORS


def restart_in_utf8_mode() -> None:
    """Restart this process in Python's UTF-8 mode if the locale has another encoding.

    It stays the same process, with the same start time.
    """
    if sys.getfilesystemencoding() == "utf-8" or sys.flags.utf8_mode:
        return
    environment = {**os.environ, "PYTHONUTF8": "1"}  # workers inherit it
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and stream.isatty():
            environment.setdefault("PYTHONIOENCODING", stream.encoding)
            break
    first, *others = sys.orig_argv
    try:
        os.execve(sys.executable, [first, "-X", "utf8", *others], environment)
    except OSError:  # the process can't be restarted: continue as it is
        return


def set_output_encodings() -> None:
    """Write UTF-8 to files and pipes, and escapes where a terminal lacks a character."""
    for stream in (sys.stdout, sys.stderr):
        if not isinstance(stream, io.TextIOWrapper):
            continue
        if stream.isatty():
            stream.reconfigure(errors=ENCODING_ERRORS)
        else:
            stream.reconfigure(encoding="utf-8", errors=ENCODING_ERRORS)


def decode_arguments() -> None:
    """Decode arguments that are not UTF-8 by the locale's encoding, unless they name a file."""
    sys.argv[1:] = [_decoded(argument) for argument in sys.argv[1:]]


def _decoded(argument: str) -> str:
    """Return an argument, or the value of an option, decoded by the locale if it isn't UTF-8."""
    if argument.isascii():
        return argument
    has_name = argument.startswith("--")
    name, equals, value = argument.partition("=") if has_name else ("", "", argument)
    is_utf8 = value.encode("utf-8", "ignore").decode() == value
    if is_utf8 or os.path.lexists(value):
        return argument
    try:
        return f"{name}{equals}{os.fsencode(value).decode(locale.getencoding())}"
    except (UnicodeError, LookupError):
        return argument
