"""The report of duplicates in a real browser: it opens fast, a choice can be changed and saved."""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from cli.pages.dedup_report import ItemLook, write_page
from search.dedup.detect.kinds import KINDS, Kind
from search.dedup.plan.plan import Entry, read
from tests.cli.chromium import Chromium, program
from tests.cli.pages.test_dedup_report import HOSTILE, group, image, item, plain

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(program() is None, reason="no Chromium here: install Debian's `chromium`"),
]

MANY = 10_000
LONGEST = 3.0  # seconds until the groups stand there
READY = "document.documentElement?.dataset.ready === 'yes' && !!document.querySelector('.file')"


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chromium]:
    with Chromium(tmp_path / "browser") as started:
        yield started
        assert started.complaints == []
        assert not [asked for asked in started.fetched if not asked.startswith(("file:", "data:"))]


def show(browser: Chromium, entries: Iterable[Entry], folder: Path) -> list[Entry]:
    held = list(entries)
    page = write_page(held, lambda *_: ItemLook(image(), 40, 30, "WEBP"), folder)
    browser.open(page.as_uri())
    browser.until(READY)
    return held


def saved(browser: Chromium) -> list[Entry]:
    plan = browser.downloads / "plan.jsonl"
    plan.unlink(missing_ok=True)
    browser.click("#save")
    end = time.monotonic() + 30
    while not plan.exists():
        assert time.monotonic() < end, list(browser.downloads.iterdir())
        time.sleep(0.05)
    entries, refused = read(plan)
    assert refused == ()
    return list(entries)


def button(number: int, file: int, deed: str) -> str:
    """Name a button by the places of its group and file in the plan, from 0."""
    return f'section[data-group="{number}"] [data-file="{file}"] [data-act="{deed}"]'


def text(browser: Chromium, selector: str) -> str:
    found = browser.run(f"document.querySelector({json.dumps(selector)}).textContent")
    assert isinstance(found, str)
    return found


def mixed(number: int, *kinds: Kind) -> list[Entry]:
    """A keeper and a file of each kind; the strong kinds are dropped."""
    rows = group(number, [f"/p/{number}/{place}.jpg" for place in range(len(kinds) + 1)])
    loosest = max(kinds, key=KINDS.index)
    made = [replace(rows[0], kind=loosest)]
    for row, kind in zip(rows[1:], kinds, strict=True):
        same = kind == "identical"
        drop = KINDS.index(kind) < 2
        made.append(
            replace(
                row,
                kind=kind,
                item=rows[0].item if same else row.item,
                evidence={} if same else row.evidence,
                action="drop" if drop else "keep",
            )
        )
    return made


def test_an_untouched_plan_is_saved_as_it_was(browser: Chromium, tmp_path: Path) -> None:
    entries = show(browser, [*group(7, HOSTILE), *mixed(9, "identical", "similar")], tmp_path)
    assert saved(browser) == entries
    assert browser.run("document.querySelectorAll('script').length") == 1


def test_a_choice_is_saved_and_the_totals_follow(browser: Chromium, tmp_path: Path) -> None:
    entries = show(browser, mixed(1, "identical", "same-picture"), tmp_path)
    assert "drops 2 files · frees 2.0 KB" in text(browser, "#totals")
    browser.click(button(0, 2, "keep"))
    assert "drops 1 file · frees 1.0 KB · 1 changed by you" in text(browser, "#totals")
    rows = saved(browser)
    assert rows[:2] == entries[:2]
    assert rows[2] == replace(entries[2], action="keep", rule="by hand")


def test_what_only_a_file_says_is_told_beside_the_keeper_of_now(
    browser: Chromium, tmp_path: Path
) -> None:
    entries = mixed(1, "identical", "same-picture")
    said: list[dict[str, str | list[str]]] = [
        {"keywords": ["sea"], "rating": "3 of 5"},
        {"keywords": ["sea"], "rating": "3 of 5"},
        {"keywords": ["sea", "<b>sand"], "description": "A day"},
    ]
    places = {entry.path: number for number, entry in enumerate(entries)}
    page = write_page(entries, lambda _, path: ItemLook(metadata=said[places[path]]), tmp_path)
    browser.open(page.as_uri())
    browser.until(READY)
    card = '[data-file="{}"] .words'.format
    assert "only here" not in text(browser, card(0)) + text(browser, card(1))
    assert text(browser, f"{card(2)} .only") == "only here: keywords <b>sand; description A day"
    browser.click(button(0, 2, "lead"))
    assert "only here: rating 3 of 5" in text(browser, card(1))
    assert "only here" not in text(browser, card(2))


