"""Collect the nodes and constants of an ONNX graph, whose tensors are used like NumPy's arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.files import require

ML_DOMAIN = "ai.onnx.ml"
# The oldest versions with all operators that are used, which most runtimes know.
OPSET = 18
ML_OPSET = 3
IR_VERSION = 8
WHAT = "--to onnx"

NUMPY_TYPES: Mapping[str, Any] = {
    "DOUBLE": np.float64,
    "FLOAT": np.float32,
    "INT64": np.int64,
    "UINT64": np.uint64,
    "BOOL": np.bool_,
}


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor of a graph; its operators add nodes, and numbers become constants of its type.

    Parameters
    ----------
    graph : Graph
    name : str
    dtype : str
        As ONNX names it: DOUBLE, FLOAT, INT64, UINT64, BOOL or STRING.
    """

    graph: Graph
    name: str
    dtype: str

    def __add__(self, other: Any) -> Value:
        return self._with("Add", other)

    def __sub__(self, other: Any) -> Value:
        return self._with("Sub", other)

    def __mul__(self, other: Any) -> Value:
        return self._with("Mul", other)

    def __truediv__(self, other: Any) -> Value:
        return self._with("Div", other)

    def __matmul__(self, other: Any) -> Value:
        return self._with("MatMul", other)

    def __and__(self, other: Value) -> Value:
        return self._with("And", other)

    def __ge__(self, other: Any) -> Value:
        return self._with("GreaterOrEqual", other, "BOOL")

    def __gt__(self, other: Any) -> Value:
        return self._with("Greater", other, "BOOL")

    def __lt__(self, other: Any) -> Value:
        return self._with("Less", other, "BOOL")

    def equals(self, other: Any) -> Value:
        """Return where the values are equal to others."""
        return self._with("Equal", other, "BOOL")

    def _with(
        self,
        kind: str,
        other: Any,
        dtype: str = "",
    ) -> Value:
        right = self.like(other)
        return self.graph.op(kind, self, right, dtype=dtype)

    def like(self, other: Any) -> Value:
        """Return a number or an array as a constant of this type; a tensor stays as it is."""
        if isinstance(other, Value):
            return other
        return self.graph.constant(other, self.dtype)

    def apply(
        self,
        kind: str,
        **attributes: Any,
    ) -> Value:
        """Return an operator's output, which has the same type."""
        return self.graph.op(kind, self, **attributes)

    def is_missing(self) -> Value:
        """Return where values are NaN."""
        return self.graph.op("IsNaN", self, dtype="BOOL")

    def choose(self, other: Any, condition: Value) -> Value:
        """Return these values where a condition holds, and others elsewhere."""
        elsewhere = self.like(other)
        return self.graph.op("Where", condition, self, elsewhere, dtype=self.dtype)

    def replace(self, other: Any, condition: Value) -> Value:
        """Return others where a condition holds, and these values elsewhere."""
        return self.like(other).choose(self, condition)

    def fill_missing(self, by: float) -> Value:
        """Return the values with a number for NaN."""
        return self.replace(by, self.is_missing())

    def clip(self, low: float, high: float) -> Value:
        """Return the values, none of which may be NaN, within bounds."""
        lowest = self.like(low)
        highest = self.like(high)
        return self.graph.op("Clip", self, lowest, highest)

    def cast(self, dtype: str) -> Value:
        """Return the values in another type."""
        if dtype == self.dtype:
            return self
        number = self.graph.type_number(dtype)
        return self.graph.op("Cast", self, dtype=dtype, to=number)

    def reshape(self, *shape: int) -> Value:
        """Return the values in another shape."""
        sizes = self.graph.constant(shape, "INT64")
        return self.graph.op("Reshape", self, sizes)

    def row_sums(self) -> Value:
        """Return the sum of each row, of shape (n_rows, 1)."""
        axis = self.graph.constant([1], "INT64")
        return self.graph.op("ReduceSum", self, axis, keepdims=1)

    def take_columns(self, columns: Any) -> Value:
        """Return some columns of a matrix; a single number drops the axis."""
        indices = self.graph.constant(columns, "INT64")
        return self.graph.op("Gather", self, indices, axis=1)

    def look_up(
        self,
        table: Any,
        dtype: str = "DOUBLE",
    ) -> Value:
        """Return the rows of a table at these whole numbers."""
        rows = self.graph.constant(table, dtype)
        return self.graph.op("Gather", rows, self)

    def places_in(
        self,
        keys: Sequence[int],
        default: int,
    ) -> Value:
        """Return the place of these whole numbers among keys, or a default."""
        return self.graph.op(
            "LabelEncoder",
            self,
            domain=ML_DOMAIN,
            keys_int64s=list(keys),
            values_int64s=list(range(len(keys))),
            default_int64=default,
        )


