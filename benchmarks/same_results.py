"""Check that two checkouts compute the same: twelve small runs in each, compared bit for bit.

    python benchmarks/same_results.py OLD NEW [--keep FOLDER] [--only NAME]...

OLD and NEW are the roots of two checkouts. Each run is made with `trials=12, random_state=7` by
this interpreter with the checkout in front of its path. Candidate ids, families, recipes, ranks,
scores, intervals, weights, the loss of each fit, held-out predictions and the predictor's answers
must be equal. Seconds, sizes and the bytes of files are not compared.

`--keep FOLDER` keeps the results of OLD there, and takes them from there the next time.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

TRIALS = 12
SEED = 7
UNCOMPARED_COLUMNS = ["seconds", "size_mb"]

DATASETS = Path(__file__).parents[1] / "datasets"


# ------------------------------------------------------------------ the runs
def read(name: str, rows: int) -> pd.DataFrame:
    """The first rows of a bundled table."""
    separator, encoding = (";", "cp1252") if name == "messy" else (",", "utf-8")
    file = DATASETS / name / "data.csv"
    return pd.read_csv(file, sep=separator, encoding=encoding, nrows=rows)


def within_a_tenth(y_true: Any, y_pred: Any) -> float:
    """A Python metric: the share of classes that were hit."""
    return float(np.mean(np.asarray(y_true) == np.asarray(y_pred)))


def ridge_family() -> Any:
    """A family of a user's: ridge regression on filled-in columns."""
    from automl.extend import Float, SimpleFamily

    class Ridge(SimpleFamily):  # type: ignore[misc]
        name = "my_ridge"
        about = "ridge regression"

        def space(self, task: Any, codes: bool = True) -> Mapping[str, Any]:
            return {"alpha": Float(1e-3, 1e3, log=True)}

        def train(self, X: Any, y: Any, weight: Any, params: Any, how: Any) -> Any:
            X = np.column_stack([X, np.ones(len(X))])
            gram = (X.T * weight) @ X + params["alpha"] * np.eye(X.shape[1])
            return {"coefficients": np.linalg.solve(gram, (X.T * weight) @ y)}

        def answer(self, state: Any, X: Any) -> Any:
            return np.column_stack([X, np.ones(len(X))]) @ state["coefficients"]

    return Ridge()


def fitted(data: pd.DataFrame, target: str, output: Path, **settings: Any) -> Any:
    """An estimator of the right kind, fitted on a table; `fit_with` are the parameters of `fit`."""
    from automl import AutoMLClassifier, AutoMLRegressor

    fit_with = settings.pop("fit_with", {})
    regression = settings.pop("regression", False)
    estimator = AutoMLRegressor if regression else AutoMLClassifier
    model = estimator(trials=TRIALS, random_state=SEED, output=output, n_jobs=2, **settings)
    return model.fit(data.drop(columns=[target]), data[target], **fit_with)


def binary(output: Path) -> Any:
    return fitted(read("breast_cancer", 569), "diagnosis", output)


def multiclass(output: Path) -> Any:
    return fitted(read("penguins", 344), "species", output)


def repeated_folds(output: Path) -> Any:
    return fitted(read("wine", 178), "cultivar", output, pipeline="best")


def groups(output: Path) -> Any:
    data = read("doctor_visits", 700)
    return fitted(data, "visits", output, regression=True, fit_with={"groups": "person"})


def times(output: Path) -> Any:
    data = read("flights", 700)
    return fitted(data, "arr_delay", output, regression=True, fit_with={"time": "scheduled"})


def text_and_dates(output: Path) -> Any:
    data = read("messy", 400).dropna(subset=["Cancelled"])
    return fitted(data, "Cancelled", output)


def weights(output: Path) -> Any:
    data = read("breast_cancer", 400)
    weight = np.random.default_rng(SEED).uniform(0.5, 2.0, len(data))
    return fitted(data, "diagnosis", output, fit_with={"sample_weight": weight})


def python_metric(output: Path) -> Any:
    return fitted(read("penguins", 344), "species", output, metric=within_a_tenth)


def family_of_a_user(output: Path) -> Any:
    families = ["linear", "lightgbm", "catboost", ridge_family()]
    data = read("doctor_visits", 600)
    return fitted(data, "visits", output, regression=True, families=families)


def absolute_error(output: Path) -> Any:
    return fitted(read("flights", 600), "arr_delay", output, regression=True, metric="mae")


def validation_rows(output: Path) -> Any:
    data = read("messy", 450).dropna(subset=["Plan"])
    held = data.iloc[-100:]
    given = {"X_val": held.drop(columns=["Plan"]), "y_val": held["Plan"]}
    data = data.iloc[:-100]
    return fitted(data, "Plan", output, metric="balanced_accuracy", fit_with=given)


def inline_engine(output: Path) -> Any:
    data = read("wine", 178)
    return fitted(data, "cultivar", output, engine="inline", metric="roc_auc", pipeline="small")


