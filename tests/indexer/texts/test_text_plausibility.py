import pytest

from indexer.texts.text_plausibility import is_of_one_script, is_plausible, letters

WRITTEN = [
    "",
    "plain ASCII, McDonald's, iPhone",
    "L’été – c’était « très » bien… 5 µm, 20 °C, 1ª, 3 m², ½",
    "¿Dónde está la estación? ¡Aquí!",
    "“Größe” §5 à 10 €, Ångström",
    "Ёлка в МГУ, ΑΒΓ αβγ",
    "赤いトビ、Python入門。ＡＢＣ",
    "빨간 연 USB를 大韓民國",
    "עיפרון אדום, قلم أحمر, ปากกาสีแดง",
    "\ttabs\r\n",
]
GARBLED = [
    "große".encode().decode("cp1252"),
    "Über".encode().decode("latin-1"),
    "Příliš".encode("cp1250").decode("mac-roman"),
    "кошка".encode("cp1251").decode("mac-roman"),
    "città".encode("cp1252").decode("cp1251"),
    "żółw".encode("cp1250").decode("cp1252"),
    "Größe".encode("cp850").decode("koi8-r"),
    "Gemüse".encode("mac-roman").decode("cp1252"),
    "poszliśmy na długi".encode("iso8859-2").decode("cp949"),
    "\x81",
    "\x07",
    "\ue000",
    "\u0378",
]


@pytest.mark.parametrize("text", WRITTEN)
def test_what_people_write_is_plausible(text: str) -> None:
    assert is_plausible(text)


@pytest.mark.parametrize("text", GARBLED)
def test_what_was_read_in_a_wrong_encoding_is_not(text: str) -> None:
    assert not is_plausible(text)


def test_one_slip_in_a_long_text_is_nobodys_wrong_encoding() -> None:
    assert is_plausible("größer und schöner. " * 50 + "gro³er")


def test_scripts_that_go_together_are_one() -> None:
    assert is_of_one_script("Python 入門 カナ かな")
    assert is_of_one_script("МГУ and more")
    assert not is_of_one_script("МГУ ΑΒΓ")
    assert not is_of_one_script("かな 한글")


def test_signs_are_no_letters() -> None:
    assert letters("5 µm, 1ª é") == ["m", "é"]
