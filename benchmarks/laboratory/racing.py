"""How soon should a race drop a candidate? The policy of `select` on recorded outcomes.

    python benchmarks/laboratory/racing.py /opt/lab [--json benchmarks/results/racing.json]

A simulated clock replays the recorded outcomes. Every table gets budgets in which one worker could
train a tenth, a fifth and two fifths of all configurations on every fold. Two workers race through
the portfolio's order with a margin; then the ensemble of the complete candidates is evaluated on
the laboratory's own test rows.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
from pathlib import Path

import numpy as np
from portfolio import FAMILY, NOW
from record import Table, log_ratios, tables, told

from automl.candidate import Candidate, Job, Outcome
from automl.ensemble import combine
from automl.events import DataPrepared, RunStarted
from automl.features.recipe import RECIPES
from automl.lab.simulated_lab import SimulatedLab
from automl.search.racing import RaceRules, RacingPolicy
from automl.store import Store
from automl.study import Plan, Size, Study

SHARES = (0.1, 0.2, 0.4)
MARGINS = (0.05, 0.1, 0.2, 0.35, 0.6, 10.0)
BASE = 0.35


def raced(table: Table, order: list[str], margin: float, share: float) -> list[str]:
    """Return the configurations that are complete when the budget has ended."""
    total = sum(model.seconds for model in table.models.values())
    candidates = [
        Candidate(FAMILY[name], {"name": name}, RECIPES["native"], "portfolio")
        for name in order
        if name in table.models
    ]
    constant = _constant(table)

    def record(job: Job) -> Outcome:
        assert job.fold is not None
        if job.candidate.family == "constant":
            return Outcome("done", constant[job.fold], 0.001)
        model = table.models[str(job.candidate.params["name"])]
        return Outcome("done", model.losses[job.fold], model.fold_seconds[job.fold])

    with tempfile.TemporaryDirectory() as home:
        lab = SimulatedLab(Store(Path(home) / "run"), record, share * total, 2)
        size = Size(rows=len(table.truth.y), columns=9)
        plan = Plan("kfold", folds=3, repeats=1)
        study = lab.record(Study(), RunStarted(0))
        study = lab.record(study, DataPrepared(table.task, "d", size, plan))
        baseline = Candidate("constant", {}, RECIPES["native"], "baseline")
        rules = RaceRules(share * total, margin)
        policy = RacingPolicy([baseline, *candidates], rules)
        study = lab.run(policy, study, lab.budget)
        lab.data.store.close()
    return [str(trial.candidate.params["name"]) for trial in study.ranked if trial.candidate.params]


def order_of(kind: str) -> list[str]:
    """The portfolio's order, then the laboratory's other configurations."""
    first: list[str] = NOW["order"]["small"][kind]
    return [*first, *(name for name in FAMILY if name not in first)]


def _constant(table: Table) -> list[float]:
    """The baseline's loss in each fold."""
    losses = []
    for fold in range(3):
        y = table.truth.y[table.folds == fold]
        rest = table.truth.y[table.folds != fold]
        if table.task.is_regression:
            answer = np.full(len(y), rest.mean())
        else:
            answer = np.tile(
                np.bincount(rest.astype(int), minlength=table.task.n_outputs) / len(rest),
                (len(y), 1),
            )
        losses.append(table.metric.loss_of_output(y, answer))
    return losses


def _loss(table: Table, names: list[str]) -> float:
    """The test loss of the ensemble of some configurations."""
    weights = table.weigher(15)([table.models[name].known for name in names], table.truth)
    return table.metric.loss_of_output(
        table.test.y, combine([table.models[name].test for name in names], weights)
    )


def _replayed(table: Table) -> dict[str, dict[str, float]]:
    """Test losses by share and margin."""
    found: dict[str, dict[str, float]] = {}
    for share in SHARES:
        found[str(share)] = {}
        for margin in MARGINS:
            names = raced(table, order_of(table.task.kind), margin, share)
            found[str(share)][str(margin)] = _loss(table, names) if names else float("inf")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    there = tables(args.out)
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as workers:
        found = dict(
            zip(
                (table.name for table in there),
                workers.map(_replayed, there, chunksize=1),
                strict=True,
            )
        )
    for share in SHARES:
        for margin in MARGINS:
            logs = log_ratios(
                (rows[str(share)][str(margin)], rows[str(share)][str(BASE)])
                for rows in found.values()
            )
            print(f"share {share}  margin {margin:<5} {told(logs)}")
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
