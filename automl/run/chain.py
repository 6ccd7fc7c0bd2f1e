"""One run: from a problem and settings to a predictor, a leaderboard and a folder that tells how."""

from __future__ import annotations

import importlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast

from automl.budget import Budget, Stopwatch, crowding, keeping_an_end
from automl.errors import AutoMLError, InputError, one_line
from automl.executor._base import Executor, InlineExecutor
from automl.executor.fork_server import ForkServer
from automl.executor.processes import ProcessExecutor
from automl.extensions import NO_EXTENSIONS, Extensions
from automl.files import write_text
from automl.insight import seconds_to_learn
from automl.lab.lab import Lab, Observer
from automl.leaderboard import leaderboard, to_csv
from automl.models import family
from automl.pipeline import Pipeline, Step
from automl.predictor import Predictor, save
from automl.problem import Problem
from automl.run.checkpoint import Checkpointer, cut, has_answer
from automl.run.first_model import start_first_model, with_baseline
from automl.run.recorder import FactsLater, Recorder
from automl.run.scoring import ScoredTable, TableScoring, examine, prepare
from automl.stages import STAGES
from automl.stages.clean import LARGE
from automl.stages.ensemble import Ensemble, settle
from automl.stages.select import Select
from automl.stages.tune import has_time_for_optuna
from automl.store import Store, replay
from automl.trial import Event, Study

Finisher = Callable[[Study, Path], None]

MEMBERS = 8  # trials that a predictor may well be made of
WRITTEN = 4e8  # bytes of it that are packed and written in a second
FEW = 4  # candidates: the baseline, a linear model, and two more
SEARCHING = ("select", "tune")  # the stages among which a budget of trials is divided
FIRST_MODEL = 0.5  # of what is left is for the search where it would else have nothing, as long as there is no model
LONGEST_WARMING = 30.0  # seconds to wait for the first worker
TEACHING = 0.04  # of a run's time may go into telling what it teaches
ENDING = 0.3  # seconds of a free machine that ensemble, packing and report take at least


@dataclass(frozen=True)
class Settings:
    """How a run is to be made.

    Parameters
    ----------
    output : Path
        The run's folder: absent, or empty.
    seconds : float or None
        The budget, counted from `started` (a reading of `time.monotonic`); None if `trials` bounds the run.
    trials : int or None
    jobs : int
        Cores: workers x threads.
    memory : int or None
        Bytes that the workers may hold.
    engine : {"local", "inline"}
        Worker processes, or everything in this process.
    lasting : bool
        Whether the folder is to stay. One that is thrown away gets no run.toml and no predictor before the end.
    test : ScoredTable, optional
        A table that only adds test scores.
    extensions : Extensions
        The families that were given to this run.
    """

    pipeline: Pipeline
    output: Path
    seconds: float | None = 600.0
    trials: int | None = None
    seed: int = 0
    jobs: int = 1
    memory: int | None = None
    engine: Literal["local", "inline"] = "local"
    started: float = field(default_factory=time.monotonic)
    keep_data: bool = False
    lasting: bool = True
    test: ScoredTable | None = None
    extensions: Extensions = NO_EXTENSIONS

    def __post_init__(self) -> None:
        """Refuse families that are not known."""
        for name in self.pipeline.families:
            family(name, self.extensions)

    @property
    def budget(self) -> Budget:
        """What the run may use."""
        deadline = float("inf") if self.seconds is None else self.started + self.seconds
        return Budget(deadline, time.monotonic, self.trials, self.memory)


@dataclass(frozen=True)
class Callbacks:
    """Who is told of a run.

    Parameters
    ----------
    observers : sequence of callable
        Shown every event with the study that it made.
    finishers : sequence of callable
        Called at the end with the study and the run's folder; their time is reserved.
    on_lab : callable
        Is handed the Lab, so that a signal can halt it.
    needed : sequence of str
        Modules that the finishers import: they are loaded while the first fits run.
    """

    observers: Sequence[Observer] = ()
    finishers: Sequence[Finisher] = ()
    on_lab: Callable[[Lab], None] = lambda lab: None
    needed: Sequence[str] = ()


