"""Tuning draws a hyperparameter only where its condition holds, whatever the method."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl import AutoMLRegressor
from automl.errors import InputError
from automl.extend import Choice, Float, Int, When
from automl.insight.points import trial_points
from automl.models import check_families
from automl.search.manual import starting_candidate, variation
from automl.search.sampling import Sampling, grid
from automl.study import Study
from automl.track.experiment import read_experiment
from tests.models.descending import Descending

METHODS = ("tpe", "random", "grid", "quasi", "cmaes", "gp")
SPACE = Descending().space(None)


def run(folder: Path, method: str, trials: int = 9) -> Study:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(80, 3)), columns=list("abc"))
    y = 2 * X["a"] - X["b"] + rng.normal(size=80)
    model = AutoMLRegressor(
        families=[Descending()],
        trials=trials,
        engine="inline",
        options={"tune.method": method},
        output=folder / "run",
        random_state=3,
    )
    model.fit(X, y)
    study = read_experiment(folder / "run").study
    return replace(study, extensions=check_families([Descending()]))


def tuned_params(study: Study) -> list[dict[str, Any]]:
    return [
        dict(trial.candidate.params)
        for trial in study.trials.values()
        if (trial.candidate.family, trial.candidate.origin) == ("descending", "tune")
    ]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_proposes_points_of_a_space_with_conditions(
    method: str, tmp_path: Path
) -> None:
    proposed = tuned_params(run(tmp_path, method))
    assert len(proposed) >= 2
    for params in proposed:
        assert ("decay" in params) == params["momentum"]
    distinct = {repr(sorted(params.items())) for params in proposed}
    assert len(distinct) == len(proposed)


def test_a_grid_has_each_point_once() -> None:
    points_ = list(Sampling("grid").grid_points(SPACE, seed=0) or ())
    levels = grid(SPACE)
    with_momentum = len(levels["rate"]) * len(levels["decay"])
    assert len(points_) == with_momentum + len(levels["rate"])


def test_lessons_are_drawn_from_what_all_trials_have(tmp_path: Path) -> None:
    study = run(tmp_path, "random")
    assert "momentum" in trial_points(study, "descending").space
    assert "decay" not in trial_points(study, "descending").space


def test_a_person_is_told_of_a_hyperparameter_that_does_not_exist_there(tmp_path: Path) -> None:
    study = run(tmp_path, "random", trials=3)
    base = starting_candidate(study, "descending")
    plain = variation(study, base, {"momentum": False})
    assert "decay" not in plain.params
    again = variation(study, plain, {"momentum": True, "decay": 0.4})
    assert again.params["decay"] == 0.4
    with pytest.raises(InputError, match="exists only where momentum is True"):
        variation(study, plain, {"decay": 0.4})


@pytest.mark.parametrize(
    ("space", "problem"),
    [
        ({"b": Float(0, 1, when=When("a", (True,)))}, "must be a Choice that is listed"),
        ({"a": Int(1, 3), "b": Float(0, 1, when=When("a", (1,)))}, "must be a Choice"),
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
