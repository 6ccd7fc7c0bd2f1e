"""An experiment as a workbook that a person can filter, with charts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from automl.files import require, whole
from automl.insight import learn_from
from automl.leaderboard import defused, leaderboard
from automl.track.experiment import Experiment
from automl.track.tables import Row, trials

WIDEST = 40  # characters of a column
DECIMALS = "0.000000"
SHORT = "0.00"
DOT, LINE = "3A82CC", "2A9460"
SHORT_NAMES = ("seconds", "completed_at", "megabytes", "size_mb", "weight")


def export(one: Experiment, output: Path) -> list[Path]:
    """Write a workbook, and give its path.

    Raises
    ------
    MissingExtra
        openpyxl is not installed.
    """
    openpyxl = require("openpyxl", "excel", "--to xlsx")
    book = openpyxl.Workbook()
    _pairs(book.active, "Summary", _summary(one))
    if rows := leaderboard(one.study):
        _sheet(book, "Leaderboard", rows)
    if rows := trials(one):
        _sheet(book, "Trials", rows)
        _charts(book, one, rows)
    if one.study.ranked:
        _lessons(book, one)
    output.parent.mkdir(parents=True, exist_ok=True)
    with whole(output) as path:
        book.save(path)
    return [output]


def _summary(one: Experiment) -> list[tuple[str, Any]]:
    score = one.expected
    told: list[tuple[str, Any]] = [
        ("run", one.name),
        ("state", one.state),
        ("table", one.table),
        ("target", one.target),
        ("metric", one.metric),
    ]
    if score is not None:
        told += [
            ("expected score", score.score),
            ("at least, in 95%", score.low),
            ("at most, in 95%", score.high),
        ]
    told += [
        ("seconds", one.timeline.last),
        ("candidates", len(one.study.trials)),
        ("members", len(one.study.weights)),
    ]
    return told + [
        (name, value) for name, value in one.settings().items() if not name.startswith("package ")
    ]


def _pairs(sheet: Any, title: str, pairs: Sequence[tuple[str, Any]]) -> None:
    sheet.title = title
    for name, value in pairs:
        sheet.append([name, _cell(value)])
    _styled(sheet, heading=False)


def _sheet(book: Any, title: str, rows: Sequence[Row]) -> Any:
    """Rows with their headings, to be filtered by any column."""
    sheet = book.create_sheet(title)
    names = list(rows[0])
    sheet.append(names)
    for row in rows:
        sheet.append([_cell(row[name]) for name in names])
    for index, name in enumerate(names, 1):
        form = SHORT if name in SHORT_NAMES else DECIMALS
        for (cell,) in sheet.iter_rows(min_row=2, min_col=index, max_col=index):
            if isinstance(cell.value, float):
                cell.number_format = form if abs(cell.value) < 1e6 else "0"
    _styled(sheet, heading=True)
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions
    return sheet


def _cell(value: Any) -> Any:
    """A value as a cell holds it."""
    if isinstance(value, (bool, int, float)) or value is None:
        return value
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    return defused(ILLEGAL_CHARACTERS_RE.sub("?", str(value)))


def _styled(sheet: Any, heading: bool) -> None:
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    for index, column in enumerate(sheet.iter_cols(values_only=True), 1):
        longest = max(
            (
                len(f"{value:.6g}" if isinstance(value, float) else str(value))
                for value in column
                if value is not None
            ),
            default=4,
        )
        sheet.column_dimensions[get_column_letter(index)].width = min(WIDEST, longest + 3)
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0  # as many pages as it takes, each as wide as the sheet
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    bold = sheet[1] if heading else [row[0] for row in sheet.iter_rows()]
    for cell in bold:
        cell.font = Font(bold=True)


def _charts(book: Any, one: Experiment, rows: Sequence[Row]) -> None:
    """Loss over time, and seconds by family, beside the numbers that they are drawn from."""
    from openpyxl.chart import BarChart, Reference, ScatterChart, Series

    sheet = book.create_sheet("Charts")
    complete = sorted(
        (row for row in rows if row["state"] == "done" and row["family"] != "constant"),
        key=lambda row: row["completed_at"],
    )
    sheet.append(["completed at", "loss", "best so far", None, "family", "seconds of training"])
    spent: dict[str, float] = {}
    for row in rows:
        spent[row["family"]] = spent.get(row["family"], 0.0) + row["seconds"]
    families = sorted(spent.items(), key=lambda pair: -pair[1])
    best = float("inf")
    for index in range(max(len(complete), len(families))):
        left: list[Any] = [None, None, None]
        if index < len(complete):
            best = min(best, complete[index]["loss"])
            left = [complete[index]["completed_at"], complete[index]["loss"], best]
        right = list(families[index]) if index < len(families) else [None, None]
        sheet.append([*left, None, *right])
    for cells in sheet.iter_rows(min_row=2):
        for cell, form in zip(cells, (SHORT, DECIMALS, DECIMALS, "", "", SHORT), strict=False):
            if isinstance(cell.value, float):
                cell.number_format = form
    _styled(sheet, heading=True)
    if complete:
        chart = ScatterChart()
        chart.title, chart.style, chart.height, chart.width = "Loss over time", 13, 9, 18
        chart.x_axis.title, chart.y_axis.title = "seconds since the start", f"loss ({one.metric})"
        chart.x_axis.delete = chart.y_axis.delete = False
        seconds = Reference(sheet, min_col=1, min_row=2, max_row=len(complete) + 1)
        for column, is_line in ((2, False), (3, True)):
            series = Series(
                Reference(sheet, min_col=column, min_row=1, max_row=len(complete) + 1),
                seconds,
                title_from_data=True,
            )
            series.marker.symbol = "none" if is_line else "circle"
            series.smooth = False
            if is_line:
                series.graphicalProperties.line.solidFill = LINE
            else:
                series.graphicalProperties.line.noFill = True
                series.marker.graphicalProperties.solidFill = DOT
                series.marker.graphicalProperties.line.solidFill = DOT
            chart.series.append(series)
        sheet.add_chart(chart, "H2")
    bars = BarChart()
    bars.type, bars.title, bars.style, bars.height, bars.width = (
        "bar",
        "Seconds of training by family",
        10,
        9,
        18,
    )
    bars.add_data(
        Reference(sheet, min_col=6, min_row=1, max_row=len(families) + 1), titles_from_data=True
    )
    bars.set_categories(Reference(sheet, min_col=5, min_row=2, max_row=len(families) + 1))
    bars.legend = None
    bars.x_axis.delete = bars.y_axis.delete = False
    bars.x_axis.scaling.orientation = "maxMin"
    sheet.add_chart(bars, "H22")


def _lessons(book: Any, one: Experiment) -> None:
    """What matters: a row for each hyperparameter of each family that taught something."""
    rows = [
        {
            "family": lesson.family,
            "hyperparameter": importance.name,
            "importance": importance.share,
            "low": importance.low,
            "high": importance.high,
            "with_others": importance.total,
            "good_from": str(good.values[0]) if good.values else "",
            "good_to": str(good.values[-1]) if good.values else "",
            "of_the_range": good.share,
            "best": str(good.best),
        }
        for lesson in learn_from(one.study, one.timeline).lessons
        for importance in lesson.importance
        for good in lesson.ranges
        if good.name == importance.name
    ]
    if rows:
        _sheet(book, "Importance", rows)