NO_CALLBACKS = Callbacks()


@dataclass(frozen=True)
class Result:
    """What a run gives."""

    study: Study
    predictor: Predictor
    folder: Path
    sha256: str


def fit(
    ask: Callable[[Budget], Problem],
    settings: Settings,
    callbacks: Callbacks = NO_CALLBACKS,
    server: ForkServer | None = None,
) -> Result:
    """Run a pipeline.

    Parameters
    ----------
    ask : callable
        Gives the problem, reading its table within the budget it is handed. Called once the worker server is starting.
    settings : Settings
    audience : Audience, optional
    server : Server, optional
        A worker server that is loading already.

    Raises
    ------
    InputError
        The table, the target or a setting is wrong; nothing is left behind.
    """
    made = _made_folders(settings.output)
    store = Store(settings.output)
    try:
        with laboratory(store, settings, server) as lab:
            watch_of_cleaning = Stopwatch.started()
            lab.problem = ask(lab.whole.within(lab.whole.remaining() / 3))
            exam = (
                prepare(settings.test, lab.problem.target, lab.problem.table.form, lab.whole)
                if settings.test
                else None
            )
            checkpointer = watch(lab, settings, settings.started, callbacks)
            study = lab.tell(
                Study(extensions=settings.extensions), {"kind": "started", "seed": settings.seed}
            )
            if settings.lasting:
                lab.observers.append(FactsLater(store.folder, settings, lab.problem))
            lab.observers.append(_Slowdown(lab, watch_of_cleaning))
            study = run_stages(
                study, lab, settings, settings.pipeline.steps, checkpointer, exam, callbacks
            )
            return finish(study, lab, settings, callbacks, exam)
    except InputError:
        if all(
            trial.candidate.family == "constant" for trial in replay(store.folder).trials.values()
        ):  # models are not thrown away
            store.discard()
            _remove_empty(made)
        raise


class _Slowdown:
    """An observer that notes, once the table is clean, how much slower this process got on with it than on a free machine."""

    def __init__(self, lab: Lab, watch: Stopwatch) -> None:
        self._lab = lab
        self._watch = watch

    def __call__(self, study: Study, event: Event) -> None:
        """Note it when cleaning is over: from then on the process mostly waits."""
        if event["kind"] == "stage" and "task" in event:
            self._lab.slowdown = self._watch.slowdown()


@contextmanager
def laboratory(store: Store, settings: Settings, server: ForkServer | None) -> Iterator[Lab]:
    """A Lab at a store's folder; whatever ends the block early leaves no process behind."""
    executor = _bench(settings, store, server)
    try:
        with _quiet_blas(settings.engine):
            lab = Lab(store, executor, settings.budget)
            lab.extensions = settings.extensions
            yield lab
    except BaseException:
        store.close(keep_work=True)
        raise
    finally:
        executor.close()


def _quiet_blas(engine: str) -> AbstractContextManager[object]:
    """One BLAS thread where fits run in this process: idle ones spin, and a tiny fit took 0.7 s instead of 0.2."""
    if engine != "inline":
        return nullcontext()
    from threadpoolctl import threadpool_limits

    return cast(AbstractContextManager[object], threadpool_limits(1, user_api="blas"))


def _made_folders(output: Path) -> list[Path]:
    """The folders that this run will make, innermost first, to be removed if it comes to nothing."""
    return [folder for folder in (output, *output.parents) if not folder.exists()]


def _remove_empty(folders: Sequence[Path]) -> None:
    """Remove folders, innermost first, up to one in which something lies: another run may have been put there meanwhile."""
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return


def _bench(settings: Settings, store: Store, server: ForkServer | None) -> Executor:
    if settings.engine == "inline" or not sys.platform.startswith("linux"):
        return InlineExecutor(store.work)
    return ProcessExecutor(store.work, settings.jobs, settings.memory, server)


