"""Describing: captions that are kept batch by batch, and asked for once."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer import Limits, Report
from indexer.models.networks.fake import FakeEncoder
from indexer.models.protocols import Pixels
from search import CaptionJob, Engine, Query, Term
from search.describe import describe_file
from storage import Filters, Library
from storage.errors import InvalidArgument, LibraryInUse, ModelError, PathNotFound
from storage.selection import select_items
from storage.tables import captions
from tests.search.readers import RuleCaptioner, brightness

KITE = (Term("text", "kite"),)


@pytest.fixture
def chosen(library: Library, photos: Path, index: Callable[..., Report]) -> list[int]:
    """The row numbers of six photos."""
    index(photos)
    with library.catalogue.reading() as connection:
        return select_items(connection, "image", Filters())


def stored(library: Library, chosen: list[int]) -> dict[int, str]:
    with library.catalogue.reading() as connection:
        return captions.of_items(connection, chosen)


def test_every_image_gets_a_caption_on_one_line(library: Library, chosen: list[int]) -> None:
    told: list[tuple[int, int]] = []
    describing = CaptionJob(library, RuleCaptioner(), batch=4)
    given = list(describing.run(chosen, lambda done, total: told.append((done, total))))
    assert [one.item.id for one in given] == chosen
    assert [one.path for one in given] == [one.item.paths[0] for one in given]
    assert all(one.caption.startswith("brightness 0.") for one in given)
    assert stored(library, chosen) == {one.item.id: one.caption for one in given}
    assert told == [(4, 6), (6, 6)]
    assert (describing.failed, describing.notices) == (0, [])


def test_what_has_the_models_caption_is_not_described_again(
    library: Library, chosen: list[int]
) -> None:
    captioner = RuleCaptioner()
    list(CaptionJob(library, captioner).run(chosen[:4]))
    assert len(list(CaptionJob(library, captioner).run(chosen))) == 2
    assert captioner.described == 6


def test_a_run_that_is_broken_off_keeps_its_batches_and_goes_on(
    library: Library, chosen: list[int]
) -> None:
    seen = 0

    def until_the_third(image: Pixels) -> str:
        nonlocal seen
        seen += 1
        if seen == 5:
            raise KeyboardInterrupt
        return f"number {seen}"

    run = CaptionJob(library, RuleCaptioner(until_the_third), batch=2).run(chosen)
    with pytest.raises(KeyboardInterrupt):
        list(run)
    assert len(stored(library, chosen)) == 4
    assert len(list(CaptionJob(library, RuleCaptioner(lambda _: "later")).run(chosen))) == 2
    assert list(stored(library, chosen).values()).count("later") == 2


def test_what_was_yielded_is_stored_whatever_the_reader_does_then(
    library: Library, chosen: list[int]
) -> None:
    run = CaptionJob(library, RuleCaptioner(), batch=2).run(chosen)
    next(run)
    del run  # as when a loop over it is left
    assert len(stored(library, chosen)) == 2
    with library.writing("anything"):  # the lock was let go
        pass


def test_a_model_that_says_nothing_is_told_and_nothing_is_stored(
    library: Library, chosen: list[int]
) -> None:
    describing = CaptionJob(library, RuleCaptioner(lambda one: " \n" * (brightness(one) > 0)))
    assert list(describing.run(chosen)) == []
    assert stored(library, chosen) == {}
    assert describing.failed == 6
    assert describing.notices == [
        "the model rule-captioner said nothing about 6 images: no caption was stored, another "
        "model may have one"
    ]


def test_an_unreadable_image_is_passed_over(
    library: Library, photos: Path, chosen: list[int]
) -> None:
    item = library.find(str(photos / "0.png"))
    (photos / "0.png").unlink()
    library.thumbnails.delete([item.hash])
    describing = CaptionJob(library, RuleCaptioner())
    assert len(list(describing.run(chosen))) == 5
    assert describing.failed == 1
    assert "they have no caption" in describing.notices[0]


def test_a_model_that_gives_too_few_captions_is_at_fault(
    library: Library, chosen: list[int]
) -> None:
    class Mute(RuleCaptioner):
        def describe(self, pixels: Pixels) -> list[str]:
            return []

    with pytest.raises(ModelError, match="0 captions for 6 images"):
        list(CaptionJob(library, Mute()).run(chosen))


def test_a_library_in_use_is_not_written_to(library: Library, chosen: list[int]) -> None:
    with (
        Library.open(library.path) as other,
        other.writing("index"),
        pytest.raises(LibraryInUse),
    ):
        list(CaptionJob(library, RuleCaptioner()).run(chosen))


def test_where_nothing_lacks_a_caption_the_library_may_be_in_use(
    library: Library, chosen: list[int]
) -> None:
    list(CaptionJob(library, RuleCaptioner()).run(chosen))
    with Library.open(library.path) as other, other.writing("index"):
        assert list(CaptionJob(library, RuleCaptioner()).run(chosen)) == []


def test_an_image_outside_the_library_is_described_on_one_line(photos: Path) -> None:
    said = describe_file(RuleCaptioner(), str(photos / "0.png"), Limits())
    assert said.startswith("brightness 0.")
    with pytest.raises(ModelError, match="said nothing about"):
        describe_file(RuleCaptioner(lambda _: " "), str(photos / "0.png"), Limits())


def test_a_search_that_describes_captions_its_hits_and_keeps_them(
    engine: Engine, library: Library, encoder: FakeEncoder
) -> None:
    captioner = RuleCaptioner()
    describing = Engine(library, lambda: encoder, captioner=lambda: captioner)
    hits = describing.search(Query(KITE, k=2, describe=True))
    assert all(hit.caption is not None for hit in hits)
    assert captioner.described == 2
    again = describing.search(Query(KITE, k=2, describe=True))
    assert captioner.described == 2
    assert [hit.caption for hit in again] == [hit.caption for hit in hits]
    assert [hit.caption for hit in engine.search(Query(KITE, k=2))] == [hit.caption for hit in hits]


def test_a_search_describes_though_the_library_is_in_use(
    engine: Engine, library: Library, encoder: FakeEncoder
) -> None:
    describing = Engine(library, lambda: encoder, captioner=RuleCaptioner)
    with Library.open(library.path) as other, other.writing("index"):
        hits = describing.search(Query(KITE, k=1, describe=True))
    assert hits[0].caption is not None
    assert stored(library, [hits[0].item.id]) == {}
    [notice] = hits.notices
    assert (
        "not stored, describe the images themselves to keep them: " in notice and "in use" in notice
    )


def test_what_was_removed_while_it_was_described_is_not_stored(
    engine: Engine, library: Library, encoder: FakeEncoder
) -> None:
    gone, left = engine.search(Query(KITE, k=2))

    def removing(_: Pixels) -> str:
        with Library.open(library.path) as other, contextlib.suppress(PathNotFound):
            other.apply(other.plan_remove(gone.item.paths[0]), "remove")
        return "a kite"

    describing = Engine(library, lambda: encoder, captioner=lambda: RuleCaptioner(removing))
    hits = describing.search(Query(KITE, k=2, describe=True))
    assert [hit.caption for hit in hits] == ["a kite", "a kite"]
    assert stored(library, [gone.item.id, left.item.id]) == {left.item.id: "a kite"}
    assert hits.notices == ()


def test_texts_are_not_described(engine: Engine) -> None:
    hits = engine.search(Query(KITE, kind="text", describe=True))
    assert {hit.caption for hit in hits} == {None}


def test_an_engine_without_a_captioner_says_so(engine: Engine) -> None:
    with pytest.raises(InvalidArgument, match="no model to describe"):
        engine.search(Query(KITE, describe=True))
