"""Encodings: UTF-8 of RFC 3629, UTF-16 and UTF-32 of the Unicode Standard, and what was before."""

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.texts.text_encoding import Decoded, decode
from storage.errors import TextFailure

GERMAN = (
    "Die Füchse hüpften früh über die Gräben, während große Vögel schön sangen. Später hörte man "
    "nur das Geräusch der Mühle, und süße Äpfel lagen auf der Straße hinter dem Häuschen."
)
FRENCH = (
    "À l’aube, le vieux pêcheur a quitté la crique où les goélands dormaient déjà. Sa fenêtre "
    "était restée ouverte, et l’odeur des genêts entrait jusque dans la pièce voûtée."
)
POLISH = (
    "Późnym wieczorem stary rybak wrócił z połowu i opowiedział dzieciom, że widział na łące "
    "ogromnego jeża. Siostra się śmiała, bo myślała, że to znów żart, który ciągle powtarzał."
)
CZECH = (
    "Pozdě večer se starý rybář vrátil z lovu a vyprávěl dětem, že viděl na louce obrovského "
    "ježka. Sestra se smála, protože si myslela, že je to zase žert, který pořád opakuje."
)
RUSSIAN = (
    "Поздно вечером старый рыбак вернулся с ловли и рассказал детям, что видел на лугу огромного "
    "ежа. Сестра смеялась, потому что думала, будто это снова шутка, которую он всё повторяет."
)
GREEK = (
    "Αργά το βράδυ ο γέρος ψαράς γύρισε από το ψάρεμα και είπε στα παιδιά ότι είδε στο λιβάδι "
    "έναν τεράστιο σκαντζόχοιρο. Η αδελφή του γελούσε, γιατί νόμιζε πως ήταν πάλι αστείο."
)
HEBREW = "בערב המאוחר חזר הדייג הזקן מן הים וסיפר לילדים שראה באחו קיפוד ענק. אחותו צחקה בקול רם."
JAPANESE = (
    "夜おそく年老いた漁師が海からもどり、草原で大きなハリネズミを見たと子どもたちに話しました。"
    "妹は、またいつもの冗談だと思って笑っていました。"
)
CHINESE = (
    "深夜老渔夫从海上回来，告诉孩子们他在草地上看见了一只很大的刺猬。妹妹笑了，以为他又在开玩笑。"
)
TAIWANESE = (
    "深夜老漁夫從海上回來，告訴孩子們他在草地上看見了一隻很大的刺蝟。妹妹笑了，以為他又在開玩笑。"
)
KOREAN = (
    "늦은 밤 늙은 어부가 바다에서 돌아와 아이들에게 풀밭에서 아주 큰 고슴도치를 보았다고 "
    "말했습니다. 누이는 또 농담이라고 생각하고 크게 웃었습니다."
)
LEGACY = [
    *((encoding, GERMAN) for encoding in ("cp1252", "latin-1", "mac-roman", "cp850")),
    *((encoding, FRENCH) for encoding in ("cp1252", "mac-roman")),
    *((encoding, POLISH) for encoding in ("cp1250", "iso8859-2")),
    ("cp1250", CZECH),
    *((encoding, RUSSIAN) for encoding in ("cp1251", "koi8-r", "cp866", "iso8859-5")),
    ("cp1253", GREEK),
    ("cp1255", HEBREW),
    *((encoding, JAPANESE) for encoding in ("shift-jis", "euc-jp", "iso2022-jp")),
    *((encoding, CHINESE) for encoding in ("gb18030", "gbk")),
    ("big5", TAIWANESE),
    ("euc-kr", KOREAN),
]
EVERY_TEXT = [GERMAN, POLISH, RUSSIAN, GREEK, HEBREW, JAPANESE, CHINESE, KOREAN, "plain\nASCII"]


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs", "Cc"])))
def test_utf8_is_read_as_it_is(text: str) -> None:
    assert decode(text.encode()) == decode(BOM_UTF8 + text.encode()) or text.startswith("\ufeff")
    assert decode(("a" + text).encode()) == Decoded("a" + text)