def load_soon(steps: Sequence[Step], budget: Budget, needed: Sequence[str] = ()) -> None:
    """Import what tuning and the finishers need while the first fits run: the main process has little to do then."""
    tunes = any(step.name == "tune" for step in steps[1:]) and has_time_for_optuna(budget)
    names = [*needed, *(["optuna"] if tunes else [])]
    if names:
        threading.Thread(target=_load, args=(names,), daemon=True).start()


def _load(names: Sequence[str]) -> None:
    for name in names:
        importlib.import_module(name)


def set_threads(lab: Lab, settings: Settings, study: Study) -> None:
    """Several threads a fit for large tables: one fit with all cores then; the table alone decides without a clock."""
    if study.size.rows * study.size.width < LARGE:
        return
    if settings.trials is not None:
        lab.executor.workers, lab.threads = max(1, lab.executor.workers // 4), 4
    else:
        lab.executor.workers, lab.threads = 1, settings.jobs


def watch(lab: Lab, settings: Settings, started: float, callbacks: Callbacks) -> Checkpointer:
    """Have events recorded (their times count from `started`), the best predictor kept, and everybody else told, in this order."""
    callbacks.on_lab(lab)
    checkpointer = Checkpointer(lab, lab.store.folder / "predictor.automl", settings.started)
    lab.recorder = Recorder(lab.store, started)
    lab.observers += [*([checkpointer] if settings.lasting else []), *callbacks.observers]
    return checkpointer


def finish(
    study: Study,
    lab: Lab,
    settings: Settings,
    callbacks: Callbacks,
    exam: TableScoring | None = None,
) -> Result:
    """Predictor, test scores, leaderboard, report and DONE."""
    store = lab.store
    lab.close()
    study = settle(with_baseline(study, lab), lab, lab.whole)
    predictor = cut(study, lab)
    digest = save(predictor, store.folder / "predictor.automl")
    for event in examine(exam, predictor, study, keeping_an_end(lab.whole)) if exam else ():
        study = lab.tell(study, event)
    write_text(store.folder / "leaderboard.csv", to_csv(leaderboard(study)))
    lab.observers += [_at_the_end(finisher, store.folder) for finisher in callbacks.finishers]
    study = lab.tell(study, {"kind": "finished", "how": "interrupted" if lab.halted() else "done"})
    write_text(store.folder / "DONE", "")
    store.close(settings.keep_data)
    return Result(study, predictor, store.folder, digest)


def _at_the_end(finisher: Finisher, folder: Path) -> Observer:
    """A finisher as an observer of the last event: one that fails is recorded and costs nothing."""

    def observe(study: Study, event: Event) -> None:
        if event["kind"] == "finished":
            finisher(study, folder)

    observe.__qualname__ = getattr(finisher, "__qualname__", type(finisher).__name__)
    return observe


def run_stages(
    study: Study,
    lab: Lab,
    settings: Settings,
    steps: Sequence[Step],
    checkpointer: Checkpointer,
    exam: TableScoring | None = None,
    callbacks: Callbacks = NO_CALLBACKS,
) -> Study:
    """Hand the study from stage to stage, each with its share of what is left."""
    budget = lab.whole
    for position, step in enumerate(steps):
        if step.name in SEARCHING:
            study = start_first_model(with_baseline(study, lab), lab, steps)
            load_soon(steps[position:], budget, callbacks.needed)
            rest = budget.keeping(
                _bounded(_end(study, lab, checkpointer), study, budget, lab.slowdown)
            )
            study = lab.warm(study, min(LONGEST_WARMING, rest.remaining(), budget.remaining() / 2))
        shares = [other.share for other in steps[position:]]
        reserve = _end(study, lab, checkpointer) + _lessons(study, settings)
        reserve += sum(_needs(other, study, lab, budget) for other in steps[position + 1 :])
        reserve += exam.reserve(study, budget) if exam else 0.0
        part = next(budget.keeping(_bounded(reserve, study, budget, lab.slowdown)).divide(shares))
        if budget.trials is not None:
            part = replace(part, trials=_trials(budget.trials, steps, position))
        study = lab.tell(study, _begun(step))
        study = _passed_on(study, lab, step, part)
        if step.name == "clean":
            set_threads(lab, settings, study)
            study = start_first_model(study, lab, steps)
        lab.store.sync()
    return study


def _begun(step: Step) -> Event:
    """The event of a stage that begins; what `clean` and `extract` hand on is a second event of theirs."""
    told: Event = {"kind": "stage", "stage": step.name}
    if isinstance(step.stage, Select):
        return {**told, "families": list(step.stage.families)}
    return told


def _passed_on(study: Study, lab: Lab, step: Step, budget: Budget) -> Study:
    """What a stage makes of the study; what goes wrong in one of somebody else's is told by its name."""
    is_ours = step.name in STAGES
    try:
        made: Any = step.stage.run(study, lab, budget)
    except (LookupError, ArithmeticError) as error:
        raise AutoMLError(f"stage {step.name!r}: {error}") from error
    except Exception as error:
        if is_ours or isinstance(error, (AutoMLError, OSError)):
            raise
        raise AutoMLError(
            f"stage {step.name!r}: {type(error).__name__}: {one_line(error)}."
        ) from error
    if not isinstance(made, Study):
        raise AutoMLError(
            f"stage {step.name!r}: gives {made!r}, and is to give the study that it made."
        )
    return made


def _end(study: Study, lab: Lab, checkpointer: Checkpointer) -> float:
    """Seconds kept back for packing, leaderboard, report and teardown: more if packing takes long, or others want the cores, too."""
    slack = (
        0.005 * lab.whole.remaining() if lab.whole.timed else 0.0
    )  # the cores may be wanted later
    likely = sum(
        outcome.size for trial in study.ranked[:MEMBERS] for outcome in trial.whole.values()
    )
    crowded = _crowd(
        lab.slowdown
    )  # what was measured in this run was measured on a busy machine, too
    return (
        0.6 * crowded
        + 3.0 * max(checkpointer.saving, likely / WRITTEN) * min(2.0, crowded)
        + min(5.0, slack)
    )


def _lessons(study: Study, settings: Settings) -> float:
    """What the report's chapter on what the search teaches takes, where that is a small part of the run."""
    needed = seconds_to_learn(study)
    return (
        needed
        if settings.lasting
        and settings.seconds is not None
        and needed < TEACHING * settings.seconds
        else 0.0
    )


def _bounded(reserve: float, study: Study, budget: Budget, slowdown: float = 1.0) -> float:
    """What is kept back, less where that leaves no time for a first model: with a few seconds a linear one is far better than none."""
    if has_answer(study) or not budget.timed:
        return reserve
    return min(reserve, max(_least_end(slowdown), (1 - FIRST_MODEL) * budget.remaining()))


def _least_end(slowdown: float) -> float:
    """Seconds that the end takes at least, many times as many on a busy machine."""
    return ENDING * _crowd(slowdown)


def _crowd(slowdown: float) -> float:
    """How much slower the end will be than on a free machine; a process that nobody crowds was slow because it waited for its table."""
    crowded = crowding()
    return max(crowded, slowdown) if crowded > 1.0 else 1.0


def _needs(step: Step, study: Study, lab: Lab, budget: Budget) -> float:
    """Seconds that a later stage is sure to need, whatever its share: the ensemble's refits."""
    return step.stage.needs(study, lab, budget) if isinstance(step.stage, Ensemble) else 0.0


def _trials(n_trials: int, steps: Sequence[Step], position: int) -> int:
    """How many candidates there may be when a stage ends; the first stage has a few, since tuning needs some to begin with."""
    shares = [step.share if step.name in SEARCHING else 0.0 for step in steps]
    total = sum(shares)
    return (
        max(min(n_trials, FEW), round(n_trials * sum(shares[: position + 1]) / total))
        if total
        else n_trials
    )
