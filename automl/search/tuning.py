"""Tuning: Optuna proposes hyperparameters of the best families, fold by fold, warm-started with all that is known."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from automl.features.recipe import Recipe
from automl.lab.policy import Drop, Move, Room, Stop, Wait
from automl.models import family
from automl.search.costs import predict, spent
from automl.search.plateau import WORTH, predicted_gain
from automl.search.racing import Race, Racing
from automl.space import Choice, Float, Int, Space, in_haste, nearest, no_longer
from automl.trial import Candidate, Job, Study, Trial

if TYPE_CHECKING:
    import optuna

WHOLE = 2.0  # times the most seconds that a fit may take: what is expected to take longer would be cut short
CHEAPEST = 0.25  # of the dearest family's fit: what every fit counts for at least
HASTE = 2.5  # times the learning rate of what was cut short is tried first

Method = Literal["tpe", "random", "cmaes"]
Pruner = Literal["wilcoxon", "none"]


@dataclass
class _Asked:
    """A proposal that is under way."""

    trial: optuna.Trial
    candidate: Candidate
    reported: set[int] = field(default_factory=set)


@dataclass
class _Field:
    """A family that is being tuned: its Optuna study and how much was asked of it."""

    name: str
    recipe: Recipe
    space: Space
    study: optuna.Study
    place: int
    hasty: bool = False  # whether its fits are cut short, so that learning rates are higher
    asked: int = 0
    used_up: bool = False

    @property
    def typical(self) -> Candidate:
        """A candidate that takes as long as others of the family do."""
        return Candidate(self.name, {}, self.recipe)


class Tuning:
    """The policy of `tune`.

    Parameters
    ----------
    study : Study
        What is known: decided trials of the chosen families are told to the samplers.
    families : sequence of str
        Best first; the first is asked most often.
    fillers : sequence of str
        Families that are asked when those take longer than what is left.
    use_all : bool
        Whether the whole budget is used, even if nothing more is to be expected.
    workers : int
        How many fits run at once: they and the folds decide how slow a proposal may be.
    """

    def __init__(
        self,
        study: Study,
        families: Sequence[str],
        race: Race,
        method: Method = "tpe",
        pruner: Pruner = "wilcoxon",
        trials: int | None = None,
        use_all: bool = True,
        fillers: Sequence[str] = (),
        workers: int = 1,
    ) -> None:
        self._race = race
        self._use_all = use_all
        self._trials = trials
        most = race.limit(study, Room(race.seconds, workers, 1))
        names = enumerate((*families, *fillers))
        self._fields = [_field(study, name, _optuna_study(study, place, method, pruner), place, race, most) for place, name in names]
        self._claims = len(families)
        self._active = {asked.candidate.id: asked for tuned in self._fields for asked in _left_over(study, tuned)}
        for tuned in self._fields:
            if tuned.hasty:
                _hasten(study, tuned)
        undecided = [trial for trial in study.trials.values() if not trial.decided and trial.id not in self._active]
        begun = [trial.candidate for trial in undecided if study.taken(trial)]  # what was only looked at waits for nothing
        self._untold = [candidate.id for candidate in begun]
        self._begun = Racing(begun, race)

    def next(self, study: Study, room: Room) -> Move:
        """The next fold of what the stage before left unfinished, of a proposal under way, or the first fold of a new one."""
        self._tell_decided(study)
        move = self._begun.next(study, room)
        if isinstance(move, Job | Drop):
            return move
        for asked in list(self._active.values()):
            trial = study.trials.get(asked.candidate.id)
            place = self._race.next_place(study, asked.candidate)
            if place is None or trial is None or (not trial.losses and study.taken(trial)):
                continue  # its first fold decides
            if not self._race.fits(study, asked.candidate, room):
                continue  # what is left may be enough for something quicker
            if trial.losses and (reason := self._prune(study, trial, asked)):
                return Drop(trial, reason)
            return self._race.job(study, asked.candidate, place, room)
        if self._trials is not None and len(study.trials) >= self._trials:
            return Wait() if study.running else Stop()
        if not self._use_all and predicted_gain(study, room.seconds, room.workers) < WORTH:
            return Wait() if study.running else Stop()
        return self._propose(study, room)

    def _propose(self, study: Study, room: Room) -> Move:
        folds = len(study.plan.places)
        fitting = [f for f in self._fields if not f.used_up and self._fits(study, f, folds, room)]
        fields = [f for f in fitting if f.place < self._claims] or (fitting if self._trials is None else [])
        if not fields:
            return Wait() if study.running else Stop()
        turn = min(fields, key=lambda f: self._turn(study, f, room))
        for _ in range(20):  # a proposal that is known already is told at once and asked again
            asked = self._ask(turn)
            if asked.candidate.id not in study.trials:
                self._active[asked.candidate.id] = asked
                return self._race.job(study, asked.candidate, study.plan.places[0], room)
            _tell(study, turn, asked)
        turn.used_up = True
        return self._propose(study, room)

    def _fits(self, study: Study, tuned: _Field, folds: int, room: Room) -> bool:
        """Whether a proposal can be expected to end in time, and not only because its fits are cut short: such ones tell nothing."""
        is_whole = predict(study, tuned.typical) <= WHOLE * self._race.limit(study, room)
        return (is_whole or tuned.hasty) and self._race.affords(study, tuned.typical, folds, room)

    def _turn(self, study: Study, tuned: _Field, room: Room) -> float:
        """Work given to a family over its claim: the best one may have twice the work of the second.

        A fit counts for a part of the dearest family's at least: neighbours and linear models would be asked a hundred times while a
        booster waits, and their hundredth proposal brings less than its second.
        """
        if math.isinf(room.seconds):
            return (tuned.asked + 1) * (tuned.place + 1)
        dearest = max(self._seconds(study, field) for field in self._fields[: self._claims])
        work = spent(study, tuned.name, "tune", CHEAPEST * dearest) + max(self._seconds(study, tuned), CHEAPEST * dearest)
        return work * (tuned.place + 1)

    def _seconds(self, study: Study, tuned: _Field) -> float:
        return predict(study, tuned.typical)

    def _ask(self, turn: _Field) -> _Asked:
        trial = turn.study.ask(_distributions(turn.space))
        turn.asked += 1
        return _Asked(trial, Candidate(turn.name, dict(trial.params), turn.recipe, "tune"))

    def _prune(self, study: Study, trial: Trial, asked: _Asked) -> str:
        """Why a proposal is not worth its other folds; empty if it is."""
        for step, place in enumerate(study.plan.places):
            if place in trial.losses and step not in asked.reported:
                asked.reported.add(step)
                asked.trial.report(trial.losses[place], step)
        if reason := self._race.too_slow(study, trial) or self._race.hopeless(study, trial):
            return reason
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # the best trial may have been seen on other folds: those are left out
            worse = len(trial.losses) > 1 and asked.trial.should_prune()
        return "worse than the best on its first folds" if worse else ""

    def _tell_decided(self, study: Study) -> None:
        """Tell each sampler, once, what became of its proposals, and of what the stage before had left unfinished."""
        for late in [study.trials[name] for name in self._untold if study.trials[name].decided]:
            self._untold.remove(late.id)
            for tuned in self._fields:
                if tuned.name == late.candidate.family and late.losses:
                    _add(study, tuned, late)
        for name, asked in list(self._active.items()):
            trial = study.trials.get(name)
            if trial is None or not trial.decided:
                continue
            del self._active[name]
            turn = next(f for f in self._fields if f.name == asked.candidate.family)
            _tell(study, turn, asked)


def _tell(study: Study, turn: _Field, asked: _Asked) -> None:
    """Tell a sampler what is known of a proposal: a loss, or that there is none."""
    import optuna

    trial = study.trials[asked.candidate.id]
    if trial.losses:
        turn.study.tell(asked.trial, _value(study, trial))
    else:
        turn.study.tell(asked.trial, state=optuna.trial.TrialState.FAIL)


def _field(study: Study, name: str, made: optuna.Study, place: int, race: Race, most: float) -> _Field:
    """A family with its Optuna study, which is told all that is decided of it.

    In haste where its best fits were cut short or take longer than may be; else without learning rates so low that a fit, by what the
    best one's took, would take more than the seconds it may.
    """
    best = _best(study, name)
    known = _implied(study, name) | dict(best.candidate.params)
    recipe, seconds = best.candidate.recipe, predict(study, best.candidate)
    space = family(name).space(study.the_task, recipe.has_codes and study.size.categories > 0)
    faster = in_haste(space)
    hasty = faster != space and (best.is_cut_short or seconds > WHOLE * race.seconds / race.fewest)
    tuned = _Field(name, recipe, faster if hasty else no_longer(space, known, most / seconds), made, place, hasty)
    for trial in study.trials.values():
        if trial.candidate.family == name and trial.losses and trial.decided:
            _add(study, tuned, trial)
    return tuned


def _hasten(study: Study, tuned: _Field) -> None:
    """Have the best trial's values proposed with higher ones of those that may rise where fits are cut short."""
    best = _best(study, tuned.name)
    known = _implied(study, tuned.name) | dict(best.candidate.params)
    faster = {name: HASTE * known[name] for name, values in tuned.space.items() if isinstance(values, Float) and values.hasty is not None}
    tuned.study.enqueue_trial(nearest(tuned.space, known | faster))


