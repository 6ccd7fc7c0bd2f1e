"""Letters of any encoding are found out; where others are as likely, it is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl.errors import InputError
from automl.table import Form, Overrides, Table, read_table

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
CASES = [(encoding, words) for encoding, groups in WORDS.items() for words in groups]


def text(words: list[str], rows: int = 12) -> str:
    return "id,place,y\n" + "".join(
        f"{row},{words[row % len(words)]},{row % 3}\n" for row in range(rows)
    )


def read(folder: Path, content: bytes, **known: object) -> Table:
    (folder / "table.csv").write_bytes(content)
    return read_table(folder / "table.csv", **{"needs": ("y",), **known})  # type: ignore[arg-type]


def codes(table: Table) -> list[str]:
    return [note.code for note in table.notes]


@pytest.mark.parametrize(
    ("encoding", "words"), CASES, ids=[f"{encoding} {words[0]}" for encoding, words in CASES]
)
def test_letters_are_found_out(tmp_path: Path, encoding: str, words: list[str]) -> None:
    table = read(tmp_path, text(words).encode(encoding))
    assert table["place"].tolist() == [words[row % len(words)] for row in range(12)]
    assert codes(table)[0] == "encoding"
    assert table.notes[0].override == "--encoding NAME"


FEW = {
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
FEW_CASES = [(encoding, words) for encoding, groups in FEW.items() for words in groups]


@pytest.mark.parametrize(
    ("encoding", "words"),
    FEW_CASES,
    ids=[f"{encoding} {words[0]}" for encoding, words in FEW_CASES],
)
def test_few_letters_are_never_silently_others(
    tmp_path: Path, encoding: str, words: list[str]
) -> None:
    table = read(tmp_path, text(words).encode(encoding))
    assert table["place"].tolist()[: len(words)] == words or "encoding_doubt" in codes(table)


def test_a_doubt_names_the_other_encoding_and_the_option(tmp_path: Path) -> None:
    note = next(
        note
        for note in read(tmp_path, text(["да", "нет"]).encode("cp1251")).notes
        if note.code == "encoding_doubt"
    )
    assert note.override.startswith("--encoding ")
    assert "for 'да'" in note.text


def test_common_letters_of_the_west_are_beyond_doubt(tmp_path: Path) -> None:
    words = [
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
    assert codes(read(tmp_path, text(words).encode("cp1252"))) == ["encoding"]


def test_the_users_word_is_taken(tmp_path: Path) -> None:
    content = text(["М", "Ж"]).encode("cp1251")
    table = read(tmp_path, content, overrides=Overrides(encoding="Windows-1251"))
    assert (table["place"].iloc[0], codes(table)) == ("М", [])
    with pytest.raises(InputError, match=r"--encoding utf-8: .* can't be decoded from it"):
        read(tmp_path, content, overrides=Overrides(encoding="utf-8"))


@pytest.mark.parametrize("word", ["", "klingon", "rot13", "../x", "zip"])
def test_a_word_that_is_no_encoding_is_refused(word: str) -> None:
    with pytest.raises(InputError, match="--encoding"):
        Overrides(encoding=word)


def test_a_few_bad_bytes_do_not_change_the_other_letters(tmp_path: Path) -> None:
    table = read(tmp_path, text(["Zürich", "Köln"]).encode() + b"12,K\xf6ln,1\n")
    assert table["place"].tolist()[:2] == ["Zürich", "Köln"]
    assert table["place"].iloc[-1] == "K\N{REPLACEMENT CHARACTER}ln"
    assert codes(table) == ["bad_bytes"]


def test_the_encoding_at_fit_is_tried_first(tmp_path: Path) -> None:
    form = Form(",", encoding="cp1251")
    assert read(tmp_path, text(["М", "Ж"]).encode("cp1251"), form=form)["place"].iloc[0] == "М"
    assert read(tmp_path, text(["М", "Ж"]).encode(), form=form)["place"].iloc[0] == "М"
    assert read(tmp_path, text(["plain"]).encode(), form=form)["place"].iloc[0] == "plain"


def test_late_letters_are_found_out_too(tmp_path: Path) -> None:
    content = (
        b"id,place,y\n" + b"1,plain,0\n" * 120_000 + "2,Москва,1\n3,Казань,0\n".encode("cp1251")
    )
    assert read(tmp_path, content)["place"].tolist()[-2:] == ["Москва", "Казань"]


def test_noise_is_refused(tmp_path: Path) -> None:
    noise = bytes(range(0x80, 0x100)) * 20
    with pytest.raises(InputError, match="--encoding NAME"):
        read(tmp_path, b"a,y\n" + noise[:500] + b",1\n" + noise[::-1] + b",2\n")
