"""SimulatedLab: a Lab that trains nothing, for testing and comparing policies."""

from __future__ import annotations

import math
from collections.abc import Callable

from automl.budget import Budget
from automl.candidate import Job, Outcome
from automl.executor.simulated import SimulatedExecutor
from automl.journal import Journal
from automl.lab.lab import Lab
from automl.lab.run_data import RunData
from automl.problem import EMPTY_PROBLEM, Problem
from automl.store import Store


class SimulatedLab(Lab):
    """A Lab over recorded outcomes, whose clock jumps from one end of a fit to the next.

    Parameters
    ----------
    store : Store
    outcome_of : callable
        Return the outcome of a job; its `seconds` are what the job takes on the fake clock.
    seconds : float
        The budget.
    workers : int
    journal : Journal, optional
    problem : Problem, optional
    """

    def __init__(
        self,
        store: Store,
        outcome_of: Callable[[Job], Outcome],
        seconds: float = math.inf,
        workers: int = 2,
        journal: Journal | None = None,
        problem: Problem = EMPTY_PROBLEM,
    ) -> None:
        executor = SimulatedExecutor(outcome_of, workers)
        data = RunData(store, lambda: problem)
        super().__init__(data, executor, Budget(seconds, executor.clock), journal)
        self.clock = executor.clock