def _best(study: Study, name: str) -> Trial:
    """A family's best trial: its recipe is the one that is tuned."""
    of_family = [trial for trial in study.trials.values() if trial.candidate.family == name and trial.losses]
    return min(of_family, key=lambda trial: _value(study, trial))


def _add(study: Study, tuned: _Field, trial: Trial) -> None:
    """Tell a sampler of a decided trial that it didn't propose; the nearest value stands for one that the space does not hold."""
    import optuna

    steps = {step: trial.losses[at] for step, at in enumerate(study.plan.places) if at in trial.losses}
    known = optuna.trial.create_trial(
        params=nearest(tuned.space, _implied(study, tuned.name) | dict(trial.candidate.params)),
        distributions=_distributions(tuned.space),
        value=_value(study, trial),
        intermediate_values=steps,
    )
    tuned.study.add_trial(known)


def _implied(study: Study, name: str) -> dict[str, Any]:
    """What a family does where a candidate gives no value."""
    return family(name).implied(study.the_task) | family(name).defaults(study.the_task)


def _left_over(study: Study, tuned: _Field) -> Iterator[_Asked]:
    """Proposals of an earlier process that are not decided, asked for anew."""
    for trial in study.trials.values():
        candidate = trial.candidate
        if not trial.decided and candidate.origin == "tune" and (candidate.family, candidate.recipe) == (tuned.name, tuned.recipe):
            tuned.study.enqueue_trial(dict(candidate.params))
            yield _Asked(tuned.study.ask(_distributions(tuned.space)), candidate)


