"""Hidden blocks: a layer, perhaps normalised, an activation or a gate, and perhaps a way around.

Gradients are written out; a test compares them with finite differences.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.arrays import Matrix
from automl.models.network.activations import ACTIVATIONS, WITH_SLOPES
from automl.models.network.layer import Layer, Learnt
from automl.models.network.normalisation import Normalised, normalise

KINDS = ("plain", "residual", "gated")


@dataclass(frozen=True)
class Block:
    """A hidden block of all members.

    Parameters
    ----------
    layer : Layer
        Its weights are shared by the members. A gated block has twice as many outputs as values:
        what is let through, and then what lets it through.
    gains : ndarray of shape (n_members, n_outputs) or (n_members, 0), float32
        Factors of the normalised outputs; of no columns where outputs are not normalised.
    kind : {"plain", "residual", "gated"}
        A residual block adds its values to its inputs, as far as there are as many.
    activation : {"silu", "relu", "selu"}
    """

    layer: Layer
    gains: Matrix
    kind: str = "plain"
    activation: str = "silu"

    @property
    def is_normalised(self) -> bool:
        """Whether a row's outputs are brought to mean 0 and variance 1."""
        return self.gains.size > 0

    @property
    def is_gated(self) -> bool:
        """Whether half of the outputs let the others through."""
        return self.kind == "gated"

    @property
    def is_residual(self) -> bool:
        """Whether the inputs are added to the values."""
        return self.kind == "residual"

    @property
    def n_values(self) -> int:
        """Number of values that a row becomes."""
        n_outputs = int(self.layer.intercepts.shape[1])
        if self.is_gated:
            return n_outputs // 2
        return n_outputs

    @property
    def learnt(self) -> list[Learnt]:
        """All arrays that are learnt."""
        layer = self.layer
        learnt = [
            Learnt(layer.weights, decays=True),
            Learnt(layer.intercepts),
        ]
        if self.is_normalised:
            learnt.append(Learnt(self.gains))
        return learnt

    def values(self, inputs: Matrix) -> Matrix:
        """Return what inputs become, both of shape (n_members, n_rows, any)."""
        outputs, _ = self._outputs(inputs)
        activate = ACTIVATIONS[self.activation]
        if self.is_gated:
            passing, gates = _halves(outputs)
            return passing * activate(gates)
        values = activate(outputs)
        if self.is_residual:
            add_first(values, inputs)
        return values

    def traced(
        self,
        inputs: Matrix,
        keep_probability: float,
        rng: np.random.Generator,
    ) -> BlockTrace:
        """Return the values in a training step, with all that their gradients need.

        Parameters
        ----------
        inputs : ndarray of shape (n_members, n_rows, n_inputs)
        keep_probability : float
            Of each value; the others are dropped out.
        rng : Generator
            Draws the dropped values.
        """
        outputs, normalised = self._outputs(inputs)
        values, slopes = self._activated(outputs)
        if keep_probability < 1.0:
            mask = _dropout_mask(
                values,
                keep_probability,
                rng,
            )
            _multiply((values, *slopes), mask)
        if self.is_residual:
            add_first(values, inputs)
        return BlockTrace(
            self,
            inputs,
            values,
            slopes,
            normalised,
        )

    def _activated(self, outputs: Matrix) -> tuple[Matrix, tuple[Matrix, ...]]:
        """Return the values, and their slopes by each part of the outputs."""
        activate = WITH_SLOPES[self.activation]
        if not self.is_gated:
            values, slope = activate(outputs)
            return values, (slope,)
        passing, gates = _halves(outputs)
        opened, slope = activate(gates)
        values = passing * opened
        by_gates = passing * slope
        return values, (opened, by_gates)

    def _outputs(self, inputs: Matrix) -> tuple[Matrix, Normalised | None]:
        """Return the outputs, and what they were made of if they are normalised."""
        layer = self.layer
        if not self.is_normalised:
            return layer.outputs(inputs), None
        products = layer.products(inputs)
        normalised = normalise(products)
        outputs = normalised.values * self.gains[:, None]
        outputs += layer.intercepts[:, None]
        return outputs, normalised

    def copy(self, dtype: Any) -> Block:
        """Return an independent block with equal numbers of a type."""
        return Block(
            self.layer.copy(dtype),
            self.gains.astype(dtype),
            self.kind,
            self.activation,
        )


def plain_block(layer: Layer) -> Block:
    """Return a block of a layer and nothing else but the usual activation."""
    n_members = len(layer.intercepts)
    gains: Matrix = np.zeros((n_members, 0), np.float32)
    return Block(layer, gains)


@dataclass(frozen=True)
class BlockTrace:
    """A block's values in a training step, and how its gradients follow from that by the values.

    Parameters
    ----------
    block : Block
    inputs, values : ndarray of shape (n_members, n_rows, any)
    slopes : tuple of ndarray
        Of the values by the outputs, one for each half of a gated block's.
    normalised : Normalised or None
        What the outputs were made of, where they are normalised.
    """

    block: Block
    inputs: Matrix
    values: Matrix
    slopes: tuple[Matrix, ...]
    normalised: Normalised | None

    def gradients(self, by_values: Matrix) -> tuple[list[Matrix], Matrix]:
        """Return the gradients by the block's learnt arrays, and that by its inputs."""
        block = self.block
        by_outputs = self._by_outputs(by_values)
        gradients = [by_outputs.sum(axis=1)]
        if self.normalised is not None:
            weighted = by_outputs * self.normalised.values
            gradients.append(weighted.sum(axis=1))
            by_outputs = by_outputs * block.gains[:, None]
            by_outputs = self.normalised.by_raw(by_outputs)
        by_weights = block.layer.by_weights(self.inputs, by_outputs)
        by_inputs = block.layer.by_inputs(by_outputs)
        if block.is_residual:
            add_first(by_inputs, by_values)
        return [by_weights, *gradients], by_inputs

    def _by_outputs(self, by_values: Matrix) -> Matrix:
        parts = [by_values * slope for slope in self.slopes]
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts, axis=-1)


def add_first(values: Matrix, added: Matrix) -> None:
    """Add columns to the first ones of values, in place, as far as there are as many."""
    common = min(values.shape[-1], added.shape[-1])
    values[..., :common] += added[..., :common]


def _halves(outputs: Matrix) -> tuple[Matrix, Matrix]:
    first, second = np.split(outputs, 2, axis=-1)
    return first, second


def _multiply(arrays: Iterable[Matrix], factors: Matrix) -> None:
    """Multiply arrays, in place."""
    for array in arrays:
        np.multiply(array, factors, out=array)


def _dropout_mask(
    values: Matrix,
    keep: float,
    rng: np.random.Generator,
) -> Matrix:
    """Return zeros, and ones scaled up so that the mean stays."""
    draws = rng.random(values.shape, dtype=np.float32)
    is_kept = draws < keep
    scale = np.float32(1 / keep)
    mask: Matrix = is_kept * scale
    return mask
