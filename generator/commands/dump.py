"""``imsgen dump``: what a layout says, resolved, for other programs."""

from __future__ import annotations

import argparse
from importlib.resources import files

from imsgen.dsl.model import JSON_VERSION, to_json

from ..terminal import OK
from .common import add_input, load_good, new_parser, put, put_json

#: The published schema of what is printed, beside the model's code.
SCHEMA = "model.schema.json"


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    made = new_parser(
        "dump",
        "Print what a layout says, with all defaults and included layouts in their places.",
    )
    add_input(made, many=False)
    made.add_argument(
        "--json",
        action="store_true",
        required=True,
        help="as JSON, of the form that `imsgen dump --schema` prints (so far the only form)",
    )
    made.add_argument("--schema", action=_Schema, help="print the JSON Schema, and no layout")
    return made


class _Schema(argparse.Action):
    """Print the schema and leave, whatever else is said."""

    def __init__(self, option_strings: list[str], dest: str, help: str) -> None:  # noqa: A002
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        put(files("imsgen.dsl").joinpath(SCHEMA).read_text(encoding="utf-8"))
        parser.exit()


def run(args: argparse.Namespace) -> int:
    """Print the models of one file."""
    (result,) = load_good([args.file], args.folders or ())
    put_json({"version": JSON_VERSION, "devices": [to_json(item) for item in result.devices]})
    return OK
