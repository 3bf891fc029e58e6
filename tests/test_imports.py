"""No module of the packages imports itself, by whatever way and in whatever function."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("dsl", "generator", "templates", "kernel_test_module")


def modules(root: Path, packages: tuple[str, ...] = PACKAGES) -> dict[str, Path]:
    """All modules by the name that they have when they are installed."""
    out = {}
    for package in packages:
        for path in (root / package).rglob("*.py"):
            words = list(path.relative_to(root).with_suffix("").parts)
            if words[-1] == "__init__":
                words.pop()
            out[".".join(["imsgen", *words])] = path
    return out


def imported(name: str, path: Path, known: dict[str, Path]) -> set[str]:
    """The modules among ``known`` that one imports, in functions and for type checkers too."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    out: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            out |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*(above if node.level else []), *([node.module or ""])]).strip(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                out.add(inner if inner in known else base)
    return (out & set(known)) - {name}


def circle(root: Path, packages: tuple[str, ...] = PACKAGES) -> list[str]:
    """The modules of one circle; empty if there is none."""
    known = modules(root, packages)
    try:
        graph = {name: imported(name, path, known) for name, path in known.items()}
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.mark.slow
def test_no_circles() -> None:
    assert len(modules(ROOT)) > 50
    assert circle(ROOT) == []


@pytest.mark.parametrize(
    "line",
    [
        "from . import b",
        "from .b import x",
        "from imsgen.dsl.b import x",
        "import imsgen.dsl.b",
        "def f():\n    from .inner import x",
    ],
)
def test_circles_would_be_found(tmp_path: Path, line: str) -> None:
    (tmp_path / "dsl" / "inner").mkdir(parents=True)
    (tmp_path / "dsl/__init__.py").touch()
    (tmp_path / "dsl/inner/__init__.py").write_text("from ..b import x\n")
    (tmp_path / "dsl/b.py").write_text("from .a import x\n")
    (tmp_path / "dsl/a.py").write_text("x = 1\n")
    assert not circle(tmp_path, ("dsl",))
    (tmp_path / "dsl/a.py").write_text(f"{line}\n")
    assert {"imsgen.dsl.a", "imsgen.dsl.b"} <= set(circle(tmp_path, ("dsl",)))
