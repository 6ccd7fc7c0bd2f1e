"""Find out how a text file's letters are encoded.

A mark, NUL bytes and valid UTF-8 tell most files. For the others, every encoding in which the file can be decoded is a
model of how likely its letters are, given what is known of letters' frequencies in languages; the likeliest one is
taken, and a close second whose letters differ is told.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

MOST_WORDS = 3_000  # distinct words with letters beyond ASCII that are looked at
CLOSE = 4.0  # a second encoding is told if it is less than exp(4) = 55 times less likely
CLOSE_OF_FEW = 5.0  # where there are few letters
FEW_LETTERS = 12  # bytes beyond ASCII
WORST_PER_LETTER = -7.0  # mean log-likelihood below which many letters are no text
MANY_LETTERS = 30  # bytes beyond ASCII
FEWEST_GOOD_TO_BAD = (
    10  # letters that are valid UTF-8 for each byte that is not: then bad bytes are damage
)
_WORD = re.compile(rb"[^\x00-\x2f\x3a-\x3f]*[\x80-\xff][^\x00-\x2f\x3a-\x3f]*")
_RARE = -9.5  # log-likelihood of a letter that a language hardly has
_RARE_CHARACTER = -16.0  # two bytes beyond the common area
_SYMBOL = -6.0
_KANA = -4.8  # Japan's syllables: a hundred
_STRANGE = -13.0  # box drawing, control characters and the like
_MARKS = frozenset("°€£§«»“”‘’„–—…№±²³ª·¿¡®©™ºµ½¼¾×´¨、。（）！？：；，・「」《》　")

_WESTERN = (
    "éèàüöäñçóíáúêãõâôßîëøåæïùœÿýðþ",
    "éèàêçôîâùïûëœ",  # French
    "üäöß",  # German
    "íóáéñúü",  # Spanish
    "ãçáéíõóêâúàô",  # Portuguese
    "åäöøæé",  # Nordic
    "èàòùìé",  # Italian
)
_CENTRAL = (
    "áíéóěšřýłžčąęúśůżüöäćńőűźňďťľĺŕđțșăâîţş",
    "ąęłóśżźćń",  # Polish
    "íáéěšřžýčůúóťďň",  # Czech
    "áíéóýúčšžľťäňôďĺŕ",  # Slovak
    "éáőöűüóíú",  # Hungarian
    "čšžćđ",  # Croatian, Slovene
    "ăîâțșţş",  # Romanian
)
_TURKISH = ("ıüşöğçİâîéä",)
_BALTIC = ("āėīšēųūžįąčęļņõäüöķģóś", "āīēšūžļņķčģ", "ėųšįžąčūę")

_LATIN = {
    "cp1252": (_WESTERN, 3.0),
    "cp1250": (_CENTRAL, 1.0),
    "cp1254": (_TURKISH, 0.0),
    "cp1257": (_BALTIC, -2.0),
    "iso8859_2": (_CENTRAL, 0.5),
    "cp437": (_WESTERN, -1.0),
    "cp850": (_WESTERN, -1.0),
    "cp852": (_CENTRAL, -2.0),
    "mac_roman": (_WESTERN, -3.0),
}
_ALPHABETS = {
    "cp1251": (("Russian", "Ukrainian", "Bulgarian", "Serbian"), 1.0),
    "koi8_u": (("Russian", "Ukrainian"), -1.0),
    "cp866": (("Russian",), -1.0),
    "iso8859_5": (("Russian", "Bulgarian"), -2.0),
    "mac_cyrillic": (("Russian",), -3.0),
    "cp1253": (("Greek",), 0.5),
    "iso8859_7": (("Greek",), 0.0),
    "cp1255": (("Hebrew",), 0.0),
    "cp1256": (("Arabic", "Farsi"), 0.0),
    "cp874": (("Thai",), 0.0),
}
_PLANES = {
    "gb18030": (("Chinese",), 1.0),
    "big5": (("Chinese",), 0.0),
    "cp932": (("Japanese", "Japanese—", "Japanese——"), 0.5),
    "euc_jp": (("Japanese", "Japanese—", "Japanese——"), 0.0),
    "cp949": (("Korean",), 0.5),
}
_CLASS_NAMES = {  # yes, no, man, woman, high, low, good, bad: frequent in tables, not in prose
    "Chinese": "是否男女有无無好坏壞优優良中差高低大小对對错錯已未",
    "Japanese": "男女有無高低大小良可不優劣",
    "Korean": "예아니오남여자있없높낮음",
}
_COMMON_AREA = {  # first bytes of the characters in daily use
    "gb18030": (0xB0, 0xD7),
    "big5": (0xA4, 0xC6),
    "cp932": (0x88, 0x97),
    "euc_jp": (0xB0, 0xCF),
    "cp949": (0xB0, 0xC8),
}
_COMMON_SIZE = {
    "gb18030": 3755,
    "big5": 5401,
    "cp932": 2965,
    "euc_jp": 2965,
    "cp949": 2350,
}  # characters there
_FREQUENT_SHARE = 0.4  # of a text is in the hundred most frequent characters


@dataclass(frozen=True)
class Guess:
    """An encoding, how likely the letters are in it, and some words as it shows them."""

    encoding: str
    likelihood: float
    text: str


@dataclass(frozen=True)
class Found:
    """The encoding that was found, and another one that is about as likely and gives other letters."""

    encoding: str
    other: str | None = None
    shown: str = ""
    otherwise: str = ""


def by_marks(head: bytes) -> str | None:
    """Name the encoding that a mark or NUL bytes show; None for others, and for what is no text."""
    for mark, name in (
        (b"\xff\xfe\x00\x00", "utf-32"),
        (b"\x00\x00\xfe\xff", "utf-32"),
        (b"\xef\xbb\xbf", "utf-8-sig"),
    ):
        if head.startswith(mark):
            return name
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\x00" not in head:
        return None
    names = [
        name
        for name in ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
        if _is_wide_text(head, name)
    ]
    return max(names, key=lambda name: _ascii_letters(head, name), default=None)


def _wide(head: bytes, name: str) -> str:
    unit = 4 if "32" in name else 2
    return head[: len(head) // unit * unit].decode(name)


def _is_wide_text(head: bytes, name: str) -> bool:
    try:
        text = _wide(head, name)
    except UnicodeDecodeError:
        return False
    odd = sum(
        unicodedata.category(letter) in ("Cc", "Cn", "Co", "Cs")
        for letter in text
        if letter not in "\t\r\n"
    )
    return bool(text) and odd <= 0.01 * len(text) and ("\n" in text or "\r" in text)


def _ascii_letters(head: bytes, name: str) -> int:
    return sum(letter.isascii() for letter in _wide(head, name))


def is_damaged_utf8(data: bytes) -> bool:
    """Whether bytes are UTF-8 but for a few."""
    text = data.decode("utf-8", "replace")
    bad = text.count("\N{REPLACEMENT CHARACTER}")
    good = sum(not letter.isascii() for letter in text) - bad
    return good >= FEWEST_GOOD_TO_BAD * bad


def guess(data: bytes) -> Found | None:
    """Find the encoding of text that is no UTF-8 by its letters; None if it is likely in none."""
    words = list(dict.fromkeys(_WORD.findall(data)))[:MOST_WORDS]
    material = b"\n".join(words)
    guesses = sorted(_guesses(material, data), key=lambda one: -one.likelihood)
    letters = _high(material)
    if not guesses or (
        letters >= MANY_LETTERS and guesses[0].likelihood < WORST_PER_LETTER * letters
    ):
        return None
    best = guesses[0]
    close = CLOSE_OF_FEW if letters < FEW_LETTERS else CLOSE
    other = next(
        (
            one
            for one in guesses[1:]
            if one.text != best.text and best.likelihood - one.likelihood < close
        ),
        None,
    )
    if other is None:
        return Found(best.encoding)
    return Found(best.encoding, other.encoding, *_differing(best.text, other.text))


def _high(material: bytes) -> int:
    """How many bytes are beyond ASCII."""
    return sum(byte >= 0x80 for byte in material)


def _differing(one: str, other: str) -> tuple[str, str]:
    """The first word that two encodings show differently."""
    pairs = zip(one.split("\n"), other.split("\n"), strict=False)
    return next(((word, otherwise) for word, otherwise in pairs if word != otherwise), ("", ""))


def _guesses(material: bytes, data: bytes) -> Iterable[Guess]:
    """Every encoding in which the data can be decoded."""
    languages = _Languages()
    for encoding in (*_LATIN, *_ALPHABETS, *_PLANES):
        try:
            data.decode(encoding)
            text = material.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding in _LATIN:
            alphabets, prior = _LATIN[encoding]
            likelihood = max(_of_latin(text, _by_rank(letters)) for letters in alphabets)
        elif encoding in _ALPHABETS:
            names, prior = _ALPHABETS[encoding]
            likelihood = max(_of_alphabet(text, languages.ranks(name)) for name in names)
        else:
            names, prior = _PLANES[encoding]
            likelihood = _of_plane(text, encoding, languages.frequent(names))
        yield Guess(encoding, likelihood + prior, text)


class _Languages:
    """How often letters stand in languages, by charset-normalizer's tables."""

    @cached_property
    def _tables(self) -> Mapping[str, list[str]]:
        from charset_normalizer.constant import FREQUENCIES

        return FREQUENCIES

    def ranks(self, language: str) -> dict[str, float]:
        """Log-likelihoods of an alphabet's letters."""
        return _by_rank("".join(self._tables[language]))

    def frequent(self, languages: Iterable[str]) -> frozenset[str]:
        """The most frequent characters."""
        letters = (letter for language in languages for letter in self._tables[language])
        return frozenset(
            [
                *letters,
                *(letter for language in languages for letter in _CLASS_NAMES.get(language, "")),
            ]
        )


