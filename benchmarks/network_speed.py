"""Is torch quicker than our NumPy at one step of the same network?

    VENV/bin/python benchmarks/network_speed.py --out benchmarks/results/network-speed.jsonl

VENV has automl and torch. A step is the gradients of a batch of 256 rows and an update by AdamW,
of a network with periodic embeddings, members and dropout. Both are timed in turn in one process,
each the median of five rounds. One line for each size and number of threads, which the process
starts anew for.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

SIZES = [
    {"features": 10, "width": 128, "members": 1},
    {"features": 10, "width": 128, "members": 2},
    {"features": 40, "width": 128, "members": 2},
    {"features": 40, "width": 256, "members": 4},
    {"features": 150, "width": 256, "members": 2},
    {"features": 40, "width": 512, "members": 8},
]
DEPTH = 3
ROWS = 256
COSINES = 16
KEEP = 0.9
STEPS = 100
ROUNDS = 5


def numpy_step(features: int, width: int, members: int) -> Callable[[], None]:
    """Return our step."""
    import numpy as np

    from automl.metrics import METRICS
    from automl.models import FitContext, Sample
    from automl.models._losses import select_loss
    from automl.models._target import TargetCoding
    from automl.models.network.descent import Descent
    from automl.models.network.input_layer import InputSizes, initial_input_layer
    from automl.models.network.network import initial_network
    from automl.task import Task

    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, features)).astype(np.float32)
    sizes = InputSizes(cosines=COSINES, frequency=0.1, pieces=0, vector=8)
    inputs = initial_input_layer(X, (0,) * features, sizes, rng)
    network = initial_network(inputs, [width] * DEPTH + [1], members, rng)
    context = FitContext(Task("regression", "y", "rmse"), METRICS["rmse"], 0)
    loss = select_loss(TargetCoding(0), context)
    descent = Descent(network, loss, rng, ROWS, 0.01, 0.03, 1 - KEEP)
    y = X[:, 0]
    train = Sample(network.inputs.prepare(X), (), y, np.ones_like(y))
    # One batch holds all rows, so that an epoch is a step.
    descent.batch_rows = ROWS

    def step() -> None:
        list(descent.run_epoch(train))

    return step


def torch_step(features: int, width: int, members: int) -> Callable[[], None]:
    """Return the same in torch."""
    import torch
    from torch import nn
    from torch.nn import functional

    torch.manual_seed(0)

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.turns = nn.Parameter(torch.randn(2, features, COSINES))
            self.mixing = nn.Parameter(torch.randn(features, COSINES, 4))
            self.offsets = nn.Parameter(torch.zeros(features, 4))
            n_inputs = 5 * features
            self.scales = nn.Parameter(torch.ones(members, 1, n_inputs))
            widths = [n_inputs] + [width] * DEPTH
            self.weights = nn.ParameterList(
                nn.Parameter(torch.randn(a, b) / a**0.5) for a, b in itertools.pairwise(widths)
            )
            self.intercepts = nn.ParameterList(
                nn.Parameter(torch.zeros(members, 1, width)) for _ in range(DEPTH)
            )
            self.last = nn.Parameter(torch.randn(members, width, 1) / width)
            self.last_intercepts = nn.Parameter(torch.zeros(members, 1, 1))

        def forward(self, X: torch.Tensor) -> torch.Tensor:
            angles = X.T[:, :, None] * self.turns[0][:, None] + self.turns[1][:, None]
            mixed = torch.cos(angles) @ self.mixing + self.offsets[:, None]
            inputs = torch.cat([X, mixed.transpose(0, 1).reshape(len(X), -1)], 1)
            values = inputs * self.scales
            for weights, intercepts in zip(self.weights, self.intercepts, strict=True):
                values = functional.silu(values @ weights + intercepts)
                values = functional.dropout(values, 1 - KEEP)
            return values @ self.last + self.last_intercepts

    net = Net()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01, betas=(0.9, 0.99))
    X = torch.randn(ROWS, features)
    y = X[:, :1]

    def step() -> None:
        order = torch.randperm(ROWS)
        loss = ((net(X[order]) - y[order]) ** 2).mean() / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def seconds(step: Callable[[], None]) -> float:
    """Return the mean seconds of a step."""
    began = time.perf_counter()
    for _ in range(STEPS):
        step()
    return (time.perf_counter() - began) / STEPS


def measure(size: dict[str, int], threads: int) -> None:
    """Print a line of milliseconds."""
    import torch

    torch.set_num_threads(threads)
    steps = {"numpy": numpy_step(**size), "torch": torch_step(**size)}
    rounds = [{name: seconds(step) for name, step in steps.items()} for _ in range(ROUNDS + 1)]
    medians = {
        name: round(1000 * statistics.median(row[name] for row in rounds[1:]), 3) for name in steps
    }
    ratio = round(medians["numpy"] / medians["torch"], 3)
    print(json.dumps({**size, "threads": threads, **medians, "ratio": ratio}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--one", help="a size and threads as JSON, for the process of its own")
    args = parser.parse_args()
    if args.one:
        asked = json.loads(args.one)
        measure(asked["size"], asked["threads"])
        return
    lines = []
    for threads, size in itertools.product((1, 2), SIZES):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        environment = os.environ | dict.fromkeys(names, str(threads))
        one = json.dumps({"size": size, "threads": threads})
        command = [sys.executable, __file__, "--one", one]
        told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        lines.append(told.stdout)
        print(told.stdout, end="", flush=True)
    if args.out:
        args.out.write_text("".join(lines))


if __name__ == "__main__":
    main()
