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

MIN_SAMPLE_ROWS = 5_000  # of a sample
MIN_OTHER_ROWS = 100  # of them that are not of the most frequent class
TIME_SHARE = 0.2  # of the stage
MIN_EVALUATIONS = 4  # that there must be time for
SAMPLE_DIVISORS = (4, 8, 16, 32, 64)  # of the rows
MIN_CANDIDATES_AFTERWARDS = 2  # that the stage must have time for: the good ones are known
MARGIN_FACTOR = 0.4  # of a race's margin: candidates further behind the best are dropped
# This many of the best always continue: where the lead is small, the gap between them is noise.
N_ALWAYS_KEPT = 2


def choose_sample_rows(
    study: Study,
    candidates: Sequence[Candidate],
    seconds: float,
) -> int | None:
    """Return the number of rows to try candidates on.

    None where that is not worth it: with several folds the first fold is enough, and with time
    for all candidates nothing has to be chosen.

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
        if rows < MIN_SAMPLE_ROWS or other_rows < MIN_OTHER_ROWS:
            continue
        sample_rows = rows
        costs = [formula_seconds(study, candidate, rows, n_models) for candidate in models]
        if sum(costs) <= TIME_SHARE * seconds:
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
        reserved = (1 - TIME_SHARE) * self._race.seconds
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
        seconds = max(MIN_FIT_SECONDS, seconds_left / MIN_EVALUATIONS)
        return replace(job, rows=self._rows, seconds=seconds)

    def _drop(self, study: Study) -> Drop | None:
        """Drop the next undecided trial that lies far behind the best on the sample.

        A fit that its deadline ended says too little for that.
        """
        losses = _sample_losses(study)
        baseline_loss = math.inf
        for trial in study.trials.values():
            if trial.candidate.is_baseline:
                baseline_loss = min(baseline_loss, trial.loss)
        ranked = sorted(losses, key=lambda name: losses[name])
        margin = MARGIN_FACTOR * self._race.margin
        for name in ranked[N_ALWAYS_KEPT:]:
            trial = study.trials[name]
            if trial.decided or _is_cut_short(trial):
                continue
            best_loss = losses[ranked[0]]
            gap = relative_gap(losses[name], best_loss, baseline_loss)
            if gap > margin:
                return Drop(trial, f"{describe_gap(gap)}, on some rows")
        return None


def sort_by_sample_loss(study: Study, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Sort candidates by their losses on the sample.

    The baseline is first, then come the candidates from the lowest loss to the highest, then
    those without a loss, in their order.
    """
    losses = _sample_losses(study)

    def key(candidate: Candidate) -> float:
        if candidate.is_baseline:
            return -math.inf
        return losses.get(candidate.id, math.inf)

    return sorted(candidates, key=key)


def _sample_losses(study: Study) -> dict[str, float]:
    losses = {}
    for trial in study.trials.values():
        outcome = trial.low_fidelity
        if outcome is not None and outcome.loss is not None:
            losses[trial.id] = outcome.loss
    return losses


def _is_cut_short(trial: Trial) -> bool:
    return trial.low_fidelity is not None and trial.low_fidelity.stopped