class Graph:
    """A graph that grows by nodes.

    Equal constants are stored once. A node's name is that of its output.
    """

    def __init__(self) -> None:
        self._onnx = require("onnx", "onnx", WHAT)
        self._helper = self._onnx.helper
        self._nodes: list[Any] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], Value] = {}
        self._initializers: list[Any] = []
        self._inputs: dict[str, Any] = {}

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the inputs, in the order in which they were added."""
        return tuple(self._inputs)

    def type_number(self, dtype: str) -> int:
        """Return the number by which ONNX knows a type."""
        number: int = getattr(self._onnx.TensorProto, dtype)
        return number

    def add_input(self, name: str, dtype: str) -> Value:
        """Add an input of shape (n_rows, 1), unless it is there."""
        if name not in self._inputs:
            self._inputs[name] = self._described(name, dtype, ["rows", 1])
        return Value(self, name, dtype)

    def _described(
        self,
        name: str,
        dtype: str,
        shape: list[Any],
    ) -> Any:
        number = self.type_number(dtype)
        return self._helper.make_tensor_value_info(name, number, shape)

    def op(
        self,
        kind: str,
        *inputs: Value,
        domain: str = "",
        output: str = "",
        dtype: str = "",
        **attributes: Any,
    ) -> Value:
        """Add a node, and return its output; its type is that of the first input unless given."""
        name = output or f"{kind}_{len(self._nodes)}'"
        node = self._helper.make_node(
            kind,
            [value.name for value in inputs],
            [name],
            name=name,
            domain=domain,
            **attributes,
        )
        self._nodes.append(node)
        return Value(self, name, dtype or inputs[0].dtype)

    def constant(
        self,
        array: Any,
        dtype: str = "DOUBLE",
    ) -> Value:
        """Return a constant tensor."""
        shape = np.shape(array)
        tensor = np.ascontiguousarray(array, NUMPY_TYPES[dtype])
        tensor = tensor.reshape(shape)
        key = (dtype, shape, tensor.tobytes())
        if key not in self._constants:
            name = self._constant_name()
            proto = self._onnx.numpy_helper.from_array(tensor, name)
            self._initializers.append(proto)
            self._constants[key] = Value(self, name, dtype)
        return self._constants[key]

    def strings(self, texts: Sequence[str]) -> Value:
        """Return a constant of strings."""
        name = self._constant_name()
        data = [text.encode("utf-8", "replace") for text in texts]
        number = self.type_number("STRING")
        proto = self._helper.make_tensor(name, number, [len(data)], data)
        self._initializers.append(proto)
        return Value(self, name, "STRING")

    def _constant_name(self) -> str:
        return f"constant_{len(self._initializers)}'"

    def attribute(self, array: Any) -> Any:
        """Return doubles for an attribute."""
        number = self.type_number("DOUBLE")
        return self._helper.make_tensor("", number, [len(array)], array)

    def concat(self, values: Sequence[Value]) -> Value:
        """Return the columns of matrices next to each other."""
        if len(values) == 1:
            return values[0]
        return self.op("Concat", *values, axis=1)

    def model(
        self,
        outputs: Mapping[Value, list[Any]],
        about: Mapping[str, str],
    ) -> Any:
        """Return the model.

        Parameters
        ----------
        outputs : mapping of Value to list
            Their shapes.
        about : mapping of str to str
            Properties that it carries.
        """
        made = []
        for value, shape in outputs.items():
            made.append(self._described(value.name, value.dtype, shape))
        graph = self._helper.make_graph(
            self._nodes,
            "automl",
            list(self._inputs.values()),
            made,
            self._initializers,
        )
        opsets = [
            self._helper.make_opsetid("", OPSET),
            self._helper.make_opsetid(ML_DOMAIN, ML_OPSET),
        ]
        model = self._helper.make_model(
            graph,
            opset_imports=opsets,
            ir_version=IR_VERSION,
            producer_name="automl",
        )
        self._helper.set_model_props(model, dict(about))
        return model


def total(values: Sequence[Value]) -> Value:
    """Return the sum of values, added in this order."""
    first, *others = values
    summed = first
    for value in others:
        summed = summed + value
    return summed
