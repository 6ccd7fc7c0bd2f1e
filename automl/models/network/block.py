"""Hidden blocks: a layer, perhaps normalised, an activation or a gate, and perhaps a way around.

Gradients are written out; a test compares them with finite differences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.arrays import Matrix
from automl.models.network.activations import ACTIVATIONS, WITH_SLOPES
from automl.models.network.layer import Layer, Learnt

KINDS = ("plain", "residual", "gated")
TINY_VARIANCE = 1e-5  # added to the variance that outputs are divided by


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
        return self.gains.shape[1] > 0

    @property
    def n_values(self) -> int:
        """Number of values that a row becomes."""
        n_outputs = self.layer.intercepts.shape[1]
        return n_outputs // 2 if self.kind == "gated" else n_outputs

    @property
    def learnt(self) -> list[Learnt]:
        """All arrays that are learnt."""
        learnt = [Learnt(self.layer.weights, decays=True), Learnt(self.layer.intercepts)]
        if self.is_normalised:
            learnt.append(Learnt(self.gains))
        return learnt

    def values(self, inputs: Matrix) -> Matrix:
        """Return what inputs become, both of shape (n_members, n_rows, any)."""
        outputs, _ = self._outputs(inputs)
        activate = ACTIVATIONS[self.activation]
        if self.kind == "gated":
            passing, gates = np.split(outputs, 2, axis=-1)
            return passing * activate(gates)
        values = activate(outputs)
        if self.kind == "residual":
            self._add_inputs(values, inputs)
        return values

    def traced(
        self, inputs: Matrix, keep_probability: float, rng: np.random.Generator
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
        outputs, spread = self._outputs(inputs)
        activate = WITH_SLOPES[self.activation]
        if self.kind == "gated":
            passing, gates = np.split(outputs, 2, axis=-1)
            opened, slope = activate(gates)
            values = passing * opened
            slopes = (opened, passing * slope)
        else:
            values, slope = activate(outputs)
            slopes = (slope,)
        if keep_probability < 1.0:
            mask = _dropout_mask(values, keep_probability, rng)
            values *= mask
            slopes = tuple(np.multiply(each, mask, out=each) for each in slopes)
        if self.kind == "residual":
            self._add_inputs(values, inputs)
        return BlockTrace(self, inputs, values, slopes, spread)

    def _outputs(self, inputs: Matrix) -> tuple[Matrix, Spread | None]:
        """Return the outputs, normalised if they are to be, and how they were spread."""
        if not self.is_normalised:
            return self.layer.outputs(inputs), None
        spread = _normalised(self.layer.products(inputs))
        outputs = spread.normalised * self.gains[:, None]
        outputs += self.layer.intercepts[:, None]
        return outputs, spread

    def _add_inputs(self, values: Matrix, inputs: Matrix) -> None:
        """Add the inputs to as many values as there are of them."""
        common = self.n_common(inputs.shape[2])
        values[..., :common] += inputs[..., :common]

    def n_common(self, n_inputs: int) -> int:
        """Return the number of values that inputs are added to in a residual block."""
        return min(self.n_values, n_inputs)

    def copy(self, dtype: Any) -> Block:
        """Return an independent block with equal numbers of a type."""
        layer = self.layer.copy(dtype)
        gains = self.gains.astype(dtype)
        return Block(layer, gains, self.kind, self.activation)


def plain_block(layer: Layer) -> Block:
    """Return a block of a layer and nothing else but the usual activation."""
    n_members = len(layer.intercepts)
    gains: Matrix = np.zeros((n_members, 0), np.float32)
    return Block(layer, gains)


@dataclass(frozen=True)
class Spread:
    """Normalised outputs, and the inverse of what their standard deviation was."""

    normalised: Matrix
    inverse: Matrix

    def by_products(self, by_normalised: Matrix) -> Matrix:
        """Return the gradient by what was normalised, from that by what it became."""
        mean = by_normalised.mean(axis=-1, keepdims=True)
        weighted = by_normalised * self.normalised
        slope = weighted.mean(axis=-1, keepdims=True)
        centred = by_normalised - mean
        centred -= self.normalised * slope
        centred *= self.inverse
        return centred


def _normalised(products: Matrix) -> Spread:
    mean = products.mean(axis=-1, keepdims=True)
    centred = products - mean
    squares = np.square(centred)
    variance = squares.mean(axis=-1, keepdims=True)
    tiny = variance.dtype.type(TINY_VARIANCE)
    inverse = 1 / np.sqrt(variance + tiny)
    return Spread(centred * inverse, inverse)


@dataclass(frozen=True)
class BlockTrace:
    """A block's values in a training step, and how its gradients follow from that by the values.

    Parameters
    ----------
    block : Block
    inputs, values : ndarray of shape (n_members, n_rows, any)
    slopes : tuple of ndarray
        Of the values by the outputs, one for each part of a gated block's.
    spread : Spread or None
        Of the outputs, where they are normalised.
    """

    block: Block
    inputs: Matrix
    values: Matrix
    slopes: tuple[Matrix, ...]
    spread: Spread | None

    def gradients(self, by_values: Matrix) -> tuple[list[Matrix], Matrix]:
        """Return the gradients by the block's learnt arrays, and that by its inputs."""
        by_outputs = self._by_outputs(by_values)
        layer = self.block.layer
        gradients = [by_outputs.sum(axis=1)]
        if self.spread is not None:
            weighted = by_outputs * self.spread.normalised
            gradients.append(weighted.sum(axis=1))
            by_outputs = self.spread.by_products(by_outputs * self.block.gains[:, None])
        by_weights = layer.by_weights(self.inputs, by_outputs)
        by_inputs = layer.by_inputs(by_outputs)
        if self.block.kind == "residual":
            common = self.block.n_common(by_inputs.shape[2])
            by_inputs[..., :common] += by_values[..., :common]
        return [by_weights, *gradients], by_inputs

    def _by_outputs(self, by_values: Matrix) -> Matrix:
        parts = [by_values * slope for slope in self.slopes]
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts, axis=-1)


def _dropout_mask(values: Matrix, keep: float, rng: np.random.Generator) -> Matrix:
    """Return zeros, and ones scaled up so that the mean stays."""
    draws = rng.random(values.shape, dtype=np.float32)
    is_kept = draws < keep
    scale = np.float32(1 / keep)
    mask: Matrix = is_kept * scale
    return mask
