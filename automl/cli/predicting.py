"""`automl predict` and `automl leaderboard`: what a finished run is for."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from automl.cli.fitting import Encoding, Separator, Sheet
from automl.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from automl.cleaning import Applied
    from automl.predictor import Predictor
    from automl.table import Overrides, Table
    from automl.trial import Study

_TOLD = (
    "bad_bytes",
    "encoding_doubt",
    "footnotes",
    "total_row",
)  # notes of the reader that predict passes on

Where = Annotated[
    str, typer.Argument(metavar="RUN|MODEL", help="A run's folder, or a predictor's file.")
]


def predict(
    model: Where,
    data: Annotated[str, typer.Argument(help="The table; - reads stdin.")],
    proba: Annotated[
        bool,
        typer.Option(
            "--proba", help="One column a class, headed by the class, instead of the class."
        ),
    ] = False,
    label: Annotated[
        bool,
        typer.Option(
            "--label",
            help="With --proba: the class, too, in a column `prediction` before the others.",
        ),
    ] = False,
    keep: Annotated[
        list[str] | None,
        typer.Option(help="A column to carry over, such as an id; may be repeated."),
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
        str | None, typer.Option(help="Refuse a model file whose SHA-256 is another.")
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(help="Where to write: .csv, .parquet or .jsonl. Default: CSV to stdout."),
    ] = None,
    separator: Separator = None,
    encoding: Encoding = None,
    sheet: Sheet = None,
) -> None:
    """Predict every row of a table, in order."""
    from automl.predictor import load
    from automl.table import Overrides

    _check_output(output)
    if label and not proba:
        raise InputError("--label: is for --proba; without that the class is what is written.")
    overrides = Overrides(separator, encoding, sheet)
    predictor = load(Path(model), expect_sha256)
    table = read_for(predictor, data, overrides, may_be_empty=True)
    kept = {name: table[name] for name in dict.fromkeys(keep or ())}
    applied = predictor.read(table)
    _tell_reading(table)
    _tell_odd(applied, data, strict)
    _write(_beside(kept, _answers(predictor, applied, proba, label, interval)), output)


def leaderboard(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's folder.")],
    data: Annotated[
        str | None, typer.Argument(help="A table with the target: adds scores on it.")
    ] = None,
    separator: Separator = None,
    encoding: Encoding = None,
    sheet: Sheet = None,
) -> None:
    """Show a run's leaderboard; with a table, also the scores of the predictor and its members on it."""
    from automl.cli.display import leaderboard_text
    from automl.leaderboard import leaderboard as rows
    from automl.predictor import load
    from automl.store import replay
    from automl.table import Overrides

    overrides = Overrides(separator, encoding, sheet)
    study = replay(Path(run))
    board = leaderboard_text(rows(study))
    if data:
        typer.echo(f"{test_scores(load(Path(run)), data, study, overrides)}\n")
    typer.echo(board)


def report(run: Annotated[str, typer.Argument(metavar="RUN", help="A run's folder.")]) -> None:
    """Write a run's report.html anew from its log."""
    from automl.insight import learn_from
    from automl.report import write_report
    from automl.store import replay
    from automl.timeline import read

    study = replay(Path(run))
    write_report(study, Path(run), learn_from(study, read(Path(run))) if study.ranked else None)
    typer.echo(str(Path(run) / "report.html"))


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
    scored: bool = False,
    may_be_empty: bool = False,
) -> Table:
    """Read a table as the one at fit was, or otherwise if its columns say so.

    Parameters
    ----------
    scored : bool
        Whether it has to hold the target, too.
    """
    from automl.table import NO_OVERRIDES, read_table

    cleaner = predictor.cleaner
    needs = (*cleaner.inputs, *([predictor.task.target] if scored else []))
    return read_table(
        data,
        form=cleaner.form,
        needs=needs,
        overrides=overrides or NO_OVERRIDES,
        may_be_empty=may_be_empty,
    )