def _by_rank(letters: str) -> dict[str, float]:
    """Log-likelihoods that fall evenly from the most frequent letter to the rarest."""
    life = len(letters) / 4
    return {letter: -rank / life - math.log(life) for rank, letter in enumerate(letters)}


def _of_latin(text: str, known: Mapping[str, float]) -> float:
    """Log-likelihood of letters with accents among plain ones: they seldom stand side by side."""
    alone = sum(
        word.isalpha() and not any(letter.isascii() for letter in word) for word in text.split("\n")
    )
    total, before = -3.0 * alone, "\n"
    for letter in text:
        if letter >= "\x80":
            total += _of_letter(letter, before, known)
            if before >= "\x80" and before.isalpha() and letter.isalpha():
                total -= 2.0
            if letter.isupper() and before.isupper():  # seldom is a whole word in capitals
                total -= 1.5
            if not letter.isalpha() and before.isalpha() and letter not in "’´":
                total -= 2.0
        elif letter.isupper() and before.islower():
            total -= 3.0
        before = letter
    return total


def _of_alphabet(text: str, known: Mapping[str, float]) -> float:
    """Log-likelihood of words of another alphabet: plain letters stand apart from them."""
    total, before = 0.0, "\n"
    for letter in text:
        if letter >= "\x80":
            total += _of_letter(letter, before, known)
            if before.isascii() and before.isalpha() and _is_letter(letter):
                total -= 4.0
        elif letter.isalpha() and before >= "\x80" and _is_letter(before):
            total -= 4.0
        before = letter
    return total


