"""Each export is opened by the program that it is for, which `make programs` installs."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl.event_log import replay
from automl.predictor import load
from automl.table import read_table
from tests.run.commands import WINE, process

pytestmark = pytest.mark.heavy

BIN = Path(sys.executable).parent


def needs(*names: str) -> pytest.MarkDecorator:
    """Skip where a library or a program is missing; CI, where nothing may be skipped, fails."""
    missing = [
        name
        for name in names
        if importlib.util.find_spec(name) is None
        and shutil.which(name, path=f"{BIN}:{os.environ['PATH']}") is None
    ]
    return pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}: make programs")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small real run."""
    folder = tmp_path_factory.mktemp("programs")
    said = process(
        "fit",
        WINE,
        "--target",
        "cultivar",
        "--trials",
        "12",
        "--set",
        "select.families=linear,lightgbm",
        "--output",
        "run",
        cwd=folder,
    )
    assert said.returncode == 0, said.stderr
    return folder


def exported(home: Path, kind: str, output: str) -> Path:
    said = process("export", "run", "--to", kind, "--output", output, cwd=home)
    assert said.returncode == 0, said.stderr
    return home / output


@contextmanager
def serving(*command: str, cwd: Path) -> Iterator[str]:
    """A server on a free port of this machine, until the block ends: its address."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [str(BIN / command[0]), *command[1:], "--host", "127.0.0.1", "--port", str(port)],
        cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except OSError:
                time.sleep(0.5)
        yield address
    finally:
        server.terminate()
        server.wait(10)


def fetched(address: str) -> object:
    with urllib.request.urlopen(address, timeout=30) as answer:
        return json.load(answer)


def pictured(address: str, path: Path) -> int:
    """A page in headless Chromium as a picture: how many colours it has."""
    from PIL import Image

    words = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--window-size=1200,900",
        "--virtual-time-budget=15000",
        f"--screenshot={path}",
    ]
    subprocess.run(["chromium", *words, address], check=True, capture_output=True, timeout=120)
    return len(Image.open(path).convert("RGB").getcolors(2**24))


@needs("soffice", "pdftotext")
def test_libreoffice_opens_the_workbook(home: Path) -> None:
    exported(home, "xlsx", "run.xlsx")
    subprocess.run(
        ["soffice", "--headless", "--convert-to", "pdf", "run.xlsx"],
        cwd=home,
        check=True,
        capture_output=True,
        timeout=300,
    )
    said = subprocess.run(
        ["pdftotext", "-layout", "run.pdf", "-"],
        cwd=home,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for words in (
        "expected score",
        "Loss over time",
        "Seconds of training by family",
        replay(home / "run").ranked[0].id,
    ):
        assert words in said


@needs("tensorboard", "tensorboardX", "chromium", "PIL")
def test_tensorboard_shows_runs_scalars_and_hyperparameters(home: Path) -> None:
    exported(home, "tensorboard", "events")
    study = replay(home / "run")
    with serving("tensorboard", "--logdir", "events", cwd=home) as address:
        runs = {f"run/{trial.candidate.family}-{trial.id}" for trial in study.ranked} | {"run"}
        for _ in range(60):
            if set(fetched(f"{address}/data/runs")) == runs:  # type: ignore[call-overload]
                break
            time.sleep(0.5)
        assert set(fetched(f"{address}/data/runs")) == runs  # type: ignore[call-overload]
        told = fetched(f"{address}/data/plugin/scalars/scalars?run=run&tag=run%2Floss")
        assert sorted(point[2] for point in told) == pytest.approx(
            sorted(trial.loss for trial in study.ranked), rel=1e-5
        )  # type: ignore[attr-defined]
        assert pictured(f"{address}/#hparams", home / "tensorboard.png") > 50


@needs("optuna_dashboard", "chromium", "PIL")
def test_optuna_dashboard_shows_a_study_for_each_family(home: Path) -> None:
    path = exported(home, "optuna", "run.log")
    with serving("optuna-dashboard", path.name, cwd=home) as address:
        studies = fetched(f"{address}/api/studies")["study_summaries"]  # type: ignore[index]
        assert {study["study_name"] for study in studies} == {
            f"run {trial.candidate.family}" for trial in replay(home / "run").ranked
        }
        assert (
            pictured(
                f"{address}/dashboard/studies/{studies[0]['study_id']}", home / "dashboard.png"
            )
            > 50
        )


@needs("mlflow", "sqlalchemy")
def test_an_mlflow_model_loads_and_predicts_in_a_fresh_process(home: Path) -> None:
    exported(home, "mlflow", "mlruns")
    (model,) = (home / "mlruns" / "artifacts" / "models").glob("*/artifacts")
    code = (
        "import sys, mlflow, pandas; model = mlflow.pyfunc.load_model(sys.argv[1]); "
        "predictions = model.predict(pandas.read_csv(sys.argv[2]))\n"
        "print(pandas.DataFrame({'p': predictions}).to_csv(index=False))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(model), WINE],
        capture_output=True,
        text=True,
        check=True,
        cwd=home,
    ).stdout
    predictor = load(home / "run" / "predictor.automl")
    expected = predictor.decode(
        predictor.predict_raw(predictor.to_columns(read_table(Path(WINE))).columns)
    )
    assert said.split()[1:] == [str(label) for label in expected]


@needs("mlflow", "sqlalchemy")
def test_mlflow_has_the_scores_of_the_run_and_of_its_trials(home: Path) -> None:
    exported(home, "mlflow", "scores")
    code = (
        "import sys, mlflow; mlflow.set_tracking_uri(sys.argv[1]); "
        "print(mlflow.search_runs(experiment_names=['automl']).to_json(orient='records'))"
    )
    words = [sys.executable, "-c", code, f"sqlite:///{home / 'scores' / 'mlflow.db'}"]
    told = json.loads(
        subprocess.run(
            words, capture_output=True, text=True, check=True, cwd=home
        ).stdout.splitlines()[-1]
    )
    study = replay(home / "run")
    by_id = {row["params.id"]: row["metrics.loss"] for row in told if row.get("params.id")}
    assert by_id == pytest.approx({trial.id: trial.loss for trial in study.ranked})
    (whole,) = [row for row in told if not row.get("params.id")]
    assert whole["metrics.log_loss"] == pytest.approx(study.evaluation.loss)


def records(log: bytes) -> Iterator[bytes]:
    """Read the records of wandb's file, a log like LevelDB's.

    It has blocks of 32 KiB, which hold parts with checksum, length and kind.
    """
    place, whole = 7, b""  # after the file's own head
    while place + 7 <= len(log):
        if 32768 - place % 32768 < 7:  # no head fits into the rest of a block
            place += 32768 - place % 32768
            continue
        _, length, kind = struct.unpack_from("<IHB", log, place)
        whole += log[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield whole
            whole = b""


@needs("wandb")
def test_an_offline_run_of_wandb_is_read_back(home: Path) -> None:
    exported(home, "wandb", "wandb-runs")
    from wandb.proto import wandb_internal_pb2

    (path,) = (home / "wandb-runs").glob("wandb/offline-run-*/*.wandb")
    losses, summary = [], {}
    for data in records(path.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        kind = record.WhichOneof("record_type")
        if kind == "history":
            told = {item.key or item.nested_key[0]: item.value_json for item in record.history.item}
            losses += [json.loads(told["loss"])] if "loss" in told else []
        elif kind == "summary":
            summary |= {
                item.key or item.nested_key[0]: item.value_json for item in record.summary.update
            }
    study = replay(home / "run")
    assert sorted(losses) == pytest.approx(sorted(trial.loss for trial in study.ranked))
    assert json.loads(summary["log_loss"]) == pytest.approx(study.evaluation.loss)


@needs("tensorboardX", "tensorboard")
def test_a_live_tracker_has_all_that_the_run_has_and_does_not_hold_it_up(tmp_path: Path) -> None:
    began = time.monotonic()
    said = process(
        "fit",
        WINE,
        "--target",
        "cultivar",
        "--budget",
        "20s",
        "--track",
        "tensorboard",
        "--output",
        "run",
        cwd=tmp_path,
    )
    assert said.returncode == 0, said.stderr
    assert time.monotonic() - began <= 20
    home = tmp_path / "run" / "track" / "tensorboard" / "run"
    names = {f"{trial.candidate.family}-{trial.id}" for trial in replay(tmp_path / "run").ranked}
    for _ in range(60):
        if home.exists() and {path.name for path in home.iterdir() if path.is_dir()} == names:
            break
        time.sleep(0.5)
    assert {path.name for path in home.iterdir() if path.is_dir()} == names, (
        tmp_path / "run" / "track.log"
    ).read_text()


@needs("torch")
def test_a_gaussian_process_proposes_where_torch_is(tmp_path: Path) -> None:
    words = (
        "--trials",
        "16",
        "--set",
        "tune.method=gp",
        "--set",
        "select.families=linear",
        "--set",
        "select.candidates=2",
        "--output",
        "run",
    )
    said = process("fit", WINE, "--target", "cultivar", *words, cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    proposed = [
        trial
        for trial in replay(tmp_path / "run").trials.values()
        if trial.candidate.origin == "tune"
    ]
    assert len(proposed) >= 8
    assert pd.Series([trial.candidate.params["C"] for trial in proposed]).nunique() > 4
    assert np.isfinite([trial.loss for trial in proposed]).all()
