"""RealMLP and TabM: NumPy predicts what torch has learnt, in time, from any rows."""

from __future__ import annotations

import dataclasses
import importlib
import time
from typing import Any

import numpy as np
import pytest

from automl.budget import Budget
from automl.errors import UnsafeModel
from automl.models import (
    NN_FAMILIES,
    Family,
    FitContext,
    Sample,
    find_family,
    missing_library,
)
from automl.models._target import TargetCoding
from automl.models.deep.layers import one_hot
from automl.models.deep.realmlp_network import mish, selu
from automl.models.network.outputs import mean_output
from automl.state import pack_to_bytes
from tests.models.test_contract import (
    KINDS,
    LABELS,
    fit,
    how_of,
    load_libraries,
    rows_of,
    through_zip,
)

UNBOUNDED = np.array([-np.inf, np.inf])
TOLERANCE = 1e-5

missing = [missing_library(family.name) for family in NN_FAMILIES]
needs_nn = pytest.mark.skipif(any(missing), reason=f"needs {missing}: make programs")
heavy = pytest.mark.heavy
PARAMS: list[dict[str, Any]] = [
    {},
    {"width": 64, "layers": 1, "members": 4},
    {"width": 70, "layers": 4, "members": 2, "activation": "mish", "pieces": 4, "dropout": 0.0},
]


@pytest.fixture(params=NN_FAMILIES, ids=lambda family: family.name)
def family(request: pytest.FixtureRequest) -> Family:
    chosen: Family = request.param
    return chosen


@pytest.fixture
def loaded(family: Family) -> Family:
    load_libraries(family)
    return family


def mixed_rows(kind: Any, rows: int = 500, seed: int = 0) -> Sample:
    """Numbers, a flag, a constant, and categories of 2, 12 and 3000 levels, with missing values."""
    sample = rows_of(kind, True, rows, seed)
    rng = np.random.default_rng(seed + 100)
    more = np.zeros((rows, 4), np.float32)
    more[:, 0] = rng.integers(0, 2, rows)
    more[:, 2] = rng.integers(0, 2, rows)
    more[:, 3] = rng.integers(0, 3000, rows)
    more[rng.random(rows) < 0.1, 2:] = np.nan
    X = np.concatenate([sample.X, more], axis=1)
    like = sample.features[0]
    levels = (0, 0, 2, 3000)
    added = [
        dataclasses.replace(like, name=f"z{index}", levels=count)
        for index, count in enumerate(levels)
    ]
    return dataclasses.replace(sample, X=X, features=(*sample.features, *added))


def select_columns(sample: Sample, columns: list[int]) -> Sample:
    features = [sample.features[column] for column in columns]
    return dataclasses.replace(sample, X=sample.X[:, columns], features=tuple(features))


COLUMNS = {
    "all": list(range(9)),
    "numbers": [0, 1, 2, 3, 5, 6],
    "categories": [4, 7, 8],
    "few": [7, 0],
}


@heavy
@needs_nn
@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("changes", PARAMS, ids=("defaults", "flat", "deep"))
@pytest.mark.parametrize("kind", KINDS)
def test_numpy_computes_what_torch_does(
    loaded: Family, kind: Any, changes: dict[str, Any], columns: str
) -> None:
    from automl.models.deep.torch_learner import TorchLearner, torch_settings
    from automl.models.deep.torch_losses import select_torch_loss

    train = select_columns(mixed_rows(kind), COLUMNS[columns])
    held = select_columns(mixed_rows(kind, 300, seed=1), COLUMNS[columns])
    context = how_of(kind)
    params = loaded.defaults(context.task) | changes
    target = TargetCoding.fit(train, context)
    encoded = target.encode(train)
    with torch_settings(context) as device:
        kit: Any = loaded
        inputs = kit.fit_inputs(encoded)
        X = inputs.prepare(encoded.X)
        rows = dataclasses.replace(encoded, X=X)
        wiring = kit.wire(inputs, rows, params, target.columns, device)
        loss = select_torch_loss(target, context)
        learner: Any = TorchLearner(wiring, rows, loss, kit.pace(len(X)), device)
        for _ in range(12):
            for _ in learner.run_epoch():
                pass
        prepared = inputs.prepare(held.X)
        scores = learner.scores(prepared).astype(np.float64)
        of_torch = mean_output(scores, target, UNBOUNDED)
    network = learner.snapshot().copy(np.float64)
    of_numpy = mean_output(network.scores(prepared.astype(np.float64)), target, UNBOUNDED)
    assert of_torch.std() > 0.01
    size = max(1.0, float(np.abs(of_torch).max()))
    np.testing.assert_allclose(of_numpy, of_torch, rtol=0, atol=TOLERANCE * size)


@heavy
@needs_nn
@pytest.mark.parametrize("kind", KINDS)
def test_a_stored_model_of_mixed_columns_predicts_bit_for_bit(loaded: Family, kind: Any) -> None:
    train = mixed_rows(kind)
    held = mixed_rows(kind, 300, seed=1)
    fitted = fit(loaded, how_of(kind), train, held)
    whole = fitted.model.predict(held.X)
    restored = loaded.restore(through_zip(fitted.model.to_state()))
    np.testing.assert_array_equal(restored.predict(held.X), whole)
    np.testing.assert_array_equal(restored.predict(held.X[5:6]), whole[5:6])
    again = fit(loaded, how_of(kind, rounds=fitted.rounds), train)
    assert pack_to_bytes(again.model.to_state()) == pack_to_bytes(fitted.model.to_state())


