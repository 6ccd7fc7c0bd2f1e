"""An experiment as one file to share: relative paths, and no rows of the table by default."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomli_w

from automl.errors import InputError
from automl.files import atomic_write, sha256
from automl.run_files import DONE, LEADERBOARD, LOG, PREDICTOR, TEXT_LOG, TRIALS
from automl.track.experiment import Experiment
from automl.track.tables import remembers_rows

FILES = (LOG, TEXT_LOG, LEADERBOARD, DONE)
ROW_ENDINGS = (".npy", ".zip")  # of files in trials/ with predictions for rows, and models
# Nobody else's business: folders of absolute paths in the command.
ABSOLUTE_FOLDER = re.compile(r"(?<![\w.])/[^\s'\"]*/")


def export(
    experiment: Experiment,
    output: Path,
    rows: bool = False,
) -> list[Path]:
    """Write a zip of a run folder, and return its path.

    Parameters
    ----------
    experiment : Experiment
    output : Path
    rows : bool
        Whether to include the table itself, predictions for its rows, and a predictor that
        remembers rows (nearest neighbours do). The run's own findings may show single cells as
        examples in any case.

    Raises
    ------
    InputError
        The table shall be included, but has moved or changed.
    """
    table = _table(experiment) if rows else None
    name = experiment.name
    output.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(output) as path, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for source in _sources(experiment, rows):
            relative = source.relative_to(experiment.folder)
            archive.write(source, f"{name}/{relative}")
        if experiment.facts:
            archive.writestr(f"{name}/run.toml", _run_toml(experiment, table))
        if table is not None:
            archive.write(table, f"{name}/data/{table.name}")
    return [output]


def omitted_files(experiment: Experiment) -> list[str]:
    """Return names of the parts that hold rows of the table or paths of this machine."""
    parts = [
        "the table",
        "predictions for its rows",
        "the report, which `automl report` makes again",
    ]
    predictor = experiment.folder / PREDICTOR
    if predictor.exists() and remembers_rows(predictor):
        parts.append("the predictor, whose neighbours are rows of the table")
    return parts


def _sources(experiment: Experiment, rows: bool) -> Iterator[Path]:
    """Yield the files of the run folder that go into the zip."""
    folder = experiment.folder
    for name in FILES:
        if (folder / name).exists():
            yield folder / name
    yield from sorted(folder.glob("folds-*.npy"))  # fold numbers that the user gave
    predictor = folder / PREDICTOR
    if predictor.exists() and (rows or not remembers_rows(predictor)):
        yield predictor
    trials = folder / TRIALS
    for path in sorted(trials.glob("*/*")):
        if path.suffix == ".json" or (rows and path.suffix in ROW_ENDINGS):
            yield path


def _table(experiment: Experiment) -> Path:
    """Return the path of the run's table, which is still the same."""
    path = Path(str(experiment.data.get("path", "")))
    if not path.is_file():
        shown = str(path) or "(from a pipe or Python)"
        raise InputError(
            f"{experiment.folder}: its table {shown} is not there, so it can't be shared."
        )
    if sha256(path) != experiment.data.get("sha256"):
        raise InputError(f"{path}: is not the table that the run was made on: its SHA-256 differs.")
    return path


def _run_toml(experiment: Experiment, table: Path | None) -> str:
    """Return run.toml with paths that mean something elsewhere."""
    facts: dict[str, Any] = dict(experiment.facts)
    if "stage" in facts:
        facts["stage"] = [_without_earlier(stage) for stage in facts["stage"]]
    if "data" in facts:
        data = dict(facts["data"])
        for key in ("path", "test"):
            if key in data:
                data[key] = Path(data[key]).name
        if "path" in data and table is not None:
            data["path"] = f"data/{table.name}"
        facts["data"] = data
    if "command" in facts.get("run", {}):
        run = dict(facts["run"])
        command = ABSOLUTE_FOLDER.sub("", str(run["command"]))
        run["command"] = _without_home(command)
        facts["run"] = run
    return tomli_w.dumps(facts)


def _without_earlier(stage: dict[str, Any]) -> dict[str, Any]:
    """Return a stage without the path of the earlier run that it started from."""
    if "earlier" not in stage:
        return stage
    return {**stage, "earlier": ""}


def _without_home(text: str) -> str:
    """Return a text in which `~` stands for the home folder, if there is one."""
    try:
        home = Path.home()
    except RuntimeError:
        # There is neither HOME nor an entry in the list of users, as in a container that runs
        # as a user without a name.
        return text
    return text.replace(str(home), "~")
