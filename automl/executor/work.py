"""Work items that an executor's workers can do, and the results that they send back."""

from __future__ import annotations

import math
from dataclasses import dataclass

from automl.candidate import Job, Outcome, Split
from automl.features.recipe import Recipe, topics_recipe
from automl.models import reads_features

WORKER_DIED = "its worker process died"


@dataclass(frozen=True)
class Encode:
    """Work item: encode the columns by a recipe.

    Parameters
    ----------
    recipe : Recipe
    split : (int, int or None) or None
        Whose training rows the encoders are fitted on; None for encoders that all folds share.
    """

    recipe: Recipe
    split: Split | None = None

    @property
    def key(self) -> str:
        """Name of the folder that it makes."""
        if self.split is None:
            return f"{self.recipe.name}-shared"
        repeat, fold = self.split
        return f"{self.recipe.name}-r{repeat}f{'all' if fold is None else fold}"


@dataclass(frozen=True)
class Probe:
    """Work item: train quick models on folds of their own.

    The folds lie in `work/probes/`; the held-out predictions are written next to them.
    """

    key: str


WorkItem = Encode | Job | Probe


@dataclass(frozen=True)
class JobLimits:
    """When a work item must end, as readings of the run's clock.

    Parameters
    ----------
    deadline : float
        When a fit must stop by itself, with time left to predict and write.
    kill_at : float
        When its worker is killed.
    """

    deadline: float = math.inf
    kill_at: float = math.inf


NO_JOB_LIMITS = JobLimits()


@dataclass(frozen=True)
class WorkResult:
    """How a work item ended.

    Parameters
    ----------
    item : Encode, Job or Probe
    outcome : Outcome
    warnings : tuple of str
        Those that libraries raised.
    disk_error : int
        The `errno` of a disk that can't be written or a folder that has vanished, for which the
        whole run fails. 0 if there is none.
    worker_died : bool
        Whether the item was lost with its worker, so that it may be tried again.
    """

    item: WorkItem
    outcome: Outcome
    warnings: tuple[str, ...] = ()
    disk_error: int = 0
    worker_died: bool = False


def encodings_for(job: Job) -> tuple[Encode, ...]:
    """Return the encodings that must exist before a job starts.

    A family that reads no features needs none, and a bounded recipe is encoded in the fit.
    """
    if job.candidate.recipe.bounded or not reads_features(job.candidate.family):
        return ()
    return encodings_at(job.candidate.recipe, job.split)


def encodings_at(recipe: Recipe, split: Split) -> tuple[Encode, ...]:
    """Return the encodings that a model of a recipe reads at a split, in column order.

    Refits of all repeats share one encoding, and all recipes share the topics of texts.
    """
    rows = training_split(split)
    targeted = [Encode(part, rows) for part in _parts(recipe) if part.reads_target]
    return (*shared_encodings(recipe), *targeted)


def shared_encodings(recipe: Recipe) -> tuple[Encode, ...]:
    """Return the encodings of a recipe that don't read the target, so that all folds share them.

    A bounded recipe has none.
    """
    if recipe.bounded:
        return ()
    return tuple(Encode(part) for part in _parts(recipe))


def training_split(split: Split) -> Split:
    """Return the split that names the training rows: all refits have the same."""
    return (0, None) if split[1] is None else split


def _parts(recipe: Recipe) -> tuple[Recipe, ...]:
    """Return a recipe and, if it has one, the recipe of its texts' topics."""
    return (recipe, topics_recipe(recipe)) if recipe.text == "svd" else (recipe,)
