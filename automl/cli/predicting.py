"""`automl predict`, `automl leaderboard` and `automl report`: use a finished run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from automl.cli.form_options import Encoding, Separator, Sheet
from automl.errors import InputError
from automl.run_files import REPORT

if TYPE_CHECKING:
    from automl.cleaning import Transformed
    from automl.cli.answers import Answers
    from automl.predictor import Predictor
    from automl.study import Study
    from automl.table import Overrides, Table, TableColumn

# Notes about reading a table that may have changed rows or letters.
PRINTED_NOTES = ("bad_bytes", "encoding_doubt", "footnotes", "total_row")

RunOrModel = Annotated[
    str, typer.Argument(metavar="RUN|MODEL", help="A run's folder, or a predictor's file.")
]


def predict(
    model: RunOrModel,
    data: Annotated[str, typer.Argument(help="The table; - reads stdin.")],
    proba: Annotated[
        bool,
        typer.Option(
            "--proba",
            help="Write the probability of each class, in a column with its name, "
            "instead of the class.",
        ),
    ] = False,
    label: Annotated[
        bool,
        typer.Option(
            "--label",
            help="With --proba: write the class, too, in a first column `prediction`.",
        ),
    ] = False,
    keep: Annotated[
        list[str] | None,
        typer.Option(help="A column to copy from the table, such as an id; may be repeated."),
    ] = None,
    interval: Annotated[
        float | None,
        typer.Option(
            help="Add columns low and high that hold the truth in this share of cases, such as 0.9."
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", help="Unseen categories, unreadable cells and extra columns are errors."
        ),
    ] = False,
    expect_sha256: Annotated[
        str | None, typer.Option(help="Refuse a model file with another SHA-256.")
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(help="The file to write: .csv, .parquet or .jsonl. Default: CSV to stdout."),
    ] = None,
    separator: Separator = None,
    encoding: Encoding = None,
    sheet: Sheet = None,
) -> None:
    """Predict every row of a table, in order."""
    from automl.cli.answers import check_output, write_answers
    from automl.predictor import load
    from automl.table import Overrides

    check_output(output)
    if label and not proba:
        raise InputError("--label: is for --proba; without --proba the class is written anyway.")
    overrides = Overrides(separator, encoding, sheet)
    predictor = load(Path(model), expect_sha256)
    table = read_for(predictor, data, overrides, may_be_empty=True)
    kept = {name: table[name] for name in dict.fromkeys(keep or ())}
    applied = predictor.to_columns(table)
    _print_reading_notes(table)
    _print_oddities(applied, data, strict)
    answers = _answers(predictor, applied, proba, label, interval)
    write_answers(_with_kept(kept, answers), output)


def leaderboard(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's folder.")],
    data: Annotated[
        str | None, typer.Argument(help="A table with the target: adds scores on it.")
    ] = None,
    separator: Separator = None,
    encoding: Encoding = None,
    sheet: Sheet = None,
) -> None:
    """Show a run's leaderboard; with a table, also the scores of predictor and members on it."""
    from automl.cli.summary import leaderboard_text
    from automl.event_log import replay
    from automl.leaderboard import leaderboard as rows
    from automl.predictor import load
    from automl.table import Overrides

    overrides = Overrides(separator, encoding, sheet)
    study = replay(Path(run))
    board = leaderboard_text(rows(study))
    if data:
        typer.echo(f"{score_lines(load(Path(run)), data, study, overrides)}\n")
    typer.echo(board)


def report(run: Annotated[str, typer.Argument(metavar="RUN", help="A run's folder.")]) -> None:
    """Write a run's report.html again from its log."""
    from automl.event_log import replay
    from automl.insight import learn_from
    from automl.report import write_report
    from automl.timeline import read_timeline

    folder = Path(run)
    study = replay(folder)
    lessons = learn_from(study, read_timeline(folder)) if study.ranked else None
    write_report(study, folder, lessons)
    typer.echo(str(folder / REPORT))


