"""Manual tuning, as a user does it: trials are kept, and the predictor stays as it was."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from automl.event_log import replay
from automl.insight import learn_from
from automl.timeline import read_timeline
from tests.run.commands import PENGUINS, WINE, automl, process


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run on wine."""
    home = tmp_path_factory.mktemp("hand")
    words = (
        "--trials",
        "4",
        "--set",
        "select.families=linear,lightgbm,knn",
        "--engine",
        "inline",
        "--output",
        "run",
    )
    said = automl("fit", WINE, "--target", "cultivar", *words, cwd=home)
    assert said.returncode == 0, said.stderr
    return home / "run"


def test_a_try_is_trained_on_every_fold_kept_and_compared(made: Path) -> None:
    before, predictor = (
        replay(made),
        hashlib.sha256((made / "predictor.automl").read_bytes()).hexdigest(),
    )
    said = automl(
        "try",
        "run",
        "--family",
        "lightgbm",
        "--set",
        "num_leaves=4",
        "--set",
        "learning_rate=0.2",
        cwd=made.parent,
    )
    assert said.returncode == 0, said.stderr
    after = replay(made)
    (new,) = set(after.trials) - set(before.trials)
    trial = after.trials[new]
    assert (trial.decided, trial.candidate.origin) == ("done", "manual")
    assert trial.candidate.params["num_leaves"] == 4
    assert len(trial.losses) == len(after.plan.splits)
    assert (
        f"num_leaves: {before.leaders['lightgbm'].candidate.params['num_leaves']} -> 4"
        in said.stdout
    )
    assert f"of {len(after.plan.splits)} folds" in said.stdout
    assert (after.finished, after.weights) == (before.finished, before.weights)
    assert hashlib.sha256((made / "predictor.automl").read_bytes()).hexdigest() == predictor
    assert new in (made / "leaderboard.csv").read_text(encoding="utf-8")
    assert (made / "DONE").exists()
    assert not (made / "work").exists()


def test_the_story_of_a_run_ends_with_its_predictor_whatever_is_tried_later(made: Path) -> None:
    before = learn_from(replay(made), read_timeline(made))
    words = (
        "try",
        "run",
        "--family",
        "lightgbm",
        "--set",
        "num_leaves=3",
        "--set",
        "learning_rate=0.3",
    )
    assert automl(*words, cwd=made.parent).returncode == 0
    after = learn_from(replay(made), read_timeline(made))
    assert [step for step in after.story if step.name != "by hand"] == [
        step for step in before.story if step.name != "by hand"
    ]
    assert after.more == before.more
    assert "by hand" in {step.name for step in after.story}
    assert [(span.stage, span.seconds) for span in read_timeline(made).spans][-1][
        1
    ] < read_timeline(made).last


def test_what_was_tried_before_is_not_trained_again(made: Path) -> None:
    words = ("try", "run", "--family", "knn", "--set", "k=3")
    assert automl(*words, cwd=made.parent).returncode == 0
    fits = sum(len(trial.outcomes) for trial in replay(made).trials.values())
    said = automl(*words, cwd=made.parent)
    assert said.returncode == 0, said.stderr
    assert sum(len(trial.outcomes) for trial in replay(made).trials.values()) == fits


def test_a_sweep_tries_each_value_and_draws_it(made: Path) -> None:
    said = automl(
        "sweep",
        "run",
        "--family",
        "linear",
        "--param",
        "C",
        "--values",
        "0.01,1,100",
        cwd=made.parent,
    )
    assert said.returncode == 0, said.stderr
    tried = [
        trial.candidate.params["C"]
        for trial in replay(made).trials.values()
        if trial.candidate.family == "linear"
    ]
    assert {0.01, 1.0, 100.0} <= set(tried)
    lines = [line for line in said.stdout.splitlines() if line[:1].isspace() or "the start" in line]
    assert sum("the start" in line for line in lines) == 1
    assert "best" in said.stdout
    page = (made / "sweep-linear-C.html").read_text(encoding="utf-8")
    assert 'id="plot-sweep"' in page


