"""Give each number rule the decimal sign of the table to predict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from automl.cleaning.cells import Cells, Spelled, read_cells
from automl.cleaning.decimals import DecimalSign, Evidence, weigh_cells
from automl.cleaning.kinds import Rule
from automl.cleaning.kinds.number import NumberRule
from automl.cleaning.signs import NumbersAtFit, check_thousands, decide_signs
from automl.table import Table

Rules = Mapping[str, Rule]


def with_table_signs(
    rules: Rules,
    cells: Mapping[str, Cells],
    table: Table,
    fit_sign: DecimalSign | None,
) -> Rules:
    """Return the rules, where those of numbers have the decimal sign of this table.

    Parameters
    ----------
    rules : mapping of str to Rule
        The rules at fit.
    cells : mapping of str to Cells
        The table's cells by column, for all columns with a rule.
    table : Table
    fit_sign : DecimalSign or None
        The decimal sign of the table at fit, if it is known.

    Raises
    ------
    InputError
        If a number has two readings.
    """
    evidence: dict[str, Evidence] = {}
    seen: dict[str, NumbersAtFit] = {}
    has_sign = False
    has_two_readings = False
    for name, rule in rules.items():
        if not isinstance(rule, NumberRule):
            continue
        found = weigh_cells(cells[name])
        evidence[name] = found
        seen[name] = NumbersAtFit(rule.comma, rule.sizes)
        has_sign |= found.sign is not None
        has_two_readings |= bool(found.ambiguous)
    if not has_sign and not has_two_readings:
        return rules
    separator = None
    if table.form is not None:
        separator = table.form.separator
    fit_sign = fit_sign or DecimalSign(separator=separator)
    if not has_sign:
        others = _evidence_of_others(rules, table)
        evidence |= others
        for name in others:
            seen[name] = NumbersAtFit(fit_sign.comma, None)
    signs = decide_signs(evidence, seen, fit_sign, separator, table.source)
    signed_rules = dict(rules)
    for name, rule in rules.items():
        if not isinstance(rule, NumberRule):
            continue
        comma = signs[name]
        spelled = cells[name]
        if isinstance(spelled, Spelled):
            words = spelled.words.tolist()
            check_thousands(words, comma, seen[name], name, table.source)
        signed_rules[name] = replace(rule, comma=comma)
    return signed_rules


def _evidence_of_others(rules: Rules, table: Table) -> dict[str, Evidence]:
    """Return the evidence of columns that the model doesn't need, where they show a sign."""
    evidence: dict[str, Evidence] = {}
    for name, column in table.columns.items():
        if name in rules:
            continue
        cells = read_cells(column)
        found = weigh_cells(cells)
        if found.sign is not None:
            evidence[name] = replace(found, ambiguous=())
    return evidence
