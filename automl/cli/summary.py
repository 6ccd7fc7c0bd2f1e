"""What a run came to, as plain text for standard output: the same on a terminal and in a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from automl.formatting import (
    aligned,
    duration,
    insight_command,
    number,
    places,
    predict_command,
    visible,
)
from automl.leaderboard import TIED, Row, is_done, leaderboard
from automl.report.summary import expected, failures, tested_text
from automl.store import FAILURES
from automl.trial import Study

TOP = 10  # rows of the leaderboard at the end of a run
NARROW = 40  # characters of a model's name
TIED_NOTE = "= can't be told apart from the best model (paired bootstrap, 95%)"
CORRECTED_NOTE = "The ensemble's score is corrected for having chosen its weights on these rows, so it may be worse than a member's."


def final_words(
    study: Study, folder: Path, sha256: str, elapsed: float, budget: float | None = None
) -> str:
    """The end of `automl fit`: leaderboard, expected score, where everything lies, and the command that predicts.

    Parameters
    ----------
    study : Study
    folder : Path
        The run folder.
    sha256 : str
        Of the predictor's file.
    elapsed : float
        Seconds.
    budget : float, optional
        Seconds that there were.
    """
    then = f"See what the search teaches with:\n  {insight_command(folder)}\nPredict with:\n  {predict_command(folder)}"
    parts = [
        _board(study),
        _outcome(study, elapsed, budget),
        _alarms(study),
        _failures(study, folder),
        _places(folder, sha256),
        then,
    ]
    return "\n\n".join(part for part in parts if part)


def _board(study: Study) -> str:
    rows = leaderboard(study)
    if not rows:
        return ""
    shown = chosen(rows, TOP)
    more = (
        f"; {len(shown)} of {len(rows)} lines, the best of each family among them"
        if len(shown) < len(rows)
        else ""
    )
    return f"Leaderboard (scores on held-out rows{more})\n\n{leaderboard_text(shown)}"


def chosen(rows: Sequence[Row], most: int) -> list[Row]:
    """The best rows and the best of each family, at most so many, in their order: variants of one family would fill the list.

    Parameters
    ----------
    rows : sequence of Row
        What `leaderboard` gives.
    most : int
    """
    leaders = {row["family"]: row["rank"] for row in reversed(rows) if is_done(row)}.values()
    ranks = sorted(
        [*leaders, *(row["rank"] for row in rows if row["rank"] not in leaders)],
        key=lambda rank: (rank not in leaders, rank),
    )
    kept = set(ranks[:most])
    return [row for row in rows if row["rank"] in kept]


def _outcome(study: Study, elapsed: float, budget: float | None) -> str:
    late = (
        f", {duration(elapsed - budget)} more than the budget"
        if budget is not None and elapsed > budget
        else ""
    )
    took = f"Time taken      {duration(elapsed)}{late}"
    score = expected(study)
    if score is None:
        more = "; give more time" if budget is not None else ""
        return f"Expected score  none: no model was tried on every fold, so all rows get the same prediction{more}\n{took}"
    better = "greater is better" if score.greater_is_better else "lower is better"
    interval = f"\n                {score.interval_text}" if score.interval_text else ""
    tested = _tested(study)
    return f"Expected score  {score.metric} {score.score_text} ({better}){interval}{tested}\n{took}"


def _tested(study: Study) -> str:
    """The test score, or why there is none."""
    if study.test:
        return f"\nTest score      {tested_text(study)}"
    unscored = [
        finding["action"] for finding in study.findings if finding["code"] == "test_unscored"
    ]
    return f"\nTest score      none: {visible(unscored[-1], 4096)}" if unscored else ""


def _failures(study: Study, folder: Path) -> str:
    """Which candidates failed, and why the first of them did."""
    told = failures(study)
    where = folder / FAILURES
    if not told:
        return ""
    return f"Failed          {told}" + (
        f"\n                tracebacks: {visible(where, 4096)}" if where.exists() else ""
    )


def _alarms(study: Study) -> str:
    """Why the expected score may not be true, in red where the output is a terminal."""
    if not study.score_warnings:
        return ""
    from automl.cleaning import Finding

    texts = [Finding.from_json(finding).text() for finding in study.score_warnings]
    return "\n".join(red(f"WARNING  {visible(text, 2000)}") for text in texts)


def red(text: str) -> str:
    r"""A text in red; what writes to a pipe takes the colour out again.

    >>> red("no")
    '\x1b[31m\x1b[1mno\x1b[0m'
    """
    import typer

    return typer.style(text, fg="red", bold=True)


def _places(folder: Path, sha256: str) -> str:
    files = (
        ("Predictor", "predictor.automl"),
        ("Leaderboard", "leaderboard.csv"),
        ("Report", "report.html"),
    )
    there = [(name, folder / file) for name, file in files if (folder / file).exists()]
    lines = [f"{name:<15} {visible(path, 4096)}" for name, path in [("Run folder", folder), *there]]
    return "\n".join([*lines, f"{'SHA-256':<15} {sha256}"])


def leaderboard_text(rows: Sequence[Row], most: int | None = None) -> str:
    """A leaderboard as plain text: aligned columns, no box, the same on a terminal and in a pipe.

    Parameters
    ----------
    rows : sequence of Row
        What `leaderboard` gives.
    most : int, optional
        So many of them; all unless it is given.
    """
    shown = list(rows)[: most or None]
    if not shown:
        return "no model yet"
    decimals = places(shown[0]["score"])
    has_tests = any(row["test"] is not None for row in shown)
    tests = ("test",) if has_tests else ()
    headings = (
        "rank",
        visible(shown[0]["metric"], NARROW),
        "95% interval",
        *tests,
        "weight",
        "seconds",
        "MB",
        "id",
        "model",
    )
    has_ties = any(row["status"] == TIED for row in shown)
    cells = [_cells(row, decimals, has_ties, has_tests) for row in shown]
    board = aligned([headings, *cells], left=("95% interval", "id", "model"))
    notes = [TIED_NOTE] if has_ties else []
    notes += [CORRECTED_NOTE] if shown[0]["id"] == "ensemble" else []
    return "\n\n".join([board, "\n".join(notes)] if notes else [board])


def _cells(row: Row, decimals: int, padded: bool, tested: bool) -> tuple[str, ...]:
    interval = (
        f"{number(row['ci_low'], decimals)} - {number(row['ci_high'], decimals)}"
        if row["ci_low"] is not None
        else ""
    )
    status = "" if is_done(row) else f" ({visible(row['status'], 80)})"
    name = f"{visible(row['family'], NARROW)} {visible(row['recipe'], NARROW)}".strip()
    weight = f"{row['weight']:.3f}" if row["weight"] else ""
    score = number(row["score"], decimals) or "-"
    costs = (f"{row['seconds']:.2f}", f"{row['size_mb']:.2f}")
    rank = f"{row['rank']}{'=' if row['status'] == TIED else ' ' if padded else ''}"
    test = (number(row["test"], decimals),) if tested else ()
    return (rank, score, interval, *test, weight, *costs, visible(row["id"], NARROW), name + status)
