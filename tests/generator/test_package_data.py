"""Every package and every file of data is named in ``pyproject.toml``."""

from __future__ import annotations

import tomllib
from pathlib import Path

from .conftest import REPOSITORY

with (REPOSITORY / "pyproject.toml").open("rb") as _file:
    TOOL = tomllib.load(_file)["tool"]["setuptools"]


def folder_of(package: str) -> Path:
    _, top, *rest = package.split(".")
    return REPOSITORY / TOOL["package-dir"][f"imsgen.{top}"] / Path(*rest)


def test_packages() -> None:
    known = {folder_of(name) for name in TOOL["packages"]}
    for top in ("dsl", "generator"):
        found = {path.parent for path in (REPOSITORY / top).rglob("*.py")}
        assert found <= known, found - known


def test_data() -> None:
    known: set[Path] = set()
    for name, patterns in TOOL["package-data"].items():
        for pattern in patterns:
            known |= set(folder_of(name).glob(pattern))
    for top in ("dsl", "generator", "templates"):
        for path in (REPOSITORY / top).rglob("*"):
            if path.is_file() and path.suffix not in (".py", ".pyc"):
                assert path in known, path
