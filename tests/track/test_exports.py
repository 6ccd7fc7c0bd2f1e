"""What an export holds, read back by the libraries that are always there."""

from __future__ import annotations

import csv
import json
import sys
import tomllib
import zipfile
from pathlib import Path

import openpyxl
import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from automl import cli
from automl.errors import InputError
from automl.files import sha256
from automl.leaderboard import leaderboard
from automl.track.experiment import Experiment, read_experiment
from automl.track.exports import KINDS, export
from automl.track.to_zip import left_out
from automl.trial import Candidate, Job, Outcome, decided
from tests.report.runs import FACTS, RECIPES, cleaned_run, empty_run, full_run


@pytest.fixture
def run(tmp_path: Path) -> Experiment:
    """A planted run whose table lies where it says."""
    table = tmp_path / "churn.csv"
    table.write_text("a,churn\n1,no\n2,yes\n", encoding="utf-8")
    full_run(tmp_path / "run").store.close()
    told = FACTS.replace("/data/churn.csv", str(table)).replace(
        'sha256 = "abc"', f'sha256 = "{sha256(table)}"'
    )
    (tmp_path / "run" / "run.toml").write_text(told, encoding="utf-8")
    (tmp_path / "run" / "predictor.automl").write_bytes(b"PK")
    return read_experiment(tmp_path / "run")


