"""Packages: the same archive whoever makes it, the lowest versions, the bill of materials."""

from __future__ import annotations

import io
import tarfile
import tomllib
from pathlib import Path

from imsgen.kernel_test_module import release

ROOT = Path(__file__).resolve().parents[2]


def archive(names: list[str], mtime: int, owner: str, mode: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as file:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.uname, info.uid, info.mode = 4, mtime, owner, mtime, mode
            file.addfile(info, io.BytesIO(b"text"))
    return out.getvalue()


def test_archives_are_the_same() -> None:
    """Whatever the order, the time, the owner and the umask."""
    one = release.same_archive(archive(["p/a", "p/b"], 5, "me", 0o600), 7)
    assert one == release.same_archive(archive(["p/b", "p/a"], 6, "you", 0o664), 7)
    assert one != release.same_archive(archive(["p/a", "p/c"], 5, "me", 0o600), 7)
    with tarfile.open(fileobj=io.BytesIO(one)) as file:
        assert [(m.name, m.mtime, m.mode) for m in file] == [("p/a", 7, 0o644), ("p/b", 7, 0o644)]


def test_bounds() -> None:
    """Each dependency has both, and the lowest is one that can be installed."""
    assert release.lowest(ROOT) == [
        "lark==1.1.5",
        "jinja2==3.1.0",
        "gitpython==3.1.30",
        "rich==13.0.0",
    ]
    with (ROOT / "pyproject.toml").open("rb") as file:
        data = tomllib.load(file)
    assert all(",<" in need for need in data["project"]["dependencies"])


def test_bill_of_materials() -> None:
    found = {
        "imsgen": ["1", "GPL-2.0-only", ["lark", "jinja2"]],
        "jinja2": ["3", "", ["markupsafe"]],
        "lark": ["2", "MIT", []],
        "markupsafe": ["4", "", []],
        "pip": ["5", "", []],
    }
    bill = release.bill(found)
    assert [one["purl"] for one in bill["components"]] == [
        "pkg:pypi/jinja2@3",
        "pkg:pypi/lark@2",
        "pkg:pypi/markupsafe@4",
    ]
    assert bill["dependencies"][1]["dependsOn"] == ["pkg:pypi/markupsafe@4"]
    assert "timestamp" not in bill["metadata"] and "serialNumber" not in bill


def test_licenses() -> None:
    """As REUSE wants them: a text for each license that is named."""
    text = (ROOT / "LICENSE").read_text()
    assert text.lstrip().startswith("GNU GENERAL PUBLIC LICENSE\n                       Version 2")
    assert (ROOT / "LICENSES/GPL-2.0-only.txt").read_text() == text
    assert [path.stem for path in (ROOT / "LICENSES").iterdir()] == ["GPL-2.0-only"]
    (note,) = tomllib.loads((ROOT / "REUSE.toml").read_text())["annotations"]
    assert note["SPDX-License-Identifier"] == "GPL-2.0-only"
