"""The package's lines read one thought each: short, and free of nested conditions."""

from __future__ import annotations

import ast
import io
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import automl

MAX_LINE_LENGTH = 100
MAX_TOKENS_PER_LINE = 8.0
MAX_FOR_IN_COMPREHENSION = 2
MAX_PACKED_VALUES = 2

PACKAGE = Path(automl.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)
NO_CODE = (
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
)


def broken(keeps: Callable[[str], bool]) -> list[str]:
    """The modules whose source does not keep a rule."""
    sources = {path: path.read_text(encoding="utf-8") for path in MODULES}
    return [str(path.relative_to(PACKAGE)) for path, text in sources.items() if not keeps(text)]


def docstring_lines(tree: ast.Module) -> Iterator[int]:
    """The numbers of the lines that docstrings take."""
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            docstring = node.body[0]
            yield from range(docstring.lineno, (docstring.end_lineno or 0) + 1)


def tokens_per_line(source: str) -> Counter[int]:
    """The number of tokens of each line of code; an f-string counts as one."""
    left_out = set(docstring_lines(ast.parse(source)))
    f_string_start = getattr(tokenize, "FSTRING_START", None)  # from Python 3.12 on
    f_string_end = getattr(tokenize, "FSTRING_END", None)
    lines: Counter[int] = Counter()
    depth = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        depth -= token.type == f_string_end
        counts = token.type not in NO_CODE and token.type != f_string_end and depth == 0
        depth += token.type == f_string_start
        if counts and token.start[0] not in left_out:
            lines[token.start[0]] += 1
    return lines


def has_short_lines(source: str) -> bool:
    return all(len(line) <= MAX_LINE_LENGTH for line in source.splitlines())


def has_few_tokens_per_line(source: str) -> bool:
    lines = tokens_per_line(source)
    return lines.total() <= MAX_TOKENS_PER_LINE * len(lines)


def nests_no_conditional_expression(source: str) -> bool:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.IfExp):
            for child in ast.iter_child_nodes(node):
                if any(isinstance(part, ast.IfExp) for part in ast.walk(child)):
                    return False
    return True


def has_few_loops_in_comprehensions(source: str) -> bool:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, COMPREHENSIONS) and len(node.generators) > MAX_FOR_IN_COMPREHENSION:
            return False
    return True


def packs_few_values(source: str) -> bool:
    """Whether no assignment packs more values than two and unpacks them again."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
            is_unpacked = any(isinstance(target, ast.Tuple) for target in node.targets)
            if is_unpacked and len(node.value.elts) > MAX_PACKED_VALUES:
                return False
    return True


@pytest.mark.parametrize(
    "rule",
    [
        has_short_lines,
        has_few_tokens_per_line,
        nests_no_conditional_expression,
        has_few_loops_in_comprehensions,
        packs_few_values,
    ],
)
def test_every_module_keeps_the_rule(rule: Callable[[str], bool]) -> None:
    assert broken(rule) == []


def test_tokens_are_counted_as_documented() -> None:
    source = '"""A docstring."""\nx = 1  # a comment\ny = f"{x + 1} {x}"\n'
    assert tokens_per_line(source) == {2: 3, 3: 3}


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (has_short_lines, f"x = '{'x' * MAX_LINE_LENGTH}'"),
        (has_few_tokens_per_line, "x = [a + b for a, b in c if a]"),
        (nests_no_conditional_expression, "x = 1 if a else (2 if b else 3)"),
        (has_few_loops_in_comprehensions, "x = [d for a in b for c in a for d in c]"),
        (packs_few_values, "a, b, c = 1, 2, 3"),
    ],
)
def test_a_rule_notices_what_breaks_it(rule: Callable[[str], bool], source: str) -> None:
    assert not rule(source)


def test_unpacking_a_call_is_fine() -> None:
    assert packs_few_values("a, b, c = f(1, 2, 3)")
