"""What went stale, and what a plan says wrongly, is refused with its reason; the rest goes on."""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from search.dedup.apply.open_file import open_verified
from search.dedup.detect.kinds import Kind
from search.dedup.plan.plan import Entry
from tests.search.dedup.extras.containers import encoded, video
from tests.search.dedup.planted_duplicates import Run, actions, group, put, refusal


def make_link(path: Path, target: Path) -> None:
    path.unlink()
    path.symlink_to(target)


def make_hard_link(path: Path, target: Path) -> None:
    path.unlink()
    path.hardlink_to(target)


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


STALE: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "gone": (lambda duplicate, keeper: duplicate.unlink(), "not there any more"),
    "changed": (lambda duplicate, keeper: put(duplicate, b"new"), "content changed"),
    "a folder now": (lambda duplicate, keeper: make_folder(duplicate), "not a regular file"),
    "a pipe now": (lambda duplicate, keeper: make_pipe(duplicate), "not a regular file"),
    "a symlink": (lambda duplicate, keeper: make_link(duplicate, keeper), "symbolic link"),
    "a hard link": (
        lambda duplicate, keeper: make_hard_link(duplicate, keeper),
        "one and the same file",
    ),
    "root unmounted": (
        lambda duplicate, keeper: duplicate.parent.rename(duplicate.parent.with_name("away")),
        "if a disk was taken away",
    ),
    "keeper gone": (lambda duplicate, keeper: keeper.unlink(), "its keeper: .* not there any more"),
    "keeper changed": (
        lambda duplicate, keeper: put(keeper, b"new"),
        "its keeper's content changed",
    ),
    "keeper a symlink to it": (
        lambda duplicate, keeper: make_link(keeper, duplicate),
        "symbolic link",
    ),
    "keeper a pipe": (
        lambda duplicate, keeper: make_pipe(keeper),
        "its keeper: .* not a regular file",
    ),
}


@pytest.mark.parametrize("change", STALE)
def test_what_went_stale_is_refused_and_the_rest_goes_on(
    run: Run, keeper: Path, duplicate: Path, tmp_path: Path, change: str
) -> None:
    others = (put(tmp_path / "b" / "1.jpg", b"b"), put(tmp_path / "b" / "2.jpg", b"b"))
    entries = [*group(keeper, duplicate), *group(*others, number=2)]
    spoil, reason = STALE[change]
    spoil(duplicate, keeper)
    for action in actions(tmp_path):
        first, _ = run(entries, action, dry_run=True)
        assert not first.done
    first, second = run(entries)
    assert re.search(reason, first.reason or "")
    assert (first.done, second.done) == (False, True)


def nonsense(keeper: Path, duplicate: Path) -> dict[str, tuple[list[Entry], str]]:
    kept, drop = group(keeper, duplicate)
    return {
        "no keeper's row": ([drop], "no row that keeps its keeper"),
        "keeper kept elsewhere": ([replace(kept, group=9), drop], "no row that keeps its keeper"),
        "its own keeper": ([kept, replace(drop, keeper=str(duplicate))], "its own keeper"),
        "keeper also dropped": (
            [kept, drop, replace(kept, action="drop", keeper=str(duplicate))],
            "its keeper is dropped by the plan",
        ),
        "kept as well": ([kept, drop, replace(drop, action="keep")], "another row .* keeps it"),
        "not identical": (
            [replace(kept, item="0" * 64), drop],
            "its keeper has another content",
        ),
        "older hash": (
            [kept, replace(drop, item="0" * 64, kind="edited", evidence={"differs": False})],
            "content changed",
        ),
        "never looked at closely": (
            [kept, replace(drop, kind="same-picture", evidence={"agreement": 1.0})],
            "compared with its keeper at full detail",
        ),
        "a detail differs": (
            [kept, replace(drop, kind="edited", evidence={"differs": True, "detail": 9.0})],
            "compared with its keeper at full detail",
        ),
        "a path with NUL": ([kept, replace(drop, path="/a\0b")], "is no path"),
        "half a pair": ([kept, replace(drop, path="/\ud800")], "is no path"),
        "alias of the keeper": (
            [kept, replace(drop, path=str(keeper.parent / "sub" / ".." / keeper.name))],
            "one and the same file",
        ),
    }


