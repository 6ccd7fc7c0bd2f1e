"""`automl runs`: experiments as rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from automl.formatting import align_columns, format_duration, visible
from automl.track.experiment import Experiment

RUN_HEADINGS = (
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
RIGHT_ALIGNED = ("score", "time", "candidates", "seed")
MAX_RUN_CHARACTERS = 200
MAX_CELL_CHARACTERS = 40
MINUTE_LENGTH = 16  # characters of a time such as 2026-01-02T03:04


def rows(experiments: Sequence[Experiment]) -> list[dict[str, Any]]:
    """Return a row of plain values for each experiment, in the order of their starts."""
    return [_row(experiment) for experiment in _by_start(experiments)]


def _by_start(experiments: Sequence[Experiment]) -> list[Experiment]:
    def order(experiment: Experiment) -> tuple[str, str]:
        started = experiment.run.get("started", "")
        return str(started), experiment.name

    return sorted(experiments, key=order)


def _row(experiment: Experiment) -> dict[str, Any]:
    score = experiment.expected
    return {
        "run": str(experiment.folder),
        "data": experiment.table,
        "sha256": experiment.data.get("sha256", ""),
        "target": experiment.target,
        "metric": experiment.metric,
        "score": None if score is None else score.score,
        "low": None if score is None else score.low,
        "high": None if score is None else score.high,
        "seconds": experiment.timeline.last,
        "candidates": len(experiment.study.trials),
        "seed": experiment.study.seed,
        "version": experiment.run.get("git", ""),
        "started": experiment.run.get("started", ""),
        "state": experiment.state,
    }


def text(experiments: Sequence[Experiment]) -> str:
    """Return the rows as an aligned table."""
    if not experiments:
        return "no runs"
    lines = [_cells(experiment) for experiment in _by_start(experiments)]
    left = [name for name in RUN_HEADINGS if name not in RIGHT_ALIGNED]
    return align_columns([RUN_HEADINGS, *lines], left)


def _cells(experiment: Experiment) -> tuple[str, ...]:
    """Return an experiment's cells under `RUN_HEADINGS`."""
    row = _row(experiment)
    score = experiment.expected
    minute = str(row["started"])[:MINUTE_LENGTH]
    cells = (
        row["data"],
        row["target"],
        row["metric"],
        "" if score is None else score.score_text,
        "" if score is None else score.ends_text,
        format_duration(row["seconds"]),
        row["candidates"],
        row["seed"],
        row["version"],
        minute.replace("T", " "),
        row["state"],
    )
    shown = [visible(cell, MAX_CELL_CHARACTERS) for cell in cells]
    return visible(row["run"], MAX_RUN_CHARACTERS), *shown