@pytest.mark.parametrize("text", EVERY_TEXT)
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (BOM_UTF8, "utf-8"),
        (BOM_UTF16_LE, "utf-16-le"),
        (BOM_UTF16_BE, "utf-16-be"),
        (BOM_UTF32_LE, "utf-32-le"),
        (BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_a_byte_order_mark_decides_and_is_dropped(mark: bytes, encoding: str, text: str) -> None:
    assert decode(mark + text.encode(encoding)) == Decoded(text)


@pytest.mark.parametrize("text", EVERY_TEXT)
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_utf16_and_utf32_without_a_mark_are_recognised(encoding: str, text: str) -> None:
    lines = f"{text}\n{text}\n"
    assert decode(lines.encode(encoding)) == Decoded(lines)
    assert decode(lines.encode(encoding)[:-1]).text == lines[:-1]


@pytest.mark.parametrize("bad", [b"\xff", b"\xfe", b"\xc0", b"\x80", b"\xe9", b"\xf5"])
@pytest.mark.parametrize(
    "text", [GERMAN, RUSSIAN, JAPANESE, "Ein Bär im Garten.", "Größe: drei Äpfel"]
)
def test_one_bad_byte_costs_one_character(text: str, bad: bytes) -> None:
    for at in (0, len(text) // 2, len(text)):
        data = text[:at].encode() + bad + b" " + text[at:].encode()
        decoded = decode(data)
        assert decoded.text == f"{text[:at]}\ufffd {text[at:]}"
        assert decoded.damage == "1 place is not UTF-8 and read as \ufffd"


@pytest.mark.parametrize("text", [GERMAN + " Ende: é", RUSSIAN[:-1], JAPANESE, "Größe: €"])
def test_a_letter_that_is_cut_short_costs_itself_alone(text: str) -> None:
    for lost in range(1, len(text[-1].encode())):
        decoded = decode(text.encode()[:-lost])
        assert decoded == Decoded(text[:-1], "the last letter is cut short")


def test_a_cut_quotation_mark_does_not_turn_ascii_into_another_encoding() -> None:
    decoded = decode("He said: “yes".replace("“", '"').encode() + "”".encode()[:2])
    assert decoded == Decoded('He said: "yes', "the last letter is cut short")


def test_a_bad_byte_in_plain_ascii_is_no_garbage() -> None:
    english = "The red kite turned twice above the valley and was gone behind the wood. " * 3
    assert decode(english.encode() + b"\xff").text.startswith(english)


@pytest.mark.parametrize(("encoding", "text"), LEGACY)
def test_other_encodings_are_recognised(encoding: str, text: str) -> None:
    data = text.replace("’", "'").encode(encoding)
    assert decode(data) == Decoded(text.replace("’", "'"))
    far = b"some lines of plain ASCII\n" * 5_000
    assert decode(far + data).text.endswith(text.replace("’", "'"))


@pytest.mark.parametrize(
    ("encoding", "text"), [row for row in LEGACY if row[0] in ("shift-jis", "gb18030", "big5")]
)
def test_a_cut_letter_of_another_encoding_costs_itself_alone(encoding: str, text: str) -> None:
    assert decode(text.encode(encoding)[:-1]) == Decoded(text[:-1], "the last letter is cut short")


@pytest.mark.parametrize(("encoding", "text"), LEGACY)
def test_what_is_short_is_read_rightly_or_refused(encoding: str, text: str) -> None:
    wrong = 0
    for start in range(0, len(text) - 12, 3):
        piece = text[start : start + 12].replace("’", "'")
        try:
            decoded = decode(piece.encode(encoding))
        except TextFailure as failure:
            assert "not certain: save it as UTF-8" in failure.reason
        else:
            wrong += decoded.text != piece
    assert wrong <= 3


@pytest.mark.parametrize("encoding", ["cp1255", "cp1253", "gb18030", "big5", "shift-jis", "euc-kr"])
def test_a_stray_byte_makes_no_text_of_another_script(encoding: str) -> None:
    text = next(text for name, text in LEGACY if name == encoding)
    data = text.encode(encoding)
    with pytest.raises(TextFailure, match="not certain"):
        decode(data[: len(data) // 2 // 2 * 2] + b"\xff" + data[len(data) // 2 // 2 * 2 :])


@pytest.mark.parametrize(
    "text",
    ["Zürich – 10 €", "crème brûlée", "São Paulo", "price 5 £", "a brown dog, 5° left"],
)
def test_short_western_texts_are_read(text: str) -> None:
    assert decode(text.encode("cp1252")) == Decoded(text)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a\0b", "zero bytes"),
        (bytes(4096), "zero bytes"),
        (("a line of text\n" * 5000 + "\0").encode("utf-16-le"), "zero bytes"),
        (b"a note\0 with a zero byte", "zero bytes"),
        ("größere Bären".encode() + bytes(2) + "über Brücken".encode(), "zero bytes"),
        ("größere Bären".encode("cp1252") + bytes(2) + b"laufen sehr weit", "zero bytes"),
        (b"\x89PNG\r\n\x1a\n\0\0", "zero bytes"),
        (b"\x89PNG\r\n\x1a\n\x01\x02", "not certain"),
        (bytes(range(1, 32)) * 10, "not certain"),
        (b"\xff\xfe\x00\xd8", "marked as UTF-16-LE and is not"),
        (BOM_UTF8 + b"\xe9\xe8\xff" * 10, "marked as UTF-8 and is not"),
        (BOM_UTF8 + b"a\0b", "zero characters"),
        (b"\xff\xfe" + bytes(range(256)) * 20, "marked as UTF-16-LE and is not|zero characters"),
        (bytes(range(128, 256)) * 10, "not certain"),
    ],
)
def test_what_is_not_text_is_a_failure(data: bytes, reason: str) -> None:
    with pytest.raises(TextFailure, match=reason):
        decode(data)


def test_control_characters_of_terminals_stay() -> None:
    assert decode(b"\x1b[31mred\x1b[0m\n").text == "\x1b[31mred\x1b[0m\n"
    assert decode(b"one\x0ctwo\x07\n" + b"three" * 9).text.startswith("one\x0ctwo\x07")


@pytest.mark.parametrize("text", [GERMAN, RUSSIAN, JAPANESE, "plain\nASCII\n", "Größe"])
@pytest.mark.parametrize("zeros", [1, 2, 511, 4096])
def test_zero_bytes_at_the_end_are_told_and_left_out(text: str, zeros: int) -> None:
    damage = f"{zeros:,} zero bytes at the end are left out"
    if zeros == 1:
        damage = "1 zero byte at the end is left out"
    assert decode(text.encode() + bytes(zeros)) == Decoded(text, damage)


def test_a_letter_that_is_cut_short_before_zero_bytes_costs_itself_alone() -> None:
    assert decode(GERMAN.encode() + "ß".encode()[:1] + bytes(64)) == Decoded(
        GERMAN, "the last letter is cut short, 64 zero bytes at the end are left out"
    )


@pytest.mark.parametrize("text", [GERMAN, RUSSIAN, "a line of plain ASCII\n" * 9])
def test_a_zero_byte_within_a_text_costs_one_character(text: str) -> None:
    data = text[:70].encode() + b"\0" + text[70:].encode()
    damage = "1 place is a zero byte and read as \ufffd"
    assert decode(data) == Decoded(f"{text[:70]}\ufffd{text[70:]}", damage)


ENGLISH = (
    "Invoice number 1234 was sent to the customer on Monday. Please check the delivery address "
    "and the payment details below, and tell us when the boat has come back from the island. "
)
WITHIN_ENGLISH = [
    *(("cp1251", name) for name in ("Сергей Иванов", "Москва", "поздно вечером старый рыбак")),
    *(("koi8-r", name) for name in ("Сергей Иванов", "поздно вечером старый рыбак")),
    *(("cp1253", name) for name in ("Αθήνα", "ο γέρος ψαράς γύρισε")),
    ("cp1255", "בערב המאוחר חזר הדייג הזקן מן הים"),
    ("cp1254", "Kışın burası soğuk, yazın sıcaktır, ve kuşların fotoğrafını çeker"),
    *(("cp1250", name) for name in ("Michał Żółkiewski", "Příliš žluťoučký kůň úpěl")),
    *(("cp932", name) for name in ("東京タワー", "夜おそく年老いた漁師")),
    ("gb18030", "深夜老渔夫从海上回来"),
    ("euc-kr", "늦은 밤 늙은 어부가"),
    *(("cp1252", name) for name in ("café", "Müller", "São João", "5 £", "it’s", "à la carte")),
    *(("cp1252", name) for name in ("crème brûlée", "Ærø på Öland", "perché è così")),
]


@pytest.mark.parametrize(("encoding", "name"), WITHIN_ENGLISH)
@pytest.mark.parametrize("times", [1, 3, 10])
def test_a_name_within_english_is_read_in_its_encoding(
    encoding: str, name: str, times: int
) -> None:
    text = f"{ENGLISH * times}{name} {ENGLISH * times}"
    assert decode(text.encode(encoding)) == Decoded(text)


@pytest.mark.parametrize("name", ["שלום", "Привет, друг", "Αθήνα", "зима", "הדייג הזקן"])
@pytest.mark.parametrize("encoding", ["cp1251", "cp1253", "cp1255", "mac-cyrillic", "koi8-r"])
def test_another_script_within_english_is_never_read_as_western(encoding: str, name: str) -> None:
    data = name.encode(encoding, "ignore").strip()
    if len(data) < 4:
        pytest.skip("the encoding is of another script")
    try:
        text = decode(f"{ENGLISH}\n".encode() + data + f"\n{ENGLISH}".encode()).text
    except TextFailure as failure:
        assert "not certain" in failure.reason
    else:
        assert text.split("\n")[1] == data.decode(encoding)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp852", POLISH),
        ("cp852", CZECH),
        ("mac-latin2", POLISH),
        ("cp862", HEBREW),
        ("iso8859-8", HEBREW),
        ("iso8859-7", GREEK),
        ("cp737", GREEK),
        ("cp855", RUSSIAN),
    ],
)
def test_rarer_encodings_are_recognised_or_refused(encoding: str, text: str) -> None:
    for whole in (text, f"{ENGLISH}{text} {ENGLISH}"):
        try:
            decoded = decode(whole.encode(encoding))
        except TextFailure as failure:
            assert "not certain" in failure.reason
        else:
            assert decoded == Decoded(whole)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"hello ", b" world"),
        (b'{"caption": "a red kite"}\n{"caption": "a dog ', b'"}\n{"caption": "a cat"}\n'),
        (ENGLISH.encode(), b" " + ENGLISH.encode()),
    ],
)
@pytest.mark.parametrize("bad", [b"\xff", b"\xfe", b"\xc3", b"\xf5"])
def test_a_stray_byte_in_ascii_makes_no_letter(before: bytes, bad: bytes, after: bytes) -> None:
    damage = "1 place is not UTF-8 and read as \ufffd"
    text = f"{before.decode()}\ufffd{after.decode()}"
    assert decode(before + bad + after) == Decoded(text, damage)


@pytest.mark.parametrize("encoding", ["cp852", "mac-latin2"])
def test_letters_of_an_encoding_that_is_not_clear_are_not_taken_for_damage(encoding: str) -> None:
    text = f"{ENGLISH * 9}Łódź, gęś, żółw, źrebię, {ENGLISH * 9}"
    try:
        assert decode(text.encode(encoding)) == Decoded(text)
    except TextFailure as failure:
        assert "not certain" in failure.reason
