"""Users' families, stages, metrics and trackers, passed in Python or registered by a package.

The examples are those of CONTRIBUTING.
"""

from __future__ import annotations

import itertools
import json
import os
import pickle
import re
import subprocess
import sys
import threading
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from automl import AutoMLRegressor, InputError, extensions
from automl.event_log import read_events
from automl.events import StageStarted
from automl.extend import SimpleFamily, read_pipeline
from automl.models import find_family
from automl.stages import STAGES
from automl.timeline import read_timeline
from tests.run.commands import automl, install, process

ROOT = Path(__file__).resolve().parents[1]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
EXTENSIONS = CONTRIBUTING.split("## Without a change here")[1]
BLOCKS = re.findall(r"```python\n(.*?)```", EXTENSIONS, flags=re.DOTALL)
ENTRIES = tomllib.loads(re.findall(r"```toml\n(.*?)```", CONTRIBUTING, flags=re.DOTALL)[0])[
    "project"
]["entry-points"]


def table(rows: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(rows, 4)), columns=list("abcd"))
    return X.assign(y=10 + np.sin(2 * X["a"]) + X["b"] * X["c"])


@pytest.mark.heavy
def test_the_examples_of_contributing_run(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "table.csv", index=False)
    before = "import pandas as pd\nX = pd.read_csv('table.csv')\ny = X.pop('y')\n"
    after = (
        "assert (again.predict(X) == model.predict(X)).all()\n"
        "print(sorted(set(model.leaderboard_['family'])))"
    )
    script = "\n".join([before, *BLOCKS, after])
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "random_waves" in done.stdout
    told = [
        json.loads(line)
        for line in (tmp_path / "followed" / "trials.jsonl")
        .read_text(encoding="utf-8")
        .splitlines()
    ]
    assert [one["family"] for one in told].count(
        "lightgbm"
    ) == 3  # its best, and that again with two other learning rates
    assert {one["family"] for one in told} == {"constant", "linear", "lightgbm", "random_waves"}
    assert "random_waves" in (tmp_path / "run" / "run.toml").read_text(encoding="utf-8")


@pytest.mark.heavy
def test_extensions_of_a_package_are_known_by_name(tmp_path: Path) -> None:
    env = install(tmp_path / "site", "\n".join(BLOCKS[:4]), ENTRIES)
    table().to_csv(tmp_path / "table.csv", index=False)
    chain = (ROOT / "pipelines" / "default.toml").read_text(encoding="utf-8")
    (tmp_path / "own.toml").write_text(
        f'{chain}\n[[stage]]\nuse = "nudge"\nfactor = 2.0\n', encoding="utf-8"
    )
    for kind in ("families", "stages", "metrics"):
        (name,) = ENTRIES[f"automl.{kind}"]
        assert name in process(kind, cwd=tmp_path, **env).stdout
        assert name not in automl(kind, cwd=tmp_path).stdout

    words = [
        "fit",
        "table.csv",
        "--target",
        "y",
        "--trials",
        "6",
        "--pipeline",
        "own.toml",
        "--output",
        "run",
        "--track",
        "lines",
    ]
    chosen = [
        "--metric",
        "within_a_tenth",
        "--set",
        'select.families=["linear","xgboost","random_waves"]',
        "--set",
        "nudge.factor=1.2",
    ]
    done = process(*words, *chosen, cwd=tmp_path, **env)
    assert done.returncode == 0, done.stderr
    board = process("leaderboard", "run", cwd=tmp_path, **env).stdout
    assert "random_waves" in board
    assert board.count("xgboost") == 3
    assert process("resume", "run", "--budget", "5s", cwd=tmp_path, **env).returncode == 0
    assert process("insight", "run", cwd=tmp_path, **env).returncode == 0
    assert (
        process(
            "export", "run", "--to", "lines", "--output", "told", cwd=tmp_path, **env
        ).returncode
        == 0
    )
    assert (tmp_path / "told" / "trials.jsonl").exists()

    assert process("predict", "run", "table.csv", cwd=tmp_path, **env).returncode == 0
    assert (
        "random_waves" in automl("leaderboard", "run", cwd=tmp_path).stdout
    )  # a recorded run can be read without the package
    assert automl("report", "run", cwd=tmp_path).returncode == 0
    resumed = process("resume", "run", "--budget", "5s", cwd=tmp_path)
    assert resumed.returncode == 2
    assert len(resumed.stderr.splitlines()) == 1


