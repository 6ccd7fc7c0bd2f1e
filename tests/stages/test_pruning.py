"""Ensembles lose the members first that cost little loss for what they save."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from automl.arrays import Floats
from automl.candidate import Candidate, Job, Outcome
from automl.ensemble import Truth, select_greedily
from automl.features.recipe import RECIPES
from automl.metrics import METRICS
from automl.prediction_costs import Arrangement
from automl.price import Price
from automl.stages.ensemble import Pool
from automl.stages.pruning import Pruning
from automl.study import Plan, Size, Study
from automl.task import Task
from automl.trial import Trial

N_ROWS = 400


def trial(number: int, size: int) -> Trial:
    """A trial with a model of so many bytes."""
    candidate = Candidate("linear", {"C": float(number)}, RECIPES["onehot"])
    job = Job(candidate, "data")
    return Trial(candidate, {job.key: job}, {job.key: Outcome("done", 0.5, size=size)}, "done")


def pruning(errors: list[float], sizes: list[int]) -> Pruning:
    """Models of independent errors, each of so many bytes."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=N_ROWS)
    predictions: list[Floats] = [y + error * rng.normal(size=N_ROWS) for error in errors]
    trials = tuple(trial(number, size) for number, size in enumerate(sizes, 1))
    study = Study(
        task=Task("regression", "y", "rmse"),
        size=Size(rows=N_ROWS, columns=3),
        plan=Plan(folds=1),
        trials={one.id: one for one in trials},
    )
    return Pruning(
        study,
        Pool(trials, tuple(predictions), Truth(y)),
        partial(select_greedily, metric=METRICS["rmse"]),
        Arrangement("refit", copies=1, planned=1),
        Price(megabytes=1.0),
    )


def ids(made: Pruning) -> list[str]:
    return [one.id for one in made.pool.trials]


def test_members_leave_one_by_one_until_one_is_left() -> None:
    made = pruning([1.0, 1.0, 1.0, 1.0], [1000, 1000, 1000, 1000])
    steps = list(made.steps(ids(made)))
    assert [len(weights) for weights in steps] == [4, 3, 2, 1]
    for weights in steps:
        assert np.isclose(sum(weights.values()), 1.0)
    losses = [made.loss(weights) for weights in steps]
    assert losses == sorted(losses)
    costs = [made.cost(weights).megabytes for weights in steps]
    assert costs == sorted(costs, reverse=True)


def test_of_equally_good_members_the_largest_leaves_first() -> None:
    made = pruning([1.0, 1.0, 1.0], [1000, 900_000, 1000])
    _, without, _ = made.steps(ids(made))
    assert ids(made)[1] not in without


def test_of_equally_large_members_the_worst_leaves_first() -> None:
    made = pruning([1.0, 1.0, 1.6], [1000, 1000, 1000])
    _, without, _ = made.steps(ids(made))
    assert set(without) == set(ids(made)[:2])


def test_a_pool_can_be_cut_to_some_rows() -> None:
    made = pruning([1.0, 1.0], [1000, 1000])
    rows = np.arange(50)
    smaller = replace(made, pool=made.pool.take(rows))
    assert len(smaller.pool.truth.y) == 50
    (kept,) = smaller.pool.predictions_of(ids(made)[1:])
    assert kept.tolist() == made.pool.predictions[1][:50].tolist()
