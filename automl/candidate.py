"""Candidate, Job and Outcome: a candidate, one fit of it as a job, and the outcome of that fit."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal

from automl.features.recipe import Recipe
from automl.files import short_hash
from automl.models import is_baseline
from automl.resources import SINGLE_THREAD, Resources

Status = Literal["done", "failed", "timeout", "memory", "cancelled"]
Split = tuple[int, int | None]  # repeat and fold; without a fold: all rows

MANUAL_ORIGIN = "manual"  # of candidates that a person proposed
_FORMER_MANUAL_ORIGIN = "hand"  # in logs of format 2
FIRST_MODEL_ORIGIN = "first"  # of the quick model that serves until there is a better one


def digest(value: Any) -> str:
    """Return twelve hexadecimal digits that name a value's JSON."""
    return short_hash(json.dumps(value, sort_keys=True, default=str))


@dataclass(frozen=True)
class Candidate:
    """A family with its hyperparameters and a recipe.

    Parameters
    ----------
    family : str
    params : mapping of str to object
    recipe : Recipe
    origin : str
        The stage that proposed it; no part of its identity.
    rounds : int or None
        How many rounds its fits have; None lets early stopping choose.
    """

    family: str
    params: Mapping[str, Any]
    recipe: Recipe
    origin: str = field(default="", compare=False)
    rounds: int | None = None

    @cached_property
    def id(self) -> str:
        """Twelve hexadecimal digits that name the content."""
        parts: list[Any] = [self.family, dict(self.params), self.recipe.to_json()]
        if self.rounds is not None:
            parts.append(self.rounds)
        return digest(parts)

    @property
    def is_first_model(self) -> bool:
        """Whether it is the quick model that a run trains first."""
        return self.origin == FIRST_MODEL_ORIGIN

    @property
    def is_baseline(self) -> bool:
        """Whether its family learns nothing from the features."""
        return is_baseline(self.family)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        plain: dict[str, Any] = {
            "family": self.family,
            "params": dict(self.params),
            "recipe": self.recipe.to_json(),
            "origin": self.origin,
        }
        if self.rounds is not None:
            plain["rounds"] = self.rounds
        return plain

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Candidate:
        """Return the candidate that `to_json` wrote."""
        recipe = Recipe.from_json(value["recipe"])
        origin = value["origin"]
        if origin == _FORMER_MANUAL_ORIGIN:
            origin = MANUAL_ORIGIN
        return cls(value["family"], value["params"], recipe, origin, value.get("rounds"))


@dataclass(frozen=True)
class Job:
    """One fit of a candidate.

    Parameters
    ----------
    candidate : Candidate
    data : str
        Hash of the task, the table and the folds: equal work has one name in every run.
    repeat, fold : int
        Which rows are held out; `fold=None` trains on all rows.
    seed : int
    rows : int or None
        Number of training rows of a low-fidelity fit; None for all of them.
    rounds : int or None
        A fixed number of rounds; None stops early.
    resources : Resources
        The number of threads is part of the identity, since it may change the model's last bits.
    seconds : float
        Time limit; no part of the identity.
    """

    candidate: Candidate
    data: str
    repeat: int = 0
    fold: int | None = 0
    seed: int = 0
    rows: int | None = None
    rounds: int | None = None
    resources: Resources = SINGLE_THREAD
    seconds: float = field(default=math.inf, compare=False)

    @cached_property
    def key(self) -> str:
        """Twelve hexadecimal digits that name the work."""
        parts = [self.candidate.id, self.data, self.repeat, self.fold, self.seed]
        parts += [self.rows, self.rounds, self.resources.threads]
        if self.resources.device != "cpu":
            parts.append(self.resources.device)
        return digest(parts)

    @property
    def split(self) -> Split:
        """Repeat and fold."""
        return self.repeat, self.fold

    @property
    def is_kept(self) -> bool:
        """Whether its model may be served; only the first model may be after a low-fidelity fit."""
        return self.rows is None or self.candidate.is_first_model

    @property
    def is_resumable(self) -> bool:
        """Whether a longer fit of the same rows may go on from it, as on a ladder of rungs."""
        return self.rows is not None and self.rounds is not None and self.fold is not None

    def to_json(self) -> dict[str, Any]:
        """Return plain values without the time limit."""
        names = ("data", "repeat", "fold", "seed", "rows", "rounds")
        plain = {name: getattr(self, name) for name in names}
        plain["threads"] = self.resources.threads
        if self.resources.device != "cpu":
            plain["device"] = self.resources.device
        return plain | {"candidate": self.candidate.to_json()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Job:
        """Return the job that `to_json` wrote."""
        plain = dict(value)
        candidate = Candidate.from_json(plain.pop("candidate"))
        resources = Resources(plain.pop("threads"), device=plain.pop("device", "cpu"))
        return cls(candidate, resources=resources, **plain)


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    The learning curve and the resolved parameters lie in the run folder.

    Parameters
    ----------
    status : {"done", "failed", "timeout", "memory", "cancelled"}
        `cancelled` is a fit that the end of the run stopped: a resumed run tries it again.
    loss : float or None
    seconds : float
        Of the fit alone.
    seconds_before : float
        Of the fits that it went on from.
    rounds : int or None
    reason : str
        Why it failed.
    stopped : bool
        Whether its deadline ended it rather than early stopping.
    size : int
        Bytes of the model's file.
    row_ms : float
        Milliseconds that the model takes for one row, counted from what it consists of; 0 if
        the model was not kept.
    encoding_size : int
        Bytes of the encodings that the model reads; 0 if it was not kept.
    """

    status: Status
    loss: float | None = None
    seconds: float = 0.0
    rounds: int | None = None
    reason: str = ""
    stopped: bool = False
    size: int = 0
    row_ms: float = 0.0
    encoding_size: int = 0
    seconds_before: float = 0.0

    @property
    def whole_seconds(self) -> float:
        """Seconds of the training from zero."""
        return self.seconds_before + self.seconds

    @property
    def is_done(self) -> bool:
        """Whether the fit succeeded."""
        return self.status == "done"

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)
