"""`load`: read a predictor's file, without pandas, scikit-learn or a booster."""

from __future__ import annotations

from pathlib import Path

from automl.extensions import NO_EXTENSIONS, Extensions
from automl.predictor import archive
from automl.predictor.model import Predictor


def load(
    path: str | Path,
    expected_sha256: str | None = None,
    extra_families: Extensions = NO_EXTENSIONS,
) -> Predictor:
    """Read a predictor's file, quickly and with few imports.

    `automl.load` reads the same file as an estimator for users of scikit-learn. This function is
    for programs that only predict: a service, a job, a command. Reading, and predicting a small
    text file, import little but NumPy; see `automl.predictor.Predictor`.

    Parameters
    ----------
    path : str or Path
        The file, or the folder of its run.
    expected_sha256 : str, optional
        Refuse any other file.
    extra_families : Extensions, optional
        Families that the predictor may use in addition to the built-in and the installed ones.

    Returns
    -------
    Predictor

    Raises
    ------
    InputError
        There is no such file, it is damaged (UnsafeModel), or it is not the expected one.

    Examples
    --------
    >>> from automl import AutoMLClassifier
    >>> X = {"size": [1.5, 2.5, 3.5, 4.5] * 10, "place": ["Oslo", "Rome"] * 20}
    >>> y = ["small", "small", "large", "large"] * 10
    >>> model = AutoMLClassifier(pipeline="linear", trials=2, engine="inline").fit(X, y)
    >>> file = getfixture("tmp_path") / "sizes.automl"
    >>> _ = model.save(file)

    A program that only predicts needs these lines:

    >>> from automl.predictor import load
    >>> predictor = load(file)
    >>> predictor.task.labels
    ('large', 'small')
    >>> predictor.predict({"size": 4.4, "place": "Rome"}).tolist()
    ['large']
    """
    return archive.load(Path(path), expected_sha256, extra_families)
