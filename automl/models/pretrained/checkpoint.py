"""Reading a checkpoint's description, without running anything that it holds."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automl.errors import InputError, one_line
from automl.models.pretrained.weights import Purpose

SAFE_SUFFIX = ".safetensors"  # arrays and text, by their format


def read_checkpoint(path: Path) -> Mapping[str, Any]:
    """Return a checkpoint of torch, which may hold nothing but arrays and plain values.

    The packages then read the same bytes, so these run no code there either.

    Raises
    ------
    InputError
        The file can't be read, or holds pickled code.
    """
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError:
        raise InputError(
            f"{path}: holds more than weights, and automl runs no code of a checkpoint. "
            "Use the file that the authors of the model publish."
        ) from None
    except (RuntimeError, OSError, EOFError, ValueError) as error:
        raise InputError(f"{path}: is no checkpoint of torch: {one_line(error)}.") from None
    if not isinstance(content, dict) or not isinstance(content.get("config"), dict):
        raise InputError(f"{path}: is a checkpoint of something else: it has no 'config'.")
    return content


def check_purpose(path: Path, found: Purpose, wanted: Purpose) -> None:
    """Refuse a checkpoint for another kind of task."""
    if found != wanted:
        raise InputError(f"{path}: is for {found}, and the task is {wanted}.")
