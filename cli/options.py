"""Options that several commands share."""

from collections.abc import Callable, Mapping
from typing import TypeVar, get_args

import click

from indexer.models.compiled.precision import WantedPrecision
from storage.filters import FILTERS, Filters

Function = TypeVar("Function", bound=Callable[..., object])
# How people type what a Python caller writes, beside the filters.
_OPTIONS: Mapping[str, str] = {
    "against": "--against",
    "companions": "--companions",
    "cosines": "--cosine",
    "depth": "--rerank-depth",
    "device": "--device",
    "drop": "--drop",
    "exclude": "--exclude",
    "files": "--files-from",
    "hardlink": "--hardlink",
    "image": "--image FILE",
    "index_kind": "--index-kind",
    "item": "--like ITEM",
    "k": "-k",
    "keep": "--keep",
    "kind": "--kind",
    "kinds": "--kind",
    "labels": "--labels",
    "memory_gb": "--memory",
    "min_lift": "--min-lift",
    "min_match": "--min-match",
    "min_score": "--min-score",
    "model": "--model",
    "move": "--move DIR",
    "precision": "--precision",
    "prefer": "--prefer",
    "rerank": "--rerank",
    "rerank_model": "--rerank-model",
    "settings": "--limit",
    "task": "--task",
    "test_folder": "--leak",
    "templates": "--template",
    "trash": "--trash",
    "within": "--within",
}


def library_option(function: Function) -> Function:
    """Add `--library DIR`."""
    return click.option(
        "--library",
        metavar="DIR",
        help="The library folder. [default: SIGHTLINE_LIBRARY, or your own]",
    )(function)


def precision_option(help_text: str) -> Callable[[Function], Function]:
    """Add `--precision auto|int8`, handed on as None where it is not given."""
    kinds = click.Choice(get_args(WantedPrecision))
    return click.option("--precision", type=kinds, help=help_text)


def json_option(function: Function) -> Function:
    """Add `--json`, handed on as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")(
        function
    )


def yes_option(function: Function) -> Function:
    """Add `--yes`."""
    return click.option("--yes", is_flag=True, help="Do not ask for confirmation.")(function)


def model_option(function: Function) -> Function:
    """Add `--model NAME` of a command that reads images a second time."""
    return click.option(
        "--model", metavar="NAME", help="The model that reads the images (see sightline models)."
    )(function)


def filter_options(function: Function) -> Function:
    """Add the filters, handed on by the names of their fields; `Filters.read` takes them."""
    last = sorted(FILTERS.items(), key=lambda entry: entry[1].metavar is None)
    for name, field in reversed(last):
        flag = field.metavar is None
        function = click.option(
            f"--{option_of(name)}",
            name,
            is_flag=flag,
            multiple=field.repeatable,
            metavar=field.metavar,
            help=field.help,
        )(function)
    return function


def option_of(name: str) -> str:
    """Return how people type a filter, by its field."""
    return FILTERS[name].option or name


def option_named(parameter: str) -> str:
    """Return how people type what a Python caller writes; what they cannot type stays as it is."""
    if parameter in FILTERS:
        return f"--{option_of(parameter)}"
    return _OPTIONS.get(parameter, parameter)


def written(filters: Filters) -> str:
    """Write filters as they are typed: `--after 2019 --camera canon`."""
    return " ".join(
        f"--{option_of(name)}"
        + (f" {FILTERS[name].written(value)}" if FILTERS[name].metavar is not None else "")
        for name, value in filters.given()
    )
