"""What `make bench-tool` writes; what it measures is nobody's test."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from imsgen.dsl import load

PATH = Path(__file__).resolve().parents[1] / "bench" / "tool.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_tool", PATH)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_page_has_a_place_for_the_results(tool: ModuleType) -> None:
    text = (tool.ROOT / "docs" / "bench.md").read_text()
    row = tool.Row("imsgen", 3, 50.04, 49.0, 1234.5, 13.4, 782, 119728)
    once = tool.page(text, [row], {"imsgen / python -c pass": 3.5})
    assert "| `imsgen` | 50.0 ms (49.0 to 1,234.5) | 13 MiB | 0.8 kB | 119.7 kB |\n" in once
    assert "| imsgen / python -c pass | 3.50 |\n" in once
    assert tool.page(once, [row], {"imsgen / python -c pass": 3.5}) == once
    before, after = text.split(tool.BEGIN)[0], text.split(tool.END)[1]
    assert once.startswith(before) and once.endswith(after)
    with pytest.raises(ValueError, match="no place"):
        tool.page(text.replace(tool.END, ""), [row], {})


def test_what_grows_is_right(tool: ModuleType) -> None:
    for make, (first, second, *_) in tool.GROWTH.values():
        for count in (first, min(second, 10)):
            assert load("grown.ims", make(count).encode()).ok


def test_scratch_is_empty_and_may_be_on_disk(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool, "MEMORY", tmp_path / "not there")
    place = tool.scratch(tmp_path)
    assert place.parent == tmp_path and not list(place.iterdir())
