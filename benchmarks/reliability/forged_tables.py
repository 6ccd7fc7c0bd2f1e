"""Does any mutated table end in a traceback, a crash or a hang, in whatever format it is?

    python benchmarks/reliability/forged_tables.py --cases 100000 \\
        --state /tmp/forged-tables --out benchmarks/results/forged-tables.json

Case n follows from n alone: a table in one of 24 formats, mutated by `_forged_tables.py`. It is
read as `automl fit` reads it, and `automl predict` predicts it, in this process, from a file or
from standard input. `_watched.py` says what children must not do. A campaign goes on where it was
stopped. `--case n` mutates one case again and keeps the file.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import pkgutil
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

from _campaign import Counts, campaign_parser, finish, run
from _forged_tables import TableSeed, make_seeds
from _forging import read_seeds
from forged import SEEDS, import_encodings

import automl.cleaning
import automl.table
from automl.cleaning import CleanOptions, clean
from automl.cli.predicting import predict
from automl.errors import AutoMLError
from automl.predictor import model
from automl.table import read_table

PACKAGES = ("encodings", "automl", "numpy", "pandas", "pyarrow", "python_calamine", "dateutil")
PREDICTORS = {"slim": "5-slim-every-binary", "wide": "5-wide-wide-linear"}
MAX_CELLS_CLEANED = 100_000


@dataclass
class Judging:
    """Judges mutated tables by their numbers.

    Parameters
    ----------
    seeds : list of TableSeed
    models : dict
        Each table's predictor.
    file : int
        A file in memory, which children overwrite with each table.
    """

    seeds: list[TableSeed]
    models: dict[str, Path]
    file: int

    def forge(self, number: int) -> tuple[TableSeed, bytes, str]:
        """Return a case's seed, its table, and whether it is read from a file."""
        rng = Random(number)
        seed = rng.choice(self.seeds)
        blob = seed.forged(rng)
        return seed, blob, rng.choice(("file", "stdin"))

    def judge(self, number: int) -> tuple[str, str, Any]:
        """Return the outcome of a case, and what it is about."""
        seed, blob, way = self.forge(number)
        found = []
        for step in ("fit", "predict"):
            outcome, detail = self.outcome(seed, blob, way, step)
            found.append(f"{step}: {outcome}")
            if outcome.isupper():
                found = [outcome]
                break
        about = {"format": (seed.name,), "table": (seed.table,), "from": (way,)}
        return ", ".join(found), detail, about

    def outcome(self, seed: TableSeed, blob: bytes, way: str, step: str) -> tuple[str, str]:
        """Read a table, or predict it, and return what came of it."""
        try:
            with self.given(blob, way) as path:
                if step == "fit":
                    fit_reads(path)
                else:
                    predict(str(self.models[seed.table]), path)
        except AutoMLError as error:
            message = str(error)
            if "\n" in message:
                return "ERROR", f"{step}: two lines: {message}"[:300]
            return "refused", ""
        except MemoryError as error:
            return "MEMORY", f"{step}: {error}"
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            *_, (frame, line) = traceback.walk_tb(error.__traceback__)
            at = f"{Path(frame.f_code.co_filename).name}:{line} {frame.f_code.co_name}"
            return "ERROR", f"{step}: {type(error).__name__} at {at}: {error}"[:300]
        return "read", ""

    @contextlib.contextmanager
    def given(self, blob: bytes, way: str) -> Iterator[str]:
        """Give a table as a file, or on standard input, and take all that is written."""
        silent = io.StringIO()
        before = sys.stdin
        with contextlib.redirect_stdout(silent), contextlib.redirect_stderr(silent):
            if way == "stdin":
                sys.stdin = SimpleNamespace(buffer=io.BytesIO(blob))  # type: ignore[assignment]
                try:
                    yield "-"
                finally:
                    sys.stdin = before
                return
            os.ftruncate(self.file, 0)
            os.pwrite(self.file, blob, 0)
            yield f"/proc/self/fd/{self.file}"


def fit_reads(path: str) -> None:
    """Read a table and clean it, as the beginning of a fit does, by the last column."""
    table = read_table(path)
    names = list(table.columns)
    if table.n_rows * len(names) > MAX_CELLS_CLEANED:
        return
    clean(table, names[-1], CleanOptions())


def import_readers() -> None:
    """Import all modules that read and clean tables, which a child would find only by chance."""
    for package in (automl.table, automl.cleaning):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(found.name)


def prepare(folder: Path) -> Judging:
    """Make the tables in all formats, and load all that a child needs."""
    predictors, tables = read_seeds(SEEDS)
    seeds, models = [], {}
    for table, name in PREDICTORS.items():
        text = b"\n".join(tables[table].split(b"\n")[:41]) + b"\n"
        seeds += make_seeds(table, text)
        models[table] = folder / f"{table}.automl"
        models[table].write_bytes(next(one.blob for one in predictors if one.name == name))
    for module in ("sklearn.metrics", "python_calamine", "pyarrow.parquet", "pyarrow.feather"):
        importlib.import_module(module)
    import_readers()
    import_encodings()
    model.MAX_THREADS = 1  # for threads, joblib compiles "2 * n_jobs"
    judging = Judging(seeds, models, os.memfd_create("table"))
    for seed in seeds:
        blob = seed.compress(seed.blob) if seed.compress else seed.blob
        for way in ("file", "stdin"):
            for step in ("fit", "predict"):
                outcome, detail = judging.outcome(seed, blob, way, step)
                if outcome != "read":
                    print("not mutated:", seed.name, seed.table, way, step, outcome, detail)
    return judging


def main() -> None:
    parser = campaign_parser(__doc__, 10_000, "forged-tables")
    args = parser.parse_args()
    args.state.mkdir(parents=True, exist_ok=True)
    judging = prepare(args.state.resolve())
    if args.case is not None:
        seed, blob, way = judging.forge(args.case)
        path = args.state / f"case-{args.case}"
        path.write_bytes(blob)
        print(path, seed.name, seed.table, way)
        print(judging.judge(args.case))
        fit_reads(str(path))
        predict(str(judging.models[seed.table]), str(path))
        return
    counts = Counts.of(args.state, args.first)
    readable = (str(args.state.resolve()),)
    counts = run(judging.judge, counts, args.cases, args.state, PACKAGES, readable=readable)
    finish(counts, args.out)


if __name__ == "__main__":
    main()
