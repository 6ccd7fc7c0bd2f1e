"""Training rows with encoded targets, and the constant where nothing can be learnt from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from automl.arrays import Floats, Matrix
from automl.models._base import FitContext, Sample
from automl.models._target import TargetCoding
from automl.models.constant import ConstantModel, fit_constant


@dataclass(frozen=True)
class EncodedRows:
    """Training rows with encoded targets.

    Parameters
    ----------
    sample : Sample
    target : TargetCoding
    fallback : ConstantModel or None
        The model, if no column varies or the target does not: some libraries refuse such tables.
    """

    sample: Sample
    target: TargetCoding
    fallback: ConstantModel | None

    def map_features(self, function: Callable[[Matrix], Matrix]) -> EncodedRows:
        """Return the rows with a function applied to their features."""
        X = function(self.sample.X)
        sample = replace(self.sample, X=X)
        return replace(self, sample=sample)


def encode_rows(train: Sample, context: FitContext) -> EncodedRows:
    """Choose the encoding of the target and encode the training rows."""
    target = TargetCoding.fit(train, context)
    sample = target.encode(train)
    fallback = None
    if not _is_learnable(sample, target):
        fallback = fit_constant(train, context)
    return EncodedRows(sample, target, fallback)


def _is_learnable(sample: Sample, target: TargetCoding) -> bool:
    """Return whether the encoded target and a column vary."""
    if target.n_classes:
        target_varies = len(target.present) > 1
    else:
        target_varies = _varies(sample.y)
    if not target_varies:
        return False
    columns = sample.X.T
    return any(_varies(column) for column in columns)


def _varies(column: Matrix | Floats) -> bool:
    # A column that begins with a missing value varies unless all values are missing.
    first = column[0]
    if np.isnan(first):
        return not np.isnan(column).all()
    is_different = column != first
    return bool(is_different.any())
