"""All commands as data, from their parsers: for the man page and for completions."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

from ..arguments import COMMANDS, check_parser, main_parser
from ..simulator.cli import parser as simulate_parser


@dataclass(frozen=True)
class Option:
    """An option or an argument of a command."""

    flags: tuple[str, ...]
    #: What stands for its value; empty where it takes none.
    value: str
    choices: tuple[str, ...]
    help: str

    @property
    def completes(self) -> str:
        """What its value is, for a shell: `words`, `folder`, `file` or nothing."""
        if self.choices:
            return "words"
        return {"DIR": "folder", "PATH": "folder", "FILE": "file"}.get(self.value, "")


@dataclass(frozen=True)
class Command:
    """A command: its options, and the arguments behind them."""

    name: str
    help: str
    description: str
    options: tuple[Option, ...]
    arguments: tuple[Option, ...]


def all_commands() -> list[Command]:
    """The command without a name first, then those with one in their order."""
    return [_command(name, help_, parser) for name, help_, parser in _parsers()]


def _parsers() -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    yield "", "make patch series", main_parser()
    for name, help_ in COMMANDS.items():
        if name == "check":
            parser = check_parser()
        elif name == "simulate":
            parser = simulate_parser()
        else:
            parser = import_module(f"{__package__}.{name}").parser()
        yield name, help_, parser


def _command(name: str, help_: str, parser: argparse.ArgumentParser) -> Command:
    made = [_option(action) for action in parser._actions]
    return Command(
        name,
        help_,
        parser.description or "",
        tuple(item for item in made if item.flags),
        tuple(item for item in made if not item.flags),
    )


def _option(action: argparse.Action) -> Option:
    choices = tuple(str(item) for item in action.choices or ())
    value = "" if action.nargs == 0 else str(action.metavar or "|".join(choices) or action.dest)
    text = (action.help or "") % {"prog": "imsgen", "default": action.default}
    return Option(tuple(action.option_strings), value, choices, text)
