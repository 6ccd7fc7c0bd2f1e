"""Does any forged predictor file run code, crash, hang, take memory, or end in a traceback?

    python benchmarks/reliability/forged.py --cases 1000000 \\
        --state /tmp/forged --out benchmarks/results/forged.json

Case n is forged from n alone by `_forging.Forger`: small predictors of formats 4 and 5
(`seeds.tar.xz`; `_seeds.py` made them), or those given with --seed, with structure that is known
and checksums made anew. Each is loaded and predicts three rows, scores them, and draws intervals
around them; with its trees walked by NumPy, by the compiled evaluator with checked bounds, or by
both, whose predictions must be equal. `_watched.py` says what children must not do.

A campaign goes on where it was stopped: --state names the folder in which it keeps its counts and
the findings. `--case n` forges one case again, in this process, and keeps the file.
"""

from __future__ import annotations

import argparse
import encodings
import importlib
import os
import pkgutil
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from _campaign import Counts, campaign_parser, finish, run
from _forging import Forger, Forgery, Seed, read_seeds

from automl.errors import AutoMLError
from automl.models.trees import evaluation
from automl.predictor import archive
from automl.predictor.model import Predictor
from automl.predictor.scoring import score_table
from automl.table import Table, read_table

SEEDS = Path(__file__).with_name("seeds.tar.xz")
PACKAGES = ("encodings", "automl", "numpy")  # of which modules may be imported
ROWS = (0, 5, 12)  # that are predicted


# --- what is reached ----------------------------------------------------------------------------


@dataclass
class Reached:
    """The decoders that a case reached, and those that it passed; wrapped around them."""

    entered: set[str] = field(default_factory=set)
    passed: set[str] = field(default_factory=set)

    def clear(self) -> None:
        """Forget what the last case reached."""
        self.entered.clear()
        self.passed.clear()

    def wrap(self, holder: Any, name: str, label: str) -> None:
        """Note each call of a function that decodes something."""
        bound = getattr(holder, name)

        def noting(*args: Any, **kwargs: Any) -> Any:
            self.entered.add(label)
            found = bound(*args, **kwargs)
            self.passed.add(label)
            return found

        is_class = isinstance(holder, type)
        setattr(holder, name, staticmethod(noting) if is_class else noting)

    def wrap_all(self) -> None:
        """Wrap every decoder that there is."""
        from automl.cleaning.cleaner import Cleaner
        from automl.cleaning.decimals import DecimalSign
        from automl.cleaning.kinds import KINDS
        from automl.features.encoding import ENCODERS, Encoding
        from automl.features.scaling import SCALERS
        from automl.models import FAMILIES
        from automl.models._target import TargetCoding
        from automl.models.trees import (
            from_catboost,
            from_format_4,
            from_lightgbm,
            from_xgboost,
        )
        from automl.models.trees.conditions import Conditions
        from automl.models.trees.statistics import Statistics
        from automl.models.trees.trees import Trees
        from automl.table.form import FileFormat
        from automl.task import Task

        for kind in KINDS:
            self.wrap(kind.rule, "from_state", f"column {kind.name}")
        for name, encoder in ENCODERS.items():
            self.wrap(encoder, "from_state", f"encoder {name}")
        for name, scaler in SCALERS.items():
            self.wrap(scaler, "from_state", f"scaler {name}")
        for family in FAMILIES:
            if not hasattr(type(family), "noted"):
                self.wrap_family(type(family))
        self.wrap(from_lightgbm, "read_lightgbm", "LightGBM text")
        self.wrap(from_xgboost, "read_xgboost", "XGBoost UBJSON")
        self.wrap(from_catboost, "read_catboost", "CatBoost CBM")
        self.wrap(from_format_4, "read_format_4", "forest of format 4")
        for decoder in (
            Cleaner,
            Encoding,
            DecimalSign,
            TargetCoding,
            Conditions,
            Statistics,
            Trees,
        ):
            self.wrap(decoder, "from_state", decoder.__name__)
        self.wrap(FileFormat, "from_json", "FileFormat")
        self.wrap(Task, "from_json", "Task")
        self.wrap(archive, "_read", "archive (checksum passed)")

    def wrap_family(self, kind: Any) -> None:
        """Note each model that a family restores, by the family's name."""
        bound = kind.restore
        reached = self

        def restore(self: Any, state: Any) -> Any:
            reached.entered.add(f"family {self.name}")
            model = bound(self, state)
            reached.passed.add(f"family {self.name}")
            return model

        kind.restore = restore
        kind.noted = True


# --- judging ------------------------------------------------------------------------------------


