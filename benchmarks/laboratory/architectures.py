"""What tells early how good an architecture will be: scores that train nothing, or few steps?

    python benchmarks/laboratory/architectures.py --data ../shared/data \\
        --tasks kin8nm,vehicle --rows 2500 --out architectures.jsonl
    python benchmarks/laboratory/architectures.py --read architectures.jsonl

The network's defaults and 19 architectures drawn at random are trained on the first fold of each
table, with three restarts of the learning rate and with none. `--read` shows Spearman's rank
correlation of each score with the held-out loss in the end, by table and on average.

Scores that train nothing, of a batch of 512 rows: the size of the gradient, its product with the
weights (SNIP), activations times their gradients (as in ExpressFlow of ATLAS), the diversity of
activation patterns (NASWOT), and the loss of a ridge on the last block's values.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lines
import numpy as np
from prepare import PreparedTable
from scipy.stats import spearmanr

from automl.budget import Budget
from automl.features.encoding import fit_targeted
from automl.features.recipe import RECIPES, TOPICS_RECIPE
from automl.metrics import METRICS
from automl.models import FitContext, Sample, find_family
from automl.models._losses import select_loss
from automl.models.network.network import _score_gradient
from automl.models.network.perceptron import initial_perceptron
from automl.space import draw

ARCHITECTURES, BATCH, PATTERNS, SEED = 20, 512, 128, 7
NETWORK = find_family("mlp")
RESTARTS = (3, 0)
PARTS = {"a 45th": 1 / 45, "a 15th": 1 / 15, "a 5th": 1 / 5, "7 of 15": 7 / 15}
SCORES = ("parameters", "gradient", "snip", "flow", "patterns", "ridge")


def scores_before_training(rows: Any, context: FitContext, params: Any) -> dict[str, float]:
    """Return the scores of a network of random weights: greater should be better."""
    rng = np.random.default_rng(context.seed)
    network = initial_perceptron(rows.train, rows.target, params, rng)
    train = rows.prepare(network.prepare).train
    batch = rng.permutation(len(train.y))[:BATCH]
    X, y = train.X[batch], train.y[batch]
    weight = train.weight[batch] / np.float32(len(batch))
    loss = select_loss(rows.target, context)
    arrays = [learnt.array for learnt in network.learnt]
    gradients = network.gradients(X, y, weight, loss, 1.0, rng)
    inputs, _ = network.inputs.values(X)
    values, traces = inputs * network.scales[:, None], []
    for block in network.hidden:
        traces.append(block.traced(values, 1.0, rng))
        values = traces[-1].values
    by_scores = _score_gradient(network.last.outputs(values), y, weight, loss)
    by_values, flow = network.last.by_inputs(by_scores), 0.0
    for trace in reversed(traces):
        flow += float(np.abs(trace.values * by_values).sum())
        _, by_values = trace.gradients(by_values)
    patterns = np.concatenate([trace.values[0][:PATTERNS] > 0 for trace in traces], axis=1)
    patterns = patterns.astype(float)
    alike = patterns @ patterns.T + (1 - patterns) @ (1 - patterns).T
    return {
        "parameters": float(sum(array.size for array in arrays)),
        "gradient": float(np.sqrt(sum(np.square(each).sum() for each in gradients))),
        "snip": float(sum(np.abs(a * g).sum() for a, g in zip(arrays, gradients, strict=True))),
        "flow": flow,
        "patterns": float(np.linalg.slogdet(alike + 1e-6 * np.eye(len(alike)))[1]),
        "ridge": -ridge_loss(values[0].astype(float), y, rows.target.n_classes),
    }


def ridge_loss(values: np.ndarray, y: np.ndarray, n_classes: int) -> float:
    """Return the squared error on a half of the rows of a ridge that learnt from the other."""
    targets = np.eye(n_classes)[y.astype(int)] if n_classes else y[:, None].astype(float)
    targets = targets - targets.mean(axis=0)
    values = values - values.mean(axis=0)
    half = len(y) // 2
    gram = values[:half].T @ values[:half]
    gram += 0.01 * np.trace(gram) / len(gram) * np.eye(len(gram))
    weights = np.linalg.solve(gram, values[:half].T @ targets[:half])
    return float(np.square(targets[half:] - values[half:] @ weights).mean())


def trained(folder: Path, rows: int) -> Iterator[lines.Line]:
    """Yield each architecture's hyperparameters, scores, learning curve and losses."""
    prepared = PreparedTable.of(folder, rows)
    recipe, task = RECIPES["embedded"], prepared.task
    encoding, X = prepared.encoded(recipe)
    train = prepared.known[prepared.blocks[prepared.known] != 0]
    held, test = (np.flatnonzero(prepared.blocks == block) for block in (0, 3))
    features = encoding.features
    for targeted in (recipe, TOPICS_RECIPE):
        more, extra = fit_targeted(targeted, prepared.columns, task, prepared.y, train, 0)
        features, X = (*features, *more.features), np.concatenate([X, extra], axis=1)
    X = X.astype(np.float32)
    samples = [Sample(X[part], features, prepared.y[part]) for part in (train, held)]
    space = NETWORK.space(task, any(feature.levels for feature in features))
    for number in range(ARCHITECTURES):
        rng = np.random.default_rng([SEED, number])
        drawn = draw(space, rng) if number else {}
        for restarts in RESTARTS:
            params = NETWORK.defaults(task) | drawn | {"restarts": restarts}
            context = FitContext(
                task, METRICS[task.metric], number, budget=Budget(time.monotonic() + 600)
            )
            ready = NETWORK.prepare(*samples, params, context)
            scores = scores_before_training(ready.rows, context, params)
            began = time.process_time()
            fitted = NETWORK.fit(ready, params, context)
            seconds = time.process_time() - began
            losses = [
                context.metric.loss_of_output(prepared.y[part], fitted.model.predict(X[part]))
                for part in (held, test)
            ]
            yield {
                "number": number,
                "params": {name: getattr(v, "item", lambda v=v: v)() for name, v in params.items()},
                **scores,
                "curve": [loss for _, loss in fitted.curve],
                "sec": seconds,
                "held": losses[0],
                "test": losses[1],
            }


def least_so_far(line: lines.Line, part: float, epochs: int) -> float:
    """Return the least loss until a part of the epochs."""
    until = max(1, round(part * epochs))
    return min(line["curve"][:until])


def show(path: Path) -> None:
    """Print the mean rank correlations with the final held-out loss, and those by table."""
    found: dict[tuple[int, str], list[float]] = defaultdict(list)
    groups: dict[tuple[str, int], list[lines.Line]] = defaultdict(list)
    for line in lines.read(path):
        groups[line["task"], line["params"]["restarts"]].append(line)
    for (_, restarts), group in sorted(groups.items()):
        final = [line["held"] for line in group]
        epochs = max(len(line["curve"]) for line in group)
        for name, part in PARTS.items():
            early = [least_so_far(line, part, epochs) for line in group]
            found[restarts, name].append(spearmanr(early, final)[0])
        for name in SCORES:
            worse = [-line[name] for line in group]
            found[restarts, name].append(spearmanr(worse, final)[0])
        tests = [line["test"] for line in group]
        found[restarts, "test"].append(spearmanr(tests, final)[0])
    for (restarts, name), values in found.items():
        each = " ".join(f"{value:.2f}" for value in values)
        print(f"{restarts} restarts  {name:12} {np.mean(values):.2f}  {each}")


if __name__ == "__main__":
    lines.run(__doc__, 2500, trained, show)
