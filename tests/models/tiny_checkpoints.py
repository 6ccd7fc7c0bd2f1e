"""Tiny checkpoints of pretrained models, with random weights, saved as their authors save them."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from automl.models import PRETRAINED_FAMILIES, missing_library
from automl.models.pretrained.weights import PURPOSES, Purpose

VARIABLES = {family.name: family.weights.variable for family in PRETRAINED_FAMILIES}
CLASSES = 10  # that a network tells apart, as the published ones do
_TABICL = {
    "embed_dim": 16,
    "col_num_blocks": 1,
    "col_nhead": 2,
    "col_num_inds": 4,
    "row_num_blocks": 1,
    "row_nhead": 2,
    "row_num_cls": 2,
    "icl_num_blocks": 2,
    "icl_nhead": 2,
}
_TABPFN_3_5 = {
    "embed_dim": 16,
    "dist_embed_num_blocks": 1,
    "dist_embed_num_heads": 2,
    "dist_embed_num_inducing_points": 4,
    "feat_agg_num_blocks": 1,
    "feat_agg_num_heads": 2,
    "feat_agg_num_cls_tokens": 2,
    "nlayers": 2,
    "icl_num_heads": 2,
    "icl_num_kv_heads_test": 1,
    "decoder_head_dim": 8,
    "decoder_num_heads": 2,
    "softmax_scaling_mlp_hidden_dim": 8,
    "fourier_encoding_num_frequencies": 4,
    "cell_ecdf_num_frequencies": 2,
    "cell_ecdf_num_buckets": 64,
}
_SEED = 3  # with which the networks happen to rank the table wine better than at random
_BUCKETS = 16  # of the numbers that TabPFN predicts


def needs(name: str) -> Any:
    """Return the marks of a test that needs a package of pretrained models."""
    library = missing_library(name)
    skips = pytest.mark.skipif(bool(library), reason=f"needs {library}: make programs")
    return [pytest.mark.heavy, skips]


@functools.cache
def checkpoints(name: str) -> Path:
    """Return a folder with a family's checkpoints, which are made once in a process."""
    folder = Path(tempfile.mkdtemp(prefix=f"automl-{name}-"))
    for purpose in PURPOSES:
        make_checkpoint(name, purpose, folder)
    if name == "tabpfn":
        make_multitask_checkpoint(folder)
    return folder


def make_checkpoint(name: str, purpose: Purpose, folder: Path) -> Path:
    """Write a checkpoint under the name that its authors gave it; the last one that there is."""
    (family,) = (family for family in PRETRAINED_FAMILIES if family.name == name)
    path = folder / family.weights.files[purpose][-1]
    make = {"tabicl": _save_tabicl, "tabpfn": _save_tabpfn_2}[name]
    with _random_numbers():
        make(path, CLASSES if purpose == "classification" else 0)
    return path


def make_multitask_checkpoint(folder: Path) -> Path:
    """Write a checkpoint like that of TabPFN 3.5, for classes and numbers, in the safe format."""
    from tabpfn.architectures import tabpfn_v3_5
    from tabpfn.checkpoint import save_as_safetensors
    from tabpfn.constants import ModelVersion
    from tabpfn.inference_config import InferenceConfig

    path = folder / "tabpfn-v3.5-20260909.safetensors"
    config = tabpfn_v3_5.TabPFNV3p5Config(
        max_num_classes=CLASSES, num_buckets=_BUCKETS, **_TABPFN_3_5
    )
    with _random_numbers():
        network = tabpfn_v3_5.get_architecture(config)
        _shake(network)
    content = {
        "state_dict": network.state_dict(),
        "config": asdict(config),
        "architecture_name": "tabpfn_v3_5",
        "inference_config": asdict(InferenceConfig.get_default("multiclass", ModelVersion.V2_5)),
    }
    save_as_safetensors(content, path)
    return path


def _save_tabicl(path: Path, classes: int) -> None:
    import torch
    from tabicl._model.tabicl import TabICL

    config = {"max_classes": classes, "num_quantiles": 9, **_TABICL}
    network = TabICL(**config)
    _shake(network)
    torch.save({"config": config, "state_dict": network.state_dict()}, path)


def _save_tabpfn_2(path: Path, classes: int) -> None:
    import torch
    from tabpfn.architectures import tabpfn_v2
    from tabpfn.architectures.shared.bar_distribution import FullSupportBarDistribution

    config = tabpfn_v2.TabPFNV2Config(
        max_num_classes=classes, num_buckets=_BUCKETS, emsize=24, nlayers=2, nhead=2
    )
    network = tabpfn_v2.get_architecture(config)
    _shake(network)
    state = dict(network.state_dict())
    if not classes:
        borders = FullSupportBarDistribution(torch.linspace(-4, 4, _BUCKETS + 1))
        state |= {f"criterion.{key}": value for key, value in borders.state_dict().items()}
    torch.save({"state_dict": state, "config": asdict(config)}, path)


def _shake(network: Any) -> None:
    """Move all weights, of which many begin with 0 so that nothing depends on the rows."""
    import torch

    with torch.no_grad():
        for weights in network.parameters():
            weights.add_(0.2 * torch.randn_like(weights))


@contextmanager
def _random_numbers() -> Iterator[None]:
    import torch

    with torch.random.fork_rng([]):
        torch.manual_seed(_SEED)
        yield
