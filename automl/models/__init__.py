"""Model families: one file each, listed in `FAMILIES`; libraries are imported when used."""

from __future__ import annotations

from collections.abc import Iterable

from automl import extensions
from automl.errors import InputError, suggestion
from automl.extensions import NO_EXTENSIONS, Extensions
from automl.features.feature import Feature
from automl.models._base import Family, FitContext, Fitted, Model, Sample
from automl.models._early_stopping import EarlyStopping
from automl.models._foreign import checked_family
from automl.models._simple import SimpleFamily
from automl.models.catboost import CatBoost
from automl.models.constant import Constant
from automl.models.forest import EXTRA_TREES, RANDOM_FOREST
from automl.models.knn import KNN
from automl.models.lightgbm import LightGBM
from automl.models.linear import Linear
from automl.models.mlp import MLP
from automl.models.xgboost import XGBoost

__all__ = [
    "FAMILIES",
    "EarlyStopping",
    "Family",
    "Feature",
    "FitContext",
    "Fitted",
    "Model",
    "Sample",
    "SimpleFamily",
    "check_families",
    "default_families",
    "find_family",
    "holds_rows",
    "is_baseline",
    "is_known",
    "is_quick",
    "reads_features",
]

FAMILIES: tuple[Family, ...] = (
    LightGBM(),
    CatBoost(),
    XGBoost(),
    EXTRA_TREES,
    RANDOM_FOREST,
    Linear(),
    KNN(),
    MLP(),
    Constant(),
)
_BUILT_IN_NAMES = tuple(built_in.name for built_in in FAMILIES)
# Of the traits, users' families have `holds_rows` alone.
_BASELINES = frozenset(each.name for each in FAMILIES if getattr(each, "is_baseline", False))
_QUICK = frozenset(each.name for each in FAMILIES if getattr(each, "is_quick", False))
_ROW_HOLDERS = frozenset(each.name for each in FAMILIES if getattr(each, "holds_rows", False))


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
    for built_in in FAMILIES:
        if built_in.name == name:
            return built_in
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
    return name in _BUILT_IN_NAMES or name in own.families or name in _registered_names()


def default_families() -> tuple[str, ...]:
    """Return the families used where none is named: the built-in ones, then installed packages'."""
    return (*_BUILT_IN_NAMES, *_registered_names())


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
        if name in _BUILT_IN_NAMES:
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
    return name in _BASELINES


def reads_features(name: str) -> bool:
    """Return whether a family's models read features at all."""
    return not is_baseline(name)


def is_quick(name: str) -> bool:
    """Return whether a family's fits are so quick that they say nothing of other families'."""
    return name in _QUICK


def holds_rows(name: str, own: Extensions = NO_EXTENSIONS) -> bool:
    """Return whether a family's models hold rows of the training table.

    A family of a user's does unless it says otherwise, and so does one that is not known here.
    """
    if name in _BUILT_IN_NAMES:
        return name in _ROW_HOLDERS
    if not is_known(name, own):
        return True
    return bool(getattr(find_family(name, own), "holds_rows", True))