def test_another_keeper_is_the_keeper_in_every_row(browser: Chromium, tmp_path: Path) -> None:
    old = show(browser, mixed(1, "identical", "same-picture", "edited", "edited"), tmp_path)
    browser.click(button(0, 2, "lead"))
    new = saved(browser)
    assert {row.keeper for row in new} == {old[2].path}
    assert {row.rule for row in new} == {"by hand"}
    assert [row.path for row in new] == [row.path for row in old]
    assert [row.action for row in new] == ["drop", "drop", "keep", "keep", "keep"]
    assert [row.kind for row in new] == ["same-picture"] * 2 + ["edited"] * 3
    assert new[0].evidence == new[1].evidence == {**old[2].evidence, "reversed": True}
    assert new[2].evidence == {}
    assert new[3].evidence == {**old[3].evidence, "compared_with": old[0].path}
    assert "not beside the keeper you chose" in text(browser, '[data-file="3"]')
    browser.click('section[data-group="0"] [data-act="back"]')
    assert saved(browser) == old


def test_what_nobody_compared_with_the_new_keeper_stays(browser: Chromium, tmp_path: Path) -> None:
    rows = [replace(row, kind="edited") for row in group(1, ["/a", "/b", "/c"])]
    show(browser, rows, tmp_path)
    browser.click(button(0, 1, "lead"))
    assert "What was not compared with this keeper stays" in text(browser, "#said")
    assert [row.action for row in saved(browser)] == ["drop", "keep", "keep"]


def test_what_a_file_holds_or_has_beside_it_is_told_and_goes_only_if_asked(
    browser: Chromium, tmp_path: Path
) -> None:
    video: dict[str, object] = {"extras": [{"kind": "video", "count": 1, "bytes": 3_200_000}]}
    keeper, other, third = mixed(1, "same-picture", "same-picture")
    keeper = replace(keeper, evidence=video, companions=("/p/1/0.mov", "/p/1/0.xmp"))
    other = replace(other, evidence={**other.evidence, **video}, action="keep")
    old = show(browser, [keeper, other, third], tmp_path)
    card = '[data-file="{}"] .words'.format
    assert "holds a video of 3.2 MB" in text(browser, f"{card(0)}")
    assert "its keeper lacks" not in text(browser, f"{card(0)}")
    assert "beside it: 0.mov, 0.xmp" in text(browser, f"{card(0)}")
    assert "holds a video of 3.2 MB that its keeper lacks" in text(browser, f"{card(1)} .soft")
    assert "holds" not in text(browser, card(2))
    assert saved(browser) == old

    browser.click(button(0, 1, "drop"))
    assert "What only a dropped file holds goes with it: a video" in text(browser, "#said")
    assert "its keeper lacks" in text(browser, f"{card(1)} .warn")
    assert saved(browser)[1] == replace(other, action="drop", rule="by hand")

    browser.click(button(0, 2, "lead"))  # the two change places, but for what only one holds
    assert "The former keeper stays: it holds a video of 3.2 MB." in text(browser, "#said")
    rows = saved(browser)
    assert [row.action for row in rows] == ["keep", "drop", "keep"]
    assert rows[0].evidence == {**third.evidence, **video, "reversed": True}
    assert rows[0].companions == keeper.companions
    assert rows[1].evidence == {**other.evidence, "compared_with": keeper.path}
    assert rows[2].evidence == {}
    browser.click('section[data-group="0"] [data-act="only"]')
    assert "goes with it: a video" in text(browser, "#said")


def test_no_group_can_lose_all_its_files(browser: Chromium, tmp_path: Path) -> None:
    old = show(browser, group(1, ["/a", "/b", "/c"]), tmp_path)
    browser.click(button(0, 0, "drop"))
    assert "One file of every group stays" in text(browser, "#said")
    assert saved(browser) == old
    browser.click(button(0, 2, "keep"))
    browser.click(button(0, 0, "drop"))
    assert "The keeper is now /c" in text(browser, "#said")
    rows = saved(browser)
    assert [row.action for row in rows] == ["drop", "drop", "keep"]
    assert {row.keeper for row in rows} == {"/c"}
    for selector in ('[data-act="only"]', button(0, 2, "drop"), button(0, 1, "lead")):
        browser.click(selector)
        assert [row.path for row in saved(browser) if row.action == "keep"] != []


def test_names_are_shown_as_text(browser: Chromium, tmp_path: Path) -> None:
    show(browser, group(1, HOSTILE), tmp_path)
    names = browser.run("[...document.querySelectorAll('.words')].map(e => e.innerText).join()")
    assert "alert(1)" in names and "{{script}}" in names
    assert "\u202e" not in names and "turned\ufffdgpj.exe" in names
    assert "not \ufffd\ufffd UTF-8" in names
    assert browser.run("document.querySelectorAll('main script, main b').length") == 0


