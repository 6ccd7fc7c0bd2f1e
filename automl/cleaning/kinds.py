"""Which kind a raw column is: number, category, flag, date or text, told from its distinct words."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from automl.cleaning import dates, durations, numbers
from automl.cleaning.cells import MISSING_NUMBERS, Cells, Codes, Typed, as_words
from automl.cleaning.decimals import UNKNOWN, DecimalSign, weigh
from automl.cleaning.drops import has_id_name
from automl.cleaning.findings import Finding, examples
from automl.cleaning.rules import (
    FALSE_WORDS,
    TRUE_WORDS,
    CategoryRule,
    DateRule,
    DurationRule,
    FlagRule,
    NumberRule,
    PartsRule,
    Rule,
    TextRule,
)
from automl.cleaning.shapes import HOLE, Shape, shape_of
from automl.cleaning.signs import sizes_of
from automl.columns import Floats

KINDS = ("number", "category", "flag", "date", "text")
MAX_LEVELS = 1_000_000

_EXACT = 2.0**53  # whole numbers beyond it lose digits as float64
_STRAY_SHARE = 0.05  # a column of numbers may hold that many other words; they become missing
_STRAY_NUMBERS = 10  # ... if it has at least so many different numbers: 1, 2, 3+ are categories
_FEW_WORDS = 5  # different words without a digit may be far more frequent
_FEW_WORDS_SHARE = 0.5
_NUMBERS_A_WORD = 4  # different numbers for each different word: S, M, L, 1, 2 are categories
_FEWEST_SHAPED = 20  # different words of one shape; fewer are categories
_ROWS_A_WORD = 3.0  # on average, from which on words of one shape stay categories, too
_MOST_BOUNDS = 0.5  # of different words may be bounds such as <1000
_SURPRISE = 0.05  # of the cells hold a category of their own: more, and a new one is no surprise
_KEPT_STRAYS = 200
_SPELLINGS = 6  # no, No, NO, yes, Yes, YES
_FEWEST_MILLISECONDS = 9e11  # since 1970: fewer are no epoch without a date's name
_DATE_NAME = re.compile(r"date|day|time|(^|_)dt($|_)", re.IGNORECASE)
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]"
)  # scripts without spaces


@dataclass(frozen=True)
class Inferred:
    """What a column was taken for."""

    rule: Rule
    findings: tuple[Finding, ...] = ()


def infer(name: str, cells: Cells, sign: DecimalSign = UNKNOWN) -> Inferred:
    """The kind of a column from its cells, which have been tidied, in a file of this decimal sign.

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
    return (
        _numbers(name, words, counts, sign)
        or _dates(name, words, counts)
        or _durations(name, words, counts)
        or _parts(name, words, counts, sign)
        or _words(name, words, counts)
    )


def force(name: str, cells: Cells, kind: str, sign: DecimalSign = UNKNOWN) -> Inferred:
    """The rule of a kind that the user chose."""
    if kind == "text":
        return Inferred(TextRule())
    if kind == "flag":
        return Inferred(FlagRule())
    if kind == "number":
        return Inferred(_forced_number(cells, sign))
    spelled = as_words(cells)
    words = spelled.words.tolist()
    if kind == "date":
        layout = (
            "%Y%m%d"
            if dates.is_compact(words)
            else dates.stamp_of(words, short=True) or dates.layout_of(words)
        )
        return Inferred(DateRule(layout or dates.epoch_of(words, "date") or dates.ISO))
    return Inferred(_categories(words, spelled.counts()))


def _forced_number(cells: Cells, sign: DecimalSign) -> Rule:
    if isinstance(cells, Typed):
        return DurationRule() if cells.form == "duration" else _number_rule(cells.values)
    words = cells.words.tolist()
    comma = sign.of(weigh(words))
    values = numbers.read(words, comma=comma)
    unread = np.isnan(values).sum()
    if unread > np.isnan(durations.parse(words)).sum():
        return DurationRule(durations.minutes_first(words))
    shape = shape_of(words, comma=comma) if unread else None
    if shape is not None and shape.n_parts == 1 and np.isnan(shape.parse(words)).sum() < unread:
        return PartsRule(shape)
    return _number_rule(values, comma)


def _number_rule(values: Floats, comma: bool = False, strays: tuple[str, ...] = ()) -> NumberRule:
    return NumberRule(comma, strays=strays, sizes=sizes_of(values))


