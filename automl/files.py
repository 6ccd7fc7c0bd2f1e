"""Bundled files, files written whole or not at all, and imports of optional libraries."""

from __future__ import annotations

import errno
import hashlib
import importlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from automl.errors import InputError, MissingExtra, suggestion

PACKAGE = Path(__file__).resolve().parent

# How UTF-8 is written for lone surrogates, which stand for undecodable bytes in file names.
ENCODING_ERRORS: Final = "backslashreplace"

_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


def bundled_folder(kind: str) -> Path:
    """Return the folder of bundled data: `pipelines` or `datasets`.

    In a checkout it lies next to the package, in an installed wheel inside it.
    """
    in_checkout = PACKAGE.parent / kind
    is_checkout = (PACKAGE.parent / "pyproject.toml").exists()
    if is_checkout and in_checkout.is_dir():
        return in_checkout
    return PACKAGE / kind


def require(module: str, extra: str, what: str) -> ModuleType:
    """Import an optional library, or say which extra installs it.

    Parameters
    ----------
    module : str
        The module to import.
    extra : str
        The extra of automl-tabular that installs it.
    what : str
        The task that needs it; begins the error message.

    Raises
    ------
    MissingExtra
        The library is not installed.

    Examples
    --------
    >>> require("json", "none", "reading JSON").__name__
    'json'
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        message = f"{what} needs {module!r}: pip install 'automl-tabular[{extra}]'"
        raise MissingExtra(message) from error


def disk_errno(error: BaseException) -> int:
    """Return the `errno` of an error that says that the disk can't be written; 0 for any other.

    >>> full = OSError(errno.ENOSPC, "No space left on device")
    >>> disk_errno(full) == errno.ENOSPC, disk_errno(ValueError())
    (True, 0)
    """
    if not isinstance(error, OSError):
        return 0
    # NumPy says "61065 requested and 6640 written" and sets no errno.
    if error.errno is None and str(error).endswith(" written"):
        return errno.ENOSPC
    return error.errno if error.errno in _DISK_ERRORS else 0


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path that replaces `path` when the block succeeds.

    The temporary file lies in the same folder and is removed if the block raises.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    os.chmod(name, 0o666 & ~_umask())
    temporary = Path(name)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all, with escapes for characters that UTF-8 lacks."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(text.encode("utf-8", ENCODING_ERRORS))


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def short_hash(text: str) -> str:
    """Return the first twelve hexadecimal digits of a text's SHA-256.

    >>> short_hash("a")
    'ca978112ca1b'
    """
    return hashlib.sha256(text.encode("utf-8", ENCODING_ERRORS)).hexdigest()[:12]


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file as a dictionary.

    Raises
    ------
    InputError
        The file is missing, malformed or unreadable.
    """
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise InputError(f"{path}: no such file.{suggestion(path.name, known)}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a TOML file: {error}") from None
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from None
