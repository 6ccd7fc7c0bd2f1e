"""Messages in Python's words: an option of the command line becomes the parameter that says the same.

The parts below the faces speak of options as the command line has them, `--metric: no metric 'auc'`. Here one table says what each is
called in Python, and `in_python` rewrites a message by it: `metric='auc': no metric 'auc'`. A test holds the table complete.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from typing import Any

from automl.cleaning import Finding
from automl.errors import AutoMLError
from automl.pipeline import toml_value

PARAMETERS: dict[str, str] = {
    "budget": "budget",
    "engine": "engine",
    "expect-sha256": "expect_sha256",
    "family": "families",
    "group": "groups",
    "jobs": "n_jobs",
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
}  # options of the command line that a parameter of the estimators, of `fit` or of `load` stands for

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
}  # options that are something else in Python

_ROLES = {
    "weight": "sample_weight",
    "group": "groups",
    "time": "time",
}  # as the cleaner calls the arrays that `fit` was given
_TASK = re.compile(r"(?:\bgive )?--task (binary or multiclass|binary|multiclass|regression)\b")
_TYPED = re.compile(r"--set (\w+(?:\.\w+)+) = ")
_QUOTED = r"'(?:[^']|'\"'\"')*'"  # as `shlex.quote` writes it
_SET = re.compile(rf"--set ({_QUOTED}|\"[^\"]*\"|[\w.]+=[^\s;,)]*)")
_IGNORED = rf"--ignore (?:{_QUOTED}|[^\s;,:)]+)"
_IGNORES = re.compile(rf"{_IGNORED}(?: {_IGNORED})+")
_WORD = r"[^\s;,:)]*[^\s;,:.)]"  # a value without spaces, before whatever ends it
_ENDS = r"[;,:)]|\.?$|\. | or --| --| to "
_VALUE = rf"{_QUOTED}|[A-Z]+\b|{_WORD}(?:,{_WORD})+|(?!(?:or|and|to)\b){_WORD}(?={_ENDS})"
_OPTION = re.compile(rf"--([a-z][a-z0-9-]*[a-z0-9])(?::|(?: (?P<value>{_VALUE}))?)")


def in_python(text: str, given: Mapping[str, Any] | None = None) -> str:
    """A message with Python's parameters in place of the command line's options.

    Parameters
    ----------
    text : str
    given : mapping of str to object, optional
        Values of parameters, to be shown where a message begins with one.

    Examples
    --------
    >>> in_python("--metric: no metric 'auc'", {"metric": "auc"})
    "metric='auc': no metric 'auc'"
    >>> in_python("taken as missing (to change it: --set clean.sentinels=false)")
    "taken as missing (to change it: options={'clean.sentinels': False})"
    >>> in_python("For classes, give --task binary or multiclass.")
    'For classes, use AutoMLClassifier.'
    """
    given = given or {}
    text = _roles(text)
    text = _TASK.sub(_estimator, text)
    text = _TYPED.sub(r"options: \1 = ", text)
    text = _SET.sub(_options, text)
    text = _IGNORES.sub(_dropped, text)
    text = _with_value(text, given)
    return _OPTION.sub(lambda found: _parameter(found, given), text)


def finding_in_python(finding: Finding) -> Finding:
    """A finding whose words are Python's."""
    return replace(finding, action=in_python(finding.action), override=in_python(finding.override))


@contextmanager
def pythons_words(given: Mapping[str, Any]) -> Iterator[None]:
    """Have errors of ours say what a parameter is called in Python."""
    try:
        yield
    except AutoMLError as error:
        if error.args and isinstance(error.args[0], str):
            error.args = (in_python(error.args[0], given), *error.args[1:])
        raise


def _roles(text: str) -> str:
    """The beginning of a message about an array that `fit` was given."""
    name, said, rest = re.match(r"(\w*)(:? ?)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    if name in _ROLES and said:
        return f"{_ROLES[name]}{said}{rest}"
    return f"families: {text}" if text.startswith("no model family ") else text


def _estimator(found: re.Match[str]) -> str:
    name = "AutoMLRegressor" if found[1] == "regression" else "AutoMLClassifier"
    return f"use {name}" if found[0].startswith("give") else name


def _options(found: re.Match[str]) -> str:
    """An option of a stage, as a dictionary of options."""
    setting = shlex.split(found[1])[0]
    name, equals, value = (part.strip() for part in setting.partition("="))
    if not equals:
        return f"options={setting!r}"
    shown = value if _is_placeholder(value) else repr(toml_value(value))
    return f"options={{{name!r}: {shown}}}"


def _is_placeholder(value: str) -> bool:
    """Whether a value stands for whatever the reader chooses: N, COL."""
    return value.isalpha() and value.isupper()


def _dropped(found: re.Match[str]) -> str:
    """Several columns to ignore, as columns of X to drop."""
    columns = [word for word in shlex.split(found[0]) if word != "--ignore"]
    return f"X.drop(columns={columns})"


def _with_value(text: str, given: Mapping[str, Any]) -> str:
    """A message that begins with an option and the value that was given, which may hold spaces: a path."""
    for option, name in PARAMETERS.items():
        value = given.get(name)
        if isinstance(value, (str, PathLike)) and text.startswith(f"--{option} {value}:"):
            return f"{name}={str(value)!r}{text.removeprefix(f'--{option} {value}')}"
    return text


def _parameter(found: re.Match[str], given: Mapping[str, Any]) -> str:
    """What an option is called, with its value if the message has one or begins with the option."""
    option, value, colon = found[1], found["value"], ":" if found[0].endswith(":") else ""
    shown = "" if value is None else _literal(shlex.split(value)[0])
    if option not in PARAMETERS:
        return PHRASES.get(option, f"--{option}").replace("...", shown or "...") + colon
    name = PARAMETERS[option]
    if colon and isinstance(given.get(name), (str, int, float, PathLike)):
        shown = repr(given[name])
    return f"{name}={shown}{colon}" if shown else f"{name}{colon}"


def _literal(value: str) -> str:
    return value if value.isdigit() else repr(value)