def _typed(name: str, cells: Typed) -> Inferred:
    if cells.form == "flag":
        return Inferred(FlagRule())
    if cells.form == "date":
        return Inferred(DateRule())
    if cells.form == "duration":
        return Inferred(DurationRule())
    rule = _number_rule(cells.values)
    present = cells.values[np.isfinite(cells.values)]
    dated = _DATE_NAME.search(name) or dates.is_epoch_name(name)
    if (
        len(present)
        and (dated or present.min() > _FEWEST_MILLISECONDS)
        and (present == np.floor(present)).all()
    ):
        spelled = as_words(Typed(cells.values))
        words = [word for word in spelled.words.tolist() if word]
        return _moments(name, words, spelled.counts()[: len(words)]) or Inferred(rule)
    return Inferred(rule)


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


def _numbers(name: str, words: list[str], counts: Codes, sign: DecimalSign) -> Inferred | None:
    if not _worth_parsing(words) or numbers.are_codes(words):
        return None
    comma = sign.of(weigh(words))
    strict = numbers.parse(words, comma=comma)
    values = _values(words, strict, comma)
    is_number = ~np.isnan(values)
    readable = is_number.copy()
    readable[~readable] = [numbers.is_infinite(words[place]) for place in np.flatnonzero(~readable)]
    strays = _strays(words, counts, readable)
    if strays is None or not is_number.any():
        return None
    good = [word for word, ok in zip(words, readable, strict=True) if ok] if strays else words
    if (moments := _moments(name, good, counts[readable], tuple(strays))) is not None:
        return moments
    is_plain = strict.odd == 0 and strict.readable.sum() == is_number.sum()
    findings = [] if is_plain else _odd_findings(name, words, counts, is_number, comma)
    findings += _stray_findings(name, "numbers", words, counts, strays)
    lost = len(words) - len(np.unique(values[is_number])) if (np.abs(values) >= _EXACT).any() else 0
    if lost and len(good) == is_number.sum() and all(map(_is_whole, good)):
        return _long(name, words, strays, findings)
    if lost:
        text = f"numbers beyond 2^53 lost their last digits: {lost} of {len(words)} different ones are no longer told apart"
        findings.append(
            Finding("digits_lost", (name,), "warning", lost, (), text, _override(name, "category"))
        )
    unusable = [words[place] for place in np.flatnonzero(~is_number).tolist()]
    return Inferred(_number_rule(values, comma, tuple(unusable[:_KEPT_STRAYS])), tuple(findings))


def _is_whole(word: str) -> bool:
    return word[1:].isdecimal() if word[:1] in ("-", "+") else word.isdecimal()


def _long(name: str, words: list[str], strays: list[str], findings: list[Finding]) -> Inferred:
    """Whole numbers of which floats would lose the last digits."""
    text = "whole numbers beyond 2^53: their first and their last digits became a column each"
    told = Finding(
        "parts", (name,), "info", len(words), examples(words), text, _override(name, "category")
    )
    return Inferred(PartsRule(Shape(HOLE), tuple(strays[:_KEPT_STRAYS])), (*findings, told))


def _values(words: list[str], strict: numbers.Parsed, comma: bool) -> Floats:
    """The numbers; marks such as K and < count only where many different numbers are there."""
    if strict.readable.all():
        return strict.values
    values = numbers.read(words, comma=comma)
    bounds = sum(word.lstrip()[:1] in numbers.BOUNDS for word in words)
    many = len(np.unique(values[~np.isnan(values)])) >= _STRAY_NUMBERS
    return values if many and bounds <= _MOST_BOUNDS * len(words) else strict.values


