"""The perceptron's gradients and descent, and the refusal of damaged files."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from automl.errors import UnsafeModel
from automl.metrics import metric_for
from automl.models import Feature, FitContext, Model, Sample, find_family
from automl.models._losses import Loss, select_loss
from automl.models._target import TargetCoding
from automl.models.network.descent import Descent
from automl.models.network.held_out import HeldOut
from automl.models.network.input_layer import InputLayer, InputSizes, initial_input_layer
from automl.models.network.network import Architecture, Network, initial_network
from automl.models.network.number_inputs import continuous_columns, soft_clip
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


def loss_for(X: np.ndarray, y: np.ndarray, task: Task, smoothing: float = 0.0) -> Loss:
    context = how_for(task)
    target = TargetCoding.fit(Sample(X, (), y), context)
    return select_loss(target, context, smoothing)


def mixed_rows(n_rows: int, rng: np.random.Generator) -> np.ndarray:
    """Three numbers, a category of 4 levels and one of 3, each with a missing value."""
    X = rng.normal(size=(n_rows, 5)).astype(np.float32)
    X[:, 1] = rng.integers(0, 4, n_rows)
    X[:, 3] = rng.integers(0, 3, n_rows)
    X[0] = np.nan
    return X


LEVELS = (0, 4, 0, 3, 0)
MIXED = mixed_rows(80, np.random.default_rng(1))


def input_layer(X: np.ndarray, rng: np.random.Generator, **sizes: int) -> InputLayer:
    asked = {"cosines": 0, "pieces": 0, "vector": 2} | sizes
    levels = LEVELS if X.shape[1] == len(LEVELS) else (0,) * X.shape[1]
    return initial_input_layer(X, levels, InputSizes(frequency=0.2, **asked), rng)


PLAIN = Architecture((6, 5))


def network_of(
    X: np.ndarray,
    outputs: int,
    members: int = 1,
    architecture: Architecture = PLAIN,
    **sizes: int,
) -> Network:
    rng = np.random.default_rng(0)
    inputs = input_layer(X, rng, **sizes)
    return initial_network(inputs, architecture, outputs, members, rng)


def refit(train: Sample, rounds: int, **params: object) -> Model:
    context = how_for(REGRESSION, rounds)
    prepared = MLP.prepare(train, None, params, context)
    return MLP.fit(prepared, params, context).model


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("sizes", [{}, {"cosines": 3, "pieces": 4}], ids=["plain", "embedded"])
@pytest.mark.parametrize("task", [REGRESSION, CLASSES], ids=lambda task: task.kind)
def test_gradients_equal_finite_differences(
    task: Task, sizes: dict[str, int], members: int
) -> None:
    check_gradients(network_of(MIXED, task.n_outputs, members, **sizes), task)


@pytest.mark.parametrize("normalised", [False, True], ids=["as they are", "normalised"])
@pytest.mark.parametrize("activation", ["silu", "relu", "selu"])
@pytest.mark.parametrize("kind", ["plain", "residual", "gated"])
def test_gradients_of_blocks_equal_finite_differences(
    kind: str, activation: str, normalised: bool
) -> None:
    architecture = Architecture((6, 6, 4), kind, activation, normalised)
    network = network_of(MIXED, 3, 2, architecture, cosines=2)
    for learnt in network.learnt:  # no gain is exactly 1, no intercept 0
        learnt.array[:] += np.float32(0.1) * np.cos(np.arange(learnt.array.size)).reshape(
            learnt.array.shape
        ).astype(np.float32)
    check_gradients(network, CLASSES)


def check_gradients(network: Network, task: Task) -> None:
    """Compare gradients with finite differences, in double precision."""
    rng = np.random.default_rng(1)
    X = MIXED
    network = network.copy(np.float64)
    rows = network.inputs.prepare(X).astype(np.float64)
    y = rng.integers(0, 3, 80).astype(float) if task.labels else rng.normal(size=80)
    weight = rng.uniform(0.5, 2.0, 80)
    loss = loss_for(X, y, task, smoothing=0.1)

    def mean_loss() -> float:
        totals = [loss(scores, y, weight)[0] for scores in network.scores(rows)]
        return float(np.mean(totals))

    step = 1e-5
    gradients = network.gradients(rows, y, weight, loss, 1.0, rng)
    for learnt, gradient in zip(network.learnt, gradients, strict=True):
        array = learnt.array
        assert gradient.shape == array.shape
        checks = 5 if array.size else 0
        for index in rng.integers(0, max(1, array.size), checks):
            before = array.flat[index]
            array.flat[index] = before + step
            above = mean_loss()
            array.flat[index] = before - step
            below = mean_loss()
            array.flat[index] = before
            slope = (above - below) / (2 * step)
            assert gradient.flat[index] == pytest.approx(slope, rel=1e-4, abs=1e-6)


def test_a_dropped_value_has_no_gradient() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(64, 2)).astype(np.float32)
    y = X[:, 0]
    network = network_of(X, 1)
    loss = loss_for(X, y.astype(float), REGRESSION)
    weight = np.ones(64, np.float32)
    *_, by_last_weights, _ = network.gradients(X, y, weight, loss, 1e-9, rng)
    assert not by_last_weights.any()


def test_columns_of_few_values_get_neither_cosines_nor_pieces() -> None:
    rng = np.random.default_rng(0)
    flag = np.arange(50) % 2
    number = np.linspace(-1, 1, 50)
    X = np.column_stack([flag, number]).astype(np.float32)
    inputs = input_layer(X, rng, cosines=2, pieces=3)
    assert inputs.waves.columns.tolist() == [1]
    assert inputs.pieces.columns.tolist() == [1]


def test_a_column_of_numbers_gets_cosines_though_its_rows_are_sorted() -> None:
    ages = np.sort(np.random.default_rng(0).integers(20, 90, 21_000))
    X = ages[:, None].astype(np.float32)
    assert continuous_columns(X, np.array([0])).tolist() == [0]


@pytest.mark.parametrize(("name", "chooses"), [("mae", True), ("mape", False), ("rmse", False)])
def test_the_metric_chooses_the_epoch_unless_the_loss_stands_for_it(
    name: str, chooses: bool
) -> None:
    held = smooth_sample(700, seed=1)
    context = FitContext(REGRESSION, metric_for(name, "regression"), seed=0)
    target = TargetCoding.fit(held, context)
    encoded = target.encode(held)
    network = network_of(held.X, 1)
    weighted = dataclasses.replace(encoded, weight=encoded.weight_or_ones)
    held_out = HeldOut(weighted, target, select_loss(target, context), context)
    losses = held_out.losses(network)
    assert len(losses) == 1 + chooses
    if chooses:
        prediction = target.to_prediction(network.scores(held.X).mean(axis=0))
        assert losses[0] == pytest.approx(np.abs(prediction - held.y).mean())


@pytest.mark.parametrize("name", ["mae", "rmse"])
def test_a_learning_curve_is_in_the_unit_of_the_target(name: str) -> None:
    train, held = smooth_sample(600), smooth_sample(600, seed=1)
    train, held = (dataclasses.replace(each, y=1_000 * each.y) for each in (train, held))
    context = FitContext(REGRESSION, metric_for(name, "regression"), seed=0)
    fitted = MLP.fit(MLP.prepare(train, held, {}, context), {}, context)
    errors = np.abs(fitted.model.predict(held.X) - held.y)
    expected = errors.mean() if name == "mae" else (errors**2).mean()
    least = min(loss for _, loss in fitted.curve)
    assert expected / 3 < least < 3 * expected


def test_shares_of_pieces_add_up_to_the_rank() -> None:
    rng = np.random.default_rng(0)
    X = rng.exponential(size=(400, 1)).astype(np.float32)
    pieces = input_layer(X, rng, pieces=8).pieces
    squashed = soft_clip(X)
    shares = pieces.values(squashed)
    assert shares.shape == (400, 8)
    ranks = np.argsort(np.argsort(X[:, 0])) / 399
    assert shares.sum(axis=1) / 8 == pytest.approx(ranks, abs=0.05)


def test_missing_and_unseen_levels_have_the_vector_of_zeros() -> None:
    rng = np.random.default_rng(0)
    X = mixed_rows(30, rng)
    inputs = input_layer(X, rng)
    strange = X[:2].copy()
    strange[0, 1] = np.nan
    strange[1, 1] = 99
    values = inputs.vectors.values(inputs.prepare(strange))
    assert not values[:, :2].any()
    known = inputs.vectors.values(inputs.prepare(X[2:]))
    assert known.all()


def test_rare_ones_of_many_levels_share_vectors() -> None:
    n_levels = 5_000
    rng = np.random.default_rng(0)
    codes = np.concatenate([np.arange(n_levels), np.repeat(4_999, 9)])
    X = codes[:, None].astype(np.float32)
    sizes = InputSizes(cosines=0, frequency=0.1, pieces=0, vector=2)
    vectors = initial_input_layer(X, (n_levels,), sizes, rng).vectors
    rows = vectors.rows_of_column(0)
    assert len(vectors.table) < 2_500
    assert len(rows) == n_levels + 1
    sharing = np.count_nonzero(rows == rows[4_999])
    assert sharing == 1
    assert len(np.unique(rows)) == len(vectors.table)


def test_the_learning_rate_rises_then_falls_to_nothing() -> None:
    rng = np.random.default_rng(0)
    X = np.zeros((100, 1), np.float32)
    network = network_of(X, 1)
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
        rates.append(descent.current_rate())
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
        "hidden": 99,
        "features": 2,
        "weights0": np.zeros((3, 3), np.float32),
        "intercepts1": np.zeros((1, 7), np.float32),
        "places": np.array([0, 1, 9]),
        "waves": np.zeros((1, 3, 4), np.float32),
        "mixing": np.zeros((3, 2, 4), np.float32),
        "numbers": np.array([-1, 0, 1]),
        "starts": np.zeros((1, 4), np.float32),
        "coded": np.array([0]),
        "counts": np.array([1]),
        "levels": np.array([3]),
        "scales": np.zeros((0, 3), np.float32),
        "bounds": np.zeros(3),
    }
    for name, value in damages.items():
        with pytest.raises(UnsafeModel):
            MLP.restore({**state, name: value})
