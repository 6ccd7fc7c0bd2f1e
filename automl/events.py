"""Events: what can happen in a run. Each kind is one frozen value that says how it extends a study.

A run's log holds one event a line. A new kind is a class here and its entry in `EVENTS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar, Literal, Self

from automl.candidate import Job, Outcome
from automl.features.recipe import Recipe
from automl.finding import Finding
from automl.price import MISSED_PRICE, Cost
from automl.study import Evaluation, Event, Finish, Plan, Size, Study
from automl.task import Task
from automl.trial import Decision, Trial

Json = Mapping[str, Any]

LOG_FORMAT = 3  # of the lines of a log
READABLE_FORMATS = (2, 3)


class PlainEvent:
    """Events whose fields are plain values, under their own names."""

    def to_json(self) -> dict[str, Any]:
        """Return the values by name."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Return the event that `to_json` wrote."""
        names = [field.name for field in fields(cls)]  # type: ignore[arg-type]
        return cls(**{name: value[name] for name in names})


@dataclass(frozen=True)
class RunStarted(PlainEvent):
    """The run begins."""

    kind: ClassVar[str] = "started"

    seed: int

    def added_to(self, study: Study) -> Study:
        """Return the study with the run's seed."""
        return replace(study, seed=self.seed)


@dataclass(frozen=True)
class FindingRecorded:
    """Something was found in the table, or went wrong without costing the run."""

    kind: ClassVar[str] = "finding"

    finding: Finding

    def added_to(self, study: Study) -> Study:
        """Return the study with one more finding."""
        return replace(study, findings=(*study.findings, self.finding))

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"finding": self.finding.to_json()}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Return the event that `to_json` wrote."""
        return cls(Finding.from_json(value["finding"]))


@dataclass(frozen=True)
class StageStarted:
    """A stage of the pipeline begins.

    Parameters
    ----------
    stage : str
    families : tuple of str or None
        The only families that take part from now on; None leaves them.
    """

    kind: ClassVar[str] = "stage"

    stage: str
    families: tuple[str, ...] | None = None

    def added_to(self, study: Study) -> Study:
        """Return the study in this stage."""
        families = study.families if self.families is None else self.families
        return replace(study, stage=self.stage, families=families)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        plain: dict[str, Any] = {"stage": self.stage}
        if self.families is not None:
            plain["families"] = list(self.families)
        return plain

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Return the event that `to_json` wrote."""
        families = value.get("families")
        return cls(value["stage"], None if families is None else tuple(families))


@dataclass(frozen=True)
class StageEnded(PlainEvent):
    """A stage of the pipeline has ended."""

    kind: ClassVar[str] = "stage_ended"

    stage: str

    def added_to(self, study: Study) -> Study:
        """Return the same study: the stage's results have events of their own."""
        return study


@dataclass(frozen=True)
class DataPrepared:
    """The table is clean: the task, the size of the data and the folds are known.

    Parameters
    ----------
    task : Task
    data : str
        Hash of the task, the table and the folds.
    size : Size
    plan : Plan
    drawn : int
        Number of rows drawn from a larger table; 0 if all were taken.
    narrowed : int
        Number of columns kept of a wider table; 0 if all were.
    """

    kind: ClassVar[str] = "data"

    task: Task
    data: str
    size: Size
    plan: Plan
    drawn: int = 0
    narrowed: int = 0

    def added_to(self, study: Study) -> Study:
        """Return the study with what is known of the data."""
        return replace(
            study,
            task=self.task,
            data=self.data,
            size=self.size,
            plan=self.plan,
            drawn=self.drawn,
            narrowed=self.narrowed,
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "task": self.task.to_json(),
            "data": self.data,
            "size": asdict(self.size),
            "plan": asdict(self.plan),
            "drawn": self.drawn,
            "narrowed": self.narrowed,
        }

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Return the event that `to_json` wrote."""
        return cls(
            Task.from_json(value["task"]),
            value["data"],
            Size(**value["size"]),
            Plan(**value["plan"]),
            value.get("drawn", 0),
            value.get("narrowed", 0),
        )


@dataclass(frozen=True)
class RecipesChosen:
    """The recipes are known by which columns may become features."""

    kind: ClassVar[str] = "recipes"

    recipes: tuple[Recipe, ...]

    def added_to(self, study: Study) -> Study:
        """Return the study with these recipes."""
        return replace(study, recipes=self.recipes)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"recipes": [recipe.to_json() for recipe in self.recipes]}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Return the event that `to_json` wrote."""
        return cls(tuple(Recipe.from_json(recipe) for recipe in value["recipes"]))


