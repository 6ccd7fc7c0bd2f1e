"""Cut a predictor from a study, and keep the best-so-far one on disk while the search goes on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from automl.budget import Budget
from automl.columns import Columns
from automl.executor.work import Encode, encodings_at
from automl.features.encoding import Encoding, fit_shared
from automl.features.recipe import RECIPES
from automl.lab.lab import Lab
from automl.metrics import metric_of
from automl.models import family
from automl.models._base import Floats, How, Sample
from automl.predictor import Member, Part, Predictor, save
from automl.stages.ensemble import Ensemble, Pace, gather, unfinished
from automl.state import packed
from automl.trial import Event, Study, Trial

SHARE = 0.03  # of the time gone by may go into packing
JUDGING = 0.5  # seconds in which the interval of its score is to be found
QUICK = Ensemble(steps=12, candidates=6, rows=3000)


def cut(study: Study, lab: Lab) -> Predictor:
    """The predictor of a study's weights; the constant baseline if it has none."""
    if not study.weights:
        return baseline(study, lab)
    encodings: dict[str, Encoding] = {}
    members = []
    for name, weight in study.weights.items():
        if study.trials[name].candidate.family == "constant":
            return replace(baseline(study, lab), residuals=_residuals(study), facts=_facts(study))
        member, works = _member(study, lab, study.trials[name], weight)
        members.append(member)
        encodings |= {work.key: lab.encoding(work) for work in works if work.key not in encodings}
    verdict = study.verdict
    return Predictor(
        task=study.the_task,
        cleaner=_cleaner(lab),
        encodings=encodings,
        members=tuple(members),
        temperature=verdict.get("temperature", 1.0),
        cuts=np.array(verdict["cuts"]) if "cuts" in verdict else None,
        residuals=_residuals(study),
        facts=_facts(study),
    )


def _residuals(study: Study) -> Floats | None:
    """Quantiles of the ensemble's held-out residuals, from which intervals of numbers are made."""
    return np.array(study.verdict["residuals"]) if "residuals" in study.verdict else None


def _member(study: Study, lab: Lab, trial: Trial, weight: float) -> tuple[Member, list[Encode]]:
    """A trial as a member: the bag of its fold models, its refits, or both."""
    recipe = trial.candidate.recipe
    bag, refits = study.bag(trial), study.refits(trial)
    of_bag, of_refits = shares(len(bag), len(refits))
    parts: list[Part] = []
    works: list[Encode] = []
    for split, share in (
        *((split, of_bag) for split in bag),
        *((split, of_refits) for split in refits),
    ):
        blob = lab.model(trial, split)
        if blob is None:
            raise LookupError(f"the model of trial {trial.id} at {split} is gone")
        needs = encodings_at(recipe, split)
        works += needs
        parts.append(Part(tuple(work.key for work in needs), blob, share))
    return Member(trial.id, study.family(trial.candidate.family), weight, tuple(parts)), works


def shares(bag: int, refits: int) -> tuple[float, float]:
    """What each of so many fold models counts for in a member, and each of so many refits: twice as much, but all refits half at most.

    Measured (`bags.json`): one refit that counts as much as its bag of eight brings nothing (0.997 to 1.005), four that do 0.990 to 0.997.

    >>> shares(8, 1), shares(8, 4), shares(0, 2)
    ((0.1, 0.2), (0.0625, 0.125), (0.0, 0.5))
    """
    if not bag or not refits:
        return 1 / bag if bag else 0.0, 1 / refits if refits else 0.0
    of_refits = min(0.5, refits / (refits + bag / 2))
    return (1 - of_refits) / bag, of_refits / refits


def _cleaner(lab: Lab) -> Any:
    if lab.cleaner is None:
        raise LookupError("the cleaner is known from the clean stage on")
    return lab.cleaner


