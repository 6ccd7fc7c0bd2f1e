"""The results of a fit: findings, a leaderboard, and a run's folder to load and to replace."""

from __future__ import annotations

import fcntl
import importlib.metadata
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import automl
from automl import AutoMLClassifier, AutoMLRegressor, InputError, load
from automl.finding import Finding
from automl.leaderboard import LEADERBOARD_HEADINGS
from tests.estimator.samples import IS_WIDE, ROWS, X, classifier, regressor

# A column tells the target of these tables nearly without error, which a fit warns of.
pytestmark = pytest.mark.filterwarnings("ignore:.*nearly without error:UserWarning")

TABLE = X.assign(age=np.r_[[-999.0] * 12, np.arange(20, 68)], number=np.arange(ROWS))


# --- findings and leaderboard


def test_findings_are_objects_with_a_text() -> None:
    model = classifier().fit(TABLE, IS_WIDE)
    assert {"sentinel"} <= {finding.code for finding in model.findings_}
    assert all(isinstance(finding, Finding) for finding in model.findings_)
    shown = next(repr(finding) for finding in model.findings_ if finding.code == "sentinel")
    action = "far outside of all other values and frequent: taken as missing"
    cells = "(12 cells, e.g. '-999'; to change it: options={'clean.sentinels': False})"
    assert shown == f"<warning: age: {action} {cells}>"
    assert pickle.loads(pickle.dumps(model)).findings_ == model.findings_


def test_a_clean_table_has_no_findings() -> None:
    noise = np.random.default_rng(99).normal(size=len(X))
    assert regressor().fit(X, X["width"] + noise).findings_ == []


def test_the_leaderboard_has_a_row_even_where_nothing_was_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("automl.run.chain.run_stages", _clean_alone)
    with pytest.warns(UserWarning, match="no model could be trained and judged"):
        model = classifier().fit(X, IS_WIDE)
    assert model.leaderboard_.columns.tolist() == list(LEADERBOARD_HEADINGS)
    assert model.leaderboard_["family"].tolist() == ["constant"]
    assert model.leaderboard_["status"].tolist() == [
        "not judged: there was no time to try a candidate"
    ]
    assert len(set(model.predict_proba(X)[:, 0])) == 1


def _clean_alone(study: Any, lab: Any, steps: Any, *others: Any) -> Any:
    """A chain that has no time for more than cleaning."""
    return steps[0].stage.run(study, lab, lab.budget)


# --- loading a run


@pytest.mark.parametrize("kind", [AutoMLClassifier, AutoMLRegressor])
def test_a_runs_folder_is_loaded_with_leaderboard_and_findings(kind: Any, tmp_path: Path) -> None:
    y = IS_WIDE if kind is AutoMLClassifier else X["width"]
    model = kind(pipeline="linear", trials=2, engine="inline", output=tmp_path / "run").fit(
        TABLE, y
    )
    loaded = load(tmp_path / "run")
    assert isinstance(loaded, kind)
    pd.testing.assert_frame_equal(loaded.leaderboard_, model.leaderboard_)
    assert loaded.findings_ == model.findings_
    assert loaded.expected_score_ == model.expected_score_
    assert loaded.expected_interval_ == model.expected_interval_
    assert (loaded.predict(TABLE) == model.predict(TABLE)).all()
    from_file = load(tmp_path / "run" / "predictor.automl")
    assert (from_file.predict(TABLE) == model.predict(TABLE)).all()
    assert not hasattr(from_file, "leaderboard_")


def test_a_folder_with_only_a_predictor_is_loaded_without_them(tmp_path: Path) -> None:
    model = classifier().fit(X, IS_WIDE)
    model.save(tmp_path / "predictor.automl")
    assert (load(tmp_path).predict(X) == model.predict(X)).all()


# --- replacing a run


def test_a_second_fit_is_refused_with_the_option_that_replaces_the_run(tmp_path: Path) -> None:
    model = classifier(output=tmp_path / "run").fit(X, IS_WIDE)
    with pytest.raises(
        InputError,
        match=r"^output='.*run': is not an empty folder\. overwrite=True replaces the run in it\.$",
    ):
        model.fit(X, IS_WIDE)


