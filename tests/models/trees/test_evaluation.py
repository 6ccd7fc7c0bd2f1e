"""Trees give the same bits without numba, and where no compiled code can be kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import automl
from automl.models.trees import evaluation
from automl.models.trees.grove import Grove
from automl.state import pack_to_bytes
from tests.models.trees.boosters import MAKERS, Grown

PACKAGE = Path(automl.__file__).parent

PREDICT = """
import sys
from pathlib import Path

import numpy as np

if {is_numba_blocked}:
    sys.modules["numba"] = None

from automl.models.trees import evaluation
from automl.models.trees.trees import Trees
from automl.state import unpack_bytes

folder = Path(sys.argv[1])
stored = Path(folder, "trees").read_bytes()
trees = Trees.from_state(unpack_bytes(stored))
rows = np.load(folder / "rows.npy")
np.save(folder / "margins.npy", trees.margins(rows))
is_compiled = evaluation.__name__.replace("evaluation", "kernel") in sys.modules
print(is_compiled)
"""


def many_rows(grown: Grown) -> Grown:
    """Return the trees with rows enough for compiled code to pay from the first call on."""
    walks = len(grown.rows) * grown.trees.count
    n_copies = 1 + evaluation.MIN_WALKS_TO_LOAD // walks
    rows = np.tile(grown.rows, (n_copies, 1))
    margins = np.tile(grown.margins, (n_copies, 1))
    return Grown(grown.trees, rows, margins)


def predict_in_process(
    grown: Grown,
    folder: Path,
    *,
    is_numba_blocked: bool = False,
    path: Path = PACKAGE.parent,
    **environment: str,
) -> bool:
    """Compare the margins of a new process, and return whether its code was compiled."""
    packed = pack_to_bytes(grown.trees.to_state())
    Path(folder, "trees").write_bytes(packed)
    np.save(folder / "rows.npy", grown.rows)
    script = PREDICT.format(is_numba_blocked=is_numba_blocked)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(folder)],
        env={**os.environ, "PYTHONPATH": str(path), **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.load(folder / "margins.npy"), grown.margins)
    return done.stdout.strip() == "True"


@pytest.mark.parametrize("library", MAKERS)
def test_many_rows_have_the_same_bits_without_numba(library: str, tmp_path: Path) -> None:
    grown = many_rows(MAKERS[library](1))
    assert not predict_in_process(grown, tmp_path, is_numba_blocked=True)


def test_many_rows_are_predicted_by_compiled_code(tmp_path: Path) -> None:
    assert predict_in_process(many_rows(MAKERS["lightgbm"](1)), tmp_path)


def test_few_rows_do_not_load_the_compiler(tmp_path: Path) -> None:
    assert not predict_in_process(MAKERS["lightgbm"](1), tmp_path)


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    """Numba then looks for another place."""
    blocker = Path(tmp_path, "file")
    blocker.touch()
    grown = many_rows(MAKERS["lightgbm"](1))
    nowhere = str(blocker / "cache")
    assert predict_in_process(grown, tmp_path, NUMBA_CACHE_DIR=nowhere)


def test_code_is_compiled_anew_where_no_place_can_be_written(tmp_path: Path) -> None:
    """Files lie where folders would be made, since root may write into any folder."""
    without_caches = shutil.ignore_patterns("__pycache__")
    copied = shutil.copytree(PACKAGE, tmp_path / "automl", ignore=without_caches)
    blocker = Path(copied, "models", "trees", "__pycache__")
    blocker.touch()
    nowhere = str(blocker / "cache")
    grown = many_rows(MAKERS["lightgbm"](1))
    assert predict_in_process(
        grown,
        tmp_path,
        path=tmp_path,
        NUMBA_CACHE_DIR=nowhere,
        XDG_CACHE_HOME=nowhere,
        IPYTHONDIR=nowhere,
    )
    assert blocker.is_file()


def test_no_walk_loads_the_compiler_before_it_pays() -> None:
    assert not evaluation.is_compiled_better(0)
    assert evaluation.is_compiled_better(evaluation.MIN_WALKS_TO_LOAD)


def test_a_forest_pays_for_its_conditions_too() -> None:
    """A row tests them all: 4 000 rows of a forest would take seconds without compiled code."""
    trees = MAKERS["forest"](1).trees
    n_conditions = len(trees.conditions.column)
    assert n_conditions > 40 * trees.count / 2
    assert trees.walks_per_row == trees.count + n_conditions // 40


def test_no_trees_give_what_values_would_be_added_to() -> None:
    trees = MAKERS["lightgbm"](0).trees
    conditions = replace(
        trees.conditions,
        column=trees.conditions.column[:0],
        threshold=trees.conditions.threshold[:0],
        missing_left=trees.conditions.missing_left[:0],
        set_offsets=trees.conditions.set_offsets[:1],
        set_bits=trees.conditions.set_bits[:0],
    )
    none = replace(trees.first(0), conditions=conditions)
    none.check()
    rows = np.zeros((2, trees.features), np.float32)
    (walked,) = Grove.of([none], [0]).margins([rows])
    assert walked.tolist() == [trees.base.tolist()] * 2
