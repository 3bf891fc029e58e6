"""What the generated C calls its own is what the language's rules keep apart.

``imsgen.dsl.rules.words`` says which identifiers and members are made of a file's names, so that
two names which would make the same one are refused. A function that it doesn't know may clash.
"""

from __future__ import annotations

import re

import pytest

from imsgen.dsl.model import Device
from imsgen.dsl.rules.words import made_from
from imsgen.generator import render
from imsgen.generator.kernel.target import DEFAULT, embedded
from imsgen.generator.series import Planner, parts_of, source_files

from .conftest import every_device

DEVICES = every_device()


def made(device: Device) -> set[str]:
    return {name.removeprefix("enum ") for name, _ in made_from(*parts_of(device))}


def code_of(device: Device, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Header, store headers and glue, without comments and texts."""
    # How lines are laid out is another test's matter.
    monkeypatch.setattr(render, "check_text", lambda text: [])
    target = embedded(DEFAULT)
    files = source_files(Planner(target).series([device]), device, target, "", None)
    return {
        path: re.sub(r'/\*.*?\*/|"[^"\n]*"', "", text, flags=re.S)
        for path, text in files.items()
        if path.endswith((".c", ".h")) and "kunit" not in path and "fake" not in path
    }


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
def test_identifiers(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    known = made(device)
    code = code_of(device, monkeypatch)
    assert len(code) >= 2
    for path, text in code.items():
        found = set(re.findall(rf"\b(?:__|devm_)?({device.name}_[a-z0-9_]+)\b", text))
        assert found, path
        assert found <= known, path


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
def test_members(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    known = made(device)
    text = "".join(code_of(device, monkeypatch).values())
    kinds = [f"{device.name}_irqs", f"{device.name}_irqs_params"]
    for kind in kinds:
        for body in re.findall(rf"struct {kind} {{\n(.*?)\n}};", text, re.S):
            body = re.sub(r"\{[^{}]*\}", "", body)
            names = re.findall(r"\(\*(\w+)\)|(\w+)(?:\[\w+\])?;", body)
            members = {first or second for first, second in names}
            assert members
            found = {f"struct {kind}::{name}" for name in members if not re.match(r"bar\d", name)}
            assert found <= known
