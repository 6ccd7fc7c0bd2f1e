"""A state is refused if it doesn't fit, and is enough to predict where scikit-learn can't be imported."""

from __future__ import annotations

import copy
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import automl
from automl.columns import Columns, Numbers, Texts
from automl.errors import InputError, UnsafeModel
from automl.features.encoding import Encoding, fit_shared, fit_targeted, join
from automl.features.recipe import RECIPES, TOPICS
from automl.state import pack
from automl.task import Task
from tests.features.samples import table

ROOT = Path(automl.__file__).parent.parent
TASK = Task("binary", "y", "auc", ("no", "yes"))

WITHOUT = """
import sys, zipfile
from pathlib import Path
import numpy as np

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"sklearn", "scipy", "threadpoolctl", "joblib", "pandas"}:
            raise ImportError(f"{name} is refused")

sys.meta_path.insert(0, Refuse())
from automl.columns import open_columns
from automl.features.encoding import Encoding
from automl.state import unpack

folder = Path(sys.argv[1])
for name in sys.argv[2:]:
    with zipfile.ZipFile(folder / f"{name}.zip") as archive:
        encoding = Encoding.from_state(unpack(archive, "encoding"))
    np.testing.assert_array_equal(encoding.transform(open_columns(folder / "columns")), np.load(folder / f"{name}.npy"))
"""


ALL = {**RECIPES, TOPICS.name: TOPICS}


def fit(name: str, columns: Columns) -> Encoding:
    y = np.random.default_rng(0).integers(0, 2, columns.n_rows).astype(float)
    targeted, _ = fit_targeted(ALL[name], columns, TASK, y, np.arange(columns.n_rows), 0)
    return join(fit_shared(ALL[name], columns, 0), targeted)


def test_a_saved_encoding_transforms_without_scikit_learn(tmp_path: Path) -> None:
    columns = table()
    columns.save(tmp_path / "columns")
    for name in ALL:
        encoding = fit(name, columns)
        np.save(tmp_path / f"{name}.npy", encoding.transform(columns))
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            pack(encoding.to_state(), archive, "encoding")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, str(tmp_path), *ALL],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [path, *(leaf for key, item in items for leaf in _leaves(item, (*path, key)))][
        1 if not path else 0 :
    ]


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
    refused = 0
    for path in _leaves(state):
        if "vocabulary" in path[:-1] and path[-1] > 3:
            continue
        broken = copy.deepcopy(state)
        place = broken
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = nonsense
        try:
            Encoding.from_state(broken).transform(columns)
        except UnsafeModel:
            refused += 1
    assert refused > 10


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
