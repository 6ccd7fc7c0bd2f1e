"""Create run folders by adding events to a study, as a run does, without training anything."""

from __future__ import annotations

import json
import math
import random
import weakref
from dataclasses import dataclass, field
from pathlib import Path

from automl import models
from automl.candidate import Candidate, Job, Outcome
from automl.events import (
    DataPrepared,
    EnsembleWeighted,
    FindingRecorded,
    FitEnded,
    FitStarted,
    PredictorScored,
    RecipesChosen,
    RunFinished,
    RunStarted,
    StageStarted,
    TrialDecided,
)
from automl.features.recipe import RECIPES
from automl.finding import Finding
from automl.metrics import METRICS
from automl.run.scoring import contradiction
from automl.store import Store
from automl.study import Evaluation, Event, Plan, Size, Study
from automl.task import Task
from automl.trial import Decision

OVERRIDE = "--set clean.sentinels=false"
HOSTILE = "<script>alert(1)</script>"
BROKEN = "bell\x07 red\x1b[31m back\u202e zero\x00 [bold]"

TASKS = {
    "binary": Task("binary", "churn", "roc_auc", ("no", "yes")),
    "multiclass": Task("multiclass", HOSTILE, "log_loss", ("a", BROKEN, "</script>")),
    "regression": Task("regression", "price", "rmse"),
}
BEST_AND_BASELINE_LOSS = {
    "binary": (0.09, 0.5),
    "multiclass": (0.4, 1.1),
    "regression": (48_000.0, 91_000.0),
}
BOOSTING = ("lightgbm", "catboost", "xgboost")
FAMILIES = tuple(kind.name for kind in models.FAMILIES if kind.name != "constant")

FACTS = """about = "Balanced: ten minutes on a laptop."
[data]
path = "/data/churn.csv"
sha256 = "abc"
[budget]
time = "600s"
[run]
command = "automl fit churn.csv --target churn"
jobs = 2
started = "2026-01-02T03:04:05+0000"
python = "3.11.7"
machine = "Linux, 2 cores"
git = "v0.1.0"
"""


@dataclass
class Made:
    """A run folder that grows by events."""

    store: Store
    study: Study = field(default_factory=Study)
    seconds: float = 0.0
    told: list[tuple[Study, Event]] = field(default_factory=list)

    def __post_init__(self) -> None:
        weakref.finalize(self, self.store.close)

    def tell(self, event: Event, after: float = 0.0) -> None:
        self.seconds += after
        self.study = self.study.add(event)
        self.store.log.append(event, self.seconds)
        self.told.append((self.study, event))

    def fit(self, job: Job, outcome: Outcome, curve: list[list[float]] | None = None) -> None:
        self.tell(FitStarted(job))
        if curve is not None:
            home = self.store.folder / "trials" / job.candidate.id
            home.mkdir(exist_ok=True)
            (home / f"{job.key}.json").write_text(
                json.dumps({"resolved": {}, "curve": curve}), encoding="utf-8"
            )
        self.tell(FitEnded(job.candidate.id, job.key, outcome), after=outcome.seconds)


def empty_run(folder: Path) -> Made:
    """A run that was killed before its table was understood."""
    made = Made(Store(folder))
    made.tell(RunStarted(7))
    return made


def cleaned_run(folder: Path, kind: str = "binary", plan: Plan | None = None) -> Made:
    """A run without trials yet."""
    made = empty_run(folder)
    (folder / "run.toml").write_text(FACTS, encoding="utf-8")
    plan = plan or Plan()
    for finding in (
        Finding("constant", ("zone",), "info", 1, ("1",), "holds one value only and was dropped"),
        Finding(
            "sentinel",
            (HOSTILE, "a&b", BROKEN),
            "warning",
            12,
            ("-999", "<b>"),
            "-999 stands for a missing value",
            OVERRIDE,
        ),
        Finding("rows", (), "info", 3, (), "rows without a target were left out"),
    ):
        made.tell(FindingRecorded(finding), after=0.1)
    made.tell(DataPrepared(TASKS[kind], "d", Size(12_345, 17), plan), after=0.5)
    made.tell(
        RecipesChosen(
            (
                RECIPES["native"],
                RECIPES["onehot"],
            )
        ),
        after=0.1,
    )
    return made


