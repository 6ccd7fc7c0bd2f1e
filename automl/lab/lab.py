"""The Lab: runs a policy's jobs on a workbench, turns what comes of them into events, and keeps the run's arrays.

The only place that adds to a study while it runs. Every larger study is shown with its event to the observers, the
recorder first; one that fails is told once in the log and never costs the run.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from automl import extensions
from automl.budget import Budget
from automl.cleaning import Cleaner
from automl.dataset import EXTENSIONS, Dataset, open_dataset
from automl.errors import AutoMLError, NoTime
from automl.executor._base import Executor
from automl.executor.probes import ProbeFolds, predictions_path, split_path
from automl.executor.work import DIED, Encode, Probe, WorkItem, WorkResult, encodings_for
from automl.executor.worker import Worker, open_encoding, rows_of
from automl.features.encoding import Encoding
from automl.files import disk_trouble
from automl.lab.policy import Action, Capacity, Drop, Policy, Stop, Wait
from automl.problem import NOTHING
from automl.store import Store
from automl.trial import Event, Job, Outcome, Study, Trial, begun, decided, fitted

Floats = npt.NDArray[np.float64]
Observer = Callable[[Study, Event], None]

KILL_AFTER = 0.4  # seconds beyond its limit that a fit may need to write its files
LATEST = 0.15  # seconds beyond a stage's end
KEPT = 60  # complete trials whose models and predictions are kept: 1 000 trials on adult stay below 500 MB
ROUND = 10  # jobs asked for at a time under `--trials`: more than most machines have cores, and the same on all of them


class Lab:
    """Where models are trained.

    Parameters
    ----------
    store : Store
    bench : Bench
    whole : Budget
        The run's.

    Attributes
    ----------
    problem : Problem
        What the user asks; a run that goes on with its data at hand asks nothing.
    threads : int
        Threads of each fit.
    extensions : Extensions
        The run's own families: its workers get them with the data.
    slowdown : float
        How much slower this process gets on than on a free machine, as far as that was measured.
    """

    def __init__(self, store: Store, executor: Executor, whole: Budget) -> None:
        self.store = store
        self.executor = executor
        self.whole = whole
        self.problem = NOTHING
        self.threads = 1
        self.extensions = extensions.NO_EXTENSIONS
        self.slowdown = 1.0
        self._halt = False
        self.cleaner: Cleaner | None = None
        self.recorder: Observer | None = None
        self.observers: list[Observer] = []
        self._dataset: Dataset | None = None
        self._desk: Worker | None = None  # of this process, for what takes no time
        self._encoded: set[str] = set()  # encodings that are there
        self._encoding: set[str] = set()  # encodings that are being made
        self._broken: dict[str, Outcome] = {}  # encodings that can't be made
        self._waiting: list[Job] = []  # for an encoding
        self._lost: set[str] = set()  # work whose worker died once

    def halted(self) -> bool:
        """Whether the user has asked to end the search."""
        return self._halt

    def halt(self) -> None:
        """Start nothing more, and end what is running."""
        self._halt = True

    # ------------------------------------------------------------ the log

    def tell(self, study: Study, event: Event) -> Study:
        """Add an event to the study, record it, and show both to the observers."""
        study = study.add(event)
        if self.recorder is not None:
            self.recorder(study, event)
        for observer in list(self.observers):
            try:
                observer(study, event)
            except Exception as error:
                if disk_trouble(error) or isinstance(error, FileNotFoundError):
                    raise  # a full disk or a vanished folder is the run's own affair
                self.observers.remove(observer)
                text = f"{getattr(observer, '__qualname__', type(observer).__name__)} failed: {type(error).__name__}: {error}"
                study = self._warn(study, "observer_failed", text)
        return study

    def _warn(self, study: Study, code: str, text: str) -> Study:
        """Tell of what went wrong and costs the run nothing."""
        finding = {"code": code, "columns": [], "severity": "warning", "count": 1, "action": text}
        return self.tell(
            study, {"kind": "finding", "finding": finding | {"examples": [], "override": ""}}
        )

    def _tell_once(self, study: Study, code: str, text: str) -> Study:
        """Tell of what goes wrong again and again when it does for the first time."""
        is_told = any(
            finding["code"] == code and finding["action"] == text for finding in study.findings
        )
        return study if is_told else self._warn(study, code, text)

    # ------------------------------------------------------------ arrays

    def keep(self, dataset: Dataset, cleaner: Cleaner | None = None) -> None:
        """Lay the run's data down for the workers, whole or not at all, and keep the cleaner for the predictor."""
        self._dataset, self._desk = dataset, None
        self.cleaner = cleaner
        half, whole = self.store.work / ".data", self.store.work / "data"
        shutil.rmtree(whole, ignore_errors=True)
        dataset.save(half)
        if cleaner is not None:
            (half / "cleaner.json").write_text(json.dumps(cleaner.to_state()), encoding="utf-8")
        self._hand_on(dataset, half)
        os.replace(half, whole)

    def recall(self) -> bool:
        """Take up what a run that goes on has in `work/`: its data, its cleaner and its encodings; False if its data isn't there."""
        folder = self.store.work / "data"
        if not (folder / "cleaner.json").exists():
            return False
        self._dataset = open_dataset(folder)
        self._hand_on(self._dataset, folder)
        self.cleaner = Cleaner.from_state(
            json.loads((folder / "cleaner.json").read_text(encoding="utf-8"))
        )
        self._encoded = {path.name for path in (self.store.work / "encoded").glob("*")}
        return True

    def _hand_on(self, dataset: Dataset, folder: Path) -> None:
        """Write what workers need of what this process was given beside their data. A pickle that lies there is never read: it goes."""
        file = folder / EXTENSIONS
        shutil.rmtree(file) if file.is_dir() else file.unlink(missing_ok=True)
        extensions.keep(self.extensions, dataset.task.metric, file)

    def forget(self) -> None:
        """Remove the run's data: it isn't what it should be."""
        self._dataset, self.cleaner = None, None
        shutil.rmtree(self.store.work, ignore_errors=True)

    def encode(self, items: Iterable[Encode]) -> None:
        """Have encodings made that aren't there, outside of any job: models of an ended run are nothing without them."""
        wanted = dict.fromkeys(items)
        while lacking := [item for item in wanted if item.key not in self._encoded]:
            for item in lacking:
                self._make(item, self.whole)
            for result in self._heard(self.executor.wait(1.0)):
                if result.outcome.status in ("cut", "timeout"):
                    raise NoTime(f"the features {result.item.key} could not be made again in time")
                if result.outcome.status != "done":
                    raise AutoMLError(
                        f"the features {result.item.key} could not be made again: {result.outcome.reason}"
                    )
                self._taken_in(result.item.key, result.outcome)

    def probe(self, splits: Mapping[str, ProbeFolds], budget: Budget) -> dict[str, Floats]:
        """Have quick models trained under folds of their own, before anything else is under way.

        Parameters
        ----------
        splits : mapping of str to ProbeFolds
            By a name that is good for a file.
        budget : Budget
            What has not ended by its deadline is ended.

        Returns
        -------
        dict of str to ndarray
            Held-out predictions by name; those that failed or were ended are left out.
        """
        for key, split in splits.items():
            split.save(split_path(self.store.work, key))
        waiting, running = [Probe(key) for key in splits], 0
        done: dict[str, Floats] = {}
        while (waiting or running) and budget.remaining() > 0 and not self.halted():
            while waiting and self.executor.idle() > 0:
                self.executor.start(waiting.pop(0), budget.deadline, budget.deadline)
                running += 1
            for result in self.executor.wait(min(1.0, budget.remaining())):
                running -= 1
                if result.outcome.status == "done":
                    done[result.item.key] = np.load(
                        predictions_path(self.store.work, result.item.key)
                    )
        if running:
            self.executor.stop("there was no more time for probes")
        return done

    def encode_soon(self, items: Iterable[Encode], budget: Budget) -> None:
        """Have the first of these encodings made by the workers that are free, before any job asks for them."""
        for item in items:
            if item.key not in self._encoded:
                self._make(item, budget)

    def _make(self, item: Encode, budget: Budget) -> None:
        """Have an encoding made, if there is a free worker and nobody is at it."""
        if item.key not in self._encoding and self.executor.idle() > 0:
            self._encoding.add(item.key)
            self.executor.start(item, budget.deadline, budget.deadline)

    def _taken_in(self, key: str, outcome: Outcome) -> None:
        """Note what came of an encoding."""
        self._encoding.discard(key)
        if outcome.status == "done":
            self._encoded.add(key)
        elif outcome.status not in ("cut", "timeout"):  # those may succeed in a later stage
            self._broken[key] = outcome

    def dataset(self) -> Dataset:
        """The data that `keep` was given."""
        if self._dataset is None:
            raise LookupError("the data set is known from the clean stage on")
        return self._dataset

    def predictions(
        self, study: Study, trial: Trial
    ) -> tuple[Floats, npt.NDArray[np.bool_]] | None:
        """Out-of-fold predictions of a complete trial, averaged over repeats, and which rows have one; None if they were let go."""
        data = self.dataset()
        n_rows, task = len(data.y), data.task
        total = np.zeros(n_rows if task.is_regression else (n_rows, task.n_outputs))
        count = np.zeros(n_rows)
        for split in study.plan.splits:
            key = trial.key_at(*split)
            array = self.store.predictions(trial.id, key) if key else None
            if array is None:
                return None
            rows = data.folds.held(*split)
            total[rows] += array
            count[rows] += 1
        divisor = np.maximum(count, 1)
        total /= (
            divisor if task.is_regression else divisor[:, None]
        )  # in place: of many rows and classes it takes a gigabyte
        return total, count > 0

    def held_out(self, trial: Trial) -> list[tuple[npt.NDArray[np.int64], Floats]] | None:
        """The rows that were held out so far for a trial, complete or not, with its predictions; None if they were let go."""
        found = []
        for split in trial.splits:
            key = trial.key_at(*split)
            array = self.store.predictions(trial.id, key) if key else None
            rows = rows_of(self.dataset(), trial.jobs[key])[1] if key else None
            if array is None or rows is None:
                return None
            found.append((rows, np.asarray(array, np.float64)))
        return found or None

    def model(self, trial: Trial, split: tuple[int, int | None]) -> bytes | None:
        """The packed state of one fitted model of a trial."""
        key = trial.key_at(*split)
        return self.store.model(trial.id, key) if key else None

    def encoding(self, item: Encode) -> Encoding:
        """The fitted encoders of a recipe, shared or of one fold."""
        return open_encoding(self.store.work / "encoded" / item.key)

    # ------------------------------------------------------------ running

    def run(self, policy: Policy, study: Study, budget: Budget) -> Iterator[Study]:
        """Run a policy's jobs until it stops or the budget ends: one larger study an event."""
        if budget.timed:
            yield from self._by_the_clock(policy, study, budget)
        else:
            yield from self._in_rounds(policy, study, budget)

    def _by_the_clock(self, policy: Policy, study: Study, budget: Budget) -> Iterator[Study]:
        stopping = False
        while not (stopping and not study.running):
            move: Action = (
                Stop()
                if stopping or self.halted() or budget.remaining() <= 0
                else self._ask(policy, study, budget)
            )
            if isinstance(move, Job):
                study = self._dispatch(self._begin(study, move), budget)
                yield study
            elif isinstance(move, Drop):
                study = self._drop(study, move)
                yield study
            else:
                stopping = stopping or isinstance(move, Stop)
                if not study.running and (stopping or not self._encoding):
                    return
                for result in self._heard(self._results(budget)):
                    study = self._take_in(study, result)
                    yield study
                if (
                    budget.remaining() <= 0
                ):  # what stops by itself at the deadline is waited for, for a moment
                    stopping = True
                before, study = study, self._dispatch(study, budget)
                if study is not before:
                    yield study

    def _ask(self, policy: Policy, study: Study, budget: Budget) -> Action:
        """The policy's next move, if there is a free worker for it."""
        unserved = [
            job
            for job in self._waiting
            if not any(item.key in self._encoding for item in encodings_for(job))
        ]
        if self.executor.idle() <= len(unserved) or len(self._waiting) >= 2 * self.executor.workers:
            return Wait()
        return policy.next(study, Capacity(budget.remaining(), self.executor.workers, self.threads))

    def _results(self, budget: Budget) -> list[WorkResult]:
        if not self.halted() and budget.remaining() > 0:
            return self.executor.wait(min(budget.remaining(), 1.0))
        cut = [WorkResult(job, Outcome("cut", reason="the budget ended")) for job in self._waiting]
        self._waiting.clear()
        over = self.halted() or budget.deadline + LATEST < budget.clock()
        return (
            cut
            + self.executor.wait(0.0 if cut else 0.1)
            + (self.executor.stop("the budget ended") if over else [])
        )

    def _in_rounds(self, policy: Policy, study: Study, budget: Budget) -> Iterator[Study]:
        """Without a clock: jobs are asked for in rounds, and added in the order asked, so that `--jobs` changes nothing."""
        while not self.halted():
            asked: list[Job] = []
            while len(asked) < ROUND:
                move = policy.next(study, Capacity(math.inf, ROUND, self.threads))
                if isinstance(move, Job):
                    asked.append(move)
                    study = self._begin(study, move)
                elif isinstance(move, Drop):
                    study = self._drop(study, move)
                else:
                    break
                yield study
            if not asked:
                return
            ended: dict[str, WorkResult] = {}
            while len(ended) < len(asked):
                study = self._dispatch(study, budget, ended)
                study = self._collect(study, ended)
            for job in asked:
                study = self._take_in(study, ended[job.key])
                yield study

    def _collect(self, study: Study, ended: dict[str, WorkResult]) -> Study:
        """Wait for what ends next; reports of jobs are only kept, to be added when the round is over."""
        for result in self._heard(
            self.executor.stop("interrupted") if self.halted() else self.executor.wait(1.0)
        ):
            if isinstance(result.item, Job):
                ended[result.item.key] = result
            else:
                study = self._take_in(study, result)
        if self.halted():
            ended |= {
                job.key: WorkResult(job, Outcome("cut", reason="interrupted"))
                for job in self._waiting
            }
            self._waiting.clear()
        return study

    def _heard(self, results: Iterable[WorkResult]) -> Iterator[WorkResult]:
        """Reports without those of work that is done once more.

        Whatever killed a worker may have meant another one; who dies twice over one piece of work dies of it. A disk that can't
        be written ends the run: every other fit would fail of it, too.
        """
        for result in results:
            if result.trouble:
                raise OSError(result.trouble, os.strerror(result.trouble), str(self.store.folder))
            key = result.item.key
            if result.outcome.reason != DIED or key in self._lost or self.halted():
                yield result
                continue
            self._lost.add(key)
            self._encoding.discard(key)
            if isinstance(result.item, Job):
                self._waiting.append(result.item)

    # ------------------------------------------------------------ beside a policy

    def warm(self, study: Study, seconds: float) -> Study:
        """Wait for a worker, at most so many seconds, and take in what ends meanwhile."""
        until = self.whole.clock() + seconds
        while results := self.executor.warm(max(0.0, until - self.whole.clock())):
            for result in self._heard(results):
                study = self._take_in(study, result)
        return study

    def start_first_model(self, study: Study, job: Job) -> Study:
        """Have the first model trained by a worker of its own, while the others load their libraries."""
        study = self.tell(study, begun(job))
        self.executor.start_first(job, *self._deadlines(job, self.whole))
        return study

    def do_here(self, study: Study, job: Job) -> Study:
        """Do a fit that takes no time in this process: the constant's."""
        study = self.tell(study, begun(job))
        if self._desk is None:
            self._desk = Worker(self.store.work)
        return self._take_in(study, self._desk.do(job, Budget()))

    # ------------------------------------------------------------ one job

    def _drop(self, study: Study, move: Drop) -> Study:
        self.store.let_go(move.trial.id)
        return self.tell(study, decided(move.trial, "dropped", move.reason))

    def _begin(self, study: Study, job: Job) -> Study:
        study = self.tell(study, begun(job))
        self._waiting.append(job)
        return study

    def _dispatch(
        self, study: Study, budget: Budget, ended: dict[str, WorkResult] | None = None
    ) -> Study:
        """Hand waiting jobs to free workers; one whose encoding isn't there has it made first, one whose can't be made ends."""
        for result in self._hopeless():
            if ended is None:
                study = self._take_in(study, result)
            else:
                ended[result.item.key] = result
        for job in list(self._waiting):
            if self.executor.idle() <= 0:
                break
            lacking = [item for item in encodings_for(job) if item.key not in self._encoded]
            if not lacking:
                self._waiting.remove(job)
                self.executor.start(job, *self._deadlines(job, budget))
            for item in lacking:
                self._make(item, budget)
        return study

    def _deadlines(self, job: Job, budget: Budget) -> tuple[float, float]:
        """When a fit is to stop by itself, which leaves time to predict and write, and when it is killed."""
        seconds = min(job.seconds, budget.remaining())
        if math.isinf(seconds):
            return math.inf, math.inf
        now = budget.clock()
        return now + 0.95 * seconds - 0.05, min(
            now + seconds + KILL_AFTER, budget.deadline + LATEST
        )

    def _hopeless(self) -> list[WorkResult]:
        """Waiting jobs whose encoding can't be made."""
        results = []
        for job in list(self._waiting):
            broken = next(
                (self._broken[item.key] for item in encodings_for(job) if item.key in self._broken),
                None,
            )
            if broken:
                self._waiting.remove(job)
                results.append(
                    WorkResult(job, replace(broken, reason=f"its features: {broken.reason}"))
                )
        return results

    def _take_in(self, study: Study, result: WorkResult) -> Study:
        """Put what came of a piece of work where it belongs."""
        item: WorkItem = result.item
        if isinstance(item, Encode):
            self._taken_in(item.key, result.outcome)
            return study
        if isinstance(item, Probe):
            return study
        known = study.trials[item.candidate.id]
        if (
            item.candidate.is_first and result.outcome.status == "timeout"
        ):  # the run's end did that: a run that goes on tries it again
            result = replace(
                result, outcome=replace(result.outcome, status="cut", reason="the budget ended")
            )
        is_kept = item.is_kept and known.decided not in (
            "dropped",
            "failed",
        )  # a refit comes after the decision
        if result.outcome.status == "done" and is_kept:
            self.store.take_in(item.candidate.id, item.key, self.store.work / "made" / item.key)
        study = self.tell(
            study, {**fitted(item, result.outcome), "warnings": list(result.warnings)}
        )
        if result.outcome.status == "failed" and _cannot_be_loaded(result.outcome.reason):
            study = self._tell_once(
                study,
                "library",
                f"{item.candidate.family} can't be used here: {result.outcome.reason}",
            )
        if known.decided == "done" and result.outcome.status in ("failed", "memory", "timeout"):
            study = self._warn(
                study,
                "refit_failed",
                f"a refit of {item.candidate.family} {known.id} failed: {result.outcome.reason}",
            )
        return self._decide(study, study.trials[item.candidate.id])

    def decide(self, study: Study) -> Study:
        """Decide the trials whose last fit was recorded by a process that ended before it could say what follows."""
        for trial in list(study.trials.values()):
            study = self._decide(study, trial)
        return study

    def _decide(self, study: Study, trial: Trial) -> Study:
        """A trial with a failure, or whose folds are complete, is decided by itself."""
        if trial.decided:
            return study
        if trial.failure:
            self.store.let_go(trial.id)
            return self.tell(study, decided(trial, "failed", trial.failure.reason))
        if not study.complete(trial):
            return study
        study = self.tell(study, decided(trial, "done"))
        for late in study.ranked[KEPT:]:
            if study.leaders[late.candidate.family] is not late:
                self.store.let_go(late.id)
        return study

    def close(self) -> None:
        """End the workers."""
        self.executor.close()


def _cannot_be_loaded(reason: str) -> bool:
    """Whether a fit failed because its library is not there, or lacks what it needs from the system."""
    return reason.startswith(("ImportError", "ModuleNotFoundError", "OSError: lib"))
