"""A state that doesn't fit is refused, and one that does is enough to predict with NumPy alone."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import automl
from automl.columns import Columns, Numbers, Texts
from automl.errors import InputError, UnsafeModel
from automl.features.encoding import Encoding, fit_shared, fit_targeted, join
from automl.features.recipe import RECIPES, TOPICS_RECIPE
from automl.state import pack_to_bytes
from automl.task import Task
from tests.features.samples import table

ROOT = Path(automl.__file__).parent.parent
TASK = Task("binary", "y", "auc", ("no", "yes"))
ALL_RECIPES = {**RECIPES, TOPICS_RECIPE.name: TOPICS_RECIPE}

TRANSFORM_WITHOUT_SCIKIT_LEARN = """
import sys
from pathlib import Path
import numpy as np

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"sklearn", "scipy", "threadpoolctl", "joblib", "pandas"}:
            raise ImportError(f"{name} is refused")

sys.meta_path.insert(0, Refuse())
from automl.columns import open_columns
from automl.features.encoding import Encoding
from automl.state import unpack_bytes

folder = Path(sys.argv[1])
columns = open_columns(folder / "columns")
for name in sys.argv[2:]:
    encoding = Encoding.from_state(unpack_bytes((folder / f"{name}.zip").read_bytes()))
    np.testing.assert_array_equal(encoding.transform(columns), np.load(folder / f"{name}.npy"))
"""


def fit(name: str, columns: Columns) -> Encoding:
    recipe = ALL_RECIPES[name]
    y = np.random.default_rng(0).integers(0, 2, columns.n_rows).astype(float)
    targeted, _ = fit_targeted(recipe, columns, TASK, y, np.arange(columns.n_rows), 0)
    return join(fit_shared(recipe, columns, 0), targeted)


def test_a_saved_encoding_transforms_without_scikit_learn(tmp_path: Path) -> None:
    columns = table()
    columns.save(tmp_path / "columns")
    for name in ALL_RECIPES:
        encoding = fit(name, columns)
        np.save(tmp_path / f"{name}.npy", encoding.transform(columns))
        packed = pack_to_bytes(encoding.to_state())
        (tmp_path / f"{name}.zip").write_bytes(packed)
    process = subprocess.run(
        [sys.executable, "-c", TRANSFORM_WITHOUT_SCIKIT_LEARN, str(tmp_path), *ALL_RECIPES],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert process.returncode == 0, process.stderr


def paths_within(value: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each item within nested dictionaries and lists."""
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return
    for key, item in items:
        yield (key,)
        for path in paths_within(item):
            yield (key, *path)


@pytest.mark.parametrize(
    "name", ["native", "quantile", "scaled_target", "pieces", "pairs", "topics"]
)
@pytest.mark.parametrize(
    "nonsense",
    [None, object(), -7, np.zeros((2, 9)), []],
    ids=["none", "object", "int", "array", "empty"],
)
def test_nonsense_anywhere_in_a_state_is_refused_or_harmless(name: str, nonsense: Any) -> None:
    columns = table(60)
    state = fit(name, columns).to_state()
    n_refused = 0
    for path in paths_within(state):
        *parents, last = path
        if "vocabulary" in parents and last > 3:
            continue
        broken = copy.deepcopy(state)
        parent = broken
        for key in parents:
            parent = parent[key]
        parent[last] = nonsense
        try:
            Encoding.from_state(broken).transform(columns)
        except UnsafeModel:
            n_refused += 1
    assert n_refused > 10


def test_an_unknown_encoder_is_refused() -> None:
    with pytest.raises(UnsafeModel, match="no encoder 'eval'; known are number, pieces, date"):
        Encoding.from_state({"encoders": [{"kind": "eval", "source": "x"}]})


def test_codes_beyond_the_features_are_refused() -> None:
    state = {
        "kind": "onehot",
        "source": "x",
        "names": ["x = a"],
        "places": np.array([0, 1], np.int32),
    }
    with pytest.raises(UnsafeModel, match="places should be features"):
        Encoding.from_state({"encoders": [state]})


def test_a_column_that_is_missing_or_of_another_kind_is_named() -> None:
    columns = Columns({"age": Numbers(np.array([1.0]))}, 1)
    encoding = fit_shared(RECIPES["native"], columns, 0)
    with pytest.raises(InputError, match="no column 'age'"):
        encoding.transform(Columns({}, 1))
    with pytest.raises(InputError, match="column 'age': expected numbers, found the kind 'text'"):
        encoding.transform(Columns({"age": Texts.of(["1"])}, 1))
