"""When things happened in a run: the only part of the log that a study does not keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from automl.store import events
from automl.trial import Event, Trial


@dataclass(frozen=True)
class Span:
    """A stage with its first and last second since the run's start."""

    stage: str
    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end - self.start


@dataclass(frozen=True)
class Timeline:
    """Stages in order, the second at which each fit ended (by its job's key), that of the last event, and when members were weighed last.

    What is tried by hand comes after that.
    """

    spans: tuple[Span, ...] = ()
    fits: Mapping[str, float] = field(default_factory=dict)
    last: float = 0.0
    weighed: float | None = None

    @property
    def ended(self) -> float:
        """When the search had come to its predictor; until now where it hasn't yet."""
        return self.last if self.weighed is None else self.weighed

    def completed(self, trial: Trial) -> float:
        """The second at which a complete trial's last held-out fold was there."""
        return max(
            (
                self.fits[key]
                for key, job in trial.jobs.items()
                if job.fold is not None and key in self.fits
            ),
            default=self.last,
        )


def read(folder: Path) -> Timeline:
    """The timeline of a run folder.

    Raises
    ------
    InputError
        It is not a run folder, or its log is damaged.
    """
    told: list[Event] = []
    fits: dict[str, float] = {}
    last = 0.0
    weighed: float | None = None
    for event in events(folder):
        last = max(last, event["time"])
        weighed = event["time"] if event["kind"] == "weights" else weighed
        if event["kind"] == "stage":
            told.append(event)
        elif event["kind"] == "fit":
            fits[event["key"]] = event["time"]
    return Timeline(_spans(told, last if weighed is None else weighed), fits, last, weighed)


def _spans(told: list[Event], last: float) -> tuple[Span, ...]:
    """Every stage is told when it begins; clean and extract once more, with what they hand on, when they end.

    Logs of earlier versions tell those two when they end alone.
    """
    spans: list[Span] = []
    for index, event in enumerate(told):
        before = spans[-1].end if spans else 0.0
        hands_on = "task" in event or "recipes" in event
        if hands_on and spans and spans[-1].stage == event["stage"]:
            spans[-1] = replace(spans[-1], end=event["time"])
        elif hands_on:
            spans.append(Span(event["stage"], before, event["time"]))
        else:
            end = told[index + 1]["time"] if index + 1 < len(told) else last
            spans.append(Span(event["stage"], event["time"], end))
    return tuple(spans)
