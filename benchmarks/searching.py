"""Which search method is best? The tune stage with each one, at equal seconds, with several seeds.

    python benchmarks/searching.py --bench ../shared/bench --data ../shared/data \\
        --out benchmarks/results/searching.jsonl
    python benchmarks/searching.py --read benchmarks/results/searching.jsonl

Policies, workers' code and fits are the product's, on our own tables. Only the clock is not: the
processor seconds of each fit advance it, so that other work on the machine changes nothing. The
seconds of a sampler itself are not on that clock, but recorded. Every run starts from the family's
part of the portfolio, as in the product, and has the seconds of ninety fits of its first entry on
one fold (15 at least). One line a run is appended: the best loss so far (mean of three folds) after
a quarter, half and all of the seconds, and the loss of the best one's fold models on the
benchmark's test rows. Runs that are in the file already are not run again.
"""

from __future__ import annotations

import os

os.environ["OMP_WAIT_POLICY"] = "passive"  # before any library with OpenMP is loaded

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata
from variants import load_bench

from automl.budget import Budget
from automl.candidate import Job, Outcome
from automl.events import FitEnded, RunStarted, TrialDecided
from automl.executor.simulated import SimulatedExecutor
from automl.executor.work import WorkResult, encodings_at, encodings_for
from automl.executor.worker import Worker, move_artifacts
from automl.features.encoding import Encoding
from automl.journal import Journal
from automl.lab.lab import Lab
from automl.lab.run_data import RunData
from automl.metrics import metric_of
from automl.models import find_family
from automl.predictor.model import Member, Part, Predictor
from automl.predictor.scoring import read_target
from automl.problem import Problem
from automl.run.first_model import with_baseline
from automl.stages.clean import Clean
from automl.stages.extract import Extract
from automl.stages.select import Select
from automl.stages.tune import Tune
from automl.store import Store
from automl.study import Event, Study
from automl.table import Table, from_frame

ROWS = 1000
FITS, LEAST = 90, 15.0  # of the defaults on one fold: what a run may take, and seconds at least
SHARES = (0.25, 0.5, 1.0)
METHODS: dict[str, dict[str, Any]] = {
    "tpe": {"method": "tpe"},
    "random": {"method": "random"},
    "quasi": {"method": "quasi"},
    "grid": {"method": "grid"},
    "cmaes": {"method": "cmaes"},
    "gp": {"method": "gp"},
    "halving, folds": {"method": "halving"},
    "hyperband, folds": {"method": "hyperband"},
    "bohb, folds": {"method": "bohb"},
    "bohb, rounds": {"method": "bohb", "fidelity": "rounds"},
}
TASKS = (
    ("credit_g", "lightgbm"),
    ("kc1", "lightgbm"),
    ("churn", "lightgbm"),
    ("vehicle", "lightgbm"),
    ("wine_quality_white", "lightgbm"),
    ("airfoil", "mlp"),
    ("credit_g", "mlp"),
)
RECIPE = {"lightgbm": "native", "mlp": "quantile"}


class Clocked:
    """Does jobs in this process, and reports the processor seconds that they took."""

    def __init__(self, folder: Path) -> None:
        self._worker = Worker(folder)

    def __call__(self, job: Job) -> Outcome:
        for work in encodings_for(job):
            if not (self._worker.folder / "encoded" / work.key).exists():
                assert self._worker.do(work, Budget()).outcome.status == "done"
        began = time.process_time()
        outcome = self._worker.do(job, Budget()).outcome
        return replace(outcome, seconds=time.process_time() - began)


class ClockedExecutor(SimulatedExecutor):
    """Really does jobs, one at a time; their processor seconds advance its clock."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Clocked(folder), workers=1)
        self._folder = folder

    def fetch(self, result: WorkResult, into: Path) -> None:
        """Move the files that the worker wrote for a job."""
        move_artifacts(self._folder, result, into)


class Curve:
    """An observer: the best loss of a complete trial so far, by the lab's clock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.points: list[tuple[float, float]] = []

    def __call__(self, study: Study, event: Event) -> None:
        if isinstance(event, FitEnded | TrialDecided) and study.ranked:
            self.points.append((self._clock(), study.ranked[0].loss))

    def at(self, second: float) -> float:
        return min((loss for when, loss in self.points if when <= second), default=float("nan"))


def searched(
    train: Table, test: Table, card: dict[str, Any], kind: str, methods: Sequence[str], seed: int
) -> Iterator[dict[str, Any]]:
    """Run the tune stage with each method after one select stage, each in a fork of its own.

    So no method sees what another one has done.
    """
    with tempfile.TemporaryDirectory() as home:
        store = Store(Path(home) / "run")
        executor = ClockedExecutor(store.work)
        curve = Curve(executor.clock)
        problem = Problem(train, card["target"], kind=card["task"])
        lab = Lab(
            RunData(store, lambda: problem),
            executor,
            Budget(1e6, executor.clock),
            Journal(observers=[curve]),
        )
        study = lab.record(Study(), RunStarted(seed))
        study = Clean(folds=3, repeats=1).run(study, lab, lab.budget)
        study = Extract(recipes=(RECIPE[kind],)).run(study, lab, lab.budget)
        study = with_baseline(study, lab)  # as in a run, so that no worker fits it
        study = Select(families=(kind,)).run(study, lab, lab.budget)
        first = next(trial for trial in study.trials.values() if trial.candidate.family == kind)
        mean_seconds = float(np.mean([outcome.seconds for outcome in first.outcomes.values()]))
        seconds = round(max(LEAST, FITS * mean_seconds), 1)
        for method in methods:
            answer = Path(home) / "answer.json"
            if (child := os.fork()) == 0:
                found = tuned(study, lab, curve, test, kind, method, seconds)
                answer.write_text(json.dumps(found))
                os._exit(0)
            if os.waitpid(child, 0)[1] != 0:
                raise RuntimeError(f"{card['target']} {kind} {method}: the fork failed")
            yield {"method": method, **json.loads(answer.read_text())}
        store.close()


