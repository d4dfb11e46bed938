import pytest

from indexer.images.metadata.exif_text import decode, one_line


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"Canon EOS 40D\0", "Canon EOS 40D"),
        ("小米".encode() + b"\0\0\0", "小米"),
        ("Éclair".encode() + b"\0 rest", "Éclair"),
        ("Caméra".encode("cp1252"), "Caméra"),
        ("Photographer’s".encode("cp1252"), "Photographer’s"),
        (b"caf\xe9 \x81", "café \x81"),  # 0x81 is no letter of Windows-1252
        ("カメラ".encode()[:-1], "カメ"),  # a field too short for its last letter
        ("Canon 日本".encode("gbk"), "Canon ÈÕ±¾"),  # which encoding it is stands nowhere
        (b"", ""),
        ("小米 5".encode("utf-16"), "小米 5"),
        (b"\xfe\xff" + "Caméra\0rest".encode("utf-16-be"), "Caméra"),
        ("Caméra\0".encode("utf-16-le"), "Caméra"),
        ("Caméra".encode("utf-16-be") + b"\0", "Caméra"),
        ("M3".encode("utf-16-le"), "M3"),
        ("M3".encode("utf-16-le")[:-1], "M"),  # one letter and its end, and the rest of a field
        (b"S\0\0\0", "S"),
        (b"A\0BC\0", "A"),
    ],
)
def test_a_text_is_utf8_or_else_western_up_to_its_first_nul(value: bytes, text: str) -> None:
    assert decode(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"  FinePix\tE500 \n\0", "FinePix E500"),
        (b"\x1b[31mred\0", "[31mred"),
        ("\ufeffRICOH".encode(), "RICOH"),
        ("NIKON\0D70", "NIKON"),
        (b"x" * 500, "x" * 120),
        (b" \0", None),
        (7, None),
        ((1, 2), None),
        (None, None),
    ],
)
def test_a_short_text_is_one_line(value: object, text: str | None) -> None:
    assert one_line(value) == text
