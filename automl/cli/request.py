"""The user's request: options of the command line or a pipeline file, checked before any work."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl.errors import InputError, suggestion
from automl.executor.engines import engine_of

if TYPE_CHECKING:
    from automl.budget import Budget
    from automl.pipeline import Pipeline
    from automl.problem import Problem
    from automl.run import ScoredTable, Settings
    from automl.table import Overrides, ReadLimits, RowSample

RAW_MEMORY_SHARE = 0.4  # of the memory for the raw table; typed and encoded columns need the rest
TEXT_KEYS = (
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
)  # of [data]
FORM_KEYS = ("separator", "encoding", "sheet")  # of [data], about the form of the file
DATA_KEYS = (*TEXT_KEYS, *FORM_KEYS, "ignore", "sample")
BUDGET_KEYS = ("time", "trials")
TASKS = ("binary", "multiclass", "regression", "classification")  # the last stands in Python's runs


@dataclass(frozen=True)
class RunRequest:
    """The options of a run as the user wrote them."""

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
    max_ms: float | None = None
    max_mb: float | None = None
    group: str | None = None
    time: str | None = None
    weight: str | None = None
    ignore: tuple[str, ...] = ()
    sha256: str | None = None
    sample: RowSample | None = None
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


def read_request(path: str, **others: Any) -> RunRequest:
    """Read a request from a pipeline file with a `[data]` table.

    Parameters
    ----------
    path : str
        The pipeline file.
    **others : object
        Fields of the request that replace those of the file.

    Raises
    ------
    InputError
        The file has no data, or an unknown key.
    """
    from automl.pipeline import check_option, read_pipeline

    pipeline = read_pipeline(path)
    data = pipeline.data
    _check_keys(f"{path}: [data]", data, DATA_KEYS)
    _check_keys(f"{path}: [budget]", pipeline.budget, BUDGET_KEYS)
    if "target" not in data or not {"path", "source"} & data.keys():
        raise InputError(
            f"{path}: no [data] with path and target. "
            f"Use `automl fit DATA --target COL --pipeline {path}`."
        )
    fields: dict[str, Any] = {}
    for key in (*TEXT_KEYS, *FORM_KEYS):
        if key in data:
            fields[key] = check_option(data[key], str, f"{path}: [data] {key}")
    stored_path = fields.pop("path", None)
    fields.pop("source", None)
    fields["data"] = "" if stored_path is None else _find_data(stored_path, Path(path))
    fields["ignore"] = check_option(
        data.get("ignore", []), tuple[str, ...], f"{path}: [data] ignore"
    )
    fields["sample"] = _read_sample(data, path)
    fields |= _read_budget(pipeline, path)
    fields["seed"] = pipeline.seed
    fields["pipeline"] = path
    return RunRequest(**(fields | others))


def _check_keys(where: str, plain: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """Refuse unknown keys of a table of the pipeline file."""
    if unknown := plain.keys() - set(known):
        raise InputError(f"{where}: unknown key {min(unknown)!r}. Known: {', '.join(known)}.")


def _read_budget(pipeline: Pipeline, path: str) -> dict[str, Any]:
    """Read the budget's fields of the request from `[budget]`."""
    from automl.pipeline import check_option

    values = {}
    for key, kind in {"time": str, "trials": int}.items():
        if key in pipeline.budget:
            values[key] = check_option(pipeline.budget[key], kind, f"{path}: [budget] {key}")
    return {"budget": values.get("time"), "trials": values.get("trials")}


def _read_sample(data: Mapping[str, Any], path: str) -> RowSample | None:
    """Read the sample of rows that the run used, if it did not use all."""
    from automl.table import RowSample

    if "sample" not in data:
        return None
    plain = data["sample"]
    try:
        return RowSample(float(plain["share"]), int(plain["seed"]), int(plain["blocks"]))
    except (KeyError, TypeError, ValueError):
        raise InputError(
            f"{path}: [data] sample = {plain!r}: must be a share, a seed and blocks."
        ) from None


def _find_data(path: str, pipeline: Path) -> str:
    """Find a data path: as it is, next to the pipeline file, or in the checkout that holds it."""
    # A byte that is not UTF-8 was written as an escape of its surrogate.
    raw = re.sub(r"\\udc([89a-f][0-9a-f])", lambda match: chr(0xDC00 + int(match[1], 16)), path)
    candidates = (
        Path(path),
        pipeline.parent / path,
        pipeline.parent.parent / path,
        Path(raw),
    )
    for candidate in candidates:
        if candidate.exists():
            return str(candidate)
    return str(Path(path))


def _limits(request: RunRequest, budget: Budget) -> ReadLimits:
    """Return the time and memory that reading the table may take."""
    from automl.table import ReadLimits

    if request.sample is not None:
        return ReadLimits(sample=request.sample)
    memory = None if budget.memory is None else int(RAW_MEMORY_SHARE * budget.memory)
    return ReadLimits(budget.remaining() if budget.is_timed else None, memory, request.seed)


def _overrides(request: RunRequest) -> Overrides:
    """Return the form of the table as far as the user gives it."""
    from automl.table import Overrides

    return Overrides(request.separator, request.encoding, request.sheet)


def _check_digest(path: str, expected: str | None) -> None:
    from automl.files import sha256

    if expected and Path(path).is_file() and sha256(Path(path)) != expected:
        raise InputError(f"{path}: is not the table that the run was made on: its SHA-256 differs.")


