"""Offsets to lines and columns, and the text of a finding."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from imsgen.dsl.codes import report
from imsgen.dsl.diagnostics import LINE_WIDTH, Place, printable, quote, render
from imsgen.dsl.source import Source, Span


@settings(deadline=None, max_examples=200, derandomize=True)
@given(st.text(alphabet="ab\n\r\té", max_size=60))
def test_positions_count_as_a_reader_does(text: str) -> None:
    source = Source("x", text)
    line, column = 1, 1
    for offset in range(len(text) + 1):
        assert source.position(offset) == (line, column)
        if offset < len(text):
            if text[offset] == "\n":
                line, column = line + 1, 1
            else:
                column += 1


@settings(deadline=None, max_examples=200, derandomize=True)
@given(st.text(alphabet="ab\n\té", max_size=60))
def test_lines_put_together_are_the_text(text: str) -> None:
    source = Source("x", text)
    lines = [source.line_text(number + 1) for number in range(text.count("\n") + 1)]
    assert "\n".join(lines) == text


@settings(deadline=None, max_examples=200, derandomize=True)
@given(st.text(min_size=1, max_size=300), st.data())
def test_marks_stand_below_their_place(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    source = Source("x", text)
    out = render([report("IMS010", "m", Span(source, start, end))]).split("\n")
    assert len(out) == 6  # where, bar, source line, marks, end of the finding, blank line
    shown, marks = out[2], out[3]
    assert marks.strip("| ^") == ""
    assert "^" in marks
    assert len(shown) <= LINE_WIDTH + 6
    line, column = source.position(start)
    if start < len(text) and end > start and len(source.line_text(line)) <= LINE_WIDTH:
        prefix = len(str(line)) + 3
        assert marks.index("^") == prefix + column - 1


def test_second_places() -> None:
    source = Source("some.ims", "one\n\ttwo\nthree\n")
    first, second = Span(source, 0, 3), Span(source, 5, 8)
    found = report("IMS071", "clash", second, "here", "mend it", [Place(first, "and there")])
    assert render([found]) == (
        "some.ims:2:2: error[IMS071]: clash\n"
        "  |\n"
        "2 |  two\n"
        "  |  ^^^ here\n"
        "...\n"
        "1 | one\n"
        "  | --- and there\n"
        "  |\n"
        "  = help: mend it\n"
        "\n"
    )


def test_a_span_over_lines_is_marked_to_its_first_end() -> None:
    source = Source("x", "abc def\nghi\n")
    out = render([report("IMS010", "m", Span(source, 4, 11))])
    assert "  |     ^^^\n" in out


def test_nothing_gives_nothing() -> None:
    assert render([]) == ""


def test_quotes() -> None:
    assert quote("a") == "`a`"
    assert quote("a\x1b\u202e\t") == "`a\ufffd\ufffd `"
    assert len(quote("x" * 1000)) == 42
    assert printable("é ß") == "é ß"
