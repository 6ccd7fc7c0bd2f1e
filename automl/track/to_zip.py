"""An experiment as one file to be shared: relative paths, and no row of the table unless asked for."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import tomli_w

from automl.errors import InputError
from automl.files import sha256, whole
from automl.store import LOG
from automl.track.experiment import Experiment
from automl.track.tables import remembers_rows

PLAIN = (LOG, "log.txt", "leaderboard.csv", "DONE")
PREDICTOR = "predictor.automl"


def export(one: Experiment, output: Path, rows: bool = False) -> list[Path]:
    """Write a zip of a run folder, and give its path.

    Parameters
    ----------
    rows : bool
        Whether the table itself, predictions for its rows and a predictor that remembers rows (nearest neighbours do) go with it. The
        run's own findings may still show single cells as examples.

    Raises
    ------
    InputError
        The table is wanted and is not where it was, or another one.
    """
    table = _table(one) if rows else None
    output.parent.mkdir(parents=True, exist_ok=True)
    with whole(output) as path, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, source in _files(one, rows):
            archive.write(source, f"{one.name}/{name}")
        if one.facts:
            archive.writestr(f"{one.name}/run.toml", _facts(one, table))
        if table is not None:
            archive.write(table, f"{one.name}/data/{table.name}")
    return [output]


def left_out(one: Experiment) -> list[str]:
    """What is not shared because it holds rows of the table, or paths of this machine."""
    told = [
        "the table",
        "predictions for its rows",
        "the report, which `automl report` makes again",
    ]
    path = one.folder / PREDICTOR
    return told + (
        ["the predictor, whose neighbours are rows of the table"]
        if path.exists() and remembers_rows(path)
        else []
    )


def _files(one: Experiment, rows: bool) -> Iterator[tuple[str, Path]]:
    """Names and paths of what goes in."""
    for name in PLAIN:
        if (one.folder / name).exists():
            yield name, one.folder / name
    for path in sorted(one.folder.glob("folds-*.npy")):  # numbers of folds that the run was given
        yield path.name, path
    if (one.folder / PREDICTOR).exists() and (rows or not remembers_rows(one.folder / PREDICTOR)):
        yield PREDICTOR, one.folder / PREDICTOR
    for path in sorted((one.folder / "trials").glob("*/*")):
        if path.suffix == ".json" or (rows and path.suffix in (".npy", ".zip")):
            yield str(path.relative_to(one.folder)), path


def _table(one: Experiment) -> Path:
    path = Path(str(one.data.get("path", "")))
    if not path.is_file():
        raise InputError(
            f"{one.folder}: its table {str(path) or '(from a pipe or Python)'} is not there, so it can't be shared."
        )
    if sha256(path) != one.data.get("sha256"):
        raise InputError(f"{path}: is not the table that the run was made on: its SHA-256 differs.")
    return path


def _facts(one: Experiment, table: Path | None) -> str:
    """run.toml with paths that mean something elsewhere."""
    plain = dict(one.facts)
    if "stage" in plain:  # an earlier run that was begun from lies elsewhere
        plain["stage"] = [
            {key: "" if key == "earlier" else value for key, value in stage.items()}
            for stage in plain["stage"]
        ]
    if "data" in plain:
        plain["data"] = {
            key: Path(value).name if key in ("path", "test") else value
            for key, value in plain["data"].items()
        }
    if "path" in plain.get("data", {}) and table is not None:
        plain["data"]["path"] = f"data/{table.name}"
    if "command" in plain.get("run", {}):
        short = re.sub(
            r"(?<![\w.])/[^\s'\"]*/", "", str(plain["run"]["command"])
        )  # folders of absolute paths are nobody's affair
        plain["run"] = {**plain["run"], "command": _without_home(short)}
    return tomli_w.dumps(plain)


def _without_home(text: str) -> str:
    """A text in which `~` stands for the home folder, where there is one."""
    try:
        return text.replace(str(Path.home()), "~")
    except (
        RuntimeError
    ):  # neither HOME nor an entry in the list of users, as in a container with a number for a user
        return text