COMMANDS: dict[str, Callable[..., None]] = {
    "predict": predict,
    "leaderboard": leaderboard,
    "report": report,
}


def read_for(
    predictor: Predictor,
    data: str,
    overrides: Overrides | None = None,
    *,
    needs_target: bool = False,
    may_be_empty: bool = False,
) -> Table:
    """Read a table in the form of the one at fit, or in another form if its columns say so.

    Parameters
    ----------
    predictor : Predictor
    data : str
        The table's file; - reads stdin.
    overrides : Overrides, optional
    needs_target : bool
        Whether the table must hold the target, too.
    may_be_empty : bool
        Whether the table may have no rows.
    """
    from automl.table import NO_OVERRIDES, read_table

    cleaner = predictor.cleaner
    needs = cleaner.inputs
    if needs_target:
        needs = (*needs, predictor.task.target)
    return read_table(
        data,
        form=cleaner.form,
        needs=needs,
        overrides=overrides or NO_OVERRIDES,
        may_be_empty=may_be_empty,
    )


def score_lines(
    predictor: Predictor, data: str, study: Study, overrides: Overrides | None = None
) -> str:
    """Score the predictor and its members on a table, and format the scores as lines.

    Print a warning if they contradict the score that the run expected.
    """
    from automl.cli.session import warn
    from automl.formatting import format_count
    from automl.predictor.scoring import score_table
    from automl.run.scoring import contradiction, scores_as_json

    result = score_table(predictor, read_for(predictor, data, overrides, needs_target=True))
    lines = [f"Scores on {data} ({result.metric}, {format_count(result.rows, 'row')}):"]
    for name, score in result.by_model:
        lines.append(f"  {score:<12.6g} {name}")
    if result.expected:
        middle, low, high = result.expected
        interval = f"{low:.6g} to {high:.6g} on 95% of samples of as many new rows"
        lines.append(f"  {middle:<12.6g} expected; {interval}")
    if result.left_out:
        lines.append(f"  {result.left_out}")
    finding = contradiction(scores_as_json(predictor, result, data, result.rows), study)
    if finding:
        warn(finding.text())
    return "\n".join(lines)


def _print_reading_notes(table: Table) -> None:
    """Print notes about reading the table that may have changed rows or letters."""
    for note in table.notes:
        if note.code in PRINTED_NOTES:
            override = f" (to change it: {note.override})" if note.override else ""
            print(f"automl: {table.source}: {note.text}{override}", file=sys.stderr)


def _print_oddities(applied: Transformed, data: str, strict: bool) -> None:
    """Print the oddities of a table, or refuse the table if `strict`."""
    text = applied.text()
    if not text:
        return
    if strict:
        raise InputError(f"{data}: {text} (--strict)")
    print(f"automl: {data}: {text}", file=sys.stderr)


def _with_kept(kept: dict[str, TableColumn], answers: Answers) -> Answers:
    """Place the kept columns before the answers."""
    for name in kept:
        if name in answers:
            raise InputError(
                f"--keep {name}: the answers have a column of that name. Rename it in the table."
            )
    return {**kept, **answers}


def _answers(
    predictor: Predictor, applied: Transformed, proba: bool, label: bool, interval: float | None
) -> Answers:
    """Predict typed columns, and return the columns of the output."""
    if proba and interval is not None:
        raise InputError("--proba and --interval: give one of them; intervals are for numbers.")
    if proba and predictor.task.is_regression:
        raise InputError("--proba: is for classification; this model predicts numbers.")
    raw = predictor.predict_raw(applied.columns)
    if not proba:
        answers = {"prediction": predictor.decode(raw)}
        if interval is not None:
            answers["low"], answers["high"] = predictor.interval(raw, interval)
        return answers
    probabilities = dict(zip(predictor.task.labels, raw.T, strict=True))
    if not label:
        return probabilities
    if "prediction" in probabilities:
        raise InputError(
            "--label: a class is called 'prediction', as the column of the label would be. "
            "Leave --label out."
        )
    return {"prediction": predictor.decode(raw), **probabilities}
