"""The contents of exports, read back by libraries that are always installed."""

from __future__ import annotations

import csv
import json
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from automl import cli
from automl.candidate import Candidate, Job, Outcome
from automl.errors import InputError
from automl.events import TrialDecided
from automl.files import sha256
from automl.leaderboard import leaderboard
from automl.track.experiment import Experiment, read_experiment
from automl.track.exports import EXPORT_KINDS, export
from automl.track.to_zip import omitted_files
from tests.report.runs import FACTS, RECIPES, cleaned_run, empty_run, full_run

NEIGHBOURS = "the predictor, whose neighbours are rows of the table"


@pytest.fixture
def run(tmp_path: Path) -> Experiment:
    """A finished run whose table is where run.toml says."""
    table = tmp_path / "churn.csv"
    table.write_text("a,churn\n1,no\n2,yes\n", encoding="utf-8")
    folder = tmp_path / "run"
    full_run(folder).store.close()
    facts = FACTS.replace("/data/churn.csv", str(table))
    facts = facts.replace('sha256 = "abc"', f'sha256 = "{sha256(table)}"')
    (folder / "run.toml").write_text(facts, encoding="utf-8")
    (folder / "predictor.automl").write_bytes(b"PK")
    return read_experiment(folder)


def read_csv(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_sheet(path: Path, name: str) -> list[tuple[Any, ...]]:
    book = openpyxl.load_workbook(path)
    return list(book[name].iter_rows(values_only=True))


def names_in(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_a_csv_has_a_line_for_each_trial_and_each_fit(run: Experiment, tmp_path: Path) -> None:
    study = run.study
    (trials, fits), _ = export(run, "csv", tmp_path / "out")
    rows = read_csv(trials)
    ids = [row["id"] for row in rows]
    assert ids[: len(study.ranked)] == [trial.id for trial in study.ranked]
    assert len(rows) == len(study.trials)
    best = study.ranked[0]
    assert float(rows[0]["loss"]) == pytest.approx(best.loss)
    assert float(rows[0]["score"]) == pytest.approx(1 - best.loss)
    assert float(rows[0]["param.depth"]) == best.candidate.params["depth"]
    counts = [len(trial.outcomes) for trial in study.trials.values()]
    assert len(read_csv(fits)) == sum(counts)


def test_a_workbook_can_be_filtered_and_has_charts(run: Experiment, tmp_path: Path) -> None:
    path = tmp_path / "run.xlsx"
    export(run, "xlsx", path)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames[:4] == ["Summary", "Leaderboard", "Trials", "Charts"]
    for name in ("Leaderboard", "Trials"):
        assert book[name].auto_filter.ref == book[name].dimensions
        assert book[name].freeze_panes == "A2"
    assert len(book["Charts"]._charts) == 2
    ids = [row[1] for row in read_sheet(path, "Leaderboard")]
    assert ids[1:] == [row["id"] for row in leaderboard(run.study)]
    assert read_sheet(path, "Summary")[0] == ("run", "run")


def test_a_cell_is_never_a_formula_nor_a_control_character(tmp_path: Path) -> None:
    made = full_run(tmp_path / "run", trials=3)
    params = {"penalty": "=1+1", "C": 1.0}
    candidate = Candidate("linear", params, RECIPES["native"], "=cmd")
    reason = "boom \x1b[31m"
    made.fit(Job(candidate, "d"), Outcome("failed", reason=reason))
    made.tell(TrialDecided(made.study.trials[candidate.id].id, "failed", reason))
    made.store.close()
    path = tmp_path / "run.xlsx"
    export(read_experiment(tmp_path / "run"), "xlsx", path)
    headings, *rows = read_sheet(path, "Trials")
    (cells,) = [row for row in rows if row[0] == candidate.id]
    row = dict(zip(headings, cells, strict=True))
    assert row["param.penalty"] == "'=1+1"
    assert row["origin"] == "'=cmd"
    assert row["reason"] == "boom ?[31m"


def test_optuna_opens_a_study_for_each_family(run: Experiment, tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    export(run, "optuna", path)
    storage = JournalStorage(JournalFileBackend(str(path)))
    trials = run.study.trials.values()
    families = {trial.candidate.family for trial in trials}
    names = optuna.get_all_study_names(storage)
    assert set(names) == {f"run {family}" for family in families}
    for family in families:
        study = optuna.load_study(study_name=f"run {family}", storage=storage)
        of_family = [trial for trial in trials if trial.candidate.family == family]
        assert len(study.trials) == len(of_family)
        losses = [trial.loss for trial in of_family if run.study.is_complete(trial)]
        if losses:
            assert study.best_value == pytest.approx(min(losses))
    with pytest.raises(InputError, match="is there already"):
        export(run, "optuna", path)


def test_a_zip_has_relative_paths_and_no_row_of_the_table(run: Experiment, tmp_path: Path) -> None:
    path = tmp_path / "run.zip"
    export(run, "zip", path)
    names = names_in(path)
    assert all(name.startswith("run/") for name in names)
    assert {"run/events.jsonl", "run/run.toml"} <= set(names)
    assert not [name for name in names if name.endswith((".npy", ".zip", "churn.csv"))]
    with zipfile.ZipFile(path) as archive:
        for name in names:
            assert str(tmp_path).encode() not in archive.read(name)
        facts = tomllib.loads(archive.read("run/run.toml").decode())
    assert facts["data"]["path"] == "churn.csv"


def test_a_zip_with_rows_has_the_table_and_runs_again(run: Experiment, tmp_path: Path) -> None:
    path = tmp_path / "run.zip"
    export(run, "zip", path, rows=True)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "there")
    folder = tmp_path / "there" / "run"
    unpacked = read_experiment(folder)
    assert unpacked.study == run.study
    assert sha256(folder / unpacked.data["path"]) == run.data["sha256"]


@pytest.mark.parametrize(("holds_rows", "is_shared"), [(True, False), (False, True), (None, False)])
def test_a_predictor_that_remembers_rows_is_not_shared(
    run: Experiment, tmp_path: Path, holds_rows: bool | None, is_shared: bool
) -> None:
    if holds_rows is not None:  # else the file is damaged
        manifest = {"facts": {"holds_rows": holds_rows}}
        with zipfile.ZipFile(run.folder / "predictor.automl", "w") as predictor:
            predictor.writestr("manifest.json", json.dumps(manifest))
    export(run, "zip", tmp_path / "run.zip")
    names = names_in(tmp_path / "run.zip")
    assert ("run/predictor.automl" in names) == is_shared
    assert (NEIGHBOURS in omitted_files(run)) != is_shared


def test_a_table_that_changed_is_not_shared(run: Experiment, tmp_path: Path) -> None:
    table = tmp_path / "churn.csv"
    table.write_text("other\n", encoding="utf-8")
    with pytest.raises(InputError, match="is not the table that the run was made on"):
        export(run, "zip", tmp_path / "run.zip", rows=True)
    table.unlink()
    with pytest.raises(InputError, match="is not there"):
        export(run, "zip", tmp_path / "run.zip", rows=True)
    assert not (tmp_path / "run.zip").exists()


@pytest.mark.parametrize("kind", ["zip", "xlsx", "csv"])
def test_a_run_without_a_task_can_be_exported(tmp_path: Path, kind: str) -> None:
    empty_run(tmp_path / "run").store.close()
    run = read_experiment(tmp_path / "run")
    written, _ = export(run, kind, tmp_path / f"out{EXPORT_KINDS[kind].ending}")
    assert all(path.exists() for path in written)


def test_a_run_without_a_task_can_not_be_exported_to_optuna(tmp_path: Path) -> None:
    empty_run(tmp_path / "run").store.close()
    run = read_experiment(tmp_path / "run")
    with pytest.raises(InputError, match="nothing to hand over"):
        export(run, "optuna", tmp_path / "run.log")


@pytest.mark.parametrize("kind", ["zip", "xlsx", "csv", "optuna"])
def test_a_run_without_trials_can_be_exported_and_nothing_is_overwritten(
    tmp_path: Path, kind: str
) -> None:
    cleaned_run(tmp_path / "run").store.close()
    run = read_experiment(tmp_path / "run")
    output = tmp_path / f"out{EXPORT_KINDS[kind].ending}"
    export(run, kind, output)
    with pytest.raises(InputError, match="is there already"):
        export(run, kind, output)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--to", "excel"), "no such kind"),
        (("--to", "csv", "--rows"), "is for --to zip alone"),
    ],
)
def test_a_wrong_export_is_one_line(
    run: Experiment,
    options: tuple[str, ...],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["automl", "export", str(run.folder), *options]
    monkeypatch.setattr(sys, "argv", command)
    assert cli._run() == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert len(errors.strip().splitlines()) == 1