@pytest.mark.heavy
def test_a_predictor_of_a_family_that_is_not_known_here_is_refused(tmp_path: Path) -> None:
    env = install(tmp_path / "site", BLOCKS[0], {"automl.families": ENTRIES["automl.families"]})
    table().to_csv(tmp_path / "table.csv", index=False)
    fit = [
        "fit",
        "table.csv",
        "--target",
        "y",
        "--trials",
        "2",
        "--set",
        "select.families=random_waves",
        "--output",
        "run",
    ]
    assert process(*fit, "--engine", "inline", cwd=tmp_path, **env).returncode == 0
    refused = automl("predict", "run", "table.csv", cwd=tmp_path)
    assert refused.returncode == 2
    assert "made with the model family 'random_waves', which is not known here" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_an_entry_that_cannot_be_loaded_is_reported_with_its_package(tmp_path: Path) -> None:
    env = install(
        tmp_path / "site",
        "raise RuntimeError('no luck')",
        {"automl.families": {"broken": "my_automl:Broken"}},
    )
    done = process("families", cwd=tmp_path, **env)
    assert "lightgbm" in done.stdout
    assert done.stderr.splitlines() == [
        "automl: my-automl registers 'broken' in automl.families as 'my_automl:Broken', "
        "and that can't be loaded: no luck. "
        "Fix it, or uninstall my-automl."
    ]


class Mean(SimpleFamily):
    name = "mean_again"

    def train(self, X: Any, y: Any, weight: Any, params: Any, context: Any) -> dict[str, Any]:
        return {"mean": float(np.average(y, weights=weight))}

    def answer(self, state: Any, X: Any) -> Any:
        return np.full(len(X), state["mean"])


class Nameless(SimpleFamily):
    pass


class Failing(Mean):
    name = "failing"

    def train(self, X: Any, y: Any, weight: Any, params: Any, context: Any) -> dict[str, Any]:
        raise RuntimeError("this is how it fails")


class Locked(Mean):
    """A family that can't be pickled."""

    name = "locked"

    def __init__(self) -> None:
        self.lock = threading.Lock()


class Ours(Mean):
    name = "lightgbm"


