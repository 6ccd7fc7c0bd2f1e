"""Assemble a predictor from a study's weights and the models in the run's folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from automl.arrays import Floats
from automl.candidate import Split
from automl.columns import Columns
from automl.executor.work import Encode, encodings_at
from automl.features.encoding import Encoding, fit_shared
from automl.features.recipe import RECIPES
from automl.lab.run_data import RunData
from automl.metrics import metric_of
from automl.models import find_family, holds_rows
from automl.models._base import FitContext, Sample
from automl.models.constant import Constant
from automl.predictor import Member, Part, Predictor
from automl.state import pack_to_bytes
from automl.study import Study
from automl.trial import Trial

MAX_REFITS_SHARE = 0.5  # that all refits of a member have together, next to its fold models
REFIT_WEIGHT = 2.0  # of one refit, as a multiple of a fold model's
NO_FEATURES = "nothing"  # name of the baseline's encoding


def build_predictor(
    study: Study,
    data: RunData,
) -> Predictor:
    """Return the predictor of a study's weights; the baseline if it has none."""
    if not study.weights:
        return baseline_predictor(study, data)
    encodings: dict[str, Encoding] = {}
    members = []
    for name, weight in study.weights.items():
        trial = study.trials[name]
        if trial.candidate.is_baseline:
            return replace(
                baseline_predictor(study, data),
                residuals=_residuals(study),
                facts=_facts(study),
            )
        member, items = _member(study, data, trial, weight)
        members.append(member)
        for item in items:
            if item.key not in encodings:
                encodings[item.key] = data.encoding(item)
    return Predictor(
        task=study.known_task,
        cleaner=data.cleaner,
        encodings=encodings,
        members=tuple(members),
        temperature=1.0 if study.evaluation is None else study.evaluation.temperature,
        thresholds=_thresholds(study),
        residuals=_residuals(study),
        facts=_facts(study),
    )


def _thresholds(study: Study) -> Floats | None:
    """Return what each class's probability is divided by before the largest decides."""
    evaluation = study.evaluation
    if evaluation is None or evaluation.thresholds is None:
        return None
    return np.array(evaluation.thresholds)


def _residuals(study: Study) -> Floats | None:
    """Return quantiles of the ensemble's held-out residuals, for intervals of numbers."""
    evaluation = study.evaluation
    if evaluation is None or evaluation.residuals is None:
        return None
    return np.array(evaluation.residuals)


def _member(
    study: Study,
    data: RunData,
    trial: Trial,
    weight: float,
) -> tuple[Member, list[Encode]]:
    """Return a trial as a member, and the encodings that its models read."""
    bag, refits = study.bag(trial), study.refits(trial)
    bag_share, refit_share = shares(len(bag), len(refits))
    models: list[tuple[Split, float]] = [(split, bag_share) for split in bag]
    models += [(split, refit_share) for split in refits]
    parts: list[Part] = []
    items: list[Encode] = []
    for split, share in models:
        blob = data.model(trial, split)
        if blob is None:
            raise LookupError(f"the model of trial {trial.id} at {split} is gone")
        read = encodings_at(trial.candidate.recipe, split)
        items += read
        keys = tuple(item.key for item in read)
        parts.append(Part(keys, blob, share))
    kind = study.family(trial.family)
    return Member(trial.id, kind, weight, tuple(parts)), items


def shares(
    bag: int,
    refits: int,
) -> tuple[float, float]:
    """Return what one fold model and one refit count for in a member that has both.

    A refit counts twice as much as a fold model, but all refits together at most half. Measured
    (`bags.json`): one refit that counts as much as its bag of eight brings nothing (0.997 to
    1.005), four that do bring 0.990 to 0.997.

    Parameters
    ----------
    bag, refits : int
        How many there are.

    Examples
    --------
    >>> shares(8, 1), shares(8, 4), shares(0, 2)
    ((0.1, 0.2), (0.0625, 0.125), (0.0, 0.5))
    """
    if not refits:
        return (1 / bag if bag else 0.0), 0.0
    if not bag:
        return 0.0, 1 / refits
    of_refits = min(MAX_REFITS_SHARE, refits / (refits + bag / REFIT_WEIGHT))
    return (1 - of_refits) / bag, of_refits / refits


def baseline_predictor(
    study: Study,
    data: RunData,
) -> Predictor:
    """Return the predictor that predicts the same for every row; it exists before any worker."""
    dataset = data.dataset()
    kind = find_family(Constant.name)
    features = np.empty((len(dataset.y), 0), np.float32)
    sample = Sample(features, (), dataset.y, dataset.weight)
    context = FitContext(dataset.task, metric_of(dataset.task), study.seed)
    prepared = kind.prepare(sample, None, {}, context)
    fitted = kind.fit(prepared, {}, context)
    no_columns = Columns({}, dataset.columns.n_rows)
    encoding = fit_shared(RECIPES["native"], no_columns, study.seed)
    part = Part((NO_FEATURES,), pack_to_bytes(fitted.model.to_state()))
    return Predictor(
        task=dataset.task,
        cleaner=data.cleaner,
        encodings={NO_FEATURES: encoding},
        members=(Member("baseline", kind, 1.0, (part,)),),
        facts=_facts(study),
    )


def _facts(study: Study) -> Mapping[str, Any]:
    """Return what a predictor's file says of itself."""
    metric = metric_of(study.known_task)
    expected: dict[str, float] = {}
    evaluation = study.evaluation
    if evaluation is not None:
        expected = {
            "loss": metric.score(evaluation.loss),
            "low": metric.score(evaluation.low),
            "high": metric.score(evaluation.high),
            "rows": evaluation.rows,
            "new": evaluation.new,
        }
    families = [study.trials[name].family for name in study.weights]
    return {
        "metric": metric.name,
        "expected": expected,
        "rows": study.size.rows,
        "seed": study.seed,
        "data": study.data,
        "holds_rows": any(holds_rows(name, study.extensions) for name in families),
    }
