"""How many seconds are kept back for the end of a run, and how much slower this machine is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from automl.budget import Budget, Stopwatch, measure_crowding
from automl.events import DataPrepared
from automl.insight import seconds_to_learn
from automl.lab.lab import Lab
from automl.pipeline import Step
from automl.run.checkpoint import Checkpointer, has_answer
from automl.run.scoring import TableScoring
from automl.run.settings import Settings
from automl.stages.traits import seconds_needed
from automl.study import Event, Study

LIKELY_MEMBERS = 8  # trials that a predictor may well be made of
PACKED_BYTES_PER_SECOND = 4e8
WRITING_SECONDS = 0.9  # leaderboard, report and teardown; twice what they take on a free machine
MIN_END_SECONDS = 0.3  # that ensemble, packing and report take at least on a free machine
SLACK_SHARE = 0.005  # of the time left is kept back, in case others want the cores later
MAX_SLACK_SECONDS = 5.0
MAX_PACKING_SLOWDOWN = 2.0
LESSONS_TIME_SHARE = 0.04  # of a run may go into what the search teaches
FIRST_MODEL_SHARE = 0.5  # of the time left is for the search as long as there is no model


class Slowdown:
    """An observer that measures how much slower cleaning was than on a free machine.

    From the end of cleaning on the process mostly waits, so that nothing can be measured.
    """

    def __init__(self) -> None:
        self._watch = Stopwatch.started()
        self.factor = 1.0

    def __call__(
        self,
        study: Study,
        event: Event,
    ) -> None:
        """Measure when the data is prepared."""
        if isinstance(event, DataPrepared):
            self.factor = self._watch.slowdown()

    @property
    def expected_at_end(self) -> float:
        """How much slower the end will be than on a free machine.

        If nobody competes for the cores, cleaning was slow only because it waited for the disk.
        """
        crowded = measure_crowding()
        return max(crowded, self.factor) if crowded > 1.0 else 1.0


@dataclass(frozen=True)
class Reserves:
    """Time that a run keeps back of its budget.

    Parameters
    ----------
    settings : Settings
    lab : Lab
    checkpointer : Checkpointer
        Measures how long the predictor takes to write.
    slowdown : Slowdown
    test : TableScoring or None
        A test table that must be scored at the end.
    """

    settings: Settings
    lab: Lab
    checkpointer: Checkpointer
    slowdown: Slowdown
    test: TableScoring | None = None

    def for_stage(
        self,
        study: Study,
        later: Sequence[Step],
    ) -> Budget:
        """Return the run's budget without what is needed after a stage.

        Parameters
        ----------
        study : Study
        later : sequence of Step
            The stages that follow.
        """
        budget = self.lab.budget
        seconds = self._end(study) + self._lessons(study)
        seconds += sum(seconds_needed(step.stage, study, self.lab, budget) for step in later)
        seconds += self.test.reserve(study, budget) if self.test else 0.0
        return budget.reserve(self._bounded(seconds, study))

    def for_end(self, study: Study) -> Budget:
        """Return the run's budget without what its end alone needs."""
        return self.lab.budget.reserve(self._bounded(self._end(study), study))

    def _end(self, study: Study) -> float:
        """Return the seconds for packing, leaderboard, report and teardown.

        They grow with the size of the predictor and with how crowded the machine is.
        """
        budget = self.lab.budget
        slack = SLACK_SHARE * budget.remaining() if budget.is_timed else 0.0
        crowded = self.slowdown.expected_at_end
        packing = max(self.checkpointer.saving, _likely_bytes(study) / PACKED_BYTES_PER_SECOND)
        seconds = WRITING_SECONDS * crowded
        # the packing was measured in this run, on the busy machine, so it counts twice at most
        seconds += 3.0 * packing * min(MAX_PACKING_SLOWDOWN, crowded)
        return seconds + min(MAX_SLACK_SECONDS, slack)

    def _lessons(self, study: Study) -> float:
        """Return what the report's chapter on the search takes, if that is a small part."""
        seconds = seconds_to_learn(study)
        whole = self.settings.seconds
        if not self.settings.lasting or whole is None:
            return 0.0
        return seconds if seconds < LESSONS_TIME_SHARE * whole else 0.0

    def _bounded(
        self,
        seconds: float,
        study: Study,
    ) -> float:
        """Return a reserve that leaves time for a first model, if there is none yet."""
        budget = self.lab.budget
        if has_answer(study) or not budget.is_timed:
            return seconds
        least = MIN_END_SECONDS * self.slowdown.expected_at_end
        return min(seconds, max(least, (1 - FIRST_MODEL_SHARE) * budget.remaining()))


def _likely_bytes(study: Study) -> int:
    """Return the size of the models that the predictor may be made of."""
    total = 0
    for trial in study.ranked[:LIKELY_MEMBERS]:
        total += sum(outcome.size for outcome in trial.full_outcomes.values())
    return total