def test_filters_and_the_deed_for_all_shown(browser: Chromium, tmp_path: Path) -> None:
    entries = show(
        browser,
        [*mixed(1, "identical"), *mixed(2, "edited", "edited"), *mixed(3, "similar")],
        tmp_path,
    )
    browser.click('#kinds input[value="identical"]')
    assert "2 of 3 groups" in text(browser, "#totals")
    find = "document.getElementById('find')"
    browser.run(f"{find}.value = '/P/2/'; {find}.dispatchEvent(new Event('input')); 1")
    browser.until("document.querySelectorAll('section').length === 1")
    every = "document.getElementById('all')"
    browser.run(f"{every}.value = 'only'; {every}.dispatchEvent(new Event('change')); 1")
    actions = [row.action for row in saved(browser)]
    assert actions == ["keep", "drop", "keep", "drop", "drop", "keep", "keep"]
    browser.run(f"{every}.value = 'back'; {every}.dispatchEvent(new Event('change')); 1")
    assert saved(browser) == entries


def test_the_keys_do_what_they_say(browser: Chromium, tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{letter}.webp") for letter in "abcde"]
    for path in paths:
        Path(path).write_bytes(image("gold", (900, 30)))
    show(browser, [*group(1, paths[:2]), *group(2, paths[2:])], tmp_path)
    for key in ("j", "ArrowDown", "ArrowRight", "x", "ArrowRight", "s"):
        browser.press(key)
    rows = saved(browser)
    assert [row.action for row in rows] == ["keep", "drop", "drop", "keep", "keep"]
    assert {row.keeper for row in rows[2:]} == {paths[4]}
    for key in ("k", "a", "c"):
        browser.press(key)
    assert browser.run("document.getElementById('closer').open") is True
    wide = "[...document.querySelectorAll('#closer img')].map((i) => i.naturalWidth).join()"
    browser.until(f"{wide} === '900,900'")  # the files themselves
    browser.press("x")  # behind an open dialog nothing is changed
    browser.run("document.getElementById('closer').close()")
    assert [row.action for row in saved(browser)][:2] == ["keep", "keep"]


def test_choices_are_there_again_when_the_page_is_opened_again(
    browser: Chromium, tmp_path: Path
) -> None:
    show(browser, group(1, ["/a", "/b"]), tmp_path)
    browser.click(button(0, 1, "lead"))
    time.sleep(0.6)  # they are stored a moment later
    browser.open("about:blank")
    browser.until("location.href === 'about:blank'")
    show(browser, group(1, ["/a", "/b"]), tmp_path)
    assert "as you left them" in text(browser, "#said")
    assert {row.keeper for row in saved(browser)} == {"/b"}


def test_dark_and_light(browser: Chromium, tmp_path: Path) -> None:
    show(browser, group(1, ["/a", "/b"]), tmp_path)
    paper = "getComputedStyle(document.body).backgroundColor"

    def system(scheme: str) -> Any:
        feature = {"name": "prefers-color-scheme", "value": scheme}
        browser.send("Emulation.setEmulatedMedia", features=[feature])
        return browser.run(paper)

    light, dark = system("light"), system("dark")
    assert light == "rgb(250, 249, 247)" and dark == "rgb(22, 22, 23)"
    browser.click("#theme")
    assert browser.run(paper) == light


def test_an_empty_report_says_so(browser: Chromium, tmp_path: Path) -> None:
    browser.open(write_page([], plain, tmp_path).as_uri())
    browser.until("document.documentElement?.dataset.ready === 'yes'")
    assert text(browser, "main") == "No duplicates were found."


def test_ten_thousand_groups_open_scroll_change_and_save(browser: Chromium, tmp_path: Path) -> None:
    random = Random(5)
    looks = [image(colour) for colour in ("teal", "red", "gold")]
    entries = [
        entry
        for number in range(1, MANY + 1)
        for entry in group(
            number,
            [f"/pictures/some year/{number}/{n}.jpg" for n in range(random.choice((2, 2, 3, 5)))],
            random.choice(KINDS[1:]),
        )
    ]
    page = write_page(entries, lambda each, _: ItemLook(looks[int(each[:4], 16) % 3]), tmp_path)
    begun = time.monotonic()
    browser.open(page.as_uri())
    browser.until(READY)
    browser.until("[...document.images].slice(0, 4).every((i) => i.complete && i.naturalWidth)")
    assert time.monotonic() - begun < LONGEST
    assert browser.run("document.querySelectorAll('section').length") < 100
    browser.run("scrollTo(0, document.documentElement.scrollHeight); 1")
    last = button(MANY - 1, 1, "keep")
    browser.until(f"!!document.querySelector({json.dumps(last)})")
    browser.click(last)
    assert browser.run("document.querySelectorAll('section').length") < 100
    rows = saved(browser)
    changed = [row for row, old in zip(rows, entries, strict=True) if row != old]
    assert [(row.group, row.item, row.action) for row in changed] == [
        (MANY, item(f"{MANY} 1"), "keep")
    ]
