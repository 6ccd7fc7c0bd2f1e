"""The first model, answers without a complete model, and messages when nothing was learnt."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import automl
from automl import folds
from automl.budget import Budget
from automl.candidate import Candidate, Job, Split
from automl.cleaning import Cleaner
from automl.columns import Categories, Column, Columns, Numbers
from automl.dataset import Dataset
from automl.events import DataPrepared, RecipesChosen, RunStarted
from automl.executor.inline import InlineExecutor
from automl.features.recipe import FIRST_MODEL_RECIPE, RECIPES
from automl.journal import Journal
from automl.lab.assembly import build_predictor
from automl.lab.lab import Lab
from automl.lab.policy import Action, Capacity, Stop, Wait
from automl.lab.run_data import RunData
from automl.leaderboard import leaderboard, no_model_text
from automl.metrics import metric_of
from automl.models import FitContext, Sample, SimpleFamily, find_family
from automl.predictor import archive
from automl.run.first_model import with_baseline
from automl.run.recorder import Recorder
from automl.search.portfolio import first_model
from automl.stages.ensemble import Ensemble, gather_unfinished
from automl.store import Store
from automl.study import Plan, Size, Study
from automl.task import Task
from tests.run.commands import AUTOML, PENGUINS

KINDS = {
    "regression": Task("regression", "y", "rmse"),
    "binary": Task("binary", "y", "log_loss", ("no", "yes")),
    "multiclass": Task("multiclass", "y", "log_loss", ("a", "b", "c")),
}


def table(kind: str, n_rows: int = 300, noise: int = 0) -> Dataset:
    """Return a task that a linear model learns.

    It has a category, missing values, and optionally columns of noise.
    """
    rng = np.random.default_rng(0)
    x = rng.normal(size=n_rows)
    codes = rng.integers(-1, 3, n_rows).astype(np.int32)
    score = 2 * x + (codes == 1) + rng.normal(scale=0.3, size=n_rows)
    y = {
        "regression": 50 + 7 * score,
        "binary": (score > 0).astype(float),
        "multiclass": np.digitize(score, [-1, 1]).astype(float),
    }[kind]
    seen = np.where(rng.random(n_rows) < 0.1, np.nan, x)
    by_name: dict[str, Column] = {"x": Numbers(seen), "c": Categories(codes, ("a", "b", "c"))}
    by_name |= {f"n{place}": Numbers(rng.normal(size=n_rows)) for place in range(noise)}
    return Dataset(
        KINDS[kind], Columns(by_name, n_rows), y, folds.kfold(y, np.arange(n_rows), 3, 1, 0)
    )


class Listed:
    """A policy that asks for jobs from a list."""

    def __init__(self, jobs: list[Job]) -> None:
        self.jobs = list(jobs)

    def next(self, study: Study, capacity: Capacity) -> Action:
        if self.jobs:
            return self.jobs.pop(0)
        return Wait() if study.running else Stop()


@contextmanager
def lab_of(path: Path, data: Dataset) -> Iterator[tuple[Lab, Study]]:
    """Yield a lab in this process with a data set, and a study that has begun."""
    run_data = RunData(Store(path / "run"))
    run_data.save(data, Cleaner({}))
    executor = InlineExecutor(path / "run" / "work")
    recorder = Recorder(run_data.store, time.monotonic())
    lab = Lab(run_data, executor, Budget(time.monotonic() + 60), Journal(recorder))
    size = Size(rows=len(data.y), columns=2)
    plan = Plan("kfold", folds=3, repeats=1)
    study = lab.record(Study(), RunStarted(0))
    study = lab.record(study, DataPrepared(data.task, "d", size, plan))
    study = lab.record(study, RecipesChosen((RECIPES["native"],)))
    yield lab, with_baseline(study, lab)
    lab.data.store.close()


def trained(lab: Lab, study: Study, jobs: list[Job]) -> Study:
    return lab.run(Listed(jobs), study, lab.budget)


def first_job(rows: int = 150) -> Job:
    return Job(first_model(Study()), "d", 0, 0, seed=1, rows=rows)


def linear(splits: list[Split]) -> list[Job]:
    candidate = Candidate("linear", {}, RECIPES["onehot"], "test")
    return [Job(candidate, "d", repeat, fold, seed=fold or 0) for repeat, fold in splits]


# ---------------------------------------------------------------- the first model

FIRST_MODEL_SCRIPT = """
import sys
from pathlib import Path

from automl.budget import Budget
from automl.candidate import Job
from automl.executor.worker import Worker
from automl.search.portfolio import first_model
from automl.study import Study

