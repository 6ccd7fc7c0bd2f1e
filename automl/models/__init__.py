"""Model families: one file each; a file and its libraries are imported when used."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from automl import extensions
from automl.errors import InputError, suggestion
from automl.extensions import NO_EXTENSIONS, Extensions
from automl.features.feature import Feature
from automl.models._base import Family, FitContext, Fitted, Model, Sample
from automl.models._early_stopping import EarlyStopping
from automl.models._foreign import checked_family
from automl.models._libraries import (
    NN_EXTRA,
    OF_NN,
    OF_PRETRAINED,
    missing_library,
    require_libraries,
)
from automl.models._simple import SimpleFamily

__all__ = [
    "FAMILIES",
    "NN_EXTRA",
    "NN_FAMILIES",
    "PRETRAINED_FAMILIES",
    "EarlyStopping",
    "Family",
    "Feature",
    "FitContext",
    "Fitted",
    "Model",
    "Sample",
    "SimpleFamily",
    "absent_families",
    "all_families",
    "check_families",
    "check_trainable",
    "default_families",
    "find_family",
    "find_pretrained",
    "holds_rows",
    "is_baseline",
    "is_boosted",
    "is_forest",
    "is_known",
    "is_pretrained",
    "is_quick",
    "least_fit_seconds",
    "missing_library",
    "needs_extra",
    "reads_features",
]

if TYPE_CHECKING:
    from automl.models.pretrained.family import InContextFamily

    FAMILIES: tuple[Family, ...]
    NN_FAMILIES: tuple[Family, ...]
    PRETRAINED_FAMILIES: tuple[InContextFamily, ...]

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
    "tabicl": "tabicl",
    "tabpfn": "tabpfn",
}
_BUILT_IN_NAMES = tuple(_MODULES)
_GROUPS = {
    "FAMILIES": [name for name in _MODULES if name not in OF_NN | OF_PRETRAINED],
    "NN_FAMILIES": list(OF_NN),
    "PRETRAINED_FAMILIES": list(OF_PRETRAINED),
}


def __getattr__(name: str) -> Any:
    """Return `FAMILIES`, those of every installation, or those of an extra."""
    if name not in _GROUPS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return tuple(map(_built_in, _GROUPS[name]))


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

    Networks of an extra are among them where its libraries are installed, pretrained models never.
    """
    names = [name for name in _MODULES if name not in OF_PRETRAINED and not missing_library(name)]
    return (*names, *_registered_names())


def all_families() -> tuple[str, ...]:
    """Return the built-in families, those that lack a library here included, and packages'."""
    return (*_BUILT_IN_NAMES, *_registered_names())


def needs_extra(name: str) -> bool:
    """Return whether an extra brings the libraries that a family needs."""
    return name in OF_NN or is_pretrained(name)


def is_pretrained(name: str) -> bool:
    """Return whether others have trained a family's model, which reads the rows as its context."""
    return name in OF_PRETRAINED


def absent_families() -> tuple[str, ...]:
    """Return the networks of the extra that can't be trained here."""
    return tuple(name for name in OF_NN if missing_library(name))


def check_trainable(name: str) -> None:
    """Refuse a family whose libraries, or pretrained weights, are not on this machine.

    Raises
    ------
    MissingExtra
        The message says what to install.
    InputError
        There are no weights; the message says where they were looked for.
    """
    require_libraries(name)
    if is_pretrained(name):
        find_pretrained(name).weights.check_any()


def find_pretrained(name: str) -> InContextFamily:
    """Return the family of this name, one whose model others have trained."""
    family = _built_in(name)
    assert isinstance(family, _pretrained_type())
    return family


def _pretrained_type() -> type[InContextFamily]:
    from automl.models.pretrained.family import InContextFamily

    return InContextFamily


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


def least_fit_seconds(name: str) -> float:
    """Return the seconds that a fit of a family may always take: loading its library takes most."""
    if name not in _MODULES:
        return 0.0
    return getattr(_built_in(name), "least_fit_seconds", 0.0)


def holds_rows(name: str, own: Extensions = NO_EXTENSIONS) -> bool:
    """Return whether a family's models hold rows of the training table.

    A family of a user's does unless it says otherwise, and so does one that is not known here.
    """
    if name in _MODULES:
        return _has_trait(name, "holds_rows")
    if not is_known(name, own):
        return True
    return bool(getattr(find_family(name, own), "holds_rows", True))
