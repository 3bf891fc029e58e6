"""``imsgen completions``: what a shell completes, made from the parsers."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from .. import __version__
from ..render import Renderer
from ..terminal import OK
from .common import new_parser, put
from .usage import Command, Option, all_commands

SHELLS = ("bash", "zsh", "fish")


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    made = new_parser(
        "completions",
        "Print the completions for a shell; the first lines say where they belong.",
    )
    made.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))
    return made


def run(args: argparse.Namespace) -> int:
    """Print them."""
    main, *named = all_commands()
    view = {"bash": _bash, "zsh": _zsh, "fish": _fish}[args.shell](main, named)
    put(Renderer().render(f"cli/{args.shell}.j2", {"version": __version__, **view}))
    return OK


def _quoted(text: str) -> str:
    """A word for any shell, in single quotes."""
    return "'" + text.replace("'", "'\\''") + "'"


def _words(command: Command) -> tuple[str, ...]:
    """Words that may stand as the command's argument."""
    return tuple(word for item in command.arguments for word in item.choices)


# --- bash -------------------------------------------------------------------------------------

_ACTIONS = {"folder": "-d", "file": "-f"}


def _bash(main: Command, named: list[Command]) -> dict[str, Any]:
    def view(command: Command, words: tuple[str, ...]) -> dict[str, str]:
        flags = [flag for option in command.options for flag in option.flags]
        return {
            "name": command.name,
            "flags": _quoted(" ".join(flags)),
            "words": _quoted(" ".join(words)),
        }

    patterns: dict[str, list[str]] = {}
    for command in (*named, main):
        for option in command.options:
            if option.value:
                words = f"-W {_quoted(' '.join(option.choices))}"
                action = words if option.choices else _ACTIONS.get(option.completes, "-W ''")
                # Nothing tells the main command from a file.
                prefix = command.name or "*"
                patterns.setdefault(action, []).extend(f"{prefix}\\ {f}" for f in option.flags)
    values = [{"action": key, "pattern": " | ".join(words)} for key, words in patterns.items()]
    return {
        "values": values,
        "named": [view(command, _words(command)) for command in named],
        "main": view(main, tuple(command.name for command in named)),
    }


# --- zsh --------------------------------------------------------------------------------------


def _zsh(main: Command, named: list[Command]) -> dict[str, Any]:
    def view(command: Command) -> dict[str, Any]:
        words = _words(command)
        rest = f"*:word:({' '.join(words)})" if words else '*:layout:_files -g "*.ims"'
        return {
            "name": command.name,
            "described": _quoted(f"{command.name}:{command.help}"),
            "lines": [line for option in command.options for line in _zsh_lines(option)],
            "rest": _quoted(rest),
        }

    return {"named": [view(command) for command in named], "main": view(main)}


def _zsh_lines(option: Option) -> Iterator[str]:
    text = option.help.replace("\\", "\\\\")
    for sign in "[]:":
        text = text.replace(sign, f"\\{sign}")
    value = ""
    if option.value:
        actions = {"words": f"({' '.join(option.choices)})", "folder": "_files -/"}
        value = f":{option.value}:{actions.get(option.completes, '_files')}"
        value = value if option.completes else f":{option.value}: "
    for flag in option.flags:
        yield _quoted(f"{flag}[{text}]{value}")


# --- fish -------------------------------------------------------------------------------------


def _fish(main: Command, named: list[Command]) -> dict[str, Any]:
    lines = []
    for command in named:
        words = f"-a {command.name} -d {_quoted(command.help)}"
        lines.append(f"-n __fish_use_subcommand {words}")
    for command in (main, *named):
        when = _quoted(f"__fish_seen_subcommand_from {command.name}")
        if not command.name:
            names = " ".join(item.name for item in named)
            when = _quoted(f"not __fish_seen_subcommand_from {names}")
        lines += [f"-n {when} {_fish_option(option)}" for option in command.options]
        if words := " ".join(_words(command)):
            lines.append(f"-n {when} -a {_quoted(words)}")
    return {"lines": lines}


def _fish_option(option: Option) -> str:
    parts = [f"-{'l' if flag[1] == '-' else 's'} {flag.lstrip('-')}" for flag in option.flags]
    if option.value:
        actions = {
            "words": f"-xa {_quoted(' '.join(option.choices))}",
            "folder": "-xa '(__fish_complete_directories)'",
            "file": "-rF",
        }
        parts.append(actions.get(option.completes, "-x"))
    return " ".join([*parts, "-d", _quoted(option.help)])
