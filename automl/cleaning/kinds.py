"""Which kind a raw column is: number, category, flag, date or text, told from its distinct words."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Literal

import numpy as np

from automl.cleaning import dates, numbers
from automl.cleaning.cells import Cells, Codes, Typed, as_words
from automl.cleaning.findings import Finding, examples
from automl.cleaning.rules import FALSE_WORDS, TRUE_WORDS, CategoryRule, DateRule, FlagRule, NumberRule, Rule, TextRule

KINDS = ("number", "category", "flag", "date", "text")
MAX_LEVELS = 1_000_000

_EXACT = 2.0**53  # whole numbers beyond it lose digits as float64
_STRAY_SHARE = 0.05  # a column of numbers may hold that many other words; they become missing
_STRAY_NUMBERS = 10  # ... if it has at least so many different numbers: 1, 2, 3+ are categories
_KEPT_STRAYS = 200
_SPELLINGS = 6  # no, No, NO, yes, Yes, YES
_DATE_NAME = re.compile(r"date|day|time|(^|_)dt($|_)", re.IGNORECASE)
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")  # scripts without spaces


@dataclass(frozen=True)
class Inferred:
    """What a column was taken for."""

    rule: Rule
    findings: tuple[Finding, ...] = ()


def infer(name: str, cells: Cells) -> Inferred:
    """The kind of a column from its cells, which have been tidied.

    >>> from automl.cleaning.cells import read_cells, tidy
    >>> import pandas as pd
    >>> [infer("a", tidy(read_cells(pd.Series(words)))).rule.kind for words in (["$1", "2"], ["no", "yes"], ["01234", "9"])]
    ['number', 'flag', 'category']
    """
    if isinstance(cells, Typed):
        return _typed(name, cells)
    words, counts = cells.words.tolist(), cells.counts()
    if cells.fixed:
        return Inferred(_categories(words, counts))
    if not words:
        return Inferred(CategoryRule())
    if len(words) <= _SPELLINGS and is_flag(words):
        return Inferred(_flag(words))
    return _numbers(name, words, counts) or _dates(name, words, counts) or _words(name, words, counts)


def force(name: str, cells: Cells, kind: str) -> Inferred:
    """The rule of a kind that the user chose."""
    if kind == "text":
        return Inferred(TextRule())
    if kind == "flag":
        return Inferred(FlagRule())
    if kind == "number":
        return Inferred(NumberRule()) if isinstance(cells, Typed) else Inferred(NumberRule(comma=_decimal_comma(cells.words.tolist())))
    spelled = as_words(cells)
    words = spelled.words.tolist()
    if kind == "date":
        layout = "%Y%m%d" if dates.is_compact(words) else dates.layout_of(words)
        return Inferred(DateRule(layout or dates.ISO))
    return Inferred(_categories(words, spelled.counts()))


def _typed(name: str, cells: Typed) -> Inferred:
    if cells.form == "flag":
        return Inferred(FlagRule())
    if cells.form == "date":
        return Inferred(DateRule())
    if cells.whole and _DATE_NAME.search(name):
        spelled = as_words(cells)
        return _compact(name, spelled.words.tolist(), spelled.counts()) or Inferred(NumberRule())
    return Inferred(NumberRule())


def is_flag(words: list[str]) -> bool:
    """Whether these two distinct words are true and false, or yes and no.

    >>> is_flag(["Yes", "No"]), is_flag(["yes", "false"]), is_flag(["0", "1"])
    (True, False, False)
    """
    folded = sorted({word.casefold() for word in words})
    return folded in (["false", "true"], ["no", "yes"], ["f", "t"], ["n", "y"])


def _flag(words: list[str]) -> FlagRule:
    false = next(word for word in words if word.casefold() in FALSE_WORDS)
    return FlagRule((false, next(word for word in words if word.casefold() in TRUE_WORDS)))


def _numbers(name: str, words: list[str], counts: Codes) -> Inferred | None:
    if not _worth_parsing(words) or numbers.are_codes(words):
        return None
    comma = _decimal_comma(words)
    parsed = numbers.parse(words, comma=comma)
    readable = parsed.readable.copy()
    readable[~readable] = [numbers.is_infinite(words[place]) for place in np.flatnonzero(~readable)]
    total, good = int(counts.sum()), int(counts[readable].sum())
    if not parsed.readable.any() or (good < total and (good < (1 - _STRAY_SHARE) * total or parsed.readable.sum() < _STRAY_NUMBERS)):
        return None
    if parsed.odd == 0 and good == total and (compact := _DATE_NAME.search(name) and _compact(name, words, counts)):
        return compact
    findings: list[Finding] = []
    if parsed.odd:
        odd = [word for word, ok in zip(words, parsed.readable, strict=True) if ok and not _is_plain(word)]
        text = "numbers written with signs of currency, percent or thousands were read" + (" (decimal comma)" if comma else "")
        findings.append(
            Finding("number_text", (name,), "info", _rows_of(words, counts, odd), examples(odd), text, _override(name, "category"))
        )
    strays = [word for word, ok in zip(words, readable, strict=True) if not ok]
    if strays:
        findings.append(_stray(name, "numbers", strays, _rows_of(words, counts, strays)))
    if lost := len(words) - len(np.unique(parsed.values[parsed.readable])) if (np.abs(parsed.values) >= _EXACT).any() else 0:
        text = f"numbers beyond 2^53 lost their last digits: {lost} of {len(words)} different ones are no longer told apart"
        findings.append(Finding("digits_lost", (name,), "warning", lost, (), text, _override(name, "category")))
    unusable = [word for word, ok in zip(words, parsed.readable, strict=True) if not ok]
    return Inferred(NumberRule(comma, strays=tuple(unusable[:_KEPT_STRAYS])), tuple(findings))


def _worth_parsing(words: list[str]) -> bool:
    """A look at a sample: text fails it soon."""
    sample = words[:: max(1, len(words) // 200)]
    return bool(numbers.parse(sample).readable.mean() >= 0.5 or numbers.parse(sample, comma=True).readable.mean() >= 0.5)


def _decimal_comma(words: list[str]) -> bool:
    with_comma = [word for word in words if "," in word]
    if not with_comma:
        return False
    return int(numbers.parse(with_comma, comma=True).readable.sum()) > int(numbers.parse(with_comma).readable.sum())


def _is_plain(word: str) -> bool:
    try:
        return "_" not in word and np.isfinite(float(word))
    except ValueError:
        return False


def _dates(name: str, words: list[str], counts: Codes) -> Inferred | None:
    layout = dates.layout_of(words)
    if layout is None:
        return None
    bad = np.isnan(dates.parse(words, layout))
    if counts[bad].sum() > _STRAY_SHARE * counts.sum():
        return None
    strays = [word for word, is_bad in zip(words, bad, strict=True) if is_bad]
    findings = [_read_as_date(name, words, counts, layout)]
    if strays:
        findings.append(_stray(name, "dates", strays, int(counts[bad].sum())))
    return Inferred(DateRule(layout, tuple(strays[:_KEPT_STRAYS])), tuple(findings))


def _compact(name: str, words: list[str], counts: Codes) -> Inferred | None:
    if not dates.is_compact(words):
        return None
    return Inferred(DateRule("%Y%m%d"), (_read_as_date(name, words, counts, "%Y%m%d"),))


def _read_as_date(name: str, words: list[str], counts: Codes, layout: str) -> Finding:
    return Finding(
        "date", (name,), "info", int(counts.sum()), examples(words), f"read as dates of the format {layout}", _override(name, "category")
    )


def _words(name: str, words: list[str], counts: Codes) -> Inferred:
    if _is_text(words, counts):
        action = "taken as free text"
        return Inferred(TextRule(), (Finding("text", (name,), "info", len(words), examples(words), action, _override(name, "category")),))
    rule = _categories(words, counts)
    if len(rule.levels) == len(words):
        return Inferred(rule)
    action = f"only the {MAX_LEVELS} most frequent of its categories are kept"
    return Inferred(rule, (Finding("levels", (name,), "warning", len(words), (), action),))


def _categories(words: list[str], counts: Codes) -> CategoryRule:
    if len(words) > MAX_LEVELS:
        words = [words[place] for place in np.argsort(-counts, kind="stable")[:MAX_LEVELS]]
    return CategoryRule(tuple(sorted(words)))


def _is_text(words: list[str], counts: Codes) -> bool:
    """Many words a cell, mostly different ones. Few long answers that repeat are categories."""
    total = int(counts.sum())
    if len(words) < 20:
        return False
    sample = words[:: max(1, len(words) // 2000)]
    spaces = float(np.mean([len(word.split()) + len(_UNSPACED.findall(word)) // 2 for word in sample]))
    length = float(np.mean([len(word) for word in sample]))
    distinct = len(words) / total
    return (spaces >= 3 and distinct >= 0.3) or (spaces >= 1.8 and distinct >= 0.8) or (spaces >= 2 and length >= 50 and distinct >= 0.2)


def _stray(name: str, what: str, strays: list[str], count: int) -> Finding:
    return Finding(
        "stray", (name,), "warning", count, examples(strays), f"other words among the {what} count as missing", _override(name, "category")
    )


def _rows_of(words: list[str], counts: Codes, some: list[str]) -> int:
    chosen = set(some)
    return int(sum(count for word, count in zip(words, counts.tolist(), strict=True) if word in chosen))


def _override(name: str, kind: Literal["category", "number", "text"]) -> str:
    return f"--set {shlex.quote(f'clean.kinds.{name}={kind}')}"