def rows_of(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_csv_has_a_line_for_each_trial_and_each_fit(run: Experiment, tmp_path: Path) -> None:
    (trials, fits), _ = export(run, "csv", tmp_path / "out")
    told = rows_of(trials)
    assert [row["id"] for row in told[: len(run.study.ranked)]] == [
        trial.id for trial in run.study.ranked
    ]
    assert len(told) == len(run.study.trials)
    best = run.study.ranked[0]
    assert float(told[0]["loss"]) == pytest.approx(best.loss)
    assert float(told[0]["score"]) == pytest.approx(1 - best.loss)
    assert float(told[0]["param.depth"]) == best.candidate.params["depth"]
    assert len(rows_of(fits)) == sum(len(trial.outcomes) for trial in run.study.trials.values())


def test_a_workbook_can_be_filtered_and_has_charts(run: Experiment, tmp_path: Path) -> None:
    export(run, "xlsx", tmp_path / "run.xlsx")
    book = openpyxl.load_workbook(tmp_path / "run.xlsx")
    assert book.sheetnames[:4] == ["Summary", "Leaderboard", "Trials", "Charts"]
    for name in ("Leaderboard", "Trials"):
        assert book[name].auto_filter.ref == book[name].dimensions
        assert book[name].freeze_panes == "A2"
    board = list(book["Leaderboard"].iter_rows(values_only=True))
    assert [row[1] for row in board[1:]] == [row["id"] for row in leaderboard(run.study)]
    assert len(book["Charts"]._charts) == 2
    assert dict(list(book["Summary"].iter_rows(values_only=True))[:1]) == {"run": "run"}


def test_a_cell_is_never_a_formula_nor_a_control_character(tmp_path: Path) -> None:
    made = full_run(tmp_path / "run", trials=3)
    candidate = Candidate("linear", {"penalty": "=1+1", "C": 1.0}, RECIPES["native"], "=cmd")
    job = Job(candidate, "d")
    made.fit(job, Outcome("failed", reason="boom \x1b[31m"))
    made.tell(decided(made.study.trials[candidate.id], "failed", "boom \x1b[31m"))
    made.store.close()
    export(read_experiment(tmp_path / "run"), "xlsx", tmp_path / "run.xlsx")
    rows = list(openpyxl.load_workbook(tmp_path / "run.xlsx")["Trials"].iter_rows(values_only=True))
    (row,) = [dict(zip(rows[0], row, strict=True)) for row in rows[1:] if row[0] == candidate.id]
    assert (row["param.penalty"], row["origin"], row["reason"]) == ("'=1+1", "'=cmd", "boom ?[31m")


def test_optuna_opens_a_study_for_each_family(run: Experiment, tmp_path: Path) -> None:
    export(run, "optuna", tmp_path / "run.log")
    storage = JournalStorage(JournalFileBackend(str(tmp_path / "run.log")))
    names = optuna.get_all_study_names(storage)
    assert set(names) == {f"run {trial.candidate.family}" for trial in run.study.trials.values()}
    for name in names:
        study = optuna.load_study(study_name=name, storage=storage)
        kin = [
            trial for trial in run.study.trials.values() if f"run {trial.candidate.family}" == name
        ]
        assert len(study.trials) == len(kin)
        complete = [trial.loss for trial in kin if run.study.complete(trial)]
        if complete:
            assert study.best_value == pytest.approx(min(complete))
    with pytest.raises(InputError, match="is there already"):
        export(run, "optuna", tmp_path / "run.log")


def test_a_zip_has_relative_paths_and_no_row_of_the_table(run: Experiment, tmp_path: Path) -> None:
    export(run, "zip", tmp_path / "run.zip")
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        names = archive.namelist()
        facts = archive.read("run/run.toml").decode()
    assert all(name.startswith("run/") for name in names)
    assert {"run/events.jsonl", "run/run.toml"} <= set(names)
    assert not [name for name in names if name.endswith((".npy", ".zip", "churn.csv"))]
    assert str(tmp_path) not in facts
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        assert not [name for name in names if str(tmp_path).encode() in archive.read(name)]
    assert tomllib.loads(facts)["data"]["path"] == "churn.csv"


def test_a_zip_with_rows_has_the_table_and_runs_again(run: Experiment, tmp_path: Path) -> None:
    export(run, "zip", tmp_path / "run.zip", rows=True)
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        archive.extractall(tmp_path / "there")
    facts = tomllib.loads((tmp_path / "there" / "run" / "run.toml").read_text(encoding="utf-8"))
    assert sha256(tmp_path / "there" / "run" / facts["data"]["path"]) == run.data["sha256"]
    assert read_experiment(tmp_path / "there" / "run").study == run.study


@pytest.mark.parametrize(("holds_rows", "is_shared"), [(True, False), (False, True), (None, False)])
def test_a_predictor_that_remembers_rows_stays_at_home(
    run: Experiment, tmp_path: Path, holds_rows: bool | None, is_shared: bool
) -> None:
    if holds_rows is not None:  # else it is no predictor at all
        with zipfile.ZipFile(run.folder / "predictor.automl", "w") as predictor:
            predictor.writestr("manifest.json", json.dumps({"facts": {"holds_rows": holds_rows}}))
    export(run, "zip", tmp_path / "run.zip")
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        assert ("run/predictor.automl" in archive.namelist()) == is_shared
    assert ("the predictor, whose neighbours are rows of the table" in left_out(run)) != is_shared


def test_a_table_that_changed_is_not_shared_as_if_it_had_not(
    run: Experiment, tmp_path: Path
) -> None:
    (tmp_path / "churn.csv").write_text("other\n", encoding="utf-8")
    with pytest.raises(InputError, match="is not the table that the run was made on"):
        export(run, "zip", tmp_path / "run.zip", rows=True)
    (tmp_path / "churn.csv").unlink()
    with pytest.raises(InputError, match="is not there"):
        export(run, "zip", tmp_path / "run.zip", rows=True)
    assert not (tmp_path / "run.zip").exists()


@pytest.mark.parametrize("kind", ["zip", "xlsx", "csv"])
def test_a_run_that_ended_before_anything_was_known_can_be_exported(
    tmp_path: Path, kind: str
) -> None:
    empty_run(tmp_path / "run").store.close()
    made, _ = export(read_experiment(tmp_path / "run"), kind, tmp_path / f"out{KINDS[kind].ending}")
    assert all(path.exists() for path in made)


def test_nothing_is_handed_to_optuna_of_a_run_without_a_task(tmp_path: Path) -> None:
    empty_run(tmp_path / "run").store.close()
    with pytest.raises(InputError, match="nothing to hand over"):
        export(read_experiment(tmp_path / "run"), "optuna", tmp_path / "run.log")


@pytest.mark.parametrize("kind", ["zip", "xlsx", "csv", "optuna"])
def test_a_run_without_trials_can_be_exported_and_nothing_is_overwritten(
    tmp_path: Path, kind: str
) -> None:
    cleaned_run(tmp_path / "run").store.close()
    one = read_experiment(tmp_path / "run")
    output = tmp_path / f"out{KINDS[kind].ending}"
    export(one, kind, output)
    with pytest.raises(InputError, match="is there already"):
        export(one, kind, output)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--to", "excel"), "no such kind"),
        (("--to", "csv", "--rows"), "is for --to zip alone"),
    ],
)
def test_a_wrong_export_is_one_line(
    run: Experiment,
    words: tuple[str, ...],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["automl", "export", str(run.folder), *words])
    assert cli._run() == 2
    said = capsys.readouterr().err
    assert says in said
    assert len(said.strip().splitlines()) == 1
