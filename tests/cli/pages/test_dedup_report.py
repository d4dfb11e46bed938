"""The report of duplicates: what stands in the page, and that no name can do anything in it."""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cli.pages import dedup_report
from cli.pages.dedup_report import IMAGE_FOLDER, PAGE, ItemLook, write_page
from cli.pages.evidence_text import in_words, metadata_in_line, metadata_in_words
from indexer.images.metadata.description import Metadata
from search.dedup.detect.kinds import Kind
from search.dedup.plan.plan import Entry

HOSTILE = (
    "/a/</script><script>alert(1)</script>.jpg",
    '/a/" onload="x\' <!--<script>&amp;.jpg',
    "/a/line\nbreak\r\t\u2028\u2029.jpg",
    "/a/turned\u202egpj.exe",
    "/a/not \udcff\udc80 UTF-8.jpg",
    "/a/{{script}} {{groups}}.jpg",
)


def item(name: str) -> str:
    return sha256(name.encode()).hexdigest()


def group(number: int, names: Sequence[str], kind: Kind = "same-picture") -> list[Entry]:
    """The first name is the keeper."""
    evidence = {"hash_distance": 4, "agreement": 0.98}
    return [
        Entry(
            group=number,
            kind=kind,
            path=name,
            item=item(f"{number} {place}"),
            keeper=names[0],
            action="drop" if place else "keep",
            rule="resolution",
            evidence=evidence if place else {},
            bytes=1000 * number + place,
        )
        for place, name in enumerate(names)
    ]


def image(colour: str = "teal", size: tuple[int, int] = (512, 256)) -> bytes:
    encoded = BytesIO()
    Image.new("RGB", size, colour).save(encoded, "WEBP", lossless=True)
    return encoded.getvalue()


def plain(*_: str) -> ItemLook:
    return ItemLook()


