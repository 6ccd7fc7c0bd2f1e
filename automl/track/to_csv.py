"""An experiment as CSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from automl.files import write_text
from automl.leaderboard import defused
from automl.track.experiment import Experiment
from automl.track.tables import Row, fits, trials


def export(one: Experiment, output: Path) -> list[Path]:
    """Write trials.csv and fits.csv into a folder, and give their paths."""
    output.mkdir(parents=True, exist_ok=True)
    made = []
    for name, rows in (("trials.csv", trials(one)), ("fits.csv", fits(one))):
        write_text(output / name, _text(rows))
        made.append(output / name)
    return made


def _text(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: defused(value) for name, value in row.items()} for row in rows)
    return text.getvalue()
