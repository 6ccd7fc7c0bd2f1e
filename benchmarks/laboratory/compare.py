"""Compare configurations on many tables, by cross-validation on training rows alone.

    python benchmarks/laboratory/compare.py --data ../shared/data --tasks adult,credit_g \\
        --rows 3000 --out one-hot.json \\
        '[{"name": "plain", "family": "lightgbm"}, {"name": "one-hot", "family": "lightgbm",
           "params": {"max_cat_to_onehot": 32}}]'
    python benchmarks/laboratory/compare.py --read one-hot.json

Configurations are as in configs.toml; the others are compared with the first. One process a core
works on one table.
"""

from __future__ import annotations

import os

os.environ["OMP_WAIT_POLICY"] = "passive"  # before any library with OpenMP is loaded
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import json
import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
from prepare import PreparedTable, train

Found = dict[str, dict[str, list[float]]]  # mean loss and seconds by table and configuration


def one(
    folder: Path, rows: int, configs: list[dict[str, Any]]
) -> tuple[str, dict[str, list[float]]]:
    """Train every configuration on one table."""
    prepared = PreparedTable.of(folder, rows)
    shared: dict[Any, Any] = {}
    found = {}
    for config in configs:
        told, _, _ = train(prepared, config, shared)
        found[config["name"]] = [float(np.mean(told["losses"])), round(sum(told["seconds"]), 2)]
    print(folder.name, found, flush=True)
    return folder.name, found


def show(found: Found) -> None:
    """The losses of each configuration over the first one's."""
    names = list(next(iter(found.values())))
    for name in names:
        ratios = {task: losses[name][0] / losses[names[0]][0] for task, losses in found.items()}
        logs = np.log(list(ratios.values()))
        seconds = sum(losses[name][1] for losses in found.values())
        counts = f"better on {(logs < -5e-4).sum()}, worse on {(logs > 5e-4).sum()}"
        median = f"median {np.exp(np.median(logs)):.4f}"
        print(f"{name:12} {np.exp(logs.mean()):.4f} ({median}, {counts}), {seconds:.0f} s")
        print("   ", ", ".join(f"{task} {ratio:.3f}" for task, ratio in ratios.items()))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("configs", nargs="?", default="[]", help="JSON")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--tasks", default="", help="names of tables, separated by commas")
    parser.add_argument("--rows", type=int, default=3000, help="maximum rows of a table")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--read", type=Path, help="show what was found before")
    args = parser.parse_args()
    if args.read:
        show(json.loads(args.read.read_text()))
        return
    jobs = [
        (args.data / task, args.rows, json.loads(args.configs)) for task in args.tasks.split(",")
    ]
    with multiprocessing.get_context("spawn").Pool(os.cpu_count(), maxtasksperchild=1) as pool:
        found = dict(pool.starmap(one, jobs, chunksize=1))
    args.out.write_text(json.dumps(found))
    show(found)


if __name__ == "__main__":
    main()
