"""The TabICL family: a pretrained transformer that reads the training rows (Qu et al. 2025, 2026).

Network and transformers are those of the package tabicl, which the extra `pretrained` brings. The
weights must lie on this machine.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from automl.models._base import Family
from automl.models.pretrained.family import InContextFamily
from automl.models.pretrained.limits import Limits
from automl.models.pretrained.tabicl_engine import TabICLEngine
from automl.models.pretrained.weights import Weights

_REPOSITORY = "models--jingang--TabICL"
# What its authors have measured; the ten classes are those that the network itself tells apart.
_LIMITS = Limits(rows=100_000, columns=2_000, classes=10)


def hub_snapshots() -> Sequence[Path]:
    """Return the folders in the cache of Hugging Face where tabicl keeps its checkpoints."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = Path(os.environ.get("HF_HOME") or caches / "huggingface")
    hub = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    snapshots = hub / _REPOSITORY / "snapshots"
    found = sorted(snapshots.glob("*"))
    return found or [snapshots]


class TabICLFamily(InContextFamily):
    """TabICL, with the training rows as its context."""

    name = "tabicl"
    about = (
        "pretrained transformer: TabICL reads the training rows as a context (needs the extra "
        "pretrained, and weights on this machine; only where it is named)"
    )
    weights = Weights(
        family="tabicl",
        variable="AUTOML_TABICL_WEIGHTS",
        files={
            "classification": ("tabicl-classifier-v2-20260212.ckpt",),
            "regression": ("tabicl-regressor-v2-20260212.ckpt",),
        },
        folders=hub_snapshots,
    )
    engine = TabICLEngine()

    def limits(self, path: Path) -> Limits:
        """Return how large a table a checkpoint takes."""
        return _LIMITS

    def licences(self, path: Path) -> str:
        """Return the licences of the code and of a checkpoint, as a clause."""
        return "code and published weights are under BSD-3-Clause"


FAMILIES: tuple[Family, ...] = (TabICLFamily(),)
