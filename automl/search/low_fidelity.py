"""Low fidelity: candidates are tried on a sample of rows first, and the best continue with all.

Such a fit is a "look". It is for tables of which few fits on all rows can be afforded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from automl.candidate import Candidate, Job
from automl.lab.policy import Action, Capacity, Drop, Stop, Wait
from automl.search.costs import formula_seconds, formula_seconds_of_all_rows
from automl.search.racing import MIN_FIT_SECONDS, RaceRules, describe_gap, relative_gap
from automl.study import Study
from automl.trial import Trial

MIN_ROWS = 5_000  # of a sample
MIN_OTHER_ROWS = 100  # of them that are not of the most frequent class
LOOKS_TIME_SHARE = 0.2  # of the stage
MIN_LOOKS = 4  # that there must be time for
SAMPLE_DIVISORS = (4, 8, 16, 32, 64)  # of the rows
MIN_CANDIDATES_AFTER_LOOKS = 2  # that the stage must have time for: it is known who is good
MARGIN_FACTOR = 0.4  # of a race's margin: candidates further behind the best look are dropped
# The best looks that continue however far they lie apart: where the lead is small, that is noise.
N_KEPT_LOOKS = 2


def choose_sample_rows(
    study: Study,
    candidates: Sequence[Candidate],
    seconds: float,
) -> int | None:
    """Return the number of rows to try candidates on.

    It is None where looks are not worth it: with several folds, the first one is enough, and so
    is time for all candidates.

    Parameters
    ----------
    seconds : float
        Of all cores together.
    """
    if len(study.plan.splits) > 1 or math.isinf(seconds):
        return None
    models = [candidate for candidate in candidates if not candidate.is_baseline]
    estimates = [formula_seconds_of_all_rows(study, candidate) for candidate in models]
    if sum(estimates) <= seconds:
        return None
    size = study.size
    n_models = study.plan.models
    sample_rows = None
    for divisor in SAMPLE_DIVISORS:
        rows = size.rows // divisor
        other_rows = size.others // divisor
        if rows < MIN_ROWS or other_rows < MIN_OTHER_ROWS:
            continue
        sample_rows = rows
        costs = [formula_seconds(study, candidate, rows, n_models) for candidate in models]
        if sum(costs) <= LOOKS_TIME_SHARE * seconds:
            break
    return sample_rows


class LowFidelityPolicy:
    """A policy that trains every candidate once on a sample of rows, as long as there is time.

    The baseline, which comes first, is trained on all rows. Then hopeless candidates are dropped.

    Parameters
    ----------
    race : RaceRules
    rows : int
        Of the sample.
    """

    def __init__(self, candidates: Sequence[Candidate], race: RaceRules, rows: int) -> None:
        self._candidates = list(candidates)
        self._race = race
        self._rows = rows

    def next(self, study: Study, capacity: Capacity) -> Action:
        """Return the next look, or the next candidate that is not worth more."""
        reserved = (1 - LOOKS_TIME_SHARE) * self._race.seconds
        seconds_left = capacity.seconds - reserved
        if seconds_left > 0:
            for candidate in self._candidates:
                if candidate.id not in study.trials:
                    return self._job(study, candidate, seconds_left, capacity)
        if study.running:
            return Wait()
        return self._drop(study) or Stop()

    def _job(
        self,
        study: Study,
        candidate: Candidate,
        seconds_left: float,
        capacity: Capacity,
    ) -> Job:
        split = study.plan.splits[0]
        job = self._race.job(study, candidate, split, capacity)
        if candidate.is_baseline:
            return job
        seconds = max(MIN_FIT_SECONDS, seconds_left / MIN_LOOKS)
        return replace(job, rows=self._rows, seconds=seconds)

    def _drop(self, study: Study) -> Drop | None:
        """Drop the next undecided trial that lies far behind the best look.

        A look that its deadline ended says too little for that.
        """
        losses = _look_losses(study)
        baseline_loss = math.inf
        for trial in study.trials.values():
            if trial.candidate.is_baseline:
                baseline_loss = min(baseline_loss, trial.loss)
        ranked = sorted(losses, key=lambda name: losses[name])
        margin = MARGIN_FACTOR * self._race.margin
        for name in ranked[N_KEPT_LOOKS:]:
            trial = study.trials[name]
            if trial.decided or _is_look_cut_short(trial):
                continue
            best_loss = losses[ranked[0]]
            gap = relative_gap(losses[name], best_loss, baseline_loss)
            if gap > margin:
                return Drop(trial, f"{describe_gap(gap)}, on some rows")
        return None


def sort_by_look(study: Study, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Sort candidates by their looks.

    The baseline is first, then come the candidates from the best look to the worst, then those
    without one in their order.
    """
    losses = _look_losses(study)

    def key(candidate: Candidate) -> float:
        if candidate.is_baseline:
            return -math.inf
        return losses.get(candidate.id, math.inf)

    return sorted(candidates, key=key)


def _look_losses(study: Study) -> dict[str, float]:
    losses = {}
    for trial in study.trials.values():
        look = trial.low_fidelity
        if look is not None and look.loss is not None:
            losses[trial.id] = look.loss
    return losses


def _is_look_cut_short(trial: Trial) -> bool:
    return trial.low_fidelity is not None and trial.low_fidelity.stopped
