"""A network of torch in training: batches, steps of AdamW, and a copy of it in NumPy.

A repeated fit takes the same path bit for bit on CPUs: random numbers come from the fit's seed
alone, and operations whose order of summation varies are refused. On a GPU the last bits may
differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, Protocol

import numpy as np
import torch

from automl.arrays import Matrix
from automl.models._base import FitContext, Sample
from automl.models.deep.torch_losses import TorchLoss
from automl.models.network.learner import NetworkT, NetworkT_co

_SCORED_ROWS = 1024  # at a time
_PREDICTION_FACTOR = 6.0  # in double precision, and in small blocks


@contextmanager
def torch_settings(context: FitContext) -> Iterator[str]:
    """Set torch's threads and seed for a fit, and yield the device that it trains on.

    What was set before is set again afterwards.
    """
    device = choose_device()
    threads = torch.get_num_threads()
    is_deterministic = torch.are_deterministic_algorithms_enabled()
    devices = [torch.cuda.current_device()] if device == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(context.seed)
        torch.set_num_threads(context.threads)
        torch.use_deterministic_algorithms(device == "cpu")
        try:
            yield device
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(is_deterministic)


def choose_device() -> str:
    """Return "cuda" if this machine has a GPU that torch can use, else "cpu"."""
    if torch.cuda.is_available():
        return "cuda"
    return "cpu"


class Wiring(Protocol[NetworkT_co]):
    """What a learner must know of a kind of network."""

    @property
    def n_batches(self) -> int:
        """Number of batches of a step: one for all members, or one for each."""
        ...

    @property
    def module(self) -> Any:
        """The torch module."""
        ...

    @property
    def optimizer(self) -> Any:
        """The torch optimizer of its parameters."""
        ...

    def scores(self, X: Any) -> Any:
        """Return scores of shape (n_members, n_rows, n_scores).

        Parameters
        ----------
        X : Tensor of shape (n_batches, n_rows, n_columns)
        """
        ...

    def begin(self, X: Any) -> None:
        """Prepare the module for its first step, whose rows are given."""
        ...

    def follow_schedule(self, progress: float) -> None:
        """Set rates for the next step, given the share of a whole training that is done."""
        ...

    def patience(self, improved_epoch: int) -> float:
        """Return the epochs without improvement after which a fit ends."""
        ...

    def to_network(self) -> NetworkT_co:
        """Return the module's present parameters as a network of NumPy."""
        ...


@dataclass(frozen=True)
class Pace:
    """How long a training is.

    Parameters
    ----------
    epochs : int
    batch_rows : int
    """

    epochs: int
    batch_rows: int


class TorchLearner(Generic[NetworkT]):
    """A network of torch, and the rows that it learns from.

    Parameters
    ----------
    wiring : Wiring
    train : Sample
        Prepared rows.
    loss : callable
    pace : Pace
    device : str
    """

    prediction_factor = _PREDICTION_FACTOR

    def __init__(
        self,
        wiring: Wiring[NetworkT],
        train: Sample,
        loss: TorchLoss,
        pace: Pace,
        device: str,
    ) -> None:
        self._wiring = wiring
        self._loss = loss
        self._device = device
        self._X = self._tensor(train.X)
        self._y = self._tensor(train.y)
        self._weight = self._tensor(train.weight_or_ones)
        n_rows = len(train.y)
        self._batch_rows = min(n_rows, pace.batch_rows)
        self._steps_per_epoch = round(n_rows / self._batch_rows)
        self.epochs = pace.epochs
        self._step = 0
        self._begin()

    def _begin(self) -> None:
        first = next(self._batches())
        self._wiring.module.train()
        with torch.no_grad():
            self._wiring.begin(self._X[first])

    def _tensor(self, values: Any) -> Any:
        array = np.ascontiguousarray(values, np.float32)
        return torch.from_numpy(array).to(self._device)

    def _batches(self) -> Iterator[Any]:
        """Yield positions of rows in random order, of shape (n_batches, batch_rows).

        Rows that don't fill half a batch are left out of the epoch; more are completed by rows
        from its beginning.
        """
        shape = (self._wiring.n_batches, len(self._y))
        order = torch.rand(shape, device=self._device).argsort(dim=1)
        used = self._steps_per_epoch * self._batch_rows
        twice: Any = torch.cat([order, order], dim=1)
        yield from twice[:, :used].split(self._batch_rows, dim=1)

    def run_epoch(self) -> Iterator[int]:
        """Go once through all rows, yielding after each step."""
        all_steps = self.epochs * self._steps_per_epoch
        self._wiring.module.train()
        for rows in self._batches():
            self._wiring.follow_schedule(self._step / all_steps)
            self._take_step(rows)
            self._step += 1
            yield self._step

    def _take_step(self, rows: Any) -> None:
        scores = self._wiring.scores(self._X[rows])
        losses = self._loss(scores, self._y[rows])
        weighted = losses * self._weight[rows]
        self._wiring.optimizer.zero_grad(set_to_none=True)
        weighted.mean().backward()
        self._wiring.optimizer.step()

    def scores(self, X: Matrix) -> Any:
        """Return scores of prepared rows, of shape (n_members, n_rows, n_scores)."""
        rows: Any = self._tensor(X)
        self._wiring.module.eval()
        parts = []
        with torch.no_grad():
            for part in rows.split(_SCORED_ROWS):
                shape = (self._wiring.n_batches, *part.shape)
                scores = self._wiring.scores(part.expand(shape))
                parts.append(scores.cpu().numpy())
        return np.concatenate(parts, axis=1)

    def snapshot(self) -> NetworkT:
        """Return the network as it is now, in NumPy."""
        return self._wiring.to_network()

    def patience(self, improved_epoch: int) -> float:
        """Return the epochs without improvement after which a fit ends."""
        return self._wiring.patience(improved_epoch)


def to_array(tensor: Any) -> Any:
    """Return an independent array with a tensor's numbers, in single precision."""
    values = tensor.detach().cpu().numpy()
    return np.array(values, np.float32)
