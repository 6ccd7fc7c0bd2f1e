"""Lessons of the trials: importance, sensitivity, good ranges, stability, cost.

Nothing is trained here.
"""

from automl.insight.lessons import (
    Insight,
    Lesson,
    learn_from,
    seconds_to_learn,
)

__all__ = [
    "Insight",
    "Lesson",
    "learn_from",
    "seconds_to_learn",
]
