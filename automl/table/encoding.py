"""Find out how a text file's letters are encoded.

Byte order marks, NUL bytes and valid UTF-8 identify most files. For the others, every encoding in
which the file can be decoded is a model of how likely its letters are, given how frequent letters
are in languages; the likeliest one is taken, and a close second whose letters differ is reported.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

MAX_WORDS = 3_000  # distinct words with letters beyond ASCII that are looked at
MAX_WORD_BYTES = 50_000  # of them all: 2 s in all encodings
# A second encoding is reported if it is less than exp(4) = 55 times less likely.
MAX_CLOSE_DIFFERENCE = 4.0
# The same for texts of few letters, that is, of fewer than 12 bytes beyond ASCII.
MAX_CLOSE_DIFFERENCE_OF_FEW = 5.0
FEW_LETTERS = 12
# Many letters (30 bytes beyond ASCII) with a lower mean log-likelihood than this are no text.
MIN_MEAN_LIKELIHOOD = -7.0
MANY_LETTERS = 30
# Letters that are valid UTF-8 for each byte that is not: from here on, bad bytes are damage.
MIN_GOOD_PER_BAD = 10
MAX_ODD_SHARE = 0.01  # of the characters of text: control characters and unassigned ones

# Log-likelihoods
_RARE = -9.5  # a letter that a language hardly has
_RARE_CHARACTER = -16.0  # two bytes beyond the common area
_SYMBOL = -6.0
_KANA = -4.8  # Japan's syllables: a hundred
_STRANGE = -13.0  # box drawing, control characters and the like
_VOWEL_SIGN = -3.0
_SEPARATE_WORD = -3.0  # a word of letters beyond ASCII alone, in a language with accents

# Its first condition: long words of ASCII alone are not searched from each of their letters.
_WORD = re.compile(
    rb"(?<![^\x00-\x2f\x3a-\x3f])[^\x00-\x2f\x3a-\x3f]*[\x80-\xff][^\x00-\x2f\x3a-\x3f]*"
)
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

# Letters of languages from the most frequent to the rarest, and the log prior of an encoding.
_LETTERS_OF_LATIN = {
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
_LANGUAGES_OF_ALPHABET = {
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
_LANGUAGES_OF_TWO_BYTES = {
    "gb18030": (("Chinese",), 1.0),
    "big5": (("Chinese",), 0.0),
    "cp932": (("Japanese", "Japanese—", "Japanese——"), 0.5),
    "euc_jp": (("Japanese", "Japanese—", "Japanese——"), 0.0),
    "cp949": (("Korean",), 0.5),
}
# Yes, no, man, woman, high, low, good, bad: frequent in tables, not in prose.
_CLASS_NAMES = {
    "Chinese": "是否男女有无無好坏壞优優良中差高低大小对對错錯已未",
    "Japanese": "男女有無高低大小良可不優劣",
    "Korean": "예아니오남여자있없높낮음",
}
# The first and last first byte of the characters in daily use.
_COMMON_AREA = {
    "gb18030": (0xB0, 0xD7),
    "big5": (0xA4, 0xC6),
    "cp932": (0x88, 0x97),
    "euc_jp": (0xB0, 0xCF),
    "cp949": (0xB0, 0xC8),
}
# The number of characters in that area.
_COMMON_SIZE = {
    "gb18030": 3755,
    "big5": 5401,
    "cp932": 2965,
    "euc_jp": 2965,
    "cp949": 2350,
}
_FREQUENT_SHARE = 0.4  # of a text is in the hundred most frequent characters

_BYTE_ORDER_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_WIDE_ENCODINGS = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")

LogLikelihoods = Mapping[str, float]


@dataclass(frozen=True)
class EncodingScore:
    """An encoding, the log-likelihood of the letters in it, and the words as it shows them."""

    encoding: str
    likelihood: float
    text: str


@dataclass(frozen=True)
class EncodingGuess:
    """The likeliest encoding, and another one that is about as likely and gives other letters.

    Parameters
    ----------
    encoding : str
    other : str or None
        None if there is no such encoding.
    shown, otherwise : str
        The first word that the two show differently, in the one and in the other.
    """

    encoding: str
    other: str | None = None
    shown: str = ""
    otherwise: str = ""


def by_marks(head: bytes) -> str | None:
    """Return the encoding that a byte order mark or NUL bytes show.

    It is None for other encodings, and for anything that is not a text.
    """
    for mark, name in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return name
    if b"\x00" not in head:
        return None
    names = [name for name in _WIDE_ENCODINGS if _is_wide_text(head, name)]
    return max(names, key=lambda name: _count_ascii(head, name), default=None)


def _decode_wide(head: bytes, name: str) -> str:
    """Decode all whole characters of UTF-16 or UTF-32."""
    unit = 4 if "32" in name else 2
    size = len(head) // unit * unit
    return head[:size].decode(name)


def _is_wide_text(head: bytes, name: str) -> bool:
    """Return whether bytes are text of several lines in this encoding."""
    try:
        text = _decode_wide(head, name)
    except UnicodeDecodeError:
        return False
    has_lines = "\n" in text or "\r" in text
    return has_lines and _count_odd(text) <= MAX_ODD_SHARE * len(text)


def _count_odd(text: str) -> int:
    """Return the number of control characters and unassigned ones, without tabs and line ends."""
    n_odd = 0
    for letter in text:
        if letter not in "\t\r\n":
            category = unicodedata.category(letter)
            n_odd += category in ("Cc", "Cn", "Co", "Cs")
    return n_odd


def _count_ascii(head: bytes, name: str) -> int:
    text = _decode_wide(head, name)
    return sum(map(str.isascii, text))


def is_damaged_utf8(data: bytes) -> bool:
    """Return whether bytes are UTF-8 but for a few."""
    text = data.decode("utf-8", "replace")
    n_bad = text.count("\N{REPLACEMENT CHARACTER}")
    n_ascii = sum(map(str.isascii, text))
    n_good = len(text) - n_ascii - n_bad
    return n_good >= MIN_GOOD_PER_BAD * n_bad


def guess(data: bytes) -> EncodingGuess | None:
    """Guess the encoding of text that is not UTF-8 by its letters; None if it is likely in none."""
    words = list(dict.fromkeys(_WORD.findall(data)))
    material = b"\n".join(words[:MAX_WORDS])
    material = material[:MAX_WORD_BYTES]
    scores = list(_scores(material, data))
    scores.sort(key=lambda score: -score.likelihood)
    if not scores:
        return None
    best = scores[0]
    n_letters = sum(byte >= 0x80 for byte in material)
    if n_letters >= MANY_LETTERS and best.likelihood < MIN_MEAN_LIKELIHOOD * n_letters:
        return None
    max_difference = MAX_CLOSE_DIFFERENCE
    if n_letters < FEW_LETTERS:
        max_difference = MAX_CLOSE_DIFFERENCE_OF_FEW
    for other in scores[1:]:
        is_close = best.likelihood - other.likelihood < max_difference
        if is_close and other.text != best.text:
            shown, otherwise = _first_difference(best.text, other.text)
            return EncodingGuess(best.encoding, other.encoding, shown, otherwise)
    return EncodingGuess(best.encoding)


def _first_difference(text: str, other: str) -> tuple[str, str]:
    """Return the first word that two encodings show differently."""
    words = text.split("\n")
    other_words = other.split("\n")
    for word, other_word in zip(words, other_words, strict=False):
        if word != other_word:
            return word, other_word
    return "", ""


def _scores(material: bytes, data: bytes) -> Iterator[EncodingScore]:
    """Yield every encoding in which the data can be decoded.

    Parameters
    ----------
    material : bytes
        The words by whose letters an encoding is judged.
    data : bytes
        All that must be decodable.
    """
    languages = _Languages()
    for encoding in (*_LETTERS_OF_LATIN, *_LANGUAGES_OF_ALPHABET, *_LANGUAGES_OF_TWO_BYTES):
        try:
            data.decode(encoding)
        except UnicodeDecodeError:
            continue
        text = material.decode(encoding, "ignore")  # its last letter may be cut off
        likelihood = _likelihood(text, encoding, languages)
        yield EncodingScore(encoding, likelihood, text)


def _likelihood(text: str, encoding: str, languages: _Languages) -> float:
    """Return the log-likelihood of a text's letters, in the language that suits them best."""
    if encoding in _LETTERS_OF_LATIN:
        alphabets, prior = _LETTERS_OF_LATIN[encoding]
        return max(_of_latin(text, _by_rank(letters)) for letters in alphabets) + prior
    if encoding in _LANGUAGES_OF_ALPHABET:
        names, prior = _LANGUAGES_OF_ALPHABET[encoding]
        return max(_of_alphabet(text, languages.by_letter(name)) for name in names) + prior
    names, prior = _LANGUAGES_OF_TWO_BYTES[encoding]
    frequent = languages.frequent_characters(names)
    return _of_two_bytes(text, encoding, frequent) + prior


