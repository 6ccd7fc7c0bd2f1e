"""The contract of model families, checked for each family and each kind of task."""

from __future__ import annotations

import dataclasses
import importlib
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from automl.budget import Budget
from automl.errors import AutoMLError, InputError, UnsafeModel
from automl.metrics import metric_for
from automl.models import (
    FAMILIES,
    NN_FAMILIES,
    PRETRAINED_FAMILIES,
    Family,
    Feature,
    FitContext,
    Fitted,
    Model,
    Sample,
    check_families,
    find_family,
    missing_library,
)
from automl.space import draw, existing, has_conditions, nearest
from automl.state import State, pack_to_bytes, unpack_bytes
from automl.task import Kind, Task
from tests.models.descending import Descending
from tests.models.tiny_checkpoints import VARIABLES, checkpoints, needs

KINDS: tuple[Kind, ...] = ("binary", "multiclass", "regression")
LABELS = {"binary": ("no", "yes"), "multiclass": ("a", "b", "c", "d"), "regression": ()}
ROWS = 260


def rows_of(kind: Kind, native: bool, rows: int = ROWS, seed: int = 0) -> Sample:
    """Return an easy table; class 2 of 4 is rare.

    It has two informative columns, noise, a category and missing values.
    """
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 5)).astype(np.float32)
    X[:, 4] = rng.integers(0, 12, rows)
    signal = 2 * X[:, 0] - X[:, 1] + (X[:, 4] % 3)
    if kind == "regression":
        y = 1e4 + 500 * signal + rng.normal(size=rows)
    else:
        y = np.digitize(signal, [1.0] if kind == "binary" else [-1.5, 0.5, 1.0]).astype(float)
        y = np.where(rng.random(rows) < 0.05, rng.permutation(y), y)
    X[rng.random(X.shape) < 0.05] = np.nan
    features = tuple(
        Feature(f"x{index}", f"x{index}", 12 if native and index == 4 else 0) for index in range(5)
    )
    if not native:
        X = np.nan_to_num(X)
    return Sample(X, features, np.asarray(y, np.float64), rng.uniform(0.5, 2.0, rows))


def how_of(kind: Kind, metric: str | None = None, **changes: object) -> FitContext:
    task = Task(kind, "y", metric or metric_for(None, kind).name, LABELS[kind])
    context = FitContext(task, metric_for(metric, kind), seed=7)
    return dataclasses.replace(context, **changes)  # type: ignore[arg-type]


def takes_missing(candidate: Family) -> bool:
    return candidate.recipes[0] in ("mixed", "native", "target", "codes")


def table_of(candidate: Family, kind: Kind, rows: int = ROWS, seed: int = 0) -> Sample:
    sample = rows_of(kind, True, rows, seed)
    if "native" in candidate.recipes:
        return sample
    plain = dataclasses.replace(
        sample,
        features=tuple(dataclasses.replace(feature, levels=0) for feature in sample.features),
    )
    return (
        plain if takes_missing(candidate) else dataclasses.replace(plain, X=np.nan_to_num(plain.X))
    )


def quick_params(candidate: Family) -> dict[str, object]:
    """Return parameters that make a fit short."""
    known = candidate.defaults(how_of("binary").task)
    if "width" in known:
        return {"width": 32}
    if "learning_rate" in known:
        return {"learning_rate": 0.3}
    return {"n_estimators": 40} if "max_features" in known else {}


def fit(
    candidate: Family,
    context: FitContext,
    train: Sample,
    held: Sample | None = None,
    **params: object,
) -> Fitted:
    return candidate.fit(candidate.prepare(train, held, params, context), params, context)


def through_zip(state: State) -> State:
    """Write a state to a zip file and read it again."""
    return unpack_bytes(pack_to_bytes(state))


