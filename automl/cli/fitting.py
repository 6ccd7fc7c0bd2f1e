"""`automl fit` and `automl run`: from a table to a predictor."""

from __future__ import annotations

import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from automl.errors import InputError

if TYPE_CHECKING:
    from automl.budget import Budget
    from automl.lab.lab import Lab
    from automl.lab.pool import Server
    from automl.lab.problem import Problem
    from automl.run import Settings

Data = Annotated[str, typer.Argument(help="The table: CSV, TSV, Parquet, Feather, Excel or JSON lines, also gzipped; - reads stdin.")]
Target = Annotated[str, typer.Option(help="The column to be predicted.")]
Time = Annotated[str | None, typer.Option("--budget", help="Wall-clock time for everything, such as 90s, 10m or 1h30m. Default: 10m.")]
Trials = Annotated[int | None, typer.Option(help="A budget without a clock: so many candidates, the baseline included.")]
Chain = Annotated[str, typer.Option(help="A bundled pipeline (`automl pipelines`), or a pipeline file.")]
MetricName = Annotated[str | None, typer.Option("--metric", help="What is optimised (`automl metrics`).")]
Kind = Annotated[str | None, typer.Option("--task", help="binary, multiclass or regression; found out by default.")]
Positive = Annotated[str | None, typer.Option(help="The positive class; by default the second in sorted order.")]
Test = Annotated[str | None, typer.Option(help="A table that only adds test scores; nothing is chosen by it.")]
Output = Annotated[str | None, typer.Option(help="The run's folder, absent or empty. Default: runs/<time>-<name>.")]
Seed = Annotated[int, typer.Option(help="Where all randomness comes from.")]
Jobs = Annotated[int | None, typer.Option(help="Cores to use. Default: all that this process may use.")]
Memory = Annotated[str | None, typer.Option(help="Memory that the workers may hold, such as 8GB. Default: 80% of what is free.")]
Group = Annotated[str | None, typer.Option(help="A column whose equal values are held out together; no feature.")]
Order = Annotated[str | None, typer.Option("--time", help="A column by whose order rows are held out: the past predicts the future.")]
Weight = Annotated[str | None, typer.Option(help="A column of row weights; no feature.")]
Ignore = Annotated[list[str] | None, typer.Option(help="A column not to look at; may be repeated.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="stage.field=value (`automl stages` lists them); may be repeated.")]
Engine = Annotated[str, typer.Option(help="local: worker processes; inline: everything in this process, for tiny tables.")]
Keep = Annotated[bool, typer.Option("--keep-data", help="Keep the typed and encoded columns in the run's folder.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="A line for every fit.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]


@dataclass(frozen=True)
class _Wish:
    """What the user asks, in words."""

    data: str
    target: str
    budget: str | None = None
    trials: int | None = None
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
    set: tuple[str, ...] = ()
    engine: str = "local"
    keep_data: bool = False
    quiet: bool = False
    verbose: bool = False


def fit(
    data: Data,
    target: Target,
    budget: Time = None,
    trials: Trials = None,
    pipeline: Chain = "default",
    metric: MetricName = None,
    task: Kind = None,
    positive: Positive = None,
    test: Test = None,
    output: Output = None,
    seed: Seed = 0,
    jobs: Jobs = None,
    memory: Memory = None,
    group: Group = None,
    time: Order = None,
    weight: Weight = None,
    ignore: Ignore = None,
    set: Set = None,
    engine: Engine = "local",
    keep_data: Keep = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Make a predictor and a leaderboard from a table, within a budget."""
    words = {name: value for name, value in locals().items() if name not in ("ignore", "set")}
    _fit(_Wish(**words, ignore=tuple(ignore or ()), set=tuple(set or ())))


def run(
    pipeline: Annotated[str, typer.Argument(help="A pipeline file with a [data] table.")],
    output: Output = None,
    quiet: Quiet = False,
) -> None:
    """Run a pipeline file that says where its data lies; a run's run.toml is one."""
    from automl.pipeline import read_pipeline

    read = read_pipeline(pipeline)
    if not {"path", "target"} <= read.data.keys():
        raise InputError(f"{pipeline}: no [data] with path and target. Use `automl fit DATA --target COL --pipeline {pipeline}`.")
    for part, plain, known in (("data", read.data, _DATA_KEYS), ("budget", read.budget, ("time", "trials"))):
        if unknown := plain.keys() - set(known):
            raise InputError(f"{pipeline}: [{part}]: nothing is called {min(unknown)!r}. Known: {', '.join(known)}.")
    words: dict[str, Any] = {name: value for name, value in read.data.items() if name not in ("path", "sha256", "ignore")}
    when: dict[str, Any] = {"budget": read.budget.get("time"), "trials": read.budget.get("trials"), "seed": read.seed}
    path = _beside(str(read.data["path"]), Path(pipeline))
    _check_digest(path, read.data.get("sha256"))
    _fit(_Wish(path, **words, **when, ignore=tuple(read.data.get("ignore", ())), pipeline=pipeline, output=output, quiet=quiet))


_DATA_KEYS = ("path", "sha256", "target", "metric", "task", "positive", "group", "time", "weight", "ignore", "test")

COMMANDS: dict[str, Callable[..., None]] = {"fit": fit, "run": run}


def _beside(path: str, pipeline: Path) -> str:
    """A data path as it stands, or beside the pipeline file, or in the checkout that holds it."""
    places = [Path(path), pipeline.parent / path, pipeline.parent.parent / path]
    return str(next((place for place in places if place.exists()), Path(path)))


def _check_digest(path: str, expected: str | None) -> None:
    from automl.files import sha256

    if expected and Path(path).is_file() and sha256(Path(path)) != expected:
        raise InputError(f"{path}: is not the table that the pipeline file names: its SHA-256 differs.")


def _fit(wish: _Wish) -> None:
    _check_inputs(wish)
    with _server(wish.engine) as server:  # it loads its libraries while we load ours
        _run(wish, server)


@contextmanager
def _server(engine: str) -> Iterator[Server | None]:
    """A worker server, where workers are processes."""
    if engine != "local" or not sys.platform.startswith("linux"):
        yield None
        return
    from automl.lab.pool import Server

    server = Server()
    try:
        yield server
    finally:
        server.close()


def _run(wish: _Wish, server: Server | None) -> None:
    from automl import run as running
    from automl.budget import process_started
    from automl.cli import display
    from automl.report import write_report

    started = process_started()
    settings = _settings(wish, started)
    shown = display.choose(settings.seconds, settings.trials, started, quiet=wish.quiet, verbose=wish.verbose)
    with shown, _Signals() as signals:
        result = running.fit(lambda budget: _problem(wish, budget), settings, shown.observers, [write_report], signals.take, server)
    typer.echo(display.final_words(result.study, result.folder, result.sha256, time.monotonic() - started))
    if wish.test:
        from automl.cli.predicting import test_scores

        typer.echo(test_scores(result.predictor, wish.test))


def _settings(wish: _Wish, started: float) -> Settings:
    """The run's settings, each word checked."""
    from automl.budget import free_memory, parse_duration, parse_memory, usable_cores
    from automl.pipeline import read_pipeline
    from automl.run import Settings

    if wish.budget is not None and wish.trials is not None:
        raise InputError("--budget and --trials: give one of them: a clock, or a number of candidates.")
    if wish.trials is not None and wish.trials < 1:
        raise InputError(f"--trials {wish.trials}: give at least 1; the baseline counts.")
    if wish.jobs is not None and wish.jobs < 1:
        raise InputError(f"--jobs {wish.jobs}: give at least 1 core.")
    if not 0 <= wish.seed < 2**31:
        raise InputError(f"--seed {wish.seed}: give a whole number from 0 to 2147483647.")
    if wish.engine not in ("local", "inline"):
        raise InputError(f"--engine {wish.engine!r}: is to be local or inline.")
    if wish.task not in (None, "binary", "multiclass", "regression"):
        raise InputError(f"--task {wish.task!r}: is to be binary, multiclass or regression.")
    pipeline = read_pipeline(wish.pipeline).with_options(wish.set)
    _check_metric(wish)
    return Settings(
        pipeline=pipeline,
        output=Path(wish.output) if wish.output else _new_folder(wish.data),
        seconds=None if wish.trials is not None else parse_duration(wish.budget or str(pipeline.budget.get("time", "10m"))),
        trials=wish.trials,
        seed=wish.seed,
        jobs=wish.jobs or usable_cores(),
        memory=parse_memory(wish.memory) if wish.memory else free_memory(),
        engine=wish.engine,  # type: ignore[arg-type]
        started=started,
        keep_data=wish.keep_data,
    )


def _check_metric(wish: _Wish) -> None:
    """A metric that doesn't exist, or not for the task, is told before anything is read."""
    from automl.metrics import METRICS, metric_for

    if wish.metric is not None:
        known = METRICS.get(wish.metric)
        metric_for(wish.metric, wish.task or (known.kinds[0] if known else "binary"))  # type: ignore[arg-type]


def _new_folder(data: str) -> Path:
    """runs/<time>-<name>, with a number if two runs start in one second."""
    stem = "stdin" if data == "-" else Path(data).name.split(".")[0]
    name = Path(data).resolve().parent.name if stem in ("data", "train") and data != "-" else stem
    base = f"{time.strftime('%Y%m%d-%H%M%S')}-{re.sub(r'[^A-Za-z0-9_-]+', '_', name)[:40] or 'run'}"
    folder, count = Path("runs") / base, 1
    while folder.exists():
        count += 1
        folder = Path("runs") / f"{base}-{count}"
    return folder


def _check_inputs(wish: _Wish) -> None:
    """What can be seen to be wrong before any process is started."""
    from automl.errors import suggestion

    for path in (wish.data, wish.test):
        if path in (None, "-"):
            continue
        if not Path(str(path)).exists():
            folder = Path(str(path)).parent
            known = [p.name for p in folder.iterdir()] if folder.is_dir() else []
            raise InputError(f"{path}: no such file.{suggestion(Path(str(path)).name, known)}")
        if Path(str(path)).is_dir():
            raise InputError(f"{path}: is a folder, not a table.")


def _problem(wish: _Wish, budget: Budget) -> Problem:
    from automl.lab.problem import Problem
    from automl.table import read_table

    table = read_table(wish.data, seconds=budget.remaining() if budget.timed else None, seed=wish.seed)
    return Problem(
        table,
        wish.target,
        kind=wish.task,
        metric=wish.metric,
        positive=wish.positive,
        weight_column=wish.weight,
        group_column=wish.group,
        time_column=wish.time,
        ignore=wish.ignore,
    )


class _Signals:
    """Ctrl-C and SIGTERM: the first ends the search and the best so far is saved; the second stops at once."""

    def __init__(self) -> None:
        self._lab: Lab | None = None
        self._before: dict[int, Any] = {}

    def take(self, lab: Lab) -> None:
        """From now on the first signal halts this lab."""
        self._lab = lab

    def __enter__(self) -> _Signals:
        self._before = {number: signal.signal(number, self._heard) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def _heard(self, number: int, frame: Any) -> None:
        if self._lab is None or self._lab.halted():
            raise KeyboardInterrupt
        self._lab.halt()

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
