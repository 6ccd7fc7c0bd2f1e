"""Describe a finished run as plain text, the same on a terminal and in a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from automl.formatting import (
    align_columns,
    decimal_places,
    format_duration,
    format_number,
    insight_command,
    predict_command,
    visible,
)
from automl.leaderboard import TIED, Row, is_done, leaderboard
from automl.report.summary import cost_text, expected, failures, score_on_test_text
from automl.run_files import FAILURES, LEADERBOARD, PREDICTOR, REPORT
from automl.study import Study

MAX_FINAL_ROWS = 10  # rows of the leaderboard at the end of a run
MAX_NAME_CHARACTERS = 40
MAX_PATH_CHARACTERS = 4096
LABEL_WIDTH = 15  # characters, before a space and the value
INDENT = " " * (LABEL_WIDTH + 1)
TIED_NOTE = "= can't be told apart from the best model (paired bootstrap, 95%)"
CORRECTED_NOTE = (
    "The ensemble's score is corrected for having chosen its weights on these rows, "
    "so it may be worse than a member's."
)


def run_summary(
    study: Study, folder: Path, sha256: str, elapsed: float, budget: float | None = None
) -> str:
    """Return the last output of `automl fit`.

    It shows the leaderboard, the expected score, where the files are, and the command that
    predicts.

    Parameters
    ----------
    study : Study
    folder : Path
        The run folder.
    sha256 : str
        Digest of the predictor's file.
    elapsed : float
        Seconds that the run took.
    budget : float, optional
        Seconds that it was allowed to take.
    """
    next_steps = (
        f"See the lessons of the search with:\n  {insight_command(folder)}\n"
        f"Predict with:\n  {predict_command(folder)}"
    )
    sections = [
        _leaderboard_section(study),
        _score_section(study, elapsed, budget),
        _warnings_section(study),
        _failures_section(study, folder),
        _files_section(folder, sha256),
        next_steps,
    ]
    return "\n\n".join(section for section in sections if section)


def _leaderboard_section(study: Study) -> str:
    rows = leaderboard(study)
    if not rows:
        return ""
    shown = select_rows(rows, MAX_FINAL_ROWS)
    excerpt = ""
    if len(shown) < len(rows):
        excerpt = f"; {len(shown)} of {len(rows)} lines, the best of each family among them"
    return f"Leaderboard (scores on held-out rows{excerpt})\n\n{leaderboard_text(shown)}"


def select_rows(rows: Sequence[Row], max_rows: int) -> list[Row]:
    """Select the best rows, the best of each family, and the predictor's own, in their order.

    The best rows alone may all be variants of one family, and a price may have left them out.

    Parameters
    ----------
    rows : sequence of Row
        Rows from `leaderboard`.
    max_rows : int
    """
    best_of_family = {row["family"]: row["rank"] for row in reversed(rows) if is_done(row)}
    leaders = list(best_of_family.values())
    leaders += [row["rank"] for row in rows if row["weight"] == 1.0]
    all_ranks = [row["rank"] for row in rows]
    ranks = sorted(all_ranks, key=lambda rank: (rank not in leaders, rank))
    selected = set(ranks[:max_rows])
    return [row for row in rows if row["rank"] in selected]


def _score_section(study: Study, elapsed: float, budget: float | None) -> str:
    overrun = ""
    if budget is not None and elapsed > budget:
        overrun = f", {format_duration(elapsed - budget)} more than the budget"
    time_line = f"Time taken      {format_duration(elapsed)}{overrun}"
    score = expected(study)
    if score is None:
        advice = "; give more time" if budget is not None else ""
        reason = "no model was tried on every fold, so all rows get the same prediction"
        return f"Expected score  none: {reason}{advice}\n{time_line}"
    better = "greater is better" if score.greater_is_better else "lower is better"
    interval = f"\n{INDENT}{score.interval_text}" if score.interval_text else ""
    score_line = f"Expected score  {score.metric} {score.score_text} ({better}){interval}"
    return f"{score_line}{_test_score(study)}\n{_cost_line(study)}{time_line}"


def _cost_line(study: Study) -> str:
    """Return a line with what predictions cost, where the run has a price."""
    text = cost_text(study)
    return f"Price           {text}\n" if text else ""


def _test_score(study: Study) -> str:
    """Return a line with the test score, or with the reason why there is none."""
    if study.test:
        return f"\nTest score      {score_on_test_text(study)}"
    reasons = [finding.action for finding in study.findings if finding.code == "test_unscored"]
    if not reasons:
        return ""
    return f"\nTest score      none: {visible(reasons[-1], MAX_PATH_CHARACTERS)}"


def _failures_section(study: Study, folder: Path) -> str:
    """Say which candidates failed, and why the first of them did."""
    summary = failures(study)
    tracebacks = folder / FAILURES
    if not summary:
        return ""
    section = f"Failed          {summary}"
    if tracebacks.exists():
        section += f"\n{INDENT}tracebacks: {visible(tracebacks, MAX_PATH_CHARACTERS)}"
    return section


def _warnings_section(study: Study) -> str:
    """Say why the expected score may not be true, in red where the output is a terminal."""
    if not study.score_warnings:
        return ""
    texts = [finding.text() for finding in study.score_warnings]
    return "\n".join(red(f"WARNING  {visible(text, 2000)}") for text in texts)


def red(text: str) -> str:
    r"""Colour a text red; `typer.echo` removes the colour again when it writes to a pipe.

    >>> red("no")
    '\x1b[31m\x1b[1mno\x1b[0m'
    """
    import typer

    return typer.style(text, fg="red", bold=True)


def _files_section(folder: Path, sha256: str) -> str:
    files = (
        ("Predictor", PREDICTOR),
        ("Leaderboard", LEADERBOARD),
        ("Report", REPORT),
    )
    existing = [(label, folder / file) for label, file in files if (folder / file).exists()]
    lines = []
    for label, path in [("Run folder", folder), *existing]:
        lines.append(f"{label:<{LABEL_WIDTH}} {visible(path, MAX_PATH_CHARACTERS)}")
    lines.append(f"{'SHA-256':<{LABEL_WIDTH}} {sha256}")
    return "\n".join(lines)


def leaderboard_text(rows: Sequence[Row], max_rows: int | None = None) -> str:
    """Format a leaderboard as aligned columns without a box.

    Parameters
    ----------
    rows : sequence of Row
        Rows from `leaderboard`.
    max_rows : int, optional
        Show only the first rows. Default: all.
    """
    shown = list(rows)[: max_rows or None]
    if not shown:
        return "no model yet"
    decimals = decimal_places(shown[0]["score"])
    has_tests = any(row["test"] is not None for row in shown)
    has_ties = any(row["status"] == TIED for row in shown)
    headings = (
        "rank",
        visible(shown[0]["metric"], MAX_NAME_CHARACTERS),
        "95% interval",
        *(("test",) if has_tests else ()),
        "weight",
        "seconds",
        "MB",
        "ms",
        "id",
        "model",
    )
    cells = [_cells(row, decimals, has_ties, has_tests) for row in shown]
    board = align_columns([headings, *cells], left=("95% interval", "id", "model"))
    notes = []
    if has_ties:
        notes.append(TIED_NOTE)
    if shown[0]["id"] == "ensemble":
        notes.append(CORRECTED_NOTE)
    if not notes:
        return board
    return "\n\n".join([board, "\n".join(notes)])


def _cells(row: Row, decimals: int, has_ties: bool, has_tests: bool) -> tuple[str, ...]:
    """Format one row of the leaderboard."""
    rank = str(row["rank"])
    if has_ties:
        rank += "=" if row["status"] == TIED else " "
    interval = ""
    if row["ci_low"] is not None:
        interval = (
            f"{format_number(row['ci_low'], decimals)} - {format_number(row['ci_high'], decimals)}"
        )
    status = "" if is_done(row) else f" ({visible(row['status'], 80)})"
    family = visible(row["family"], MAX_NAME_CHARACTERS)
    recipe = visible(row["recipe"], MAX_NAME_CHARACTERS)
    return (
        rank,
        format_number(row["score"], decimals) or "-",
        interval,
        *((format_number(row["test"], decimals),) if has_tests else ()),
        f"{row['weight']:.3f}" if row["weight"] else "",
        f"{row['seconds']:.2f}",
        f"{row['size_mb']:.2f}",
        format_number(row["row_ms"], 1),
        visible(row["id"], MAX_NAME_CHARACTERS),
        f"{family} {recipe}".strip() + status,
    )
