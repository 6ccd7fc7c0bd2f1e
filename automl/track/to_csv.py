"""An experiment as CSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from automl.files import write_text
from automl.leaderboard import escape_formula
from automl.track.experiment import Experiment
from automl.track.tables import Row, fit_rows, trial_rows


def export(experiment: Experiment, output: Path) -> list[Path]:
    """Write trials.csv and fits.csv into a folder, and return their paths."""
    output.mkdir(parents=True, exist_ok=True)
    tables = {
        "trials.csv": trial_rows(experiment),
        "fits.csv": fit_rows(experiment),
    }
    for name, rows in tables.items():
        write_text(output / name, _text(rows))
    return [output / name for name in tables]


def _text(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        cells = {name: escape_formula(value) for name, value in row.items()}
        writer.writerow(cells)
    return text.getvalue()
