"""When things happened in a run: the only part of the log that a study does not keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from automl.event_log import read_events
from automl.events import (
    DataPrepared,
    EnsembleWeighted,
    FitEnded,
    RecipesChosen,
    StageEnded,
    StageStarted,
)
from automl.study import Event
from automl.trial import Trial


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
    weighted_at : float or None
        When members were weighted last, which ends the search; trials by hand may follow.
    """

    spans: tuple[Span, ...] = ()
    fits: Mapping[str, float] = field(default_factory=dict)
    last: float = 0.0
    weighted_at: float | None = None

    @property
    def search_end(self) -> float:
        """End of the search, when it had its predictor; the last event until then."""
        if self.weighted_at is None:
            return self.last
        return self.weighted_at

    def completed(self, trial: Trial) -> float:
        """Return the second at which a complete trial's last held-out fold ended."""
        ends = []
        for key, job in trial.jobs.items():
            if job.fold is not None and key in self.fits:
                ends.append(self.fits[key])
        return max(ends, default=self.last)


def read_timeline(folder: Path) -> Timeline:
    """Read the timeline of a run folder.

    Raises
    ------
    InputError
        The folder is not a run folder, or its log is damaged.
    """
    stages: list[tuple[str, bool, float]] = []
    fits: dict[str, float] = {}
    last = 0.0
    weighed: float | None = None
    for logged in read_events(folder):
        event, time = logged.event, logged.seconds
        last = max(last, time)
        if isinstance(event, EnsembleWeighted):
            weighed = time
        elif isinstance(event, FitEnded):
            fits[event.key] = time
        elif isinstance(event, StageStarted):
            stages.append((event.stage, True, time))
        elif name := _ended_stage(event):
            stages.append((name, False, time))
    timeline = Timeline(fits=fits, last=last, weighted_at=weighed)
    spans = _spans(stages, timeline.search_end)
    return replace(timeline, spans=spans)


def _ended_stage(event: Event) -> str:
    """Return the stage that has ended with an event; empty if none has.

    In logs of format 2 only clean and extract have such an event: their results.
    """
    if isinstance(event, StageEnded):
        return event.stage
    if isinstance(event, DataPrepared):
        return "clean"
    if isinstance(event, RecipesChosen):
        return "extract"
    return ""


def _spans(stages: list[tuple[str, bool, float]], last: float) -> tuple[Span, ...]:
    """Return the stages' spans.

    Parameters
    ----------
    stages : list of (str, bool, float)
        Name, whether it begins, and when.
    last : float
        End of the run.
    """
    spans: list[Span] = []
    for index, (name, begins, time) in enumerate(stages):
        if begins:
            end = last
            if index + 1 < len(stages):
                end = stages[index + 1][2]
            spans.append(Span(name, time, end))
        elif spans and spans[-1].stage == name:
            spans[-1] = replace(spans[-1], end=time)
        else:
            start = spans[-1].end if spans else 0.0
            spans.append(Span(name, start, time))
    return tuple(spans)
