"""`verbose=`: silence, one calm line, or a line for every event."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import pytest

from automl import InputError, run
from automl.estimator import progress as shown
from automl.estimator.progress import (
    EveryEvent,
    PeriodicLine,
    RedrawnLine,
    Silent,
    final_line,
    progress,
    progress_line,
)
from automl.pipeline import read_pipeline
from automl.study import Event, Study
from tests.estimator.samples import IS_WIDE, X, classifier


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class OutStream(io.StringIO):
    """A notebook's stream, by the module that it comes from."""


OutStream.__module__ = "ipykernel.iostream"


def asked(**words: Any) -> run.Settings:
    given: dict[str, Any] = {"seconds": None, "trials": 3} | words
    return run.Settings(read_pipeline("linear"), Path("run"), **given)


def told_by(display: Silent) -> None:
    """A small run, shown."""
    events: list[Event] = [
        {"kind": "started", "seed": 0},
        {
            "kind": "stage",
            "stage": "clean",
            "task": {"kind": "binary", "target": "y", "metric": "roc_auc", "labels": ["a", "b"]},
        }
        | {
            "data": "0",
            "size": {"rows": 60, "columns": 2},
            "plan": {"kind": "kfold", "folds": 3, "repeats": 1},
        },
        {"kind": "stage", "stage": "select"},
        {"kind": "finished", "how": "done"},
    ]
    study = Study()
    with display:
        for event in events:
            study = study.add(event)
            for observer in display.observers:
                observer(study, event)


def test_a_fit_is_silent_by_default(capfd: pytest.CaptureFixture[str]) -> None:
    classifier().fit(X, IS_WIDE)
    assert capfd.readouterr() == ("", "")


def test_one_is_a_line_now_and_then_on_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    classifier(verbose=1).fit(X, IS_WIDE)
    told = capfd.readouterr()
    assert told.out == ""
    first, last = told.err.splitlines()
    assert first.startswith("0 of 2 candidates in ")
    assert first.endswith("| clean")
    assert last.startswith("done in ")
    assert "2 candidates | best roc_auc " in last
    assert last.isprintable()


def test_two_is_a_line_for_every_fit(capfd: pytest.CaptureFixture[str]) -> None:
    classifier(verbose=2, options={"clean.folds": 3}).fit(X, IS_WIDE)
    lines = capfd.readouterr().err.splitlines()
    assert sum(" linear fold " in told for told in lines) == 3
    assert any("finished: done" in told for told in lines)


@pytest.mark.parametrize("stream", [Terminal(), OutStream()], ids=["terminal", "notebook"])
def test_a_terminal_and_a_notebook_have_one_line_that_is_written_over(stream: io.StringIO) -> None:
    told_by(progress(1, asked(), stream))
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert "\x1b" not in text
    shown_at_last = text.rstrip("\n").split("\r")[-1]
    assert shown_at_last.startswith("done in ")
    assert len(shown_at_last) >= max(
        len(part.rstrip()) for part in text.rstrip("\n").split("\r")[:-1]
    )


def test_the_line_goes_where_a_fit_fails() -> None:
    stream = Terminal()
    display = progress(1, asked(), stream)
    display.__enter__()
    display.observers[0](Study(), {"kind": "started", "seed": 0})
    display.__exit__(RuntimeError, RuntimeError(), None)
    assert stream.getvalue().endswith("\r")
    assert "\n" not in stream.getvalue()


def test_a_line_is_drawn_anew_while_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown, "REDRAW_SECONDS", 0.02)
    stream = Terminal()
    with progress(1, asked(seconds=60.0, trials=None), stream):
        time.sleep(0.5)
    assert stream.getvalue().count("reading") >= 3


def test_a_log_gets_few_lines() -> None:
    stream = io.StringIO()
    told_by(progress(1, asked(seconds=600.0, trials=None), stream))
    assert [part.split("|")[-1].strip()[:5] for part in stream.getvalue().splitlines()] == [
        "clean",
        "done ",
    ]


def test_what_is_shown_fits_the_stream() -> None:
    kinds = {
        (1, Terminal): RedrawnLine,
        (1, OutStream): RedrawnLine,
        (1, io.StringIO): PeriodicLine,
        (2, Terminal): EveryEvent,
        (0, Terminal): Silent,
    }
    for (verbose, stream), kind in kinds.items():
        assert type(progress(verbose, asked(), stream())) is kind
    assert type(progress(True, asked(), io.StringIO())) is PeriodicLine


@pytest.mark.parametrize("verbose", [3, -1, "loud", None, 0.5])
def test_anything_else_is_refused(verbose: Any) -> None:
    with pytest.raises(InputError, match=r"verbose=.*: give 0 for silence, 1 for a line, or 2"):
        classifier(verbose=verbose).fit(X, IS_WIDE)


def test_the_line_says_what_is_left_and_what_is_best() -> None:
    assert progress_line(Study(), asked(seconds=90.0, trials=None)) == "0 s of 1 min 30 s | reading"
    assert progress_line(Study(stage="tune"), asked()) == "0 of 3 candidates in 0 s | tune"
    assert final_line(Study(), asked()) == "done in 0 s"
