"""Tuning: Optuna proposes hyperparameters of the best families, fold by fold, warm-started with all that is known."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace

from automl.features.recipe import Recipe
from automl.lab.policy import Action, Capacity, Drop, Stop, Wait
from automl.search.costs import predict, spent
from automl.search.family_tuner import FamilyTuner, Proposal
from automl.search.plateau import WORTH, predicted_gain
from automl.search.racing import LENIENT, RaceRules, RacingPolicy
from automl.search.rungs import Ladder
from automl.search.sampling import LARGEST_GRID, Sampling
from automl.trial import Candidate, Job, Study, Trial

WHOLE = 2.0  # times the most seconds that a fit may take: what is expected to take longer would be cut short
CHEAPEST = 0.25  # of the dearest family's fit: what every fit counts for at least

Chosen = tuple[Sequence[str], Sequence[str]]


class TuningPolicy:
    """The policy of `tune`.

    What the stage before began, and candidates that it had no time for, come first. Which families are tuned is asked again before each
    proposal: one that comes out best late has its turns from then on.

    Parameters
    ----------
    study : Study
        What is known: decided trials of the chosen families are told to the samplers.
    choose : callable
        Gives the families to tune, best first, of which the first is asked most often; and others, that are asked when those take longer
        than what is left.
    first : sequence of Candidate
        Candidates that are raced before anything is proposed.
    use_all : bool
        Whether the whole budget is used, even if nothing more is to be expected.
    workers : int
        How many fits run at once: they and the folds decide how slow a proposal may be.
    climb : callable, optional
        Gives the rungs that the proposals of a field climb; without it they go fold by fold, held against the best.
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
        climb: Callable[[Study, FamilyTuner], Ladder] | None = None,
    ) -> None:
        self._race = race
        self._choose = choose
        self._use_all = use_all
        self._trials = trials
        most, longest = (
            race.limit(study, Capacity(race.seconds, workers, 1)),
            WHOLE * race.seconds / race.fewest,
        )
        self._new_field: Callable[[Study, str], FamilyTuner] = lambda known, name: FamilyTuner.of(
            known, name, sampling, most, longest
        )
        self._fields: dict[tuple[str, Recipe], FamilyTuner] = {}
        self._climb = climb
        self._ladders: dict[tuple[str, Recipe], Ladder] = {}
        self._active: dict[str, Proposal] = {}
        for name in (name for names in choose(study) for name in names):
            self._active |= {
                asked.candidate.id: asked for asked in self._tuner(study, name).left_over(study)
            }
        for asked in self._active.values():
            if climb is not None and asked.candidate.id in study.trials:
                asked.rung = self._ladder(study, asked.of).begun(study.trials[asked.candidate.id])
        undecided = [
            trial
            for trial in study.trials.values()
            if not trial.decided and trial.id not in self._active
        ]
        begun = [
            trial.candidate for trial in undecided if study.taken(trial)
        ]  # what was only looked at waits for nothing
        self._begun = RacingPolicy(begun, race)
        self._first = RacingPolicy(first, replace(race, margin=max(race.margin, LENIENT)))

    def next(self, study: Study, capacity: Capacity) -> Action:
        """The next fold of what comes before proposals, of a proposal under way, or the first fold of a new one."""
        self._tell_decided(study)
        for racing in (self._begun, self._first):
            move = racing.next(study, capacity)
            if isinstance(move, Job | Drop):
                return move
        for asked in list(self._active.values()):
            trial = study.trials.get(asked.candidate.id)
            go_on = self._by_folds if self._climb is None else self._by_rungs
            if trial is not None and (next_move := go_on(study, trial, asked, capacity)):
                return next_move
        if self._trials is not None and len(study.trials) >= self._trials:
            return Wait() if study.running else Stop()
        if not self._use_all and predicted_gain(study, capacity.seconds, capacity.workers) < WORTH:
            return Wait() if study.running else Stop()
        return self._propose(study, capacity)

    def _by_folds(
        self, study: Study, trial: Trial, asked: Proposal, capacity: Capacity
    ) -> Job | Drop | None:
        """The next fold of a proposal, or that it is not worth it; None if it has to wait."""
        place = self._race.next_split(study, asked.candidate)
        if place is None or (not trial.losses and study.taken(trial)):
            return None  # its first fold decides
        if not self._race.fits(study, asked.candidate, capacity):
            return None  # what is left may be enough for something quicker
        if trial.losses and (reason := self._prune(study, trial, asked)):
            return Drop(trial, reason)
        return self._race.job(study, asked.candidate, place, capacity)

    def _by_rungs(
        self, study: Study, trial: Trial, asked: Proposal, capacity: Capacity
    ) -> Job | Drop | None:
        """The next fit of a proposal's rung or of the next one, or that it goes no further; None if it has to wait."""
        rungs = self._ladder(study, asked.of)
        if (job := rungs.job(study, self._race, asked.candidate, asked.rung, capacity)) is not None:
            return job if self._race.affords(study, asked.candidate, 1, capacity) else None
        if any(key in study.running for key in trial.jobs) or study.complete(trial):
            return None
        if rungs.result(study, trial, asked.rung) is None:
            reasons = [outcome.reason for outcome in trial.outcomes.values() if outcome.reason]
            return Drop(trial, reasons[-1] if reasons else "has no loss on its rung")
        peers = [
            other
            for other in study.trials.values()
            if other.candidate.family == asked.of.name and other.candidate.origin == "tune"
        ]
        if not rungs.passes(study, trial, asked.rung, peers):
            return Drop(
                trial, f"not among the best third on rung {asked.rung + 1} of {len(rungs.rungs)}"
            )
        asked.rung += 1
        return self._by_rungs(study, trial, asked, capacity)

    def _ladder(self, study: Study, of: FamilyTuner) -> Ladder:
        """The rungs of a field."""
        if self._climb is None:
            raise LookupError("proposals go fold by fold")
        if of.key not in self._ladders:
            self._ladders[of.key] = self._climb(study, of)
        return self._ladders[of.key]

    def _first_job(self, study: Study, asked: Proposal, capacity: Capacity) -> Job:
        """What a new proposal begins with."""
        if self._climb is None:
            return self._race.job(study, asked.candidate, study.plan.splits[0], capacity)
        rungs = self._ladder(study, asked.of)
        asked.rung = rungs.first(asked.of.asked - 1)
        job = rungs.job(study, self._race, asked.candidate, asked.rung, capacity)
        return job or self._race.job(study, asked.candidate, study.plan.splits[0], capacity)

    def _tuner(self, study: Study, name: str) -> FamilyTuner:
        """The field of a family with its best recipe, told all that is decided of it."""
        place = (name, study.leaders[name].candidate.recipe)
        if place not in self._fields:
            self._fields[place] = self._new_field(study, name)
        self._fields[place].learn(study)
        return self._fields[place]

    def _propose(self, study: Study, capacity: Capacity) -> Action:
        best, others = (
            [self._tuner(study, name) for name in names] for names in self._choose(study)
        )
        folds = len(study.plan.splits)
        fields = [tuned for tuned in best if self._fits(study, tuned, folds, capacity)]
        if not fields and self._trials is None:
            fields = [tuned for tuned in others if self._fits(study, tuned, folds, capacity)]
        if not fields:
            return Wait() if study.running else Stop()
        dearest = max(predict(study, tuned.typical) for tuned in best or others)
        places = {tuned.name: place for place, tuned in enumerate((*best, *others), 1)}
        turn = min(
            fields,
            key=lambda tuned: self._work(study, tuned, dearest, capacity) * places[tuned.name],
        )
        for _ in range(
            20 if turn.points is None else LARGEST_GRID
        ):  # a proposal that is known already is told at once and asked again
            asked = turn.ask()
            if asked is None:
                break
            if asked.candidate.id not in study.trials:
                self._active[asked.candidate.id] = asked
                return self._first_job(study, asked, capacity)
            turn.tell(study, asked)
        turn.used_up = True
        return self._propose(study, capacity)

    def _fits(self, study: Study, tuned: FamilyTuner, folds: int, capacity: Capacity) -> bool:
        """Whether a proposal can be expected to end in time, and not only because its fits are cut short: such ones tell nothing."""
        is_whole = predict(study, tuned.typical) <= WHOLE * self._race.limit(study, capacity)
        return (
            not tuned.used_up
            and (is_whole or tuned.short_budget)
            and self._race.affords(study, tuned.typical, folds, capacity)
        )

    def _work(self, study: Study, tuned: FamilyTuner, dearest: float, capacity: Capacity) -> float:
        """Seconds that a family was given, those of what is under way and of one more fit; times its place, the least comes next.

        A fit counts for a part of the dearest family's at least: neighbours and linear models would be asked a hundred times while a
        booster waits, and their hundredth proposal brings less than its second.
        """
        if math.isinf(capacity.seconds):
            return tuned.asked + 1
        least, seconds = CHEAPEST * dearest, predict(study, tuned.typical)
        under_way = [
            study.trials.get(name)
            for name, asked in self._active.items()
            if asked.of.name == tuned.name
        ]
        missing = sum(len(study.plan.splits) - len(trial.losses) for trial in under_way if trial)
        return spent(study, tuned.name, "tune", least) + (1 + missing) * max(seconds, least)

    def _prune(self, study: Study, trial: Trial, asked: Proposal) -> str:
        """Why a proposal is not worth its other folds; empty if it is."""
        for step, place in enumerate(study.plan.splits):
            if place in trial.losses and step not in asked.reported:
                asked.reported.add(step)
                asked.trial.report(trial.losses[place], step)
        if reason := self._race.too_slow(study, trial) or self._race.hopeless(study, trial):
            return reason
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", UserWarning
            )  # the best trial may have been seen on other folds: those are left out
            worse = len(trial.losses) > 1 and asked.trial.should_prune()
        return "worse than the best on its first folds" if worse else ""

    def _tell_decided(self, study: Study) -> None:
        """Tell each sampler, once, what became of its proposals."""
        for name, asked in list(self._active.items()):
            trial = study.trials.get(name)
            if trial is not None and trial.decided:
                del self._active[name]
                asked.of.tell(study, asked)
