"""CatBoost's hashes of categories: CityHash64 1.0 of their decimal spelling, cut to 32 bits.

The algorithm is by Geoff Pike and Jyrki Alakuijala (Google, 2011). CatBoost still uses its first
version, whose hashes differ from those of later ones.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from automl.arrays import Integers

Hashes = npt.NDArray[np.int32]
_Words = npt.NDArray[np.uint64]
_Characters = npt.NDArray[np.uint8]

MAX_CODE = 10**8 - 1  # longer spellings are hashed in another way
_MAX_DIGITS = 8
_BLOCK_CODES = 2**16
_MISSING = b"-1"
_ZERO = ord("0")
_K2 = np.uint64(0x9AE16A3B2F90404F)
_K3 = np.uint64(0xC949D7C7509E6557)
_MULTIPLIER = np.uint64(0x9DDFEA08EB382D69)
_SHIFT = np.uint64(47)
_4 = np.uint64(4)
_8 = np.uint64(8)
_256 = np.uint64(256)


def category_hashes(levels: int) -> Hashes:
    """Return the hashes of a missing category, of all levels, and of any category beyond them.

    CatBoost is given -1 for a missing category, and the number of levels for one beyond them.

    Parameters
    ----------
    levels : int
        At most `MAX_CODE`.

    Returns
    -------
    ndarray of shape (levels + 2,), int32
        That of category k at k + 1.

    Examples
    --------
    >>> category_hashes(1).tolist()
    [288298918, -1438285038, 1121341681]
    """
    if levels > MAX_CODE:
        raise ValueError(f"{levels} levels, and {MAX_CODE} at most can be hashed")
    missing = np.frombuffer(_MISSING, np.uint8)
    hashes = _hash(missing[None, :])
    parts = [hashes]
    for codes, digits in _code_blocks(levels + 1):
        characters = _spell(codes, digits)
        hashes = _hash(characters)
        parts.append(hashes)
    return np.concatenate(parts)


def _code_blocks(stop: int) -> Iterator[tuple[Integers, int]]:
    """Yield the codes below a limit in blocks of as many digits, and that number."""
    start = 0
    for digits in range(1, _MAX_DIGITS + 1):
        digits_stop = min(stop, 10**digits)
        while start < digits_stop:
            end = start + _BLOCK_CODES
            end = min(end, digits_stop)
            codes = np.arange(start, end)
            yield codes, digits
            start = end


def _spell(codes: Integers, digits: int) -> _Characters:
    """Return the decimal spellings, of shape (n_codes, digits)."""
    shape = (len(codes), digits)
    characters = np.empty(shape, np.uint8)
    rest = codes
    for place in reversed(range(digits)):
        numeral = rest % 10
        characters[:, place] = numeral + _ZERO
        rest = rest // 10
    return characters


def _hash(characters: _Characters) -> Hashes:
    """Return the hashes of texts of one length, of shape (n_texts, 1 to 8)."""
    length = characters.shape[1]
    if length < 4:
        hashes = _hash_three(characters)
    else:
        hashes = _hash_eight(characters)
    lower = hashes.astype(np.uint32)
    return lower.view(np.int32)


def _hash_three(characters: _Characters) -> _Words:
    """Return the hashes of texts of 1 to 3 characters."""
    length = characters.shape[1]
    words = characters.astype(np.uint64)
    first = words[:, 0]
    middle = words[:, length // 2]
    last = words[:, -1]
    y = middle * _256
    y += first
    z = last * _4
    z += np.uint64(length)
    mixed = y * _K2
    mixed ^= z * _K3
    return _shift_mix(mixed) * _K2


def _hash_eight(characters: _Characters) -> _Words:
    """Return the hashes of texts of 4 to 8 characters."""
    length = characters.shape[1]
    start = _little_endian(characters[:, :4])
    end = _little_endian(characters[:, -4:])
    low = start * _8
    low += np.uint64(length)
    product = (low ^ end) * _MULTIPLIER
    mixed = _shift_mix(product)
    product = (end ^ mixed) * _MULTIPLIER
    mixed = _shift_mix(product)
    return mixed * _MULTIPLIER


def _little_endian(characters: _Characters) -> _Words:
    """Return four characters as one number each."""
    packed = np.ascontiguousarray(characters)
    numbers = packed.view("<u4")
    first = numbers[:, 0]
    return first.astype(np.uint64)


def _shift_mix(words: _Words) -> _Words:
    shifted = words >> _SHIFT
    return words ^ shifted
