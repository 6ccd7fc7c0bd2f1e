"""What fits import of the package is loaded before workers are forked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIT_EVERY_FAMILY = """
import importlib, sys
from automl.executor.server import LATER_LIBRARIES, LIGHT_LIBRARIES, SHARED_LIBRARIES
from automl.models import FAMILIES, FitContext
from automl.metrics import metric_for
from automl.task import Task
from tests.models.test_contract import rows_of

def own():
    return {name for name in sys.modules if name.startswith("automl.")}

for name in (*LIGHT_LIBRARIES, *SHARED_LIBRARIES, *LATER_LIBRARIES):
    importlib.import_module(name)
loaded = own()
task = Task("binary", "y", "log_loss", ("no", "yes"))
context = FitContext(task, metric_for(task.metric, task.kind, task), seed=0, rounds=5)
for family in FAMILIES:
    rows = rows_of("binary", native=family.name in ("lightgbm", "catboost", "xgboost"))
    params = family.defaults(task)
    family.fit(family.prepare(rows, None, params, context), params, context)
print(sorted(own() - loaded))
"""


def test_no_fit_imports_another_module_of_the_package() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIT_EVERY_FAMILY],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[]\n"
