"""The perceptron's gradients and descent, and the refusal of damaged files."""

from __future__ import annotations

import numpy as np
import pytest

from automl.errors import UnsafeModel
from automl.metrics import metric_for
from automl.models import Feature, FitContext, Model, Sample, find_family
from automl.models._descent import Descent
from automl.models._losses import Loss, select_loss
from automl.models._network import initial_network
from automl.models._target import TargetCoding
from automl.task import Task

REGRESSION = Task("regression", "y", "rmse")
CLASSES = Task("multiclass", "y", "log_loss", ("a", "b", "c"))
MLP = find_family("mlp")
FEATURES = tuple(Feature(name, name) for name in "abc")


def how_for(task: Task, rounds: int | None = None) -> FitContext:
    metric = metric_for(None, task.kind)
    return FitContext(task, metric, seed=0, rounds=rounds)


def smooth_sample(rows: int = 600, seed: int = 0) -> Sample:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 3)).astype(np.float32)
    noise = rng.normal(size=rows)
    y = np.sin(2 * X[:, 0]) * X[:, 1] + 0.05 * noise
    return Sample(X, FEATURES, y)


def loss_for(X: np.ndarray, y: np.ndarray, task: Task) -> Loss:
    context = how_for(task)
    target = TargetCoding.fit(Sample(X, (), y), context)
    return select_loss(target, context)


def refit(train: Sample, rounds: int, **params: object) -> Model:
    context = how_for(REGRESSION, rounds)
    prepared = MLP.prepare(train, None, params, context)
    return MLP.fit(prepared, params, context).model


@pytest.mark.parametrize("cosines", [0, 3])
@pytest.mark.parametrize("task", [REGRESSION, CLASSES], ids=lambda task: task.kind)
def test_gradients_equal_finite_differences(task: Task, cosines: int) -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(40, 4))
    sizes = (6, 5, task.n_outputs)
    network = initial_network(X.astype(np.float32), sizes, cosines, 0.2, rng).copy(np.float64)
    y = rng.integers(0, 3, 40).astype(float) if task.labels else rng.normal(size=40)
    weight = rng.uniform(0.5, 2.0, 40)
    loss = loss_for(X, y, task)

    def total_loss() -> float:
        total, _ = loss(network.scores(X), y, weight)
        return total

    step = 1e-5
    gradients = network.gradients(X, y, weight, loss, 1.0, rng)
    for array, gradient in zip(network.parameters, gradients, strict=True):
        checks = 5 if array.size else 0
        for index in rng.integers(0, max(1, array.size), checks):
            before = array.flat[index]
            array.flat[index] = before + step
            above = total_loss()
            array.flat[index] = before - step
            below = total_loss()
            array.flat[index] = before
            slope = (above - below) / (2 * step)
            assert gradient.flat[index] == pytest.approx(slope, rel=1e-4, abs=1e-6)


def test_a_dropped_value_has_no_gradient() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(64, 2)).astype(np.float32)
    y = X[:, 0]
    network = initial_network(X, (4, 1), 0, 0.1, rng)
    loss = loss_for(X, y.astype(float), REGRESSION)
    weight = np.ones(64, np.float32)
    gradients = network.gradients(X, y, weight, loss, 1e-9, rng)
    by_last_weights = gradients[2]
    assert not by_last_weights.any()


def test_columns_of_few_values_get_no_periodic_embedding() -> None:
    rng = np.random.default_rng(0)
    flag = np.arange(50) % 2
    number = np.linspace(-1, 1, 50)
    X = np.column_stack([flag, number]).astype(np.float32)
    network = initial_network(X, (4, 1), 2, 0.1, rng)
    assert network.periodic_columns.tolist() == [1]


def test_the_learning_rate_rises_then_falls_to_nothing() -> None:
    rng = np.random.default_rng(0)
    X = np.zeros((100, 1), np.float32)
    network = initial_network(X, (2, 1), 0, 0.1, rng)
    loss = select_loss(TargetCoding(0), how_for(REGRESSION))
    descent = Descent(
        network,
        loss,
        rng,
        rows=1000,
        learning_rate=0.01,
        weight_decay=0.1,
        dropout=0.0,
    )
    steps = descent.epochs * descent.steps_per_epoch
    rates = []
    for descent.step in range(steps + 1):
        rates.append(descent._current_rate())
    top = int(np.argmax(rates))
    changes = np.diff(rates)
    assert rates[0] == 0.0
    assert max(rates) == pytest.approx(0.01)
    assert np.all(changes[:top] >= 0)
    assert np.all(changes[top:] <= 0)
    assert rates[-1] == pytest.approx(0.01 * 0.01)


@pytest.mark.heavy
def test_a_smooth_target_is_learnt() -> None:
    fresh = smooth_sample(1000, 2)
    context = how_for(REGRESSION)
    prepared = MLP.prepare(smooth_sample(), smooth_sample(200, 1), {}, context)
    fitted = MLP.fit(prepared, {}, context)
    best_round, _ = min(fitted.curve, key=lambda point: point[1])
    assert fitted.rounds == best_round > 0
    errors = fitted.model.predict(fresh.X) - fresh.y
    rmse = np.sqrt(np.mean(errors**2))
    assert rmse < 0.2 < 0.5 * fresh.y.std()


def test_a_refit_trains_the_given_number_of_epochs() -> None:
    context = how_for(REGRESSION, rounds=3)
    prepared = MLP.prepare(smooth_sample(), None, {}, context)
    assert MLP.fit(prepared, {}, context).rounds == 3


def test_predictions_stay_near_the_training_targets() -> None:
    train = smooth_sample()
    model = refit(train, rounds=20)
    far_row = np.full((1, 3), 1e6, np.float32)
    (prediction,) = model.predict(far_row)
    low = train.y.min()
    high = train.y.max()
    margin = 0.5 * (high - low) + 1e-3
    assert low - margin <= prediction <= high + margin


def test_a_damaged_network_is_refused() -> None:
    train = smooth_sample()
    state = refit(train, rounds=2, waves=4).to_state()
    assert MLP.restore(state).predict(train.X).shape == (600,)
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
            MLP.restore({**state, name: value})
