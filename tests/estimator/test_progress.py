"""`verbose`: silence, one line of progress, or a line for every event."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import pytest

from automl import InputError, run
from automl.estimator import progress as progress_module
from automl.estimator.progress import (
    EveryEvent,
    PeriodicLine,
    RedrawnLine,
    Silent,
    final_line,
    progress,
    progress_line,
)
from automl.events import DataPrepared, RunFinished, RunStarted, StageStarted
from automl.pipeline import read_pipeline
from automl.study import Event, Plan, Size, Study
from automl.task import Task
from tests.estimator.samples import IS_WIDE, X, classifier


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class OutStream(io.StringIO):
    """A notebook's stream, by the module that it comes from."""


OutStream.__module__ = "ipykernel.iostream"


def settings(**values: Any) -> run.Settings:
    budget: dict[str, Any] = {"seconds": None, "trials": 3}
    return run.Settings(read_pipeline("linear"), Path("run"), **budget | values)


def show_run(display: Silent) -> None:
    """Show a small run."""
    events: list[Event] = [
        RunStarted(0),
        StageStarted("clean"),
        DataPrepared(
            Task("binary", "y", "roc_auc", ("a", "b")), "0", Size(60, 2), Plan("kfold", 3)
        ),
        StageStarted("select"),
        RunFinished("done"),
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


def test_1_is_a_line_from_time_to_time_on_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    classifier(verbose=1).fit(X, IS_WIDE)
    captured = capfd.readouterr()
    assert captured.out == ""
    first, last = captured.err.splitlines()
    assert first.startswith("0 of 2 candidates in ")
    assert first.endswith("| clean")
    assert last.startswith("done in ")
    assert "2 candidates | best roc_auc " in last
    assert last.isprintable()


def test_2_is_a_line_for_every_fit(capfd: pytest.CaptureFixture[str]) -> None:
    classifier(verbose=2, options={"clean.folds": 3}).fit(X, IS_WIDE)
    lines = capfd.readouterr().err.splitlines()
    assert sum(" linear fold " in line for line in lines) == 3
    assert any("finished: done" in line for line in lines)


@pytest.mark.parametrize("stream", [Terminal(), OutStream()], ids=["terminal", "notebook"])
def test_a_terminal_and_a_notebook_have_one_line_that_is_written_over(stream: io.StringIO) -> None:
    show_run(progress(1, settings(), stream))
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert "\x1b" not in text
    last_shown = text.rstrip("\n").split("\r")[-1]
    assert last_shown.startswith("done in ")
    assert len(last_shown) >= max(len(part.rstrip()) for part in text.rstrip("\n").split("\r")[:-1])


def test_the_line_is_erased_when_a_fit_fails() -> None:
    stream = Terminal()
    display = progress(1, settings(), stream)
    display.__enter__()
    display.observers[0](Study(), RunStarted(0))
    display.__exit__(RuntimeError, RuntimeError(), None)
    assert stream.getvalue().endswith("\r")
    assert "\n" not in stream.getvalue()


def test_a_line_is_redrawn_while_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_module, "REDRAW_SECONDS", 0.02)
    stream = Terminal()
    with progress(1, settings(seconds=60.0, trials=None), stream):
        time.sleep(0.5)
    assert stream.getvalue().count("reading") >= 3


def test_a_log_gets_few_lines() -> None:
    stream = io.StringIO()
    show_run(progress(1, settings(seconds=600.0, trials=None), stream))
    assert [part.split("|")[-1].strip()[:5] for part in stream.getvalue().splitlines()] == [
        "clean",
        "done ",
    ]


def test_the_display_fits_the_stream() -> None:
    kinds = {
        (1, Terminal): RedrawnLine,
        (1, OutStream): RedrawnLine,
        (1, io.StringIO): PeriodicLine,
        (2, Terminal): EveryEvent,
        (0, Terminal): Silent,
    }
    for (verbose, stream), kind in kinds.items():
        assert type(progress(verbose, settings(), stream())) is kind
    assert type(progress(True, settings(), io.StringIO())) is PeriodicLine


@pytest.mark.parametrize("verbose", [3, -1, "loud", None, 0.5])
def test_other_values_are_refused(verbose: Any) -> None:
    with pytest.raises(InputError, match=r"verbose=.*: give 0 for silence, 1 for a line, or 2"):
        classifier(verbose=verbose).fit(X, IS_WIDE)


def test_the_line_shows_the_budget_and_the_stage() -> None:
    assert (
        progress_line(Study(), settings(seconds=90.0, trials=None)) == "0 s of 1 min 30 s | reading"
    )
    assert progress_line(Study(stage="tune"), settings()) == "0 of 3 candidates in 0 s | tune"
    assert final_line(Study(), settings()) == "done in 0 s"
