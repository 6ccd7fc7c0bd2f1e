"""Study: everything that is known of a run, as facts without arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import product
from typing import Any, ClassVar, Literal, Protocol, Self

from automl.candidate import Job, Split
from automl.extensions import NO_EXTENSIONS, Extensions
from automl.features.recipe import Recipe
from automl.finding import Finding
from automl.models import Family, find_family
from automl.price import Cost
from automl.space import Space
from automl.task import Task
from automl.trial import Trial

FoldKind = Literal["kfold", "time", "holdout", "panel"]
KeptTogether = Literal["", "groups", "copies"]  # which rows are always held out together
Finish = Literal["bag", "refit", "both", "either"]

HELD_OUT_SHARES: Mapping[FoldKind, float] = {
    "kfold": 1.0,
    "time": 0.5,
    "holdout": 0.2,
    "panel": 0.5,
}
# Refits of a member with different seeds that are as good as these next to its fold models, where
# there are enough rows.
ENOUGH_REFITS = 4
SCORE_WARNING_CODES = ("leak", "copied_rows", "entity", "drift", "groups_and_times")


def warns_of_score(finding: Finding) -> bool:
    """Return whether a finding warns that the score is too good.

    >>> warns_of_score(Finding("leak", (), "warning", 1, action="..."))
    True
    >>> warns_of_score(Finding("copied_rows", (), "info", 1, action="..."))
    False
    """
    return finding.code in SCORE_WARNING_CODES and finding.severity == "warning"


def keeps_bag(
    finish: Finish,
    kind: Family,
    n_refits: int = 1,
) -> bool:
    """Return whether a member's fold models are used even where it has refits."""
    if finish == "either" and n_refits >= ENOUGH_REFITS:
        return False
    return finish == "bag" or (finish in ("both", "either") and kind.bagged)


@dataclass(frozen=True)
class Plan:
    """How rows are held out.

    Parameters
    ----------
    kind : {"kfold", "time", "holdout", "panel"}
    folds, repeats : int
    together : {"", "groups", "copies"}
        Which rows are always held out together.
    """

    kind: FoldKind = "kfold"
    folds: int = 5
    repeats: int = 1
    together: KeptTogether = ""

    @cached_property
    def splits(self) -> tuple[tuple[int, int], ...]:
        """Every (repeat, fold), first repeat first."""
        repeats = range(self.repeats)
        folds = range(self.folds)
        return tuple(product(repeats, folds))

    @property
    def held_share(self) -> float:
        """Approximate share of the rows that one split holds out."""
        return HELD_OUT_SHARES[self.kind] / self.folds

    @property
    def models(self) -> int:
        """Number of models of a candidate that are averaged."""
        return len(self.splits) if self.kind == "kfold" else 1


@dataclass(frozen=True)
class Size:
    """Rows and columns of the cleaned table.

    Parameters
    ----------
    rows, columns : int
    repeated : int
        Rows that equal an earlier one and may be in another fold.
    categories : int
        Columns of categories.
    others : int
        Rows that are not of the most frequent class; all rows of a regression.
    features : int
        Approximate number of features that the columns become; a text becomes several.
    """

    rows: int = 0
    columns: int = 0
    repeated: int = 0
    categories: int = 0
    others: int = 0
    features: int = 0

    @property
    def width(self) -> int:
        """Approximate number of values that a model reads from a row."""
        return max(self.columns, self.features)


@dataclass(frozen=True)
class Evaluation:
    """How good the ensemble is on held-out rows, and how its output becomes predictions.

    Parameters
    ----------
    loss : float
        Mean over the folds, with the optimism of having chosen the ensemble added.
    low, high : float
        Ends of the 95% interval of the loss on `new` further rows.
    rows : int
        Number of held-out rows that it was computed on.
    new : int
        Number of new rows that the interval is for.
    optimism : float
    folds : tuple of float
        Loss of each fold.
    temperature : float
        Probabilities are raised to this power and normalised; 1 leaves them as they are.
    thresholds : tuple of float or None
        Divisors of the probabilities of each class before the largest decides.
    residuals : tuple of float or None
        Quantiles of the held-out residuals; regression only.
    tied : tuple of str
        Ids of trials that are as good as the best one, as far as these rows can say.
    """

    loss: float
    low: float
    high: float
    rows: int
    new: int
    optimism: float = 0.0
    folds: tuple[float, ...] = ()
    temperature: float = 1.0
    thresholds: tuple[float, ...] | None = None
    residuals: tuple[float, ...] | None = None
    tied: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the evaluation that `to_json` wrote."""
        plain = dict(value)
        for name in ("folds", "thresholds", "residuals", "tied"):
            if plain.get(name) is not None:
                plain[name] = tuple(plain[name])
        return cls(**plain)


class Event(Protocol):
    """Something that happened in a run; `automl.events` has all kinds."""

    kind: ClassVar[str]

    def added_to(self, study: Study) -> Study:
        """Return a study that knows this event, too."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Return plain values, without the kind and the time."""
        ...