@pytest.mark.parametrize("name", nonsense(Path(__file__), Path(__file__)))
def test_a_plan_edited_into_nonsense_removes_nothing(
    run: Run, keeper: Path, duplicate: Path, name: str
) -> None:
    entries, reason = nonsense(keeper, duplicate)[name]
    outcomes = run(entries)
    assert any(re.search(reason, one.reason or "") for one in outcomes)
    assert [one for one in outcomes if one.done] == []
    assert keeper.exists() and duplicate.exists()


def test_a_keeper_may_stand_in_two_groups(run: Run, keeper: Path, duplicate: Path) -> None:
    edited = put(duplicate.with_name("edited.jpg"), b"edited image")
    entries = [*group(keeper, duplicate), *group(keeper, edited, number=2, kind="edited")]
    assert [one.done for one in run(entries)] == [True, True]


def test_two_that_keep_each_other_both_stay(run: Run, keeper: Path, duplicate: Path) -> None:
    entries = [*group(keeper, duplicate), *group(duplicate, keeper, number=2)]
    drops = [entry for entry in entries if entry.action == "drop"]
    for plan in (entries, drops):
        assert [one.done for one in run(plan)] == [False, False]


def test_a_keeper_that_is_dropped_under_another_spelling_stays(
    run: Run, keeper: Path, duplicate: Path, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(keeper.parent)
    third = put(tmp_path / "photos" / "third.jpg")
    alias = tmp_path / "link" / keeper.name
    entries = [*group(keeper, duplicate), *group(third, alias, number=2)]
    spelled, other = run(entries)
    assert "another spelling" in (spelled.reason or "")
    assert duplicate.exists() and third.exists()
    assert other.done  # the keeper is a copy of the third, which stays


def test_two_runs_at_once_that_disagree_do_not_remove_both(
    run: Run, keeper: Path, duplicate: Path
) -> None:
    with open_verified(str(duplicate), exclusive=False):  # another run relies on it
        assert "in use by another run" in refusal(run(group(keeper, duplicate)))
    with open_verified(str(keeper), exclusive=True):  # another run is about to remove it
        assert "in use by another run" in refusal(run(group(keeper, duplicate)))
    assert run(group(keeper, duplicate))[0].done


@pytest.mark.parametrize("kind", ["same-picture", "edited", "similar"])
def test_what_holds_more_goes_only_where_the_plan_says_so(
    run: Run, keeper: Path, duplicate: Path, kind: Kind
) -> None:
    """A plan of before says nothing of it, and a report that a person worked on does."""
    put(keeper, encoded("JPEG"))
    put(duplicate, encoded("JPEG") + video())
    entries = group(keeper, duplicate, kind=kind)
    assert "it holds a video of 4.0 KB that its keeper lacks" in refusal(run(entries))
    same: dict[str, object] = {"differs": False}
    other = replace(entries[1], evidence=same | {"extras": [{"kind": "gain map"}, "video", 7]})
    assert "it holds a video" in refusal(run([entries[0], other]))
    rows = [{"kind": "video", "count": 1, "bytes": 9}]
    told = replace(entries[1], evidence=same | {"extras": rows})
    assert run([entries[0], told])[0].done


def test_what_a_person_marked_in_the_report_goes_whatever_was_seen(
    run: Run, keeper: Path, duplicate: Path
) -> None:
    kept, drop = group(keeper, duplicate, kind="edited")
    marked = replace(drop, rule="by hand", evidence={"differs": True, "detail": 9.0})
    assert run([kept, marked])[0].done


def test_what_was_not_understood_when_the_plan_was_made_goes_as_it_says(
    run: Run, keeper: Path, duplicate: Path
) -> None:
    put(duplicate, b"no image at all")
    assert run(group(keeper, duplicate, kind="same-picture"))[0].done