def test_what_there_is_no_time_for_is_told_and_not_half_done(made: Path) -> None:
    before = replay(made)
    said = process(
        "try", "run", "--family", "catboost", "--set", "depth=7", "--budget", "2s", cwd=made.parent
    )
    after = replay(made)
    assert after.finished == before.finished
    assert (made / "DONE").exists()
    assert not any(
        outcome.stopped for trial in after.trials.values() for outcome in trial.outcomes.values()
    )
    assert said.returncode == 1 or "Only" in said.stdout or "complete candidate" in said.stdout


def test_other_seeds_show_that_a_linear_model_is_stable(made: Path) -> None:
    before = (made / "events.jsonl").read_bytes()
    said = process("insight", "run", "--seeds", "2", "--budget", "60s", cwd=made.parent)
    assert said.returncode == 0, said.stderr
    assert " with 2 other seeds its loss is " in said.stdout
    assert (made / "events.jsonl").read_bytes() == before


@pytest.mark.heavy
def test_a_run_that_goes_on_combines_what_was_tried(made: Path) -> None:
    said = process("resume", "run", "--budget", "10s", cwd=made.parent)
    assert said.returncode == 0, said.stderr
    assert replay(made).finished == "done"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("try", "run", "--family", "lightgmb"), "Did you mean 'lightgbm'?"),
        (
            ("try", "run", "--family", "lightgbm", "--set", "num_leafs=3"),
            "Did you mean 'num_leaves'?",
        ),
        (
            ("try", "run", "--family", "lightgbm", "--set", "num_leaves=many"),
            "must be a whole number",
        ),
        (
            ("try", "run", "--family", "lightgbm", "--set", "extra_trees=perhaps"),
            "must be one of False, True",
        ),
        (
            ("try", "run", "--family", "lightgbm", "--set", "learning_rate=fast"),
            "must be a number",
        ),
        (("try", "run", "--family", "lightgbm", "--set", "learning_rate=nan"), "must be a number"),
        (("sweep", "run", "--family", "linear", "--param", "C", "--values", ","), "holds no value"),
        (("fit", WINE, "--target", "cultivar", "--set", "tune.method=gpx"), "must be one of"),
        (
            ("try", "run", "--family", "lightgbm", "--set", "learning_rate"),
            "write it as hyperparameter=value",
        ),
        (("try", "run", "--family", "lightgbm", "--recipe", "hot"), "is not used in this run"),
        (("try", "run", "--family", "lightgbm", "--base", "zzz"), "names no trial"),
        (("try", "nowhere", "--family", "lightgbm"), "no such run folder"),
        (("sweep", "run", "--family", "linear", "--param", "c"), "Did you mean 'C'?"),
        (("sweep", "run", "--family", "linear", "--param", "C", "--points", "1"), "give 2 to 100"),
        (("fit", PENGUINS, "--target", "species", "--start-from", "nowhere"), "no such run folder"),
    ],
)
def test_a_mistake_is_told_in_one_line(made: Path, words: tuple[str, ...], says: str) -> None:
    said = automl(*words, cwd=made.parent)
    assert said.returncode == 2
    assert says in said.stderr
    assert len(said.stderr.strip().splitlines()) == 1


def test_a_new_run_starts_from_what_an_earlier_one_knows(made: Path) -> None:
    best = replay(made).leaders["lightgbm"].candidate
    words = (
        "--trials",
        "5",
        "--start-from",
        "run",
        "--seed",
        "1",
        "--engine",
        "inline",
        "--output",
        "next",
    )
    said = automl("fit", WINE, "--target", "cultivar", *words, cwd=made.parent)
    assert said.returncode == 0, said.stderr
    tried = replay(made.parent / "next").trials
    assert best.id in tried
    assert tried[best.id].candidate.origin == "earlier"


def test_a_run_of_another_kind_of_task_is_no_start(made: Path) -> None:
    words = (
        "--target",
        "bill_length_mm",
        "--task",
        "regression",
        "--trials",
        "2",
        "--start-from",
        "run",
        "--output",
        "other",
    )
    said = automl("fit", PENGUINS, *words, cwd=made.parent)
    assert said.returncode == 2
    assert "a multiclass task, this table a regression one" in said.stderr
    assert not (made.parent / "other").exists()
