"""`automl stages`, `families`, `metrics` and `pipelines`: list the parts that are available."""

from __future__ import annotations

import dataclasses
import inspect
import json
import typing
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import typer

from automl.errors import InputError

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

TYPE_WORDS: dict[type, str] = {
    int: "whole number",
    float: "number",
    bool: "true or false",
    str: "text",
}


def stages(as_json: AsJson = False) -> None:
    """List the stages and their options."""
    from automl import extensions
    from automl.stages import STAGES, find_stage

    def load(name: str) -> tuple[str, Any]:
        return name, find_stage(name, "automl stages")

    names = extensions.installed("stages", STAGES)
    kinds = STAGES | dict(_load_each(names, load))
    rows: list[dict[str, Any]] = []
    for name, kind in kinds.items():
        row = {
            "stage": name,
            "about": inspect.getdoc(kind),
            "options": _stage_options(name, kind),
        }
        rows.append(row)
    if as_json:
        typer.echo(json.dumps(rows, default=list))
        return
    for row in rows:
        typer.echo(f"{row['stage']}: {row['about']}")
        for option in row["options"]:
            default = json.dumps(option["default"], default=list)
            typer.echo(f"  {option['option']} = {default}  ({option['type']})")
            typer.echo(f"      {option['about']}")


def families(as_json: AsJson = False) -> None:
    """List the model families, those that need an extra included."""
    from automl.models import all_families, find_family

    rows = [
        {"family": kind.name, "about": kind.about, "recipes": list(kind.recipes)}
        for kind in _load_each(all_families(), find_family)
    ]
    _print_rows(rows, as_json)


def metrics(as_json: AsJson = False) -> None:
    """List the metrics and the tasks that they are for."""
    from automl import extensions
    from automl.metrics import DEFAULT_METRICS, METRICS
    from automl.task import TASK_KINDS

    def load(name: str) -> tuple[str, Any]:
        return name, extensions.find("metrics", name)

    rows: list[dict[str, Any]] = []
    for metric in METRICS.values():
        default_for = [kind for kind, name in DEFAULT_METRICS.items() if name == metric.name]
        about = metric.about
        if default_for:
            about += f" (default for {' and '.join(default_for)})"
        rows.append({"metric": metric.name, "about": about, "tasks": list(metric.kinds)})
    names = extensions.installed("metrics", METRICS)
    for name, function in _load_each(names, load):
        docstring = inspect.getdoc(function) or ""
        about = docstring.split("\n")[0]
        rows.append({"metric": name, "about": about, "tasks": list(TASK_KINDS)})
    _print_rows(rows, as_json)
    if not as_json:
        typer.echo(
            "And any scorer of scikit-learn by its name, such as neg_brier_score; "
            "in Python any function, as metric=function."
        )


def pipelines(as_json: AsJson = False) -> None:
    """List the bundled pipelines."""
    from automl.pipeline import pipelines as bundled
    from automl.pipeline import read_pipeline

    rows = [
        {"pipeline": name, "about": read_pipeline(name).about, "path": str(path)}
        for name, path in bundled().items()
    ]
    _print_rows(rows, as_json)


COMMANDS: dict[str, Callable[..., None]] = {
    "stages": stages,
    "families": families,
    "metrics": metrics,
    "pipelines": pipelines,
}


def _stage_options(name: str, kind: Any) -> list[dict[str, Any]]:
    """Describe the options of a stage."""
    from automl.pipeline import option_types

    hints = dict(option_types(kind))
    options = []
    for field in dataclasses.fields(kind):
        has_default = field.default is not dataclasses.MISSING
        option = {
            "option": f"{name}.{field.name}",
            "type": type_words(hints[field.name]),
            "default": field.default if has_default else {},
            "about": field.metadata["about"],
        }
        options.append(option)
    return options


def _load_each(names: Sequence[str], load: Callable[[str], T]) -> list[T]:
    """Load the object of each name; a broken one is reported and hides no other."""
    loaded = []
    for name in names:
        try:
            loaded.append(load(name))
        except InputError as error:
            typer.echo(f"automl: {error}", err=True)
    return loaded


def _print_rows(rows: list[dict[str, Any]], as_json: bool) -> None:
    """Print rows as JSON, or as lines of a name and its description, with the rest in brackets."""
    if as_json:
        typer.echo(json.dumps(rows))
        return
    lines = []
    for row in rows:
        values = row.values()
        lines.append([", ".join(v) if isinstance(v, list) else str(v) for v in values])
    width = max(len(line[0]) for line in lines)
    for name, about, *rest in lines:
        suffix = f"  [{rest[0]}]" if rest else ""
        typer.echo(f"{name:<{width}}  {about}{suffix}")


def type_words(hint: Any) -> str:
    """Describe a type for users.

    >>> type_words(int), type_words(tuple[str, ...])
    ('whole number', 'list of names')
    """
    origin = typing.get_origin(hint)
    if origin is typing.Literal:
        values = typing.get_args(hint)
        return " or ".join(json.dumps(value) for value in values)
    if origin is tuple:
        return "list of names"
    return TYPE_WORDS.get(hint, "table of names")
