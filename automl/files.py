"""Where bundled files lie, how a file is written whole or not at all, and how an optional library is asked for."""

from __future__ import annotations

import errno
import hashlib
import importlib
import os
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from automl.errors import InputError, MissingExtra, suggestion

PACKAGE = Path(__file__).resolve().parent


def bundled(kind: str) -> Path:
    """The folder of bundled data: `pipelines` or `datasets`.

    In a checkout it lies beside the package, in an installed wheel inside it.
    """
    beside = PACKAGE.parent / kind
    return (
        beside
        if (PACKAGE.parent / "pyproject.toml").exists() and beside.is_dir()
        else PACKAGE / kind
    )


def require(module: str, extra: str, what: str) -> ModuleType:
    """Import an optional library, or say which extra brings it.

    >>> require("json", "none", "reading JSON").__name__
    'json'
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtra(
            f"{what} needs {module!r}: pip install 'automl-tabular[{extra}]'"
        ) from error


ESCAPE: Final = "backslashreplace"  # how letters are written that stand for bytes of other encodings in names of files and the like
NO_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


def disk_trouble(error: BaseException) -> int:
    """The `errno` of a disk that can't be written; 0 if an error is another one.

    >>> disk_trouble(OSError(errno.ENOSPC, "No space left on device")) == errno.ENOSPC, disk_trouble(ValueError())
    (True, 0)
    """
    if not isinstance(error, OSError):
        return 0
    if error.errno is None and str(error).endswith(
        " written"
    ):  # NumPy's "61065 requested and 6640 written"
        return errno.ENOSPC
    return error.errno if error.errno in NO_DISK else 0


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well, and is removed when it does not."""
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
    """Write a text file whole or not at all; letters that UTF-8 doesn't have are written as escapes."""
    with whole(path) as temporary:
        temporary.write_bytes(text.encode("utf-8", ESCAPE))


def sha256(path: Path) -> str:
    """The SHA-256 of a file, as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def short_hash(text: str) -> str:
    """Twelve hexadecimal digits that name a text.

    >>> short_hash("a")
    'ca978112ca1b'
    """
    return hashlib.sha256(text.encode("utf-8", ESCAPE)).hexdigest()[:12]


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as a dictionary, with one clear error if it is missing or malformed."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise InputError(f"{path}: no such file.{suggestion(path.name, known)}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a TOML file: {error}") from None
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from None
