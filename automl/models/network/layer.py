"""A fully connected layer of all members of a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from automl.arrays import Matrix


@dataclass(frozen=True)
class Learnt:
    """An array that is learnt.

    Parameters
    ----------
    array : ndarray, float32
        Changed in place.
    rate : float
        Its share of the learning rate.
    decays : bool
        Whether weight decay is for it.
    """

    array: Matrix
    rate: float = 1.0
    decays: bool = False


@dataclass(frozen=True)
class Layer:
    """A fully connected layer of all members.

    Parameters
    ----------
    weights : ndarray of shape (n_inputs, n_outputs) or (n_members, n_inputs, n_outputs), float32
        Of all members together, or of each.
    intercepts : ndarray of shape (n_members, n_outputs), float32
    """

    weights: Matrix
    intercepts: Matrix

    @property
    def is_shared(self) -> bool:
        """Whether the members share the weights."""
        return self.weights.ndim == 2

    @property
    def n_products(self) -> int:
        """Number of products of two numbers that a row takes, of all members together."""
        if not self.is_shared:
            return self.weights.size
        return len(self.intercepts) * self.weights.size

    def outputs(self, values: Matrix) -> Matrix:
        """Return outputs of shape (n_members, n_rows, n_outputs) for inputs of such a shape."""
        products = self.products(values)
        products += self.intercepts[:, None]
        return products

    def products(self, values: Matrix) -> Matrix:
        """Return the outputs without intercepts."""
        return self._products(values, self.weights)

    def by_weights(self, values: Matrix, by_outputs: Matrix) -> Matrix:
        """Return the gradient by the weights, from that by the outputs."""
        if self.is_shared:
            together: Matrix = flat(values).T @ flat(by_outputs)
            return together
        each: Matrix = values.mT @ by_outputs
        return each

    def by_inputs(self, by_outputs: Matrix) -> Matrix:
        """Return the gradient by the inputs, from that by the outputs."""
        return self._products(by_outputs, self.weights.mT)

    def _products(self, values: Matrix, weights: Matrix) -> Matrix:
        """Return products; with shared weights those of all members are one."""
        if not self.is_shared:
            each: Matrix = values @ weights
            return each
        together = flat(values) @ weights
        n_members, n_rows, _ = values.shape
        return together.reshape(n_members, n_rows, -1)

    def copy(self, dtype: Any) -> Layer:
        """Return an independent layer with equal numbers of a type."""
        weights = self.weights.astype(dtype)
        intercepts = self.intercepts.astype(dtype)
        return Layer(weights, intercepts)


def flat(values: Matrix) -> Matrix:
    """Return all members' rows one after the other."""
    _, _, width = values.shape
    return values.reshape(-1, width)
