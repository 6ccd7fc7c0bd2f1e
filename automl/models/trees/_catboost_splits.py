"""CatBoost's splits as conditions of ours.

A split by number goes right above a border, and our conditions go left up to it. A split by
category goes right where the category is the one, and our conditions go left there, so the
children of such nodes change places.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from automl.arrays import Bools, Integers
from automl.models._blocks import is_outside
from automl.models.trees._catboost_columns import (
    CategoryTest,
    Columns,
    NumberTest,
    conditions_of,
)
from automl.models.trees._catboost_file import CatBoostFile, StatisticFeature
from automl.models.trees.conditions import Conditions, Indices


@dataclass(frozen=True)
class Splits:
    """Splits that trees use, by feature and by border.

    Parameters
    ----------
    file : CatBoostFile
    feature : ndarray of shape (n_splits,), int64
        Numbers among the numeric features, the one-hot features, and those of statistics, which
        follow each other.
    border : ndarray of shape (n_splits,), int64
        Numbers among the feature's borders or values.
    """

    file: CatBoostFile
    feature: Integers
    border: Integers

    @classmethod
    def of(cls, file: CatBoostFile, used: Integers) -> Splits:
        """Return splits by their numbers, which count the borders of all features.

        Raises
        ------
        ValueError
            There is no such split.
        """
        lengths = [len(feature.borders) for feature in file.numbers]
        lengths += [len(feature.values) for feature in file.one_hot]
        lengths += [len(feature.borders) for feature in file.statistics]
        counts = np.array(lengths, np.int64)
        ends = np.cumsum(counts)
        if is_outside(used, counts.sum()):
            raise ValueError("a split that is not there")
        feature = np.searchsorted(ends, used, side="right")
        starts = ends - counts
        border = used - starts[feature]
        return cls(file, feature, border)

    @property
    def _first_one_hot(self) -> int:
        return len(self.file.numbers)

    @property
    def _first_statistic(self) -> int:
        return self._first_one_hot + len(self.file.one_hot)

    @property
    def is_one_hot(self) -> Bools:
        """Whether each split is by a category."""
        is_number = self.feature < self._first_one_hot
        is_statistic = self.feature >= self._first_statistic
        return ~(is_number | is_statistic)

    @cached_property
    def _column_of_statistic(self) -> dict[int, int]:
        """The used statistics by their numbers, and the further columns that they become."""
        is_statistic = self.feature >= self._first_statistic
        numbers = np.unique(self.feature[is_statistic])
        numbers -= self._first_statistic
        columns: dict[int, int] = {}
        for number in numbers.tolist():
            columns[number] = len(columns)
        return columns

    @property
    def statistics(self) -> list[StatisticFeature]:
        """The statistics that splits read."""
        numbers = self._column_of_statistic
        return [self.file.statistics[number] for number in numbers]

    def conditions(self, columns: Columns) -> tuple[Conditions, Indices]:
        """Return the splits' conditions, and each split's among them."""
        pairs = np.stack([self.feature, self.border], axis=1)
        numbers = []
        categories = []
        for feature, border in pairs.tolist():
            test = self._test(feature, border, columns)
            if isinstance(test, NumberTest):
                numbers.append(test)
            else:
                categories.append(test)
        is_one_hot = self.is_one_hot
        among_numbers = np.cumsum(~is_one_hot) - 1
        among_categories = np.cumsum(is_one_hot) - 1
        after_numbers = among_categories + len(numbers)
        order = np.where(is_one_hot, after_numbers, among_numbers)
        conditions = conditions_of(numbers, categories)
        return conditions, order.astype(np.int32)

    def _test(
        self,
        feature: int,
        border: int,
        columns: Columns,
    ) -> NumberTest | CategoryTest:
        if feature < self._first_one_hot:
            numeric = self.file.numbers[feature]
            return NumberTest(
                column=numeric.column,
                threshold=numeric.borders[border].item(),
                missing_left=numeric.missing_left,
            )
        if feature < self._first_statistic:
            number = feature - self._first_one_hot
            one_hot = self.file.one_hot[number]
            value = one_hot.values[border].item()
            return columns.category_test(one_hot.category, value)
        number = feature - self._first_statistic
        statistic = self.file.statistics[number]
        column = self._column_of_statistic[number]
        return NumberTest(
            column=columns.count + column,
            threshold=statistic.borders[border].item(),
            missing_left=True,
        )
