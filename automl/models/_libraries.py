"""The libraries that families need beyond those of every installation, and the extras with them."""

from __future__ import annotations

import functools
import importlib.util
import sys

from automl.errors import MissingExtra

NN_EXTRA = "nn"
PRETRAINED_EXTRA = "pretrained"
# Networks that torch trains: without these libraries they predict, and are not trained.
OF_NN = {
    "realmlp": ("torch", "pytabkit"),
    "tabm": ("torch", "tabm", "rtdl_num_embeddings"),
}
# Models that others have trained: without these libraries they do nothing.
OF_PRETRAINED = {
    "tabicl": ("torch", "tabicl"),
    "tabpfn": ("torch", "tabpfn"),
}
_LIBRARIES = OF_NN | OF_PRETRAINED


def missing_library(name: str) -> str:
    """Return a library that a family needs and that is not installed; "" if there is none.

    >>> missing_library("linear")
    ''
    """
    for library in _LIBRARIES.get(name, ()):
        if not _is_installed(library):
            return library
    return ""


def _is_installed(library: str) -> bool:
    if library in sys.modules:
        return sys.modules[library] is not None
    return _can_be_found(library)


@functools.cache
def _can_be_found(library: str) -> bool:
    return importlib.util.find_spec(library) is not None


def require_libraries(name: str) -> None:
    """Refuse a family whose libraries are not installed.

    Raises
    ------
    MissingExtra
        The message says what to install.
    """
    library = missing_library(name)
    if not library:
        return
    extra = PRETRAINED_EXTRA if name in OF_PRETRAINED else NN_EXTRA
    raise MissingExtra(
        f"the family {name!r} needs {library!r}: pip install 'automl-tabular[{extra}]'"
    )
