"""The journal records first and shows afterwards; a broken observer never costs the run."""

from __future__ import annotations

import errno

import pytest

from automl.events import FindingRecorded, RunFinished, RunStarted
from automl.journal import Journal
from automl.study import Event, Study


class Seen:
    """An observer that remembers the kinds of events."""

    def __init__(self) -> None:
        self.kinds: list[str] = []

    def __call__(self, study: Study, event: Event) -> None:
        self.kinds.append(event.kind)


def broken(study: Study, event: Event) -> None:
    raise ValueError("broken on purpose")


def on_a_full_disk(study: Study, event: Event) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_events_are_added_recorded_and_shown() -> None:
    recorder, observer = Seen(), Seen()
    study = Journal(recorder, [observer]).record(Study(), RunStarted(3))
    assert study.seed == 3
    assert recorder.kinds == observer.kinds == ["started"]


def test_an_observer_that_fails_is_reported_once_and_called_no_more() -> None:
    observer = Seen()
    journal = Journal(None, [broken, observer])
    study = journal.record(Study(), RunStarted(3))
    study = journal.record(study, RunFinished("done"))
    assert observer.kinds == ["finding", "started", "finished"]
    (finding,) = study.findings
    assert finding.code == "observer_failed"
    assert finding.action == "broken failed: ValueError: broken on purpose"


def test_a_full_disk_ends_the_run() -> None:
    with pytest.raises(OSError, match="No space left"):
        Journal(None, [on_a_full_disk]).record(Study(), RunStarted(3))


def test_observers_of_the_last_event_see_only_that() -> None:
    observer = Seen()
    journal = Journal()
    study = journal.record(Study(), RunStarted(3))
    journal.record_last(study, RunFinished("done"), [observer])
    assert observer.kinds == ["finished"]


def test_a_recurring_problem_is_recorded_once() -> None:
    journal = Journal()
    study = Study()
    for _ in range(3):
        study = journal.warn_once(study, "library", "it can't be loaded")
    assert [finding.code for finding in study.findings] == ["library"]
    assert FindingRecorded.kind == "finding"
