"""Metrics that are Python functions: named by module, qualified name and a hash, known as long as the process lives.

Files hold the name alone. Workers are handed the function with the data; a predictor never needs it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from automl.errors import InputError

_MARK = "@"  # between a function's name and its hash; no other metric has it
_KNOWN: dict[str, Any] = {}  # scikit-learn's scorer objects, by name


def is_function(name: str) -> bool:
    """Whether a metric's name is that of a Python function.

    >>> is_function("roc_auc"), is_function("costs.of_errors@1f2e3d4c")
    (False, True)
    """
    return _MARK in name


def register(function: Callable[..., Any]) -> str:
    """Make a Python function known as a metric, and give its name: its hash is its pickle's, which for a module's function names it only.

    Parameters
    ----------
    function : callable
        `function(y_true, y_pred) -> float`, greater being better, where `y_pred` holds labels or numbers; or what scikit-learn's
        `make_scorer` makes of one, which says whether it wants probabilities and which sign it has.

    Examples
    --------
    >>> register(lambda truth, answer: float((truth == answer).mean())).startswith("automl.metrics._functions.")
    True
    """
    from sklearn.metrics import make_scorer

    scorer: Any = function if hasattr(function, "_score_func") else make_scorer(function)
    inner = scorer._score_func
    error = str(getattr(inner, "__name__", "")).endswith(("_error", "_loss")) and str(inner.__module__).startswith("sklearn.metrics")
    if error and scorer._sign > 0:
        raise InputError(f"metric: {inner.__name__} is smaller for better predictions. Give make_scorer(f, greater_is_better=False).")
    home = f"{getattr(inner, '__module__', '')}.{getattr(inner, '__qualname__', type(inner).__name__)}"
    name = f"{home}{_MARK}{hashlib.blake2b(_pickled(scorer), digest_size=4).hexdigest()}"
    _KNOWN[name] = scorer
    return name


def known_function(name: str) -> Any:
    """The scorer of a function; None if nobody has registered it in this process."""
    return _KNOWN.get(name)


def keep_function(name: str, file: Path) -> None:
    """Write a registered function for the workers of a run."""
    file.write_bytes(_pickled(_KNOWN[name]))


def take_function(name: str, file: Path) -> None:
    """Read what `keep_function` wrote: only ever a file of the worker's own run."""
    import cloudpickle

    _KNOWN[name] = cloudpickle.loads(file.read_bytes())


def _pickled(scorer: Any) -> bytes:
    import cloudpickle

    pickled: bytes = cloudpickle.dumps(scorer)
    return pickled
