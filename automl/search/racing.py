"""Racing: candidates in order, fold by fold; a hopeless one stops after its first fold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from automl.candidate import Candidate, Job
from automl.lab.policy import Action, Capacity, Drop, Stop, Wait
from automl.models import is_quick, least_fit_seconds
from automl.search.costs import expected_seconds
from automl.search.fold_jobs import fold_job, next_split
from automl.study import Study
from automl.trial import Trial

LENIENT_MARGIN = 0.35  # for candidates unlike any that were tried
# Candidates with a larger gap to the best one wait until new candidates have had their first fold.
NEAR_GAP = 0.1
# With fewer held-out rows losses are noisier: the margin grows by sqrt(ENOUGH_ROWS / rows).
ENOUGH_ROWS = 200
MAX_SLOW_GAP = 0.02  # gap up to which a candidate whose fits are cut short goes on
# Every fit may take this long: a worker's first use of a library takes as much.
MIN_FIT_SECONDS = 2.0


@dataclass(frozen=True)
class RaceRules:
    """Rules that policies share: how a fold becomes a job, and when a candidate is hopeless.

    Parameters
    ----------
    seconds : float
        The stage's whole budget. One fit may take `seconds / (min_candidates * n_waves)`, where
        `n_waves = ceil(n_splits / workers)`.
    margin : float
        A candidate is dropped if `(loss - best) / (baseline - best)`, on the folds that it has,
        exceeds this.
    min_candidates : int
        Candidates that the budget must have time for.
    """

    seconds: float
    margin: float
    min_candidates: int = 3

    def max_seconds(self, study: Study, capacity: Capacity, least: float = 0.0) -> float:
        """Return the most seconds that one fit may take now.

        Parameters
        ----------
        least : float
            Seconds that it may take in any case, if they are left.
        """
        seconds_left = max(MIN_FIT_SECONDS, capacity.seconds)
        return min(self._max_seconds_at_start(study, capacity, least), seconds_left)

    def _max_seconds_at_start(self, study: Study, capacity: Capacity, least: float) -> float:
        """Return the most seconds that one fit may take if the whole budget is left."""
        if math.isinf(self.seconds):
            return math.inf
        n_splits = len(study.plan.splits)
        n_waves = _n_waves(n_splits, capacity)
        seconds = self.seconds / (self.min_candidates * n_waves)
        return max(MIN_FIT_SECONDS, least, seconds)

    def job(
        self,
        study: Study,
        candidate: Candidate,
        split: tuple[int, int],
        capacity: Capacity,
    ) -> Job:
        """Return the job that fits a candidate on a split."""
        least = least_fit_seconds(candidate.family)
        seconds = self.max_seconds(study, capacity, least)
        return fold_job(
            study,
            candidate,
            split,
            capacity,
            seconds,
        )

    def has_time_to_complete(self, study: Study, candidate: Candidate, capacity: Capacity) -> bool:
        """Whether a candidate's folds that are not begun can be expected to end in time."""
        trial = study.trials.get(candidate.id)
        splits = set(study.plan.splits)
        if trial is not None:
            splits = splits - study.started_splits(trial)
        return self.has_time_for(study, candidate, len(splits), capacity)

    def has_time_for(
        self,
        study: Study,
        candidate: Candidate,
        folds: int,
        capacity: Capacity,
    ) -> bool:
        """Whether a number of a candidate's folds can be expected to end in time.

        A fit that would be cut short takes its whole time limit.
        """
        expected = expected_seconds(study, candidate)
        least = least_fit_seconds(candidate.family)
        limit = self._max_seconds_at_start(study, capacity, least)
        family = study.family(candidate.family)
        if expected > limit and not family.stops:
            return False
        n_waves = _n_waves(folds, capacity)
        return min(expected, limit) * n_waves <= capacity.seconds

    def why_hopeless(self, study: Study, trial: Trial) -> str:
        """Return why a trial isn't worth its other folds; empty if it is."""
        if not trial.losses:
            return ""
        gap = gap_to_best(study, trial)
        n_folds = len(trial.losses)
        rows = n_folds * study.plan.held_share * study.size.rows
        scarcity = max(1.0, ENOUGH_ROWS / rows)
        if gap > self.margin * math.sqrt(scarcity):
            return describe_gap(gap)
        return ""

    def why_too_slow(self, study: Study, trial: Trial) -> str:
        """Return why a trial takes too long; empty if it doesn't.

        A trial whose fits were all cut short continues only as long as its family has no complete
        trial: each of its other folds would use the whole time limit.
        """
        is_behind = gap_to_best(study, trial) > MAX_SLOW_GAP
        if not trial.is_cut_short or not is_behind:
            return ""
        for other in study.trials.values():
            is_kin = other.candidate.family == trial.candidate.family
            if is_kin and study.is_complete(other):
                return "too slow for this budget"
        return ""


def _n_waves(folds: int, capacity: Capacity) -> int:
    """Return how many times all workers fit one fold each until a number of folds is done."""
    workers = max(1, capacity.workers)
    return math.ceil(folds / workers)


