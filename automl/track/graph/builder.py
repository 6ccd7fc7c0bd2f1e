"""Collect the nodes and constants of an ONNX graph; values are the names of tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from automl.files import require

ML_DOMAIN = "ai.onnx.ml"
# The oldest versions with all operators that are used, which most runtimes know.
OPSET = 18
ML_OPSET = 3
IR_VERSION = 8
WHAT = "--to onnx"

Value = str


class Graph:
    """A graph that grows by nodes.

    Equal constants are stored once. A node's name is that of its output.
    """

    def __init__(self) -> None:
        self._onnx = require("onnx", "onnx", WHAT)
        self._nodes: list[Any] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], Value] = {}
        self._initializers: list[Any] = []
        self._inputs: dict[str, Any] = {}

    @property
    def onnx(self) -> ModuleType:
        """The library."""
        return self._onnx

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the inputs, in the order in which they were added."""
        return tuple(self._inputs)

    def add_input(self, name: str, dtype: str) -> Value:
        """Add an input of shape (n_rows, 1), unless it is there; `dtype` as DOUBLE or STRING."""
        if name not in self._inputs:
            helper = self._onnx.helper
            number = getattr(self._onnx.TensorProto, dtype)
            self._inputs[name] = helper.make_tensor_value_info(name, number, ["rows", 1])
        return name

    def op(
        self, kind: str, *inputs: Value, domain: str = "", output: str = "", **attributes: Any
    ) -> Value:
        """Add a node, and return its output."""
        name = output or f"{kind}_{len(self._nodes)}'"
        node = self._onnx.helper.make_node(
            kind, list(inputs), [name], name=name, domain=domain, **attributes
        )
        self._nodes.append(node)
        return name

    def constant(self, array: Any, dtype: Any = np.float64) -> Value:
        """Return a constant tensor."""
        if dtype is str:
            return self._strings(list(array))
        tensor = np.ascontiguousarray(array, dtype).reshape(np.shape(array))
        key = (str(tensor.dtype), tensor.shape, tensor.tobytes())
        if key not in self._constants:
            name = f"constant_{len(self._initializers)}'"
            proto = self._onnx.numpy_helper.from_array(tensor, name)
            self._initializers.append(proto)
            self._constants[key] = name
        return self._constants[key]

    def _strings(self, texts: list[str]) -> Value:
        name = f"constant_{len(self._initializers)}'"
        data = [text.encode("utf-8", "replace") for text in texts]
        kind = self._onnx.TensorProto.STRING
        self._initializers.append(self._onnx.helper.make_tensor(name, kind, [len(data)], data))
        return name

    def tensor(self, array: Any, dtype: str = "DOUBLE") -> Any:
        """Return a tensor for an attribute."""
        kind = getattr(self._onnx.TensorProto, dtype)
        return self._onnx.helper.make_tensor("", kind, [len(array)], array)

    def cast(self, value: Value, dtype: str) -> Value:
        """Return a value in another type, such as FLOAT."""
        return self.op("Cast", value, to=getattr(self._onnx.TensorProto, dtype))

    def clip(self, value: Value, low: float, high: float) -> Value:
        """Return doubles, none of them NaN, within bounds."""
        return self.op("Clip", value, self.constant(low), self.constant(high))

    def concat(self, values: Sequence[Value]) -> Value:
        """Return the columns of matrices next to each other."""
        if len(values) == 1:
            return values[0]
        return self.op("Concat", *values, axis=1)

    def fill_missing(self, value: Value, by: float) -> Value:
        """Return doubles with another number for NaN."""
        is_missing = self.op("IsNaN", value)
        return self.op("Where", is_missing, self.constant(by), value)

    def sum(self, values: Sequence[Value]) -> Value:
        """Return the sum of values, added in this order."""
        total = values[0]
        for value in values[1:]:
            total = self.op("Add", total, value)
        return total

    def model(self, outputs: Mapping[str, tuple[str, list[Any]]], about: Mapping[str, str]) -> Any:
        """Return the model.

        Parameters
        ----------
        outputs : mapping of str to tuple
            The type and the shape of each output, by its name.
        about : mapping of str to str
            Properties that it carries.
        """
        helper = self._onnx.helper
        made = []
        for name, (dtype, shape) in outputs.items():
            kind = getattr(self._onnx.TensorProto, dtype)
            made.append(helper.make_tensor_value_info(name, kind, shape))
        inputs = list(self._inputs.values())
        graph = helper.make_graph(self._nodes, "automl", inputs, made, self._initializers)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML_DOMAIN, ML_OPSET)]
        model = helper.make_model(
            graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="automl"
        )
        helper.set_model_props(model, dict(about))
        return model