@dataclass(frozen=True)
class Study:
    """Everything that is known of a run: facts only, no arrays.

    It is immutable: each event yields a new study.

    Parameters
    ----------
    seed : int
    task : Task or None
        Known once the table is clean.
    data : str
        Hash of the task, the table and the folds.
    size : Size
    drawn : int
        Number of rows drawn from a larger table; 0 if all were taken.
    narrowed : int
        Number of columns kept of a wider table; 0 if all were.
    plan : Plan
    recipes : tuple of Recipe
    stage : str
        The current stage.
    families : tuple of str
        The only ones that take part; empty for all.
    findings : tuple of Finding
    trials : mapping of str to Trial
    running : mapping of str to Job
        By key.
    weights : mapping of str to float
        Of the ensemble's members by trial id.
    finish : {"bag", "refit", "both", "either"}
        Whether a member consists of its fold models, of its refits on all rows if it has any, or
        of both.
    copies : int
        The most fold models, and the most refits, of a member; 0 is no bound.
    cost : Cost or None
        What the ensemble's predictions cost, where a price was asked for.
    evaluation : Evaluation or None
        Of the ensemble.
    test : mapping
        Scores of the predictor and its members on the user's test table.
    finished : str
        How the run ended; empty until then.
    resumed : int
        How often it was resumed.
    extensions : Extensions
        The run's own families; no event holds them.
    """

    seed: int = 0
    task: Task | None = None
    data: str = ""
    size: Size = field(default_factory=Size)
    drawn: int = 0
    narrowed: int = 0
    plan: Plan = field(default_factory=Plan)
    recipes: tuple[Recipe, ...] = ()
    stage: str = ""
    families: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    trials: Mapping[str, Trial] = field(default_factory=dict)
    running: Mapping[str, Job] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    finish: Finish = "bag"
    copies: int = 0
    cost: Cost | None = None
    evaluation: Evaluation | None = None
    test: Mapping[str, Any] = field(default_factory=dict)
    finished: str = ""
    resumed: int = 0
    extensions: Extensions = field(default=NO_EXTENSIONS, compare=False)

    def family(self, name: str) -> Family:
        """Return the family of this name, as this run knows it."""
        return find_family(name, self.extensions)

    def all_params(self, name: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return hyperparameters of a family, with its own values where none are given."""
        family = self.family(name)
        return {
            **family.library_defaults(self.known_task),
            **family.defaults(self.known_task),
            **params,
        }

    def space(self, name: str, recipe: Recipe) -> Space:
        """Return the ranges of a family's hyperparameters with a recipe."""
        family = self.family(name)
        has_codes = recipe.has_native_categories and self.size.categories > 0
        return family.space(self.known_task, has_codes)

    @property
    def known_task(self) -> Task:
        """The task, known from the clean stage on."""
        if self.task is None:
            raise LookupError("the task is known from the clean stage on")
        return self.task

    def add(self, event: Event) -> Study:
        """Return a study that knows an event, too; replaying a log adds the same events."""
        return event.added_to(self)

    @property
    def score_warnings(self) -> tuple[Finding, ...]:
        """The findings that warn that the score is too good."""
        return tuple(finding for finding in self.findings if warns_of_score(finding))

    def started_splits(self, trial: Trial) -> set[Split]:
        """Return where a trial was or is being fitted on all training rows.

        A fit that the end of a run cancelled may be tried again.
        """
        started = set()
        for key, job in trial.jobs.items():
            outcome = trial.outcomes.get(key)
            if job.rows is not None:
                continue
            has_ended = outcome is not None and outcome.status != "cancelled"
            if has_ended or key in self.running:
                started.add(job.split)
        return started

    def is_complete(self, trial: Trial) -> bool:
        """Return whether every row that is ever held out has a prediction of this trial."""
        return all(split in trial.losses for split in self.plan.splits)

    def expected_loss(self, trial: Trial) -> float:
        """Return a trial's loss over all folds.

        For a dropped trial it is the best complete model's loss plus the distance to that model
        on the folds seen: one lucky fold makes no trial better than the best.
        """
        if self.is_complete(trial):
            return trial.loss
        if not self.ranked_models:
            return trial.loss
        best = self.ranked_models[0]
        distances = []
        for split, loss in trial.losses.items():
            if split in best.losses:
                distances.append(loss - best.losses[split])
        behind = sum(distances) / max(1, len(distances))
        return best.loss + max(0.0, behind)

    def bag(self, trial: Trial) -> tuple[Split, ...]:
        """Return where the fold models of a member were fitted."""
        n_refits = len(trial.refits)
        if n_refits:
            kind = self.family(trial.family)
            if not keeps_bag(self.finish, kind, n_refits):
                return ()
        return self._limited(trial.splits)

    def refits(self, trial: Trial) -> tuple[Split, ...]:
        """Return where the refits of a member were fitted."""
        if self.finish == "bag":
            return ()
        return self._limited(trial.refits)

    def _limited(self, splits: tuple[Split, ...]) -> tuple[Split, ...]:
        """Return as many of a member's models as the price allows."""
        if not self.copies:
            return splits
        return splits[: self.copies]

    def fitted_splits(self, trial: Trial) -> tuple[Split, ...]:
        """Return every split where a member was fitted: the folds, and all rows if refitted."""
        return (*trial.splits, *self.refits(trial))

    @cached_property
    def ranked(self) -> tuple[Trial, ...]:
        """The complete trials, best first."""
        complete = filter(self.is_complete, self.trials.values())
        return tuple(sorted(complete, key=_rank))

    @cached_property
    def ranked_models(self) -> tuple[Trial, ...]:
        """The complete trials without the baseline, best first."""
        models = []
        for trial in self.ranked:
            if not trial.candidate.is_baseline:
                models.append(trial)
        return tuple(models)

    @cached_property
    def leaders(self) -> Mapping[str, Trial]:
        """The best complete trial of each family, best first."""
        found: dict[str, Trial] = {}
        for trial in self.ranked:
            found.setdefault(trial.family, trial)
        return found


def _rank(trial: Trial) -> tuple[float, str]:
    """Return the key by which trials are sorted; equal losses are sorted by id."""
    return trial.loss, trial.id