@dataclass(frozen=True)
class FitStarted:
    """A job was queued."""

    kind: ClassVar[str] = "begun"

    job: Job

    @property
    def id(self) -> str:
        """The trial's id."""
        return self.job.candidate.id

    def added_to(self, study: Study) -> Study:
        """Return the study with a running job, and a new trial if it is the first of one."""
        job = self.job
        trial = study.trials.get(self.id, Trial(job.candidate))
        trial = replace(trial, jobs={**trial.jobs, job.key: job})
        study = _with_trial(study, trial)
        return replace(study, running={**study.running, job.key: job})

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"id": self.id, "key": self.job.key, "job": self.job.to_json()}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Return the event that `to_json` wrote."""
        return cls(Job.from_json(value["job"]))


@dataclass(frozen=True)
class FitEnded:
    """A job has ended.

    Parameters
    ----------
    id : str
        The trial's.
    key : str
        The job's.
    outcome : Outcome
    warnings : tuple of str
        Those that libraries raised during the fit.
    """

    kind: ClassVar[str] = "fit"

    id: str
    key: str
    outcome: Outcome
    warnings: tuple[str, ...] = ()

    def added_to(self, study: Study) -> Study:
        """Return the study with the outcome, and without the running job."""
        running = {key: job for key, job in study.running.items() if key != self.key}
        trial = study.trials[self.id]
        outcomes = {**trial.outcomes, self.key: self.outcome}
        study = _with_trial(study, replace(trial, outcomes=outcomes))
        return replace(study, running=running)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "id": self.id,
            "key": self.key,
            "outcome": self.outcome.to_json(),
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Return the event that `to_json` wrote."""
        warnings = tuple(value.get("warnings", ()))
        return cls(value["id"], value["key"], Outcome(**value["outcome"]), warnings)


@dataclass(frozen=True)
class TrialDecided(PlainEvent):
    """A candidate is decided: all its folds are done, it was dropped, or it failed."""

    kind: ClassVar[str] = "trial"

    id: str
    decided: Decision
    reason: str = ""

    def added_to(self, study: Study) -> Study:
        """Return the study with the decided trial."""
        trial = study.trials[self.id]
        return _with_trial(study, replace(trial, decided=self.decided, reason=self.reason))