def _optuna_study(known: Study, place: int, method: Method, pruner: Pruner) -> optuna.Study:
    """An Optuna study for the family at a place, with a seed of its own."""
    import optuna

    seed = (known.seed * 1000 + place + 100 * known.resumed) % 2**31
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # multivariate, constant_liar and the pruner are so marked
        samplers: dict[Method, Callable[[], optuna.samplers.BaseSampler]] = {
            "tpe": lambda: optuna.samplers.TPESampler(n_startup_trials=6, multivariate=True, constant_liar=True, seed=seed),
            "random": lambda: optuna.samplers.RandomSampler(seed=seed),
            "cmaes": lambda: optuna.samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False),
        }
        pruners: dict[Pruner, Callable[[], optuna.pruners.BasePruner]] = {
            "wilcoxon": lambda: optuna.pruners.WilcoxonPruner(p_threshold=0.15, n_startup_steps=2),
            "none": optuna.pruners.NopPruner,
        }
        return optuna.create_study(sampler=samplers[method](), pruner=pruners[pruner]())


def _distributions(space: Space) -> dict[str, Any]:
    """Optuna's words for a search space."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    words: dict[str, Any] = {}
    for name, values in space.items():
        match values:
            case Float(low=low, high=high, log=log):
                words[name] = FloatDistribution(low, high, log=log)
            case Int(low, high, log):
                words[name] = IntDistribution(low, high, log=log)
            case Choice(options):
                words[name] = CategoricalDistribution(options)
    return words


def _value(study: Study, trial: Trial) -> float:
    """A trial's loss over all folds; of one that was dropped, the best complete trial's plus how far it lay behind that one."""
    if study.complete(trial):
        return trial.loss
    complete = (t for t in study.trials.values() if t.candidate.family != "constant" and study.complete(t))
    best = min(complete, key=lambda t: (t.loss, t.id), default=None)
    if best is None:
        return trial.loss
    seen = [place for place in trial.losses if place in best.losses]
    behind = sum(trial.losses[place] - best.losses[place] for place in seen) / max(1, len(seen))
    return best.loss + max(0.0, behind)  # or the sampler would follow one lucky fold
