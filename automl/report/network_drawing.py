"""The drawing of a network, from a row at the top to the prediction at the bottom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from automl.features.recipe import Recipe
from automl.formatting import format_count, join_words, visible
from automl.models.network.network import Architecture, kind_at
from automl.models.network.perceptron import architecture_of
from automl.report.drawing import ARROW, WIDTH, Drawing, Part
from automl.study import Size
from automl.task import Task

INPUTS_WIDTH = WIDTH - 16
LEAST_BLOCK_WIDTH = 140  # of a block with hardly any values
BLOCK_GROWTH = 90  # by which the block with the most values is wider
GATES_GROWTH = 20  # by which gated blocks are wider
LEAST_GATES_WIDTH = 190
NAME_MIDDLE = 26  # where the names of blocks stand, from the left
DROPOUT_MIDDLE = 238
MAX_CHARACTERS = 34  # of a name in a box

NUMBER_NOTES = {
    "plain": "as they are",
    "standard": "scaled",
    "quantile": "by rank",
    "pieces": "scaled",
}
ACTIVATION_NAMES = {"silu": "SiLU", "relu": "ReLU", "selu": "SELU"}


def draw_network(
    params: Mapping[str, Any],
    recipe: Recipe,
    task: Task,
    size: Size,
) -> Drawing:
    """Return the drawing of a network.

    Parameters
    ----------
    params : mapping
        All of its hyperparameters.
    recipe : Recipe
    task : Task
    size : Size
    """
    members = int(params["members"])
    drawing = Drawing("The best network, from a row to its prediction")
    columns = format_count(size.columns, "column")
    drawing.add("a row of the table", (columns,))
    parts = _input_parts(params, recipe, size)
    drawing.add_row(parts, INPUTS_WIDTH, "input")
    _add_members(drawing, members)
    architecture = architecture_of(params)
    dropout = float(params["dropout"])
    for index in range(len(architecture.widths)):
        _add_block(drawing, architecture, index, dropout)
    drawing.add_arrow()
    _add_end(drawing, members, task)
    return drawing


def _input_parts(
    params: Mapping[str, Any],
    recipe: Recipe,
    size: Size,
) -> list[Part]:
    """Return names and notes of what a row becomes."""
    n_codes = size.categories if recipe.has_native_categories else 0
    cosines = int(params["waves"])
    pieces = int(params["pieces"])
    parts: list[Part] = []
    if size.columns > n_codes:
        note = NUMBER_NOTES[recipe.numbers]
        parts.append(("numbers", (note,)))
        if cosines:
            parts.append(("cosines", (f"{cosines} a number",)))
        if pieces:
            parts.append(("pieces", (f"{pieces} a number",)))
    if n_codes:
        parts.append(("vectors", (f"{params['vector']} a category",)))
    return parts


def _add_members(drawing: Drawing, members: int) -> None:
    """Add the scales of the inputs."""
    if members > 1:
        note = "each scales inputs in its own way"
        drawing.add(f"{members} members", (note,), cards=members)
    else:
        drawing.add("scales", ("a factor for each input",))


def _add_block(
    drawing: Drawing,
    architecture: Architecture,
    index: int,
    dropout: float,
) -> None:
    """Add a hidden block with the arrow to it."""
    kind = kind_at(index, architecture.kind)
    name = f"Block {index + 1}"
    drawing.words.append(f"{name}, {kind}")
    start = drawing.bottom + ARROW / 3
    width = architecture.widths[index]
    share = width / max(architecture.widths)
    box_width = LEAST_BLOCK_WIDTH + BLOCK_GROWTH * share
    if kind == "gated":
        box_width = max(LEAST_GATES_WIDTH, box_width + GATES_GROWTH)
        _add_gates(drawing, architecture, width, box_width, dropout)
    else:
        _add_layer(drawing, architecture, width, box_width, dropout)
    box = drawing.boxes[-1]
    drawing.add_label(name, NAME_MIDDLE, box.y + box.height / 2)
    if kind == "residual":
        drawing.add_arrow(ARROW / 2)
        drawing.add_sign("+")
        drawing.add_way_around(start, box_width)
        drawing.words.append("plus what came in")


def _add_layer(
    drawing: Drawing,
    architecture: Architecture,
    width: int,
    box_width: float,
    dropout: float,
) -> None:
    """Add a block of one layer, with its activation."""
    activation = ACTIVATION_NAMES[architecture.activation]
    if architecture.normalised:
        activation = f"normalised, {activation}"
    notes = [activation, *_dropout_notes(dropout)]
    drawing.add_arrow()
    drawing.add(
        format_count(width, "value"),
        tuple(notes),
        box_width,
        "block",
    )


def _add_gates(
    drawing: Drawing,
    architecture: Architecture,
    width: int,
    box_width: float,
    dropout: float,
) -> None:
    """Add the two halves of a gated block, and their product."""
    count = format_count(width, "value")
    gates = format_count(width, "gate")
    activation = ACTIVATION_NAMES[architecture.activation]
    notes: tuple[str, ...] = ()
    if architecture.normalised:
        notes = ("normalised",)
    halves = [
        (count, notes),
        (gates, (*notes, activation)),
    ]
    drawing.add_row(halves, box_width, "block")
    drawing.add_sign("×")
    drawing.words.append("values times gates")
    for note in _dropout_notes(dropout):
        drawing.add_label(note, DROPOUT_MIDDLE, drawing.signs[-1].y)
        drawing.words.append(note)


def _dropout_notes(dropout: float) -> list[str]:
    """Return a note of the share that is dropped out; none if it is 0."""
    if not dropout:
        return []
    return [f"dropout {dropout:.0%}"]


def _add_end(
    drawing: Drawing,
    members: int,
    task: Task,
) -> None:
    """Add the last layers, the mean and the output."""
    if members > 1:
        drawing.add(f"{members} last layers", ("one for each member",), cards=members)
        drawing.add_arrow()
        drawing.add(f"mean of the {members} predictions")
    else:
        drawing.add("last layer")
    drawing.add_arrow()
    title, note = _output(task)
    drawing.add(title, (note,), look="output")


def _output(task: Task) -> tuple[str, str]:
    """Return what is predicted, and its name."""
    if task.is_regression:
        return "a number", visible(task.target, MAX_CHARACTERS)
    if task.kind == "binary":
        _, positive = task.labels
        return "a probability", visible(f"of {positive}", MAX_CHARACTERS)
    classes = join_words(task.labels)
    count = format_count(len(task.labels), "class", "classes")
    return f"probabilities of {count}", visible(classes, MAX_CHARACTERS)
