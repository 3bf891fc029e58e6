"""Pictures for the documentation: a finding in a terminal, a page in a browser.

``make pictures`` runs this file, which needs Chromium; the tests look at what it makes.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, PngImagePlugin
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from imsgen.dsl import load
from imsgen.dsl.diagnostics import closing, render
from imsgen.generator.commands.show import html_of
from imsgen.generator.terminal import coloured
from imsgen.kernel_test_module.tutorial import blocks

REPOSITORY = Path(__file__).resolve().parents[2]
IDXD = REPOSITORY / "examples" / "idxd.ims"

TYPO = REPOSITORY / "docs" / "typo.svg"
RUN = REPOSITORY / "docs" / "run.svg"

#: The page of idxd, by whether it is dark.
SCREENSHOTS = {
    dark: REPOSITORY / f"docs/page-{'dark' if dark else 'light'}.png" for dark in (False, True)
}

#: Pixels of a screenshot.
WIDTH, HEIGHT = 1280, 1040

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def typo() -> bytes:
    """What a terminal shows of the typo in the README."""
    text = IDXD.read_text(encoding="utf-8").replace("offset runtime", "ofset runtime")
    found = load("typo.ims", text.encode()).diagnostics
    return terminal("imsgen check typo.ims", coloured(render(found) + closing(found)), 64, "typo")


def checked() -> bytes:
    """What a terminal shows of the run in docs/run.md, which `make models` holds to be so."""
    block = blocks((REPOSITORY / "docs" / "run.md").read_text(encoding="utf-8"), "kernel")[0]
    command, _, said = block.removeprefix("$ ").partition("\n")
    shown = Text(said, end="")
    shown.highlight_regex(r"(?m)^  ok(?= )", "green")
    return terminal(command, shown, 88, "run")


def terminal(command: str, said: Text, width: int, name: str) -> bytes:
    """A terminal in which a command has said something, as SVG; ``name`` is that of its parts."""
    console = Console(record=True, file=io.StringIO(), width=width, color_system="truecolor")
    console.print(f"$ {command}", highlight=False)
    console.print(said, end="")
    # A picture loads no fonts from elsewhere.
    plain = re.sub(r"\s*@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    return console.export_svg(title="imsgen", code_format=plain, unique_id=name).encode()


def page() -> str:
    """What the screenshots show."""
    return html_of(load(str(IDXD)).devices).decode()


def shown(text: str) -> str:
    """A digest of the part of the page that fits into them: style, picture, first tables."""
    seen = text.partition("<caption>From the layout to C")[0]
    return hashlib.sha256(seen.encode()).hexdigest()


def browser(path: Path, width: int, dark: bool, *more: str) -> str:
    """Have Chromium open a page; what it prints."""
    assert CHROMIUM
    scheme = [f"--blink-settings=preferredColorScheme={0 if dark else 1}"]
    size = [f"--window-size={width},{HEIGHT}", f"--user-data-dir={path.parent / 'profile'}"]
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000"]
    command: Sequence[str] = [CHROMIUM, *flags, *size, *scheme, *more, path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def screenshot(dark: bool) -> bytes:
    """The page of idxd as a PNG, with the digest of what it shows in it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(page(), encoding="utf-8")
        file = Path(folder) / "page.png"
        browser(path, WIDTH, dark, f"--screenshot={file}", "--hide-scrollbars")
        picture = Image.open(file).convert("RGB").quantize(64)
    notes = PngImagePlugin.PngInfo()
    notes.add_text("shows", shown(page()))
    out = io.BytesIO()
    picture.save(out, "png", optimize=True, pnginfo=notes)
    return out.getvalue()


if __name__ == "__main__":
    TYPO.write_bytes(typo())
    RUN.write_bytes(checked())
    for dark, path in SCREENSHOTS.items():
        path.write_bytes(screenshot(dark))
