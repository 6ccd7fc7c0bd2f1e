"""Lab: runs jobs and records their results; nothing else adds to a running study.

It asks a policy for actions, has a scheduler hand jobs to an executor, and turns the results into
events of the journal.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from automl.arrays import Floats
from automl.budget import Budget
from automl.candidate import Job, Outcome
from automl.dataset import Dataset
from automl.errors import AutoMLError, OutOfTime
from automl.events import FitEnded, FitStarted, TrialDecided
from automl.executor._base import Executor
from automl.executor.probes import ProbeFolds, probe_folds_path, probe_predictions_path
from automl.executor.work import Encode, JobLimits, Probe, WorkResult
from automl.executor.worker import Worker
from automl.journal import Journal
from automl.lab.policy import Action, Capacity, Drop, Policy, Stop, Wait
from automl.lab.run_data import RunData
from automl.lab.scheduler import MAX_OVERRUN_SECONDS, Scheduler, limits_of
from automl.resources import SINGLE_THREAD, Resources
from automl.study import Event, Study
from automl.trial import Trial

RESULT_POLL_SECONDS = 1.0  # for results, before the policy is asked again
STOPPING_WAIT_SECONDS = 0.1
MAX_KEPT_TRIALS = 60  # whose models are kept: 1 000 trials on adult stay below 500 MB
BATCH_SIZE = 10  # jobs of a batch without a clock: more than most machines have cores
MULTITHREADED_CELLS = 2_000_000  # rows x values from which a fit gets several threads
THREADS_WITHOUT_CLOCK = 4  # of a fit on a large table, whatever the machine has


class Lab:
    """Runs the jobs of policies, and records what comes of them.

    Parameters
    ----------
    data : RunData
    executor : Executor
    budget : Budget
        The run's.
    journal : Journal, optional
    resources : Resources
        Memory and device of every fit.
    """

    def __init__(
        self,
        data: RunData,
        executor: Executor,
        budget: Budget,
        journal: Journal | None = None,
        resources: Resources = SINGLE_THREAD,
    ) -> None:
        self.data = data
        self.budget = budget
        self._journal = journal or Journal()
        self._executor = executor
        self._scheduler = Scheduler(executor, data.encoded, data.store.folder)
        self._resources = resources
        self._halted = False
        self._worker: Worker | None = None  # of this process, for fits that take no time
        self._workers_data: Dataset | None = None

    def halted(self) -> bool:
        """Return whether the user has asked to end the search."""
        return self._halted

    def halt(self) -> None:
        """Ask the running loop to stop: it cancels what is under way and starts nothing more."""
        self._halted = True

    def record(
        self,
        study: Study,
        event: Event,
    ) -> Study:
        """Return the study with an event that is recorded and shown to all observers."""
        study = self._journal.record(study, event)
        self._resources = self._resources_of_fits(study)
        return study

    def _resources_of_fits(self, study: Study) -> Resources:
        """Return what each fit may use: several threads for large tables.

        Without a clock the table alone decides, so that every machine gives the same models.
        """
        single = replace(self._resources, threads=1)
        if study.size.rows * study.size.width < MULTITHREADED_CELLS:
            return single
        if not self.budget.is_timed:
            return replace(single, threads=THREADS_WITHOUT_CLOCK)
        return replace(single, threads=self._executor.workers(single))

    def capacity(self, budget: Budget) -> Capacity:
        """Return what a policy may count on: seconds, workers, and the resources of each fit."""
        return Capacity(budget.remaining(), self.workers, self._resources)

    @property
    def workers(self) -> int:
        """How many fits can run at the same time."""
        return self._executor.workers(self._resources)

    # ------------------------------------------------------------ policies

    def run(
        self,
        policy: Policy,
        study: Study,
        budget: Budget,
    ) -> Study:
        """Run a policy's jobs until it stops or the budget ends, and return the larger study."""
        if budget.is_timed:
            return self._run_timed(policy, study, budget)
        return self._run_in_batches(policy, study, budget)

    def _run_timed(
        self,
        policy: Policy,
        study: Study,
        budget: Budget,
    ) -> Study:
        is_stopping = False
        while study.running or not is_stopping:
            action = self._next_action(policy, study, budget, is_stopping)
            if isinstance(action, Job):
                study = self._dispatch(self._start(study, action), budget)
            elif isinstance(action, Drop):
                study = self._drop(study, action)
            else:
                is_stopping = is_stopping or isinstance(action, Stop)
                if not study.running and (is_stopping or not self._scheduler.is_encoding):
                    return study
                for result in self._scheduler.after_retries(
                    self._wait_or_cancel(budget), not self._halted
                ):
                    study = self._settle(study, result)
                # Fits that stop at the deadline by themselves are still waited for.
                is_stopping = is_stopping or budget.remaining() <= 0
                study = self._dispatch(study, budget)
        return study

    def _next_action(
        self,
        policy: Policy,
        study: Study,
        budget: Budget,
        is_stopping: bool,
    ) -> Action:
        """Ask the policy, if there is time and a free worker."""
        if is_stopping or self._halted or budget.remaining() <= 0:
            return Stop()
        if not self._scheduler.has_room(self._resources):
            return Wait()
        return policy.next(study, self.capacity(budget))

    def _wait_or_cancel(self, budget: Budget) -> Sequence[WorkResult]:
        """Wait for results; after the end of the budget, cancel what does not stop."""
        left = budget.remaining()
        if not self._halted and left > 0:
            return self._executor.results(min(left, RESULT_POLL_SECONDS))
        results = self._scheduler.cancel_waiting("the budget ended")
        results += self._executor.results(0.0 if results else STOPPING_WAIT_SECONDS)
        is_over = budget.deadline + MAX_OVERRUN_SECONDS < budget.clock()
        if self._halted or is_over:
            results += self._executor.cancel("the budget ended")
        return results

    def _run_in_batches(
        self,
        policy: Policy,
        study: Study,
        budget: Budget,
    ) -> Study:
        """Run without a clock.

        Jobs are asked for in batches and recorded in the order asked, so that the number of
        workers changes nothing.
        """
        while not self._halted:
            study, jobs = self._ask_for_batch(policy, study)
            if not jobs:
                return study
            ended: dict[str, WorkResult] = {}
            while len(ended) < len(jobs):
                failed = self._scheduler.dispatch(budget, self._resources)
                ended |= {result.item.key: result for result in failed}
                self._collect(ended)
            for job in jobs:
                study = self._settle(study, ended[job.key])
        return study

    def _ask_for_batch(
        self,
        policy: Policy,
        study: Study,
    ) -> tuple[Study, list[Job]]:
        """Ask the policy for the jobs of one batch."""
        jobs: list[Job] = []
        capacity = Capacity(math.inf, BATCH_SIZE, self._resources)
        while len(jobs) < BATCH_SIZE:
            action = policy.next(study, capacity)
            if isinstance(action, Job):
                jobs.append(action)
                study = self._start(study, action)
            elif isinstance(action, Drop):
                study = self._drop(study, action)
            else:
                break
        return study, jobs

    def _collect(self, ended: dict[str, WorkResult]) -> None:
        """Wait for results; those of jobs are only kept, to be recorded when the batch is over."""
        if self._halted:
            results = self._executor.cancel("interrupted")
        else:
            results = self._executor.results(RESULT_POLL_SECONDS)
        for result in self._scheduler.after_retries(results, not self._halted):
            if isinstance(result.item, Job):
                ended[result.item.key] = result
            elif isinstance(result.item, Encode):
                self._scheduler.note_encoding(result.item.key, result.outcome)
        if self._halted:
            for result in self._scheduler.cancel_waiting("interrupted"):
                ended[result.item.key] = result

    # ------------------------------------------------------------ one job

    def _start(
        self,
        study: Study,
        job: Job,
    ) -> Study:
        study = self.record(study, FitStarted(job))
        self._scheduler.add(job)
        return study

    def _dispatch(
        self,
        study: Study,
        budget: Budget,
    ) -> Study:
        for result in self._scheduler.dispatch(budget, self._resources):
            study = self._settle(study, result)
        return study

    def _drop(
        self,
        study: Study,
        action: Drop,
    ) -> Study:
        self.data.store.delete_models(action.trial.id)
        return self.record(study, TrialDecided(action.trial.id, "dropped", action.reason))

    def _settle(
        self,
        study: Study,
        result: WorkResult,
    ) -> Study:
        """Return the study with a result: files are moved, and events recorded."""
        if isinstance(result.item, Encode):
            self._scheduler.note_encoding(result.item.key, result.outcome)
            return study
        if isinstance(result.item, Probe):
            return study
        return self._settle_fit(study, result.item, result)

    def _settle_fit(
        self,
        study: Study,
        job: Job,
        result: WorkResult,
    ) -> Study:
        trial = study.trials[job.candidate.id]
        outcome = _with_retried_first_model(job, result.outcome)
        is_wanted = trial.decided not in ("dropped", "failed")  # refits run after "done"
        if outcome.is_done and job.is_kept and is_wanted:
            self._keep_artifacts(job, result)
        event = FitEnded(trial.id, job.key, outcome, result.warnings)
        study = self.record(study, event)
        study = self._warn_of_failure(study, trial, outcome)
        return self._decide(study, study.trials[trial.id])

    def _keep_artifacts(
        self,
        job: Job,
        result: WorkResult,
    ) -> None:
        folder = self.data.store.work / "fetched" / job.key
        self._executor.fetch(result, folder)
        self.data.store.keep_artifacts(job.candidate.id, job.key, folder)

    def _warn_of_failure(
        self,
        study: Study,
        trial: Trial,
        outcome: Outcome,
    ) -> Study:
        """Record a library that can't be loaded, and a refit that failed."""
        name = trial.candidate.family
        if outcome.status == "failed" and _is_load_error(outcome.reason):
            text = f"{name} can't be used here: {outcome.reason}"
            study = self._journal.warn_once(study, "library", text)
        if trial.decided == "done" and outcome.status in ("failed", "memory", "timeout"):
            text = f"a refit of {name} {trial.id} failed: {outcome.reason}"
            study = self._journal.warn(study, "refit_failed", text)
        return study

    def decide(self, study: Study) -> Study:
        """Decide trials whose last fit was recorded by a process that ended right afterwards."""
        for trial in list(study.trials.values()):
            study = self._decide(study, trial)
        return study

    def _decide(
        self,
        study: Study,
        trial: Trial,
    ) -> Study:
        """Decide a trial that has failed or whose folds are complete."""
        if trial.decided:
            return study
        if trial.failure is not None:
            self.data.store.delete_models(trial.id)
            reason = trial.failure.reason
            return self.record(study, TrialDecided(trial.id, "failed", reason))
        if not study.is_complete(trial):
            return study
        study = self.record(study, TrialDecided(trial.id, "done"))
        for outranked in study.ranked[MAX_KEPT_TRIALS:]:
            if study.leaders[outranked.family] is not outranked:
                self.data.store.delete_models(outranked.id)
        return study

    # ------------------------------------------------------------ outside of a policy

    def wait_for_workers(
        self,
        seconds: float,
        at_least: int = 1,
    ) -> None:
        """Start the workers and wait until some are ready; nothing may be under way."""
        self._executor.warm_up(seconds, self.workers, at_least)

    def warm_up(
        self,
        study: Study,
        seconds: float,
    ) -> Study:
        """Start the workers, wait for the first one, and settle what ends meanwhile."""
        until = self.budget.clock() + seconds
        while True:
            left = max(0.0, until - self.budget.clock())
            results = self._executor.warm_up(left, self.workers)
            if not results:
                return study
            for result in self._scheduler.after_retries(results, not self._halted):
                study = self._settle(study, result)

    def start_first_model(
        self,
        study: Study,
        job: Job,
    ) -> Study:
        """Have the first model trained while the other workers load their libraries."""
        study = self.record(study, FitStarted(job))
        self._executor.submit(job, limits_of(job, self.budget))
        return study

    def fit_here(
        self,
        study: Study,
        job: Job,
    ) -> Study:
        """Do a fit that takes no time in this process: the baseline's."""
        study = self.record(study, FitStarted(job))
        result = self._worker_here().do(job, Budget())
        return self._settle(study, result)

    def _worker_here(self) -> Worker:
        """Return this process's own worker, which has the present data open."""
        dataset = self.data.dataset()
        if self._worker is None or self._workers_data is not dataset:
            self._worker = Worker(self.data.store.work)
            self._workers_data = dataset
        return self._worker

    def probe(
        self,
        probes: Mapping[str, ProbeFolds],
        budget: Budget,
    ) -> dict[str, Floats]:
        """Train quick models on folds of their own, before anything else is under way.

        Parameters
        ----------
        probes : mapping of str to ProbeFolds
            By a name that is good for a file.
        budget : Budget
            Probes that have not ended by its deadline are cancelled.

        Returns
        -------
        dict of str to ndarray
            Held-out predictions by name, without those that failed or were cancelled.
        """
        work = self.data.store.work
        for key, folds in probes.items():
            folds.save(probe_folds_path(work, key))
        waiting = [Probe(key) for key in probes]
        running = 0
        predictions: dict[str, Floats] = {}
        limits = JobLimits(budget.deadline, budget.deadline)
        while (waiting or running) and budget.remaining() > 0 and not self._halted:
            while waiting and self._executor.free(self._resources) > 0:
                self._executor.submit(waiting.pop(0), limits)
                running += 1
            for result in self._executor.results(min(RESULT_POLL_SECONDS, budget.remaining())):
                running -= 1
                if result.outcome.is_done:
                    key = result.item.key
                    predictions[key] = np.load(probe_predictions_path(work, key))
        if running:
            self._executor.cancel("there was no more time for probes")
        return predictions

    def prefetch_encoding(
        self,
        items: Iterable[Encode],
        budget: Budget,
    ) -> None:
        """Have encodings made by the workers that are free, before any job needs them."""
        for item in items:
            if not self._scheduler.is_encoded(item):
                self._scheduler.start_encoding(item, budget, self._resources)

    def encode_and_wait(self, items: Iterable[Encode]) -> None:
        """Make the encodings that are missing: an ended run's models are useless without them.

        Raises
        ------
        NoTime
            There was not enough time.
        AutoMLError
            One of them can't be made.
        """
        wanted = dict.fromkeys(items)
        while missing := [item for item in wanted if not self._scheduler.is_encoded(item)]:
            for item in missing:
                self._scheduler.start_encoding(item, self.budget, self._resources)
            for result in self._scheduler.results(RESULT_POLL_SECONDS):
                key, outcome = result.item.key, result.outcome
                if outcome.status in ("cancelled", "timeout"):
                    raise OutOfTime(f"the features {key} could not be made again in time")
                if not outcome.is_done:
                    raise AutoMLError(
                        f"the features {key} could not be made again: {outcome.reason}"
                    )
                self._scheduler.note_encoding(key, outcome)

    def close(self) -> None:
        """End the workers."""
        self._executor.close()


def _with_retried_first_model(
    job: Job,
    outcome: Outcome,
) -> Outcome:
    """Treat a timeout of the first model as cancelled, so that a resumed run tries it again."""
    if job.candidate.is_first_model and outcome.status == "timeout":
        return replace(outcome, status="cancelled", reason="the budget ended")
    return outcome


def _is_load_error(reason: str) -> bool:
    """Return whether a fit failed because its library, or what it needs, is not installed."""
    return reason.startswith(("ImportError", "ModuleNotFoundError", "OSError: lib"))
