"""Model families: one file each; a file and its libraries are imported when used."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from automl import extensions
from automl.errors import InputError, MissingExtra, suggestion
from automl.extensions import NO_EXTENSIONS, Extensions
from automl.features.feature import Feature
from automl.models._base import Family, FitContext, Fitted, Model, Sample
from automl.models._early_stopping import EarlyStopping
from automl.models._foreign import checked_family
from automl.models._simple import SimpleFamily

__all__ = [
    "EXTRA",
    "EXTRA_FAMILIES",
    "FAMILIES",
    "EarlyStopping",
    "Family",
    "Feature",
    "FitContext",
    "Fitted",
    "Model",
    "Sample",
    "SimpleFamily",
    "absent_families",
    "check_families",
    "check_trainable",
    "default_families",
    "find_family",
    "holds_rows",
    "is_baseline",
    "is_boosted",
    "is_forest",
    "is_known",
    "is_of_extra",
    "is_quick",
    "missing_library",
    "reads_features",
]

if TYPE_CHECKING:
    FAMILIES: tuple[Family, ...]
    EXTRA_FAMILIES: tuple[Family, ...]

# The module that defines each built-in family. It is imported at the first use of the family, so
# that a predictor loads those of its own members alone.
_MODULES = {
    "lightgbm": "lightgbm",
    "catboost": "catboost",
    "xgboost": "xgboost",
    "extra_trees": "forest",
    "random_forest": "forest",
    "linear": "linear",
    "knn": "knn",
    "mlp": "mlp",
    "constant": "constant",
    "realmlp": "realmlp",
    "tabm": "tabm",
}
_BUILT_IN_NAMES = tuple(_MODULES)
# Those that an extra brings the libraries of. They predict without these, and train only with them.
EXTRA = "nn"
_LIBRARIES = {
    "realmlp": ("torch", "pytabkit"),
    "tabm": ("torch", "tabm", "rtdl_num_embeddings"),
}


def __getattr__(name: str) -> Any:
    """Return `FAMILIES`, those of every installation, or `EXTRA_FAMILIES`."""
    if name == "EXTRA_FAMILIES":
        return tuple(map(_built_in, _LIBRARIES))
    if name != "FAMILIES":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return tuple(_built_in(name) for name in _MODULES if name not in _LIBRARIES)


@functools.cache
def _built_in(name: str) -> Family:
    """Return the built-in family of this name."""
    module = importlib.import_module(f"{__name__}.{_MODULES[name]}")
    found: dict[str, Family] = {family.name: family for family in module.FAMILIES}
    return found[name]


def _has_trait(name: str, trait: str) -> bool:
    """Return whether this is a built-in family with a trait."""
    return name in _MODULES and getattr(_built_in(name), trait, False)


def find_family(name: str, own: Extensions = NO_EXTENSIONS) -> Family:
    """Return the family of this name: a built-in one, the run's own, or an installed package's.

    Raises
    ------
    InputError
        There is none.

    Examples
    --------
    >>> find_family("lightgbm").recipes[0]
    'mixed'
    """
    if name in _MODULES:
        return _built_in(name)
    if name in own.families:
        users_family: Family = own.families[name]
        return users_family
    registered = extensions.find("families", name)
    if registered is not None:
        return checked_family(registered, name)
    names = [*_BUILT_IN_NAMES, *own.families, *_registered_names()]
    hint = "a family of your own is found if its package is installed"
    raise InputError(
        f"no model family {name!r}.{suggestion(name, names)} There are {', '.join(names)}; {hint}."
    )


def is_known(name: str, own: Extensions = NO_EXTENSIONS) -> bool:
    """Return whether a family has this name; a run may come from where there were others."""
    return name in _MODULES or name in own.families or name in _registered_names()


def default_families() -> tuple[str, ...]:
    """Return the families used where none is named: the built-in ones, then installed packages'.

    Those of an extra are among them where its libraries are installed.
    """
    names = [name for name in _MODULES if not missing_library(name)]
    return (*names, *_registered_names())


def missing_library(name: str) -> str:
    """Return a library that training a family needs and that is not installed; "" if there is none.

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


def is_of_extra(name: str) -> bool:
    """Return whether an extra brings the libraries that a family is trained with."""
    return name in _LIBRARIES


def absent_families() -> tuple[str, ...]:
    """Return the families of the extra that can't be trained here."""
    return tuple(name for name in _LIBRARIES if missing_library(name))


def check_trainable(name: str) -> None:
    """Refuse a family whose libraries are not installed.

    Raises
    ------
    MissingExtra
        The message says what to install.
    """
    library = missing_library(name)
    if library:
        raise MissingExtra(
            f"the family {name!r} needs {library!r}: pip install 'automl-tabular[{EXTRA}]'"
        )


def check_families(families: Iterable[Family]) -> Extensions:
    """Check and copy a user's families, to be carried by a run or a predictor.

    Raises
    ------
    InputError
        A family lacks a required member, has the name of a built-in family or of another
        one of these, or can't be pickled.
    """
    own: dict[str, Family] = {}
    for candidate in families:
        if isinstance(candidate, type):
            class_name = candidate.__name__
            raise InputError(
                f"the family {class_name}: is a class. Give an object of it: {class_name}()."
            )
        name = checked_family(candidate, str(getattr(candidate, "name", ""))).name
        if name in _MODULES:
            raise InputError(
                f"the family {type(candidate).__name__}: its name {name!r} is that of a built-in "
                "family. Give it another one."
            )
        if name in own:
            raise InputError(
                f"families: two of them have the name {name!r}. Give one of them another name."
            )
        own[name] = extensions.copied("families", name, candidate)
    return Extensions(own)


def _registered_names() -> tuple[str, ...]:
    """Return the names of the families that installed packages register."""
    return extensions.installed("families", _BUILT_IN_NAMES)


def is_baseline(name: str) -> bool:
    """Return whether a family learns nothing from the features."""
    return _has_trait(name, "is_baseline")


def reads_features(name: str) -> bool:
    """Return whether a family's models read features at all."""
    return not is_baseline(name)


def is_boosted(name: str) -> bool:
    """Return whether a family's models are trees that each correct those before."""
    return _has_trait(name, "is_boosted")


def is_forest(name: str) -> bool:
    """Return whether a family's models are means of trees."""
    return _has_trait(name, "is_forest")


def is_quick(name: str) -> bool:
    """Return whether a family's fits are so quick that they say nothing of other families'."""
    return _has_trait(name, "is_quick")


def holds_rows(name: str, own: Extensions = NO_EXTENSIONS) -> bool:
    """Return whether a family's models hold rows of the training table.

    A family of a user's does unless it says otherwise, and so does one that is not known here.
    """
    if name in _MODULES:
        return _has_trait(name, "holds_rows")
    if not is_known(name, own):
        return True
    return bool(getattr(find_family(name, own), "holds_rows", True))
