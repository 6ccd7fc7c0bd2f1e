"""The documents fit the program: the reference, the names of commands, the README's commands."""

from __future__ import annotations

import importlib.util
import pkgutil
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import automl.extend
from automl.cli import app
from automl.features.recipe import RECIPES

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_reference_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location(
        "make_reference", ROOT / "docs" / "make_reference.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert text == module.reference(), "run: python docs/make_reference.py"


def test_no_two_recipes_look_alike_in_the_reference() -> None:
    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    text = text.split("## Recipes")[1]
    text = text.split("## Metrics")[0]
    rows = [line.split("|", 2)[2] for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) == len(RECIPES)
    assert len(set(rows)) == len(rows)


def test_every_command_is_in_the_readme() -> None:
    names = list(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    assert [name for name in names if f"automl {name}" not in README] == []


def test_every_link_of_the_documents_leads_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        text = page.read_text(encoding="utf-8")
        text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)  # code has no links
        for target in re.findall(r"\]\(([^)#]+)", text):
            if not target.startswith("https://"):
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_everything_that_the_site_documents_exists() -> None:
    names = []
    for page in (ROOT / "docs").rglob("*.md"):
        names += re.findall(r"^::: ([\w.]+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(names) > 20
    for name in names:
        assert pkgutil.resolve_name(name) is not None


def test_everything_of_extend_is_on_its_page() -> None:
    page = (ROOT / "docs" / "api" / "extend.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"^::: [\w.]+\.(\w+)$", page, flags=re.MULTILINE))
    used = {"Budget", "Experiment", "Feature", "Lab", "Metric", "Space", "State", "Study", "Task"}
    assert set(automl.extend.__all__) - used - {"Trial"} <= shown


def shell_commands() -> list[str]:
    """Return the README's shell commands: lines that begin with `$ ` in its console blocks."""
    blocks = re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL)
    lines = "\n".join(blocks).splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


@pytest.mark.heavy
def test_the_commands_of_the_readme_run_in_order(tmp_path: Path) -> None:
    for name in ("datasets", "pipelines"):
        shutil.copytree(ROOT / name, tmp_path / name)
    commands = [command for command in shell_commands() if command.startswith("automl ")]
    assert len(commands) >= 6
    program = shlex.quote(str(Path(sys.executable).parent / "automl"))
    for command in commands:
        quick = re.sub(r"--budget \d+s", "--budget 12s", command)
        done = subprocess.run(
            ["bash", "-c", program + quick.removeprefix("automl")],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert done.stdout.strip(), command
