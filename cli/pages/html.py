"""Contact sheets as one HTML page that needs nothing else: images and style are inside."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from cli.output.render import printable
from cli.pages.tile import Tile

_STYLE = """
:root { color-scheme: light dark; --paper: #faf9f7; --ink: #22211f; --soft: #75716a;
  --tile: #efede8; --line: #e0ddd6; }
@media (prefers-color-scheme: dark) { :root { --paper: #161617; --ink: #ecebe8; --soft: #98958e;
  --tile: #222224; --line: #313134; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 84rem; padding: 3rem 1.5rem 5rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.7rem; letter-spacing: -0.02em; margin: 0 0 .4rem; }
h2 { font-size: 1.15rem; letter-spacing: -0.01em; margin: 3rem 0 .1rem; }
p { margin: .2rem 0 1rem; color: var(--soft); max-width: 60rem; }
code { font: .86em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; color: var(--soft);
  overflow-wrap: anywhere; }
.hits { display: grid; grid-template-columns: repeat(auto-fill, minmax(11.5rem, 1fr)); gap: 1.1rem;
  margin: 1rem 0 0; padding: 0; list-style: none; }
figure { margin: 0; }
.look { display: grid; place-items: center; aspect-ratio: 1; overflow: hidden; border-radius: 8px;
  background: var(--tile); border: 1px solid var(--line); }
.look img { width: 100%; height: 100%; object-fit: contain; display: block; }
.look blockquote { margin: 0; padding: 1rem; font: italic .95rem/1.5 Georgia, serif; }
.look span { color: var(--soft); font-size: .85rem; }
figcaption { display: flex; flex-wrap: wrap; gap: 0 .6rem; margin-top: .35rem; font-size: .82rem;
  font-variant-numeric: tabular-nums; }
figcaption .name { flex: 1 0 80%; min-width: 0; overflow: hidden; white-space: nowrap;
  text-overflow: ellipsis; }
figcaption .soft { color: var(--soft); }
figcaption .said { flex: 1 0 100%; color: var(--soft); font-style: italic; }
.said p { margin: 0; color: var(--ink); }
.said p:nth-child(odd) { color: var(--soft); }
"""


@dataclass(frozen=True, slots=True)
class Section:
    """A query and its hits on a page, or images and what was said about them in turns."""

    title: str
    tiles: Sequence[Tile]
    remark: str = ""
    command: str = ""
    said: Sequence[str] = ()  # question, answer, question, answer, …

    @property
    def captions(self) -> list[str]:
        """Return the captions under the images, in their order."""
        return [tile.caption for tile in self.tiles if tile.caption]


def render_page(title: str, sections: Sequence[Section], lead: str = "") -> str:
    """Write a whole HTML document; every name and text in it is escaped."""
    body = "".join(_section(section) for section in sections)
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_safe(title)}</title>\n<style>{_STYLE}</style>\n"
        f"<h1>{_safe(title)}</h1>\n{_paragraph(lead)}{body}</html>\n"
    )


def _section(section: Section) -> str:
    command = f"<code>{_safe(section.command)}</code>\n" if section.command else ""
    heading = f"<h2>{_safe(section.title)}</h2>\n" if section.title else ""
    tiles = "".join(_tile(tile) for tile in section.tiles)
    lines = "".join(f"<p>{_safe(line)}</p>" for line in section.said)
    said = f'<div class="said">{lines}</div>\n' if lines else ""
    top = f"{heading}{_paragraph(section.remark)}{command}"
    return f'{top}<ol class="hits">\n{tiles}</ol>\n{said}'


def _tile(tile: Tile) -> str:
    link = f' href="{_safe(Path(tile.path).as_uri())}"' if tile.path else ""
    taken = f'<span class="soft">{_safe(tile.taken)}</span>' if tile.taken else ""
    caption = f'<span class="said">{_safe(tile.caption)}</span>' if tile.caption else ""
    return (
        f'<li><figure><a class="look"{link}>{_look(tile)}</a><figcaption>'
        f'<span class="soft">{tile.rank}</span>'
        f'<span class="name" title="{_safe(tile.path or "")}">{_safe(tile.name)}</span>'
        f'{taken}<span class="soft">{tile.figure}</span>{caption}</figcaption></figure></li>\n'
    )


def _look(tile: Tile) -> str:
    if tile.text is not None:
        return f"<blockquote>{_safe(tile.text)}</blockquote>"
    if tile.thumbnail is None:
        return "<span>no image</span>"
    data = b64encode(tile.thumbnail).decode("ascii")
    return f'<img loading="lazy" alt="{_safe(tile.name)}" src="data:image/webp;base64,{data}">'


def _paragraph(words: str) -> str:
    return f"<p>{_safe(words)}</p>\n" if words else ""


def _safe(words: str) -> str:
    return escape(printable(words), quote=True)