def tuned(
    study: Study, lab: Lab, curve: Curve, test: Table, kind: str, method: str, seconds: float
) -> dict[str, Any]:
    """Run a method for this many seconds, and return what it found."""
    known, before = study.leaders[kind].loss, len(study.trials)
    began, real = lab.budget.clock(), time.process_time()
    curve.points.clear()  # those of the select stage
    study = Tune(**METHODS[method], use_all=True).run(
        study, lab, Budget(began + seconds, lab.budget.clock)
    )
    taken = time.process_time() - real - (lab.budget.clock() - began)
    proposed = [trial for trial in study.trials.values() if trial.candidate.origin == "tune"]
    return {
        "seconds": seconds,
        "known": known,
        "best": [min(known, curve.at(began + share * seconds)) for share in SHARES],
        "test": tested(study, lab, test),
        "trials": len(study.trials) - before,
        "complete": sum(study.is_complete(trial) for trial in proposed),
        "sampler_seconds": round(max(0.0, taken), 2),
    }


def tested(study: Study, lab: Lab, test: Table) -> float:
    """The loss on other rows of the best trial's fold models together."""
    best = study.ranked[0]
    kept = []
    encodings: dict[str, Encoding] = {}
    for split in study.plan.splits:
        items = encodings_at(best.candidate.recipe, split)
        encodings |= {item.key: lab.data.encoding(item) for item in items}
        blob = lab.data.model(best, split)
        if blob is not None:
            kept.append((items, blob))
    parts = [Part(tuple(item.key for item in items), blob, 1 / len(kept)) for items, blob in kept]
    member = Member(best.id, find_family(best.candidate.family), 1.0, tuple(parts))
    predictor = Predictor(study.known_task, lab.data.cleaner, encodings, (member,))
    metric = metric_of(study.known_task)
    target = test.columns[predictor.task.target]
    known = read_target(predictor.task, target, test.source)
    answers = predictor.predict_raw(predictor.to_columns(test.take(known.rows)).columns)
    return metric.loss_of_output(known.y, answers, None)


def read(out: Path) -> None:
    """Print each method's losses over those of TPE, as geometric means, and its mean rank."""
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    known = {(row["task"], row["family"], row["method"], row["seed"]): row for row in rows}
    runs = sorted(
        {
            key[:2] + key[3:]
            for key in known
            if all((*key[:2], method, key[3]) in known for method in METHODS)
        }
    )
    print(f"{len(runs)} runs of each method")
    losses = {
        method: np.array(
            [
                [*known[task, kind, method, seed]["best"], known[task, kind, method, seed]["test"]]
                for task, kind, seed in runs
            ]
        )
        for method in METHODS
    }
    least = np.min([of[:, len(SHARES) - 1] for of in losses.values()], axis=0)
    known_best = np.array([known[task, kind, "tpe", seed]["known"] for task, kind, seed in runs])
    everybody = np.array([of[:, len(SHARES) - 1] for of in losses.values()])
    ranks = dict(zip(losses, rankdata(everybody, axis=0).mean(axis=1), strict=True))
    headings = f"{'method':18} {'1/4':>7} {'1/2':>7} {'all':>7} {'test':>7}  {'gap':>6}"
    print(f"{headings}  rank  trials complete sampler")
    for method, of in losses.items():
        ratio = np.exp(np.log(of / losses["tpe"]).mean(axis=0))
        gap = np.mean((of[:, len(SHARES) - 1] - least) / np.maximum(known_best - least, 1e-12))
        told = [known[task, kind, method, seed] for task, kind, seed in runs]
        counts = [
            np.mean([row[name] for row in told])
            for name in ("trials", "complete", "sampler_seconds")
        ]
        ratios = " ".join(f"{one:7.4f}" for one in ratio)
        print(f"{method:18} {ratios}  {gap:6.3f} {ranks[method]:5.2f}", end="")
        print(f" {counts[0]:6.1f} {counts[1]:8.1f} {counts[2]:6.1f}s")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bench", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--read", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    if args.read:
        read(args.read)
        return
    warnings.simplefilter("ignore")
    bench = load_bench(args.bench)
    lines = args.out.read_text().splitlines() if args.out.exists() else []
    rows = [json.loads(line) for line in lines]
    done = {(row["task"], row["family"], row["method"], row["seed"]) for row in rows}
    for seed, (task, kind) in product(range(args.seeds), TASKS):
        lacking = [method for method in METHODS if (task, kind, method, seed) not in done]
        if not lacking:
            continue
        card, whole = bench.load(args.data / task)
        train, test = bench.split(card, whole, seed, None)
        train = train.sample(min(ROWS, len(train)), random_state=0).reset_index(drop=True)
        for found in searched(
            from_frame(train), from_frame(test.reset_index(drop=True)), card, kind, lacking, seed
        ):
            row = {"task": task, "family": kind, "seed": seed, **found}
            with open(args.out, "a") as file:
                file.write(json.dumps(row) + "\n")
            print(row, flush=True)


if __name__ == "__main__":
    main()
