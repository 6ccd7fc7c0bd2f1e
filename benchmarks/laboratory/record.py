"""Read what `prepare.py` kept: tables with the predictions of every configuration."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from automl.ensemble import Truth, fit_log_pool, select_greedily
from automl.metrics import METRICS, Metric
from automl.task import Task
from automl.uncertainty import Weigher


@dataclass(frozen=True)
class Model:
    """One configuration on one table."""

    known: np.ndarray
    test: np.ndarray
    losses: tuple[float, ...]
    fold_seconds: tuple[float, ...]

    @property
    def seconds(self) -> float:
        """Of all folds."""
        return sum(self.fold_seconds)


@dataclass(frozen=True)
class Table:
    """A table with the models trained on it; held-out predictions (`known`) are in row order."""

    name: str
    task: Task
    truth: Truth
    folds: np.ndarray
    test: Truth
    models: dict[str, Model]

    @property
    def metric(self) -> Metric:
        return METRICS[self.task.metric]

    @property
    def ranked(self) -> list[str]:
        """Names of the models, the one with the least held-out loss first."""
        return sorted(self.models, key=lambda name: float(np.mean(self.models[name].losses)))

    def weigher(self, steps: int) -> Weigher:
        """Return a run's way to weights: greedy selection for numbers, a pool for classes."""
        return (
            partial(select_greedily, metric=self.metric, steps=steps)
            if self.task.is_regression
            else fit_log_pool
        )


def log_ratios(pairs: Iterable[tuple[float, float]]) -> np.ndarray:
    """Return logarithms of losses over those that they are compared with.

    They are bounded, so that one loss near zero decides nothing.
    """
    return np.array([np.log(max(new, 1e-6) / max(old, 1e-6)) for new, old in pairs]).clip(
        -0.25, 0.25
    )


def told(logs: np.ndarray) -> str:
    """Their mean as a ratio, with its standard error."""
    return f"{np.exp(logs.mean()):.4f} +- {logs.std() / len(logs) ** 0.5:.4f}"


def steep(
    values: np.ndarray, y: np.ndarray, mean: float, deviation: float, task: Task
) -> np.ndarray:
    """Predictions as `build.flat` was given them."""
    values = values.astype(np.float64)
    if task.is_regression:
        return values * deviation + mean
    if values.ndim == 1:
        positive = 1 / (1 + np.exp(-values))
        return np.column_stack([1 - positive, positive])
    powers = np.exp(values)
    return powers / powers.sum(axis=1, keepdims=True)


def tables(out: Path, names: Iterable[str] = ()) -> list[Table]:
    """All tables that were built, or some."""
    wanted = set(names)
    return [
        _table(file.parent)
        for file in sorted(out.glob("*/truth.npz"))
        if not wanted or file.parent.name in wanted
    ]


def _table(home: Path) -> Table:
    facts = json.loads((home / "table.json").read_text())
    task = Task.from_json(facts["task"])
    truth = np.load(home / "truth.npz")
    y, y_test = truth["y"], truth["y_test"]
    everything = np.concatenate([y, y_test])
    models = {}
    for file in sorted(home.glob("*.npz")):
        if file.stem == "truth":
            continue
        told = json.loads((home / f"{file.stem}.json").read_text())
        arrays = np.load(file)
        known, test = (
            steep(arrays[part], y, everything.mean(), everything.std(), task)
            for part in ("known", "test")
        )
        models[file.stem] = Model(known, test, tuple(told["losses"]), tuple(told["seconds"]))
    return Table(home.name, task, Truth(y), truth["fold"], Truth(y_test), models)
