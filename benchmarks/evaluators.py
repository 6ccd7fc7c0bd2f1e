"""How long do evaluators of trees take: the libraries' own, ours, and those of other packages?

    OMP_NUM_THREADS=1 python benchmarks/evaluators.py --results FILE.jsonl

Treelite (its general interpreter), onnxruntime and the converters onnxmltools and skl2onnx have to
be installed besides. One thread each; medians of seconds, after a first call that does not count.
`prepare` is what a process pays before its first prediction; ours reads compiled code from disk.
`equal` is whether margins are the library's, bit for bit; `difference` is the largest one.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

MANY = 10_000
Margins = Callable[[np.ndarray], np.ndarray]


def rows_and_target() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(MANY, 20)).astype(np.float32)
    y = X[:, 0] * X[:, 1] + np.sin(3 * X[:, 2]) + rng.normal(0, 0.1, MANY)
    return X, y


def median(margins: Margins, X: np.ndarray, repeats: int) -> float:
    margins(X)
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        margins(X)
        seconds.append(time.perf_counter() - began)
    return float(np.median(seconds))


def timed(make: Callable[[], Any]) -> tuple[Any, float]:
    began = time.perf_counter()
    made = make()
    return made, time.perf_counter() - began


def ours(trees: Any) -> Iterator[tuple[str, Margins, float]]:
    from automl.models.trees import evaluation
    from automl.models.trees.grove import Grove

    grove, seconds = timed(lambda: Grove.of([trees], [0]))
    yield "ours, NumPy", lambda X: grove.margins([X])[0], seconds
    _, seconds = timed(evaluation.load_kernel)
    yield "ours, compiled", lambda X: evaluation.compiled_margins(trees, X), seconds


def treelite_margins(load: Callable[[Any], Any]) -> tuple[Margins, float]:
    import treelite

    model, seconds = timed(lambda: load(treelite))
    return lambda X: treelite.gtil.predict(model, X, nthread=1, pred_margin=True), seconds


def onnx_margins(convert: Callable[[], Any]) -> tuple[Margins, float]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    model = convert().SerializeToString()
    session, seconds = timed(lambda: onnxruntime.InferenceSession(model, options))
    name = session.get_inputs()[0].name
    return lambda X: session.run(None, {name: X})[0], seconds


def lightgbm_evaluators(X: np.ndarray, y: np.ndarray) -> Iterator[tuple[str, Margins, float]]:
    import lightgbm

    from automl.models.trees.from_lightgbm import read_lightgbm

    params = {"num_leaves": 31, "learning_rate": 0.05, "num_threads": 1, "verbosity": -1}
    booster = lightgbm.train(params, lightgbm.Dataset(X, y), 500)
    text = booster.model_to_string()
    native, seconds = timed(lambda: lightgbm.Booster(model_str=text))
    yield "native", lambda rows: native.predict(rows, num_threads=1), seconds
    yield from ours(read_lightgbm(text.encode()))
    yield "treelite", *treelite_margins(lambda lib: lib.frontend.from_lightgbm(booster))
    from onnxmltools import convert_lightgbm
    from onnxmltools.convert.common.data_types import FloatTensorType

    kind = [("X", FloatTensorType([None, X.shape[1]]))]
    yield "onnxruntime", *onnx_margins(lambda: convert_lightgbm(booster, initial_types=kind))


def xgboost_evaluators(X: np.ndarray, y: np.ndarray) -> Iterator[tuple[str, Margins, float]]:
    import xgboost

    from automl.models.trees.from_xgboost import read_xgboost

    params = {"max_depth": 6, "learning_rate": 0.05, "nthread": 1}
    booster = xgboost.train(params, xgboost.QuantileDMatrix(X, y), 500)
    raw = booster.save_raw("ubj")
    native, seconds = timed(lambda: xgboost.Booster({"nthread": 1}, model_file=raw))
    yield "native", lambda rows: native.inplace_predict(rows, predict_type="margin"), seconds
    yield from ours(read_xgboost(bytes(raw)))
    yield "treelite", *treelite_margins(lambda lib: lib.frontend.from_xgboost(booster))


def catboost_evaluators(X: np.ndarray, y: np.ndarray) -> Iterator[tuple[str, Margins, float]]:
    import tempfile

    import catboost

    from automl.models.trees.from_catboost import read_catboost
    from automl.models.trees.pruning import without_idle_splits

    booster = catboost.CatBoost(
        {"depth": 6, "iterations": 500, "thread_count": 1, "logging_level": "Silent"}
    )
    booster.fit(X, y)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.cbm")
        booster.save_model(str(path))
        blob = path.read_bytes()
        onnx_path = Path(folder, "model.onnx")
        booster.save_model(str(onnx_path), format="onnx")
        import onnx

        model = onnx.load(onnx_path)
    native, seconds = timed(lambda: catboost.CatBoost().load_model(blob=blob))
    yield "native", lambda rows: native.predict(rows, thread_count=1), seconds
    yield from ours(without_idle_splits(read_catboost(blob, (0,) * X.shape[1])))
    yield "onnxruntime", *onnx_margins(lambda: model)


def forest_evaluators(X: np.ndarray, y: np.ndarray) -> Iterator[tuple[str, Margins, float]]:
    from skl2onnx import to_onnx
    from sklearn.ensemble import ExtraTreesRegressor

    from automl.models.trees.from_sklearn import read_sklearn

    forest = ExtraTreesRegressor(100, min_samples_split=4, random_state=0).fit(X[:2000], y[:2000])
    count = len(forest.estimators_)
    yield "native", forest.predict, 0.0
    trees = read_sklearn([tree.tree_ for tree in forest.estimators_])
    for name, margins, seconds in ours(trees):
        yield name, lambda rows, margins=margins: margins(rows) / count, seconds
    yield "treelite", *treelite_margins(lambda lib: lib.sklearn.import_model(forest))
    yield "onnxruntime", *onnx_margins(lambda: to_onnx(forest, X[:1]))


EVALUATORS = {
    "LightGBM, 500 x 31 leaves": lightgbm_evaluators,
    "XGBoost, 500 of depth 6": xgboost_evaluators,
    "CatBoost, 500 of depth 6": catboost_evaluators,
    "extra trees, 100 of 2 000 rows": forest_evaluators,
}


def measure(results: Path) -> None:
    if os.environ.get("OMP_NUM_THREADS") != "1":
        raise SystemExit("set OMP_NUM_THREADS=1")
    X, y = rows_and_target()
    for model, evaluators in EVALUATORS.items():
        expected = None
        for name, margins, seconds in evaluators(X, y):
            found = np.asarray(margins(X), np.float64).reshape(MANY)
            if expected is None:
                expected = found
            row = {
                "model": model,
                "evaluator": name,
                "prepare": round(seconds, 4),
                "row_ms": round(1e3 * median(margins, X[:1], 200), 4),
                "many_ms": round(1e3 * median(margins, X, 7), 1),
                "equal": bool((found == expected).all()),
                "difference": float(np.max(np.abs(found - expected))),
            }
            print(row, flush=True)
            with results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True)
    measure(parser.parse_args().results)
