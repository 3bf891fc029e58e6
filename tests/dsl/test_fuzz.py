"""Whatever comes in: devices or errors, never an exception, places inside the file."""

from __future__ import annotations

import random
import tempfile

import pytest
from dsl_samples import BAD, EVERYTHING, EXAMPLES, GOOD
from hypothesis import example, given, settings
from hypothesis import strategies as st

from imsgen.dsl import Result, load
from imsgen.dsl.diagnostics import render
from imsgen.dsl.kinds import KINDS
from imsgen.dsl.model import to_json
from imsgen.dsl.tokens import keywords, signs

VALID = [EVERYTHING, GOOD, *(path.read_text() for path in EXAMPLES)]
TOKENS = sorted(
    {*keywords(), *signs(), "foo", "ims", "0", "1", "0x10", "65536", "1af4:1234",
     '"text"', '"', "\n", "#", "//", "/*", "$", "'", ",", ".", "-"}
)  # fmt: skip
QUICK = settings(deadline=None, max_examples=100, derandomize=True)


def check(text: bytes, name: str = "fuzz.ims") -> Result:
    """Load and look at everything that a caller may look at."""
    result = load(name, text)
    errors = [found for found in result.diagnostics if found.is_error]
    assert bool(result.devices) is not bool(errors)
    assert result.ok is not bool(errors)
    shown = render(result.diagnostics)
    assert "\x1b" not in shown
    for found in result.diagnostics:
        for span in (found.span, *(place.span for place in found.secondary)):
            size = len(span.source.text)
            assert 0 <= span.start <= span.end <= size
            line, column, end_line, end_column = span.as_list()
            assert 1 <= line <= end_line
            assert 1 <= column <= len(span.source.line_text(line)) + 2
            assert end_column >= 1
        found.to_dict()
    to_json(result.devices)
    return result


@QUICK
@given(st.binary(max_size=300))
@example(b"\xef\xbb\xbf")
@example(b"\r")
@example(b"\xed\xa0\x80")
def test_bytes(text: bytes) -> None:
    check(text)


@QUICK
@given(st.text(max_size=300))
def test_text(text: str) -> None:
    check(text.encode("utf-8", errors="surrogatepass"))


@QUICK
@given(st.lists(st.sampled_from(TOKENS), max_size=60), st.sampled_from(["", " "]))
def test_token_soup(tokens: list[str], glue: str) -> None:
    check(glue.join(tokens).encode())


@pytest.mark.slow
@QUICK
@given(st.lists(st.sampled_from(TOKENS), max_size=40), st.data())
def test_token_soup_inside(tokens: list[str], data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(VALID))
    at = data.draw(st.integers(0, len(text)))
    check((text[:at] + " ".join(tokens) + text[at:]).encode())


@QUICK
@given(st.sampled_from(VALID), st.data())
def test_truncated(text: str, data: st.DataObject) -> None:
    raw = text.encode()
    result = check(raw[: data.draw(st.integers(0, len(raw)))])
    # Wherever it is cut, an included file isn't there; all that a store must have may be missing
    most = 2 + max(len(kind.required) for kind in KINDS)
    assert len([found for found in result.diagnostics if found.code != "IMS001"]) <= most


@QUICK
@given(st.sampled_from(VALID), st.integers(0), st.integers(1, 6))
def test_mutated(text: str, seed: int, count: int) -> None:
    chance = random.Random(seed)
    words = text.split(" ")
    for _ in range(count):
        at = chance.randrange(len(words))
        match chance.randrange(4):
            case 0:
                words[at] = chance.choice(TOKENS)
            case 1:
                words.insert(at, chance.choice(TOKENS))
            case 2:
                words.insert(at, chance.choice(words))
            case 3 if len(words) > 1:
                del words[at]
    check(" ".join(words).encode())


@QUICK
@given(st.sampled_from(sorted(BAD.glob("*.ims"))), st.data())
def test_characters_of_bad_files_changed(path, data: st.DataObject) -> None:  # type: ignore[no-untyped-def]
    raw = bytearray(path.read_bytes() or b" ")
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    check(bytes(raw))


@pytest.mark.slow
@pytest.mark.parametrize("text", VALID, ids=["everything", "good", *(p.stem for p in EXAMPLES)])
def test_every_prefix(text: str) -> None:
    """Cut at each word: errors, unless a whole number of devices is left."""
    for at in range(0, len(text), 7):
        result = check(text[:at].encode())
        assert result.devices == () or text[:at].strip().endswith("}")


@pytest.mark.slow
@pytest.mark.parametrize("text", [GOOD, EVERYTHING])
def test_every_single_character_lost(text: str) -> None:
    """No lost character makes more than a few findings."""
    for at in range(0, len(text), 5):
        assert len(check((text[:at] + text[at + 1 :]).encode()).diagnostics) <= 5, text[:at]


@pytest.mark.slow
@QUICK
@given(st.lists(st.sampled_from(TOKENS), max_size=30), st.integers(0, 3))
def test_token_soup_in_an_included_file(tokens: list[str], where: int) -> None:
    """Whatever an included file holds: findings show its own lines."""
    lines = ["slot family 16 {", "address @0; data @8;", "control @12 { mask bit 0; }", "}"]
    lines.insert(where, " ".join(tokens))
    main = 'include "part.ims";\ndevice foo { pci 1af4:1234; store ims: iomem { bar 0; '
    main += "offset 0; slots 8; slot family; } vector v = ims[0]; }\n"
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/part.ims", "w", encoding="utf-8") as file:
            file.write("\n".join(lines))
        check(main.encode(), f"{folder}/main.ims")
