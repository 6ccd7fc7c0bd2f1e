"""Jobs have one name for equal work; a study is what its events add up to."""

from __future__ import annotations

import json
import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from automl.features.recipe import RECIPES
from automl.task import Task
from automl.trial import Candidate, Job, Outcome, Plan, Size, Study, begun, decided, fitted

CANDIDATE = Candidate("lightgbm", {"num_leaves": 31}, RECIPES["native"], "portfolio")
TASK = Task("binary", "y", "roc_auc", ("no", "yes"))


def cleaned(plan: Plan) -> dict[str, object]:
    """The event with which a study learns its task."""
    size, folds = Size(100, 3), {"kind": plan.kind, "folds": plan.folds, "repeats": plan.repeats}
    return {
        "kind": "stage",
        "stage": "clean",
        "task": TASK.to_json(),
        "data": "d",
        "size": vars(size),
        "plan": folds,
    }


def test_the_origin_of_a_candidate_is_no_part_of_its_name() -> None:
    assert replace(CANDIDATE, origin="tune").id == CANDIDATE.id


def test_hyperparameters_recipe_and_family_are_part_of_a_candidates_name() -> None:
    others = [
        replace(CANDIDATE, params={"num_leaves": 30}),
        replace(CANDIDATE, recipe=RECIPES["target"]),
        replace(CANDIDATE, family="xgboost"),
    ]
    assert len({CANDIDATE.id, *(other.id for other in others)}) == 4


def test_the_order_of_hyperparameters_does_not_matter() -> None:
    assert (
        Candidate("knn", {"k": 1, "p": 2}, RECIPES["native"]).id
        == Candidate("knn", {"p": 2, "k": 1}, RECIPES["native"]).id
    )


def test_every_fidelity_of_a_job_has_a_name_of_its_own() -> None:
    job = Job(CANDIDATE, "data")
    changed = [
        {"rows": 10},
        {"rounds": 5},
        {"fold": 1},
        {"fold": None},
        {"repeat": 1},
        {"seed": 1},
        {"threads": 2},
        {"data": "other"},
    ]
    assert len({job.key, *(replace(job, **change).key for change in changed)}) == len(changed) + 1


def test_the_limit_on_seconds_is_no_part_of_a_jobs_name() -> None:
    assert replace(Job(CANDIDATE, "data"), seconds=3.0).key == Job(CANDIDATE, "data").key


def test_jobs_and_candidates_survive_json() -> None:
    job = Job(CANDIDATE, "data", 1, 2, 3, None, 7, 2)
    assert Job.from_json(json.loads(json.dumps(job.to_json()))) == job
    assert Job.from_json(json.loads(json.dumps(job.to_json()))).key == job.key


def test_a_trial_is_complete_once_every_fold_has_a_loss() -> None:
    study = Study().add({"kind": "started", "seed": 0}).add(cleaned(Plan("kfold", 2, 1)))
    for fold, loss in ((0, 0.2), (1, 0.4)):
        job = Job(CANDIDATE, "d", 0, fold)
        study = study.add(begun(job))
        assert list(study.running) == [job.key]
        study = study.add(fitted(job, Outcome("done", loss)))
    trial = study.trials[CANDIDATE.id]
    assert study.complete(trial)
    assert math.isclose(trial.loss, 0.3)
    assert study.running == {}


def test_a_fit_on_fewer_rows_does_not_complete_a_trial() -> None:
    job = Job(CANDIDATE, "d", 0, 0, rows=10)
    study = (
        Study()
        .add(cleaned(Plan("holdout", 1, 1)))
        .add(begun(job))
        .add(fitted(job, Outcome("done", 0.1)))
    )
    assert not study.complete(study.trials[CANDIDATE.id])


@given(
    st.lists(
        st.tuples(
            st.integers(0, 4),
            st.floats(0, 1),
            st.sampled_from(["done", "failed", "timeout", "cut"]),
        ),
        max_size=12,
    )
)
def test_replaying_the_events_as_json_gives_the_same_study(
    fits: list[tuple[int, float, str]],
) -> None:
    events: list[dict[str, object]] = [{"kind": "started", "seed": 3}, cleaned(Plan("kfold", 5, 1))]
    for leaves, (fold, loss, status) in enumerate(fits):
        job = Job(replace(CANDIDATE, params={"num_leaves": leaves}), "d", 0, fold)
        events += [
            dict(begun(job)),
            dict(fitted(job, Outcome(status, loss if status == "done" else None))),
        ]  # type: ignore[arg-type]
    live, replayed = Study(), Study()
    for event in events:
        live = live.add(event)
        replayed = replayed.add(json.loads(json.dumps(event)))
    if fits:
        last = decided(live.trials[job.candidate.id], "dropped", "for the test")
        live, replayed = live.add(last), replayed.add(json.loads(json.dumps(last)))
    assert live == replayed
