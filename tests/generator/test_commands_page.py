"""``docs/commands.md`` is about the commands that there are."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from imsgen.dsl.compare import Severity
from imsgen.dsl.kinds import BY_WORD
from imsgen.generator.arguments import COMMANDS
from imsgen.generator.commands import diff, new
from imsgen.generator.commands.usage import Command, all_commands

from .conftest import REPOSITORY

TEXT = (REPOSITORY / "docs" / "commands.md").read_text(encoding="utf-8")


def test_every_command_has_a_row() -> None:
    rows = set(re.findall(r"^\| `imsgen (\w+)", TEXT, re.MULTILINE))
    assert rows == set(COMMANDS)


def test_every_option_is_one(imsgen: Callable[..., int]) -> None:
    for name, options in re.findall(r"^\| `imsgen (\w+)([^`]*)`", TEXT, re.MULTILINE):
        for option in re.findall(r"--\w+", options):
            text = REPOSITORY.joinpath("generator", "commands", f"{name}.py").read_text()
            assert option in text or name == "check"


def test_kinds_and_severities() -> None:
    assert "KIND is that of its store, `iomem` if none is said, or `managed`" in TEXT
    assert set(new.kinds()) == {*BY_WORD, "managed"} and new.DEFAULT == "iomem"
    for severity in Severity:
        assert re.search(
            rf"^\| `{severity.value}` .* {diff.CODES[severity]} \|$", TEXT, re.MULTILINE
        )


def test_the_readme_leads_there() -> None:
    assert "](docs/commands.md)" in Path(REPOSITORY / "README.md").read_text(encoding="utf-8")


def options_of(command: Command) -> set[str]:
    """The options that `--help` of a command shows, by their longest names."""
    return {max(option.flags, key=len) for option in command.options} - {"--help"}


def test_every_option_is_on_the_page_and_the_other_way_round() -> None:
    rows = dict(re.findall(r"^\| `(imsgen(?: \w+)?)` \| (`-.*?) \|$", TEXT, re.MULTILINE))
    shown = {name: set(re.findall(r"(?<![\w-])--?[\w-]+", row)) for name, row in rows.items()}
    wanted = {f"imsgen {one.name}".strip(): options_of(one) for one in all_commands()}
    assert shown == {name: options for name, options in wanted.items() if options}
