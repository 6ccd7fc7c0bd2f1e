"""Metrics that are Python functions: given in this process, or registered by an installed package (`automl.extensions`).

Files hold a name with a hash alone. Workers are handed the function with the data; a predictor never needs it.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from typing import Any

from automl import extensions
from automl.errors import InputError
from automl.metrics._library import METRICS

_MARK = "@"  # between a function's name and its hash; no other metric has it


def is_function(name: str) -> bool:
    """Whether a metric's name is that of a Python function.

    >>> is_function("roc_auc"), is_function("costs.of_errors@1f2e3d4c")
    (False, True)
    """
    return _MARK in name


def register(function: Callable[..., Any], name: str | None = None) -> str:
    """Make a Python function known as a metric, and give its name, whose hash is that of its pickle and its source.

    Parameters
    ----------
    function : callable
        `function(y_true, y_pred) -> float`, greater being better, where `y_pred` holds labels or numbers; or what scikit-learn's
        `make_scorer` makes of one, which says whether it wants probabilities and which sign it has.
    name : str, optional
        What comes before the hash; by default its module and qualified name.

    Examples
    --------
    >>> register(lambda truth, answer: float((truth == answer).mean())).startswith("automl.metrics._functions.")
    True
    """
    from sklearn.metrics import make_scorer

    scorer: Any = function if hasattr(function, "_score_func") else make_scorer(function)
    inner = scorer._score_func
    error = str(getattr(inner, "__name__", "")).endswith(("_error", "_loss")) and str(
        inner.__module__
    ).startswith("sklearn.metrics")
    if error and scorer._sign > 0:
        raise InputError(
            f"metric: {inner.__name__} is smaller for better predictions. Give make_scorer(f, greater_is_better=False)."
        )
    home = (
        name
        or f"{getattr(inner, '__module__', '')}.{getattr(inner, '__qualname__', type(inner).__name__)}"
    )
    name = f"{home}{_MARK}{hashlib.blake2b(_pickled(scorer) + _source(inner), digest_size=4).hexdigest()}"
    extensions.give_metric(name, scorer)
    return name


def named(name: str) -> str:
    """A metric's name as a task has it: that of a function that a package registers gets its hash, any other one is as it was.

    Raises
    ------
    InputError
        What is registered can't be loaded, or is no function.
    """
    if name not in extensions.installed("metrics", METRICS):
        return name
    function = extensions.find("metrics", name)
    if not callable(function):
        raise InputError(
            f"--metric: {name!r}, which a package registers, is no function: {function!r}."
        )
    return register(function, name)


def known_function(name: str) -> Any:
    """The scorer of a function; None if nobody has given it in this process and no package registers it."""
    scorer = extensions.find("metrics", name)
    if scorer is None and named(name.partition(_MARK)[0]) == name:
        scorer = extensions.find("metrics", name)
    return scorer


def _source(function: Any) -> bytes:
    """What a function does: a module's function is pickled by its name alone."""
    try:
        return inspect.getsource(function).encode("utf-8", "replace")
    except (TypeError, OSError):  # built in, or typed in
        return b""


def _pickled(scorer: Any) -> bytes:
    import cloudpickle

    pickled: bytes = cloudpickle.dumps(scorer)
    return pickled
