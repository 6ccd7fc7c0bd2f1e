"""The journal: adds each event to the study, records it, and shows it to observers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from automl.events import finding_event
from automl.files import disk_errno
from automl.study import Event, Study

Observer = Callable[[Study, Event], None]


class Journal:
    """Where a running study grows.

    Parameters
    ----------
    recorder : callable or None
        The first to see an event: it writes the log. Its errors end the run.
    observers : sequence of callable
        Called afterwards, in order. One that raises is reported as a finding, called no more,
        and never costs the run.
    """

    def __init__(
        self, recorder: Observer | None = None, observers: Sequence[Observer] = ()
    ) -> None:
        self._recorder = recorder
        self._observers = list(observers)

    def record(self, study: Study, event: Event) -> Study:
        """Return the study with an event that is recorded and shown to all observers."""
        study = study.add(event)
        if self._recorder is not None:
            self._recorder(study, event)
        for observer in list(self._observers):
            failure = self._failure_of(observer, study, event)
            if failure:
                self._observers.remove(observer)
                study = self.warn(study, "observer_failed", failure)
        return study

    def record_last(
        self,
        study: Study,
        event: Event,
        observers: Sequence[Observer],
    ) -> Study:
        """Record the run's last event, and show it to further observers, too."""
        self._observers += observers
        return self.record(study, event)

    def warn(
        self,
        study: Study,
        code: str,
        text: str,
    ) -> Study:
        """Record something that went wrong and costs the run nothing."""
        return self.record(study, finding_event(code, text))

    def warn_once(
        self,
        study: Study,
        code: str,
        text: str,
    ) -> Study:
        """Record a recurring problem when it happens for the first time."""
        for finding in study.findings:
            if finding.code == code and finding.action == text:
                return study
        return self.warn(study, code, text)

    def _failure_of(
        self,
        observer: Observer,
        study: Study,
        event: Event,
    ) -> str:
        """Call an observer and describe its failure; empty if there is none."""
        try:
            observer(study, event)
        except Exception as error:
            if disk_errno(error) or isinstance(error, FileNotFoundError):
                raise  # a full disk or a vanished folder concerns the whole run
            name = getattr(observer, "__qualname__", type(observer).__name__)
            return f"{name} failed: {type(error).__name__}: {error}"
        return ""