@dataclass
class Judging:
    """Judges forgeries by their numbers."""

    forger: Forger
    tables: dict[str, Table]
    truths: dict[str, Table]
    reached: Reached = field(default_factory=Reached)

    def judge(self, number: int) -> tuple[str, str, Any]:
        """Return the outcome of a case, and what it is about."""
        self.reached.clear()
        forgery = self.forger.forge(number)
        # Another seed, so that how a file is used doesn't depend on how it was forged.
        way = Random(f"way {number}").choice(("numpy", "numpy", "compiled", "both"))
        outcome, detail = self.outcome(forgery, way)
        about = {
            "seed": (forgery.seed,),
            "done": tuple(forgery.deeds),
            "checksum": ("right" if forgery.is_sealed else "wrong",),
            "walked": (way,),
            "entered": tuple(self.reached.entered),
            "passed": tuple(self.reached.passed),
        }
        return outcome, detail, about

    def outcome(self, forgery: Forgery, way: str) -> tuple[str, str]:
        """Load and predict, and return what came of it."""
        step = "load"
        try:
            predictor = archive.loads(forgery.blob)
            if not forgery.is_sealed:
                return "CHECKSUM", "a wrong checksum passed"
            step = "predict"
            table = self.tables[forgery.table]
            raw = self.predicted(predictor, table, way)
            step = "score"
            score_table(predictor, self.truths[forgery.table])
        except AutoMLError as error:
            return _refused(step, error)
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            *_, (frame, line) = traceback.walk_tb(error.__traceback__)
            at = f"{Path(frame.f_code.co_filename).name}:{line} {frame.f_code.co_name}"
            kind = "MEMORY" if isinstance(error, MemoryError) else "ERROR"
            return kind, f"{step}: {type(error).__name__} at {at}: {error}"[:300]
        if raw is None:
            return "PATHS DIFFER", "NumPy and compiled code predict differently"
        return "answered" if np.isfinite(raw).all() else "answered, not finite", ""

    def predicted(self, predictor: Predictor, table: Table, way: str) -> Any:
        """Return predictions of a table as `automl predict` makes them; None if two ways differ."""
        applied = predictor.to_columns(table)
        applied.text()
        found = []
        for compiled in {"numpy": (False,), "compiled": (True,), "both": (False, True)}[way]:
            with walking(compiled):
                found.append(predictor.predict_raw(applied.columns))
        raw = found[0]
        predictor.decode(raw)
        if predictor.task.is_regression and predictor.residuals is not None:
            predictor.interval(raw, 0.9)
        if not np.array_equal(found[0], found[-1], equal_nan=True):
            return None
        return raw


def _refused(step: str, error: AutoMLError) -> tuple[str, str]:
    message = str(error)
    if "\n" in message:
        return "ERROR", f"{step}: two lines: {message}"[:300]
    if "MemoryError" in message:
        return "MEMORY", f"{step}: {message}"[:300]
    return f"refused: {step}", ""


@contextmanager
def walking(compiled: bool) -> Iterator[None]:
    """Let trees be walked by compiled code, however few rows there are, or by NumPy."""
    before = evaluation._MIN_COMPILED_WALKS
    evaluation._MIN_COMPILED_WALKS = 0 if compiled else 2**62
    try:
        yield
    finally:
        evaluation._MIN_COMPILED_WALKS = before


# --- the campaign -------------------------------------------------------------------------------


def import_encodings() -> None:
    """Import all encodings of text: a file may name any."""
    for found in pkgutil.iter_modules(encodings.__path__):
        if found.name not in ("mbcs", "oem", "cp65001"):  # of Windows
            importlib.import_module(f"encodings.{found.name}")


def default_seeds(paths: list[Path]) -> list[Seed]:
    """Return predictors' files as seeds, of the table that is called `own`."""
    return [Seed(path.stem, "own", path.read_bytes()) for path in paths]


def prepare(args: argparse.Namespace) -> Judging:
    """Read the seeds and what they predict, and load all that a child needs."""
    if args.seed:
        seeds, texts = default_seeds(args.seed), {"own": args.table.read_bytes()}
    else:
        seeds, texts = read_seeds(SEEDS)
    tables, truths = {}, {}
    with tempfile.TemporaryDirectory() as name:
        for table, text in texts.items():
            path = Path(name) / f"{table}.csv"
            path.write_bytes(text)
            read = read_table(path)
            truths[table] = tables[table] = read.take(ROWS)
    importlib.import_module("sklearn.metrics")  # which some metrics need
    import_encodings()
    evaluation.load_kernel()
    judging = Judging(Forger(seeds), tables, truths)
    for seed in seeds:
        for way in ("numpy", "compiled", "both"):
            honest = Forgery(seed.blob, seed.table, seed.name, [], [])
            outcome, detail = judging.outcome(honest, way)
            assert outcome == "answered", (seed.name, way, outcome, detail)
    judging.reached.wrap_all()
    return judging


def replay(judging: Judging, number: int, folder: Path) -> None:
    """Forge a case again, keep its file, and show what comes of it."""
    folder.mkdir(parents=True, exist_ok=True)
    forgery = judging.forger.forge(number)
    path = folder / f"case-{number}.automl"
    path.write_bytes(forgery.blob)
    print(path, forgery.seed, forgery.deeds, forgery.aims, f"sealed: {forgery.is_sealed}")
    print(judging.judge(number)[:2])
    predictor = archive.loads(forgery.blob)
    raw = judging.predicted(predictor, judging.tables[forgery.table], "both")
    print(raw)
    print(score_table(predictor, judging.truths[forgery.table]))


def main() -> None:
    parser = campaign_parser(__doc__, 20_000, "forged")
    parser.add_argument("--seed", type=Path, action="append", help="a predictor's file")
    parser.add_argument("--table", type=Path, help="a table that the --seed predictors predict")
    parser.add_argument("--real-bounds", action="store_true", help="compiled code as users run it")
    args = parser.parse_args()
    if not args.real_bounds:  # compiled code then raises where it would read beside an array
        os.environ["NUMBA_BOUNDSCHECK"] = "1"
        os.environ["NUMBA_CACHE_DIR"] = str(Path(tempfile.gettempdir()) / "forged-numba")
    judging = prepare(args)
    if args.case is not None:
        replay(judging, args.case, args.state)
        return
    # Code that checks bounds makes its IndexError from a pickle of its own.
    events = () if args.real_bounds else ("pickle.find_class",)
    counts = Counts.of(args.state, args.first)
    counts = run(judging.judge, counts, args.cases, args.state, PACKAGES, events)
    finish(counts, args.out)


if __name__ == "__main__":
    main()
