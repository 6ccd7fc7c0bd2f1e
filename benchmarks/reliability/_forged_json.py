"""Forge JSON: values of other types and sizes, other names, other places."""

from __future__ import annotations

import contextlib
import copy
import json
from random import Random
from typing import Any

DEEP = "@@deep@@"  # stands for lists nested thousands of times
HUGE = "@@huge@@"  # stands for a number of hundreds of digits
ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    -1,
    0,
    1,
    2,
    3,
    255,
    2**15,
    2**16,
    2**31 - 1,
    2**31,
    2**32,
    2**53,
    2**63 - 1,
    2**63,
    2**64,
    -(2**31) - 1,
    -(2**63),
    0.5,
    -0.0,
    1e-320,
    1e308,
    float("nan"),
    float("inf"),
    -float("inf"),
    "",
    " ",
    "x" * 5000,
    "../../etc/passwd",
    "/etc/passwd",
    "builtins.eval",
    "__class__",
    "\x00",
    "\ud800",
    "1",
    "nan",
    [],
    {},
    [[]],
    [None],
    [0],
    [-1],
    ["a"],
    {"a": 1},
    {"$array": "0.npy"},
    {"$array": "9.npy"},
    {"$array": "../x.npy"},
    {"$array": ["0.npy"]},
    {"$bytes": "0.bin"},
    {"$bytes": "0.npy"},
)
_WORDS = """
    knn lightgbm catboost xgboost extra_trees random_forest linear mlp constant
    number pieces date native onehot lookup text_numbers text_sums arithmetic cross
    plain standard quantile flag duration parts text category letters words
    binary multiclass regression log_loss roc_auc rmse mae rmsle mape pinball
    auto int float bool arrow excel json length month + - * / %
"""
WORDS = _WORDS.split()


def forge_json(text: bytes, rng: Random) -> tuple[str, bytes]:
    """Return what was done, and JSON with one value, name or place changed."""
    chance = rng.random()
    if chance < 0.03:
        return "text of JSON", _forge_text(text, rng)
    try:
        value = json.loads(text)
    except RecursionError:  # an earlier change nested it deeply
        return "text of JSON", _forge_text(text, rng)
    if not isinstance(value, (dict, list)) or not value:
        value = [value]
    holder, key = _some_place(value, rng)
    deed = _forge_value(value, holder, key, rng)
    forged = json.dumps(value, ensure_ascii=rng.random() < 0.5)
    if deed == "nested deeply":
        depth = rng.choice((50, 500, 1500, 5000, 100_000))
        opening, closing = rng.choice((("[", "]"), ('{"a":', "}")))
        forged = forged.replace(f'"{DEEP}"', opening * depth + "1" + closing * depth)
    if deed == "huge number":
        digits = rng.choice((20, 400, 4000, 5000))
        number = rng.choice(("9" * digits, f"-{'9' * digits}", f"1e{'9' * 9}", f"0.{'1' * digits}"))
        forged = forged.replace(f'"{HUGE}"', number)
    return f"JSON: {deed}", forged.encode("utf-8", "surrogatepass")


def _some_place(value: Any, rng: Random) -> tuple[Any, Any]:
    """Return a container and a key in it: any in the tree, those near the root more often."""
    holder, key = None, None
    while isinstance(value, (dict, list)) and value:
        holder = value
        key = rng.choice(list(value) if isinstance(value, dict) else range(len(value)))
        value = value[key]
        if rng.random() < 0.15:
            break
    return holder, key


def _forge_value(root: Any, holder: Any, key: Any, rng: Random) -> str:
    """Change a value of a container in place, and return what was done."""
    match rng.randrange(12):
        case 0:
            del holder[key]
            return "removed"
        case 1:
            return _rename_or_repeat(holder, key, rng)
        case 2 | 3:
            return _take_from_elsewhere(root, holder, key, rng)
        case 4 if isinstance(holder[key], list):
            items = holder[key]
            items[:] = rng.choice((items[::-1], [], items * rng.choice((1, 2, 9, 999))))
            return "list"
        case 5:
            old = holder[key]
            holder[key] = rng.choice(([old], {"a": old}, str(old)[:99], [old, old]))
            return "wrapped"
        case 6 if rng.random() < 0.3:
            holder[key] = DEEP
            return "nested deeply"
        case 7 if rng.random() < 0.5:
            holder[key] = HUGE
            return "huge number"
    holder[key] = _another(holder[key], rng)
    return "another value"


def _rename_or_repeat(holder: Any, key: Any, rng: Random) -> str:
    if isinstance(holder, dict):
        holder[rng.choice((f"{key}x", "", "kind", "$array", key.upper()))] = holder.pop(key)
        return "renamed"
    holder.insert(key, copy.deepcopy(holder[key]))
    return "repeated"


def _take_from_elsewhere(root: Any, holder: Any, key: Any, rng: Random) -> str:
    other, place = _some_place(root, rng)
    mine, theirs = copy.deepcopy(holder[key]), copy.deepcopy(other[place])
    holder[key] = theirs
    if rng.random() < 0.5:
        return "value from elsewhere"
    # The place may be gone where one of the values held the other.
    with contextlib.suppress(LookupError, TypeError):
        other[place] = mine
    return "swapped"


def _another(old: Any, rng: Random) -> Any:
    """Return another value, often one of the same type."""
    if isinstance(old, bool):
        return not old
    if isinstance(old, (int, float)) and rng.random() < 0.7:
        real = float(old) if abs(old) < 2**900 else 0.5
        near = (old + 1, old - 1, -old, 0, 1, old * 2, old * 1000, real + 0.5, real, str(old))
        return rng.choice((*near, 2**31, -(2**40), 1e300))
    if isinstance(old, str) and rng.random() < 0.6:
        return rng.choice((rng.choice(WORDS), rng.choice(WORDS), old.upper(), old + "x", old[:-1]))
    return copy.deepcopy(rng.choice(ODD))


def _forge_text(text: bytes, rng: Random) -> bytes:
    match rng.randrange(7):
        case 0:
            return b"\xef\xbb\xbf" + text
        case 1:
            return text.decode("utf-8").encode("utf-16")
        case 2:
            return text[: rng.randrange(len(text))]
        case 3:
            return text.replace(b":", b": 1, ", 1)
        case 4:
            return b"[" * rng.choice((10, 3000, 300_000))
        case 5:
            return text.replace(b'"', b'"\xff', 1)
        case _:
            return rng.choice((b"", b"null", b"NaN", b"{}", b"[]", b"1", b'"x"', text + text))
