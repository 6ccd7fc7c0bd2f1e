"""Tuning: Optuna proposes hyperparameters of the best families, which are raced fold by fold.

The search starts from all that is known.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace

from automl.candidate import Candidate, Job
from automl.features.recipe import Recipe
from automl.lab.policy import Action, Capacity, Drop, Stop, Wait
from automl.resources import Resources
from automl.search.affordable import VARIANT_ORIGIN
from automl.search.costs import expected_seconds, seconds_spent
from automl.search.family_tuner import FamilyTuner, Proposal
from automl.search.fold_jobs import next_split
from automl.search.plateau import MIN_GAIN, predict_gain
from automl.search.racing import LENIENT_MARGIN, RaceRules, RacingPolicy
from automl.search.rungs import Ladder
from automl.search.sampling import MAX_GRID_POINTS, Sampling
from automl.study import Study
from automl.trial import Trial

# A fit that is expected to take longer than its time limit times this would be cut short.
MAX_FIT_TIME_FACTOR = 2.0
MIN_COST_SHARE = 0.25  # of the slowest family's fit, which every fit counts for at least
MAX_REPEATED_PROPOSALS = 20  # proposals of known candidates before a family counts as exhausted

Chosen = tuple[Sequence[str], Sequence[str]]
TunerKey = tuple[str, Recipe]
MakeLadder = Callable[[Study, FamilyTuner], Ladder | None]


def no_ladder(study: Study, tuner: FamilyTuner) -> None:
    """Let a family's proposals be raced fold by fold."""


