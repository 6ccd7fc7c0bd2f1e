"""`automl stages`, `families`, `metrics`, `pipelines`: what there is."""

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

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


def stages(as_json: AsJson = False) -> None:
    """List the stages and their options."""
    from automl import extensions
    from automl.pipeline import fields
    from automl.stages import STAGES, stage

    kinds = STAGES | dict(
        _told(
            extensions.installed("stages", STAGES),
            lambda name: (name, stage(name, "automl stages")),
        )
    )
    rows: list[dict[str, Any]] = []
    for name, kind in kinds.items():
        hints = dict(fields(kind))
        options = [
            {
                "option": f"{name}.{f.name}",
                "type": type_words(hints[f.name]),
                "default": {} if f.default is dataclasses.MISSING else f.default,
                "about": f.metadata["about"],
            }
            for f in dataclasses.fields(kind)  # type: ignore[arg-type]
        ]
        rows.append({"stage": name, "about": inspect.getdoc(kind), "options": options})
    if as_json:
        typer.echo(json.dumps(rows, default=list))
        return
    for row in rows:
        typer.echo(f"{row['stage']}: {row['about']}")
        for o in row["options"]:
            typer.echo(
                f"  {o['option']} = {json.dumps(o['default'], default=list)}  ({o['type']})\n      {o['about']}"
            )


def families(as_json: AsJson = False) -> None:
    """List the model families."""
    from automl.models import everybody, family

    kinds = _told(everybody(), family)
    _show(
        [
            {"family": kind.name, "about": kind.about, "recipes": list(kind.recipes)}
            for kind in kinds
        ],
        as_json,
    )


def metrics(as_json: AsJson = False) -> None:
    """List the metrics and the tasks they are for."""
    from automl import extensions
    from automl.metrics import DEFAULTS, METRICS
    from automl.task import KINDS

    rows: list[dict[str, Any]] = []
    for metric in METRICS.values():
        default = [kind for kind, name in DEFAULTS.items() if name == metric.name]
        about = metric.about + (f" (default for {' and '.join(default)})" if default else "")
        rows.append({"metric": metric.name, "about": about, "tasks": list(metric.kinds)})
    for name, function in _told(
        extensions.installed("metrics", METRICS),
        lambda name: (name, extensions.find("metrics", name)),
    ):
        rows.append(
            {
                "metric": name,
                "about": (inspect.getdoc(function) or "").split("\n")[0],
                "tasks": list(KINDS),
            }
        )
    _show(rows, as_json)
    if not as_json:
        typer.echo(
            "And any scorer of scikit-learn by its name, such as neg_brier_score; in Python any function, as metric=function."
        )


def pipelines(as_json: AsJson = False) -> None:
    """List the bundled pipelines."""
    from automl.pipeline import pipelines as bundled
    from automl.pipeline import read_pipeline

    rows = [
        {"pipeline": name, "about": read_pipeline(name).about, "path": str(path)}
        for name, path in bundled().items()
    ]
    _show(rows, as_json)


def _told(names: Sequence[str], find: Callable[[str], T]) -> list[T]:
    """What is found by each name; one that is broken hides no other."""
    found = []
    for name in names:
        try:
            found.append(find(name))
        except InputError as error:
            typer.echo(f"automl: {error}", err=True)
    return found


COMMANDS: dict[str, Callable[..., None]] = {
    "stages": stages,
    "families": families,
    "metrics": metrics,
    "pipelines": pipelines,
}


def _show(rows: list[dict[str, Any]], as_json: bool) -> None:
    """Rows as JSON, or as a name and what it is, with the rest in brackets."""
    if as_json:
        typer.echo(json.dumps(rows))
        return
    width = max(len(str(next(iter(row.values())))) for row in rows)
    for row in rows:
        name, about, *rest = (
            ", ".join(value) if isinstance(value, list) else str(value) for value in row.values()
        )
        typer.echo(f"{name:<{width}}  {about}" + (f"  [{rest[0]}]" if rest else ""))


def type_words(hint: Any) -> str:
    """A type as people read it.

    >>> type_words(int), type_words(tuple[str, ...])
    ('whole number', 'list of names')
    """
    if typing.get_origin(hint) is typing.Literal:
        return " or ".join(json.dumps(value) for value in typing.get_args(hint))
    if typing.get_origin(hint) is tuple:
        return "list of names"
    return {int: "whole number", float: "number", bool: "true or false", str: "text"}.get(
        hint, "table of names"
    )
