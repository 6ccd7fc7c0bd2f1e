"""Names of array types that many modules use."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int64]  # positions of rows
Matrix = npt.NDArray[np.float32]  # a model's input, of shape (n_rows, n_features)
