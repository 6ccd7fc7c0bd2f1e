"""Planted learners: one that ignores the seed, one that is another model with every seed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.run.commands import install, process

LEARNERS = """
import numpy as np
from automl.extend import Float, SimpleFamily


class Steady(SimpleFamily):
    name, about = "steady", "ridge regression"

    def space(self, task, codes=True):
        return {"alpha": Float(1e-2, 1e2, log=True), "reach": Float(0.2, 2.0)}

    def seen(self, params, how, width):
        return np.eye(width)

    def train(self, X, y, weight, params, how):
        seen = self.seen(params, how, X.shape[1])
        Z = X @ seen
        penalty = params["alpha"] * np.eye(Z.shape[1])
        gram = (Z.T * weight) @ Z + penalty
        return {"all": seen @ np.linalg.solve(gram, (Z.T * weight) @ y)}

    def answer(self, told, X):
        return X @ told["all"]


class Jumpy(Steady):
    name, about = "jumpy", "ridge regression on two directions at random"

    def seen(self, params, how, width):
        return np.random.default_rng(how.seed).normal(0, params["reach"], (width, 2))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("planted")
    install(
        home / "site",
        LEARNERS,
        {"automl.families": {"steady": "my_automl:Steady", "jumpy": "my_automl:Jumpy"}},
    )
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 4))
    table = pd.DataFrame(X, columns=list("abcd")).assign(
        y=X @ [2.0, -1.0, 1.0, 0.5] + 0.5 * rng.normal(size=500)
    )
    table.to_csv(home / "table.csv", index=False)
    return home


def told(home: Path, *words: str) -> str:
    said = process(*words, cwd=home, PYTHONPATH=str(home / "site"))
    assert said.returncode == 0, said.stderr
    return said.stdout


@pytest.mark.heavy
@pytest.mark.parametrize(("learner", "verdict"), [("steady", "stable"), ("jumpy", "unstable")])
def test_the_verdict_on_a_planted_learner_is_right(learner: str, verdict: str, home: Path) -> None:
    whole = [
        "--set",
        "tune.margin=10",
        "--set",
        "tune.pruner=none",
        "--set",
        "clean.folds=5",
        "--set",
        "clean.repeats=1",
    ]
    told(
        home,
        "fit",
        "table.csv",
        "--target",
        "y",
        "--trials",
        "20",
        "--set",
        f"select.families={learner}",
        *whole,
        "--output",
        learner,
        "-q",
    )
    found: list[dict[str, Any]] = json.loads(
        told(home, "insight", learner, "--seeds", "5", "--budget", "1m", "--json")
    )["stability"]
    alone = [one for one in found if one["id"] != "ensemble"]
    assert [(one["source"], one["verdict"]) for one in alone] == [
        ("seeds", verdict),
        ("trials", verdict),
    ]
    trained = alone[0]
    assert len(set(trained["losses"])) == (1 if learner == "steady" else 5)
    if learner == "jumpy":  # what an ensemble of seeds does about it
        assert trained["together"] < np.mean(trained["losses"])
        assert trained["together_jump"] < trained["jump"]
