"""Check the estimators' parameters, and convert them to those of a run.

Values are typed as `Any`, since users may pass anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from automl.budget import usable_cores
from automl.errors import InputError
from automl.estimator.splitting import number_of_folds
from automl.executor.engines import ENGINES, Engine
from automl.extensions import Extensions
from automl.models import check_families, default_families
from automl.pipeline import Pipeline, read_pipeline

MAX_SEED = 2**31 - 1


@dataclass(frozen=True)
class FitArguments:
    """The arguments of `fit` other than X and y."""

    sample_weight: Any
    groups: Any
    time: Any
    X_val: Any
    y_val: Any

    def column_names(self) -> dict[str, str]:
        """Return the arguments that are names of columns."""
        arguments = {
            "sample_weight": self.sample_weight,
            "groups": self.groups,
            "time": self.time,
        }
        return {name: value for name, value in arguments.items() if isinstance(value, str)}

    def check(self, cv: Any) -> None:
        """Refuse arguments that contradict each other or `cv`."""
        if (self.X_val is None) != (self.y_val is None):
            raise InputError("X_val and y_val: give both or neither.")
        if self.X_val is not None:
            ways_to_split = {"groups": self.groups, "time": self.time, "cv": cv}
            for name, value in ways_to_split.items():
                if value is not None:
                    raise InputError(
                        f"{name} and X_val: give one of them; "
                        "rows that are given for validation need no folds."
                    )
        if self.time is not None and cv is not None and number_of_folds(cv) is None:
            raise InputError(
                "time and cv: give one of them; cv says which rows are held out, in whatever order."
            )


def check_trials(trials: Any) -> None:
    """Refuse a number of candidates that is not a whole number from 1."""
    if trials is None:
        return
    if not isinstance(trials, (int, np.integer)) or trials < 1:
        raise InputError(
            f"trials={trials!r}: give a whole number, at least 1; the baseline counts."
        )


def check_bound(name: str, value: Any) -> None:
    """Refuse a bound that is not a number."""
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if value is not None and not is_number:
        raise InputError(f"{name}={value!r}: give a number above 0, or None.")


def budget_text(budget: Any) -> str:
    """Return a budget as the text that the command line takes."""
    if isinstance(budget, str):
        return budget
    is_number = isinstance(budget, (int, float, np.number))
    if not is_number or isinstance(budget, bool):
        raise InputError(f"budget={budget!r}: give seconds, or text such as '90s', '10m', '1h30m'.")
    return np.format_float_positional(budget, trim="-")


def build_pipeline(
    pipeline: Any,
    options: Any,
    cv: Any,
    families: Any,
    extensions: Extensions,
) -> Pipeline:
    """Return the pipeline with the options, number of folds and families that were passed.

    Parameters
    ----------
    pipeline, options, cv, families : object
        The estimator's parameters.
    extensions : Extensions
        The objects among `families`.
    """
    if not isinstance(pipeline, (str, Path, Pipeline)):
        raise InputError(
            f"pipeline={pipeline!r}: must be a name, a file's path, "
            "or a result of automl.extend.read_pipeline."
        )
    if isinstance(pipeline, Pipeline):
        configured = pipeline
    else:
        configured = read_pipeline(str(pipeline))
    configured = configured.with_options(option_list(options))
    n_folds = number_of_folds(cv)
    if n_folds is not None:
        configured = configured.with_options([f"clean.folds={n_folds}"])
    if not families:
        return configured
    names = [one for one in families if isinstance(one, str)]
    named = names or configured.families or default_families()
    selected = [*named, *extensions.families]
    return configured.with_options([f"select.families={json.dumps(selected)}"])


def own_families(families: Any) -> Extensions:
    """Return the objects among a list of families, which may hold names, too.

    Raises
    ------
    InputError
        It is not a list, or an object is not a family.
    """
    if families is None:
        return Extensions()
    if isinstance(families, str) or not isinstance(families, Sequence):
        raise InputError(f"families={families!r}: must be a list of names and objects.")
    return check_families(one for one in families if not isinstance(one, str))


def option_list(options: Any) -> list[str]:
    """Return options as `--set` takes them; values in JSON are valid TOML."""
    if isinstance(options, Mapping):
        settings = []
        for name, value in options.items():
            settings.append(f"{name}={json.dumps(value, ensure_ascii=False)}")
        return settings
    if isinstance(options, str):
        return [options]
    is_list = isinstance(options, Sequence)
    if not is_list or not all(isinstance(option, str) for option in options):
        raise InputError(
            f"options={options!r}: give a dictionary of options, "
            "or a list of texts such as 'tune.method=random'."
        )
    return list(options)


def number_of_cores(n_jobs: Any) -> int:
    """Return the number of cores that `n_jobs` stands for."""
    if n_jobs is None or n_jobs == -1:
        return usable_cores()
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, (int, np.integer)):
        raise InputError(f"n_jobs={n_jobs!r}: give a whole number of cores, or -1 for all.")
    if n_jobs < 1:
        raise InputError(f"n_jobs={n_jobs}: give at least 1 core, or -1 for all.")
    return int(n_jobs)


def seed_of(random_state: Any) -> int:
    """Return a run's seed: the number that was passed, or one drawn from a random state."""
    if isinstance(random_state, (int, np.integer)):
        if not 0 <= random_state <= MAX_SEED:
            raise InputError(
                f"random_state={random_state}: give a whole number from 0 to {MAX_SEED}."
            )
        return int(random_state)
    try:
        return int(check_random_state(random_state).randint(MAX_SEED))
    except ValueError:
        raise InputError(
            f"random_state={random_state!r}: give a whole number, a RandomState of NumPy, or None."
        ) from None


@contextmanager
def value_errors_as_input_errors() -> Iterator[None]:
    """Convert scikit-learn's ValueErrors, so that `except AutoMLError` catches them, too."""
    try:
        yield
    except InputError:
        raise
    except ValueError as error:
        raise InputError(str(error)) from None


def check_engine(engine: Any) -> None:
    """Refuse what is not an engine.

    Raises
    ------
    InputError
        It is not an Engine, and no engine has this name.
    """
    if isinstance(engine, Engine) or engine in ENGINES:
        return
    known = " or ".join(map(repr, ENGINES))
    raise InputError(f"engine={engine!r}: must be {known}.")
