"""The circumstances of a pretrained model's work: no network, one thread, one model at a time."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# Switches of the packages, read from their sources: no downloads, no telemetry, no browser.
OFFLINE = {
    "HF_HUB_OFFLINE": "1",  # huggingface_hub, which both packages download with
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TABPFN_DISABLE_TELEMETRY": "1",  # versions before 9 report each fit
    "TABPFN_NO_BROWSER": "1",  # later ones open a page where a licence is accepted
}
_SLOW = "Running on CPU with more than"  # tabpfn's, within the limits that it sets itself
_ONE_AT_A_TIME = threading.RLock()  # members predict in threads, and settings are the process's


@contextmanager
def isolated() -> Iterator[None]:
    """Let torch work in one thread without a network; the settings are as before afterwards.

    The number of threads may change the last bits of a sum.
    """
    import torch
    from threadpoolctl import threadpool_limits

    with _ONE_AT_A_TIME, offline(), threadpool_limits(1), warnings.catch_warnings():
        warnings.filterwarnings("ignore", _SLOW)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with torch.random.fork_rng([]), torch.no_grad():
                yield
        finally:
            torch.set_num_threads(threads)


@contextmanager
def offline() -> Iterator[None]:
    """Set the packages' switches."""
    before = {name: os.environ.get(name) for name in OFFLINE}
    os.environ.update(OFFLINE)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
