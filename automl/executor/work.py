"""What a worker can be asked to do, and what it reports."""

from __future__ import annotations

from dataclasses import dataclass

from automl.features.recipe import Recipe, topics
from automl.trial import Job, Outcome, Split


@dataclass(frozen=True)
class Encode:
    """Work: encode the columns by a recipe. Without a place, by the encoders that all folds share."""

    recipe: Recipe
    split: Split | None = None

    @property
    def key(self) -> str:
        """The name of the folder that it makes."""
        where = (
            "shared"
            if self.split is None
            else f"r{self.split[0]}f{'all' if self.split[1] is None else self.split[1]}"
        )
        return f"{self.recipe.name}-{where}"


@dataclass(frozen=True)
class Probe:
    """Work: quick models under the folds that lie in `work/probes/`, whose held-out predictions are laid beside them."""

    key: str


WorkItem = Encode | Job | Probe

DIED = "its worker process died"  # the reason of work that was lost with its worker


@dataclass(frozen=True)
class WorkResult:
    """What came of a piece of work.

    Parameters
    ----------
    warnings : tuple of str
        Those that the libraries raised.
    trouble : int
        The `errno` of a disk that can't be written or a folder that has vanished, the run's affair and not the work's; 0 if there is none.
    """

    item: WorkItem
    outcome: Outcome
    warnings: tuple[str, ...] = ()
    trouble: int = 0


def encodings_for(job: Job) -> tuple[Encode, ...]:
    """The encodings that have to be there before a job: the constant reads none, and a bounded recipe is encoded in the fit."""
    if job.candidate.family == "constant" or job.candidate.recipe.bounded:
        return ()
    return encodings_at(job.candidate.recipe, job.split)


def rows_at(split: Split) -> Split:
    """The place whose rows are trained on: all refits have the same."""
    return (0, None) if split[1] is None else split


def encodings_at(recipe: Recipe, split: Split) -> tuple[Encode, ...]:
    """The encodings that a model of a recipe at a place reads, side by side; refits share theirs, and all recipes what is made of texts."""
    return (
        *shared_by_folds(recipe),
        *(Encode(part, rows_at(split)) for part in _parts(recipe) if part.reads_target),
    )


def shared_by_folds(recipe: Recipe) -> tuple[Encode, ...]:
    """The encodings of a recipe that don't read the target; all that a bounded one makes does."""
    if recipe.bounded:
        return ()
    return tuple(Encode(part) for part in _parts(recipe))


def _parts(recipe: Recipe) -> tuple[Recipe, ...]:
    """A recipe, and that of what is made of texts if it has it."""
    return (recipe, topics(recipe)) if recipe.text == "svd" else (recipe,)