def undecided(study: Study, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return those of the candidates that are not decided, in their order."""
    remaining = []
    for candidate in candidates:
        trial = study.trials.get(candidate.id)
        if trial is None or not trial.decided:
            remaining.append(candidate)
    return remaining


def gap_to_best(study: Study, trial: Trial) -> float:
    """Return how far a trial lies behind the best other one, as a share of that one's lead.

    Losses are compared on the folds of the trial, and the lead is over the baseline. The best
    other trial is the best of the complete ones: among many incomplete ones, some are lucky on
    their few folds. The gap is negative for a trial that is ahead of all others, zero if there is
    no other.
    """
    if not trial.losses:
        return 0.0
    splits = trial.losses.keys()
    baselines = []
    rivals = []
    for other in study.trials.values():
        if other.id == trial.id or not splits <= other.losses.keys():
            continue
        if other.candidate.is_baseline:
            baselines.append(other)
        else:
            rivals.append(other)
    if not rivals:
        return 0.0
    complete = [rival for rival in rivals if study.is_complete(rival)]
    if complete:
        best = min(complete, key=lambda rival: rival.loss)
        rivals = [best]
    best_loss = _least_loss(rivals, trial)
    baseline_loss = _least_loss(baselines, trial)
    return relative_gap(trial.loss, best_loss, baseline_loss)


def relative_gap(loss: float, best_loss: float, baseline_loss: float) -> float:
    """Return how far a loss lies behind the best one, as a share of the best one's lead.

    >>> relative_gap(3.0, 2.0, 6.0), relative_gap(3.0, 2.0, math.inf)
    (0.25, 0.5)
    """
    lead = abs(best_loss)
    if best_loss < baseline_loss < math.inf:
        lead = baseline_loss - best_loss
    return (loss - best_loss) / lead if lead > 0 else 0.0


def describe_gap(gap: float) -> str:
    """Return the leaderboard's reason for a candidate that was dropped for its gap.

    >>> describe_gap(0.38)
    "loses 38% of the best one's gain over the baseline"
    """
    return f"loses {gap:.0%} of the best one's gain over the baseline"


def _least_loss(others: Iterable[Trial], trial: Trial) -> float:
    """Return the least mean loss of other trials over the folds that a trial has."""
    least = math.inf
    for other in others:
        losses = [other.losses[split] for split in trial.losses]
        mean = sum(losses) / len(losses)
        least = min(least, mean)
    return least


class RacingPolicy:
    """Races a list of candidates, fold by fold.

    All folds of the first candidate that can win are trained at once, so that a good predictor
    exists early. For each later candidate the first fold decides whether and when the others
    follow.
    """

    def __init__(
        self,
        candidates: Sequence[Candidate],
        race: RaceRules,
        trials: int | None = None,
    ) -> None:
        self._candidates = list(candidates)[:trials]
        self._race = race

    def next(self, study: Study, capacity: Capacity) -> Action:
        """Return the next fold of the most urgent candidate that has one worth training."""
        is_pending = False
        is_raced = self._is_raced(study)
        for candidate in self._by_urgency(study, is_raced):
            split = next_split(study, candidate, study.plan.splits)
            if split is None:
                is_pending = True
                continue
            trial = study.trials.get(candidate.id)
            is_model = not candidate.is_baseline
            is_first_fold = split == study.plan.splits[0]
            if trial and is_model and is_raced and not is_first_fold:
                if not trial.losses:  # the first fold, which decides, is in training
                    is_pending = True
                    continue
                reason = self._race.why_too_slow(study, trial)
                reason = reason or self._race.why_hopeless(study, trial)
                if reason:
                    return Drop(trial, reason)
            if self._has_time(study, candidate, capacity):
                return self._race.job(study, candidate, split, capacity)
        return Wait() if is_pending or study.running else Stop()

    def _by_urgency(self, study: Study, is_raced: bool) -> list[Candidate]:
        """Return the undecided candidates, the most urgent one first.

        The baseline and the leader continue, then every family begins. Then candidates that were
        begun continue, from the nearest to the leader to the farthest; new candidates come before
        those that are not near. Equally urgent ones keep their order.
        """
        remaining = undecided(study, self._candidates)
        if not is_raced:
            return remaining
        begun = set()
        for trial in study.trials.values():
            if study.started_splits(trial):
                begun.add(trial.candidate.family)

        def position(candidate: Candidate) -> float:
            if candidate.is_baseline:
                return -math.inf
            trial = study.trials.get(candidate.id)
            if trial is None or not study.started_splits(trial):
                return NEAR_GAP if candidate.family in begun else 0.0
            gap = gap_to_best(study, trial)
            # Without a loss or a rival the gap is 0, which must not put it among new families.
            return gap if gap else -1.0

        return sorted(remaining, key=position)

    def _is_raced(self, study: Study) -> bool:
        """Whether there is a candidate to race against that has been through its first fold."""
        for trial in study.trials.values():
            family = trial.candidate.family
            if trial.losses and not is_quick(family):
                return True
        return False

    def _has_time(self, study: Study, candidate: Candidate, capacity: Capacity) -> bool:
        """Whether a candidate's missing folds can be expected to end in time.

        The first candidates are always tried.
        """
        if math.isinf(capacity.seconds):
            return True
        for trial in study.trials.values():
            is_model = not trial.candidate.is_baseline
            if is_model and trial.decided == "done":
                return self._race.has_time_to_complete(study, candidate, capacity)
        return True
