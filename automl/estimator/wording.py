"""Reword messages for Python: an option of the command line becomes the parameter of that meaning.

The parts below the estimators and the command line speak of options as the command line has them:
`--metric: no metric 'auc'`. A table here has the name of each in Python, and `in_python`
rewrites a message by it: `metric='auc': no metric 'auc'`. A test keeps the table complete.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from typing import Any

from automl.errors import AutoMLError
from automl.finding import Finding
from automl.pipeline import parse_toml_value

# Options of the command line that correspond to a parameter of the estimators, `fit` or `load`.
PARAMETERS: dict[str, str] = {
    "budget": "budget",
    "engine": "engine",
    "expect-sha256": "expect_sha256",
    "family": "families",
    "group": "groups",
    "jobs": "n_jobs",
    "max-mb": "max_mb",
    "max-ms": "max_ms",
    "memory": "memory",
    "metric": "metric",
    "output": "output",
    "pipeline": "pipeline",
    "seed": "random_state",
    "target": "y",
    "time": "time",
    "track": "track",
    "trials": "trials",
    "verbose": "verbose",
    "weight": "sample_weight",
}

# Options that correspond to something else in Python.
PHRASES: dict[str, str] = {
    "data": "X",
    "encoding": "pandas.read_csv(encoding=...)",
    "ignore": "X.drop(columns=...)",
    "keep-data": "`automl fit --keep-data`",
    "positive": "other labels in y: the second in sorted order is the positive class",
    "quiet": "verbose=0",
    "separator": "pandas.read_csv(sep=...)",
    "set": "options",
    "sheet": "pandas.read_excel(sheet_name=...)",
    "start-from": 'options={"select.earlier": ...}',
    "task": "AutoMLClassifier or AutoMLRegressor",
    "test": "score(X, y)",
    "use-all": 'options={"tune.use_all": True}',
}

# The cleaner's names of the arrays that are passed to `fit`.
_ROLES = {
    "weight": "sample_weight",
    "group": "groups",
    "time": "time",
}
_TASK = re.compile(r"(?:\bgive )?--task (binary or multiclass|binary|multiclass|regression)\b")
_SPACED_SET = re.compile(r"--set (\w+(?:\.\w+)+) = ")
_QUOTED = r"'(?:[^']|'\"'\"')*'"  # as `shlex.quote` writes it
_SET = re.compile(rf"--set ({_QUOTED}|\"[^\"]*\"|[\w.]+=[^\s;,)]*)")
_IGNORE = rf"--ignore (?:{_QUOTED}|[^\s;,:)]+)"
_SEVERAL_IGNORES = re.compile(rf"{_IGNORE}(?: {_IGNORE})+")
_WORD = r"[^\s;,:)]*[^\s;,:.)]"  # a value without spaces, before the punctuation that ends it
_ENDS = r"[;,:)]|\.?$|\. | or --| --| to "
_VALUE = rf"{_QUOTED}|[A-Z]+\b|{_WORD}(?:,{_WORD})+|(?!(?:or|and|to)\b){_WORD}(?={_ENDS})"
_OPTION = re.compile(rf"--([a-z][a-z0-9-]*[a-z0-9])(?::|(?: (?P<value>{_VALUE}))?)")


def in_python(text: str, values: Mapping[str, Any] | None = None) -> str:
    """Replace the command line's options in a message by Python's parameters.

    Parameters
    ----------
    text : str
    values : mapping of str to object, optional
        Values of parameters, to show where a message begins with one.

    Examples
    --------
    >>> in_python("--metric: no metric 'auc'", {"metric": "auc"})
    "metric='auc': no metric 'auc'"
    >>> in_python("taken as missing (to change it: --set clean.sentinels=false)")
    "taken as missing (to change it: options={'clean.sentinels': False})"
    >>> in_python("For classes, give --task binary or multiclass.")
    'For classes, use AutoMLClassifier.'
    """
    values = values or {}
    text = _replace_start(text)
    text = _TASK.sub(_estimator, text)
    text = _SPACED_SET.sub(r"options: \1 = ", text)
    text = _SET.sub(_stage_option, text)
    text = _SEVERAL_IGNORES.sub(_dropped_columns, text)
    text = _replace_leading_option(text, values)
    return _OPTION.sub(lambda match: _parameter(match, values), text)


def finding_in_python(finding: Finding) -> Finding:
    """Return a finding that speaks of Python's parameters."""
    action = in_python(finding.action)
    override = in_python(finding.override)
    return replace(finding, action=action, override=override)


@contextmanager
def python_wording(values: Mapping[str, Any]) -> Iterator[None]:
    """Reword our errors for Python.

    Parameters
    ----------
    values : mapping of str to object
        Values of parameters, as for `in_python`.
    """
    try:
        yield
    except AutoMLError as error:
        if error.args and isinstance(error.args[0], str):
            message, *others = error.args
            error.args = (in_python(message, values), *others)
        raise


def _replace_start(text: str) -> str:
    """Replace the start of a message about an array that was passed to `fit`, or about families."""
    match = re.match(r"(\w*)(:? ?)", text)
    if match is not None and match[2] and match[1] in _ROLES:
        return _ROLES[match[1]] + text[match.end(1) :]
    if text.startswith("no model family "):
        return f"families: {text}"
    return text


def _estimator(match: re.Match[str]) -> str:
    name = "AutoMLRegressor" if match[1] == "regression" else "AutoMLClassifier"
    return f"use {name}" if match[0].startswith("give") else name


def _stage_option(match: re.Match[str]) -> str:
    """Write an option of a stage as a dictionary of options."""
    setting = shlex.split(match[1])[0]
    name, equals, value = (part.strip() for part in setting.partition("="))
    if not equals:
        return f"options={setting!r}"
    shown = value if _is_placeholder(value) else repr(parse_toml_value(value))
    return f"options={{{name!r}: {shown}}}"


def _is_placeholder(value: str) -> bool:
    """Whether a value stands for a choice of the reader, such as N or COL."""
    return value.isalpha() and value.isupper()


def _dropped_columns(match: re.Match[str]) -> str:
    """Write several columns to ignore as columns of X to drop."""
    columns = [word for word in shlex.split(match[0]) if word != "--ignore"]
    return f"X.drop(columns={columns})"


def _replace_leading_option(text: str, values: Mapping[str, Any]) -> str:
    """Replace the option at the start of a message, whose value may hold spaces, as a path does."""
    for option, name in PARAMETERS.items():
        value = values.get(name)
        start = f"--{option} {value}"
        if isinstance(value, (str, PathLike)) and text.startswith(f"{start}:"):
            return f"{name}={str(value)!r}{text.removeprefix(start)}"
    return text


def _parameter(match: re.Match[str], values: Mapping[str, Any]) -> str:
    """Write an option as a parameter, with its value if the message has or begins with it."""
    option = match[1]
    colon = ":" if match[0].endswith(":") else ""
    shown = ""
    if match["value"] is not None:
        shown = _literal(shlex.split(match["value"])[0])
    if option not in PARAMETERS:
        phrase = PHRASES.get(option, f"--{option}")
        return phrase.replace("...", shown or "...") + colon
    name = PARAMETERS[option]
    value = values.get(name)
    if colon and isinstance(value, (str, int, float, PathLike)):
        shown = repr(value)
    return f"{name}={shown}{colon}" if shown else f"{name}{colon}"


def _literal(value: str) -> str:
    return value if value.isdigit() else repr(value)
