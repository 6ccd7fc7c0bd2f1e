"""Tuning draws a hyperparameter only where its condition holds, whatever the method."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl import AutoMLRegressor
from automl.errors import InputError
from automl.extend import Choice, Float, Int, SimpleFamily, When
from automl.insight.points import trial_points
from automl.models import check_families
from automl.search.family_tuner import FamilyTuner, Proposal
from automl.search.manual import starting_candidate, variation
from automl.search.sampling import EXPLORING_PERIOD, Method, Sampling, grid
from automl.search.tuning import MAX_REPEATED_PROPOSALS
from automl.study import Study
from automl.track.experiment import read_experiment
from tests.models.descending import Descending

METHODS: tuple[Method, ...] = ("tpe", "random", "grid", "quasi", "cmaes")
SPACE = Descending().space(None)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The study of a run that tuned at random."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(80, 3)), columns=list("abc"))
    y = 2 * X["a"] - X["b"] + rng.normal(size=80)
    folder = tmp_path_factory.mktemp("conditions") / "run"
    model = AutoMLRegressor(
        families=[Descending()],
        trials=9,
        engine="inline",
        options={"tune.method": "random"},
        output=folder,
        random_state=3,
    )
    model.fit(X, y)
    read = read_experiment(folder).study
    return replace(read, extensions=check_families([Descending()]))


def exists_as_it_should(params: Mapping[str, Any]) -> bool:
    return ("decay" in params) == params["momentum"]


def test_a_run_tries_points_of_a_space_with_conditions(study: Study) -> None:
    tuned = [
        trial.candidate.params
        for trial in study.trials.values()
        if (trial.candidate.family, trial.candidate.origin) == ("descending", "tune")
    ]
    assert len(tuned) >= 2
    assert all(map(exists_as_it_should, tuned))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_proposes_such_points_and_learns_from_them(
    method: Method, study: Study
) -> None:
    tuner = FamilyTuner.create(study, "descending", Sampling(method), math.inf, math.inf)
    tuner.add_known_trials(study)
    known = tuner.optuna_study.trials
    assert len(known) >= 3
    assert all(exists_as_it_should(trial.params) for trial in known)
    proposed = []
    for number in range(8):
        proposal = tuner.ask()
        assert proposal is not None
        proposed.append(dict(proposal.candidate.params))
        tuner.optuna_study.tell(proposal.optuna_trial, float(number))
    assert all(map(exists_as_it_should, proposed))
    assert {params["momentum"] for params in proposed} == {False, True}
    assert len(set(map(repr, proposed))) == len(proposed)


def test_every_twelfth_proposal_of_an_exploring_search_is_spread_evenly(study: Study) -> None:
    sampling = Sampling("tpe", explores=True)
    tuner = FamilyTuner.create(study, "descending", sampling, math.inf, math.inf)
    proposed = []
    for number in range(10 * EXPLORING_PERIOD):
        proposal = tuner.ask()
        assert proposal is not None
        proposed.append(proposal.candidate.params)
        loss = proposal.candidate.params["rate"]
        tuner.optuna_study.tell(proposal.optuna_trial, loss)
    spread = proposed[EXPLORING_PERIOD - 1 :: EXPLORING_PERIOD]
    assert all(map(exists_as_it_should, spread))
    rate = SPACE["rate"]
    positions = sorted(rate.to_unit(params["rate"]) for params in spread)
    gaps = np.diff([0, *positions, 1])
    assert gaps.max() < 0.25
    others = [params["rate"] for params in proposed if params not in spread]
    assert np.median(others) < np.median([params["rate"] for params in spread])


class FewPoints(Descending):
    """Three points, none of which takes long."""

    name = "few_points"

    def space(self, task: Any, codes: bool = True) -> Any:
        return {"rate": Choice((0.1, 0.2, 0.4))}

    def defaults(self, task: Any) -> Any:
        return {"rate": 0.2, "momentum": False}


def test_an_exploring_search_of_few_points_ends_soon_after_the_last_of_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    n_asked = 0
    ask = FamilyTuner.ask

    def counted(tuner: FamilyTuner) -> Proposal | None:
        nonlocal n_asked
        n_asked += 1
        return ask(tuner)

    monkeypatch.setattr(FamilyTuner, "ask", counted)
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(80, 3)), columns=list("abc"))
    model = AutoMLRegressor(
        families=[FewPoints()],
        trials=99,
        engine="inline",
        options={"select.families": "few_points"},
        output=tmp_path / "run",
    )
    model.fit(X, X["a"] + X["b"] ** 2)
    tried = read_experiment(tmp_path / "run").study.trials.values()
    rates = {trial.candidate.params.get("rate", 0.2) for trial in tried}
    assert rates == {0.1, 0.2, 0.4}
    assert n_asked <= 3 * MAX_REPEATED_PROPOSALS


def test_a_grid_has_each_point_once() -> None:
    points_ = list(Sampling("grid").grid_points(SPACE, seed=0) or ())
    levels = grid(SPACE)
    with_momentum = len(levels["rate"]) * len(levels["decay"])
    assert len(points_) == with_momentum + len(levels["rate"])


def test_lessons_take_the_familys_value_where_a_hyperparameter_does_not_exist(
    study: Study,
) -> None:
    points = trial_points(study, "descending")
    axis = list(points.space).index("decay")
    usual = SPACE["decay"].to_unit(Descending().defaults(None)["decay"])
    for trial, coordinate in zip(points.trials, points.coordinates[:, axis], strict=True):
        if "decay" in trial.candidate.params:
            assert coordinate == SPACE["decay"].to_unit(trial.candidate.params["decay"])
        else:
            assert coordinate == usual


def test_a_person_is_told_of_a_hyperparameter_that_does_not_exist_there(study: Study) -> None:
    base = starting_candidate(study, "descending")
    plain = variation(study, base, {"momentum": False})
    assert "decay" not in plain.params
    again = variation(study, plain, {"momentum": True, "decay": 0.4})
    assert again.params["decay"] == 0.4
    with pytest.raises(InputError, match="exists only where momentum is True"):
        variation(study, plain, {"decay": 0.4})


class Told(SimpleFamily):
    """A family that refuses a hyperparameter that does not exist."""

    name = "told"

    def space(self, task: Any, codes: bool = True) -> Any:
        drop = Float(0.1, 0.5, when=When("mode", ("dart",)))
        return {"mode": Choice(("plain", "dart")), "drop": drop}

    def train(self, X: Any, y: Any, weight: Any, params: Any, context: Any) -> Any:
        assert ("drop" in params) == (params["mode"] == "dart"), params
        return {"mean": float(y.mean())}

    def answer(self, learnt: Any, X: Any) -> Any:
        return np.full(len(X), learnt["mean"])


def test_defaults_and_a_simple_family_know_of_conditions() -> None:
    X = pd.DataFrame({"a": np.arange(60.0) % 7, "b": np.arange(60.0) % 5})
    model = AutoMLRegressor(
        pipeline="linear", families=[Told()], trials=3, engine="inline", random_state=0
    )
    model.fit(X, X["a"] - X["b"])
    board = model.leaderboard_.set_index("family")
    assert board.loc["told", "status"].startswith("done")


@pytest.mark.parametrize(
    ("space", "problem"),
    [
        ({"b": Float(0, 1, when=When("a", (True,)))}, "must be a Choice or an Int that"),
        ({"a": Float(1, 3), "b": Float(0, 1, when=When("a", (1,)))}, "must be a Choice"),
        ({"a": Int(1, 3), "b": Float(0, 1, when=When("a", (4,)))}, "that it can't take"),
        (
            {"b": Float(0, 1, when=When("a", (True,))), "a": Choice((True, False))},
            "listed before it",
        ),
        ({"a": Choice((1, 2)), "b": Float(0, 1, when=When("a", (3,)))}, r"can't take: \(3,\)"),
        ({"a": Choice((1, 2), when=When("a", (1,)))}, "listed before it"),
    ],
)
def test_a_condition_that_cannot_be_looked_up_is_refused(space: Any, problem: str) -> None:
    class Odd(Descending):
        name = "odd"

        def space(self, task: Any, codes: bool = True) -> Any:
            return space

    with pytest.raises(InputError, match=problem):
        check_families([Odd()])
