"""`sightline demo`: a small library, drawn, indexed and searched, to see what sightline does."""

import shlex
import sys
from functools import partial
from pathlib import Path

import click

from cli.command import Command
from cli.demo.photos import PHOTOS, Demo
from cli.demo.talks import QUESTION
from cli.demo.tour import take_tour
from cli.errors import DONE
from cli.indexing import outcome, run_index
from cli.session import session
from cli.settings import Settings, typed
from indexer.models import RECOMMENDED
from sightline import Sightline

MODEL = "mini"


@click.command("demo", cls=Command)
@click.option(
    "--out", default="sightline-demo", show_default=True, metavar="DIR", help="Where to draw it."
)
def command(out: str) -> int:
    """Draw a small library, index it and search it.

    The hits are read a second time, described and asked about by small models that are shipped.
    Everything lies in DIR, with a library of its own; the second run reuses what is there.
    """
    demo = Demo(Path(out))
    if not demo.is_drawn:
        _draw(demo)
    settings = Settings(library=demo.library)
    with session(settings, create=True) as app:
        changed = _index(demo, app)
        if changed or not demo.page.exists():
            for line in take_tour(demo, app):
                click.echo(line)
    _point_the_way(demo, out)
    return DONE


def _draw(demo: Demo) -> None:
    quiet = not sys.stderr.isatty()
    with click.progressbar(
        demo.draw(), length=PHOTOS, label="drawing", file=sys.stderr, hidden=quiet
    ) as drawn:
        for _ in drawn:
            pass
    click.echo(f"drew {PHOTOS} images, copies, notes and broken files")


def _index(demo: Demo, app: Sightline) -> bool:
    report = run_index(app, partial(app.index, str(demo.photos), model=MODEL), MODEL)
    click.echo(f"indexed: {outcome(report)}")
    moved = demo.sort()
    if moved:
        click.echo(f"moved {moved} photos to another folder, as people do")
        click.echo(f"indexed: {outcome(run_index(app, partial(app.index, str(demo.photos))))}")
    return bool(report.new or moved)


def _point_the_way(demo: Demo, out: str) -> None:
    here, sightline = Path(out), typed()
    library = shlex.quote(str(here / demo.library.name))
    click.echo(
        f"""
Look at it:       {here / demo.page.name}
One per search:   {here / demo.sheets.name}
Ask it yourself:  {sightline} search "two green triangles" --library {library}
Ask about them:   {sightline} ask {shlex.quote(QUESTION)} --query stars --library {library}
What went wrong:  {sightline} failures --library {library}

Your own photos:  {sightline} index ~/Pictures
                  {sightline} search "red kite"
The first of these fetches the model {RECOMMENDED}, once."""
    )