@dataclass(frozen=True)
class Plain:
    """A stage whose field is no option."""

    depth: int = 1

    def run(self, study: Any, lab: Any, budget: Any) -> Any:
        return study


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"families": [Mean]}, "is a class"),
        ({"families": [object()]}, "has no 'name'"),
        ({"families": [Nameless()]}, "has no 'name'"),
        ({"families": [Ours()]}, "is that of a built-in family"),
        ({"families": "lightgbm"}, "a list of names and objects"),
        ({"families": Mean()}, "a list of names and objects"),
        ({"families": [Locked()]}, "can't be sent to the worker processes"),
        ({"families": ["lightgmb"]}, "Did you mean 'lightgbm'"),
        ({"track": object(), "output": "run"}, "has no method 'begin'"),
        ({"track": "tensorbord", "output": "run"}, "Did you mean 'tensorboard'"),
        ({"track": "tensorboard"}, "needs output"),
    ],
)
def test_invalid_extensions_are_refused(
    parameters: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = table(40)
    with pytest.raises(InputError, match=re.escape(message)):
        AutoMLRegressor(pipeline="linear", trials=2, engine="inline", **parameters).fit(
            data.drop(columns="y"), data["y"]
        )
    assert not (tmp_path / "run").exists()


def stages_of_log(folder: Path) -> list[str]:
    """Return the stages of a run's log."""
    events = [logged.event for logged in read_events(folder)]
    return [event.stage for event in events if isinstance(event, StageStarted)]


@pytest.mark.parametrize("is_listed", [True, False], ids=["one of ours", "one of somebody else's"])
def test_a_stage_as_contributing_writes_it_has_its_event(
    is_listed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: dict[str, Any] = {}
    exec(BLOCKS[1], made)
    if is_listed:
        monkeypatch.setitem(STAGES, "nudge", made["Nudge"])
    chain = read_pipeline("linear").with_stage(made["Nudge"](), after="select")
    data = table(60)
    words: dict[str, Any] = {"trials": 3, "engine": "inline", "output": tmp_path / "run"}
    AutoMLRegressor(pipeline=chain, **words).fit(data.drop(columns="y"), data["y"])
    assert stages_of_log(tmp_path / "run") == [step.name for step in chain.steps]
    spans = read_timeline(tmp_path / "run").spans
    assert [span.stage for span in spans] == [step.name for step in chain.steps]
    assert all(before.end <= after.start for before, after in itertools.pairwise(spans))


def test_a_stage_whose_field_is_no_option_is_refused() -> None:
    with pytest.raises(InputError, match=r"make 'depth' with automl\.extend\.option"):
        read_pipeline("default").with_stage(Plain(), after="select")
    with pytest.raises(InputError, match="Did you mean 'select'"):
        read_pipeline("default").with_stage(
            read_pipeline("default").steps[-1].stage, after="selekt"
        )


def test_a_family_passed_to_one_run_is_in_no_other_run() -> None:
    data = table(60)
    X, y = data.drop(columns="y"), data["y"]
    own = AutoMLRegressor(pipeline="linear", families=[Mean()], trials=3, engine="inline").fit(X, y)
    assert set(own.leaderboard_["family"]) == {"linear", "constant", "mean_again"}
    assert own.leaderboard_["family"].tolist().count("mean_again") == 1
    other = AutoMLRegressor(
        options={"extract.recipes": ["onehot"]}, families=["linear"], trials=3, engine="inline"
    ).fit(X, y)
    assert "mean_again" not in set(other.leaderboard_["family"])
    with pytest.raises(InputError, match="no model family 'mean_again'"):
        find_family("mean_again")


def test_without_extensions_no_pickle_is_read(tmp_path: Path) -> None:
    extensions.write_for_workers(extensions.NO_EXTENSIONS, "rmse", tmp_path / "extensions.pkl")
    assert not (tmp_path / "extensions.pkl").exists()
    assert extensions.read_in_worker(tmp_path / "extensions.pkl") == extensions.NO_EXTENSIONS


class Planted:
    """A pickle that does something when it is read."""

    def __reduce__(self) -> Any:
        return os.system, ("touch planted",)


def test_a_pickle_in_a_run_folder_is_never_read(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "table.csv", index=False)
    fit = [
        "fit",
        "table.csv",
        "--target",
        "y",
        "--trials",
        "2",
        "--pipeline",
        "linear",
        "--keep-data",
        "--output",
        "run",
        "-q",
    ]
    assert automl(*fit, "--engine", "inline", cwd=tmp_path).returncode == 0
    (tmp_path / "run" / "work" / "data" / "extensions.pkl").write_bytes(
        pickle.dumps({("families", "linear"): Planted()})
    )
    assert (
        automl("try", "run", "--family", "linear", "--set", "C=0.5", cwd=tmp_path).returncode == 0
    )
    assert not (tmp_path / "planted").exists()


def test_the_examples_of_contributing_are_short() -> None:
    assert max(sum(bool(line.strip()) for line in block.splitlines()) for block in BLOCKS[:4]) <= 20


def test_an_estimator_with_a_users_family_is_pickled_and_cloned() -> None:
    data = table(60)
    X, y = data.drop(columns="y"), data["y"]
    model = AutoMLRegressor(
        families=["linear", Mean()], trials=3, engine="inline", pipeline="linear"
    ).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    assert (again.predict(X) == model.predict(X)).all()
    assert [getattr(one, "name", one) for one in clone(model).families] == ["linear", "mean_again"]


def test_a_family_of_a_module_in_the_current_folder_reaches_the_workers(tmp_path: Path) -> None:
    """As in a notebook, where the module search path begins with an empty text."""
    (tmp_path / "mine.py").write_text(BLOCKS[0], encoding="utf-8")
    table().to_csv(tmp_path / "table.csv", index=False)
    script = """
import pandas as pd
from mine import RandomWaves
from automl import AutoMLRegressor
X = pd.read_csv("table.csv")
y = X.pop("y")
families = ["linear", RandomWaves()]
model = AutoMLRegressor(pipeline="linear", families=families, trials=3, n_jobs=1).fit(X, y)
print(model.leaderboard_.set_index("family")["status"].to_dict())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "'random_waves': 'done" in done.stdout, done.stderr


SLOW = """
import time
import pandas as pd
from automl import AutoMLRegressor
class Slow:
    def begin(self, one): time.sleep(60)
    def trial(self, one, trial): ...
    def end(self, one): return []
X = pd.read_csv("table.csv")
y = X.pop("y")
AutoMLRegressor(pipeline="linear", budget=5, engine="inline", output="run", track=Slow()).fit(X, y)
"""


@pytest.mark.heavy
def test_a_slow_tracker_delays_neither_the_run_nor_the_process(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "table.csv", index=False)
    done = subprocess.run(
        [sys.executable, "-c", SLOW],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=40,
    )
    assert done.returncode == 0
    assert "the trackers had not recorded the whole run" in done.stderr


OTHERS = '''
from dataclasses import dataclass
from automl.extend import SimpleFamily, option

class Raising(SimpleFamily):
    name = "raising"
    def space(self, task, codes=True):
        raise RuntimeError("no space")

class Picky(SimpleFamily):
    name = "picky"
    def __init__(self, needed):
        self.needed = needed

@dataclass(frozen=True)
class Boom:
    """A stage that fails."""
    def run(self, study, lab, budget):
        raise ValueError("boom")

@dataclass(frozen=True)
class Nothing:
    """A stage that gives nothing."""
    def run(self, study, lab, budget):
        return None

def rmse(y_true, y_pred):
    return 0.0

class NoEnd:
    def begin(self, one): ...

number = 7
'''


@pytest.mark.heavy
def test_errors_of_a_package_are_one_line(tmp_path: Path) -> None:
    entries = {
        "automl.families": {"raising": "my_automl:Raising", "picky": "my_automl:Picky"},
        "automl.stages": {"boom": "my_automl:Boom", "nothing": "my_automl:Nothing"},
        "automl.metrics": {"rmse": "my_automl:rmse", "seven": "my_automl:number"},
        "automl.trackers": {"noend": "my_automl:NoEnd"},
    }
    env = install(tmp_path / "site", OTHERS, entries)
    table(60).to_csv(tmp_path / "table.csv", index=False)
    chain = (ROOT / "pipelines" / "linear.toml").read_text(encoding="utf-8")
    for name in ("boom", "nothing"):
        (tmp_path / f"{name}.toml").write_text(
            f'{chain}\n[[stage]]\nuse = "{name}"\n', encoding="utf-8"
        )
    listed = process("families", cwd=tmp_path, **env)
    assert "lightgbm" in listed.stdout
    assert [line.split(":")[2].strip() for line in listed.stderr.splitlines()] == [
        "can't be created or used"
    ] * 2
    fit = ["fit", "table.csv", "--target", "y", "--trials", "2", "--engine", "inline", "-q"]
    told = {
        ("--pipeline", "default"): "can't be created or used",
        ("--pipeline", "boom.toml"): "stage 'boom': ValueError: boom.",
        ("--pipeline", "nothing.toml"): "stage 'nothing': returned None",
        ("--pipeline", "linear", "--metric", "seven"): "is not a function: 7",
        ("--pipeline", "linear", "--track", "noend"): "has no method 'trial'",
    }
    for place, (words, line) in enumerate(told.items()):
        done = process(*fit, *words, "--output", f"run{place}", cwd=tmp_path, **env)
        assert done.returncode in (1, 2), words
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert line in done.stderr
    kept = process(
        *fit, "--pipeline", "linear", "--metric", "rmse", "--output", "run", cwd=tmp_path, **env
    )
    assert "rmse@" not in kept.stdout  # a name of ours stays ours
    assert kept.returncode == 0


def test_another_version_of_a_registered_metric_is_another_metric(tmp_path: Path) -> None:
    env = install(
        tmp_path / "site",
        BLOCKS[0].split("class")[0] + BLOCKS[2],
        {"automl.metrics": ENTRIES["automl.metrics"]},
    )
    table(60).to_csv(tmp_path / "table.csv", index=False)
    fit = [
        "fit",
        "table.csv",
        "--target",
        "y",
        "--trials",
        "2",
        "--pipeline",
        "linear",
        "--metric",
        "within_a_tenth",
        "--engine",
        "inline",
    ]
    assert process(*fit, "--output", "run", cwd=tmp_path, **env).returncode == 0
    tried = ["try", "run", "--family", "linear", "--set", "C=0.5"]
    assert process(*tried, cwd=tmp_path, **env).returncode == 0
    module = tmp_path / "site" / "my_automl.py"
    module.write_text(
        module.read_text(encoding="utf-8").replace("0.1 * np.abs", "0.2 * np.abs"), encoding="utf-8"
    )
    done = process(*tried, cwd=tmp_path, **env)
    assert done.returncode == 2
    assert "is not known here" in done.stderr


def test_the_traceback_of_a_failed_family_is_kept(tmp_path: Path) -> None:
    data = table(60)
    words: dict[str, Any] = {
        "pipeline": "linear",
        "trials": 3,
        "engine": "inline",
        "output": tmp_path / "run",
    }
    AutoMLRegressor(families=["linear", Failing()], **words).fit(data.drop(columns="y"), data["y"])
    told = (tmp_path / "run" / "failures.txt").read_text(encoding="utf-8")
    assert "RuntimeError: this is how it fails" in told
    assert "in train" in told
    assert not (tmp_path / "run" / "work").exists()
