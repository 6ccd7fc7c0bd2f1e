"""Every kind of event survives JSON, and logs of the format before are still read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.candidate import Candidate, Job, Outcome
from automl.events import (
    EVENTS,
    LOG_FORMAT,
    DataPrepared,
    EnsembleWeighted,
    FindingRecorded,
    FitEnded,
    FitStarted,
    ManualTrialsStarted,
    PredictorScored,
    RecipesChosen,
    RunFinished,
    RunResumed,
    RunStarted,
    StageEnded,
    StageStarted,
    TrialDecided,
    event_from_json,
)
from automl.features.recipe import RECIPES
from automl.finding import Finding
from automl.study import Evaluation, Event, Plan, Size, Study
from automl.task import Task

CANDIDATE = Candidate("lightgbm", {"num_leaves": 31}, RECIPES["native"], "portfolio")
JOB = Job(CANDIDATE, "d", 0, 1, seed=3)
TASK = Task("binary", "y", "roc_auc", ("no", "yes"))
DATA = DataPrepared(TASK, "d", Size(100, 3), Plan("kfold", 5, 1), drawn=50)
EVALUATION = Evaluation(
    0.3, 0.2, 0.4, 100, 50, folds=(0.3, 0.3), thresholds=(0.5, 0.5), tied=("a",)
)

EXAMPLES: list[Event] = [
    RunStarted(3),
    FindingRecorded(Finding("sentinel", ("age",), "warning", 12, ("999",), "taken as missing")),
    StageStarted("select", ("linear",)),
    StageStarted("tune"),
    StageEnded("select"),
    DATA,
    RecipesChosen((RECIPES["native"], RECIPES["target"])),
    FitStarted(JOB),
    FitEnded(CANDIDATE.id, JOB.key, Outcome("done", 0.3, 1.5, 20), ("UserWarning: x",)),
    TrialDecided(CANDIDATE.id, "dropped", "far behind"),
    EnsembleWeighted({CANDIDATE.id: 1.0}, "both", EVALUATION),
    EnsembleWeighted({CANDIDATE.id: 1.0}, "bag", None),
    RunResumed(),
    ManualTrialsStarted(),
    PredictorScored({"score": 0.8, "members": {}}),
    RunFinished("interrupted"),
]


def as_line(event: Event) -> dict[str, Any]:
    """An event as it comes back from a line of the log."""
    plain = {"v": LOG_FORMAT, "kind": event.kind, "time": 0.5, **event.to_json()}
    value: dict[str, Any] = json.loads(json.dumps(plain))
    return value


def test_every_kind_has_an_example_here() -> None:
    assert {type(event) for event in EXAMPLES} == set(EVENTS)


def test_kinds_have_names_of_their_own() -> None:
    assert len({event.kind for event in EVENTS}) == len(EVENTS)


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event.kind)
def test_an_event_survives_json(event: Event) -> None:
    assert event_from_json(as_line(event)) == event


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event.kind)
def test_an_event_with_a_missing_value_is_refused(event: Event) -> None:
    line = as_line(event)
    for name in event.to_json():
        if name in ("families", "warnings", "drawn", "narrowed"):
            continue  # optional
        broken = {key: value for key, value in line.items() if key != name}
        if isinstance(event, FitStarted) and name != "job":
            continue  # the id and the key follow from the job
        with pytest.raises((LookupError, TypeError, ValueError)):
            event_from_json(broken)


statuses = st.sampled_from(["done", "failed", "timeout", "cancelled"])


@given(st.lists(st.tuples(st.integers(0, 4), st.floats(0, 1), statuses), max_size=12))
def test_replaying_the_lines_gives_the_same_study(fits: list[tuple[int, float, Any]]) -> None:
    events: list[Event] = [RunStarted(3), DATA]
    for leaves, (fold, loss, status) in enumerate(fits):
        candidate = Candidate("lightgbm", {"num_leaves": leaves}, RECIPES["native"])
        job = Job(candidate, "d", 0, fold)
        outcome = Outcome(status, loss if status == "done" else None)
        events += [FitStarted(job), FitEnded(candidate.id, job.key, outcome)]
        events.append(TrialDecided(candidate.id, "dropped", "for the test"))
    live, replayed = Study(), Study()
    for event in events:
        live = live.add(event)
        replayed = replayed.add(event_from_json(as_line(event)))
    assert live == replayed


# ---------------------------------------------------------------- format 2


def old(kind: str, **values: Any) -> Event:
    """An event as a line of format 2 held it."""
    return event_from_json({"v": 2, "kind": kind, "time": 1.0, **values})


def test_format_2_has_data_and_recipes_in_events_of_stages() -> None:
    plain = {"stage": "clean", **DATA.to_json()}
    assert old("stage", **plain) == DATA
    recipes = [RECIPES["native"].to_json()]
    assert old("stage", stage="extract", recipes=recipes) == RecipesChosen((RECIPES["native"],))
    assert old("stage", stage="tune") == StageStarted("tune")


def test_format_2_calls_a_cancelled_fit_cut() -> None:
    outcome = {**Outcome("cancelled").to_json(), "status": "cut"}
    event = old("fit", id="a", key="b", outcome=outcome, warnings=[])
    assert event == FitEnded("a", "b", Outcome("cancelled"))


def test_format_2_calls_manual_trials_hand() -> None:
    assert old("hand") == ManualTrialsStarted()


def test_format_2_calls_the_evaluation_a_verdict_and_thresholds_cuts() -> None:
    verdict = {**EVALUATION.to_json(), "cuts": [0.5, 0.5]}
    del verdict["thresholds"]
    event = old("weights", weights={"a": 1.0}, finish="bag", verdict=verdict)
    assert event == EnsembleWeighted({"a": 1.0}, "bag", EVALUATION)
    nothing = old("weights", weights={"a": 1.0}, finish="bag", verdict={})
    assert nothing == EnsembleWeighted({"a": 1.0}, "bag", None)
