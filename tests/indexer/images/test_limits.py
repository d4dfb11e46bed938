from indexer.images.limits import Limits, too_many_bytes


def test_every_breach_names_the_limit_and_what_was_found() -> None:
    limits = Limits(pixels=1000, file_bytes=1 << 20, memory_bytes=1 << 21, seconds=1.5)
    assert "1,200 pixels, the limit is 1,000" in limits.too_many_pixels(1200)
    assert "3.0 MiB, the limit is 1.0 MiB" in too_many_bytes(
        3 << 20, limits.file_bytes, "file_bytes"
    )
    assert "more than 2.0 MiB" in limits.too_much_memory()
    assert "longer than 1.5 s" in limits.too_long()


def test_every_breach_is_one_line_with_a_next_step() -> None:
    limits = Limits()
    for said, name in [
        (limits.too_many_pixels(2), "pixels"),
        (too_many_bytes(2, 1, "text_bytes"), "text_bytes"),
        (limits.too_much_memory(), "memory_bytes"),
        (limits.too_long(), "seconds"),
    ]:
        assert f"raise the limit `{name}`" in said
        assert "\n" not in said
