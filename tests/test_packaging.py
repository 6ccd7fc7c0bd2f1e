"""The wheel holds what it should, and nothing else; and what is installed from it works."""

from __future__ import annotations

import ast
import csv
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
import zipfile
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MAPPED = {"automl.datasets", "automl.pipelines"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: setuptools would put leftovers of an earlier build/ into it."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    for folder in ("automl", "pipelines", "datasets"):
        shutil.copytree(
            ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(built),
        str(source),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = built.iterdir()
    return path


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    """Every file in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def tree(folder: str, pattern: str) -> set[str]:
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob(pattern)
        if "__pycache__" not in path.parts
    }


def test_every_subpackage_is_in_the_list():
    modules = (ROOT / "automl").rglob("*.py")
    folders = {".".join(path.parent.relative_to(ROOT).parts) for path in modules}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == folders | MAPPED


def test_a_subpackage_has_an_init():
    listed = set(PROJECT["tool"]["setuptools"]["packages"]) - MAPPED
    assert [
        name
        for name in sorted(listed)
        if not (ROOT / name.replace(".", "/") / "__init__.py").is_file()
    ] == []


def test_only_the_scripts_that_make_tables_are_python_files_outside_the_package():
    assert {
        path.rsplit("/", 1)[1] for path in tree("datasets", "*.py") | tree("pipelines", "*.py")
    } <= {"make.py"}


def test_everything_that_make_installs_is_pinned():
    pinned = {
        line.split("==")[0]
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    }
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = {
        text.split(">=")[0]
        for text in [
            *PROJECT["project"]["dependencies"],
            *extras["dev"],
            *extras["excel"],
            *extras["parquet"],
        ]
    }
    assert wanted - pinned == set()


def extra(name: str) -> set[str]:
    """The extras that an extra takes in."""
    (text,) = [
        one
        for one in PROJECT["project"]["optional-dependencies"][name]
        if one.startswith("automl-tabular[")
    ]
    return set(re.findall(r"\[(.*)\]", text)[0].split(","))


def test_all_has_every_extra_but_those_of_torch_and_ray_and_the_ones_for_developers():
    extras = PROJECT["project"]["optional-dependencies"].keys()
    assert extra("all") == extras - {"all", "dev", "gp", "programs", "ray"}


def test_make_test_installs_no_more_than_the_fast_tests_need():
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    installed = [re.findall(r"'\.\[(.*)\]'", line)[0] for line in lines if "--editable" in line]
    assert installed == ["excel,parquet,dev", "all,dev,programs"]


def test_every_extra_that_a_message_names_exists():
    named = {
        name
        for path in tree("automl", "*.py")
        for name in re.findall(
            r"automl-tabular\[([a-z]+)\]", (ROOT / path).read_text(encoding="utf-8")
        )
    }
    assert named <= PROJECT["project"]["optional-dependencies"].keys()


@pytest.mark.heavy
def test_the_readme_says_how_to_install_it(tmp_path: Path):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^\$ (pip .*)$", text, flags=re.MULTILINE)
    assert commands[0] == "pip install ."
    assert (
        commands[-1]
        == f"pip install dist/automl_tabular-{PROJECT['project']['version']}-py3-none-any.whl"
    )
    for folder in ("automl", "pipelines", "datasets"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    for place, command in enumerate(commands):
        site = tmp_path / f"site{place}"
        quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
        alone = {
            "PIP_NO_DEPS": "1",
            "PIP_NO_INDEX": "1",
            "PIP_NO_BUILD_ISOLATION": "0",
        }  # what it needs is installed already
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = {**os.environ, **quiet, **alone, "PATH": path}
        if " install " in command:
            environment["PIP_TARGET"] = str(site)
        done = subprocess.run(
            command.split(),
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert (" install " not in command) or (site / "automl" / "__init__.py").is_file()


def imported(path: Path) -> set[str]:
    """The top-level names of what a module imports, at its top or within functions."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {
        name.split(".")[0]
        for name in plain
        | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    }


def test_every_library_that_is_imported_is_declared():
    names = (
        set().union(*(imported(ROOT / path) for path in tree("automl", "*.py")))
        - set(sys.stdlib_module_names)
        - {"automl"}
    )
    sources = {
        "mlflow": ["mlflow-skinny"],
        **packages_distributions(),
    }  # where optional libraries are not installed
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = [
        *PROJECT["project"]["dependencies"],
        *(text for extra in extras.keys() - {"all", "dev"} for text in extras[extra]),
    ]
    declared = {re.split(r"[<>=\[]", text)[0].lower() for text in wanted}
    names -= {"polars"}  # imported only by who hands us a frame of polars
    assert {
        name
        for name in names
        if not declared & {dist.lower().replace("_", "-") for dist in sources.get(name, [name])}
    } == set()


def test_the_only_top_level_is_automl(names: set[str]):
    tops = {name.split("/")[0] for name in names}
    assert tops == {"automl", f"automl_tabular-{PROJECT['project']['version']}.dist-info"}


def test_the_modules_are_those_of_the_source_tree(names: set[str]):
    assert {name for name in names if name.endswith(".py")} == tree("automl", "*.py")


def test_types_templates_and_all_other_data_of_the_package_are_in_it(names: set[str]):
    data = {path for path in tree("automl", "*.*") if not path.endswith((".py", ".pyc"))}
    assert "automl/py.typed" in data
    assert any(path.startswith("automl/report/templates/") for path in data)
    assert data <= names


def test_pipelines_and_tables_are_in_it_and_the_making_script_is_not(names: set[str]):
    data = tree("pipelines", "*.toml") | tree("datasets", "*.toml") | tree("datasets", "*.csv")
    assert {path.split("/")[0] for path in data} == {"pipelines", "datasets"}
    assert {f"automl/{path}" for path in data} <= names
    assert [name for name in names if name.endswith("make.py")] == []


def test_the_licence_is_in_it(names: set[str]):
    assert any(name.endswith("dist-info/licenses/LICENSE") for name in names)


@pytest.mark.heavy
def test_the_installed_wheel_fits_and_predicts_in_an_empty_folder(wheel: Path, tmp_path: Path):
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
    ]
    subprocess.run([*pip, "--target", str(site), str(wheel)], check=True)
    environment = {**os.environ, "PYTHONPATH": str(site)}

    def automl(*arguments: str) -> str:
        command = [str(site / "bin" / "automl"), *arguments]
        done = subprocess.run(
            command, cwd=empty, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = subprocess.run(
        [sys.executable, "-c", "import automl; print(automl.__file__)"],
        cwd=empty,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(where.stdout.strip()).is_relative_to(site), "the checkout is tested, not the wheel"
    assert version("automl-tabular") in automl("--version")

    table = site / "automl" / "datasets" / "penguins" / "data.csv"
    started = time.monotonic()
    automl("fit", str(table), "--target", "species", "--budget", "15s", "--output", "run")
    assert time.monotonic() - started < 16  # the budget is tested elsewhere, on a quiet machine
    assert {"predictor.automl", "leaderboard.csv", "report.html", "DONE"} <= {
        path.name for path in (empty / "run").iterdir()
    }

    rows = list(csv.DictReader(automl("predict", "run", str(table)).splitlines()))
    truth = [
        row["species"] for row in csv.DictReader(table.read_text(encoding="utf-8").splitlines())
    ]
    right = sum(row["prediction"] == label for row, label in zip(rows, truth, strict=True))
    assert right > 0.9 * len(truth)
    assert [path.name for path in empty.iterdir()] == ["run"]