def test_scores(
    predictor: Predictor,
    data: str,
    study: Study,
    overrides: Overrides | None = None,  # noqa: PT028 - it is no test
) -> str:
    """Scores of the predictor and of each member on a table, as lines of text; a warning where they contradict the run."""
    from automl.cli.session import warn
    from automl.formatting import counted
    from automl.predictor.scoring import scores
    from automl.run.scoring import contradiction, scored

    told = scores(predictor, read_for(predictor, data, overrides, scored=True))
    lines = [f"Scores on {data} ({told.metric}, {counted(told.rows, 'row')}):"]
    lines += [f"  {score:<12.6g} {name}" for name, score in told.found]
    if told.expected:
        middle, low, high = told.expected
        lines.append(
            f"  {middle:<12.6g} expected; {low:.6g} to {high:.6g} on 95% of samples of so many new rows"
        )
    if told.left_out:
        lines.append(f"  {told.left_out}")
    if found := contradiction(scored(predictor, told, data, told.rows), study):
        warn(found.text())
    return "\n".join(lines)


def _check_output(output: str | None) -> None:
    if output and Path(output).suffix.lower() not in (".csv", ".parquet", ".jsonl"):
        raise InputError(f"--output {output}: is to end in .csv, .parquet or .jsonl.")
    if output and not Path(output).resolve().parent.is_dir():
        raise InputError(f"--output {output}: there is no folder {Path(output).parent}.")


def _tell_reading(table: Table) -> None:
    """Say what on reading may have changed rows or letters."""
    for note in table.notes:
        if note.code in _TOLD:
            override = f" (to change it: {note.override})" if note.override else ""
            print(f"automl: {table.source}: {note.text}{override}", file=sys.stderr)


def _tell_odd(applied: Applied, data: str, strict: bool) -> None:
    """Say what was odd in a table, or refuse it."""
    odd = applied.text()
    if odd and strict:
        raise InputError(f"{data}: {odd} (--strict)")
    if odd:
        print(f"automl: {data}: {odd}", file=sys.stderr)


def _beside(kept: Mapping[str, pd.Series[Any]], answers: pd.DataFrame) -> pd.DataFrame:
    """The answers behind the columns that are carried over."""
    import pandas as pd

    if clash := [name for name in kept if name in answers.columns]:
        raise InputError(
            f"--keep {clash[0]}: the answers have a column of that name. Rename it in the table."
        )
    return pd.DataFrame({**kept, **{name: answers[name] for name in answers.columns}})


def _answers(
    predictor: Predictor, applied: Applied, proba: bool, label: bool, interval: float | None
) -> pd.DataFrame:
    import pandas as pd

    if proba and interval is not None:
        raise InputError("--proba and --interval: give one of them; intervals are for numbers.")
    if proba and predictor.task.is_regression:
        raise InputError("--proba: is for classification; this model predicts numbers.")
    raw = predictor.raw(applied.columns)
    if proba:
        classes = pd.DataFrame(raw, columns=list(predictor.task.labels))
        if label and "prediction" in classes.columns:
            raise InputError(
                "--label: a class is called 'prediction', as the column of the label would be. Leave --label out."
            )
        if label:
            classes.insert(0, "prediction", predictor.answer(raw))
        return classes
    answers: dict[str, Any] = {"prediction": predictor.answer(raw)}
    if interval is not None:
        answers["low"], answers["high"] = predictor.interval(raw, interval)
    return pd.DataFrame(answers)


def _write(answers: pd.DataFrame, output: str | None) -> None:
    from automl.files import ESCAPE, require, whole

    if output is None:
        answers.to_csv(sys.stdout, index=False)
        return
    with whole(Path(output)) as path:
        match Path(output).suffix.lower():
            case ".parquet":
                require("pyarrow", "parquet", f"--output {output}")
                answers.to_parquet(path, index=False)
            case ".jsonl":
                rows = answers.to_dict("records")  # pandas' own writer rounds
                lines = "".join(
                    json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows
                )
                path.write_bytes(lines.encode("utf-8", ESCAPE))
            case _:
                answers.to_csv(path, index=False, errors=ESCAPE)
