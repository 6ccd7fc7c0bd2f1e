"""Metrics that are Python functions: given in this process, or registered by a package.

Packages register them under `automl.extensions`. Files hold only a name with a hash. Workers get
the function with the data; a predictor never needs it.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from typing import Any

from automl import extensions
from automl.errors import InputError
from automl.metrics._library import METRICS

HASH_MARK = "@"  # between a function's name and its hash; no other metric has it


def is_function(name: str) -> bool:
    """Return whether a metric's name is that of a Python function.

    >>> is_function("roc_auc"), is_function("costs.of_errors@1f2e3d4c")
    (False, True)
    """
    return HASH_MARK in name


def register_function(function: Callable[..., Any], name: str | None = None) -> str:
    """Make a Python function known as a metric, and return its name with a hash.

    The hash is that of the function's pickle and its source.

    Parameters
    ----------
    function : callable
        `function(y_true, y_pred) -> float`, greater being better, where `y_pred` holds labels or
        numbers; or the result of scikit-learn's `make_scorer`, which says whether the function
        needs probabilities and which sign it has.
    name : str, optional
        The part before the hash; by default the function's module and qualified name.

    Raises
    ------
    InputError
        It is one of scikit-learn's errors or losses, as if greater were better.

    Examples
    --------
    >>> accuracy = lambda truth, answer: float((truth == answer).mean())
    >>> register_function(accuracy).startswith("automl.metrics._functions.")
    True
    """
    from sklearn.metrics import make_scorer

    is_scorer = hasattr(function, "_score_func")
    scorer: Any = function if is_scorer else make_scorer(function)
    inner = scorer._score_func
    if scorer._sign > 0 and _is_error_of_scikit_learn(inner):
        raise InputError(
            f"metric: {inner.__name__} is smaller for better predictions. "
            "Give make_scorer(f, greater_is_better=False)."
        )
    content = _pickle(scorer) + _source(inner)
    digest = hashlib.blake2b(content, digest_size=4).hexdigest()
    name = f"{name or _qualified_name(inner)}{HASH_MARK}{digest}"
    extensions.give_metric(name, scorer)
    return name


def _is_error_of_scikit_learn(function: Any) -> bool:
    name = str(getattr(function, "__name__", ""))
    if not name.endswith(("_error", "_loss")):
        return False
    return str(function.__module__).startswith("sklearn.metrics")


def _qualified_name(function: Any) -> str:
    module = getattr(function, "__module__", "")
    name = getattr(function, "__qualname__", type(function).__name__)
    return f"{module}.{name}"


def resolve_metric_name(name: str) -> str:
    """Return a metric's name as a task holds it.

    The name of a function that a package registers gets its hash; any other name is unchanged.

    Raises
    ------
    InputError
        The registered object can't be loaded, or is not a function.
    """
    if name not in extensions.installed("metrics", METRICS):
        return name
    function = extensions.find("metrics", name)
    if not callable(function):
        raise InputError(
            f"--metric: {name!r}, which a package registers, is not a function: {function!r}."
        )
    return register_function(function, name)


def find_function(name: str) -> Any:
    """Return the scorer of a function.

    Return None if it was not given in this process and no package registers it.
    """
    scorer = extensions.find("metrics", name)
    if scorer is None:
        plain_name = name.partition(HASH_MARK)[0]
        if resolve_metric_name(plain_name) == name:
            scorer = extensions.find("metrics", name)
    return scorer


def _source(function: Any) -> bytes:
    """Return a function's source, because a module's function is pickled by its name alone."""
    try:
        return inspect.getsource(function).encode("utf-8", "replace")
    except (TypeError, OSError):  # built in, or typed in
        return b""


def _pickle(scorer: Any) -> bytes:
    import cloudpickle

    pickled: bytes = cloudpickle.dumps(scorer)
    return pickled