def full_run(
    folder: Path, kind: str = "binary", trials: int = 30, seed: int = 0, plan: Plan | None = None
) -> Made:
    """A finished run: a baseline, complete, dropped and failed trials, an ensemble."""
    made = cleaned_run(folder, kind, plan)
    rng = random.Random(seed)
    best, baseline = BEST_AND_BASELINE_LOSS[kind]
    made.tell(StageStarted("select"))
    constant = Candidate("constant", {}, RECIPES["native"], "select")
    _trial(made, constant, baseline, rng, seconds=0.01)
    for index in range(trials - 1):
        if index == trials // 3:
            made.tell(StageStarted("tune"), after=0.1)
        family = FAMILIES[index % len(FAMILIES)]
        recipe = RECIPES[rng.choice(["native", "onehot"])]
        params = {"depth": index, "rate": rng.random()}
        candidate = Candidate(family, params, recipe, made.study.stage)
        distance = (baseline - best) * 0.5 * abs(rng.gauss(0, 1))
        loss = best + distance * math.exp(-3 * index / trials)
        seconds = rng.expovariate(1 / 2.0)
        _trial(made, candidate, loss, rng, seconds, fate=index % 9)
    _combine(made)
    made.tell(RunFinished("done"), after=0.3)
    return made


def examined_run(folder: Path, low: float = 0.9, high: float = 0.95) -> Made:
    """A finished run with scores on a test table, by default outside of the expected interval."""
    made = full_run(folder)
    members = {}
    for index, name in enumerate(made.study.weights):
        members[name] = 0.75 + index / 100
    test = {
        "source": "test.csv",
        "metric": "roc_auc",
        "rows": 400,
        "of": 500,
        "score": 0.763,
        "members": members,
    }
    made.tell(PredictorScored(test | {"expected": [0.93, low, high]}), after=0.1)
    if found := contradiction(made.study.test, made.study):
        made.tell(FindingRecorded(found))
    return made


def _trial(
    made: Made,
    candidate: Candidate,
    loss: float,
    rng: random.Random,
    seconds: float,
    fate: int = 0,
) -> None:
    """Fate 5 fails, 3 and 7 are dropped after a fold, the others are complete."""

    def decide(decision: Decision, reason: str = "") -> None:
        trial = made.study.trials[candidate.id]
        made.tell(TrialDecided(trial.id, decision, reason))

    for repeat, fold in made.study.plan.splits:
        job = Job(candidate, "d", repeat, fold)
        if fate == 5:
            reason = "ValueError: Input contains <NaN>"
            made.fit(job, Outcome("failed", seconds=seconds, reason=reason))
            decide("failed", reason)
            return
        fold_loss = loss * (1 + 0.03 * rng.gauss(0, 1))
        curve = _curve(fold_loss) if candidate.family in BOOSTING else []
        made.fit(job, Outcome("done", fold_loss, seconds, 100, size=150_000), curve)
        if fate in (3, 7):
            decide("dropped", "far behind the best after one fold")
            return
    decide("done")


def _curve(loss: float) -> list[list[float]]:
    return [[rounds, loss * (1 + math.exp(-rounds / 20))] for rounds in range(1, 120, 3)]


def _combine(made: Made) -> None:
    made.tell(StageStarted("ensemble"), after=0.1)
    leaders = made.study.ranked[:4]
    ids = [trial.id for trial in leaders]
    weights = dict(zip(ids, (0.48, 0.28, 0.16, 0.08), strict=False))
    loss = leaders[0].loss * 0.985
    evaluation = Evaluation(
        loss,
        loss * 0.97,
        loss * 1.03,
        rows=12_000,
        new=4_000,
        thresholds=(0.5, 0.5),
    )
    made.tell(EnsembleWeighted(weights, "bag", evaluation), after=0.4)


def score(made: Made, loss: float) -> float:
    """A loss in the natural sign of a run's metric."""
    return METRICS[made.study.known_task.metric].score(loss)
