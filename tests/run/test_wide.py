"""Tables with very many columns.

As many columns are used as there is time for, and the score stays honest.
"""

from __future__ import annotations

import io
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl.budget import Budget
from automl.events import RunStarted
from automl.executor.inline import InlineExecutor
from automl.lab.lab import Lab
from automl.lab.run_data import RunData
from automl.problem import Problem
from automl.stages.clean import Clean
from automl.stages.wide import features_of, with_fewer_columns
from automl.store import Store
from automl.study import Study
from automl.table import TextColumn, from_frame, read_table
from automl.table.many_columns import read_plain


def frame(columns: int, rows: int = 120, told: tuple[int, ...] = (3, 77)) -> pd.DataFrame:
    """Return columns of noise; some of them determine the target."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, columns)).round(4)
    score = sum((X[:, place] for place in told), start=rng.normal(size=rows) * 0.3)
    made = pd.DataFrame(X, columns=[f"f{place}" for place in range(columns)])
    made["y"] = np.where(score > 0, "yes", "no")
    return made


def as_text(made: pd.DataFrame) -> pd.DataFrame:
    return made.astype(str).astype(object)


def cleaned(
    path: Path, problem: Problem, seconds: float | None = None, **options: int
) -> tuple[Study, Lab]:
    budget = Budget() if seconds is None else Budget(time.monotonic() + seconds)
    data = RunData(Store(path / "run"), lambda: problem)
    lab = Lab(data, InlineExecutor(path / "run" / "work"), budget)
    stage = Clean(**options)  # type: ignore[arg-type]
    study = stage.run(lab.record(Study(), RunStarted(0)), lab, budget)
    lab.data.store.close(keep_work=True)
    return study, lab


@pytest.mark.parametrize(
    "form", [frame, lambda columns: as_text(frame(columns))], ids=["numbers", "text"]
)
def test_the_columns_that_tell_most_are_kept(form: object) -> None:
    problem = Problem(from_frame(form(900)), "y")  # type: ignore[operator]
    found = with_fewer_columns(problem, 50, seed=0)
    assert {"f3", "f77"} <= set(features_of(found.problem))
    assert len(features_of(found.problem)) == found.n_kept == 50
    assert len(found.dropped) == 850
    assert found.is_seen is not None
    assert found.is_seen.sum() == 60


def test_columns_that_were_named_stay() -> None:
    assert "f801" in features_of(
        with_fewer_columns(Problem(from_frame(frame(900)), "y"), 50, 0, always=("f801",)).problem
    )


@pytest.mark.parametrize("role", ["time_column", "group_column"])
def test_where_rows_are_held_out_by_time_or_group_no_target_is_looked_at(role: str) -> None:
    made = frame(900).assign(when=np.arange(120) // 4)
    found = with_fewer_columns(Problem(from_frame(made), "y", **{role: "when"}), 50, 0)  # type: ignore[arg-type]
    assert found.is_seen is None
    assert "when" in found.problem.table.names
    assert len(features_of(found.problem)) == 50


def test_a_regression_and_a_target_beside_the_table_are_understood() -> None:
    made = frame(900).drop(columns="y")
    y = 5.0 * made["f3"] + 4.0 * made["f77"]
    assert {"f3", "f77"} <= set(
        features_of(with_fewer_columns(Problem(from_frame(made), "target", y=y), 50, 0).problem)
    )


def test_rows_that_columns_were_chosen_on_are_never_held_out(tmp_path: Path) -> None:
    problem = Problem(from_frame(frame(900)), "y")
    seen = with_fewer_columns(problem, 50, seed=0).is_seen
    study, lab = cleaned(tmp_path, problem, columns=50)
    blocks = lab.data.dataset().folds.blocks
    assert seen is not None
    assert (blocks[:, seen] == -1).all()
    assert (blocks[:, ~seen] >= 0).all()
    assert study.narrowed == 50
    (finding,) = (finding for finding in study.findings if finding.code == "screened")
    assert finding.action.startswith(
        "50 of 900 columns are used, those that explain most of the target on 60 rows"
    )
    assert lab.data.cleaner is not None
    assert len(lab.data.cleaner.unused) >= 850


def test_noise_does_not_look_like_a_finding(tmp_path: Path) -> None:
    made = frame(3_000)
    made["y"] = np.random.default_rng(1).permutation(made["y"])
    _, lab = cleaned(tmp_path, Problem(from_frame(made), "y"), columns=20)
    data = lab.data.dataset()
    X = np.column_stack([np.asarray(column.values) for column in data.columns.by_name.values()])  # type: ignore[union-attr]
    held, trained = data.folds.held_out(0, 0), data.folds.train(0, 0)
    means = [X[trained][data.y[trained] == side].mean(axis=0) for side in (0, 1)]
    nearer = ((X - means[1]) ** 2).sum(axis=1) < ((X - means[0]) ** 2).sum(axis=1)
    assert np.mean(nearer[trained] == data.y[trained]) > 0.7, (
        "chosen and trained on the same rows, noise looks good"
    )
    all_held = data.folds.blocks[0] >= 0
    assert len(held) < all_held.sum() <= 60
    assert abs(np.mean(nearer[held] == data.y[held]) - 0.5) < 0.4


def test_a_narrow_table_is_left_as_it_is(tmp_path: Path) -> None:
    study, lab = cleaned(tmp_path, Problem(from_frame(frame(100)), "y"), seconds=30)
    assert study.narrowed == 0
    assert len(lab.data.dataset().columns.names()) == 100
    assert (lab.data.dataset().folds.blocks >= 0).all()


def test_as_many_columns_are_cleaned_as_there_is_time_for(tmp_path: Path) -> None:
    study, lab = cleaned(tmp_path, Problem(from_frame(as_text(frame(6_000))), "y"), seconds=3)
    assert 60 <= study.narrowed < 6_000
    assert lab.budget.remaining() > 0


def test_plain_text_of_many_columns_is_read_as_the_usual_reader_reads_it(tmp_path: Path) -> None:
    made = frame(2_500, rows=12)
    made.iloc[3, 5] = np.nan
    path = tmp_path / "wide.csv"
    made.to_csv(path, index=False)
    table, usual = (
        read_table(path),
        pd.read_csv(path, dtype=object, keep_default_na=False, na_filter=False),
    )
    assert table.names == tuple(usual.columns)
    assert all(table.columns[name].tolist() == usual[name].tolist() for name in table.names)
    assert all(isinstance(column, TextColumn) for column in table.columns.values())


@pytest.mark.parametrize(
    "text", ['a,b\n1,"x"\n', "a,b\n1,2,3\n", "a,b\n1\n", "a,b\n1,é\n", "a,b\n"]
)
def test_what_is_not_plain_is_left_to_the_usual_reader(text: str) -> None:
    assert read_plain(io.BytesIO(text.encode()), len(text), ",", ["a", "b"], header=True) is None
