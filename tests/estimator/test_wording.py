"""Messages name parameters as in Python, never as options of the command line."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import typer

from automl import AutoMLClassifier, AutoMLRegressor, InputError, load
from automl.cli import app
from automl.estimator.wording import PARAMETERS, PHRASES, in_python
from tests.estimator.samples import IS_WIDE, ROWS, X, classifier, regressor

OF_SCIKIT_LEARN = {"X", "y"}


def options_of(command: str) -> set[str]:
    """The long options of a command, without their dashes."""
    group: Any = typer.main.get_command(app)
    return {
        word[2:]
        for param in group.commands[command].params
        for word in param.opts
        if word.startswith("--")
    } - {"help"}


def test_every_option_of_fit_has_a_counterpart_in_python() -> None:
    assert options_of("fit") <= PARAMETERS.keys() | PHRASES.keys()
    assert not PARAMETERS.keys() & PHRASES.keys()


def test_every_parameter_of_the_table_exists() -> None:
    existing = {
        *AutoMLClassifier().get_params(),
        *inspect.signature(AutoMLClassifier.fit).parameters,
        *inspect.signature(load).parameters,
    }
    assert set(PARAMETERS.values()) <= existing


MESSAGES = {
    "--metric: no metric 'auc'.": "metric='auc': no metric 'auc'.",
    "--memory: '1KB' is not a usable size.": "memory: '1KB' is not a usable size.",
    "--pipeline: no pipeline 'x'.": "pipeline: no pipeline 'x'.",
    "--output /tmp/my runs/x: can't be made": "output='/tmp/my runs/x': can't be made",
    "--set 'clean.fold=3': unknown key 'fold'.": ("options={'clean.fold': 3}: unknown key 'fold'."),
    "--set clean.folds = 'x': must be a whole number.": (
        "options: clean.folds = 'x': must be a whole number."
    ),
    "--set 'clean': write it as stage.field=value.": (
        "options='clean': write it as stage.field=value."
    ),
    "--group: X has no column 'stor'.": "groups: X has no column 'stor'.",
    "weight: '-1' in row 1 is not a weight": "sample_weight: '-1' in row 1 is not a weight",
    "weights are zero": "weights are zero",
    "time holds neither numbers nor dates": "time holds neither numbers nor dates",
    "For classes, give --task binary or multiclass.": "For classes, use AutoMLClassifier.",
    "For a quantity, give --task regression.": "For a quantity, use AutoMLRegressor.",
    "no model family 'x'.": "families: no model family 'x'.",
    "Give more time: --budget 10m.": "Give more time: budget='10m'.",
    "hold them out with --group patient.": "hold them out with groups='patient'.",
    "rows repeat (to change it: --group 'the patient')": (
        "rows repeat (to change it: groups='the patient')"
    ),
    "--group shop,till or --time day": "groups='shop,till' or time='day'",
    "give --group or --time to hold them out": "give groups or time to hold them out",
    "a larger --budget, or --set extract.text=skip": (
        "a larger budget, or options={'extract.text': 'skip'}"
    ),
    "(to change it: --ignore after0 --ignore 'a b')": (
        "(to change it: X.drop(columns=['after0', 'a b']))"
    ),
    "--set clean.kinds.store=number, or --group store to hold out whole entities": (
        "options={'clean.kinds.store': 'number'}, or groups='store' to hold out whole entities"
    ),
    "fewer rows: --set clean.rows=N": "fewer rows: options={'clean.rows': N}",
    "leave out --ignore 'it'\"'\"'s late'": 'leave out X.drop(columns="it\'s late")',
    "--set 'clean.kinds.zip code=category'": "options={'clean.kinds.zip code': 'category'}",
    "--set clean.sentinels=false; --set clean.ids=false": (
        "options={'clean.sentinels': False}; options={'clean.ids': False}"
    ),
    "it says nothing of new rows: --ignore paid": (
        "it says nothing of new rows: X.drop(columns='paid')"
    ),
    "--encoding cp1251": "pandas.read_csv(encoding='cp1251')",
    "city: a text - and - dashes -- stay": "city: a text - and - dashes -- stay",
    "y: '--no' in row 3 is not a number": "y: '--no' in row 3 is not a number",
}


@pytest.mark.parametrize(("message", "expected"), MESSAGES.items())
def test_a_message_is_reworded_for_python(message: str, expected: str) -> None:
    values = {"metric": "auc", "output": Path("/tmp/my runs/x"), "options": {}}
    assert in_python(message, values) == expected


def texts() -> pd.DataFrame:
    return X.assign(note=[f"text {place}" for place in range(ROWS)])


MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "metric": (lambda: classifier(metric="auc").fit(X, IS_WIDE), "metric='auc': no metric 'auc'"),
    "metric of another task": (
        lambda: classifier(metric="rmse").fit(X, IS_WIDE),
        "metric='rmse': 'rmse' is not defined for a binary task",
    ),
    "metric that fails": (
        lambda: regressor(metric=_broken).fit(X, X["width"]),
        "metric: .*_broken.* fails for the constant prediction",
    ),
    "budget": (
        lambda: classifier(trials=None, budget="soon").fit(X, IS_WIDE),
        "budget: 'soon' is not a duration",
    ),
    "no budget": (
        lambda: classifier(trials=None, budget=None).fit(X, IS_WIDE),
        "budget=None: give seconds",
    ),
    "trials": (lambda: classifier(trials=1.5).fit(X, IS_WIDE), "trials=1.5: give a whole number"),
    "n_jobs": (lambda: classifier(n_jobs=0).fit(X, IS_WIDE), "n_jobs=0: give at least 1 core"),
    "n_jobs in words": (
        lambda: classifier(n_jobs="all").fit(X, IS_WIDE),
        "n_jobs='all': give a whole number",
    ),
    "memory": (lambda: classifier(memory="much").fit(X, IS_WIDE), "memory: 'much'"),
    "pipeline": (
        lambda: classifier(pipeline="lineer").fit(X, IS_WIDE),
        "pipeline='lineer': no pipeline 'lineer'. Did you mean 'linear'",
    ),
    "options": (
        lambda: classifier(options={"clean.fold": 3}).fit(X, IS_WIDE),
        r"options={'clean.fold': 3}: unknown key 'fold'",
    ),
    "an option's value": (
        lambda: classifier(options={"clean.folds": "x"}).fit(X, IS_WIDE),
        "options: clean.folds = 'x'",
    ),
    "an option of no stage": (
        lambda: classifier(options=["clean"]).fit(X, IS_WIDE),
        "options='clean': write it as stage.field=value",
    ),
    "options of another kind": (
        lambda: classifier(options=3).fit(X, IS_WIDE),
        "options=3: give a dictionary",
    ),
    "families": (
        lambda: classifier(families=["lightgmb"]).fit(X, IS_WIDE),
        "families: no model family 'lightgmb'. Did you mean",
    ),
    "track": (
        lambda: classifier(track="tensorbord", output="/tmp/absent/run").fit(X, IS_WIDE),
        "track='tensorbord': no such tracker",
    ),
    "engine": (lambda: classifier(engine="ray").fit(X, IS_WIDE), "engine='ray'"),
    "random_state": (lambda: classifier(random_state=-1).fit(X, IS_WIDE), "random_state=-1"),
    "random_state in words": (
        lambda: classifier(random_state="x").fit(X, IS_WIDE),
        "random_state='x'",
    ),
    "groups": (
        lambda: classifier().fit(X, IS_WIDE, groups="ownr"),
        "groups='ownr': X has no column 'ownr'",
    ),
    "one group": (
        lambda: classifier().fit(X, IS_WIDE, groups=np.zeros(ROWS)),
        "groups: there is one group only",
    ),
    "time": (lambda: classifier().fit(X, IS_WIDE, time="day"), "time='day': X has no column 'day'"),
    "no times": (
        lambda: classifier().fit(X, IS_WIDE, time=["soon"] * ROWS),
        "time holds neither numbers nor dates",
    ),
    "sample_weight": (
        lambda: classifier().fit(X, IS_WIDE, sample_weight="wieght"),
        "sample_weight='wieght': X has no column 'wieght'",
    ),
    "negative weights": (
        lambda: classifier().fit(X, IS_WIDE, sample_weight=-np.ones(ROWS)),
        "sample_weight: '-1.0' in row 1 is not a weight",
    ),
    "words for numbers": (
        lambda: regressor().fit(X, np.where(IS_WIDE, "yes", "no")),
        "For classes, use AutoMLClassifier",
    ),
    "kinds": (
        lambda: classifier(options={"clean.kinds.widht": "text"}).fit(X, IS_WIDE),
        "clean.kinds: X has no column 'widht'",
    ),
    "output": (
        lambda: classifier(output="/proc/nobody/run").fit(X, IS_WIDE),
        "output='/proc/nobody/run': can't be made",
    ),
    "output is a file": (
        lambda: classifier(output=__file__).fit(X, IS_WIDE),
        "output='.*': is not an empty folder",
    ),
    "expect_sha256": (
        lambda: load(__file__, expect_sha256="abc"),
        "expect_sha256: 'abc' is not a SHA-256",
    ),
}


def _broken(y_true: Any, y_pred: Any) -> float:
    raise ArithmeticError("no score")


@pytest.mark.parametrize(("make", "message"), MISTAKES.values(), ids=MISTAKES)
def test_an_error_is_worded_for_python(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        make()
    assert not re.search(r"--[a-z]", str(caught.value))
    assert "\n" not in str(caught.value)


def test_warnings_and_findings_are_worded_for_python() -> None:
    y = np.where(IS_WIDE, "yes", "no").astype(object)
    y[0] = None
    table = X.assign(age=np.r_[[-999.0] * 12, np.arange(20, 68)])
    with pytest.warns(UserWarning, match="without a target") as caught:
        model = classifier().fit(table, y)
    texts = [str(warning.message) for warning in caught]
    texts += [finding.text() for finding in model.findings_]
    assert not [text for text in texts if "--" in text]
    assert {Path(warning.filename) for warning in caught} == {Path(__file__)}
    sentinel = next(finding for finding in model.findings_ if finding.code == "sentinel")
    assert sentinel.override == "options={'clean.sentinels': False}"


def test_a_message_about_the_task_names_the_class_to_use() -> None:
    codes = pd.Series(np.arange(ROWS) % 2)
    assert AutoMLRegressor.__name__ in in_python("give --task regression", {})
    assert regressor().fit(X, codes).findings_ is not None
