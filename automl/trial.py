"""Candidate, Job, Outcome, Trial, Study: plain frozen values that turn into JSON, and how an event makes a study larger."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from automl.extensions import NO_EXTENSIONS, Extensions
from automl.features.recipe import Recipe
from automl.files import short_hash
from automl.models import Family, family
from automl.task import Task

Event = Mapping[str, Any]
Status = Literal["done", "failed", "timeout", "memory", "cut"]
Together = Literal["", "groups", "copies"]  # what is held out together
Finish = Literal["bag", "refit", "both"]
Split = tuple[int, int | None]  # repeat and fold; no fold: all rows

MANUAL = "hand"  # origin of candidates that a person proposed
FIRST = "first"  # origin of the first model: a quick one on some rows, which answers as long as there is no better one
UNTRUE = (
    "leak",
    "copied_rows",
    "entity",
    "drift",
    "groups_and_times",
)  # findings of what makes the told score untrue
ENOUGH = 0.7  # of the rounds that a refit was to have


def warns_of_score(finding: Mapping[str, Any]) -> bool:
    """Whether a finding, as plain values, warns of a score that is not true.

    >>> warns_of_score({"code": "leak", "severity": "warning"}), warns_of_score({"code": "copied_rows", "severity": "info"})
    (True, False)
    """
    return finding["code"] in UNTRUE and finding["severity"] == "warning"


def keeps_bag(finish: Finish, kind: Family) -> bool:
    """Whether the fold models of a family's member answer where it has refits, too."""
    return finish == "bag" or (finish == "both" and kind.bagged)


def _digest(value: Any) -> str:
    return short_hash(json.dumps(value, sort_keys=True, default=str))


@dataclass(frozen=True)
class Candidate:
    """A family with its hyperparameters and a recipe; `origin` (which stage proposed it) is no part of its identity."""

    family: str
    params: Mapping[str, Any]
    recipe: Recipe
    origin: str = field(default="", compare=False)

    @cached_property
    def id(self) -> str:
        """Twelve hexadecimal digits that name the content."""
        return _digest([self.family, dict(self.params), self.recipe.to_json()])

    @property
    def is_first(self) -> bool:
        """Whether it is the run's first model."""
        return self.origin == FIRST

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "family": self.family,
            "params": dict(self.params),
            "recipe": self.recipe.to_json(),
            "origin": self.origin,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Candidate:
        """The candidate that `to_json` wrote."""
        return cls(
            value["family"], value["params"], Recipe.from_json(value["recipe"]), value["origin"]
        )