def test_overwrite_replaces_the_run(tmp_path: Path) -> None:
    folder = tmp_path / "my runs" / "run"
    first = classifier(output=folder, overwrite=True).fit(X, IS_WIDE)
    (folder / "my note.txt").write_text("a note")
    second = regressor(output=folder, overwrite=True).fit(X, X["width"])
    assert (load(folder).predict(X) == second.predict(X)).all()
    assert len(first.predict(X)) == ROWS
    assert not (folder / "my note.txt").exists()
    assert [path.name for path in folder.parent.iterdir()] == ["run"]
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert str(folder) in report
    assert f".{folder.name}." not in report


def test_a_relative_folder_and_a_link_are_replaced_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    classifier(output="run").fit(X, IS_WIDE)
    (tmp_path / "link").symlink_to("run", target_is_directory=True)
    model = regressor(output="link", overwrite=True).fit(X, X["width"])
    assert (tmp_path / "link").is_symlink()
    assert (load("run").predict(X) == model.predict(X)).all()


FAILING = {
    "a wrong metric": ({"metric": "rmse"}, None),
    "no such column": ({}, {"groups": "owner"}),
    "a wrong option": ({"options": {"clean.fold": 3}}, None),
}


@pytest.mark.parametrize(("parameters", "arguments"), FAILING.values(), ids=FAILING)
def test_nothing_is_lost_where_the_new_run_fails(
    parameters: dict[str, Any], arguments: dict[str, Any] | None, tmp_path: Path
) -> None:
    first = classifier(output=tmp_path / "run").fit(X, IS_WIDE)
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "run").iterdir()}
    second = classifier(output=tmp_path / "run", overwrite=True, **parameters)
    with pytest.raises(InputError):
        second.fit(X, IS_WIDE, **arguments or {})
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "run").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert (load(tmp_path / "run").predict(X) == first.predict(X)).all()


def test_nothing_is_lost_where_the_new_run_is_interrupted(tmp_path: Path) -> None:
    classifier(output=tmp_path / "run").fit(X, IS_WIDE)

    def interrupting(y_true: Any, y_pred: Any) -> float:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        classifier(output=tmp_path / "run", overwrite=True, metric=interrupting).fit(X, IS_WIDE)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert len(load(tmp_path / "run").leaderboard_) == 2


@pytest.mark.parametrize(
    "what", ["a folder of something else", "a file", "a log of something else"]
)
def test_a_folder_that_is_no_run_is_never_replaced(what: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    if what == "a file":
        folder.write_text("mine")
    else:
        folder.mkdir()
        (folder / "thesis.txt").write_text("mine")
    if what == "a log of something else":
        (folder / "events.jsonl").write_text("mine\n")
    with pytest.raises(InputError, match=r"overwrite=True replaces the folder of a run|is damaged"):
        classifier(output=folder, overwrite=True).fit(X, IS_WIDE)
    kept = folder if what == "a file" else folder / "thesis.txt"
    assert kept.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_run_of_another_process_is_not_replaced(tmp_path: Path) -> None:
    classifier(output=tmp_path / "run").fit(X, IS_WIDE)
    with open(tmp_path / "run" / "events.jsonl", "rb") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another process is working on this run"):
            classifier(output=tmp_path / "run", overwrite=True).fit(X, IS_WIDE)


def test_a_run_that_was_killed_is_replaced(tmp_path: Path) -> None:
    classifier(output=tmp_path / "run").fit(X, IS_WIDE)
    log = tmp_path / "run" / "events.jsonl"
    log.write_text(log.read_text().splitlines()[0] + '\n{"v": 2, "ki')
    os.remove(tmp_path / "run" / "predictor.automl")
    model = classifier(output=tmp_path / "run", overwrite=True).fit(X, IS_WIDE)
    assert (load(tmp_path / "run").predict(X) == model.predict(X)).all()
    assert [json.loads(line)["v"] for line in log.read_text().splitlines()]


# --- the package


def test_the_package_says_its_version() -> None:
    assert automl.__version__ == importlib.metadata.version("automl-tabular")


def test_importing_the_package_loads_nothing_else() -> None:
    heavy = {"numpy", "pandas", "sklearn", "importlib.metadata"}
    script = f"import sys, automl; print({heavy} & sys.modules.keys())"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
