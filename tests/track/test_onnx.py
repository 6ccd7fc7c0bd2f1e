"""An exported graph answers as the predictor does, on odd rows of every kind of column."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from automl.cleaning import Cleaned, CleanOptions, clean
from automl.errors import InputError, MissingExtra
from automl.features.encoding import fit_shared, fit_targeted
from automl.features.recipe import RECIPES
from automl.metrics import METRICS
from automl.models import FAMILIES, NN_FAMILIES, find_family, missing_library
from automl.models._base import FitContext, Sample
from automl.predictor import Member, Part, Predictor, save
from automl.state import pack_to_bytes
from automl.table import Table, from_frame
from automl.task import Task
from automl.track.experiment import read_experiment
from automl.track.exports import export
from automl.track.graph.builder import Graph
from automl.track.graph.check import TOLERANCE, check_answers
from automl.track.graph.ensemble import PredictorGraph
from automl.track.graph.models import predicted
from tests.features.samples import WORDS
from tests.models.deep_networks import FEATURES, MAKERS, rows, small_model
from tests.report.runs import full_run

LIBRARIES = ("onnx", "onnxruntime")
WITH_OPERATORS = [kind for kind in FAMILIES if kind.name not in ("knn", "constant")]
CASES = [(kind.name, recipe) for kind in WITH_OPERATORS for recipe in kind.recipes]
CASES_OF_TORCH = [(kind.name, recipe) for kind in NN_FAMILIES for recipe in kind.recipes]

missing = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
heavy = pytest.mark.heavy
needs_onnx = pytest.mark.skipif(bool(missing), reason=f"needs {missing}: make programs")


def table(n_rows: int = 400) -> Table:
    """A column of each kind that has an operator, with missing cells."""
    rng = np.random.default_rng(0)
    price = np.exp(2 * rng.normal(size=n_rows))
    size = rng.normal(size=n_rows)
    price[rng.random(n_rows) < 0.1] = np.nan
    days = rng.integers(-20_000, 20_000, n_rows).astype("datetime64[D]")
    bought = days.astype("datetime64[s]") + rng.integers(0, 86_400, n_rows)
    bought[rng.random(n_rows) < 0.1] = np.datetime64("NaT")
    city = rng.choice([f"city {code}" for code in range(6)], n_rows).astype(object)
    city[rng.random(n_rows) < 0.1] = None
    shop = rng.choice([f"s{code}" for code in range(45)], n_rows)
    effect = size + 2 * (city == "city 1") - (shop < "s3") + 0.3 * np.nan_to_num(price)
    noise = 0.3 * rng.normal(size=n_rows)
    return from_frame(
        {
            "price": price,
            "size": size,
            "twice": 2 * size + noise,
            "open": rng.random(n_rows) < 0.4,
            "bought": bought,
            "city": city,
            "shop": shop,
            "number": rng.integers(-9, 30, n_rows),
            "sex": rng.choice(["f", "m"], n_rows),
            "value": effect + noise,
            "answer": np.where(effect > 0.5, "yes", "no"),
            "kind": np.array(["low", "mid", "high"])[np.digitize(effect, [0.0, 1.5])],
        }
    )


TASKS = {"value": "regression", "answer": "binary", "kind": "multiclass"}


def cleaned_table(target: str) -> tuple[Cleaned, Task]:
    data = table()
    others = [name for name in TASKS if name != target]
    columns = {name: data.columns[name] for name in data.names if name not in others}
    options = CleanOptions(dual_typed=False, ids=False)
    cleaned = clean(Table(columns, data.n_rows, ""), target, options)
    metric = "rmse" if target == "value" else "log_loss"
    return cleaned, Task(TASKS[target], target, metric, cleaned.labels, cleaned.dtype)


def fit(family: str, recipe: str, target: str, *, rounds: int = 12, codes: str = "") -> Predictor:
    """A predictor of one member of two models; `codes` is "added" or "in place"."""
    cleaned, task = cleaned_table(target)
    if codes:
        names = ("number",) if codes == "added" else ()
        keys = ("number",) if codes == "in place" else ()
        cleaner = cleaned.cleaner.with_categorical_integers(names, cleaned.columns, keys)
        columns = cleaner.add_categorical_integers(cleaned.columns)
        cleaned = replace(cleaned, cleaner=cleaner, columns=columns)
    kind = find_family(family)
    shared = fit_shared(RECIPES[recipe], cleaned.columns, 0)
    rows = np.arange(len(cleaned.y))
    targeted, crossed = fit_targeted(RECIPES[recipe], cleaned.columns, task, cleaned.y, rows, 0)
    X = np.concatenate([shared.transform(cleaned.columns), crossed], axis=1)
    sample = Sample(X, (*shared.features, *targeted.features), cleaned.y)
    parts = []
    for seed, share in enumerate((0.75, 0.25)):
        context = FitContext(task, METRICS[task.metric], seed, rounds=rounds)
        prepared = kind.prepare(sample, None, {}, context)
        fitted = kind.fit(prepared, {}, context)
        blob = pack_to_bytes(fitted.model.to_state())
        parts.append(Part(("shared", "targeted"), blob, share))
    member = Member(f"{family}-{recipe}", kind, 1.0, tuple(parts))
    encodings = {"shared": shared, "targeted": targeted}
    return Predictor(task, cleaned.cleaner, encodings, (member,))


def checked(predictor: Predictor) -> float:
    graph = PredictorGraph(predictor)
    n_rows, largest = check_answers(predictor, graph.to_model({}), graph.inputs, None)
    assert n_rows > 0
    return largest


@heavy
@needs_onnx
@pytest.mark.parametrize(("family", "recipe"), CASES)
@pytest.mark.parametrize("target", TASKS)
def test_each_family_answers_alike_from_each_recipe(family: str, recipe: str, target: str) -> None:
    assert checked(fit(family, recipe, target)) <= TOLERANCE


@heavy
@needs_onnx
@pytest.mark.parametrize(
    ("family", "recipe"),
    [(kind.name, kind.recipes[0]) for kind in NN_FAMILIES],  # the others are encoded alike
)
@pytest.mark.parametrize("target", TASKS)
def test_networks_of_torch_answer_alike_from_each_recipe(
    family: str, recipe: str, target: str
) -> None:
    library = missing_library(family)
    if library:
        pytest.skip(f"needs {library}: make programs")
    assert checked(fit(family, recipe, target)) <= TOLERANCE


@heavy
@needs_onnx
@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("name", MAKERS)
def test_networks_of_fixed_numbers_have_the_same_graph(name: str, kind: str) -> None:
    import onnxruntime

    model = small_model(name, kind)
    graph = Graph()
    columns = [graph.add_input(f"x{index}", "FLOAT") for index in range(FEATURES)]
    answer = predicted(model, graph.concat(columns))
    made = graph.model({answer: ["rows", max(1, model.target.n_classes)]}, {})
    session = onnxruntime.InferenceSession(
        made.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    X = rows()
    (given,) = session.run(None, {f"x{index}": X[:, [index]] for index in range(FEATURES)})
    expected = model.predict(X)
    np.testing.assert_allclose(given.reshape(expected.shape), expected, rtol=1e-6, atol=1e-9)


@heavy
@needs_onnx
@pytest.mark.parametrize("codes", ["added", "in place"])
def test_numbers_that_are_codes_are_inputs_as_numbers(codes: str) -> None:
    predictor = fit("linear", "onehot", "answer", codes=codes)
    assert checked(predictor) <= TOLERANCE
    inputs = PredictorGraph(predictor).inputs
    assert "number" in inputs
    assert "number (code)" not in inputs


@heavy
@needs_onnx
@pytest.mark.parametrize("target", TASKS)
def test_members_are_combined_calibrated_and_cut_as_in_the_predictor(target: str) -> None:
    first = fit("linear", "onehot", target)
    second = fit("lightgbm", "native", target)
    encodings: dict[str, Any] = {}
    members = []
    for weight, predictor in ((0.3, first), (0.7, second)):
        (member,) = predictor.members
        renamed = {name: f"{name} of {member.id}" for name in predictor.encodings}
        encodings |= {renamed[name]: each for name, each in predictor.encodings.items()}
        parts = []
        for part in member.parts:
            names = tuple(renamed[name] for name in part.encodings)
            parts.append(replace(part, encodings=names))
        members.append(replace(member, weight=weight, parts=tuple(parts)))
    together = replace(first, encodings=encodings, members=tuple(members))
    if target != "value":
        thresholds = np.array([0.7, 0.3]) if target == "answer" else np.array([0.2, 0.5, 0.3])
        together = replace(together, temperature=1.7, thresholds=thresholds)
    assert checked(together) <= TOLERANCE


@heavy
@needs_onnx
@pytest.mark.parametrize("target", TASKS)
def test_answers_that_differ_are_told_in_one_line(target: str) -> None:
    graph = PredictorGraph(fit("lightgbm", "native", target, rounds=12))
    other = fit("lightgbm", "native", target, rounds=3)
    with pytest.raises(
        InputError, match=r"\(row \d+ of those compared\); nothing was written"
    ) as error:
        check_answers(other, graph.to_model({}), graph.inputs, None)
    assert "\n" not in str(error.value)


@heavy
@needs_onnx
def test_neighbours_have_no_operator() -> None:
    with pytest.raises(InputError, match=r"member knn-quantile \(knn\): the model has no operator"):
        PredictorGraph(fit("knn", "quantile", "answer"))


@heavy
@needs_onnx
def test_texts_have_no_operator() -> None:
    rng = np.random.default_rng(0)
    rows = [" ".join(words) for words in rng.choice(WORDS, (80, 6))]
    y = ["no", "yes"] * 40
    cleaned = clean(from_frame({"note": rows, "y": y}), "y", CleanOptions(ids=False))
    encoding = fit_shared(RECIPES["onehot"], cleaned.columns, 0)
    fitted = fit("linear", "onehot", "answer")
    member = replace(fitted.members[0], parts=(Part(("e",), fitted.members[0].parts[0].blob),))
    made = replace(fitted, cleaner=cleaned.cleaner, encodings={"e": encoding}, members=(member,))
    with pytest.raises(InputError, match=r"'text_numbers' of the column 'note'.*--ignore 'note'"):
        PredictorGraph(made)


@heavy
@needs_onnx
def test_a_file_is_written_whole_and_runs_by_itself(tmp_path: Path) -> None:
    import onnxruntime

    predictor = fit("catboost", "native", "answer")
    folder = tmp_path / "run"
    full_run(folder).store.close()
    save(predictor, folder / "predictor.automl")
    path = tmp_path / "run.onnx"
    assert export(read_experiment(folder), "onnx", path)[0] == [path]
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    inputs: dict[str, Any] = {}
    for each in session.get_inputs():
        is_text = each.type == "tensor(string)"
        inputs[each.name] = np.array([["new"]], object) if is_text else np.array([[np.nan]])
    label, probabilities = session.run(["label", "probabilities"], inputs)
    assert label.tolist() in (["no"], ["yes"])
    assert probabilities.sum(axis=1) == pytest.approx(1)
    assert sorted(tmp_path.iterdir()) == [folder, path]


def test_the_extra_is_named_where_onnx_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_run(tmp_path / "run").store.close()
    for name in LIBRARIES:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match=r"--to onnx needs 'onnx': .*automl-tabular\[onnx\]"):
        export(read_experiment(tmp_path / "run"), "onnx", tmp_path / "run.onnx")
    assert not (tmp_path / "run.onnx").exists()
