"""How a run's winner and its ensemble jump with the seed: their models are trained again with other seeds, elsewhere."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from automl.budget import Budget, keeping_an_end
from automl.ensemble import combine, decide, even, sharpen
from automl.errors import InputError
from automl.executor.fork_server import ForkServer
from automl.insight.stability import Stability, from_seeds
from automl.lab.lab import Lab
from automl.metrics import metric_of
from automl.problem import Problem
from automl.run.chain import NO_CALLBACKS, Callbacks, Settings, laboratory, set_threads
from automl.run.recorder import with_given_folds
from automl.run.resume import bring_back, check_metric
from automl.search.manual import Everywhere
from automl.store import Store, replay
from automl.trial import Study

Floats = npt.NDArray[np.float64]

FEWEST = 2  # seeds that tell something


def reseeded(
    ask: Callable[[Budget], Problem],
    settings: Settings,
    seeds: int,
    callbacks: Callbacks = NO_CALLBACKS,
    server: ForkServer | None = None,
) -> list[Stability]:
    """Train the winner, and the members of the ensemble, with so many other seeds on the run's folds, as far as there is time.

    Parameters
    ----------
    ask : callable
        Gives the run's problem.
    settings : Settings
        Its `output` is the run's folder, which stays as it is.
    seeds : int

    Raises
    ------
    InputError
        There is no such run, nothing was learnt in it, its table has changed, or there was no time for two seeds.
    """
    then = replace(replay(settings.output), extensions=settings.extensions)
    ask = with_given_folds(ask, settings.output)
    check_metric(then, settings)
    winner = next((trial.id for trial in then.ranked if trial.candidate.family != "constant"), None)
    if winner is None:
        raise InputError(
            f"{settings.output}: no model was tried on every fold, so there is nothing to train again."
        )
    with tempfile.TemporaryDirectory(prefix="automl-") as folder:
        store = Store(Path(folder) / "run")
        with laboratory(store, replace(settings, output=store.folder), server) as lab:
            bring_back(lab, replace(then, trials={}), settings, ask)
            set_threads(lab, settings, then)
            callbacks.on_lab(lab)
            lab.observers += callbacks.observers
            found = _all_of(then, lab, winner, seeds)
        store.close()
    if not found:
        raise InputError(
            f"--seeds {seeds}: there was no time for two seeds. Give more: --budget 10m"
        )
    return found


def _all_of(then: Study, lab: Lab, winner: str, seeds: int) -> list[Stability]:
    """The stability of the winner, and, if there is one, of the ensemble."""
    names = list(dict.fromkeys([winner, *then.weights]))
    predicted: list[Mapping[str, Floats]] = [
        _predicted(then, lab, [winner], nth) for nth in range(1, seeds + 1)
    ]
    alone = [one[winner] for one in predicted if winner in one]
    trial = then.trials[winner]
    made = (
        [_told(then, lab, f"{trial.candidate.family} {trial.candidate.recipe.name}", winner, alone)]
        if len(alone) >= FEWEST
        else []
    )
    if len(then.weights) < FEWEST:
        return made
    whole = [
        {**first, **_predicted(then, lab, [name for name in names if name != winner], nth)}
        for nth, first in enumerate(predicted, 1)
    ]
    mixed = [
        combine([one[name] for name in then.weights], list(then.weights.values()))
        for one in whole
        if then.weights.keys() <= one.keys()
    ]
    if len(mixed) >= FEWEST:
        made.append(
            _told(then, lab, f"the ensemble of {len(then.weights)} models", "ensemble", mixed)
        )
    return made


def _predicted(then: Study, lab: Lab, names: Sequence[str], nth: int) -> dict[str, Floats]:
    """Held-out predictions of these trials' candidates with the nth other seed, of those that were ready in time."""
    now = replace(
        then, trials={}, weights={}, running={}, verdict={}, seed=then.seed + nth * 1_000_003
    )
    for now in lab.run(
        Everywhere([then.trials[name].candidate for name in names]), now, keeping_an_end(lab.whole)
    ):
        pass
    complete = [
        trial
        for trial in now.trials.values()
        if now.complete(trial) and not any(o.stopped for o in trial.whole.values())
    ]
    found = {trial.id: lab.predictions(now, trial) for trial in complete}
    return {name: array[0] for name, array in found.items() if array is not None}


def _told(then: Study, lab: Lab, model: str, name: str, predictions: Sequence[Floats]) -> Stability:
    losses = [_loss(then, lab, one) for one in predictions]
    total = np.sum(predictions, axis=0)
    count = len(predictions)
    without = [_loss(then, lab, (total - one) / (count - 1)) for one in predictions]
    return from_seeds(model, name, losses, _loss(then, lab, total / count), without)


def _loss(then: Study, lab: Lab, raw: Floats) -> float:
    """The mean loss over the folds, with the run's own temperature and cuts."""
    data, task, metric = lab.dataset(), then.the_task, metric_of(then.the_task)
    answer: npt.NDArray[np.generic] = raw
    if not task.is_regression:
        proba = sharpen(raw, then.verdict.get("temperature", 1.0))
        cut = np.array(then.verdict["cuts"]) if "cuts" in then.verdict else even(task.n_outputs)
        answer = decide(proba, cut) if metric.needs == "labels" else proba
    losses = []
    for split in then.plan.splits:
        rows = data.folds.held(*split)
        weight = None if data.weight is None else data.weight[rows]
        losses.append(metric.loss(data.y[rows], answer[rows], weight))
    return float(np.mean(losses))
