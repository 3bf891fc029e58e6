"""The page of ``imsgen show`` in Chromium, in three sizes, light and dark: nothing overlaps."""

from __future__ import annotations

import json
import re
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imsgen.dsl import load
from imsgen.generator.commands.show import html_of

from .conftest import EXAMPLES
from .pictures import CHROMIUM, SCREENSHOTS, WIDTH, browser, page, screenshot

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
  words: [...document.querySelectorAll("h1, h2, h3, li, td, th, caption, footer p")].map((e) => {
    const range = document.createRange();
    range.selectNodeContents(e);
    return [e.textContent, ...box(range)];
  }),
  cut: [...document.querySelectorAll("body *")].filter(
    (e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === "hidden"
  ).length,
  page: [document.documentElement.scrollWidth, window.innerWidth],
  ground: getComputedStyle(document.body).backgroundColor,
});
</script>"""


def looked_at(path: Path, width: int, dark: bool) -> Any:
    found = re.search(r'<p id="found">({.*?)</p>', browser(path, width, dark, "--dump-dom"))
    assert found
    return json.loads(unescape(found.group(1)))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mlx5", "crypto2"])
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (768, True), (500, False)])
def test_page(name: str, width: int, dark: bool, tmp_path: Path) -> None:
    """No text lies on another one or leaves the picture, and the page is as wide as the window."""
    check(html_of(load(EXAMPLES / f"{name}.ims").devices).decode(), width, dark, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
def test_screenshot(dark: bool, tmp_path: Path) -> None:
    """What docs/page-*.png show: no text is cut or lies on another; it can be made again."""
    seen = check(page(), WIDTH, dark, tmp_path)
    words = [(text, box) for text, *box in seen["words"]]
    assert len(words) > 40 and not seen["cut"]
    for number, (text, (x, y, x2, y2)) in enumerate(words):
        assert x >= 0 and x2 <= WIDTH, text
        for other, (a, b, a2, b2) in words[:number]:
            apart = x2 <= a + 1 or a2 <= x + 1 or y2 <= b + 3 or b2 <= y + 3
            assert apart, (text, other)
    made, kept = (Image.open(BytesIO(data)) for data in (screenshot(dark), kept_of(dark)))
    assert made.size == kept.size and made.info["shows"] == kept.info["shows"]


def kept_of(dark: bool) -> bytes:
    """The checked-in one."""
    return SCREENSHOTS[dark].read_bytes()


def check(text: str, width: int, dark: bool, tmp_path: Path) -> Any:
    """What the browser sees of a page; its picture has been looked at."""
    path = tmp_path / "page.html"
    path.write_text(text.replace("</body>", f"{SCRIPT}</body>"))
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
    return seen
