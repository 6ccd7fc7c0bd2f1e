"""`automl fit` and `automl run`: from a table to a predictor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from automl.cli.request import RunRequest, read_request
from automl.cli.session import execute
from automl.errors import InputError

Data = Annotated[
    str,
    typer.Argument(
        help="The table: CSV, TSV, Parquet, Feather, Excel or JSON lines, also gzipped; - reads stdin."
    ),
]
Target = Annotated[str, typer.Option(help="The column to be predicted.")]
Time = Annotated[
    str | None,
    typer.Option(
        "--budget", help="Wall-clock time for everything, such as 90s, 10m or 1h30m. Default: 10m."
    ),
]
Trials = Annotated[
    int | None,
    typer.Option(help="A budget without a clock: so many candidates, the baseline included."),
]
All = Annotated[
    bool,
    typer.Option(
        "--use-all", help="Use the whole budget, even when hardly anything more is to be expected."
    ),
]
Chain = Annotated[
    str, typer.Option(help="A bundled pipeline (`automl pipelines`), or a pipeline file.")
]
MetricName = Annotated[
    str | None, typer.Option("--metric", help="What is optimised (`automl metrics`).")
]
Kind = Annotated[
    str | None,
    typer.Option("--task", help="binary, multiclass or regression; found out by default."),
]
Positive = Annotated[
    str | None, typer.Option(help="The positive class; by default the second in sorted order.")
]
Test = Annotated[
    str | None, typer.Option(help="A table that only adds test scores; nothing is chosen by it.")
]
Output = Annotated[
    str | None, typer.Option(help="The run's folder, absent or empty. Default: runs/<time>-<name>.")
]
Seed = Annotated[int, typer.Option(help="Where all randomness comes from.")]
Jobs = Annotated[
    int | None, typer.Option(help="Cores to use. Default: all that this process may use.")
]
Memory = Annotated[
    str | None,
    typer.Option(
        help="Memory that the workers may hold, such as 8GB. Default: 80% of what is free."
    ),
]
Group = Annotated[
    str | None,
    typer.Option(
        help="A column whose equal values are held out together; no feature. Or A,B,C: their combinations."
    ),
]
Order = Annotated[
    str | None,
    typer.Option(
        "--time",
        help="A column by whose order rows are held out: the past predicts the future. Or year,month.",
    ),
]
Weight = Annotated[str | None, typer.Option(help="A column of row weights; no feature.")]
Ignore = Annotated[list[str] | None, typer.Option(help="A column not to look at; may be repeated.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="stage.field=value (`automl stages` lists them); may be repeated."),
]
From = Annotated[
    str | None, typer.Option(help="A run's folder, whose best candidates are tried first.")
]
Track = Annotated[
    str | None,
    typer.Option(
        help="Follow the run live, in its folder: tensorboard, wandb, mlflow, a registered one, or several with commas."
    ),
]
Engine = Annotated[
    str,
    typer.Option(
        help="local: worker processes; inline: everything in this process, for tiny tables."
    ),
]
Keep = Annotated[
    bool,
    typer.Option("--keep-data", help="Keep the typed and encoded columns in the run's folder."),
]
Separator = Annotated[
    str | None,
    typer.Option(
        help="What separates fields: comma, semicolon, tab, space, bar, or the characters. Default: found out."
    ),
]
Encoding = Annotated[
    str | None, typer.Option(help="The text's encoding, such as cp1251 or gbk. Default: found out.")
]
Sheet = Annotated[
    str | None,
    typer.Option(
        help="The workbook's sheet: its name, or its place from 1. Default: the one with the target."
    ),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="A line for every fit.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]


def fit(
    data: Data,
    target: Target,
    budget: Time = None,
    trials: Trials = None,
    use_all: All = False,
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
    start_from: From = None,
    track: Track = None,
    engine: Engine = "local",
    keep_data: Keep = False,
    separator: Separator = None,
    encoding: Encoding = None,
    sheet: Sheet = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Make a predictor and a leaderboard from a table, within a budget."""
    words = {name: value for name, value in locals().items() if name not in ("ignore", "set")}
    execute(RunRequest(**words, ignore=tuple(ignore or ()), set=tuple(set or ())), "fit")


def run(
    pipeline: Annotated[str, typer.Argument(help="A pipeline file with a [data] table.")],
    output: Output = None,
    quiet: Quiet = False,
) -> None:
    """Run a pipeline file that says where its data lies; a run's run.toml is one."""
    request = read_request(pipeline, output=output, quiet=quiet)
    if not request.data:
        raise InputError(
            f"{pipeline}: [data] has no path: the run's table came from Python or a pipe."
        )
    execute(request, "fit")


COMMANDS: dict[str, Callable[..., None]] = {"fit": fit, "run": run}
