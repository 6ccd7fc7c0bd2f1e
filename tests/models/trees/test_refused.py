"""Trees that point outside themselves are refused, wherever in the arrays they do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from automl.errors import UnsafeModel
from automl.models.trees.trees import MAX_DEPTH, Trees
from automl.state import State
from tests.models.trees.boosters import random_lightgbm

STATE = random_lightgbm(4).trees.to_state()

Change = Callable[[State], None]


def set_first(name: str, number: float, part: str = "") -> Change:
    """Return a change of an array's first number."""

    def change(state: State) -> None:
        holder = state[part] if part else state
        array = holder[name].copy()
        array.reshape(-1)[0] = number
        holder[name] = array

    return change


def cut(name: str, part: str = "") -> Change:
    """Return a change that shortens an array by one."""

    def change(state: State) -> None:
        holder = state[part] if part else state
        holder[name] = holder[name][:-1]

    return change


def set_value(name: str, value: object) -> Change:
    def change(state: State) -> None:
        state[name] = value

    return change


CHANGES: dict[str, Change] = {
    "a child that is its own parent": set_first("children", 0),
    "a child outside its tree": set_first("children", 30_000),
    "a leaf outside its tree": set_first("children", -30_000),
    "fewer nodes than nothing": set_first("sizes", -1),
    "more nodes than there are": set_first("sizes", 10_000),
    "a condition that is not there": set_first("condition", 60_000),
    "a column that is not there": set_first("column", 250, "conditions"),
    "a threshold that is no number": set_first("threshold", np.nan, "conditions"),
    "a direction that is neither left nor right": set_first("missing_left", 2, "conditions"),
    "sets that don't begin at zero": set_first("set_offsets", 1, "conditions"),
    "sets that end elsewhere": cut("set_bits", "conditions"),
    "fewer thresholds than directions": cut("threshold", "conditions"),
    "fewer leaves than nodes need": cut("value"),
    "fewer children than nodes": cut("children"),
    "fewer conditions than nodes": cut("condition"),
    "another number of outputs": set_value("base", np.zeros(7)),
    "no outputs": set_value("base", np.zeros(0)),
    "leaves that are no numbers": set_first("value", np.inf),
    "no features": set_value("features", 0),
    "features that are a word": set_value("features", "many"),
    "no conditions": set_value("conditions", None),
    "children of another type": set_value("children", np.zeros((1, 2), np.float64)),
    "statistics that are none": set_value("statistics", {}),
}


def copied() -> State:
    state = dict(STATE)
    state["conditions"] = dict(STATE["conditions"])
    return state


def test_trees_are_restored_as_they_are() -> None:
    Trees.from_state(copied())
    assert len(STATE["conditions"]["set_offsets"]) > 1
    assert STATE["children"].dtype == np.int16


@pytest.mark.parametrize("name", CHANGES)
def test_trees_that_do_not_fit_together_are_refused(name: str) -> None:
    state = copied()
    CHANGES[name](state)
    with pytest.raises(UnsafeModel, match="model file"):
        Trees.from_state(state)


def chain(n_nodes: int) -> State:
    """Return the state of one tree, each of whose nodes has a leaf and the next node below it."""
    state = copied()
    numbers = np.arange(n_nodes, dtype=np.int32)
    children = np.column_stack([~numbers, numbers + 1])
    children[-1, 1] = ~n_nodes
    state["sizes"] = np.array([n_nodes], np.int32)
    state["condition"] = np.zeros(n_nodes, np.uint8)
    state["children"] = children
    state["value"] = np.zeros((n_nodes + 1, 1))
    return state


def test_trees_as_deep_as_no_library_grows_them_are_refused() -> None:
    Trees.from_state(chain(MAX_DEPTH))
    with pytest.raises(UnsafeModel, match="more than 10000 levels"):
        Trees.from_state(chain(MAX_DEPTH + 1))


def test_a_node_below_two_parents_is_refused_before_it_doubles_with_each_level() -> None:
    state = chain(40)
    state["children"][:-1, 0] = state["children"][:-1, 1]
    with pytest.raises(UnsafeModel, match="two parents"):
        Trees.from_state(state)


def test_sets_whose_ends_overflow_are_refused() -> None:
    state = copied()
    largest = np.iinfo(np.int64).max
    n_bytes = len(state["conditions"]["set_bits"])
    wrapped = np.array([0, largest, -largest + n_bytes, n_bytes])
    conditions = state["conditions"]
    n_numeric = len(conditions["threshold"])
    conditions["set_offsets"] = wrapped
    conditions["column"] = np.zeros(n_numeric + 3, np.uint8)
    with np.errstate(over="ignore"), pytest.raises(UnsafeModel, match="follow one another"):
        Trees.from_state(state)