def _strays(words: list[str], counts: Codes, readable: npt.NDArray[np.bool_]) -> list[str] | None:
    """Return the words that are not of a column's kind; None if they are too many for this kind."""
    others: list[int] = np.flatnonzero(~readable).tolist()
    unknown = [place for place in others if words[place].casefold() not in MISSING_NUMBERS]
    strays = [words[place] for place in others]
    if not unknown:
        return strays
    n_readable = int(readable.sum())
    if n_readable < _STRAY_NUMBERS:
        return None
    share = int(counts[unknown].sum()) / int(counts.sum())
    if share <= _STRAY_SHARE:
        return strays
    has_digits = any(any(map(str.isdigit, words[place])) for place in unknown)
    most = min(_FEW_WORDS, n_readable // _NUMBERS_A_WORD)
    return strays if share <= _FEW_WORDS_SHARE and len(unknown) <= most and not has_digits else None


def _odd_findings(
    name: str, words: list[str], counts: Codes, is_number: npt.NDArray[np.bool_], comma: bool
) -> list[Finding]:
    odd = [
        word
        for word, ok in zip(words, is_number, strict=True)
        if ok and not (_is_plain(word) and not (comma and "." in word))
    ]
    if not odd:
        return []
    text = "numbers written with signs of currency, percent or thousands were read" + (
        " (decimal comma)" if comma else ""
    )
    rows = _rows_of(words, counts, odd)
    return [
        Finding(
            "number_text", (name,), "info", rows, examples(odd), text, _override(name, "category")
        )
    ]


def _stray_findings(
    name: str, what: str, words: list[str], counts: Codes, strays: list[str]
) -> list[Finding]:
    known = [word for word in strays if word.casefold() in MISSING_NUMBERS or dates.is_nil(word)]
    other = [word for word in strays if word not in known]
    findings = [_stray(name, what, other, _rows_of(words, counts, other))] if other else []
    if known:
        text = f"words among {what} that stand for a missing value"
        findings.append(
            Finding(
                "missing_words",
                (name,),
                "info",
                _rows_of(words, counts, known),
                examples(known),
                text,
            )
        )
    return findings


def _moments(
    name: str, words: list[str], counts: Codes, strays: tuple[str, ...] = ()
) -> Inferred | None:
    """Numbers that are dates: 20201231 under a date's name, 20201231235959, or an epoch."""
    layout = "%Y%m%d" if _DATE_NAME.search(name) and dates.is_compact(words) else None
    layout = layout or dates.stamp_of(words, short=_DATE_NAME.search(name) is not None)
    if layout is None and not has_id_name(name):
        layout = dates.epoch_of(words, name)
    if layout is None:
        return None
    return Inferred(
        DateRule(layout, strays[:_KEPT_STRAYS]), (_read_as_date(name, words, counts, layout),)
    )


def _worth_parsing(words: list[str]) -> bool:
    """A look at a sample: text fails it soon."""
    sample = words[:: max(1, len(words) // 200)]
    return any(
        numbers.parse(sample, comma=comma, marks=True).readable.mean() >= 0.5
        for comma in (False, True)
    )


def _is_plain(word: str) -> bool:
    try:
        return "_" not in word and np.isfinite(float(word))
    except ValueError:
        return False


def _dates(name: str, words: list[str], counts: Codes) -> Inferred | None:
    is_nil = np.array([dates.is_nil(word) or word.casefold() in MISSING_NUMBERS for word in words])
    layout = _layout([word for word, nil in zip(words, is_nil, strict=True) if not nil])
    if layout is None:
        return None
    readable = ~np.isnan(dates.read(words, layout)) & ~is_nil
    strays = _strays(words, counts, readable | is_nil)
    if strays is None:
        return None
    strays = [word for word, ok in zip(words, readable, strict=True) if not ok]
    findings = [
        _read_as_date(name, words, counts, layout),
        *_stray_findings(name, "dates", words, counts, strays),
    ]
    return Inferred(DateRule(layout, tuple(strays[:_KEPT_STRAYS])), tuple(findings))


def _layout(words: list[str]) -> str | None:
    """The format of dates, a few other words aside."""
    layout = dates.layout_of(words)
    if layout is not None or not any(any(map(str.isdigit, word)) for word in words[:_KEPT_STRAYS]):
        return layout
    digits = [word for word in words if any(map(str.isdigit, word))]
    return dates.layout_of(digits) if len(words) - len(digits) <= _FEW_WORDS else None


def _durations(name: str, words: list[str], counts: Codes) -> Inferred | None:
    sample = words[:: max(1, len(words) // _KEPT_STRAYS)]
    if len(words) < _STRAY_NUMBERS or np.isnan(durations.parse(sample)).mean() > 0.5:
        return None
    minutes = durations.minutes_first(words)
    readable = ~np.isnan(durations.parse(words, minutes=minutes))
    strays = _strays(words, counts, readable)
    if strays is None or readable.sum() < _STRAY_NUMBERS:
        return None
    text = "read as durations or times of day, in seconds" + (
        " (4:03 is four minutes)" if minutes else ""
    )
    good = [word for word, ok in zip(words, readable, strict=True) if ok]
    rows = _rows_of(words, counts, good)
    findings = [
        Finding(
            "duration", (name,), "info", rows, examples(good), text, _override(name, "category")
        )
    ]
    findings += _stray_findings(name, "durations", words, counts, strays)
    return Inferred(DurationRule(minutes, tuple(strays[:_KEPT_STRAYS])), tuple(findings))


def _parts(name: str, words: list[str], counts: Codes, sign: DecimalSign) -> Inferred | None:
    """Return the rule for words that differ in their numbers alone, unless they stay categories."""
    shape = numbers_within(words, counts, sign.comma)
    if shape is None or stays_category(shape, words, counts):
        return None
    is_bad = np.isnan(shape.parse(words)[:, 0])
    if counts[is_bad].sum() > _STRAY_SHARE * counts.sum():
        return None
    strays = [word for word, bad in zip(words, is_bad, strict=True) if bad]
    findings = [
        parts_finding(name, shape, words, counts),
        *_stray_findings(name, "numbers", words, counts, strays),
    ]
    return Inferred(PartsRule(shape, tuple(strays[:_KEPT_STRAYS])), tuple(findings))


def numbers_within(words: list[str], counts: Codes, comma: bool = False) -> Shape | None:
    """The shape of words that differ in their numbers alone, if they are many.

    >>> words = [f"{number}/80" for number in range(90, 120)]
    >>> numbers_within(words, np.ones(30, np.int64)).shown()
    '#/#'
    """
    return shape_of(words, comma=comma) if len(words) >= _FEWEST_SHAPED else None


def stays_category(shape: Shape, words: list[str], counts: Codes) -> bool:
    """Whether words of a shape repeat and are more than an amount with its unit."""
    repeats = int(counts.sum()) >= _ROWS_A_WORD * len(words)
    is_amount = (
        shape.n_parts == 1
        and not any(map(str.isalpha, shape.text.partition(HOLE)[0]))
        and "#" not in shape.text
    )
    return repeats and not is_amount


def parts_finding(name: str, shape: Shape, words: list[str], counts: Codes) -> Finding:
    """What is told of numbers that were read from words."""
    what = (
        "its number was read"
        if shape.n_parts == 1
        else f"its {shape.n_parts} numbers became columns"
    )
    text = f"words of the shape {shape.shown()!r}: {what}"
    return Finding(
        "parts", (name,), "info", len(words), examples(words), text, _override(name, "category")
    )


def _read_as_date(name: str, words: list[str], counts: Codes, layout: str) -> Finding:
    return Finding(
        "date",
        (name,),
        "info",
        int(counts.sum()),
        examples(words),
        f"read as dates of the format {layout}",
        _override(name, "category"),
    )


def _words(name: str, words: list[str], counts: Codes) -> Inferred:
    if _is_text(words, counts):
        action = "taken as free text"
        return Inferred(
            TextRule(),
            (
                Finding(
                    "text",
                    (name,),
                    "info",
                    len(words),
                    examples(words),
                    action,
                    _override(name, "category"),
                ),
            ),
        )
    rule = _categories(words, counts)
    if len(rule.levels) == len(words):
        return Inferred(rule)
    action = f"only the {MAX_LEVELS} most frequent of its categories are kept"
    return Inferred(rule, (Finding("levels", (name,), "warning", len(words), (), action),))


def _categories(words: list[str], counts: Codes) -> CategoryRule:
    if len(words) > MAX_LEVELS:
        words = [words[place] for place in np.argsort(-counts, kind="stable")[:MAX_LEVELS]]
    is_open = bool((counts == 1).sum() > _SURPRISE * counts.sum())
    return CategoryRule(tuple(sorted(words)), is_open)


def _is_text(words: list[str], counts: Codes) -> bool:
    """Many words a cell, mostly different ones. Few long answers that repeat are categories."""
    total = int(counts.sum())
    if len(words) < 20:
        return False
    sample = words[:: max(1, len(words) // 2000)]
    spaces = float(
        np.mean([len(word.split()) + len(_UNSPACED.findall(word)) // 2 for word in sample])
    )
    length = float(np.mean([len(word) for word in sample]))
    distinct = len(words) / total
    return (
        (spaces >= 3 and distinct >= 0.3)
        or (spaces >= 1.8 and distinct >= 0.8)
        or (spaces >= 2 and length >= 50 and distinct >= 0.2)
    )


def _stray(name: str, what: str, strays: list[str], count: int) -> Finding:
    return Finding(
        "stray",
        (name,),
        "warning",
        count,
        examples(strays),
        f"other words among the {what} count as missing",
        _override(name, "category"),
    )


def _rows_of(words: list[str], counts: Codes, some: list[str]) -> int:
    chosen = set(some)
    return int(
        sum(count for word, count in zip(words, counts.tolist(), strict=True) if word in chosen)
    )


def _override(name: str, kind: Literal["category", "number", "text"]) -> str:
    return f"--set {shlex.quote(f'clean.kinds.{name}={kind}')}"
