"""Scheduler: which items wait, which encodings they need, and when each must end."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from automl.budget import Budget
from automl.candidate import Job, Outcome
from automl.executor._base import Executor
from automl.executor.work import (
    Encode,
    JobLimits,
    WorkResult,
    encodings_for,
)
from automl.resources import Resources

KILL_AFTER_SECONDS = 0.4  # after its time limit, for a fit that is writing its files
MAX_OVERRUN_SECONDS = 0.15  # after the end of a stage
# A fit is told to stop after this share of its time limit, minus the seconds: the rest is for
# predicting and writing.
SELF_STOP_SHARE = 0.95
SELF_STOP_MARGIN_SECONDS = 0.05


class Scheduler:
    """Hands items to an executor, encodings before the jobs that need them.

    Parameters
    ----------
    executor : Executor
    encoded : set of str
        Keys of the encodings that exist; new ones are added.
    folder : Path
        The run's folder, for messages about its disk.
    """

    def __init__(
        self,
        executor: Executor,
        encoded: set[str],
        folder: Path,
    ) -> None:
        self._executor = executor
        self._encoded = encoded
        self._folder = folder
        self._encoding: set[str] = set()  # keys of the encodings under way
        self._broken: dict[str, Outcome] = {}  # encodings that can't be made
        self._waiting: list[Job] = []
        self._lost: set[str] = set()  # items whose worker died once

    @property
    def is_encoding(self) -> bool:
        """Whether an encoding is under way."""
        return bool(self._encoding)

    def has_room(self, each: Resources) -> bool:
        """Return whether a worker stays free after all queued jobs that have their encodings."""
        ready = [job for job in self._waiting if not self._waits_for_encoding(job)]
        if self._executor.free(each) <= len(ready):
            return False
        return len(self._waiting) < 2 * self._executor.workers(each)

    def _waits_for_encoding(self, job: Job) -> bool:
        return any(item.key in self._encoding for item in encodings_for(job))

    def add(self, job: Job) -> None:
        """Queue a job, which waits for a worker and its encodings."""
        self._waiting.append(job)

    def dispatch(
        self,
        budget: Budget,
        each: Resources,
    ) -> list[WorkResult]:
        """Give waiting jobs to free workers.

        A job whose encoding does not exist has it made first.

        Returns
        -------
        list of WorkResult
            Jobs that fail at once, because an encoding of theirs can't be made.
        """
        failed = self._without_encodings()
        for job in list(self._waiting):
            if self._executor.free(each) <= 0:
                break
            missing = [item for item in encodings_for(job) if item.key not in self._encoded]
            if not missing:
                self._waiting.remove(job)
                self._executor.submit(job, limits_of(job, budget))
            for item in missing:
                self.start_encoding(item, budget, each)
        return failed

    def _without_encodings(self) -> list[WorkResult]:
        """Return the waiting jobs whose encodings can't be made, as failed."""
        results = []
        for job in list(self._waiting):
            keys = [item.key for item in encodings_for(job)]
            broken = next((self._broken[key] for key in keys if key in self._broken), None)
            if broken is not None:
                self._waiting.remove(job)
                outcome = replace(broken, reason=f"its features: {broken.reason}")
                results.append(WorkResult(job, outcome))
        return results

    def start_encoding(
        self,
        item: Encode,
        budget: Budget,
        each: Resources,
    ) -> None:
        """Start an encoding, unless it is under way or no worker is free."""
        if item.key not in self._encoding and self._executor.free(each) > 0:
            self._encoding.add(item.key)
            self._executor.submit(item, JobLimits(budget.deadline, budget.deadline))

    def note_encoding(
        self,
        key: str,
        outcome: Outcome,
    ) -> None:
        """Remember how an encoding ended; an interrupted one may succeed in a later stage."""
        self._encoding.discard(key)
        if outcome.is_done:
            self._encoded.add(key)
        elif outcome.status not in ("cancelled", "timeout"):
            self._broken[key] = outcome

    def is_encoded(self, item: Encode) -> bool:
        """Return whether an encoding exists."""
        return item.key in self._encoded

    def results(self, seconds: float) -> Iterator[WorkResult]:
        """Yield what ends within these seconds."""
        return self.after_retries(self._executor.results(seconds))

    def after_retries(
        self,
        results: Iterable[WorkResult],
        retry: bool = True,
    ) -> Iterator[WorkResult]:
        """Yield results, except those of items that are tried once more.

        An item whose worker died is tried again, since the worker may have been killed for
        another reason; if that happens twice, the item has failed. A lost job is queued again; a
        lost encoding is started again by the next `dispatch` of a job that needs it.

        Raises
        ------
        OSError
            The disk can't be written, for which every other fit would fail, too.
        """
        for result in results:
            if result.disk_error:
                reason = os.strerror(result.disk_error)
                raise OSError(result.disk_error, reason, str(self._folder))
            key = result.item.key
            if not result.worker_died or not retry or key in self._lost:
                yield result
                continue
            self._lost.add(key)
            self._encoding.discard(key)
            if isinstance(result.item, Job):
                self._waiting.append(result.item)

    def cancel_waiting(self, reason: str) -> list[WorkResult]:
        """Return all waiting jobs as cancelled."""
        outcome = Outcome("cancelled", reason=reason)
        results = [WorkResult(job, outcome) for job in self._waiting]
        self._waiting.clear()
        return results


def limits_of(
    job: Job,
    budget: Budget,
) -> JobLimits:
    """Return when a fit must stop by itself, and when it is killed."""
    seconds = min(job.seconds, budget.remaining())
    if math.isinf(seconds):
        return JobLimits()
    now = budget.clock()
    deadline = now + SELF_STOP_SHARE * seconds - SELF_STOP_MARGIN_SECONDS
    kill_at = min(now + seconds + KILL_AFTER_SECONDS, budget.deadline + MAX_OVERRUN_SECONDS)
    return JobLimits(deadline, kill_at)
