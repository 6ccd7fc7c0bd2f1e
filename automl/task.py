"""The prediction task: its kind, the target's name and the labels, as values that JSON can hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

Kind = Literal["binary", "multiclass", "regression"]
TASK_KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(frozen=True)
class Task:
    """A prediction task.

    Parameters
    ----------
    kind : {"binary", "multiclass", "regression"}
    target : str
        The target column's name.
    metric : str
        Name of the metric that everything optimises.
    labels : tuple of str
        The classes as text, in the order of the probability columns; the positive class of a
        binary task is the second. Empty for regression.
    dtype : {"text", "int", "float", "bool"}
        The type in which predicted classes are returned.
    comma : bool
        Whether the target's numbers were written with a decimal comma.
    """

    kind: Kind
    target: str
    metric: str
    labels: tuple[str, ...] = ()
    dtype: str = "text"
    comma: bool = False

    @property
    def is_regression(self) -> bool:
        """Whether numbers, not classes, are predicted."""
        return self.kind == "regression"

    @property
    def n_outputs(self) -> int:
        """Number of columns of a prediction: one for each class, 1 for regression."""
        return max(1, len(self.labels))

    @property
    def typed_labels(self) -> list[Any]:
        """Labels in the type that they have in the table.

        >>> Task("binary", "y", "f1", ("0", "1"), "int").typed_labels
        [0, 1]
        """
        convert: dict[str, Callable[[str], Any]] = {
            "int": int,
            "float": float,
            "bool": lambda label: label == "True",
            "text": str,
        }
        return [convert[self.dtype](label) for label in self.labels]

    def to_json(self) -> dict[str, Any]:
        """Return plain values, with `comma` only where it is true, so that older hashes stay."""
        plain = asdict(self) | {"labels": list(self.labels)}
        if not self.comma:
            del plain["comma"]
        return plain

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Task:
        """Return the task that `to_json` wrote."""
        labels = tuple(value["labels"])
        comma = bool(value.get("comma", False))
        return cls(**{**value, "labels": labels, "comma": comma})
