from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from indexer.images.limits import Limits
from indexer.models.protocols import ImageSpec
from indexer.reader import HeaderContent, ImageContent, ReadTask, TextContent, read
from storage.errors import DecodeFailure, TextFailure, UnreadableFile
from tests.indexer.images.encoded import P3, profile

SPEC = ImageSpec(64, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
LIMITS = Limits()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    Image.effect_noise((1600, 1200), 40).convert("RGB").save(path)
    return path


def test_a_photo_is_read_once_for_all_that_is_kept_of_it(photo: Path) -> None:
    result = read(ReadTask(str(photo), "image", SPEC, LIMITS))
    data = photo.read_bytes()
    assert (result.hash, result.size) == (sha256(data).hexdigest(), len(data))
    content = result.content
    assert isinstance(content, ImageContent)
    assert (content.format, content.width, content.height) == ("JPEG", 1600, 1200)
    assert content.pixels.shape == (64, 64, 3)
    with Image.open(BytesIO(content.thumbnail)) as small:
        assert small.size == (512, 384)


def test_scaling_in_the_codec_changes_little_of_what_the_tower_sees(photo: Path) -> None:
    tasks = [
        ReadTask(str(photo), "image", SPEC, LIMITS, full_decode=full) for full in (False, True)
    ]
    scaled, full = (read(task).content for task in tasks)
    assert isinstance(scaled, ImageContent)
    assert isinstance(full, ImageContent)
    assert abs(scaled.pixels.astype(float) - full.pixels).mean() < 3


def test_known_content_is_hashed_and_not_decoded(tmp_path: Path) -> None:
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"not an image")
    known = sha256(b"not an image").hexdigest()
    task = ReadTask(str(path), "image", SPEC, LIMITS, known=frozenset([known]))
    assert read(task).content is None
    with pytest.raises(DecodeFailure):
        read(ReadTask(str(path), "image", SPEC, LIMITS))


def test_of_an_image_read_by_an_earlier_version_the_header_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "plain.jpg"
    Image.effect_noise((60, 40), 40).convert("RGB").save(path)
    name = sha256(path.read_bytes()).hexdigest()
    task = ReadTask(str(path), "image", SPEC, LIMITS, outdated={name: 0})
    assert isinstance(read(task).content, HeaderContent)


def test_unless_its_pixels_are_read_otherwise_now(tmp_path: Path) -> None:
    path = tmp_path / "wide.jpg"
    Image.effect_noise((60, 40), 40).convert("RGB").save(path, icc_profile=profile(P3))
    name = sha256(path.read_bytes()).hexdigest()
    content = read(ReadTask(str(path), "image", SPEC, LIMITS, outdated={name: 0})).content
    assert isinstance(content, ImageContent)
    assert content.reads_since == 1
    later = ReadTask(str(path), "image", SPEC, LIMITS, outdated={name: 1})
    assert isinstance(read(later).content, HeaderContent)


@pytest.mark.parametrize(
    ("name", "written", "kind"),
    [
        ("a.md", "A red kite.", "text"),
        ("b.jsonl", '{"caption": "A red kite."}\n', "table"),
        ("c.CSV", "id,caption\n1,A red kite.\n", "table"),
    ],
)
def test_texts_and_tables_become_passages(
    tmp_path: Path, name: str, written: str, kind: str
) -> None:
    path = tmp_path / name
    path.write_text(written)
    task = ReadTask(str(path), kind, SPEC, LIMITS, text_columns=("caption",))  # type: ignore[arg-type]
    content = read(task).content
    assert isinstance(content, TextContent)
    assert [span.text for span in content.spans] == ["A red kite."]


def test_a_text_over_its_byte_limit_names_that_limit(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("word " * 100)
    with pytest.raises(UnreadableFile, match="raise the limit `text_bytes`"):
        read(ReadTask(str(path), "text", SPEC, Limits(text_bytes=100)))


def test_a_binary_named_txt_is_a_failure_of_texts(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(TextFailure):
        read(ReadTask(str(path), "text", SPEC, LIMITS))


def test_a_name_that_is_not_utf8_is_read(tmp_path: Path) -> None:
    name = b"caf\xe9.txt".decode("utf-8", "surrogateescape")
    try:
        (tmp_path / name).write_text("A red kite.")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    assert read(ReadTask(str(tmp_path / name), "text", SPEC, LIMITS)).content is not None
