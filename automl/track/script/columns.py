"""The table's columns as a script reads them, and the features that it makes of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from automl.cleaning import Cleaner
from automl.cleaning.kinds import Rule
from automl.cleaning.kinds.category import CategoryRule
from automl.cleaning.kinds.date import DateRule
from automl.cleaning.kinds.duration import DurationRule
from automl.cleaning.kinds.number import NumberRule
from automl.cleaning.kinds.parts import PartsRule
from automl.cleaning.kinds.text import TextRule
from automl.features.date import CYCLES, DATE_PARTS


@dataclass
class ScriptColumns:
    """The raw columns by how a script reads them; features are named as automl names them.

    Parameters
    ----------
    numbers : list of str
        Raw columns of numbers.
    with_comma : list of str
        Those of them with a decimal comma.
    flags : list of str
    dates : dict of str to str
        The format of each date column.
    durations : dict of str to bool
        Whether 4:03 means four minutes.
    parts : dict of str to int
        Columns of several numbers in a cell, and how many.
    sentinels : dict of str to list of float
        Numbers that stand for a missing value.
    categories, texts : list of str
    second_categories, second_texts : dict of str to str
        The raw columns that are read in this way, too, by the name of the feature.
    levels : dict of str to int
        Number of levels of each feature that is a category.
    """

    numbers: list[str] = field(default_factory=list)
    with_comma: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    dates: dict[str, str] = field(default_factory=dict)
    durations: dict[str, bool] = field(default_factory=dict)
    parts: dict[str, int] = field(default_factory=dict)
    sentinels: dict[str, list[float]] = field(default_factory=dict)
    categories: list[str] = field(default_factory=list)
    second_categories: dict[str, str] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    second_texts: dict[str, str] = field(default_factory=dict)
    levels: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        cleaner: Cleaner,
    ) -> ScriptColumns:
        """Return the columns that a cleaner reads."""
        columns = cls()
        for name, rule in cleaner.rules.items():
            if name in cleaner.key_columns:
                columns.categories.append(name)
                columns.levels[name] = len(cleaner.category_values[name])
            else:
                columns._add(name, rule)
        for name, rule in cleaner.second_rules.items():
            columns._add_second(name, rule)
        for name, values in cleaner.category_values.items():
            if name in columns.numbers:
                columns._add_code(name, len(values))
        return columns

    def _add(
        self,
        name: str,
        rule: Rule,
    ) -> None:
        if isinstance(rule, NumberRule):
            self.numbers.append(name)
            if rule.comma:
                self.with_comma.append(name)
            if rule.sentinels:
                self.sentinels[name] = list(rule.sentinels)
        elif isinstance(rule, DateRule):
            self.dates[name] = rule.layout
        elif isinstance(rule, DurationRule):
            self.durations[name] = rule.minutes
        elif isinstance(rule, PartsRule):
            self.parts[name] = rule.shape.n_parts
        elif isinstance(rule, CategoryRule):
            self.categories.append(name)
            self.levels[name] = len(rule.levels)
        elif isinstance(rule, TextRule):
            self.texts.append(name)
        else:
            self.flags.append(name)

    def _add_second(
        self,
        name: str,
        rule: Rule,
    ) -> None:
        """Add a second reading as a category or as a text; others are left out."""
        if isinstance(rule, CategoryRule):
            self._add_code(name, len(rule.levels))
        elif isinstance(rule, TextRule):
            self.second_texts[f"{name} (spelling)"] = name

    def _add_code(
        self,
        name: str,
        n_levels: int,
    ) -> None:
        feature = f"{name} (code)"
        self.second_categories[feature] = name
        self.levels[feature] = n_levels

    @property
    def number_features(self) -> list[str]:
        """Names of the features that are numbers, but for flags."""
        names = [*self.numbers, *self.durations]
        for name in self.dates:
            names += [f"{name} ({part})" for part in DATE_PARTS]
        for name, count in self.parts.items():
            names += [
                f"{name} [{number}]"
                for number in range(
                    1,
                    count + 1,
                )
            ]
        return names

    @property
    def cycle_features(self) -> list[str]:
        """Names of the sines and cosines of dates."""
        return [f"{name} ({cycle})" for name in self.dates for cycle in CYCLES]

    @property
    def text_features(self) -> list[str]:
        """Names of the features that are texts."""
        return [*self.texts, *self.second_texts]