def family_of_contributing() -> Family:
    """Return the family that CONTRIBUTING.md shows, which stands for all `SimpleFamily`s."""
    text = (Path(__file__).resolve().parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    _, extensions = text.split("## Without a change here")
    exec(re.findall(r"```python\n(.*?)```", extensions, flags=re.DOTALL)[0], names)
    made: Family = names["RandomWaves"]()
    return made


WAVES = check_families([family_of_contributing()]).families["random_waves"]


DESCENDING = check_families([Descending()]).families["descending"]


def of_extra(candidate: Family) -> Any:
    """Return the parameter of a family that needs the extra nn."""
    library = missing_library(candidate.name)
    skips = pytest.mark.skipif(bool(library), reason=f"needs {library}: make programs")
    return pytest.param(candidate, marks=[pytest.mark.heavy, skips])


OF_NN = [of_extra(candidate) for candidate in NN_FAMILIES]
OF_PRETRAINED = [
    pytest.param(candidate, marks=needs(candidate.name)) for candidate in PRETRAINED_FAMILIES
]


def is_untrained(candidate: Family) -> bool:
    """Return whether a family's weights are random here, so that it learns nothing."""
    return candidate.name in VARIABLES


@pytest.fixture(autouse=True)
def tiny_weights(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a pretrained family its weights."""
    callspec = getattr(request.node, "callspec", None)
    candidate = None if callspec is None else callspec.params.get("candidate")
    if candidate is not None and is_untrained(candidate):
        monkeypatch.setenv(VARIABLES[candidate.name], str(checkpoints(candidate.name)))


def load_libraries(candidate: Family) -> None:
    """Load what a family trains with, so that no test's clock counts it."""
    if candidate in NN_FAMILIES:
        importlib.import_module(f"automl.models.deep.{candidate.name}_wiring")


@pytest.fixture(
    params=(*FAMILIES, WAVES, DESCENDING, *OF_NN, *OF_PRETRAINED),
    ids=lambda candidate: candidate.name,
)
def candidate(request: pytest.FixtureRequest) -> Family:
    chosen: Family = request.param
    load_libraries(chosen)
    return chosen


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


@pytest.fixture
def case(candidate: Family, kind: Kind) -> tuple[Family, Kind, Sample, Sample]:
    return candidate, kind, table_of(candidate, kind), table_of(candidate, kind, 90, seed=1)


Case = tuple[Family, Kind, Sample, Sample]


def check_prediction(prediction: NDArray[np.float64], kind: Kind, rows: int) -> None:
    assert prediction.dtype == np.float64
    assert np.isfinite(prediction).all()
    if kind == "regression":
        assert prediction.shape == (rows,)
        return
    assert prediction.shape == (rows, len(LABELS[kind]))
    assert (prediction >= 0).all()
    np.testing.assert_allclose(prediction.sum(axis=1), 1.0, rtol=0, atol=1e-12)


def check_same_in_any_company(
    model: Model, X: NDArray[np.float32], whole: NDArray[np.float64]
) -> None:
    """Check that predictions are equal bit for bit, in any company of other rows."""
    rng = np.random.default_rng(3)
    order = rng.permutation(len(X))
    np.testing.assert_array_equal(model.predict(X[order]), whole[order])
    subset = np.flatnonzero(rng.random(len(X)) < 0.3)
    np.testing.assert_array_equal(model.predict(X[subset]), whole[subset])
    np.testing.assert_array_equal(model.predict(np.asfortranarray(X)), whole)
    for index in range(12):
        (alone,) = model.predict(X[index : index + 1])
        np.testing.assert_array_equal(alone, whole[index])
    assert model.predict(X[:0]).shape == (0, *whole.shape[1:])


def test_a_fit_predicts_better_than_the_constant_and_the_same_after_storage(case: Case) -> None:
    candidate, kind, train, held = case
    context = how_of(kind)
    fitted = fit(candidate, context, train, held, **quick_params(candidate))
    whole = fitted.model.predict(held.X)
    check_prediction(whole, kind, len(held.y))
    restored = candidate.restore(through_zip(fitted.model.to_state()))
    np.testing.assert_array_equal(restored.predict(held.X), whole)
    check_same_in_any_company(restored, held.X, whole)
    many = np.concatenate([held.X] * 4)
    np.testing.assert_array_equal(restored.predict(many), np.concatenate([whole] * 4))
    assert not fitted.hit_deadline
    assert len(fitted.curve) <= 200
    baseline = fit(find_family("constant"), context, train).model.predict(held.X)
    loss = context.metric.loss_of_output(held.y, whole, held.weight)
    baseline_loss = context.metric.loss_of_output(held.y, baseline, held.weight)
    if candidate.name == "constant":
        assert loss == baseline_loss
    elif not is_untrained(candidate):
        assert loss < 0.9 * baseline_loss


def test_equal_seeds_give_equal_models(case: Case) -> None:
    candidate, kind, train, held = case
    context = how_of(kind, rounds=8)
    first, second = (fit(candidate, context, train, held).model for _ in range(2))
    np.testing.assert_array_equal(first.predict(held.X), second.predict(held.X))
    assert pack_to_bytes(first.to_state()) == pack_to_bytes(second.to_state())


def test_a_fit_goes_on_from_its_progress_as_if_it_had_never_stopped(case: Case) -> None:
    candidate, kind, train, held = case
    short = fit(candidate, how_of(kind, rounds=4), train, held)
    progress = None if short.progress is None else through_zip(short.progress)
    assert (progress is not None) == (candidate.name == "descending")
    from_zero = fit(candidate, how_of(kind, rounds=9), train, held)
    longer = fit(candidate, how_of(kind, rounds=9, progress=progress), train, held)
    assert longer.rounds == from_zero.rounds
    assert pack_to_bytes(longer.model.to_state()) == pack_to_bytes(from_zero.model.to_state())
    if longer.progress is not None:
        assert pack_to_bytes(longer.progress) == pack_to_bytes(from_zero.progress or {})


def test_early_stopping_goes_on_as_if_it_had_never_stopped(case: Case) -> None:
    candidate, kind, train, held = case
    whole = fit(candidate, how_of(kind), train, held)
    progress = None
    for rounds in (2, 5):
        context = how_of(kind, rounds=rounds, resumable=True, progress=progress)
        short = fit(candidate, context, train, held)
        progress = None if short.progress is None else through_zip(short.progress)
    assert (progress is not None) == (candidate.name in ("descending", "mlp"))
    longer = fit(candidate, how_of(kind, progress=progress), train, held)
    assert longer.rounds == whole.rounds
    assert pack_to_bytes(longer.model.to_state()) == pack_to_bytes(whole.model.to_state())


def test_a_hyperparameter_is_drawn_only_where_its_condition_holds(case: Case) -> None:
    candidate, kind, _, _ = case
    task = how_of(kind).task
    space = candidate.space(task)
    known = candidate.library_defaults(task) | candidate.defaults(task)
    rng = np.random.default_rng(5)
    drawn = [draw(space, rng) for _ in range(30)]
    for point in drawn:
        assert existing(space, {**known, **point}).keys() >= point.keys()
        assert nearest(space, {**known, **point}) == point
    is_always_complete = all(point.keys() == space.keys() for point in drawn)
    assert is_always_complete == (not has_conditions(space))


def test_another_seed_gives_another_model_where_one_uses_it(case: Case) -> None:
    candidate, kind, train, held = case
    context = how_of(kind, rounds=8)
    predictions = []
    for seed in (1, 2):
        model = fit(candidate, dataclasses.replace(context, seed=seed), train).model
        predictions.append(model.predict(held.X))
    is_forest = candidate.name in ("extra_trees", "random_forest")
    is_different = not np.array_equal(*predictions)
    assert is_different == (candidate.seeded or is_forest)


def test_one_preparation_serves_many_fits(case: Case) -> None:
    candidate, kind, train, held = case
    context, rng = how_of(kind, rounds=5), np.random.default_rng(5)
    drawn = [{}, *(draw(candidate.space(context.task), rng) for _ in range(3))]
    shared = candidate.prepare(train, held, drawn[0], context)
    for seed, params in enumerate(drawn):
        assert candidate.preparation_key(params) == candidate.preparation_key(drawn[0])
        now = dataclasses.replace(context, seed=seed)
        alone = fit(candidate, now, train, held, **params).model.predict(held.X)
        np.testing.assert_array_equal(
            candidate.fit(shared, params, now).model.predict(held.X), alone
        )


def test_a_row_without_weight_is_an_absent_row(case: Case) -> None:
    candidate, kind, train, held = case
    assert train.weight is not None
    keep = np.arange(len(train.y)) % 3 > 0
    light = dataclasses.replace(train, weight=np.where(keep, train.weight, 0.0))
    fewer = Sample(train.X[keep], train.features, train.y[keep], train.weight[keep])
    context = how_of(kind, rounds=8)
    np.testing.assert_allclose(
        fit(candidate, context, light).model.predict(held.X),
        fit(candidate, context, fewer).model.predict(held.X),
        rtol=1e-9,
    )


def test_weights_count(case: Case) -> None:
    candidate, kind, train, held = case
    heavy = dataclasses.replace(train, weight=np.where(train.y > train.y.mean(), 20.0, 1.0))
    even = dataclasses.replace(train, weight=None)
    # RealMLP's learning rate is high in the first epochs: the end of its second swing.
    context = how_of(kind, rounds=51 if candidate.name == "realmlp" else 8)

    def mean_prediction(sample: Sample) -> float:
        prediction = fit(candidate, context, sample).model.predict(held.X)
        if prediction.ndim == 2:
            prediction = prediction @ np.arange(prediction.shape[1])
        return float(prediction.mean())

    if is_untrained(candidate):
        assert mean_prediction(heavy) != mean_prediction(even)
    else:
        assert mean_prediction(heavy) > mean_prediction(even)


def test_the_unit_of_the_target_does_not_matter(candidate: Family) -> None:
    train, held = table_of(candidate, "regression"), table_of(candidate, "regression", 60, seed=1)
    context = how_of("regression", rounds=10)
    plain = fit(candidate, context, train).model.predict(held.X)
    scaled = fit(
        candidate, context, dataclasses.replace(train, y=train.y * 2.0**-20)
    ).model.predict(held.X)
    np.testing.assert_allclose(scaled * 2.0**20, plain, rtol=1e-4)


@pytest.mark.parametrize("absent", [0, 2, 3])
def test_a_class_absent_from_the_fold_keeps_its_column(candidate: Family, absent: int) -> None:
    train, held = table_of(candidate, "multiclass"), table_of(candidate, "multiclass", 60, seed=1)
    keep = train.y != absent
    assert train.weight is not None
    fold = Sample(train.X[keep], train.features, train.y[keep], train.weight[keep])
    fitted = fit(candidate, how_of("multiclass"), fold, held, **quick_params(candidate))
    proba = fitted.model.predict(held.X)
    check_prediction(proba, "multiclass", len(held.y))
    assert (proba[:, absent] == 0).all()
    if candidate.name != "constant" and not is_untrained(candidate):
        known = held.y != absent
        assert (proba[known].argmax(axis=1) == held.y[known]).mean() > 0.5


@pytest.mark.parametrize("kind", ["multiclass"])
def test_no_class_of_the_training_rows_is_impossible(candidate: Family, kind: Kind) -> None:
    train = table_of(candidate, kind)
    model = fit(candidate, how_of(kind), train, **quick_params(candidate)).model
    assert model.predict(train.X).min() > 0


@pytest.mark.parametrize("kept", [(1,), (1, 3)])
def test_few_classes_in_the_fold_are_accepted(candidate: Family, kept: tuple[int, ...]) -> None:
    train, held = table_of(candidate, "multiclass"), table_of(candidate, "multiclass", 60, seed=1)
    keep = np.isin(train.y, kept)
    fold = Sample(train.X[keep], train.features, train.y[keep])
    fitted = fit(candidate, how_of("multiclass"), fold, held, **quick_params(candidate))
    proba = fitted.model.predict(held.X)
    check_prediction(proba, "multiclass", len(held.y))
    assert (np.delete(proba, kept, axis=1) == 0).all()
    np.testing.assert_array_equal(
        candidate.restore(through_zip(fitted.model.to_state())).predict(held.X), proba
    )


def test_a_table_without_information_gives_the_constant(case: Case) -> None:
    candidate, kind, train, held = case
    empty = dataclasses.replace(train, X=np.zeros_like(train.X))
    whole = fit(candidate, how_of(kind), empty, held).model.predict(held.X)
    np.testing.assert_allclose(
        whole, fit(find_family("constant"), how_of(kind), train).model.predict(held.X)
    )


def test_a_constant_target_is_learnt(candidate: Family) -> None:
    train = table_of(candidate, "regression", 60)
    flat = dataclasses.replace(train, y=np.full(60, 3.5))
    np.testing.assert_allclose(
        fit(candidate, how_of("regression"), flat, flat).model.predict(train.X), 3.5
    )


def test_a_few_rows_are_enough(case: Case) -> None:
    candidate, kind, train, held = case
    rows = np.arange(8)
    if kind == "multiclass":
        rows = np.concatenate([np.flatnonzero(train.y == label)[:2] for label in range(4)])
    few = Sample(train.X[rows], train.features, train.y[rows])
    model = fit(candidate, how_of(kind, rounds=20), few, few).model
    check_prediction(model.predict(held.X), kind, len(held.y))


def test_rows_far_from_the_training_rows_get_finite_predictions(case: Case) -> None:
    candidate, kind, train, held = case
    strange = held.X[:6].copy()
    strange[:4] = np.array([[np.nan], [np.inf], [-np.inf], [1e30]])
    strange[:, 4] = [np.nan, 5_000, 11, 12, -1, 3]  # categories that no training row has
    model = fit(candidate, how_of(kind, rounds=5), train).model
    check_prediction(model.predict(strange), kind, 6)


def test_fixed_rounds_are_kept(case: Case) -> None:
    candidate, kind, train, held = case
    for other in (held, None):
        fitted = fit(candidate, how_of(kind, rounds=13), train, other)
        assert fitted.rounds in (13, None)
        assert not fitted.hit_deadline


def test_a_refit_with_the_rounds_of_early_stopping_gives_the_same_model(case: Case) -> None:
    candidate, kind, train, held = case
    variants: list[dict[str, object]] = [{}]
    if candidate.name == "lightgbm":
        variants.append({"extra_trees": True, "min_data_in_leaf": 3, "num_leaves": 128})
    for params in variants:
        first = fit(candidate, how_of(kind), train, held, **quick_params(candidate), **params)
        again = fit(
            candidate,
            how_of(kind, rounds=first.rounds),
            train,
            held,
            **quick_params(candidate),
            **params,
        )
        np.testing.assert_array_equal(again.model.predict(held.X), first.model.predict(held.X))


@pytest.mark.parametrize("kind", KINDS)
def test_lightgbm_counts_only_rounds_that_add_a_tree(kind: Kind) -> None:
    candidate = find_family("lightgbm")
    train, held = table_of(candidate, kind, 60), table_of(candidate, kind, 60, seed=1)
    params = {"learning_rate": 0.1, "extra_trees": True, "min_data_in_leaf": 12, "num_leaves": 16}
    first = fit(candidate, how_of(kind), train, held, **params)
    again = fit(candidate, how_of(kind, rounds=first.rounds), train, held, **params)
    np.testing.assert_array_equal(again.model.predict(held.X), first.model.predict(held.X))


def test_a_fit_after_its_deadline_gives_a_model(case: Case) -> None:
    candidate, kind, train, held = case
    context = how_of(kind, budget=Budget(deadline=1.0, clock=lambda: 2.0))
    fitted = fit(candidate, context, train, held)
    check_prediction(fitted.model.predict(held.X), kind, len(held.y))
    assert fitted.rounds in (0, 1, None)
    assert fitted.hit_deadline == candidate.stops
    check_it_can_be_made_again(candidate, kind, fitted, train, held)


def check_it_can_be_made_again(
    candidate: Family, kind: Kind, fitted: Fitted, train: Sample, held: Sample, **params: float
) -> None:
    """Repeat a fit without a clock, by the rounds that it kept."""
    again = fit(candidate, how_of(kind, rounds=fitted.rounds), train, held, **params)
    expected = fitted.model.predict(held.X)
    np.testing.assert_array_equal(again.model.predict(held.X), expected)


@pytest.mark.parametrize("kind", ["multiclass"])
def test_a_fit_ends_at_its_deadline(candidate: Family, kind: Kind) -> None:
    train, held = table_of(candidate, kind, 1_500), table_of(candidate, kind, 500, seed=1)
    params = (
        {"learning_rate": 0.005} if "learning_rate" in candidate.space(how_of(kind).task) else {}
    )
    before = time.monotonic()
    fitted = fit(candidate, how_of(kind, budget=Budget().within(0.6)), train, held, **params)
    assert time.monotonic() - before < 0.6 + 0.4  # the machine may be busy
    check_prediction(fitted.model.predict(held.X), kind, len(held.y))
    check_it_can_be_made_again(candidate, kind, fitted, train, held, **params)


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss", "average_precision", "f1"])
def test_any_metric_of_classes_can_be_fitted_for(candidate: Family, metric: str) -> None:
    train, held = table_of(candidate, "binary"), table_of(candidate, "binary", 90, seed=1)
    fitted = fit(candidate, how_of("binary", metric), train, held, **quick_params(candidate))
    check_prediction(fitted.model.predict(held.X), "binary", len(held.y))


@pytest.mark.parametrize("metric", ["mae", "r2", "mape"])
def test_any_metric_of_numbers_can_be_fitted_for(candidate: Family, metric: str) -> None:
    train, held = table_of(candidate, "regression"), table_of(candidate, "regression", 90, seed=1)
    fitted = fit(candidate, how_of("regression", metric), train, held, **quick_params(candidate))
    check_prediction(fitted.model.predict(held.X), "regression", len(held.y))


def test_defaults_lie_in_the_space_and_cost_grows(candidate: Family, kind: Kind) -> None:
    task = how_of(kind).task
    space = candidate.space(task)
    for name, value in candidate.defaults(task).items():
        assert name not in space or space[name].contains(value), name
    assert candidate.space(task, codes=False).items() <= space.items()
    assert (
        0
        < candidate.cost(100, 5, 1)
        <= candidate.cost(10_000, 5, 1)
        <= candidate.cost(10_000, 50, 3)
        < 3_600
    )


@pytest.mark.parametrize(
    ("name", "gone"),
    [("lightgbm", {"cat_l2", "min_data_per_group"}), ("catboost", {"one_hot_max_size"})],
)
def test_hyperparameters_of_categories_are_not_searched_without_them(
    name: str, gone: set[str]
) -> None:
    candidate = find_family(name)
    task = how_of("binary").task
    assert gone <= candidate.space(task).keys() - candidate.space(task, codes=False).keys()


@pytest.mark.parametrize(
    "candidate",
    [
        *(candidate for candidate in FAMILIES if candidate.name != "constant"),
        *OF_NN,
        *OF_PRETRAINED,
    ],
    ids=lambda candidate: candidate.name,
)
def test_rows_of_another_width_are_refused(candidate: Family) -> None:
    train = table_of(candidate, "binary")
    with pytest.raises(InputError, match="5 columns"):
        fit(candidate, how_of("binary", rounds=2), train).model.predict(train.X[:, :4])


def test_a_damaged_state_is_refused(candidate: Family) -> None:
    state = fit(
        candidate, how_of("binary", rounds=2), table_of(candidate, "binary")
    ).model.to_state()
    for name, value in state.items():
        if isinstance(value, bool):
            continue
        damaged = value[: len(value) // 2] if isinstance(value, bytes) else None
        with pytest.raises(UnsafeModel):
            candidate.restore(state | {name: damaged})
    with pytest.raises(UnsafeModel):
        candidate.restore({})


def test_nothing_is_written(
    candidate: Family,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    train = table_of(candidate, "binary", 60)
    fit(
        candidate,
        how_of("binary"),
        train,
        table_of(candidate, "binary", 60, seed=1),
        **quick_params(candidate),
    )
    assert capfd.readouterr() == ("", "")
    assert not list(tmp_path.iterdir())


def test_an_unknown_family_is_refused_with_a_suggestion() -> None:
    with pytest.raises(AutoMLError, match="Did you mean 'lightgbm'"):
        find_family("lightgmb")


def test_importing_the_families_imports_no_heavy_library() -> None:
    heavy = ["lightgbm", "xgboost", "catboost", "sklearn", "scipy", "pandas"]
    code = f"import sys, automl.models; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
