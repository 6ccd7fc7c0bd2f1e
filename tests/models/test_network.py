"""The perceptron's gradients, its descent, and what becomes of a damaged file."""

from __future__ import annotations

import numpy as np
import pytest

from automl.errors import UnsafeModel
from automl.metrics import metric_for
from automl.models import Feature, How, Sample, family
from automl.models._losses import loss_of
from automl.models._network import Descent, started
from automl.models._target import Target
from automl.task import Task

REGRESSION = Task("regression", "y", "rmse")
CLASSES = Task("multiclass", "y", "log_loss", ("a", "b", "c"))


def how_for(task: Task, seed: int = 0, rounds: int | None = None) -> How:
    return How(task, metric_for(None, task.kind), seed, 1, rounds=rounds)


def waves(rows: int = 600, seed: int = 0) -> Sample:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 3)).astype(np.float32)
    y = np.sin(2 * X[:, 0]) * X[:, 1] + 0.05 * rng.normal(size=rows)
    return Sample(X, tuple(Feature(name, name) for name in "abc"), y)


@pytest.mark.parametrize("n_waves", [0, 3])
@pytest.mark.parametrize("task", [REGRESSION, CLASSES], ids=lambda task: task.kind)
def test_gradients_are_those_of_finite_differences(task: Task, n_waves: int) -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(40, 4))
    outputs = task.n_outputs
    network = started(X.astype(np.float32), (6, 5, outputs), n_waves, 0.2, rng).copy(np.float64)
    y = rng.integers(0, 3, 40).astype(float) if task.labels else rng.normal(size=40)
    weight = rng.uniform(0.5, 2.0, 40)
    loss = loss_of(Target.of(Sample(X, (), y), how_for(task)), how_for(task))
    found = network.gradients(X, y, weight, loss, 1.0, rng)
    for array, gradient in zip(network.arrays, found, strict=True):
        for place in rng.integers(0, max(1, array.size), 5 if array.size else 0):
            before, step = array.flat[place], 1e-5
            array.flat[place] = before + step
            above = loss(network.scores(X), y, weight)[0]
            array.flat[place] = before - step
            below = loss(network.scores(X), y, weight)[0]
            array.flat[place] = before
            assert gradient.flat[place] == pytest.approx(
                (above - below) / (2 * step), rel=1e-4, abs=1e-6
            )


def test_a_value_that_is_left_out_has_no_gradient() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(64, 2)).astype(np.float32)
    network = started(X, (4, 1), 0, 0.1, rng)
    loss = loss_of(
        Target.of(Sample(X, (), X[:, 0].astype(float)), how_for(REGRESSION)), how_for(REGRESSION)
    )
    gradients = network.gradients(X, X[:, 0], np.ones(64, np.float32), loss, 1e-9, rng)
    by_last = gradients[2]
    assert not by_last.any()


def test_columns_of_few_values_are_not_turned_into_waves() -> None:
    X = np.column_stack([np.arange(50) % 2, np.linspace(-1, 1, 50)]).astype(np.float32)
    assert started(X, (4, 1), 2, 0.1, np.random.default_rng(0)).places.tolist() == [1]


def test_the_rate_rises_then_falls_to_nothing() -> None:
    network = started(np.zeros((100, 1), np.float32), (2, 1), 0, 0.1, np.random.default_rng(0))
    descent = Descent(
        network,
        loss_of(Target(0), how_for(REGRESSION)),
        np.random.default_rng(0),
        1000,
        0.01,
        0.1,
        0.0,
    )
    steps = descent.epochs * descent.steps_an_epoch
    rates = []
    for descent.step in range(steps + 1):
        rates.append(descent._rate())
    top = int(np.argmax(rates))
    assert rates[0] == 0.0
    assert max(rates) == pytest.approx(0.01)
    assert np.all(np.diff(rates[: top + 1]) >= 0)
    assert np.all(np.diff(rates[top:]) <= 0)
    assert rates[-1] == pytest.approx(0.01 * 0.01)


@pytest.mark.heavy
def test_a_smooth_target_is_learnt() -> None:
    train, held, fresh = waves(), waves(200, 1), waves(1000, 2)
    mlp, how = family("mlp"), how_for(REGRESSION)
    fitted = mlp.fit(mlp.prepare(train, held, {}, how), {}, how)
    assert fitted.rounds is not None
    assert 0 < fitted.rounds == min(fitted.curve, key=lambda point: point[1])[0]
    assert (
        np.sqrt(np.mean((fitted.model.predict(fresh.X) - fresh.y) ** 2)) < 0.2 < 0.5 * fresh.y.std()
    )


def test_a_refit_trains_as_many_epochs_as_it_is_told() -> None:
    mlp, how = family("mlp"), how_for(REGRESSION, rounds=3)
    short = mlp.fit(mlp.prepare(waves(), None, {}, how), {}, how)
    assert short.rounds == 3


def test_predictions_stay_near_the_targets_that_were_seen() -> None:
    mlp, how = family("mlp"), how_for(REGRESSION, rounds=20)
    train = waves()
    model = mlp.fit(mlp.prepare(train, None, {}, how), {}, how).model
    far = model.predict(np.full((1, 3), 1e6, np.float32))
    reach = train.y.max() - train.y.min()
    assert train.y.min() - 0.5 * reach - 1e-3 <= far[0] <= train.y.max() + 0.5 * reach + 1e-3


def test_a_damaged_network_is_refused() -> None:
    mlp, how = family("mlp"), how_for(REGRESSION, rounds=2)
    state = dict(mlp.fit(mlp.prepare(waves(), None, {}, how), {"waves": 4}, how).model.to_state())
    assert mlp.restore(state).predict(waves().X).shape == (600,)
    damages = {
        "layers": 99,
        "features": 2,
        "weights0": np.zeros((3, 3), np.float32),
        "intercepts1": np.zeros(7, np.float32),
        "places": np.array([0, 1, 9]),
        "waves": np.zeros((1, 3, 4), np.float32),
        "bounds": np.zeros(3),
    }
    for name, value in damages.items():
        with pytest.raises(UnsafeModel):
            mlp.restore({**state, name: value})
