"""Choose the weights of an ensemble's members, and bound their number and size."""

from __future__ import annotations

from automl.budget import Budget
from automl.ensemble import normalised, weights_by_id
from automl.folds import HasTime, sample_rows, unlimited
from automl.metrics import metric_of
from automl.stages._ensemble_options import EnsembleOptions
from automl.stages._idle_members import Trimmer, Weights
from automl.stages._pool import Pool
from automl.study import Study, keeps_bag
from automl.trial import Trial

MAX_PROBABILITIES = 100_000  # of one model, for choosing weights and the temperature
MIN_WEIGHING_ROWS = 300
MAX_WEIGHING_CELLS = 3_000_000  # of all models together, beyond the minimum of rows
MAX_HURRIED_ROWS = 5000  # for choosing weights when little time is left
HURRIED_SECONDS = 3  # that are little time


def weigh(
    options: EnsembleOptions,
    study: Study,
    pool: Pool,
    max_rows: int = 0,
    has_time: HasTime = unlimited,
) -> Weights:
    """Return the weights by trial id, largest first.

    Parameters
    ----------
    options : EnsembleOptions
    study : Study
    pool : Pool
    max_rows : int
        The most rows to choose them on; 0 is the stage's option.
    has_time : callable
        Whether there is time for another step of the greedy selection.
    """
    ids = [trial.id for trial in pool.trials]
    if options.method == "best" or len(ids) == 1:
        return {ids[0]: 1.0}
    trimmer = trimmer_of(options, study, pool, max_rows, has_time)
    predictions = list(trimmer.predictions.values())
    weights = weights_by_id(ids, trimmer.weigher(predictions, trimmer.truth))
    if options.trim:
        weights = trimmer.trim(weights, has_time)
    return _bounded(options, study, weights)


def trimmer_of(
    options: EnsembleOptions,
    study: Study,
    pool: Pool,
    max_rows: int,
    has_time: HasTime,
) -> Trimmer:
    """Return what judges ensembles by a sample of the out-of-fold rows."""
    ids = [trial.id for trial in pool.trials]
    cells_per_row = study.known_task.n_outputs * len(ids)
    affordable_rows = max(MIN_WEIGHING_ROWS, MAX_WEIGHING_CELLS // cells_per_row)
    max_rows = min(max_rows or options.rows, max_rows_of(study), affordable_rows)
    n_rows = len(pool.truth.y)
    rows = sample_rows(n_rows, max_rows, study.seed)
    predictions = [prediction[rows] for prediction in pool.predictions]
    return Trimmer(
        task=study.known_task,
        metric=metric_of(study.known_task),
        truth=pool.truth.take(rows),
        predictions=dict(zip(ids, predictions, strict=True)),
        weigher=options.weigher(study, has_time),
        calibrates=options.calibrates(study, n_rows),
        seed=study.seed,
    )


def _bounded(
    options: EnsembleOptions,
    study: Study,
    weights: Weights,
) -> Weights:
    """Keep the heaviest members that are neither too many nor together too large.

    The smallest one stays where none is small enough.
    """
    sizes = {name: _bytes(options, study, study.trials[name]) for name in weights}
    candidates = list(weights)
    if options.members:
        candidates = candidates[: options.members]
    max_size = options.megabytes * 1e6
    bounded = {}
    total = 0.0
    for name in candidates:
        if total + sizes[name] <= max_size:
            bounded[name] = weights[name]
            total += sizes[name]
    if not bounded:
        smallest = min(sizes, key=lambda name: sizes[name])
        return {smallest: 1.0}
    if len(bounded) == len(weights):
        return bounded
    return normalised(bounded)


def _bytes(options: EnsembleOptions, study: Study, trial: Trial) -> float:
    """Return the bytes that a member will take: its fold models, its refits, or both."""
    sizes = []
    for key, outcome in trial.full_outcomes.items():
        is_refit = trial.jobs[key].fold is None
        if outcome.status == "done" and not is_refit:
            sizes.append(outcome.size)
    family = study.family(trial.candidate.family)
    finish = options.finish_of(study)
    if finish == "bag":
        refits = 0
    elif finish in ("both", "either") and family.seeded:
        refits = options.copies
    else:
        refits = 1
    models = refits
    if keeps_bag(finish, family, refits):
        models += len(sizes)
    return models * sum(sizes) / max(1, len(sizes))


def max_rows_of(study: Study) -> int:
    """Return the most rows on which weights and the temperature of classes are chosen."""
    return max(1000, MAX_PROBABILITIES // study.known_task.n_outputs)


def max_rows_in_time(budget: Budget) -> int:
    """Return the most rows to choose weights on, if little time is left; 0 is no bound."""
    is_hurried = budget.remaining() < HURRIED_SECONDS
    return MAX_HURRIED_ROWS if is_hurried else 0
