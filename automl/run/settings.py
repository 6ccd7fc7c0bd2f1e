"""Settings, callbacks and result of a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from automl.budget import Budget
from automl.executor.engines import LOCAL, Engine, engine_of
from automl.extensions import NO_EXTENSIONS, Extensions
from automl.journal import Observer
from automl.lab.lab import Lab
from automl.models import check_trainable, find_family
from automl.pipeline import Pipeline
from automl.predictor import Predictor
from automl.resources import SINGLE_THREAD, Resources
from automl.run.scoring import ScoredTable
from automl.stages.traits import check_families
from automl.study import Study

EndCallback = Callable[[Study, Path], None]


@dataclass(frozen=True)
class Settings:
    """How a run is made.

    Parameters
    ----------
    pipeline : Pipeline
    output : Path
        The run's folder: absent, or empty.
    seconds : float or None
        The budget, counted from `started` (a reading of `time.monotonic`); None if `trials`
        bounds the run.
    trials : int or None
    seed : int
    jobs : int
        Cores: workers x threads.
    memory : int or None
        Bytes that the workers may hold.
    engine : str or Engine
        Where the work is done.
    resources : Resources
        Memory and device of every fit; the threads are chosen by the size of the table.
    started : float
    keep_data : bool
        Whether the working files stay.
    lasting : bool
        Whether the folder stays. A temporary one gets no run.toml, and no predictor before the
        end.
    test : ScoredTable, optional
        A table that only adds test scores.
    extensions : Extensions
        Families that this run was given.
    """

    pipeline: Pipeline
    output: Path
    seconds: float | None = 600.0
    trials: int | None = None
    seed: int = 0
    jobs: int = 1
    memory: int | None = None
    engine: str | Engine = LOCAL.name
    resources: Resources = SINGLE_THREAD
    started: float = field(default_factory=time.monotonic)
    keep_data: bool = False
    lasting: bool = True
    test: ScoredTable | None = None
    extensions: Extensions = NO_EXTENSIONS

    def __post_init__(self) -> None:
        """Refuse families that are not known, or that leave a stage nothing to do."""
        for name in self.pipeline.families:
            find_family(name, self.extensions)
            check_trainable(name)
        for step in self.pipeline.steps:
            check_families(step.stage, self.pipeline.families)

    @property
    def budget(self) -> Budget:
        """Budget of the run."""
        deadline = float("inf") if self.seconds is None else self.started + self.seconds
        return Budget(deadline, time.monotonic, self.trials, self.memory)

    @property
    def used_engine(self) -> Engine:
        """The engine that is really used on this machine."""
        return engine_of(self.engine)

    @property
    def engine_name(self) -> str:
        """Name of the engine that was asked for."""
        return self.engine if isinstance(self.engine, str) else self.engine.name


@dataclass(frozen=True)
class Callbacks:
    """Functions that a run calls.

    Parameters
    ----------
    observers : sequence of callable
        Called with each event and the study that it made.
    at_end : sequence of callable
        Called at the end with the study and the run's folder; their time is reserved.
    on_lab : callable
        Receives the Lab, so that a signal can halt it.
    modules : sequence of str
        Modules that the callbacks at the end import; loaded while the first fits run.
    """

    observers: Sequence[Observer] = ()
    at_end: Sequence[EndCallback] = ()
    on_lab: Callable[[Lab], None] = lambda lab: None
    modules: Sequence[str] = ()


NO_CALLBACKS = Callbacks()


@dataclass(frozen=True)
class Result:
    """Result of a run.

    Parameters
    ----------
    study : Study
    predictor : Predictor
    folder : Path
    sha256 : str
        Of the predictor's file.
    """

    study: Study
    predictor: Predictor
    folder: Path
    sha256: str