@dataclass(frozen=True)
class EnsembleWeighted:
    """The ensemble's members have weights, and its score is known.

    Parameters
    ----------
    weights : mapping of str to float
        By trial id.
    finish : {"bag", "refit", "both", "either"}
        `either`: a member is its refits if it has enough of them, else its bag, too.
    evaluation : Evaluation or None
        None as long as only unfinished models predict.
    copies : int
        The most fold models, and the most refits, of a member; 0 is no bound.
    cost : Cost or None
        What its predictions cost, where a price was asked for.
    """

    kind: ClassVar[str] = "weights"

    weights: Mapping[str, float]
    finish: Finish
    evaluation: Evaluation | None
    copies: int = 0
    cost: Cost | None = None

    def added_to(self, study: Study) -> Study:
        """Return the study with this ensemble, and without what was found about earlier ones."""
        findings = [finding for finding in study.findings if finding.code != MISSED_PRICE]
        return replace(
            study,
            findings=tuple(findings),
            weights=self.weights,
            finish=self.finish,
            copies=self.copies,
            cost=self.cost,
            evaluation=self.evaluation,
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        evaluation = None if self.evaluation is None else self.evaluation.to_json()
        plain: dict[str, Any] = {
            "weights": dict(self.weights),
            "finish": self.finish,
            "evaluation": evaluation,
        }
        if self.copies:
            plain["copies"] = self.copies
        if self.cost is not None:
            plain["cost"] = self.cost.to_json()
        return plain

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Return the event that `to_json` wrote."""
        plain = value["evaluation"]
        evaluation = None if plain is None else Evaluation.from_json(plain)
        cost = Cost.from_json(value["cost"]) if "cost" in value else None
        copies = value.get("copies", 0)
        return cls(value["weights"], value["finish"], evaluation, copies, cost)


@dataclass(frozen=True)
class RunResumed(PlainEvent):
    """An ended or interrupted run continues."""

    kind: ClassVar[str] = "resumed"

    def added_to(self, study: Study) -> Study:
        """Return the study as one of a run that has not finished."""
        return replace(study, finished="", running={}, test={}, resumed=study.resumed + 1)


@dataclass(frozen=True)
class ManualTrialsStarted(PlainEvent):
    """A person tries candidates by `automl try` or `sweep`; whether the run has ended stays."""

    kind: ClassVar[str] = "manual"

    def added_to(self, study: Study) -> Study:
        """Return the study without what was running when an earlier process ended."""
        return replace(study, running={})


@dataclass(frozen=True)
class PredictorScored(PlainEvent):
    """The predictor and its members were scored on the user's test table."""

    kind: ClassVar[str] = "test"

    test: Mapping[str, Any]

    def added_to(self, study: Study) -> Study:
        """Return the study with these scores."""
        return replace(study, test=self.test)


@dataclass(frozen=True)
class RunFinished(PlainEvent):
    """The run has ended."""

    kind: ClassVar[str] = "finished"

    how: Literal["done", "interrupted"]

    def added_to(self, study: Study) -> Study:
        """Return the finished study."""
        return replace(study, finished=self.how, running={})


EVENTS = (
    RunStarted,
    FindingRecorded,
    StageStarted,
    StageEnded,
    DataPrepared,
    RecipesChosen,
    FitStarted,
    FitEnded,
    TrialDecided,
    EnsembleWeighted,
    RunResumed,
    ManualTrialsStarted,
    PredictorScored,
    RunFinished,
)
_BY_KIND = {event.kind: event for event in EVENTS}


def event_from_json(value: Json) -> Event:
    """Return the event of one line of a log, whose `v` is its format.

    Raises
    ------
    LookupError, TypeError, ValueError
        It is not an event that this version knows.
    """
    if value["v"] < LOG_FORMAT:
        value = _from_format_2(value)
    return _BY_KIND[value["kind"]].from_json(value)


def _from_format_2(value: Json) -> Json:
    """Return a line of format 2 in today's words."""
    plain = dict(value)
    match value["kind"]:
        case "hand":
            plain["kind"] = "manual"
        case "stage" if "task" in value:
            plain["kind"] = "data"
        case "stage" if "recipes" in value:
            plain["kind"] = "recipes"
        case "fit" if value["outcome"]["status"] == "cut":
            plain["outcome"] = {**value["outcome"], "status": "cancelled"}
        case "weights":
            plain["evaluation"] = _evaluation_from_format_2(value["verdict"])
    return plain


def _evaluation_from_format_2(verdict: Json) -> Json | None:
    if "loss" not in verdict:
        return None
    plain = dict(verdict)
    if "cuts" in plain:
        plain["thresholds"] = plain.pop("cuts")
    return plain


def finding_event(
    code: str,
    action: str,
) -> FindingRecorded:
    """Return the event of a warning about the run itself, which no option changes."""
    return FindingRecorded(Finding(code, (), "warning", 1, action=action))


def _with_trial(
    study: Study,
    trial: Trial,
) -> Study:
    return replace(study, trials={**study.trials, trial.id: trial})