def _is_letter(letter: str) -> bool:
    """Whether it is a letter, or a vowel or tone of Thai."""
    return letter.isalpha() or "\u0e31" <= letter <= "\u0e4e"


def _of_letter(letter: str, before: str, known: Mapping[str, float]) -> float:
    """Log-likelihood of one letter after another."""
    if not letter.isalpha():
        if _is_letter(letter):
            return -3.0
        return _SYMBOL if letter in _MARKS else _STRANGE
    small = letter if letter in known else letter.lower()[0]
    plain = unicodedata.normalize("NFD", small)[0]
    value = known.get(small, known.get(plain, _RARE + 2) - 2)
    if letter != small:
        value -= 5.0 if before.islower() else 1.0
    return max(value, _RARE - 5)


def _of_plane(text: str, encoding: str, frequent: frozenset[str]) -> float:
    """Log-likelihood of Chinese, Japanese and Korean characters, by how common they are."""
    low, high = _COMMON_AREA[encoding]
    is_frequent = math.log(_FREQUENT_SHARE / len(frequent))
    is_common = math.log((1 - _FREQUENT_SHARE) / _COMMON_SIZE[encoding])
    total = 0.0
    for letter in text:
        if letter < "\x80":
            continue
        if "\u3041" <= letter <= "\u30fe":
            total += _KANA
        elif letter in frequent:
            total += is_frequent
        elif letter in _MARKS or "\uff01" <= letter <= "\uff5e":
            total += _SYMBOL - 1
        elif "\uff61" <= letter <= "\uff9f":  # half-width katakana, a byte each
            total += _RARE
        elif low <= letter.encode(encoding)[0] <= high:
            total += is_common
        else:
            total += _RARE_CHARACTER
    return total