RUNS: dict[str, Callable[[Path], Any]] = {
    run.__name__: run
    for run in (
        binary,
        multiclass,
        repeated_folds,
        groups,
        times,
        text_and_dates,
        weights,
        python_metric,
        family_of_a_user,
        absolute_error,
        validation_rows,
        inline_engine,
    )
}


# --------------------------------------------------------- what is compared
def results(name: str, output: Path) -> dict[str, Any]:
    """Make a run and return all of it that must be equal, as JSON values."""
    model = RUNS[name](output)
    table = pd.read_csv(output / "leaderboard.csv", dtype=str, keep_default_na=False)
    table = table.drop(columns=[c for c in UNCOMPARED_COLUMNS if c in table])
    X = read(source_of(name), 1000)
    answers = {"predict": digest(np.asarray(model.predict(X)).astype(str))}
    if hasattr(model, "predict_proba"):
        answers["predict_proba"] = digest(model.predict_proba(X))
    return {
        "leaderboard": table.to_dict("records"),
        "fits": losses_of_fits(output),
        "held_out": {
            str(file.relative_to(output)): digest(np.load(file, allow_pickle=False))
            for file in sorted(output.glob("trials/*/*.npy"))
        },
        "answers": answers,
    }


def source_of(name: str) -> str:
    """The bundled table that a run's predictions are made for."""
    sources = {
        "binary": "breast_cancer",
        "weights": "breast_cancer",
        "multiclass": "penguins",
        "python_metric": "penguins",
        "groups": "doctor_visits",
        "family_of_a_user": "doctor_visits",
        "times": "flights",
        "absolute_error": "flights",
        "text_and_dates": "messy",
        "validation_rows": "messy",
    }
    return sources.get(name, "wine")


def losses_of_fits(output: Path) -> dict[str, Any]:
    """Loss and rounds of each fit by its key, from the run's log."""
    lines = (output / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    fits = [event for event in events if event["kind"] == "fit"]
    outcomes = {event["key"]: event["outcome"] for event in fits}
    return {key: [outcome["loss"], outcome["rounds"]] for key, outcome in outcomes.items()}


def digest(array: np.ndarray[Any, Any]) -> str:
    """Hash of an array's shape, type and bytes."""
    array = np.ascontiguousarray(array)
    head = f"{array.dtype} {array.shape} ".encode()
    return hashlib.sha256(head + array.tobytes()).hexdigest()[:16]


def differences(old: Any, new: Any, where: str = "") -> list[str]:
    """Where two JSON values differ, one line each."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [*old, *(key for key in new if key not in old)]
        lacking = object()
        pairs = [(key, old.get(key, lacking), new.get(key, lacking)) for key in keys]
        return [line for key, a, b in pairs for line in differences(a, b, f"{where}/{key}")]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = [(str(i), a, b) for i, (a, b) in enumerate(zip(old, new, strict=True))]
        return [line for key, a, b in pairs for line in differences(a, b, f"{where}/{key}")]
    if old == new or (old != old and new != new):
        return []
    return [f"{where}: {_shown(old)} became {_shown(new)}"]


def _shown(value: Any) -> str:
    return "nothing" if type(value) is object else str(value)[:100]


# -------------------------------------------------------------------- the tool
def results_of_checkout(checkout: Path, name: str) -> dict[str, Any]:
    """Make a run with a checkout's code in a process of its own."""
    environment = dict(os.environ, PYTHONPATH=str(checkout.resolve()), OMP_WAIT_POLICY="passive")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--record", name, str(Path(folder) / "run")]
        done = subprocess.run(
            command, env=environment, cwd=folder, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise SystemExit(f"{checkout}: {name} failed\n{done.stderr[-3000:]}")
    made: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if Path(made.pop("package")).resolve() != (checkout / "automl").resolve():
        raise SystemExit(f"{checkout}: another checkout's automl was imported")
    return made


def kept(folder: Path | None, checkout: Path, name: str) -> dict[str, Any]:
    """The results of a checkout's run, from the folder where they were kept if they were."""
    file = None if folder is None else folder / f"{name}.json"
    if file is not None and file.exists():
        value: dict[str, Any] = json.loads(file.read_text())
        return value
    made = results_of_checkout(checkout, name)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(made, indent=1))
    return made


def main() -> None:
    if sys.argv[1:2] == ["--record"]:
        import automl

        made = results(sys.argv[2], Path(sys.argv[3]))
        print(json.dumps({**made, "package": str(Path(automl.__file__).parent)}))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--only", action="append", choices=list(RUNS))
    given = parser.parse_args()
    different = 0
    for name in given.only or RUNS:
        old = kept(given.keep, given.old, name)
        found = differences(old, results_of_checkout(given.new, name))
        fits = len(old["fits"])
        print(f"{name:18s} {'equal' if not found else 'DIFFERENT'} ({fits} fits)", flush=True)
        print("".join(f"    {line}\n" for line in found[:8]), end="")
        different += bool(found)
    sys.exit(f"{different} runs differ" if different else 0)


if __name__ == "__main__":
    main()