def make_settings(request: RunRequest, started: float) -> Settings:
    """Check a request and return the settings of its run.

    Parameters
    ----------
    request : RunRequest
    started : float
        Start of the budget, as a reading of `time.monotonic`.

    Raises
    ------
    InputError
        An option is wrong.
    """
    from automl.budget import free_memory, parse_duration, parse_memory, usable_cores
    from automl.run import Settings

    _check_options(request)
    pipeline = _pipeline(request)
    _check_metric(request)
    seconds = None
    if request.trials is None:
        seconds = parse_duration(request.budget or str(pipeline.budget.get("time", "10m")))
    settings = Settings(
        output=Path(request.output or "runs"),
        pipeline=pipeline,
        seconds=seconds,
        trials=request.trials,
        seed=request.seed,
        jobs=request.jobs or usable_cores(),
        memory=parse_memory(request.memory) if request.memory else free_memory(),
        engine=request.engine,
        started=started,
        keep_data=request.keep_data,
        test=_test_table(request.test, request.target) if request.test else None,
    )
    if request.output:
        return settings
    # The folder is made last, when no option can be wrong any more.
    return replace(settings, output=_new_folder(request.data))


def _check_options(request: RunRequest) -> None:
    """Refuse values of options that are out of range or contradict each other."""
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
    engine_of(request.engine)
    if request.task is not None and request.task not in TASKS:
        raise InputError(f"--task {request.task!r}: must be binary, multiclass or regression.")


def _pipeline(request: RunRequest) -> Pipeline:
    """Return the pipeline with all options that the request sets."""
    from automl.pipeline import read_pipeline

    pipeline = read_pipeline(request.pipeline).with_options(request.set)
    _overrides(request)
    if request.use_all and any(step.name == "tune" for step in pipeline.steps):
        pipeline = pipeline.with_options(["tune.use_all=true"])
    pipeline = pipeline.with_price(request.max_ms, request.max_mb)
    if request.start_from is not None:
        folder = str(_check_earlier_run(request.start_from))
        option = f"select.earlier={json.dumps(folder, ensure_ascii=False)}"
        pipeline = pipeline.with_options([option])
    return pipeline


def _test_table(path: str, target: str) -> ScoredTable:
    """Return the table that only adds test scores."""
    from automl.run import ScoredTable
    from automl.table import read_table

    return ScoredTable(
        path, lambda limits, form: read_table(path, limits, form=form, needs=(target,))
    )


def _check_earlier_run(folder: str) -> Path:
    """Check that a folder holds a run, and return its absolute path."""
    from automl.event_log import replay

    if not Path(folder).is_dir():
        raise InputError(f"--start-from {folder}: no such run folder.")
    replay(Path(folder))
    return Path(folder).resolve()


def _check_metric(request: RunRequest) -> None:
    """Refuse a metric that doesn't exist or is not for the task, before anything is read."""
    from automl.metrics import find_function, is_function, metric_for, resolve_metric_name
    from automl.task import TASK_KINDS

    if request.metric is None:
        return
    if is_function(request.metric) and find_function(request.metric) is None:
        raise InputError(
            f"--metric: {request.metric!r} is a Python function that is not known here: "
            "Python can give it, AutoMLClassifier(metric=function), "
            "or the package that registers it, as it was."
        )
    if not request.metric:
        raise InputError("--metric: is empty. `automl metrics` lists the names.")
    name = resolve_metric_name(request.metric)
    kinds = (request.task,) if request.task in TASK_KINDS else TASK_KINDS
    errors: list[InputError] = []
    for kind in kinds:
        try:
            metric_for(name, kind)  # type: ignore[arg-type]
        except InputError as error:
            errors.append(error)
    if len(errors) == len(kinds):
        raise errors[0]


def _new_folder(data: str) -> Path:
    """Make runs/<time>-<name>, with a number if another run starts in the same second."""
    stem = "stdin" if data == "-" else Path(data).name.split(".")[0]
    if stem in ("data", "train") and data != "-":
        stem = Path(data).resolve().parent.name
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", stem)[:40] or "run"
    base = f"{time.strftime('%Y%m%d-%H%M%S')}-{name}"
    folder = Path("runs") / base
    count = 1
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
    """Refuse files that don't exist, before a library is loaded."""
    for name in (request.data, request.test):
        if name in (None, "", "-"):
            continue
        path = Path(str(name))
        if not path.exists():
            folder = path.parent
            known = [file.name for file in folder.iterdir()] if folder.is_dir() else []
            raise InputError(f"{name}: no such file.{suggestion(path.name, known)}")
        if path.is_dir():
            raise InputError(f"{name}: is a folder, not a table.")


def read_problem(request: RunRequest, budget: Budget) -> Problem:
    """Read the request's table within a budget, and return it with the prediction task."""
    from automl.metrics import resolve_metric_name
    from automl.problem import Problem
    from automl.table import read_table

    if not request.data:
        raise InputError(
            "the run's table came from Python or a pipe. Name a file that holds it: --data FILE."
        )
    _check_digest(request.data, request.sha256)
    table = read_table(
        request.data,
        _limits(request, budget),
        needs=(request.target,),
        overrides=_overrides(request),
    )
    return Problem(
        table,
        request.target,
        kind=request.task,
        metric=None if request.metric is None else resolve_metric_name(request.metric),
        positive=request.positive,
        weight_column=request.weight,
        group_column=request.group,
        time_column=request.time,
        ignore=request.ignore,
    )