class _Reader(HTMLParser):
    """Gathers elements, their attributes, and the texts of those that a browser does not draw."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._within = ""
        self.texts: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._within = dict(attrs).get("type") or tag

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        self.texts.append((self._within, data))

    def rows(self) -> list[dict[str, Any]]:
        texts = [text for kind, text in self.texts if kind == "application/json"]
        return [json.loads(line) for text in texts for line in text.splitlines() if line]

    def groups(self) -> list[dict[str, Any]]:
        return [row for row in self.rows() if "files" in row]


def read(page: Path) -> _Reader:
    return _Reader(page.read_text(encoding="utf-8"))


def test_every_row_stands_in_the_page_as_the_plan_has_it(tmp_path: Path) -> None:
    entries = [*group(1, HOSTILE), *group(2, ["/b/1.jpg", "/b/2.jpg"], "edited")]
    groups = read(write_page(entries, plain, tmp_path)).groups()
    assert [found["group"] for found in groups] == [1, 2]
    files = [file for found in groups for file in found["files"]]
    for entry, file in zip(entries, files, strict=True):
        for key in ("path", "item", "kind", "action", "rule", "evidence", "bytes"):
            assert file[key] == getattr(entry, key)
    assert [found["files"][found["first"]]["path"] for found in groups] == [HOSTILE[0], "/b/1.jpg"]


def test_no_name_becomes_markup(tmp_path: Path) -> None:
    page = write_page(group(1, HOSTILE), plain, tmp_path)
    empty = write_page([], plain, tmp_path / "empty")
    tags, known = ([tag for tag, _ in read(each).elements] for each in (page, empty))
    assert tags == known
    held = page.read_text(encoding="utf-8").partition('"application/json">')[2]
    held = held.partition('</script>\n<script type="module">')[0]
    assert held.isascii()
    assert not set("<>&") & set(held)


def test_the_page_asks_for_nothing_and_runs_only_its_own_script(tmp_path: Path) -> None:
    reader = read(write_page(group(1, HOSTILE), plain, tmp_path))
    assert not [a for _, a in reader.elements if {"src", "href"} & set(a)]
    assert not [name for _, a in reader.elements for name in a if name.startswith("on")]
    policy = next(a["content"] or "" for _, a in reader.elements if "http-equiv" in a)
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy and "http" not in policy
    for kind in ("module", "style"):
        text = "".join(text for found, text in reader.texts if found == kind)
        digest = b64encode(sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_links_lead_to_files_and_nowhere_else(tmp_path: Path) -> None:
    names = [*HOSTILE, "javascript:alert(1)", "relative.jpg"]
    files = read(write_page(group(1, names), plain, tmp_path)).groups()[0]["files"]
    assert [file["uri"] for file in files[-2:]] == [None, None]
    assert all(re.fullmatch(r"file:///[\w./%~-]+", file["uri"]) for file in files[:-2])


def test_what_is_known_of_a_content_is_told(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"x")

    def look(*_: str) -> ItemLook:
        said = {"rating": "5 of 5", "keywords": ["</script>", "sea"]}
        return ItemLook(None, 40, 30, "JPEG", "2020-01-02T03:04:05", "Canon", said)

    file = read(write_page(group(1, [str(photo)]), look, tmp_path)).groups()[0]["files"][0]
    assert (file["width"], file["height"], file["format"], file["camera"]) == (
        40,
        30,
        "JPEG",
        "Canon",
    )
    assert file["taken"] == "2020-01-02 03:04:05"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", file["changed"])
    assert file["metadata"] == {"rating": "5 of 5", "keywords": ["</script>", "sea"]}


def test_what_a_file_holds_and_has_beside_it_is_told(tmp_path: Path) -> None:
    keeper, other = group(1, ["/a.jpg", "/b.jpg"])
    held: dict[str, object] = {"extras": [{"kind": "video", "count": 1, "bytes": 3_200_000}]}
    other = replace(other, evidence=held, companions=("/b.mov",))
    files = read(write_page([keeper, other], plain, tmp_path)).groups()[0]["files"]
    assert (files[0]["extras"], files[0]["companions"]) == ("", [])
    assert (files[1]["extras"], files[1]["companions"]) == ("a video of 3.2 MB", ["/b.mov"])


def test_files_of_one_content_say_what_each_says(tmp_path: Path) -> None:
    keeper, other = group(1, ["/a", "/b"])
    twin = replace(other, path="/c", item=keeper.item)

    def look(content: str, path: str) -> ItemLook:
        return ItemLook(metadata={"description": f"{content[:3]} {path}"})

    files = read(write_page([keeper, other, twin], look, tmp_path)).groups()[0]["files"]
    said = [f"{row.item[:3]} {row.path}" for row in (keeper, other, twin)]
    assert [file["metadata"]["description"] for file in files] == said


def test_metadata_is_told_in_words() -> None:
    known = Metadata(("sea", "x" * 400), -1, "A day", 38.722, -9.139)
    words = metadata_in_words(known)
    assert words["keywords"] == ["sea", "x" * 299 + "…"]
    assert (words["rating"], words["place"]) == ("rejected", "38.72200, -9.13900")
    assert metadata_in_line(Metadata(("a", "b"), 3)) == "keywords a, b; rating 3 of 5"
    assert metadata_in_words(Metadata()) == {}


def test_a_number_that_json_has_no_word_for_is_left_unknown(tmp_path: Path) -> None:
    entry = Entry(1, "similar", "/a", item("a"), "/a", "keep", "", {"cosine": float("nan")}, 1)
    files = read(write_page([entry], plain, tmp_path)).groups()[0]["files"]
    assert files[0]["evidence"] == {"cosine": None}


def test_few_images_are_inside_small_and_once_each(tmp_path: Path) -> None:
    first, second = group(1, ["/a", "/b"])
    twin = Entry(1, "identical", "/c", second.item, "/a", "drop", "", {}, 1)
    reader = read(write_page([first, second, twin], lambda *_: ItemLook(image()), tmp_path))
    looks = [row for row in reader.rows() if "look" in row]
    assert [row["item"] for row in looks] == [first.item, second.item]
    with Image.open(BytesIO(b64decode(looks[0]["look"]))) as opened:
        assert opened.size == (320, 160)
    assert [file["look"] for file in reader.groups()[0]["files"]] == ["inside"] * 3
    assert not (tmp_path / IMAGE_FOLDER).exists()


def test_many_images_are_beside_and_those_of_an_older_report_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dedup_report, "_MOST_INSIDE", 0)
    write_page(group(1, ["/a", "/b"]), lambda *_: ItemLook(image()), tmp_path)
    mine = tmp_path / IMAGE_FOLDER / "00" / "mine.webp"
    mine.parent.mkdir(exist_ok=True)
    mine.write_bytes(b"mine")
    page = write_page(group(2, ["/a", "/b"]), lambda *_: ItemLook(image("red")), tmp_path)
    looks = [file["look"] for file in read(page).groups()[0]["files"]]
    there = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.webp")}
    assert there == {*looks, f"{IMAGE_FOLDER}/00/mine.webp"}
    assert (tmp_path / looks[0]).read_bytes() == image("red")


@pytest.mark.parametrize(
    "thumbnail", [None, b"", b"no webp", image()[:40]], ids=["none", "empty", "no-webp", "cut"]
)
def test_an_image_that_is_none_is_left_out(tmp_path: Path, thumbnail: bytes | None) -> None:
    look = ItemLook(thumbnail)
    reader = read(write_page(group(1, ["/a", "/b"]), lambda *_: look, tmp_path))
    assert not [row for row in reader.rows() if "look" in row]


def test_an_item_that_is_no_hash_names_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dedup_report, "_MOST_INSIDE", 0)
    entry = Entry(1, "identical", "/a", "../../../out", "/a", "keep", "", {}, 1)
    page = write_page([entry], lambda *_: ItemLook(image()), tmp_path / "report")
    assert read(page).groups()[0]["files"][0]["look"] is None
    assert [path.name for path in tmp_path.rglob("*")] == ["report", PAGE]


def test_the_old_report_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    page = write_page(group(1, ["/a", "/b"]), plain, tmp_path)
    before = page.read_bytes()

    def broken() -> Iterator[Entry]:
        yield from group(2, ["/a", "/b"])
        raise RuntimeError("the catalogue went away")

    with pytest.raises(RuntimeError, match="went away"):
        write_page(broken(), plain, tmp_path)
    assert page.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [PAGE]


def test_one_group_is_held_at_a_time(tmp_path: Path) -> None:
    ahead: list[int] = []
    seen = 0

    def entries() -> Iterator[Entry]:
        nonlocal seen
        for seen in range(1, 51):
            yield from group(seen, ["/a", "/b"])

    def look(content: str, _: str) -> ItemLook:
        current = next(n for n in range(1, 51) if content in (item(f"{n} 0"), item(f"{n} 1")))
        ahead.append(seen - current)
        return ItemLook()

    write_page(entries(), look, tmp_path)
    assert max(ahead) <= 1


def test_pages_of_two_plans_keep_their_choices_apart(tmp_path: Path) -> None:
    pages = [
        write_page(group(number, ["/a", "/b"]), plain, tmp_path / str(place))
        for place, number in enumerate((1, 1, 2))
    ]
    one, again, other = (read(page).rows()[-1]["id"] for page in pages)
    assert one == again != other


def test_a_long_report_is_cut_into_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dedup_report, "_PIECE", 500)
    entries = [entry for number in range(1, 6) for entry in group(number, ["/a", "/b"])]
    reader = read(write_page(entries, plain, tmp_path))
    held = [a for tag, a in reader.elements if a.get("type") == "application/json"]
    assert len(held) == 6
    assert [found["group"] for found in reader.groups()] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("kind", "evidence", "words"),
    [
        ("identical", {}, "the same bytes"),
        (
            "same-picture",
            {"turned": "90", "agreement": 0.984, "hash_distance": 6, "quality": 100, "scale": 0.5},
            "turned by 90°, blocks of pixels agree to 98.4%, hashes differ in 6 of 256 bits, "
            "0.50 times the size",
        ),
        (
            "edited",
            {"turned": "mirror", "inliers": 1087, "overlap": 0.81, "scale": 1.0, "rotation": -9.8},
            "mirrored, 1,087 points fit, 81% of the image in common, rotated by -9.8°",
        ),
        (
            "edited",
            {"contrast": 1.3, "saturation": 0.0, "brightness": -20.0},
            "contrast +30%, 20 levels darker, saturation -100%",
        ),
        (
            "similar",
            {"cosine": 0.931, "seconds_apart": 2.0, "camera": "X-T4"},
            "likeness 0.931, taken 2 s apart, camera X-T4",
        ),
        ("similar", {"seconds_apart": 7300}, "taken 2 hours apart"),
        (
            "edited",
            {"cosine": "high", "new_measure": 3, "turned": None},
            "cosine high, new measure 3",
        ),
        ("edited", {"compared_with": "/a/b.jpg"}, "measured beside /a/b.jpg"),
        ("edited", {"frames": 3}, "3 frames or pages, of which the first was compared"),
        ("edited", {"frames": 3, "extras": [], "inliers": 9}, "9 points fit"),  # told apart
        ("same-picture", {"differs": False, "detail": 1.2}, "no detail differs at full size"),
        (
            "similar",
            {"differs": True, "detail_in": "light", "detail_x": 0.25, "detail_y": 0.5, "detail": 9},
            "a detail differs, 25% from the left and 50% from the top",
        ),
        (
            "similar",
            {"differs": True, "detail_in": "transparency", "detail_x": 0.5, "detail_y": "low"},
            "the transparency differs",
        ),
        (
            "similar",
            {"differs": True, "detail_in": "noise"},
            "two shots of one view, by their noise",
        ),
    ],
)
def test_evidence_is_told_in_words(kind: str, evidence: dict[str, object], words: str) -> None:
    assert in_words(kind, evidence) == words
