"""`automl runs`: experiments as rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from automl.formatting import aligned, duration, visible
from automl.track.experiment import Experiment

HEADINGS = (
    "run",
    "data",
    "target",
    "metric",
    "score",
    "95% interval",
    "time",
    "candidates",
    "seed",
    "version",
    "started",
    "state",
)
LONGEST = 40


def rows(experiments: Sequence[Experiment]) -> list[dict[str, Any]]:
    """A row for each experiment, with plain values; the one that was started first comes first."""
    return [
        _row(one)
        for one in sorted(experiments, key=lambda one: (str(one.run.get("started", "")), one.name))
    ]


def _row(one: Experiment) -> dict[str, Any]:
    score = one.expected
    return {
        "run": str(one.folder),
        "data": one.table,
        "sha256": one.data.get("sha256", ""),
        "target": one.target,
        "metric": one.metric,
        "score": None if score is None else score.score,
        "low": None if score is None else score.low,
        "high": None if score is None else score.high,
        "seconds": one.timeline.last,
        "candidates": len(one.study.trials),
        "seed": one.study.seed,
        "version": one.run.get("git", ""),
        "started": one.run.get("started", ""),
        "state": one.state,
    }


def text(experiments: Sequence[Experiment]) -> str:
    """The rows as an aligned table."""
    if not experiments:
        return "no runs"
    by_folder = {str(one.folder): one for one in experiments}
    table: list[tuple[str, ...]] = [HEADINGS]
    for row in rows(experiments):
        score = by_folder[row["run"]].expected
        cells = (
            row["run"],
            row["data"],
            row["target"],
            row["metric"],
            "" if score is None else score.score_text,
            "" if score is None else score.ends_text,
            duration(row["seconds"]),
            row["candidates"],
            row["seed"],
            row["version"],
            str(row["started"])[:16].replace("T", " "),
            row["state"],
        )
        table.append(
            tuple(visible(cell, LONGEST if rank else 200) for rank, cell in enumerate(cells))
        )
    return aligned(
        table,
        left=tuple(
            name for name in HEADINGS if name not in ("score", "time", "candidates", "seed")
        ),
    )
