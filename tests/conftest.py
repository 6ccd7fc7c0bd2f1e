"""Settings of all tests."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# Without it scikit-learn skips some of its checks of estimators.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
# Must be set before any OpenMP library is loaded; see docs/adr/0002.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# Otherwise its idle threads spin, too: where others use the cores, the tests of `insight` took
# 38 s of a core instead of 4 s, and 90 s by the clock instead of 7 s. Workers have one thread each
# in any case.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or each process compiles automl anew

# A shared machine is sometimes slow, which is not a failure. The same examples everywhere make a
# red CI reproducible.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the session in CI if a test was skipped: CI must install what it needs."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
