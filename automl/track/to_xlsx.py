"""An experiment as a workbook with filters and charts."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from automl.files import atomic_write, require
from automl.insight import learn_from
from automl.leaderboard import escape_formula, leaderboard
from automl.models import is_baseline
from automl.track.experiment import Experiment
from automl.track.tables import Row, trial_rows

MAX_COLUMN_WIDTH = 40  # characters
EMPTY_COLUMN_WIDTH = 4
COLUMN_PADDING = 3
LONG_FORMAT = "0.000000"
SHORT_FORMAT = "0.00"
WHOLE_FORMAT = "0"
MIN_WHOLE_NUMBER = 1e6  # from here on, numbers are shown without decimals
SHORT_NAMES = (
    "seconds",
    "completed_at",
    "megabytes",
    "size_mb",
    "row_ms",
    "weight",
)  # two decimals do
DOT_COLOR = "3A82CC"
LINE_COLOR = "2A9460"
CHART_HEADINGS = ("completed at", "loss", "best so far", None, "family", "seconds of training")
CHART_FORMATS = (SHORT_FORMAT, LONG_FORMAT, LONG_FORMAT, "", "", SHORT_FORMAT)
SECONDS_COLUMN = 1
LOSS_COLUMN = 2
BEST_COLUMN = 3
FAMILY_COLUMN = 5
TRAINING_COLUMN = 6
CHART_HEIGHT = 9  # centimetres, as is the width
CHART_WIDTH = 18


def export(experiment: Experiment, output: Path) -> list[Path]:
    """Write a workbook, and return its path.

    Raises
    ------
    MissingExtra
        openpyxl is not installed.
    """
    openpyxl = require("openpyxl", "excel", "--to xlsx")
    book = openpyxl.Workbook()
    _fill_summary(book.active, experiment)
    models = leaderboard(experiment.study)
    if models:
        _add_sheet(book, "Leaderboard", models)
    rows = trial_rows(experiment)
    if rows:
        _add_sheet(book, "Trials", rows)
        _add_charts(book, experiment, rows)
    if experiment.study.ranked:
        _add_importance(book, experiment)
    output.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(output) as path:
        book.save(path)
    return [output]


def _fill_summary(sheet: Any, experiment: Experiment) -> None:
    """Write the outcome, and all settings but the versions of packages."""
    facts: list[tuple[str, Any]] = [
        ("run", experiment.name),
        ("state", experiment.state),
        ("table", experiment.table),
        ("target", experiment.target),
        ("metric", experiment.metric),
    ]
    score = experiment.expected
    if score is not None:
        facts += [
            ("expected score", score.score),
            ("at least, in 95%", score.low),
            ("at most, in 95%", score.high),
        ]
    facts += [
        ("seconds", experiment.timeline.last),
        ("candidates", len(experiment.study.trials)),
        ("members", len(experiment.study.weights)),
    ]
    settings = experiment.settings()
    for name, value in settings.items():
        if not name.startswith("package "):
            facts.append((name, value))
    sheet.title = "Summary"
    for name, value in facts:
        sheet.append([name, _cell(value)])
    _style_sheet(sheet, bold=sheet["A"])


def _add_sheet(book: Any, title: str, rows: Sequence[Row]) -> None:
    """Add a sheet of rows under their headings, with a filter for each column."""
    sheet = book.create_sheet(title)
    names = list(rows[0])
    sheet.append(names)
    for row in rows:
        values = [_cell(row[name]) for name in names]
        sheet.append(values)
    for cells in sheet.iter_rows(min_row=2):
        for name, cell in zip(names, cells, strict=True):
            if isinstance(cell.value, float):
                cell.number_format = _number_format(name, cell.value)
    _style_sheet(sheet, bold=sheet[1])
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions


def _number_format(name: str, value: float) -> str:
    if abs(value) >= MIN_WHOLE_NUMBER:
        return WHOLE_FORMAT
    return SHORT_FORMAT if name in SHORT_NAMES else LONG_FORMAT


def _cell(value: Any) -> Any:
    """Return a value as a cell holds it."""
    if isinstance(value, (bool, int, float)) or value is None:
        return value
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    text = ILLEGAL_CHARACTERS_RE.sub("?", str(value))
    return escape_formula(text)


def _style_sheet(sheet: Any, bold: Sequence[Any]) -> None:
    """Set the widths of columns, the pages to print, and some cells in bold type."""
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    columns = sheet.iter_cols(values_only=True)
    for index, column in enumerate(columns, 1):
        letter = get_column_letter(index)
        sheet.column_dimensions[letter].width = _width(column)
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0  # as many pages as it takes, each as wide as the sheet
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    for cell in bold:
        cell.font = Font(bold=True)


def _width(column: Sequence[Any]) -> int:
    """Return the width of a column in characters."""
    lengths = []
    for value in column:
        if isinstance(value, float):
            text = f"{value:.6g}"
        elif value is not None:
            text = str(value)
        else:
            continue
        lengths.append(len(text))
    longest = max(lengths, default=EMPTY_COLUMN_WIDTH)
    return min(MAX_COLUMN_WIDTH, longest + COLUMN_PADDING)


def _add_charts(book: Any, experiment: Experiment, rows: Sequence[Row]) -> None:
    """Add loss over time and seconds by family, next to the numbers that they are drawn from."""
    sheet = book.create_sheet("Charts")
    losses = _losses_over_time(rows)
    families = _seconds_by_family(rows)
    sheet.append(CHART_HEADINGS)
    for left, right in itertools.zip_longest(losses, families, fillvalue=()):
        cells = dict(enumerate(left, SECONDS_COLUMN))
        cells |= dict(enumerate(right, FAMILY_COLUMN))
        sheet.append(cells)
    for cells in sheet.iter_rows(min_row=2):
        for cell, number_format in zip(cells, CHART_FORMATS, strict=False):
            if isinstance(cell.value, float):
                cell.number_format = number_format
    _style_sheet(sheet, bold=sheet[1])
    if losses:
        chart = _loss_chart(sheet, len(losses))
        chart.y_axis.title = f"loss ({experiment.metric})"
        sheet.add_chart(chart, "H2")
    chart = _training_chart(sheet, len(families))
    sheet.add_chart(chart, "H22")


def _losses_over_time(rows: Sequence[Row]) -> Sequence[tuple[Any, ...]]:
    """Return second of completion, loss, and best loss so far of each complete trial."""
    done = [row for row in rows if row["state"] == "done"]
    done.sort(key=lambda row: row["completed_at"])
    best = math.inf
    points = []
    for row in done:
        if is_baseline(row["family"]):
            continue
        loss = row["loss"]
        best = min(best, loss)
        point = (row["completed_at"], loss, best)
        points.append(point)
    return points


def _seconds_by_family(rows: Sequence[Row]) -> Sequence[tuple[Any, ...]]:
    """Return families with their seconds of training, the most expensive first."""
    seconds: dict[str, float] = defaultdict(float)
    for row in rows:
        family = row["family"]
        seconds[family] += row["seconds"]
    pairs = seconds.items()
    return sorted(pairs, key=lambda pair: -pair[1])


def _loss_chart(sheet: Any, count: int) -> Any:
    """Return a chart of dots for losses, and a line for the best one so far."""
    from openpyxl.chart import Reference, ScatterChart, Series

    chart = ScatterChart()
    _style_chart(chart, "Loss over time", style=13)
    chart.x_axis.title = "seconds since the start"
    last = count + 1
    seconds = Reference(sheet, min_col=SECONDS_COLUMN, min_row=2, max_row=last)
    for column in (LOSS_COLUMN, BEST_COLUMN):
        values = Reference(sheet, min_col=column, min_row=1, max_row=last)
        series = Series(values, seconds, title_from_data=True)
        series.smooth = False
        properties = series.graphicalProperties
        marker = series.marker
        if column == BEST_COLUMN:
            marker.symbol = "none"
            properties.line.solidFill = LINE_COLOR
        else:
            marker.symbol = "circle"
            properties.line.noFill = True
            marker.graphicalProperties.solidFill = DOT_COLOR
            marker.graphicalProperties.line.solidFill = DOT_COLOR
        chart.series.append(series)
    return chart


def _training_chart(sheet: Any, count: int) -> Any:
    """Return a chart of seconds by family."""
    from openpyxl.chart import BarChart, Reference

    chart = BarChart()
    _style_chart(chart, "Seconds of training by family", style=10)
    chart.type = "bar"
    last = count + 1
    seconds = Reference(sheet, min_col=TRAINING_COLUMN, min_row=1, max_row=last)
    families = Reference(sheet, min_col=FAMILY_COLUMN, min_row=2, max_row=last)
    chart.add_data(seconds, titles_from_data=True)
    chart.set_categories(families)
    chart.legend = None
    chart.x_axis.scaling.orientation = "maxMin"
    return chart


def _style_chart(chart: Any, title: str, style: int) -> None:
    chart.title = title
    chart.style = style
    chart.height = CHART_HEIGHT
    chart.width = CHART_WIDTH
    chart.x_axis.delete = False
    chart.y_axis.delete = False


def _add_importance(book: Any, experiment: Experiment) -> None:
    """Add a row for each hyperparameter of each family that taught something."""
    insight = learn_from(experiment.study, experiment.timeline)
    rows = []
    for lesson in insight.lessons:
        ranges = {good.name: good for good in lesson.ranges}
        for importance in lesson.importance:
            good = ranges[importance.name]
            ends = [str(value) for value in good.values] or [""]
            row = {
                "family": lesson.family,
                "hyperparameter": importance.name,
                "importance": importance.share,
                "low": importance.low,
                "high": importance.high,
                "with_others": importance.total,
                "good_from": ends[0],
                "good_to": ends[-1],
                "of_the_range": good.share,
                "best": str(good.best),
            }
            rows.append(row)
    if rows:
        _add_sheet(book, "Importance", rows)
