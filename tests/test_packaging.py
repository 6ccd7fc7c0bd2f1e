"""The wheel has the right files and no others, and works when it is installed."""

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
QUIET_PIP = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
OFFLINE_PIP = {  # all requirements are installed already
    "PIP_NO_DEPS": "1",
    "PIP_NO_INDEX": "1",
    "PIP_NO_BUILD_ISOLATION": "0",
}


def copy_sources(target: Path) -> None:
    """Copy all that a wheel is built from."""
    no_caches = shutil.ignore_patterns("__pycache__")
    for folder in ("automl", "pipelines", "datasets"):
        shutil.copytree(ROOT / folder, target / folder, ignore=no_caches)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, target)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: setuptools would put leftovers of an earlier build/ into it."""
    source = tmp_path_factory.mktemp("source")
    built = tmp_path_factory.mktemp("built")
    copy_sources(source)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
    command += ["--outdir", str(built), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = built.iterdir()
    return path


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    """Names of all files in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def tree(folder: str, pattern: str) -> set[str]:
    """Return paths of files in a folder of the checkout."""
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
    packages = set(PROJECT["tool"]["setuptools"]["packages"]) - MAPPED
    for name in sorted(packages):
        folder = ROOT / name.replace(".", "/")
        assert (folder / "__init__.py").is_file(), name


def test_only_the_scripts_that_make_tables_are_python_files_outside_the_package():
    paths = tree("datasets", "*.py") | tree("pipelines", "*.py")
    assert {Path(path).name for path in paths} <= {"make.py"}


def test_everything_that_make_installs_is_pinned():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.split("==")[0] for line in lines if "==" in line}
    wanted = list(PROJECT["project"]["dependencies"])
    for extra in ("dev", "excel", "parquet"):
        wanted += PROJECT["project"]["optional-dependencies"][extra]
    assert {text.split(">=")[0] for text in wanted} <= pinned


def test_all_has_every_extra_but_those_of_torch_and_ray_and_the_ones_for_developers():
    extras = PROJECT["project"]["optional-dependencies"]
    (included,) = re.findall(r"automl-tabular\[(.*)\]", " ".join(extras["all"]))
    assert set(included.split(",")) == extras.keys() - {
        "all",
        "dev",
        "docs",
        "gp",
        "nn",
        "pretrained",
        "programs",
        "ray",
    }


def test_make_test_installs_no_more_than_the_fast_tests_need():
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    installed = [re.findall(r"'\.\[(.*)\]'", line)[0] for line in lines if "--editable" in line]
    assert installed == ["excel,parquet,dev", "docs", "all,dev,programs"]


def test_every_extra_that_a_message_names_exists():
    for path in tree("automl", "*.py"):
        text = (ROOT / path).read_text(encoding="utf-8")
        named = set(re.findall(r"automl-tabular\[([a-z]+)\]", text))
        assert named <= PROJECT["project"]["optional-dependencies"].keys(), path


@pytest.mark.heavy
def test_the_readme_says_how_to_install_it(tmp_path: Path):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^\$ (pip .*)$", text, flags=re.MULTILINE)
    assert commands[0] == "pip install ."
    wheel_name = f"automl_tabular-{PROJECT['project']['version']}-py3-none-any.whl"
    assert commands[-1] == f"pip install dist/{wheel_name}"
    copy_sources(tmp_path)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for index, command in enumerate(commands):
        site = tmp_path / f"site{index}"
        environment = {**os.environ, **QUIET_PIP, **OFFLINE_PIP, "PATH": path}
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
    """Return the top-level names that a module imports, at its top or within functions."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
    return {name.split(".")[0] for name in names}


def test_every_library_that_is_imported_is_declared():
    names: set[str] = set()
    for path in tree("automl", "*.py"):
        names |= imported(ROOT / path)
    names -= set(sys.stdlib_module_names)
    names -= {"automl", "polars"}  # polars is imported for users who pass a frame of polars
    names -= {"cloudpickle"}  # from version 1.6 on joblib, which is declared, depends on it
    wanted = list(PROJECT["project"]["dependencies"])
    for extra, texts in PROJECT["project"]["optional-dependencies"].items():
        if extra not in ("all", "dev"):
            wanted += texts
    declared = {re.split(r"[<>=\[]", text)[0].lower() for text in wanted}
    # The name of a distribution is known only where it is installed.
    sources = {"mlflow": ["mlflow-skinny"], **packages_distributions()}
    for name in names:
        distributions = [source.lower().replace("_", "-") for source in sources.get(name, [name])]
        assert declared & set(distributions), name


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


def read_column(text: str, name: str) -> list[str]:
    return [row[name] for row in csv.DictReader(text.splitlines())]


@pytest.mark.heavy
def test_the_installed_wheel_fits_and_predicts_in_an_empty_folder(wheel: Path, tmp_path: Path):
    site = tmp_path / "site"
    empty = tmp_path / "empty"
    empty.mkdir()
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    options = ["--no-deps", "--no-index", "--target", str(site)]
    subprocess.run([*pip, *options, str(wheel)], check=True)
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
    files = {path.name for path in (empty / "run").iterdir()}
    assert {"predictor.automl", "leaderboard.csv", "report.html", "DONE"} <= files

    predictions = read_column(automl("predict", "run", str(table)), "prediction")
    truth = read_column(table.read_text(encoding="utf-8"), "species")
    hits = [predicted == label for predicted, label in zip(predictions, truth, strict=True)]
    assert sum(hits) > 0.9 * len(truth)
    assert [path.name for path in empty.iterdir()] == ["run"]