@heavy
@needs_nn
def test_unknown_and_missing_categories_predict_alike(loaded: Family) -> None:
    train = mixed_rows("regression")
    model = fit(loaded, how_of("regression", rounds=5), train).model
    unknown = train.X[:20].copy()
    unknown[:, [4, 7, 8]] = 99_999
    absent = unknown.copy()
    absent[:, [4, 7, 8]] = np.nan
    np.testing.assert_array_equal(model.predict(unknown), model.predict(absent))


@heavy
@needs_nn
def test_the_metric_decides_which_number_is_learnt(loaded: Family) -> None:
    rng = np.random.default_rng(0)
    train = mixed_rows("regression", 1_500)
    others = mixed_rows("regression", 500, seed=1)
    skewed = dataclasses.replace(train, y=rng.exponential(size=1_500) ** 2, weight=None)
    means = {}
    for metric in ("mae", "rmse", "pinball_0.9"):
        model = fit(loaded, how_of("regression", metric, rounds=17), skewed).model
        means[metric] = model.predict(others.X).mean()
    assert means["mae"] + 0.3 < means["rmse"] < means["pinball_0.9"] - 0.3


@heavy
@needs_nn
def test_many_rows_are_learnt_from_in_two_seconds(loaded: Family) -> None:
    train = mixed_rows("binary", 20_000)
    held = mixed_rows("binary", 5_000, seed=1)
    fit(loaded, how_of("binary", rounds=1), mixed_rows("binary"))
    before = time.monotonic()
    fitted = fit(loaded, how_of("binary", budget=Budget().within(2.0)), train, held)
    prediction = fitted.model.predict(held.X)
    assert time.monotonic() - before < 2.0 + 1.0  # the machine may be busy
    assert fitted.hit_deadline
    loss = how_of("binary").metric.loss_of_output(held.y, prediction, held.weight)
    assert loss < 0.6


@heavy
@needs_nn
def test_a_fit_leaves_torch_as_it_was(loaded: Family) -> None:
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fit(loaded, how_of("binary", rounds=2), mixed_rows("binary"))
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == 1
    assert not torch.are_deterministic_algorithms_enabled()


@heavy
@needs_nn
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize(
    ("kind", "metric"),
    [("binary", None), ("multiclass", None), ("regression", "rmse"), ("regression", "mae")],
)
def test_losses_of_torch_are_those_of_numpy(
    kind: Any, metric: str | None, smoothing: float
) -> None:
    import torch

    from automl.models._losses import select_loss
    from automl.models.deep.torch_losses import select_torch_loss

    rng = np.random.default_rng(0)
    context: FitContext = how_of(kind, metric)
    n_classes = len(LABELS[kind])
    y = rng.integers(0, n_classes, 30).astype(float) if n_classes else rng.normal(size=30)
    y[:4] = range(min(4, n_classes or 4)) if n_classes >= 4 else y[:4]
    target = TargetCoding.fit(Sample(np.zeros((30, 1), np.float32), (), y), context)
    scores = rng.normal(size=(30, target.columns))
    weight = rng.uniform(0.5, 2.0, 30)
    total, gradient = select_loss(target, context, smoothing)(scores, y, weight)
    tensor = torch.tensor(scores[None], requires_grad=True)
    losses = select_torch_loss(target, context, smoothing)(tensor, torch.tensor(y[None]))
    summed = (losses * torch.tensor(weight)).sum()
    summed.backward()
    assert summed.item() == pytest.approx(total)
    np.testing.assert_allclose(tensor.grad.numpy()[0], gradient, atol=1e-12)


@heavy
@needs_nn
@pytest.mark.parametrize("name", [family.name for family in NN_FAMILIES])
def test_arrays_that_do_not_fit_together_are_refused(name: str) -> None:
    family = find_family(name)
    load_libraries(family)
    state = fit(family, how_of("multiclass", rounds=1), mixed_rows("multiclass")).model.to_state()
    arrays = [key for key, value in state.items() if isinstance(value, np.ndarray)]
    assert len(arrays) > 10
    for key in arrays:
        array = state[key]
        halves = np.zeros(0, array.dtype) if array.ndim == 1 else array[: len(array) // 2]
        wider = np.concatenate([array, array], axis=array.ndim - 1)
        not_finite = np.full_like(array, np.nan if array.dtype.kind == "f" else -5)
        for damaged in (halves, wider, not_finite, array.astype(np.float16), None):
            if isinstance(damaged, np.ndarray) and damaged.tobytes() == array.tobytes():
                continue  # there was nothing to damage
            with pytest.raises(UnsafeModel):
                family.restore(state | {key: damaged})


def test_activations_and_one_hot_vectors_have_known_values() -> None:
    values = np.array([-1.0, 0.0, 2.0])
    assert selu(values) == pytest.approx([-1.1113307, 0.0, 2.1014020])
    assert mish(values) == pytest.approx([-0.3034015, 0.0, 1.9439590])
    assert one_hot(np.array([2.0]), 3).tolist() == [[0.0, 0.0, 1.0]]


def test_families_of_the_extra_import_no_torch() -> None:
    for family in NN_FAMILIES:
        module = importlib.import_module(type(family).__module__)
        assert "torch" not in vars(module)