class TuningPolicy:
    """Tunes the best families: Optuna proposes, and proposals are raced or climb rungs.

    Trials that the stage before began come first, then candidates that it had no time for. The
    families to tune are chosen again before each proposal: one that becomes the best late is
    tuned from then on. Like every policy it keeps state: `next` reports results to Optuna.

    Parameters
    ----------
    study : Study
        The samplers learn from its decided trials of the chosen families.
    choose : callable
        Returns the families to tune, best first (the first is tuned most often), and fallback
        families, which are tuned if no other one has time for a fit.
    race : RaceRules
    sampling : Sampling
    trials : int, optional
        The number of trials in total, after which nothing is proposed.
    first : sequence of Candidate
        Candidates that are raced before anything is proposed.
    use_all : bool
        Whether the whole budget is used, even if no further gain is expected.
    workers : int
        The number of fits that run at once. They and the folds decide how slow a proposal may be.
    make_ladder : callable
        Returns the ladder of rungs that a family's proposals climb; None where they are raced fold
        by fold against the best trial.
    """

    def __init__(
        self,
        study: Study,
        choose: Callable[[Study], Chosen],
        race: RaceRules,
        sampling: Sampling = Sampling(),  # noqa: B008 - a frozen value
        trials: int | None = None,
        use_all: bool = True,
        first: Sequence[Candidate] = (),
        workers: int = 1,
        make_ladder: MakeLadder = no_ladder,
    ) -> None:
        self._race = race
        self._choose = choose
        self._sampling = sampling
        self._use_all = use_all
        self._trials = trials
        whole_budget = Capacity(race.seconds, workers, Resources())
        self._max_seconds = race.max_seconds(study, whole_budget)
        self._tuners: dict[TunerKey, FamilyTuner] = {}
        self._make_ladder = make_ladder
        self._ladders: dict[TunerKey, Ladder | None] = {}
        self._active: dict[str, Proposal] = {}
        self._resume_proposals(study)
        begun = self._begun_before(study)
        self._begun = RacingPolicy(begun, race)
        margin = max(race.margin, LENIENT_MARGIN)
        lenient = replace(race, margin=margin)
        self._first = RacingPolicy(first, lenient)

    def _resume_proposals(self, study: Study) -> None:
        """Continue with the proposals of an earlier process."""
        for names in self._choose(study):
            for name in names:
                tuner = self._tuner(study, name)
                for proposal in tuner.resume_proposals(study):
                    candidate = proposal.candidate
                    self._active[candidate.id] = proposal
        for trial_id, proposal in self._active.items():
            trial = study.trials.get(trial_id)
            ladder = self._ladder(study, proposal.tuner)
            if trial is not None and ladder is not None:
                proposal.rung = ladder.reached_rung(trial)

    def _begun_before(self, study: Study) -> list[Candidate]:
        """Return the undecided candidates of earlier stages; low-fidelity fits don't count."""
        begun = []
        for trial in study.trials.values():
            is_variant = trial.candidate.origin == VARIANT_ORIGIN
            is_known = trial.decided or trial.id in self._active or is_variant
            if study.started_splits(trial) and not is_known:
                begun.append(trial.candidate)
        return begun

    def next(self, study: Study, capacity: Capacity) -> Action:
        """Return the next fold of an earlier candidate or a proposal, or of a new proposal."""
        self._tell_decided(study)
        for policy in (self._begun, self._first):
            action = policy.next(study, capacity)
            if isinstance(action, Job | Drop):
                return action
        for trial_id, proposal in self._active.items():
            trial = study.trials.get(trial_id)
            if trial is None:
                continue
            next_action = self._next_fit(study, trial, proposal, capacity)
            if next_action is not None:
                return next_action
        if self._is_over(study, capacity):
            return _wait_or_stop(study)
        return self._propose(study, capacity)

    def _is_over(self, study: Study, capacity: Capacity) -> bool:
        """Whether nothing new is proposed."""
        n_trials = len(study.trials)
        if self._trials is not None and n_trials >= self._trials:
            return True
        if self._use_all:
            return False
        seconds = capacity.seconds
        workers = capacity.workers
        return predict_gain(study, seconds, workers) < MIN_GAIN

    def _next_fit(
        self,
        study: Study,
        trial: Trial,
        proposal: Proposal,
        capacity: Capacity,
    ) -> Job | Drop | None:
        """Return the next fit of a proposal, or drop it; None if it has to wait."""
        ladder = self._ladder(study, proposal.tuner)
        if ladder is None:
            return self._next_fold(study, trial, proposal, capacity)
        return self._next_on_rung(study, trial, proposal, ladder, capacity)

    def _next_fold(
        self,
        study: Study,
        trial: Trial,
        proposal: Proposal,
        capacity: Capacity,
    ) -> Job | Drop | None:
        """Return the next fold of a proposal, or drop it; None if it has to wait."""
        candidate = proposal.candidate
        split = next_split(study, candidate, study.plan.splits)
        if split is None:
            return None
        if not trial.losses and study.started_splits(trial):
            return None  # its first fold, which decides, is in training
        if not self._race.has_time_to_complete(study, candidate, capacity):
            return None  # the time may be enough for something quicker
        if trial.losses:
            reason = self._why_prune(study, trial, proposal)
            if reason:
                return Drop(trial, reason)
        return self._race.job(study, candidate, split, capacity)

    def _next_on_rung(
        self,
        study: Study,
        trial: Trial,
        proposal: Proposal,
        ladder: Ladder,
        capacity: Capacity,
    ) -> Job | Drop | None:
        """Return the next fit on a proposal's rung or the one above; None if it has to wait."""
        candidate = proposal.candidate
        rung = proposal.rung
        job = ladder.next_job(study, self._race, candidate, rung, capacity)
        if job is not None:
            if self._race.has_time_for(study, candidate, 1, capacity):
                return job
            return None
        if study.is_complete(trial):
            return None
        if study.running.keys() & trial.jobs.keys():
            return None
        if ladder.result(study, trial, rung) is None:
            return Drop(trial, _last_reason(trial))
        peers = _proposed(study, candidate.family)
        if ladder.is_promoted(study, trial, rung, peers):
            proposal.rung += 1
            return self._next_on_rung(study, trial, proposal, ladder, capacity)
        part = ladder.promoted_part
        reason = f"not among the best {part} on rung {rung + 1} of {len(ladder.rungs)}"
        return Drop(trial, reason)

    def _ladder(self, study: Study, tuner: FamilyTuner) -> Ladder | None:
        """Return the ladder that a family's proposals climb; None if they are raced."""
        if tuner.key not in self._ladders:
            self._ladders[tuner.key] = self._make_ladder(study, tuner)
        return self._ladders[tuner.key]

    def _first_job(self, study: Study, proposal: Proposal, capacity: Capacity) -> Job:
        """Return the first fit of a new proposal."""
        candidate = proposal.candidate
        job = None
        tuner = proposal.tuner
        ladder = self._ladder(study, tuner)
        if ladder is not None:
            number = tuner.n_proposed - 1
            rung = ladder.first_rung(number)
            proposal.rung = rung
            job = ladder.next_job(study, self._race, candidate, rung, capacity)
        if job is not None:
            return job
        first_split = study.plan.splits[0]
        return self._race.job(study, candidate, first_split, capacity)

    def _tuner(self, study: Study, name: str) -> FamilyTuner:
        """Return the tuner of a family with its best recipe, which knows all decided trials."""
        recipe = study.leaders[name].candidate.recipe
        key = (name, recipe)
        tuner = self._tuners.get(key)
        if tuner is None:
            race = self._race
            tuner = FamilyTuner.create(
                study,
                name,
                self._sampling,
                max_fit_seconds=self._max_seconds,
                short_budget_seconds=MAX_FIT_TIME_FACTOR * race.seconds / race.min_candidates,
            )
            self._tuners[key] = tuner
        tuner.add_known_trials(study)
        return tuner

    def _propose(self, study: Study, capacity: Capacity) -> Action:
        """Return the first fit of a new proposal by the family whose turn it is."""
        best_names, other_names = self._choose(study)
        best = [self._tuner(study, name) for name in best_names]
        others = [self._tuner(study, name) for name in other_names]
        ready = []
        for tuners in (best, others):
            ready = [tuner for tuner in tuners if self._has_time(study, tuner, capacity)]
            if ready or self._trials is not None:
                break
        if not ready:
            return _wait_or_stop(study)
        seconds = [expected_seconds(study, tuner.typical) for tuner in best or others]
        slowest = max(seconds)
        ranked = [*best, *others]

        def priority(tuner: FamilyTuner) -> float:
            work = self._weighted_seconds(study, tuner, slowest, capacity)
            rank = 1 + ranked.index(tuner)
            return work * rank

        tuner = min(ready, key=priority)
        proposal = self._new_proposal(study, tuner)
        if proposal is None:
            tuner.is_exhausted = True
            return self._propose(study, capacity)
        self._active[proposal.candidate.id] = proposal
        return self._first_job(study, proposal, capacity)

    def _new_proposal(self, study: Study, tuner: FamilyTuner) -> Proposal | None:
        """Return a proposal that is not known yet; None if there seems to be none.

        The sampler is told the loss of a known one at once, and asked again.
        """
        attempts = MAX_REPEATED_PROPOSALS
        if tuner.queue.decides_all:
            attempts = MAX_GRID_POINTS
        for _ in range(attempts):
            proposal = tuner.ask()
            if proposal is None:
                return None
            if proposal.candidate.id not in study.trials:
                return proposal
            tuner.tell(study, proposal)
        return None

    def _has_time(self, study: Study, tuner: FamilyTuner, capacity: Capacity) -> bool:
        """Whether a proposal can be expected to end in time.

        Ending in time only because its fits are cut short does not count: such fits say nothing.
        """
        if tuner.is_exhausted:
            return False
        typical = tuner.typical
        seconds = expected_seconds(study, typical)
        max_seconds = self._race.max_seconds(study, capacity)
        is_whole = seconds <= MAX_FIT_TIME_FACTOR * max_seconds
        if not is_whole and not tuner.short_budget:
            return False
        n_splits = len(study.plan.splits)
        return self._race.has_time_for(study, typical, n_splits, capacity)

    def _weighted_seconds(
        self,
        study: Study,
        tuner: FamilyTuner,
        slowest: float,
        capacity: Capacity,
    ) -> float:
        """Return the seconds spent on a family, with fits under way and one more fit.

        The caller multiplies this by the family's rank and picks the smallest. A fit counts for a
        part of the slowest family's at least: otherwise nearest neighbours and linear models
        would be tuned a hundred times while a booster waits, and their hundredth proposal gains
        less than its second.
        """
        if math.isinf(capacity.seconds):
            return tuner.n_proposed + 1
        min_seconds = MIN_COST_SHARE * slowest
        n_splits = len(study.plan.splits)
        missing = 1
        for trial_id, proposal in self._active.items():
            trial = study.trials.get(trial_id)
            if trial is not None and proposal.tuner.name == tuner.name:
                missing += n_splits - len(trial.losses)
        seconds = expected_seconds(study, tuner.typical)
        seconds = max(seconds, min_seconds)
        spent = seconds_spent(study, tuner.name, "tune", min_seconds)
        return spent + missing * seconds

    def _why_prune(self, study: Study, trial: Trial, proposal: Proposal) -> str:
        """Return why a proposal is not worth its other folds; empty if it is."""
        for step, split in enumerate(study.plan.splits):
            loss = trial.losses.get(split)
            if loss is not None and step not in proposal.reported:
                proposal.reported.add(step)
                proposal.optuna_trial.report(loss, step)
        reason = self._race.why_too_slow(study, trial)
        if not reason:
            reason = self._race.why_hopeless(study, trial)
        if reason or len(trial.losses) < 2:
            return reason
        with warnings.catch_warnings():
            # The best trial may have been seen on other folds: those are left out.
            warnings.simplefilter("ignore", UserWarning)
            if proposal.optuna_trial.should_prune():
                return "worse than the best on its first folds"
        return ""

    def _tell_decided(self, study: Study) -> None:
        """Tell each sampler the results of its proposals, once."""
        for trial_id, proposal in list(self._active.items()):
            trial = study.trials.get(trial_id)
            if trial is not None and trial.decided:
                del self._active[trial_id]
                proposal.tuner.tell(study, proposal)


def _wait_or_stop(study: Study) -> Action:
    if study.running:
        return Wait()
    return Stop()


def _last_reason(trial: Trial) -> str:
    """Return why the last fit of a trial gave no loss."""
    reason = ""
    for outcome in trial.outcomes.values():
        reason = outcome.reason or reason
    return reason or "has no loss on its rung"


def _proposed(study: Study, name: str) -> list[Trial]:
    """Return the trials of a family that tuning proposed."""
    proposed = []
    for trial in study.trials.values():
        candidate = trial.candidate
        if candidate.origin == "tune" and candidate.family == name:
            proposed.append(trial)
    return proposed
