"""Keep the better of a rival's presets on each table, for `../shared/bench/bench.py table`.

    python benchmarks/better_preset.py --rival autogluon --out BETTER.jsonl RESULTS.jsonl...

The rows of all arms of the rival (`autogluon`, `autogluon-best_quality_v150`, ...) become rows of
one arm of its name: on each table those of the arm with the lowest mean loss over the folds that
all of its arms have raced. A failure counts as the constant predictor's loss. Rows of other
frameworks are copied. Budgets are told apart.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Key = tuple[str, float, int, str]  # table, budget, fold, framework


def last_rows(lines: Iterable[str]) -> dict[Key, Row]:
    """Return the rows that count: of equal table, budget, fold and framework the last."""
    rows = {}
    for line in lines:
        row = json.loads(line)
        rows[row["task"], row["budget"], row["fold"], row["framework"]] = row
    return rows


def loss_of(row: Row) -> float:
    """Return the loss of a race, a failure's being the constant predictor's."""
    loss = row["loss"]
    return float(row["constant_loss"] if loss is None else loss)


def better_arm(arms: Mapping[str, Mapping[int, Row]]) -> str:
    """Return the arm of the lowest mean loss over the folds that all arms have."""
    common = set.intersection(*(set(folds) for folds in arms.values()))

    def mean_loss(arm: str) -> float:
        return statistics.fmean(loss_of(arms[arm][fold]) for fold in common)

    if not common:
        raise SystemExit(f"no fold was raced by all of {', '.join(sorted(arms))}")
    return min(sorted(arms), key=mean_loss)


def with_better_preset(rows: Mapping[Key, Row], rival: str) -> list[Row]:
    """Return the rows, with one arm of the rival on each table."""
    kept: list[Row] = []
    raced: dict[tuple[str, float], dict[str, dict[int, Row]]] = {}
    for (table, budget, fold, framework), row in rows.items():
        if framework != rival and not framework.startswith(f"{rival}-"):
            kept.append(row)
            continue
        arms = raced.setdefault((table, budget), {})
        arms.setdefault(framework, {})[fold] = row
    for arms in raced.values():
        arm = better_arm(arms)
        kept += [row | {"framework": rival, "preset": arm} for row in arms[arm].values()]
    return kept


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", nargs="+", type=Path)
    parser.add_argument("--rival", default="autogluon")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    lines = [line for path in args.results for line in path.read_text().splitlines()]
    rows = with_better_preset(last_rows(lines), args.rival)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    args.out.write_text(text)


if __name__ == "__main__":
    main()
