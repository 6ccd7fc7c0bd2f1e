"""What the user asks, in words: options of the command line or the lines of a pipeline file, checked before any work."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl.errors import InputError, suggestion

if TYPE_CHECKING:
    from automl.budget import Budget
    from automl.pipeline import Pipeline
    from automl.problem import Problem
    from automl.run import ScoredTable, Settings
    from automl.table import Limits, Overrides, Sample


@dataclass(frozen=True)
class RunRequest:
    """What the user asks, in words."""

    data: str
    target: str
    budget: str | None = None
    trials: int | None = None
    use_all: bool = False
    pipeline: str = "default"
    metric: str | None = None
    task: str | None = None
    positive: str | None = None
    test: str | None = None
    output: str | None = None
    seed: int = 0
    jobs: int | None = None
    memory: str | None = None
    group: str | None = None
    time: str | None = None
    weight: str | None = None
    ignore: tuple[str, ...] = ()
    sha256: str | None = None
    sample: Sample | None = None
    set: tuple[str, ...] = ()
    start_from: str | None = None
    track: str | None = None
    engine: str = "local"
    keep_data: bool = False
    separator: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    quiet: bool = False
    verbose: bool = False


_RAW = 0.4  # of the memory may be taken by the raw table
_WORDS = (
    "path",
    "source",
    "sha256",
    "target",
    "metric",
    "task",
    "positive",
    "group",
    "time",
    "weight",
    "test",
)  # keys of [data]
_FORM = ("separator", "encoding", "sheet")  # likewise: what is said of the file's form


def read_request(path: str, **others: Any) -> RunRequest:
    """What a pipeline file with a `[data]` table asks, with other fields of the wish laid over it.

    Raises
    ------
    InputError
        It has no data, or says something that nobody understands.
    """
    from automl.pipeline import checked, read_pipeline

    read = read_pipeline(path)
    for part, plain, known in (
        ("data", read.data, (*_WORDS, *_FORM, "ignore", "sample")),
        ("budget", read.budget, ("time", "trials")),
    ):
        if unknown := plain.keys() - set(known):
            raise InputError(
                f"{path}: [{part}]: nothing is called {min(unknown)!r}. Known: {', '.join(known)}."
            )
    if not {"target"} <= read.data.keys() or not {"path", "source"} & read.data.keys():
        raise InputError(
            f"{path}: no [data] with path and target. Use `automl fit DATA --target COL --pipeline {path}`."
        )
    words = {
        name: checked(read.data[name], str, f"{path}: [data] {name}")
        for name in (*_WORDS, *_FORM)
        if name in read.data
    }
    stored = words.pop("path", None)
    words.pop("source", None)
    told: dict[str, Any] = {
        **words,
        "data": _beside(stored, Path(path)) if stored is not None else "",
        "ignore": checked(read.data.get("ignore", []), tuple[str, ...], f"{path}: [data] ignore"),
        "sample": _sample(read.data, path),
        **_budget(read, path),
        "seed": read.seed,
        "pipeline": path,
    }
    return RunRequest(**(told | others))


def _budget(read: Pipeline, path: str) -> dict[str, Any]:
    from automl.pipeline import checked

    kinds = {"time": str, "trials": int}
    told = {
        name: checked(read.budget[name], kind, f"{path}: [budget] {name}")
        for name, kind in kinds.items()
        if name in read.budget
    }
    return {"budget": told.get("time"), "trials": told.get("trials")}


def _sample(data: Mapping[str, Any], path: str) -> Sample | None:
    from automl.table import Sample

    if "sample" not in data:
        return None
    try:
        return Sample(
            float(data["sample"]["share"]),
            int(data["sample"]["seed"]),
            int(data["sample"]["blocks"]),
        )
    except (KeyError, TypeError, ValueError):
        raise InputError(
            f"{path}: [data] sample = {data['sample']!r}: is to be a share, a seed and blocks."
        ) from None


def _beside(path: str, pipeline: Path) -> str:
    """A data path as it stands, or beside the pipeline file, or in the checkout that holds it."""
    raw = re.sub(
        r"\\udc([89a-f][0-9a-f])", lambda found: chr(0xDC00 + int(found[1], 16)), path
    )  # a byte that is no UTF-8
    places = [Path(path), pipeline.parent / path, pipeline.parent.parent / path, Path(raw)]
    return str(next((place for place in places if place.exists()), Path(path)))


def _limits(request: RunRequest, budget: Budget) -> Limits:
    """What reading may cost: typed and encoded columns take their memory beside the raw ones."""
    from automl.table import Limits

    if request.sample is not None:
        return Limits(sample=request.sample)
    memory = None if budget.memory is None else int(_RAW * budget.memory)
    return Limits(budget.remaining() if budget.timed else None, memory, request.seed)


def _overrides(request: RunRequest) -> Overrides:
    """What the user says of the form of the table."""
    from automl.table import Overrides

    return Overrides(request.separator, request.encoding, request.sheet)


def _check_digest(path: str, expected: str | None) -> None:
    from automl.files import sha256

    if expected and Path(path).is_file() and sha256(Path(path)) != expected:
        raise InputError(f"{path}: is not the table that the run was made on: its SHA-256 differs.")


def settings(request: RunRequest, started: float) -> Settings:
    """The run's settings, each word checked."""
    from automl.budget import free_memory, parse_duration, parse_memory, usable_cores
    from automl.pipeline import read_pipeline
    from automl.run import Settings

    if request.budget is not None and request.trials is not None:
        raise InputError(
            "--budget and --trials: give one of them: a clock, or a number of candidates."
        )
    if request.trials is not None and request.trials < 1:
        raise InputError(f"--trials {request.trials}: give at least 1; the baseline counts.")
    if request.jobs is not None and request.jobs < 1:
        raise InputError(f"--jobs {request.jobs}: give at least 1 core.")
    if not 0 <= request.seed < 2**31:
        raise InputError(f"--seed {request.seed}: give a whole number from 0 to 2147483647.")
    if request.engine not in ("local", "inline"):
        raise InputError(f"--engine {request.engine!r}: is to be local or inline.")
    if request.task not in (
        None,
        "binary",
        "multiclass",
        "regression",
        "classification",
    ):  # the last is what Python's runs say
        raise InputError(f"--task {request.task!r}: is to be binary, multiclass or regression.")
    pipeline = read_pipeline(request.pipeline).with_options(request.set)
    _overrides(request)
    if request.use_all and any(step.name == "tune" for step in pipeline.steps):
        pipeline = pipeline.with_options(["tune.use_all=true"])
    if request.start_from is not None:
        pipeline = pipeline.with_options(
            [f"select.earlier={json.dumps(str(_earlier(request.start_from)), ensure_ascii=False)}"]
        )
    _check_metric(request)
    asked = Settings(
        output=Path(request.output or "runs"),
        pipeline=pipeline,
        seconds=None
        if request.trials is not None
        else parse_duration(request.budget or str(pipeline.budget.get("time", "10m"))),
        trials=request.trials,
        seed=request.seed,
        jobs=request.jobs or usable_cores(),
        memory=parse_memory(request.memory) if request.memory else free_memory(),
        engine=request.engine,  # type: ignore[arg-type]
        started=started,
        keep_data=request.keep_data,
        test=_test_table(request.test, request.target) if request.test else None,
    )
    return (
        asked if request.output else replace(asked, output=_new_folder(request.data))
    )  # the last: nothing after it can be wrong