@dataclass(frozen=True)
class Job:
    """One fit.

    Parameters
    ----------
    candidate : Candidate
    data : str
        Hash of the task, the table and the folds: equal work has one name in every run.
    repeat, fold : int
        Which rows are held out; `fold=None` trains on all rows.
    seed : int
    rows : int or None
        A subset of the training rows, for a cheaper look.
    rounds : int or None
        A fixed number of rounds; None stops early.
    threads : int
    seconds : float
        The most it may take; no part of its identity.
    """

    candidate: Candidate
    data: str
    repeat: int = 0
    fold: int | None = 0
    seed: int = 0
    rows: int | None = None
    rounds: int | None = None
    threads: int = 1
    seconds: float = field(default=math.inf, compare=False)

    @cached_property
    def key(self) -> str:
        """Twelve hexadecimal digits that name the work."""
        return _digest(
            [
                self.candidate.id,
                self.data,
                self.repeat,
                self.fold,
                self.seed,
                self.rows,
                self.rounds,
                self.threads,
            ]
        )

    @property
    def split(self) -> tuple[int, int | None]:
        """Repeat and fold."""
        return self.repeat, self.fold

    @property
    def is_kept(self) -> bool:
        """Whether its model may answer: that of a look at some rows does not, unless it is the first model."""
        return self.rows is None or self.candidate.is_first

    def to_json(self) -> dict[str, Any]:
        """Plain values; the limit on seconds is left out."""
        plain = {
            name: getattr(self, name)
            for name in ("data", "repeat", "fold", "seed", "rows", "rounds", "threads")
        }
        return plain | {"candidate": self.candidate.to_json()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Job:
        """The job that `to_json` wrote."""
        return cls(**{**value, "candidate": Candidate.from_json(value["candidate"])})


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    `seconds` are of the fit alone; `stopped` says that its deadline, not early stopping, ended it; the learning curve and the
    resolved parameters lie in the run folder.
    """

    status: Status
    loss: float | None = None
    seconds: float = 0.0
    rounds: int | None = None
    reason: str = ""
    stopped: bool = False
    size: int = 0  # bytes of the model's file

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Trial:
    """A candidate with its outcomes so far, by the job's key. `decided` is "" until it is "done", "dropped" or "failed"."""

    candidate: Candidate
    jobs: Mapping[str, Job] = field(default_factory=dict)
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    decided: str = ""
    reason: str = ""

    @property
    def id(self) -> str:
        """The candidate's id."""
        return self.candidate.id

    @cached_property
    def whole(self) -> Mapping[str, Outcome]:
        """The outcomes of fits on all rows that their place leaves, by the job's key; looks at some of them are left out."""
        return {
            key: outcome for key, outcome in self.outcomes.items() if self.jobs[key].rows is None
        }

    @cached_property
    def losses(self) -> Mapping[tuple[int, int | None], float]:
        """Loss by (repeat, fold), of fits on all of a fold's training rows that ended well."""
        return {
            self.jobs[key].split: outcome.loss
            for key, outcome in self.whole.items()
            if outcome.status == "done" and outcome.loss is not None
        }

    @cached_property
    def loss(self) -> float:
        """The mean loss over the folds seen so far; infinite without one."""
        return sum(self.losses.values()) / len(self.losses) if self.losses else math.inf

    @property
    def is_cut_short(self) -> bool:
        """Whether its fits on all rows were all ended by their deadlines."""
        done = [outcome.stopped for outcome in self.whole.values() if outcome.status == "done"]
        return bool(done) and all(done)

    @cached_property
    def look(self) -> Outcome | None:
        """What came of a fit on some of the training rows, if there is one that ended well."""
        looks = [
            outcome
            for key, outcome in self.outcomes.items()
            if outcome.status == "done" and key not in self.whole
        ]
        return looks[-1] if looks else None

    @cached_property
    def seconds(self) -> float:
        """Seconds spent on its fits."""
        return sum(outcome.seconds for outcome in self.outcomes.values())

    @cached_property
    def refits(self) -> tuple[Split, ...]:
        """Where it was trained on all rows, once for each repeat; one that its deadline stopped early doesn't count."""
        fits = [
            self.jobs[key]
            for key, outcome in self.whole.items()
            if outcome.status == "done" and _is_whole(self.jobs[key], outcome)
        ]
        return tuple(sorted(job.split for job in fits if job.fold is None))

    @property
    def failure(self) -> Outcome | None:
        """The first outcome of a kept fit that is not a success, if any; being cut by the run's end is none."""
        kept = [outcome for key, outcome in self.outcomes.items() if self.jobs[key].is_kept]
        return next((outcome for outcome in kept if outcome.status not in ("done", "cut")), None)

    @cached_property
    def splits(self) -> tuple[tuple[int, int], ...]:
        """The folds of which a model is kept, first repeat first."""
        kept = [job for key, job in self.jobs.items() if job.is_kept and key in self.outcomes]
        done = [job for job in kept if self.outcomes[job.key].status == "done"]
        return tuple(sorted((job.repeat, job.fold) for job in done if job.fold is not None))

    def key_at(self, repeat: int, fold: int | None) -> str | None:
        """Key of the kept fit that succeeded there."""
        for key, outcome in self.outcomes.items():
            job = self.jobs[key]
            if outcome.status == "done" and job.is_kept and job.split == (repeat, fold):
                return key
        return None


def _is_whole(job: Job, outcome: Outcome) -> bool:
    """Whether a fit wasn't stopped, or not before most of its rounds."""
    return not outcome.stopped or (outcome.rounds or 0) >= ENOUGH * (job.rounds or math.inf)


@dataclass(frozen=True)
class Plan:
    """How rows are held out: the kind of folds, how many, how often repeated, and which rows stay together."""

    kind: Literal["kfold", "time", "holdout", "panel"] = "kfold"
    folds: int = 5
    repeats: int = 1
    together: Together = ""

    @cached_property
    def splits(self) -> tuple[tuple[int, int], ...]:
        """Every (repeat, fold), first repeat first."""
        return tuple((repeat, fold) for repeat in range(self.repeats) for fold in range(self.folds))

    @property
    def held_share(self) -> float:
        """About which part of the rows is held out at a place."""
        return {"kfold": 1.0, "time": 0.5, "holdout": 0.2, "panel": 0.5}[self.kind] / self.folds

    @property
    def models(self) -> int:
        """How many models of a candidate answer together."""
        return len(self.splits) if self.kind == "kfold" else 1


@dataclass(frozen=True)
class Size:
    """Rows and columns of the cleaned table.

    Parameters
    ----------
    repeated : int
        Rows that equal an earlier one and may be in another fold.
    categories : int
        Columns of categories.
    others : int
        Rows that are not of the most frequent class; all rows of a regression.
    features : int
        About what the columns become: a text becomes several.
    """

    rows: int = 0
    columns: int = 0
    repeated: int = 0
    categories: int = 0
    others: int = 0
    features: int = 0

    @property
    def width(self) -> int:
        """What models have to read of a row, about."""
        return max(self.columns, self.features)


@dataclass(frozen=True)
class Study:
    """All that is known of a run: facts only, no arrays. Events are added, nothing is taken away."""

    seed: int = 0
    task: Task | None = None
    data: str = ""
    size: Size = field(default_factory=Size)
    drawn: int = 0  # rows that were drawn from a larger table; 0 if all were taken
    narrowed: int = 0  # columns that were kept of a wider table; 0 if all were
    plan: Plan = field(default_factory=Plan)
    recipes: tuple[Recipe, ...] = ()
    stage: str = ""
    families: tuple[str, ...] = ()  # that alone take part; none named: all
    findings: tuple[Event, ...] = ()
    trials: Mapping[str, Trial] = field(default_factory=dict)
    running: Mapping[str, Job] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    finish: Finish = "bag"  # whether a member's fold models answer, its refits on all rows if it has any, or both
    verdict: Mapping[str, Any] = field(
        default_factory=dict
    )  # of the ensemble: loss, interval, temperature, cuts
    test: Mapping[str, Any] = field(
        default_factory=dict
    )  # scores on the user's test table, of the predictor and its members
    finished: str = ""
    resumed: int = 0  # how often
    extensions: Extensions = field(
        default=NO_EXTENSIONS, compare=False
    )  # the run's own families: no event tells them

    def family(self, name: str) -> Family:
        """The family of this name, as this run knows it."""
        return family(name, self.extensions)

    @property
    def the_task(self) -> Task:
        """The task, known from the clean stage on."""
        if self.task is None:
            raise LookupError("the task is known from the clean stage on")
        return self.task

    def add(self, event: Event) -> Study:
        """This study with what an event tells; replaying a log adds the same events."""
        return _ADD[event["kind"]](self, event)

    @property
    def score_warnings(self) -> tuple[Event, ...]:
        """The findings that warn of a score that is not true."""
        return tuple(finding for finding in self.findings if warns_of_score(finding))

    def taken(self, trial: Trial) -> set[tuple[int, int | None]]:
        """Where a trial was fitted or is being fitted on all rows; a fit that was cut by a run's end may be tried again."""
        ended = {key for key, outcome in trial.outcomes.items() if outcome.status != "cut"}
        return {
            job.split
            for key, job in trial.jobs.items()
            if job.rows is None and (key in ended or key in self.running)
        }

    def complete(self, trial: Trial) -> bool:
        """Whether every row that is ever held out has a prediction of this trial."""
        return all(split in trial.losses for split in self.plan.splits)

    def expected_loss(self, trial: Trial) -> float:
        """A trial's loss over all folds; of one that was dropped, the best complete model's plus how far it lay behind that one.

        One lucky fold makes nobody better than the best.
        """
        if self.complete(trial):
            return trial.loss
        best = next((other for other in self.ranked if other.candidate.family != "constant"), None)
        if best is None:
            return trial.loss
        seen = [split for split in trial.losses if split in best.losses]
        behind = sum(trial.losses[split] - best.losses[split] for split in seen) / max(1, len(seen))
        return best.loss + max(0.0, behind)

    def bag(self, trial: Trial) -> tuple[Split, ...]:
        """Where the fold models of a member of the predictor were fitted, if it keeps them."""
        return (
            ()
            if trial.refits and not keeps_bag(self.finish, self.family(trial.candidate.family))
            else trial.splits
        )

    def refits(self, trial: Trial) -> tuple[Split, ...]:
        """Where a member's refits were fitted, if it has any."""
        return trial.refits if self.finish != "bag" else ()

    def fitted_splits(self, trial: Trial) -> tuple[Split, ...]:
        """Where a member of the predictor was fitted: in the folds, and on all rows if it was refitted."""
        return (*trial.splits, *self.refits(trial))

    @cached_property
    def ranked(self) -> tuple[Trial, ...]:
        """The complete trials, best first."""
        return tuple(
            sorted(
                (t for t in self.trials.values() if self.complete(t)),
                key=lambda trial: (trial.loss, trial.id),
            )
        )

    @cached_property
    def leaders(self) -> Mapping[str, Trial]:
        """The best complete trial of each family, best first."""
        found: dict[str, Trial] = {}
        for trial in self.ranked:
            found.setdefault(trial.candidate.family, trial)
        return found


def _started(study: Study, event: Event) -> Study:
    return replace(study, seed=event["seed"])


def _finding(study: Study, event: Event) -> Study:
    return replace(study, findings=(*study.findings, event["finding"]))


def _stage(study: Study, event: Event) -> Study:
    study = replace(study, stage=event["stage"])
    if "task" in event:
        study = replace(
            study,
            task=Task.from_json(event["task"]),
            data=event["data"],
            size=Size(**event["size"]),
            plan=Plan(**event["plan"]),
        )
        study = replace(study, drawn=event.get("drawn", 0), narrowed=event.get("narrowed", 0))
    study = replace(study, families=tuple(event.get("families", study.families)))
    if "recipes" in event:
        study = replace(
            study, recipes=tuple(Recipe.from_json(recipe) for recipe in event["recipes"])
        )
    return study


def _with(study: Study, trial: Trial) -> Study:
    return replace(study, trials={**study.trials, trial.id: trial})


def _begun(study: Study, event: Event) -> Study:
    job = Job.from_json(event["job"])
    trial = study.trials.get(job.candidate.id, Trial(job.candidate))
    trial = replace(trial, jobs={**trial.jobs, job.key: job})
    return replace(_with(study, trial), running={**study.running, job.key: job})


def _fit(study: Study, event: Event) -> Study:
    running = {key: job for key, job in study.running.items() if key != event["key"]}
    trial = study.trials[event["id"]]
    trial = replace(trial, outcomes={**trial.outcomes, event["key"]: Outcome(**event["outcome"])})
    return replace(_with(study, trial), running=running)


def _trial(study: Study, event: Event) -> Study:
    return _with(
        study, replace(study.trials[event["id"]], decided=event["decided"], reason=event["reason"])
    )


def _weights(study: Study, event: Event) -> Study:
    return replace(
        study, weights=event["weights"], finish=event["finish"], verdict=event["verdict"]
    )


def _resumed(study: Study, event: Event) -> Study:
    return replace(study, finished="", running={}, test={}, resumed=study.resumed + 1)


def _hand(study: Study, event: Event) -> Study:
    """Candidates are tried by hand: whether the run has ended stays as it is."""
    return replace(study, running={})


def _test(study: Study, event: Event) -> Study:
    return replace(study, test=event["test"])


def _finished(study: Study, event: Event) -> Study:
    return replace(study, finished=event["how"], running={})


_ADD = {
    "started": _started,
    "finding": _finding,
    "stage": _stage,
    "begun": _begun,
    "fit": _fit,
    "trial": _trial,
    "weights": _weights,
    "resumed": _resumed,
    "hand": _hand,
    "test": _test,
    "finished": _finished,
}


def begun(job: Job) -> Event:
    """The event of a job that starts."""
    return {"kind": "begun", "id": job.candidate.id, "key": job.key, "job": job.to_json()}


def fitted(job: Job, outcome: Outcome) -> Event:
    """The event of a job that ended."""
    return {"kind": "fit", "id": job.candidate.id, "key": job.key, "outcome": outcome.to_json()}


def decided(trial: Trial, how: str, reason: str = "") -> Event:
    """The event of a candidate that is decided: "done", "dropped" or "failed"."""
    return {"kind": "trial", "id": trial.id, "decided": how, "reason": reason}