class _Languages:
    """How often letters occur in languages, by charset-normalizer's tables."""

    @cached_property
    def _tables(self) -> Mapping[str, list[str]]:
        from charset_normalizer.constant import FREQUENCIES

        return FREQUENCIES

    def by_letter(self, language: str) -> LogLikelihoods:
        """Return the log-likelihoods of an alphabet's letters."""
        letters = "".join(self._tables[language])
        return _by_rank(letters)

    def frequent_characters(self, languages: Iterable[str]) -> frozenset[str]:
        """Return the most frequent characters of some languages."""
        characters: set[str] = set()
        for language in languages:
            characters.update(self._tables[language])
            characters.update(_CLASS_NAMES.get(language, ""))
        return frozenset(characters)


def _by_rank(letters: str) -> LogLikelihoods:
    """Return log-likelihoods that fall evenly from the most frequent letter to the rarest."""
    life = len(letters) / 4
    first = math.log(life)
    likelihoods = {}
    for rank, letter in enumerate(letters):
        likelihoods[letter] = -rank / life - first
    return likelihoods


def _of_latin(text: str, known: LogLikelihoods) -> float:
    """Return the log-likelihood of letters with accents, which are seldom next to each other."""
    total = 0.0
    for word in text.split("\n"):
        if word.isalpha() and not any(map(str.isascii, word)):
            total += _SEPARATE_WORD
    before = "\n"
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


