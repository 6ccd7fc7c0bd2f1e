"""Models: what can be trained. One file a family, one explicit tuple; libraries are imported when a family is used."""

from __future__ import annotations

from collections.abc import Iterable

from automl import extensions
from automl.errors import InputError, suggestion
from automl.extensions import NO_EXTENSIONS, Extensions
from automl.features.feature import Feature
from automl.models._base import Family, Fitted, How, Model, Sample
from automl.models._foreign import sound
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
    "Family",
    "Feature",
    "Fitted",
    "How",
    "Model",
    "Sample",
    "SimpleFamily",
    "everybody",
    "family",
    "given",
    "is_known",
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
OURS = tuple(one.name for one in FAMILIES)


def family(name: str, own: Extensions = NO_EXTENSIONS) -> Family:
    """The family of this name: one of ours, of the run's own, or of an installed package.

    Raises
    ------
    InputError
        There is none.

    Examples
    --------
    >>> family("lightgbm").recipes[0]
    'mixed'
    """
    for candidate in FAMILIES:
        if candidate.name == name:
            return candidate
    if name in own.families:
        one: Family = own.families[name]
        return one
    if (found := extensions.find("families", name)) is not None:
        return sound(found, name)
    names = [*OURS, *own.families, *extensions.installed("families", OURS)]
    here = "one of your own is known where its package is installed"
    raise InputError(
        f"no model family {name!r}.{suggestion(name, names)} There are {', '.join(names)}; {here}."
    )


def is_known(name: str, own: Extensions = NO_EXTENSIONS) -> bool:
    """Whether there is a family of this name: a run may have been made where there were others."""
    return name in OURS or name in own.families or name in extensions.installed("families", OURS)


def everybody() -> tuple[str, ...]:
    """The names of the families that take part where none is named: ours, then those that installed packages register."""
    return (*OURS, *extensions.installed("families", OURS))


def given(families: Iterable[Family]) -> Extensions:
    """The families of a user, checked and copied, as a run or a predictor carries them.

    Raises
    ------
    InputError
        One lacks what a family needs, has the name of one of ours or of another one, or can't be pickled.
    """
    own: dict[str, Family] = {}
    for one in families:
        if isinstance(one, type):
            raise InputError(
                f"the family {one.__name__}: is a class. Give an object of it: {one.__name__}()."
            )
        name = sound(one, str(getattr(one, "name", ""))).name
        if name in OURS:
            raise InputError(
                f"the family {type(one).__name__}: its name {name!r} is that of a family of ours. Give it another one."
            )
        if name in own:
            raise InputError(
                f"families: two of them have the name {name!r}. Give one of them another name."
            )
        own[name] = extensions.copied("families", name, one)
    return Extensions(own)


def is_baseline(name: str) -> bool:
    """Return whether a family is the one that learns nothing from the features."""
    return name == Constant.name


def reads_features(name: str) -> bool:
    """Return whether a family's models read features at all."""
    return not is_baseline(name)


def holds_rows(name: str) -> bool:
    """Return whether a family's models hold rows of the training table."""
    return name == KNN.name