def _test_table(path: str, target: str) -> ScoredTable:
    """The table that only adds test scores."""
    from automl.run import ScoredTable
    from automl.table import read_table

    return ScoredTable(
        path, lambda limits, form: read_table(path, limits, form=form, needs=(target,))
    )


def _earlier(folder: str) -> Path:
    """The folder of an earlier run, checked."""
    from automl.store import replay

    if not Path(folder).is_dir():
        raise InputError(f"--start-from {folder}: no such run folder.")
    replay(Path(folder))
    return Path(folder).resolve()


def _check_metric(request: RunRequest) -> None:
    """A metric that doesn't exist, or not for the task, is told before anything is read."""
    from automl.metrics import is_function, known_function, metric_for, named
    from automl.task import KINDS

    if request.metric is None:
        return
    if is_function(request.metric) and known_function(request.metric) is None:
        where = "Python can give it, AutoMLClassifier(metric=function), or the package that registers it, as it was"
        raise InputError(
            f"--metric: {request.metric!r} is a Python function that is not known here: {where}."
        )
    if not request.metric:
        raise InputError("--metric: is empty. `automl metrics` lists what there is.")
    name, kinds = named(request.metric), (request.task,) if request.task in KINDS else KINDS
    wrong: list[InputError] = []
    for kind in kinds:
        try:
            metric_for(name, kind)  # type: ignore[arg-type]
        except InputError as error:
            wrong.append(error)
    if len(wrong) == len(kinds):
        raise wrong[0]


def _new_folder(data: str) -> Path:
    """Make runs/<time>-<name>, with a number if two runs start in one second: whoever makes the folder has it."""
    stem = "stdin" if data == "-" else Path(data).name.split(".")[0]
    name = Path(data).resolve().parent.name if stem in ("data", "train") and data != "-" else stem
    base = f"{time.strftime('%Y%m%d-%H%M%S')}-{re.sub(r'[^A-Za-z0-9_-]+', '_', name)[:40] or 'run'}"
    folder, count = Path("runs") / base, 1
    while True:
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            count += 1
            folder = Path("runs") / f"{base}-{count}"
        except OSError as error:
            raise InputError(
                f"{folder}: can't be made: {error.strerror}. Give another place: --output DIR."
            ) from None


def check_inputs(request: RunRequest) -> None:
    """What can be seen to be wrong without loading a library."""
    for path in (request.data, request.test):
        if path in (None, "", "-"):
            continue
        if not Path(str(path)).exists():
            folder = Path(str(path)).parent
            known = [p.name for p in folder.iterdir()] if folder.is_dir() else []
            raise InputError(f"{path}: no such file.{suggestion(Path(str(path)).name, known)}")
        if Path(str(path)).is_dir():
            raise InputError(f"{path}: is a folder, not a table.")


def problem(request: RunRequest, budget: Budget) -> Problem:
    """The table, read within a budget, and what is to be predicted."""
    from automl.metrics import named
    from automl.problem import Problem
    from automl.table import read_table

    if not request.data:
        raise InputError(
            "the run's table came from Python or a pipe. Name a file that holds it: --data FILE."
        )
    _check_digest(request.data, request.sha256)
    needs = (request.target,)
    table = read_table(
        request.data, _limits(request, budget), needs=needs, overrides=_overrides(request)
    )
    return Problem(
        table,
        request.target,
        kind=request.task,
        metric=None if request.metric is None else named(request.metric),
        positive=request.positive,
        weight_column=request.weight,
        group_column=request.group,
        time_column=request.time,
        ignore=request.ignore,
    )
