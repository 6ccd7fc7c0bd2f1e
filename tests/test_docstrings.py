"""Docstrings name the parameters and fields that exist, in their order."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import automl

PACKAGE = Path(automl.__file__).parent
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def parameter_section(docstring: str) -> list[str]:
    """The names under `Parameters`; several may share a line."""
    found = re.search(r"^Parameters\n-+\n(.*?)(?=^\w[^\n]*\n-+\n|^>>>|\Z)", docstring, re.S | re.M)
    if found is None:
        return []
    names = []
    for line in found.group(1).splitlines():
        if line and not line.startswith(" "):
            before, _, _ = line.partition(" :")
            names += [name.strip(" *") for name in before.split(",")]
    return names


def is_field(node: ast.stmt) -> bool:
    return isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)


def names_of(node: ast.AST) -> list[str]:
    """The parameters of a function; of a class its constructor's, or its fields."""
    if isinstance(node, FUNCTIONS):
        arguments = node.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
        return [one.arg for one in every]
    assert isinstance(node, ast.ClassDef)
    names = [part.target.id for part in node.body if is_field(part)]
    for part in node.body:
        if isinstance(part, FUNCTIONS) and part.name == "__init__":
            names += names_of(part)
        if isinstance(part, FUNCTIONS):
            names.append(part.name)  # a protocol documents its properties
    return names


def unknown_names() -> Iterator[str]:
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if not isinstance(node, (*FUNCTIONS, ast.ClassDef)):
                continue
            documented = parameter_section(ast.get_docstring(node) or "")
            known = set(names_of(node))
            if isinstance(node, ast.ClassDef) and node.bases:
                continue  # fields and constructors may be inherited
            for name in documented:
                if name not in known:
                    yield f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}: {name}"


def test_documented_parameters_exist() -> None:
    assert list(unknown_names()) == []