job = Job(first_model(Study()), "d", 0, 0, rows=150)
result = Worker(Path({folder!r})).do(job, Budget())
assert result.outcome.status == "done", result
libraries = {{"scipy", "sklearn", "lightgbm", "pandas", "catboost", "xgboost"}}
heavy = libraries.intersection(sys.modules)
assert not heavy, heavy
"""


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_model_is_nearly_as_good_as_a_linear_model_of_all_rows(kind: str) -> None:
    data = table(kind)
    x = np.nan_to_num(np.asarray(data.columns["x"].values))  # type: ignore[union-attr]
    codes = np.asarray(data.columns["c"].codes)  # type: ignore[union-attr]
    X = np.column_stack([x, codes == 1]).astype(np.float32)
    sample = Sample(X, (), data.y)
    metric = metric_of(data.task)
    context = FitContext(data.task, metric, 0)
    linear_family = find_family("linear")
    losses = []
    for params in ({"quick": True}, {}):
        prepared = linear_family.prepare(sample, None, params, context)
        model = linear_family.fit(prepared, params, context).model
        losses.append(metric.loss_of_output(data.y, model.predict(X), None))
    assert losses[0] < 1.1 * losses[1]


def test_quantiles_are_learnt_as_quantiles() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2_000, 1)).astype(np.float32)
    y = x[:, 0] + rng.exponential(size=2_000)
    task = Task("regression", "y", "pinball_0.9")
    context = FitContext(task, metric_of(task), 0)
    linear_family = find_family("linear")
    prepared = linear_family.prepare(Sample(x, (), y), None, {}, context)
    model = linear_family.fit(prepared, {"quick": True}, context).model
    assert np.mean(y <= model.predict(x)) == pytest.approx(0.9, abs=0.02)


def test_the_first_model_needs_no_library_but_numpy(tmp_path: Path) -> None:
    with lab_of(tmp_path, table("binary")) as (lab, _):
        code = FIRST_MODEL_SCRIPT.format(folder=str(lab.data.store.work))
        said = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            capture_output=True,
            text=True,
            check=False,
            env=dict(os.environ),
        )
    assert said.returncode == 0, said.stderr


def test_it_uses_the_most_informative_columns(tmp_path: Path) -> None:
    with lab_of(tmp_path, table("regression", noise=400)) as (lab, begun):
        study = trained(lab, begun, [first_job()])
        trials = study.trials.values()
        (trial,) = (trial for trial in trials if trial.candidate.is_first_model)
        constant = next(trial for trial in trials if trial.candidate.family == "constant")
        assert trial.low_fidelity is not None
        assert trial.low_fidelity.loss is not None
        assert trial.low_fidelity.loss < 0.6 * constant.loss


def test_it_answers_as_long_as_nothing_else_does_and_is_on_the_leaderboard(tmp_path: Path) -> None:
    with lab_of(tmp_path, table("binary")) as (lab, begun):
        study = trained(lab, begun, [first_job()])
        assert not study.is_complete(study.trials[first_model(study).id])
        study = Ensemble().run(study, lab, lab.budget)
        assert study.weights == {first_model(study).id: 1.0}
        assert study.evaluation is not None
        assert study.evaluation.low < study.evaluation.loss < study.evaluation.high
        loaded = archive.loads(archive.dumps(build_predictor(study, lab.data)))
        assert loaded.predict_raw(lab.data.dataset().columns).shape == (300, 2)
        row = leaderboard(study)[0]  # before the constant, which is complete
        assert row["stage"] == "first"
        assert (row["status"], row["weight"]) == ("first model, of 150 rows", 1.0)
        assert row["score"] < 0.4
        assert no_model_text(study) == ""


def test_a_bounded_recipe_has_a_name_of_its_own_and_leaves_those_of_others() -> None:
    assert "bounded" not in RECIPES["onehot"].to_json()
    assert FIRST_MODEL_RECIPE.from_json(FIRST_MODEL_RECIPE.to_json()) == FIRST_MODEL_RECIPE
    recipe = replace(RECIPES["onehot"], text="skip")
    candidate = Candidate("linear", {"C": 1.0, "penalty": "l2"}, recipe)
    assert candidate.id == "6511e6473c43", "as before recipes could be bounded"


# ---------------------------------------------------------------- what is not complete


def test_two_of_three_folds_of_a_linear_model_answer(tmp_path: Path) -> None:
    with lab_of(tmp_path, table("multiclass")) as (lab, begun):
        study = trained(lab, begun, linear([(0, 0), (0, 1)]))
        study = Ensemble().run(study, lab, lab.budget)
        (name,) = study.weights
        assert study.trials[name].candidate.family == "linear"
        assert study.evaluation is not None
        assert study.evaluation.rows == 200
        predictor = build_predictor(study, lab.data)
        assert len(predictor.members[0].parts) == 2
        assert predictor.predict_raw(lab.data.dataset().columns).shape == (300, 3)


def test_what_is_complete_answers_before_what_is_not(tmp_path: Path) -> None:
    with lab_of(tmp_path, table("binary")) as (lab, begun):
        study = trained(lab, begun, [first_job(), *linear([(0, 0), (0, 1), (0, 2)])])
        study = Ensemble(finish="bag").run(study, lab, lab.budget)
        assert first_model(study).id not in study.weights


def test_the_constant_answers_where_it_is_better_than_what_is_not_complete(tmp_path: Path) -> None:
    data = table("regression")
    shuffled = replace(data, y=np.random.default_rng(1).permutation(data.y))
    with lab_of(tmp_path, shuffled) as (lab, begun):
        candidate = Candidate("knn", {"k": 1}, RECIPES["quantile"])
        study = trained(lab, begun, [Job(candidate, "d", 0, 0)])
        assert not gather_unfinished(study, lab.data).trials
        study = Ensemble().run(study, lab, lab.budget)
        assert [study.trials[name].candidate.family for name in study.weights] == ["constant"]
        assert no_model_text(study) == "", "a model was judged and lost: that is an answer"
        assert build_predictor(study, lab.data).predict_raw(data.columns).shape == (300,)


# ---------------------------------------------------------------- nothing was learnt


def test_a_run_without_a_model_says_why(tmp_path: Path) -> None:
    with lab_of(tmp_path, table("binary")) as (lab, begun):
        assert "its time was over" in no_model_text(begun)
        assert "interrupted" in no_model_text(replace(begun, finished="interrupted"))
        candidate = Candidate("lightgbm", {"num_leaves": -3}, RECIPES["native"])
        study = trained(lab, begun, [Job(candidate, "d", 0, 0)])
        assert "num_leaves" in no_model_text(study)
        assert [row["family"] for row in leaderboard(study)] == ["constant", "lightgbm"]


def without_lightgbm(folder: Path) -> str:
    """Return a path on which LightGBM can't be loaded, as in every slim image."""
    (folder / "lightgbm").mkdir()
    text = (
        "raise OSError('libgomp.so.1: cannot open shared object file: No such file or directory')\n"
    )
    (folder / "lightgbm" / "__init__.py").write_text(text, encoding="utf-8")
    return os.pathsep.join([str(folder), str(Path(automl.__file__).parent.parent)])


