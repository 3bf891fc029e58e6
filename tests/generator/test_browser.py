"""The page of ``imsgen show`` in Chromium, in three sizes, light and dark: nothing overlaps."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from imsgen.dsl import load
from imsgen.generator.commands.show import html_of

from .conftest import EXAMPLES

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = pytest.mark.skipif(
    CHROMIUM is None,
    reason="NO CHROMIUM HERE: nobody has looked at the page (apt install chromium)",
)

#: Asks the browser where texts are.
SCRIPT = """<script>
const box = (e) => {
  const r = e.getBoundingClientRect();
  return [r.left, r.top, r.right, r.bottom];
};
const picture = document.querySelector("svg");
document.body.insertAdjacentHTML("beforeend", '<p id="found"></p>');
document.getElementById("found").textContent = JSON.stringify({
  texts: [...picture.querySelectorAll("text")].map((e) => [e.textContent, ...box(e)]),
  picture: box(picture),
  page: [document.documentElement.scrollWidth, window.innerWidth],
  ground: getComputedStyle(document.body).backgroundColor,
});
</script>"""


def looked_at(path: Path, width: int, dark: bool) -> Any:
    assert CHROMIUM
    scheme = [f"--blink-settings=preferredColorScheme={0 if dark else 1}"]
    size = [f"--window-size={width},900", f"--user-data-dir={path.parent / 'profile'}"]
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000"]
    done = subprocess.run(
        [CHROMIUM, *flags, *size, *scheme, "--dump-dom", path.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found = re.search(r'<p id="found">({.*?)</p>', done.stdout)
    assert found
    return json.loads(unescape(found.group(1)))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mlx5", "crypto2"])
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (768, True), (500, False)])
def test_page(name: str, width: int, dark: bool, tmp_path: Path) -> None:
    """No text lies on another one or leaves the picture, and the page is as wide as the window."""
    page = html_of(load(EXAMPLES / f"{name}.ims").devices).decode()
    path = tmp_path / "page.html"
    path.write_text(page.replace("</body>", f"{SCRIPT}</body>"))
    seen = looked_at(path, width, dark)
    left, top, right, bottom = seen["picture"]
    texts = seen["texts"]
    for number, (text, x, y, x2, y2) in enumerate(texts):
        assert left <= x and top <= y and x2 <= right and y2 <= bottom, text
        for other, a, b, a2, b2 in texts[:number]:
            apart = x2 <= a + 1 or a2 <= x + 1 or y2 <= b + 3 or b2 <= y + 3
            assert apart, (text, other)
    assert seen["page"][0] <= seen["page"][1]
    assert seen["ground"] == ("rgb(13, 17, 23)" if dark else "rgb(255, 255, 255)")
