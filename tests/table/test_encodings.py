"""Encodings are found from the letters; a note says where another one is as likely."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl.errors import InputError
from automl.table import FileFormat, Overrides
from tests.table.cells import note_codes, read

Case = tuple[str, list[str]]

RUSSIAN = ["Москва", "Санкт-Петербург", "Казань", "Новосибирск"]
WORDS = {
    "cp1251": [RUSSIAN, ["да", "нет"], ["Київ", "Львів", "Одеса"]],
    "koi8_r": [RUSSIAN, ["да", "нет"]],
    "cp866": [RUSSIAN, ["да", "нет"]],
    "gbk": [["是", "否"], ["北京", "上海", "广州"], ["优", "良", "差"]],
    "big5": [["台北", "高雄", "台中"]],
    "shift_jis": [["はい", "いいえ"], ["東京", "大阪", "カタカナ"]],
    "euc_jp": [["はい", "いいえ"], ["東京", "大阪", "カタカナ"]],
    "euc_kr": [["예", "아니오"], ["서울", "부산", "대구", "인천"]],
    "iso8859_7": [["ναι", "όχι"], ["Αθήνα", "Θεσσαλονίκη", "Πάτρα"]],
    "cp1253": [["ναι", "όχι"]],
    "cp437": [["jä", "nö"], ["Zürich", "Genève", "Köln", "Málaga"]],
    "cp850": [["Zürich", "Genève", "Köln", "Málaga"]],
    "cp1252": [
        ["Zürich", "Genève", "Köln"],
        ["männlich", "weiblich"],
        ["oui", "indécis"],
        ["sí", "no"],
        ["20 €", "5 °C"],
    ],
    "cp1250": [["Łódź", "Gdańsk", "Poznań", "Wrocław"], ["Plzeň", "Děčín", "Příbram"]],
    "cp1254": [["İstanbul", "Muğla", "Diyarbakır", "Şanlıurfa"]],
    "cp1255": [["ירושלים", "חיפה", "באר שבע"]],
    "cp1256": [["القاهرة", "الرياض", "دبي"]],
    "cp874": [["กรุงเทพ", "เชียงใหม่"]],
    "utf-16": [RUSSIAN, ["是", "否"]],
    "utf-16-le": [RUSSIAN, ["ja", "nein"]],
    "utf-16-be": [RUSSIAN, ["是", "否"]],
    "utf-32": [RUSSIAN],
    "utf-32-le": [RUSSIAN],
    "utf-32-be": [RUSSIAN],
}
FEW_LETTERS = {
    "cp1251": [["М", "Ж"], ["муж", "жен"], ["ДА", "НЕТ"], ["є", "ні"]],
    "koi8_r": [["М", "Ж"], ["муж", "жен"], ["ДА", "НЕТ"]],
    "cp866": [["М", "Ж"], ["муж", "жен"], ["ДА", "НЕТ"]],
    "iso8859_5": [["М", "Ж"], ["муж", "жен"]],
    "gbk": [["男", "女"], ["是", "否"], ["高", "低"]],
    "big5": [["男", "女"], ["是", "否"], ["高", "低"]],
    "shift_jis": [["男", "女"], ["はい", "いいえ"], ["良", "不良"]],
    "euc_jp": [["男", "女"], ["はい", "いいえ"], ["良", "不良"]],
    "euc_kr": [["남", "여"], ["높음", "낮음"]],
    "cp1255": [["כן", "לא"]],
    "cp874": [["ใช่", "ไม่"]],
    "mac_roman": [["ja", "nö"], ["oui", "où"]],
    "cp1250": [["férfi", "nő"], ["jó", "rossz"], ["muž", "žena"]],
}
WESTERN = [
    "Zürich",
    "Genève",
    "Köln",
    "Malmö",
    "São Paulo",
    "Århus",
    "Málaga",
    "Besançon",
    "Évry",
    "Ærø",
]


def cases_of(groups_by_encoding: dict[str, list[list[str]]]) -> list[Case]:
    cases = []
    for encoding, groups in groups_by_encoding.items():
        cases.extend((encoding, words) for words in groups)
    return cases


def names_of(cases: list[Case]) -> list[str]:
    return [f"{encoding} {words[0]}" for encoding, words in cases]


CASES = cases_of(WORDS)
FEW_CASES = cases_of(FEW_LETTERS)


def text_of(words: list[str], n_rows: int = 12) -> str:
    """Return a CSV file whose column `place` repeats the words."""
    lines = ["id,place,y\n"]
    for row in range(n_rows):
        word = words[row % len(words)]
        lines.append(f"{row},{word},{row % 3}\n")
    return "".join(lines)


@pytest.mark.parametrize(("encoding", "words"), CASES, ids=names_of(CASES))
def test_letters_are_found(tmp_path: Path, encoding: str, words: list[str]) -> None:
    content = text_of(words).encode(encoding)
    table = read(tmp_path, content)
    n_repeats = 12 // len(words) + 1
    expected = words * n_repeats
    assert table["place"].tolist() == expected[:12]
    first = table.notes[0]
    assert first.code == "encoding"
    assert first.override == "--encoding NAME"


@pytest.mark.parametrize(("encoding", "words"), FEW_CASES, ids=names_of(FEW_CASES))
def test_few_letters_are_never_silently_others(
    tmp_path: Path, encoding: str, words: list[str]
) -> None:
    content = text_of(words).encode(encoding)
    table = read(tmp_path, content)
    places = table["place"].tolist()
    if places[: len(words)] != words:
        assert "encoding_doubt" in note_codes(table)


def test_a_doubt_names_the_other_encoding_and_the_option(tmp_path: Path) -> None:
    content = text_of(["да", "нет"]).encode("cp1251")
    table = read(tmp_path, content)
    doubts = [note for note in table.notes if note.code == "encoding_doubt"]
    assert doubts[0].override.startswith("--encoding ")
    assert "for 'да'" in doubts[0].text


def test_common_letters_of_the_west_are_beyond_doubt(tmp_path: Path) -> None:
    content = text_of(WESTERN).encode("cp1252")
    table = read(tmp_path, content)
    assert note_codes(table) == ["encoding"]


def test_the_users_encoding_is_used(tmp_path: Path) -> None:
    content = text_of(["М", "Ж"]).encode("cp1251")
    table = read(tmp_path, content, overrides=Overrides(encoding="Windows-1251"))
    assert table["place"].cells[0] == "М"
    assert note_codes(table) == []
    with pytest.raises(InputError, match=r"--encoding utf-8: .* can't be decoded from it"):
        read(tmp_path, content, overrides=Overrides(encoding="utf-8"))


@pytest.mark.parametrize("word", ["", "klingon", "rot13", "../x", "zip"])
def test_a_word_that_is_no_encoding_is_refused(word: str) -> None:
    with pytest.raises(InputError, match="--encoding"):
        Overrides(encoding=word)


def test_a_few_bad_bytes_do_not_change_the_other_letters(tmp_path: Path) -> None:
    content = text_of(["Zürich", "Köln"]).encode() + b"12,K\xf6ln,1\n"
    table = read(tmp_path, content)
    places = table["place"].tolist()
    assert places[:2] == ["Zürich", "Köln"]
    assert places[-1] == "K\N{REPLACEMENT CHARACTER}ln"
    assert note_codes(table) == ["bad_bytes"]


@pytest.mark.parametrize(
    ("word", "encoding"), [("М", "cp1251"), ("М", "utf-8"), ("plain", "utf-8")]
)
def test_the_encoding_at_fit_is_tried_first(tmp_path: Path, word: str, encoding: str) -> None:
    form = FileFormat(",", encoding="cp1251")
    content = text_of([word, "Ж"]).encode(encoding)
    table = read(tmp_path, content, form=form)
    assert table["place"].cells[0] == word


def test_late_letters_are_found_too(tmp_path: Path) -> None:
    plain = b"id,place,y\n" + b"1,plain,0\n" * 120_000
    late = "2,Москва,1\n3,Казань,0\n".encode("cp1251")
    table = read(tmp_path, plain + late)
    places = table["place"].tolist()
    assert places[-2:] == ["Москва", "Казань"]


def test_noise_is_refused(tmp_path: Path) -> None:
    noise = bytes(range(0x80, 0x100)) * 20
    content = b"a,y\n" + noise[:500] + b",1\n" + noise[::-1] + b",2\n"
    with pytest.raises(InputError, match="--encoding NAME"):
        read(tmp_path, content)