def baseline(study: Study, lab: Lab) -> Predictor:
    """The constant baseline: there before any worker is."""
    data, kind = lab.dataset(), family("constant")
    sample = Sample(np.empty((len(data.y), 0), np.float32), (), data.y, data.weight)
    how = How(data.task, metric_of(data.task), study.seed, 1)
    fitted = kind.fit(kind.prepare(sample, None, {}, how), {}, how)
    encoding = fit_shared(RECIPES["native"], Columns({}, data.columns.n_rows), study.seed)
    member = Member("baseline", kind, 1.0, (Part(("nothing",), packed(fitted.model.to_state())),))
    return Predictor(
        data.task, _cleaner(lab), {"nothing": encoding}, (member,), facts=_facts(study)
    )


def _facts(study: Study) -> Mapping[str, Any]:
    """What a predictor's file says of itself."""
    metric = metric_of(study.the_task)
    expected = {
        name: metric.score(study.verdict[name])
        for name in ("loss", "low", "high")
        if name in study.verdict
    }
    expected |= {name: study.verdict[name] for name in ("rows", "new") if name in study.verdict}
    holds_rows = any(
        study.trials[name].candidate.family == "knn" for name in study.weights
    )  # neighbours are training rows
    facts = {
        "metric": metric.name,
        "expected": expected,
        "rows": study.size.rows,
        "seed": study.seed,
        "data": study.data,
    }
    return facts | {"holds_rows": holds_rows}


def has_model(study: Study) -> bool:
    """Whether a trial other than the constant is complete."""
    return any(trial.candidate.family != "constant" for trial in study.ranked)


def has_answer(study: Study) -> bool:
    """Whether there is a model, if only of some folds."""
    return any(
        trial.candidate.family != "constant" and trial.splits for trial in study.trials.values()
    )


def _may_answer(study: Study, event: Event) -> bool:
    """Whether an event brings a model that may be the best one so far."""
    if event["kind"] == "trial":
        return (
            bool(event["decided"] == "done")
            and study.trials[event["id"]].candidate.family != "constant"
        )
    is_fit = (
        event["kind"] == "fit" and event["outcome"]["status"] == "done" and not has_model(study)
    )
    return (
        is_fit
        and study.trials[event["id"]].candidate.family != "constant"
        and bool(study.trials[event["id"]].splits)
    )


class Checkpointer:
    """An observer that packs the best-so-far predictor whenever the best ensemble may have changed and time allows.

    Parameters
    ----------
    started : float
        The run's start, as a reading of `time.monotonic`.
    """

    def __init__(self, lab: Lab, path: Path, started: float) -> None:
        self._lab = lab
        self._path = path
        self._started = started
        self._spent = 0.0
        self._packed: frozenset[tuple[str, int]] = frozenset()
        self._is_whole = False  # whether what is packed was judged on every fold
        self._last = 0.3  # seconds that the last packing took
        self.saving = 0.3  # and those of them in which the predictor was written

    def __call__(self, study: Study, event: Event) -> None:
        """Pack after cleaning (the baseline), after a trial that is complete, and after any fit as long as there is none."""
        if event["kind"] == "stage" and "task" in event:
            save(baseline(study, self._lab), self._path)
        elif _may_answer(study, event) and self._affords(study):
            self._pack(study)

    def _affords(self, study: Study) -> bool:
        """Whether another packing stays within its share of the time gone by, or is the first of its kind."""
        spent = self._spent + self._last <= SHARE * (time.monotonic() - self._started)
        return spent or not self._packed or (not self._is_whole and has_model(study))

    def _pack(self, study: Study) -> None:
        begun = time.monotonic()
        complete = has_model(study)
        pool = (
            gather(study, self._lab, QUICK.candidates) if complete else unfinished(study, self._lab)
        )
        if pool.trials:
            weights = QUICK.weigh(study, pool)
            chosen = frozenset((name, len(study.trials[name].splits)) for name in weights)
            if chosen != self._packed:
                pace = Pace(Budget(begun + JUDGING), keep=0.0)
                best = replace(
                    study,
                    weights=weights,
                    verdict=QUICK.verdict(study, pool, weights, go_on=pace),
                    finish="bag",
                )
                weighed = time.monotonic()
                save(cut(best, self._lab), self._path)
                self.saving = time.monotonic() - weighed
                self._packed, self._is_whole = chosen, complete
                self._last = time.monotonic() - begun
        self._spent += time.monotonic() - begun