def _of_alphabet(text: str, known: LogLikelihoods) -> float:
    """Return the log-likelihood of words of another alphabet, without plain letters in them."""
    total = 0.0
    before = "\n"
    for letter in text:
        if letter >= "\x80":
            total += _of_letter(letter, before, known)
            if before.isascii() and before.isalpha() and _is_letter(letter):
                total -= 4.0
        elif letter.isalpha() and before >= "\x80" and _is_letter(before):
            total -= 4.0
        before = letter
    return total


def _is_letter(character: str) -> bool:
    """Return whether a character is a letter, or a vowel or tone of Thai."""
    return character.isalpha() or "\u0e31" <= character <= "\u0e4e"


def _of_letter(letter: str, before: str, known: LogLikelihoods) -> float:
    """Return the log-likelihood of one letter after another."""
    if not letter.isalpha():
        if _is_letter(letter):
            return _VOWEL_SIGN
        return _SYMBOL if letter in _MARKS else _STRANGE
    small = letter if letter in known else letter.lower()[0]
    plain = unicodedata.normalize("NFD", small)[0]
    value = known.get(small)
    if value is None:
        value = known.get(plain, _RARE + 2) - 2
    if letter != small:
        value -= 5.0 if before.islower() else 1.0
    return max(value, _RARE - 5)


def _of_two_bytes(text: str, encoding: str, frequent: frozenset[str]) -> float:
    """Return the log-likelihood of Chinese, Japanese and Korean characters.

    It depends on how common they are.
    """
    low, high = _COMMON_AREA[encoding]
    of_frequent = math.log(_FREQUENT_SHARE / len(frequent))
    of_common = math.log((1 - _FREQUENT_SHARE) / _COMMON_SIZE[encoding])
    total = 0.0
    for character in text:
        if character < "\x80":
            continue
        if "\u3041" <= character <= "\u30fe":
            total += _KANA
        elif character in frequent:
            total += of_frequent
        elif character in _MARKS or "\uff01" <= character <= "\uff5e":
            total += _SYMBOL - 1
        elif "\uff61" <= character <= "\uff9f":  # half-width katakana, a byte each
            total += _RARE
        elif low <= character.encode(encoding)[0] <= high:
            total += of_common
        else:
            total += _RARE_CHARACTER
    return total
