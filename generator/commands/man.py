"""``imsgen man``: the man page, made from the parsers."""

from __future__ import annotations

import argparse
import re
from typing import Any

from .. import __version__
from ..render import Renderer
from ..terminal import OK
from .common import new_parser, put
from .usage import Command, Option, all_commands


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    return new_parser("man", "Print the man page: `imsgen man | man -l -` shows it.")


def run(args: argparse.Namespace) -> int:
    """Print it."""
    main, *named = all_commands()
    context = {
        "version": __version__,
        "main": _command(main),
        "named": [_command(command) for command in named],
    }
    put(Renderer().render("cli/man.j2", context))
    return OK


def _command(command: Command) -> dict[str, Any]:
    arguments = [_escaped(item.value) for item in command.arguments]
    return {
        "usage": " ".join(["imsgen", command.name, *arguments]),
        "description": _escaped(command.description),
        "options": [_option(option) for option in command.options],
    }


def _option(option: Option) -> dict[str, str]:
    flags = ", ".join(f"\\fB{_escaped(flag)}\\fR" for flag in option.flags)
    value = f" \\fI{_escaped(option.value)}\\fR" if option.value else ""
    return {"flags": flags + value, "help": _escaped(option.help)}


def _escaped(text: str) -> str:
    """Text as roff takes it: no line starts with a sign that it knows, and hyphens are minus."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"(?m)^([.'])", r"\\&\1", text)
