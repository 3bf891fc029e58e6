"""Texts stay texts in the documentation: docutils sees the same blocks whatever they are."""

from __future__ import annotations

import random

import pytest

from imsgen.dsl import load
from imsgen.generator.kernel.target import Target

from .texts_rst import DEVICE, document, outline, text


@pytest.mark.slow
@pytest.mark.parametrize("place", range(3))
def test_texts_are_no_blocks(profile: Target, place: int) -> None:
    """A hundred texts of what rst knows, where they are not refused."""
    rng = random.Random(place)
    harmless = document(profile, "Thing", "foo", "bar")
    assert harmless is not None
    taken = 0
    while taken < 100:
        texts = ["Thing", "foo", "bar"]
        texts[place] = text(rng)
        made = document(profile, *texts)
        if made is not None:
            taken += 1
            assert outline(made) == outline(harmless), texts


@pytest.mark.parametrize(
    "odd",
    [
        "- one of a list",
        "+ one",
        "1. one",
        "12) one",
        "(iv) one",
        "a. one",
        "#. one",
        ".. note:: this",
        ".. a comment",
        ":field: this",
        ">>> doctest",
        "-o option",
        "--all option",
        "/V option",
        "words that announce ::",
        "words that announce:: a block",
        "===",
    ],
)
def test_blocks_are_refused(odd: str) -> None:
    for texts in ((odd, "a", "b"), ("a", odd, "b"), ("a", "b", odd)):
        (found,) = load("d.ims", DEVICE.format(*texts).encode()).diagnostics
        assert found.code == "IMS034"
        assert found.message.endswith(("title", "purpose"))


@pytest.mark.parametrize(
    "fine", ["3.5 GHz radio", "100 ns", "A.B.C", "(old) errors", "1 of 2", "a: b", "C++: x", "I/O"]
)
def test_words_are_not(fine: str) -> None:
    assert load("d.ims", DEVICE.format(fine, fine, fine).encode()).ok
