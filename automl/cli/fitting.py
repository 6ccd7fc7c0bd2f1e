"""`automl fit` and `automl run`: from a table to a predictor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from automl.cli.form_options import Encoding, Separator, Sheet
from automl.cli.request import RunRequest, read_request
from automl.cli.session import execute
from automl.errors import InputError
from automl.executor.engines import list_engines

Data = Annotated[
    str,
    typer.Argument(
        help="The table: CSV, TSV, Parquet, Feather, Excel or JSON lines, also gzipped; "
        "- reads stdin."
    ),
]
Target = Annotated[str, typer.Option(help="The column to predict.")]
Time = Annotated[
    str | None,
    typer.Option(
        "--budget", help="Wall-clock time for everything, such as 90s, 10m or 1h30m. Default: 10m."
    ),
]
Trials = Annotated[
    int | None,
    typer.Option(
        help="A budget without a clock: the number of candidates, including the baseline."
    ),
]
UseAll = Annotated[
    bool,
    typer.Option("--use-all", help="Use the whole budget, even when little more can be gained."),
]
PipelineName = Annotated[
    str, typer.Option(help="A bundled pipeline (`automl pipelines`), or a pipeline file.")
]
MetricName = Annotated[
    str | None, typer.Option("--metric", help="The metric to optimise (`automl metrics`).")
]
TaskKind = Annotated[
    str | None,
    typer.Option(
        "--task", help="binary, multiclass or regression. Default: detected from the target."
    ),
]
Positive = Annotated[
    str | None, typer.Option(help="The positive class. Default: the second in sorted order.")
]
Test = Annotated[
    str | None, typer.Option(help="A table that only adds test scores; nothing is chosen by it.")
]
Output = Annotated[
    str | None, typer.Option(help="The run's folder, absent or empty. Default: runs/<time>-<name>.")
]
Seed = Annotated[int, typer.Option(help="The seed of all random numbers.")]
Jobs = Annotated[
    int | None, typer.Option(help="Cores to use. Default: all that this process may use.")
]
Memory = Annotated[
    str | None,
    typer.Option(help="Memory that the workers may use, such as 8GB. Default: 80% of free memory."),
]
MaxMilliseconds = Annotated[
    float | None,
    typer.Option(
        help="The most milliseconds that predicting one row may take, in a process that has "
        "predicted others; the ensemble is chosen to fit."
    ),
]
MaxMegabytes = Annotated[
    float | None,
    typer.Option(
        help="The most megabytes that the predictor's file may have; the ensemble is chosen to fit."
    ),
]
Group = Annotated[
    str | None,
    typer.Option(
        help="A column whose equal values are held out together; not a feature. "
        "Or A,B,C: their combinations."
    ),
]
Order = Annotated[
    str | None,
    typer.Option(
        "--time",
        help="A column by whose order rows are held out: the past predicts the future. "
        "Or year,month.",
    ),
]
Weight = Annotated[str | None, typer.Option(help="A column of row weights; not a feature.")]
Ignore = Annotated[list[str] | None, typer.Option(help="A column to ignore; may be repeated.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="stage.field=value (`automl stages` lists them); may be repeated."),
]
StartFrom = Annotated[
    str | None, typer.Option(help="A run's folder, whose best candidates are tried first.")
]
Track = Annotated[
    str | None,
    typer.Option(
        help="Track the run live, in its folder: tensorboard, wandb, mlflow, a registered tracker, "
        "or several separated by commas."
    ),
]
Engine = Annotated[
    str,
    typer.Option(help=f"Where the work is done: {list_engines()}."),
]
KeepData = Annotated[
    bool,
    typer.Option("--keep-data", help="Keep the typed and encoded columns in the run's folder."),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print a line for every fit.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]


def fit(
    data: Data,
    target: Target,
    budget: Time = None,
    trials: Trials = None,
    use_all: UseAll = False,
    pipeline: PipelineName = "default",
    metric: MetricName = None,
    task: TaskKind = None,
    positive: Positive = None,
    test: Test = None,
    output: Output = None,
    seed: Seed = 0,
    jobs: Jobs = None,
    memory: Memory = None,
    max_ms: MaxMilliseconds = None,
    max_mb: MaxMegabytes = None,
    group: Group = None,
    time: Order = None,
    weight: Weight = None,
    ignore: Ignore = None,
    set: Set = None,
    start_from: StartFrom = None,
    track: Track = None,
    engine: Engine = "local",
    keep_data: KeepData = False,
    separator: Separator = None,
    encoding: Encoding = None,
    sheet: Sheet = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Make a predictor and a leaderboard from a table, within a budget."""
    options = {name: value for name, value in locals().items() if name not in ("ignore", "set")}
    execute(RunRequest(**options, ignore=tuple(ignore or ()), set=tuple(set or ())), "fit")


def run(
    pipeline: Annotated[str, typer.Argument(help="A pipeline file with a [data] table.")],
    output: Output = None,
    quiet: Quiet = False,
) -> None:
    """Run a pipeline file that says where its data is; a run's run.toml is one."""
    request = read_request(pipeline, output=output, quiet=quiet)
    if not request.data:
        raise InputError(
            f"{pipeline}: [data] has no path: the run's table came from Python or a pipe."
        )
    execute(request, "fit")


COMMANDS: dict[str, Callable[..., None]] = {"fit": fit, "run": run}
