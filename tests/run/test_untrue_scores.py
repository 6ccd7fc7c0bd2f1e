"""A score that is not true comes with a warning wherever it is shown.

The option that the warning names makes the score true.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl.event_log import replay
from automl.study import Study
from tests.run.commands import automl, process

FEW = ("--trials", "2", "--pipeline", "linear", "--engine", "inline")
RNG = np.random.default_rng(0)


def hosts(n_hosts: int = 40, rows_each: int = 6, seed: int = 0) -> pd.DataFrame:
    """Return prices that depend on the host, and on little else."""
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(n_hosts), rows_each)
    beds = rng.integers(1, 6, len(owner))
    price = 100 + 40 * rng.normal(size=n_hosts)[owner] + 5 * beds + 3 * rng.normal(size=len(owner))
    return pd.DataFrame(
        {"host_id": [f"h{7 * one}" for one in owner], "beds": beds, "price": price.round(1)}
    )


def fit(
    folder: Path, table: pd.DataFrame, *words: str, name: str = "run"
) -> tuple[Study, subprocess.CompletedProcess[str]]:
    table.to_csv(folder / "t.csv", index=False)
    said = automl(
        "fit",
        "t.csv",
        "--target",
        str(table.columns[-1]),
        *FEW,
        *words,
        "--output",
        name,
        cwd=folder,
    )
    assert said.returncode == 0, said.stderr
    return replay(folder / name), said


def codes(study: Study) -> list[str]:
    return [finding.code for finding in study.findings]


def test_it_is_told_at_once_in_the_last_words_and_first_in_the_report(tmp_path: Path) -> None:
    study, said = fit(tmp_path, hosts())
    assert codes(study)[0] == "entity"
    assert "warning   host_id" in said.stderr
    assert "WARNING  host_id" in said.stdout
    assert "--group host_id" in said.stdout
    assert "\x1b" not in said.stdout + said.stderr
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert page.index('class="alarm"') < page.index('class="score"')
    assert "finding entity: host_id" in (tmp_path / "run" / "log.txt").read_text(encoding="utf-8")


def test_the_named_option_makes_the_warning_go_and_the_interval_wide(tmp_path: Path) -> None:
    table = hosts()
    wrong, _ = fit(tmp_path, table)
    right, _ = fit(tmp_path, table, "--group", "host_id", name="grouped")
    assert "entity" not in codes(right)
    assert right.plan.together == "groups"
    assert right.evaluation is not None
    assert wrong.evaluation is not None
    assert right.evaluation.low < 40 < right.evaluation.high
    assert wrong.evaluation.high < right.evaluation.loss


def test_columns_with_commas_between_are_groups_together_and_stay_features(tmp_path: Path) -> None:
    table = hosts()
    table.insert(0, "town", np.arange(len(table)) // 10 % 7)
    study, _ = fit(tmp_path, table, "--group", "town,host_id")
    assert study.plan.together == "groups"
    assert study.size.columns >= 3
    said = automl("predict", "run", "t.csv", cwd=tmp_path)
    assert said.returncode == 0, said.stderr


def test_a_column_that_is_not_there_is_told_among_several(tmp_path: Path) -> None:
    hosts().to_csv(tmp_path / "t.csv", index=False)
    said = automl(
        "fit",
        "t.csv",
        "--target",
        "price",
        *FEW,
        "--group",
        "host_id,bed",
        "--output",
        "run",
        cwd=tmp_path,
    )
    assert said.returncode == 2
    assert "no column 'bed'" in said.stderr


def test_later_rows_are_held_out_by_parts_of_a_date(tmp_path: Path) -> None:
    month = np.arange(240) // 4
    table = pd.DataFrame(
        {"year": 2015 + month // 12, "month": 1 + month % 12, "x": RNG.normal(size=240).round(3)}
    )
    table["sales"] = (month + table["x"] + 0.3 * RNG.normal(size=240)).round(2)
    study, _ = fit(tmp_path, table.sample(frac=1, random_state=0), "--time", "year,month")
    assert study.plan.kind == "time"
    assert study.evaluation is not None
    assert study.evaluation.low <= study.evaluation.loss < study.evaluation.high


def test_copies_are_held_out_together_unless_forbidden(tmp_path: Path) -> None:
    rows = pd.DataFrame(RNG.normal(size=(60, 4)).round(3), columns=list("abcd"))
    rows["y"] = RNG.integers(0, 2, 60)
    table = pd.concat([rows, rows, rows])
    together, _ = fit(tmp_path, table)
    apart, _ = fit(tmp_path, table, "--set", "clean.keep_duplicates_together=false", name="apart")
    assert together.plan.together == "copies"
    assert apart.plan.together == ""
    assert "copied_rows" in codes(together)
    assert "copied_rows" in codes(apart)
    assert "duplicate_rows" not in codes(together)


def test_a_run_that_goes_on_repeats_no_warning(tmp_path: Path) -> None:
    study, _ = fit(tmp_path, hosts())
    said = process("resume", "run", "--budget", "12s", cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    assert codes(replay(tmp_path / "run")).count("entity") == codes(study).count("entity") == 1


def test_warnings_can_be_forbidden(tmp_path: Path) -> None:
    study, _ = fit(tmp_path, hosts(), "--set", "clean.warn=false")
    assert "entity" not in codes(study)


def test_runs_that_hold_rows_out_in_another_way_are_not_compared_by_score(tmp_path: Path) -> None:
    table = hosts()
    fit(tmp_path, table)
    fit(tmp_path, table, "--group", "host_id", name="grouped")
    said = automl("compare", "run", "grouped", cwd=tmp_path)
    assert "held out in another way: not comparable by score" in said.stdout
    assert "significantly" not in said.stdout
    told = json.loads(automl("compare", "run", "grouped", "--json", cwd=tmp_path).stdout)
    assert told["effects"][0]["how"] == "other folds"
    assert told["effects"][0]["p"] is None


def test_python_warns(tmp_path: Path) -> None:
    from automl import AutoMLRegressor

    table = hosts()
    model = AutoMLRegressor(trials=2, pipeline="linear", engine="inline", random_state=0)
    with pytest.warns(UserWarning, match="host_id.*groups='host_id'"):
        model.fit(table.drop(columns="price"), table["price"])


def test_the_process_of_the_user_fits_nothing(tmp_path: Path) -> None:
    hosts().to_csv(tmp_path / "t.csv", index=False)
    words = "fit t.csv --target price --trials 2 -q --pipeline linear --output run"
    code = (
        "import sys\n"
        "from automl.cli import main\n"
        f"sys.argv = ['automl', *{words!r}.split()]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('lightgbm' in sys.modules)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert said.stdout.strip().endswith("False"), said.stdout + said.stderr
    assert codes(replay(tmp_path / "run"))[0] == "entity"
