"""Encodings are told apart by a few words of a language, as a column of categories has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_lab.lake.encoding_guess import guess_encoding, sample_words, share_of_utf8

WORDS = {
    "cp1251": ["Москва Казань Омск", "да нет", "Київ Львів Одеса Харків"],
    "koi8-r": ["Москва Казань Омск", "красный зелёный"],
    "cp1250": ["Łódź Gdańsk Poznań", "Wrocław Kraków Łódź", "Brno Plzeň České", "Győr Pécs Szeged", "Škofja Črnomelj"],
    "iso8859-2": ["Łódź Gdańsk Poznań", "Šibenik Čakovec Đakovo", "Košice Žilina Prešov žltá"],
    "cp1252": [
        "Köln München",
        "Orléans Besançon été",
        "España Málaga Cádiz mañana",
        "São Paulo maçã",
        "Malmö Göteborg blå grön",
    ],
    "gbk": ["北京 上海", "红色 绿色 蓝色"],
    "big5": ["臺北 高雄 臺中"],
    "cp932": ["東京 大阪 りんご"],
    "euc-jp": ["東京 大阪 りんご"],
    "cp949": ["서울 부산 대구"],
    "cp1253": ["Αθήνα Θεσσαλονίκη"],
    "cp1254": ["İstanbul Eskişehir Muğla"],
    "cp1255": ["ירושלים חיפה אדום"],
    "cp1256": ["القاهرة دمشق أحمر"],
}


@pytest.mark.parametrize(
    ("encoding", "words"), [(encoding, words) for encoding, texts in WORDS.items() for words in texts]
)
def test_a_few_words_tell_the_encoding(encoding: str, words: str) -> None:
    written = words.replace(" ", "\n").encode(encoding)
    assert written.decode(guess_encoding(written)) == words.replace(" ", "\n")


def test_the_sample_holds_each_cell_once_from_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n" + b"1,x\n" * 3_000_000 + "2,Köln\n3,Köln\n4,Ümit\n".encode("cp1252"))
    assert sample_words(path) == "Köln\nÜmit".encode("cp1252")


def test_how_much_is_utf_8() -> None:
    assert share_of_utf8("é\nè\nà\n".encode() + b"\xe9") == 0.75
