"""When things happened in a run: the only part of the log that a study does not keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from automl.store import events
from automl.trial import Event, Trial


@dataclass(frozen=True)
class Span:
    """A stage with its start and end, in seconds since the run's start."""

    stage: str
    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Duration of the stage."""
        return self.end - self.start


@dataclass(frozen=True)
class Timeline:
    """Times of a run, in seconds since its start.

    Parameters
    ----------
    spans : tuple of Span
        Stages in order.
    fits : mapping of str to float
        The end of each fit by its job's key.
    last : float
        The last event.
    weighed : float or None
        When members were weighted last, which ends the search; trials by hand may follow.
    """

    spans: tuple[Span, ...] = ()
    fits: Mapping[str, float] = field(default_factory=dict)
    last: float = 0.0
    weighed: float | None = None

    @property
    def ended(self) -> float:
        """End of the search, when it had its predictor; the last event until then."""
        if self.weighed is None:
            return self.last
        return self.weighed

    def completed(self, trial: Trial) -> float:
        """Return the second at which a complete trial's last held-out fold ended."""
        ends = []
        for key, job in trial.jobs.items():
            if job.fold is not None and key in self.fits:
                ends.append(self.fits[key])
        return max(ends, default=self.last)


def read(folder: Path) -> Timeline:
    """Read the timeline of a run folder.

    Raises
    ------
    InputError
        The folder is not a run folder, or its log is damaged.
    """
    stages: list[Event] = []
    fits: dict[str, float] = {}
    last = 0.0
    weighed: float | None = None
    for event in events(folder):
        kind = event["kind"]
        time = event["time"]
        last = max(last, time)
        if kind == "weights":
            weighed = time
        elif kind == "stage":
            stages.append(event)
        elif kind == "fit":
            fits[event["key"]] = time
    timeline = Timeline(fits=fits, last=last, weighed=weighed)
    spans = _spans(stages, timeline.ended)
    return replace(timeline, spans=spans)


def _spans(stages: list[Event], last: float) -> tuple[Span, ...]:
    """Return the stages' spans from their events.

    Every stage has an event when it begins. Clean and extract have a second one, with their
    results, when they end; logs of earlier versions have only that one.
    """
    spans: list[Span] = []
    for index, event in enumerate(stages):
        name = event["stage"]
        time = event["time"]
        has_result = "task" in event or "recipes" in event
        if not has_result:
            end = last
            if index + 1 < len(stages):
                end = stages[index + 1]["time"]
            spans.append(Span(name, time, end))
        elif spans and spans[-1].stage == name:
            spans[-1] = replace(spans[-1], end=time)
        else:
            start = spans[-1].end if spans else 0.0
            spans.append(Span(name, start, time))
    return tuple(spans)
