"""The TabPFN family: a pretrained transformer that reads the training rows (Hollmann et al. 2025).

Network and transformers are those of the package tabpfn, which the extra `pretrained` brings. The
weights must lie on this machine.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from automl.models._base import Family
from automl.models.pretrained.family import InContextFamily
from automl.models.pretrained.limits import Limits
from automl.models.pretrained.tabpfn_engine import TabPFNEngine
from automl.models.pretrained.weights import Weights

# By the version in a checkpoint's name, as the package itself tells them apart; one without any
# counts as the last. The rows are those that it takes on CPUs.
_LIMITS = {
    "v3.5": Limits(rows=5_000, columns=20_000, classes=10),
    "v3": Limits(rows=5_000, columns=2_000, classes=10),
    "v2.6": Limits(rows=1_000, columns=2_000, classes=10),
    "v2.5": Limits(rows=1_000, columns=2_000, classes=10),
    "v2": Limits(rows=1_000, columns=500, classes=10),
}
_MULTITASK = "tabpfn-v3.5-20260909.safetensors"


def cache_folder() -> Sequence[Path]:
    """Return the folder where tabpfn keeps its checkpoints."""
    chosen = os.environ.get("TABPFN_MODEL_CACHE_DIR")
    if chosen:
        return [Path(chosen)]
    if sys.platform == "darwin":
        return [Path.home() / "Library" / "Caches" / "tabpfn"]
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return [caches / "tabpfn"]


class TabPFNFamily(InContextFamily):
    """TabPFN, with the training rows as its context."""

    name = "tabpfn"
    about = (
        "pretrained transformer: TabPFN reads the training rows as a context (needs the extra "
        "pretrained, and weights on this machine; only where it is named)"
    )
    weights = Weights(
        family="tabpfn",
        variable="AUTOML_TABPFN_WEIGHTS",
        files={
            "classification": (
                _MULTITASK,
                "tabpfn-v3-classifier-v3_default.ckpt",
                "tabpfn-v2.6-classifier-v2.6_default.ckpt",
                "tabpfn-v2.5-classifier-v2.5_default.ckpt",
                "tabpfn-v2-classifier-finetuned-zk73skhh.ckpt",
            ),
            "regression": (
                _MULTITASK,
                "tabpfn-v3-regressor-v3_default.ckpt",
                "tabpfn-v2.6-regressor-v2.6_default.ckpt",
                "tabpfn-v2.5-regressor-v2.5_default.ckpt",
                "tabpfn-v2-regressor.ckpt",
            ),
        },
        folders=cache_folder,
    )
    engine = TabPFNEngine()

    def limits(self, path: Path) -> Limits:
        """Return how large a table a checkpoint takes."""
        for version, limits in _LIMITS.items():
            if version in path.name:
                return limits
        return _LIMITS["v2"]

    def licences(self, path: Path) -> str:
        """Return the licences of the code and of a checkpoint, as a clause."""
        code = "the code is under Apache-2.0"
        if path.name.startswith("tabpfn-v2-"):
            return (
                f"{code}, the weights under the Prior Labs License (Apache-2.0, and its authors "
                "must be named)"
            )
        return (
            f"{code}, the weights under a licence of Prior Labs that allows no commercial or "
            "productive use unless a checkpoint's own says otherwise"
        )


FAMILIES: tuple[Family, ...] = (TabPFNFamily(),)
