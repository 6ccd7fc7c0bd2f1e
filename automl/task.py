"""What is to be predicted: the kind of task, the target's name and the labels. Names and labels only, so it is JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

Kind = Literal["binary", "multiclass", "regression"]
KINDS: tuple[str, ...] = get_args(Kind)


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
        The classes as text, in the order of the probability columns; the positive class of a binary task is the second.
        Empty for regression.
    dtype : {"text", "int", "float", "bool"}
        What predicted classes are given back as.
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
        """Columns of a prediction: one a class, or 1."""
        return max(1, len(self.labels))

    @property
    def typed_labels(self) -> list[Any]:
        """The labels as what they were.

        >>> Task("binary", "y", "f1", ("0", "1"), "int").typed_labels
        [0, 1]
        """
        make: dict[str, Callable[[str], Any]] = {
            "int": int,
            "float": float,
            "bool": lambda label: label == "True",
            "text": str,
        }
        return [make[self.dtype](label) for label in self.labels]

    def to_json(self) -> dict[str, Any]:
        """Plain values; a comma only where there is one, so that other tasks keep their hash."""
        plain = asdict(self) | {"labels": list(self.labels)}
        return (
            plain
            if self.comma
            else {name: value for name, value in plain.items() if name != "comma"}
        )

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Task:
        """The task that `to_json` wrote."""
        return cls(
            **{**value, "labels": tuple(value["labels"]), "comma": bool(value.get("comma", False))}
        )
