"""What development needs is locked: versions that ``pyproject.toml`` allows, with hashes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
LOCK = (ROOT / "requirements-dev.txt").read_text()


def locked(python: str) -> dict[str, str]:
    """Names and versions for a Python on Linux."""
    environment = {
        **default_environment(),
        "sys_platform": "linux",
        "os_name": "posix",
        "python_version": python,
        "python_full_version": f"{python}.0",
    }
    found = {}
    for line in re.findall(r"(?m)^(\w.*?) \\$", LOCK):
        need = Requirement(line)
        if need.marker is None or need.marker.evaluate(environment):
            assert need.name not in found
            (pin,) = need.specifier
            assert pin.operator == "=="
            found[need.name] = pin.version
    return found


@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_all_that_is_needed(python: str) -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    found = locked(python)
    for need in map(Requirement, project["dependencies"] + project["optional-dependencies"]["dev"]):
        if need.marker and not need.marker.evaluate():
            continue
        assert need.specifier.contains(found[need.name]), f"{need}: run make lock"


def test_hashes_and_no_hosts() -> None:
    for entry in re.split(r"(?m)^(?=\w)", LOCK)[1:]:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), entry
    assert "://" not in LOCK and "--index" not in LOCK
