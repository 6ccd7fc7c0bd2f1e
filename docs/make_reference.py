"""Write docs/reference.md from the program itself: commands, stages, families, metrics, pipelines.

    python docs/make_reference.py

A test checks that the file is up to date.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
from pathlib import Path

import typer

from automl.cli import app
from automl.cli.listing import type_words
from automl.features.recipe import RECIPES
from automl.metrics import DEFAULT_METRICS, METRICS
from automl.models import FAMILIES, NN_FAMILIES, PRETRAINED_FAMILIES
from automl.pipeline import option_types, pipelines, read_pipeline
from automl.stages import STAGES


def commands() -> list[str]:
    """Return a section for each command with its arguments and options."""
    root = typer.main.get_command(app)
    lines = ["## Commands", ""]
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        lines += [
            f"### automl {name}",
            "",
            inspect.cleandoc(command.help or ""),
            "",
            "| | |",
            "|---|---|",
        ]
        for parameter in command.params:
            if parameter.param_type_name == "option":
                spelling = ", ".join(parameter.opts)
            else:
                spelling = parameter.metavar or parameter.name.upper()
            lines.append(f"| `{spelling.replace('|', ' or ')}` | {parameter.help or ''} |")
        lines.append("")
    return lines


def stages() -> list[str]:
    """Return a section for each stage with its options."""
    lines = [
        "## Stages",
        "",
        "An option is a key of the stage in a pipeline file, "
        "and `--set stage.option=value` on the command line.",
        "",
    ]
    for name, kind in STAGES.items():
        hints = dict(option_types(kind))
        lines += [
            f"### {name}",
            "",
            inspect.getdoc(kind) or "",
            "",
            "| option | type | default | |",
            "|---|---|---|---|",
        ]
        for field in dataclasses.fields(kind):  # type: ignore[arg-type]
            default = {} if field.default is dataclasses.MISSING else field.default
            default_text = json.dumps(default, default=list)
            type_text = type_words(hints[field.name]).replace("|", "\\|")
            about = field.metadata["about"]
            lines.append(f"| `{field.name}` | {type_text} | `{default_text}` | {about} |")
        lines.append("")
    return lines


def tables() -> list[str]:
    """Return tables of families, recipes, metrics and pipelines."""
    lines = ["## Families", "", "| family | | recipes |", "|---|---|---|"]
    lines += [
        f"| `{kind.name}` | {kind.about} | {', '.join(kind.recipes)} |"
        for kind in (*FAMILIES, *NN_FAMILIES, *PRETRAINED_FAMILIES)
    ]
    lines += [
        "",
        "## Recipes",
        "",
        "How the columns become a model's input. Texts are treated alike in all of them.",
        "",
    ]
    lines += ["| recipe | numbers | categories | added |", "|---|---|---|---|"]
    lines += [
        f"| `{recipe.name}` | {' | '.join(recipe.descriptions)} |" for recipe in RECIPES.values()
    ]
    lines += ["", "## Metrics", "", "| metric | | tasks |", "|---|---|---|"]
    for metric in METRICS.values():
        default = " (default)" if metric.name in DEFAULT_METRICS.values() else ""
        lines.append(f"| `{metric.name}`{default} | {metric.about} | {', '.join(metric.kinds)} |")
    lines += ["", "## Pipelines", "", "| pipeline | |", "|---|---|"]
    lines += [f"| `{name}` | {read_pipeline(name).about} |" for name in pipelines()]
    return [*lines, ""]


def reference() -> str:
    """Return the whole page."""
    head = [
        "# Reference",
        "",
        "Made by `python docs/make_reference.py` from the program itself.",
        "",
    ]
    return "\n".join([*head, *commands(), *stages(), *tables()])


if __name__ == "__main__":
    Path(__file__).with_name("reference.md").write_text(reference(), encoding="utf-8")