def fit(cwd: Path, *words: str, path: str) -> subprocess.CompletedProcess[str]:
    command = [AUTOML, "fit", PENGUINS, "--target", "species", "--output", "run", "-q", *words]
    return subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
    )


def test_exit_code_3_with_the_librarys_own_words_and_the_remedy(tmp_path: Path) -> None:
    said = fit(
        tmp_path,
        "--trials",
        "2",
        "--set",
        "select.families=['lightgbm']",
        path=without_lightgbm(tmp_path),
    )
    assert said.returncode == 3, said.stderr
    assert said.stderr.count("\n") == 1
    assert "libgomp.so.1: cannot open shared object file" in said.stderr
    assert "apt-get install libgomp1" in said.stderr
    with open(tmp_path / "run" / "leaderboard.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["family"] == "constant"
    assert rows[0]["score"]


def test_families_that_do_not_need_a_library_go_on_without_it(tmp_path: Path) -> None:
    said = fit(tmp_path, "--trials", "4", "--set", "clean.folds=2", path=without_lightgbm(tmp_path))
    assert said.returncode == 0, said.stderr
    log = (tmp_path / "run" / "log.txt").read_text(encoding="utf-8")
    assert log.count("finding library:") == 1
    assert "linear done" in log


def test_python_warns_and_tells_the_constants_score() -> None:
    X, y = pd.DataFrame({"x": np.arange(60.0)}), np.tile([0, 1], 30)
    model = automl.AutoMLClassifier(
        trials=2, engine="inline", options={"select.families": ["constant"]}, families=[Broken()]
    )
    with pytest.warns(UserWarning, match="no model could be trained and judged.*broken on purpose"):
        model.fit(X, y)
    assert model.expected_score_ == pytest.approx(0.5)
    assert list(model.leaderboard_["family"]) == ["constant", "broken"]


def test_the_constant_alone_is_no_failure_where_it_is_all_that_was_asked() -> None:
    X, y = pd.DataFrame({"x": np.arange(60.0)}), np.tile([0, 1], 30)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        automl.AutoMLClassifier(trials=1, engine="inline").fit(X, y)


class Broken(SimpleFamily):
    """A family whose fits fail."""

    name = "broken"

    def train(self, X, y, weight, params, context):  # type: ignore[no-untyped-def]
        raise RuntimeError("broken on purpose")


# ---------------------------------------------------------------- folders


def test_runs_that_start_in_one_second_have_a_folder_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from automl.cli.request import _new_folder

    monkeypatch.chdir(tmp_path)
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: _new_folder("data/cars.csv"), range(24)))
    assert len(set(made)) == 24
    assert all(folder.is_dir() for folder in made)


def test_a_wrong_call_leaves_no_folder_behind(tmp_path: Path) -> None:
    said = subprocess.run(
        [AUTOML, "fit", PENGUINS, "--target", "nosuch"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 2
    assert list(tmp_path.iterdir()) == []
