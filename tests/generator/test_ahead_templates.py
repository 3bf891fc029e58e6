"""Templates as functions do what Jinja2 does with them: texts, and errors for what isn't there."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imsgen.dsl import load
from imsgen.dsl.model import Device
from imsgen.generator import render, translate
from imsgen.generator.render import Renderer, RenderError
from imsgen.generator.series import Planner
from imsgen.generator.targets import Target
from imsgen.templates import ROOT

from .conftest import EXAMPLES, REPOSITORY, device_of

TEMPLATES = sorted(str(p.relative_to(ROOT)) for p in Path(ROOT).rglob("*.j2"))


@cache
def devices() -> tuple[Device, ...]:
    """idxd, and whatever has what idxd has not."""
    layouts = sorted((REPOSITORY / "tests" / "layouts").glob("*.ims"))
    return (device_of(EXAMPLES / "idxd.ims"), *(d for path in layouts for d in load(path).devices))


def context_for(template: str, planner: Planner) -> dict[str, Any]:
    """The context of the first device that makes use of a template."""
    for device in devices():
        context = planner._context(device)
        context["about"].update(core_count="2 patches", has_core=True)
        # What the loops around included templates are over
        one_of = {"store": "stores", "table": "tables", "pool": "pools", "sub": "subdevices"}
        if "managed" in template:
            one_of["pool"] = "managed"
        context.update({name: context[of][0] for name, of in one_of.items() if context[of]})
        if outcome(lambda context=context: Renderer(ROOT).render(template, context))[0]:  # type: ignore[misc]
            return context
    raise AssertionError(f"no device makes use of {template}")


@cache
def functions() -> dict[str, Any]:
    """The module that the build would make, as a dictionary."""
    scope: dict[str, Any] = {}
    exec(compile(translate.module(ROOT), "<made>", "exec"), scope)
    return scope


def made(monkeypatch: pytest.MonkeyPatch) -> Renderer:
    """A renderer as a built package has it."""
    entries = functions()["TEMPLATES"]
    monkeypatch.setattr(render, "_made_ahead", lambda: entries)
    return Renderer(ROOT)


def test_all_templates_are_functions() -> None:
    assert sorted(functions()["TEMPLATES"]) == TEMPLATES


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.ims")), ids=lambda path: path.stem)
def test_same_series(example: Path, profile: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is made of a device, by functions and by Jinja2."""
    device = device_of(example)
    by_jinja = Planner(profile).series([device])
    entries = functions()["TEMPLATES"]
    monkeypatch.setattr(render, "_made_ahead", lambda: entries)
    by_functions = Planner(profile)
    called: list[str] = []
    jinja = by_functions._renderer._jinja
    monkeypatch.setattr(
        by_functions._renderer, "_jinja", lambda t, c: called.append(t) or jinja(t, c)
    )
    assert by_functions.series([device]) == by_jinja
    assert not called


def drop(value: Any, path: tuple[str, ...]) -> Any:
    """``value`` without what is at ``path``; ``*`` stands for all items of a list."""
    if isinstance(value, list):
        return [drop(item, path[1:]) for item in value] if path[0] == "*" else value
    if value is None:
        return None
    out = dict(value)
    if len(path) == 1:
        out.pop(path[0], None)
    elif path[0] in out:
        out[path[0]] = drop(out[path[0]], path[1:])
    return out


def paths(value: Any, depth: int = 4) -> list[tuple[str, ...]]:
    """Where something can be dropped."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [("*", *path) for path in paths(value[0], depth)]
    if not isinstance(value, dict) or not depth:
        return []
    out: list[tuple[str, ...]] = []
    for key, inner in value.items():
        out += [(key,), *((key, *path) for path in paths(inner, depth - 1))]
    return out


def outcome(run: Callable[[], str]) -> tuple[bool, str]:
    """The text, or what of the error doesn't depend on who found it."""
    try:
        return True, run()
    except RenderError as error:
        return False, str(error).partition(": ")[0]


@pytest.mark.parametrize("template", TEMPLATES)
def test_missing_fields_are_errors_alike(
    template: str, profile: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a view lacks: both fail, or both don't ask for it."""
    planner = Planner(profile)
    context = context_for(template, planner)
    jinja, function = Renderer(ROOT), made(monkeypatch)
    assert jinja.render(template, context) == function.render(template, context)
    assert jinja._functions != function._functions
    failed = 0
    for path in paths(context):
        less = drop(context, path)
        one = outcome(lambda less=less: jinja.render(template, less))  # type: ignore[misc]
        two = outcome(lambda less=less: function.render(template, less))  # type: ignore[misc]
        assert one == two, path
        failed += not one[0]
    text = Path(ROOT, template).read_text()
    assert failed or "{{" not in text


# --- the language of templates ----------------------------------------------------------------

VALUES = {
    "text": "a",
    "empty": "",
    "nil": None,
    "yes": True,
    "zero": 0,
    "list": [{"n": 1, "in": ["x", "y"]}, {"n": 2, "in": []}],
    "o": {"text": "b", "list": [], "o": {"text": "c"}},
}
NAMES = [*VALUES, "missing"]
expressions = st.builds(
    ".".join, st.tuples(st.sampled_from([*NAMES, "x", "y"]), st.sampled_from(NAMES))
) | st.sampled_from([*NAMES, "x", "y", "x.n", "x.in", "y.in", "o.o.text", "text.upper"])
blanks = st.sampled_from(["", "\n", " ", "\t", "  \n", "a", "{# c #}", "{# c #}\n", "'\"\\"])


def wrap(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    conditions = st.builds(str.__add__, st.sampled_from(["", "not "]), expressions)
    return (
        st.builds("{{% if {} %}}\n{}{{% else %}}{}{{% endif %}}\n".format, conditions, inner, inner)
        | st.builds(
            "{{% if {} %}}{}{{% elif {} %}}\n{}  {{% endif %}}".format,
            *(conditions, inner, conditions, inner),
        )
        | st.builds(
            "  {{% for {} in {} %}}\n{}{{% endfor %}}\n".format,
            *(st.sampled_from(["x", "y"]), expressions, inner),
        )
        | st.builds("{}{}{}".format, inner, blanks, inner)
    )


templates = st.recursive(st.builds("{{{{ {} }}}}".format, expressions) | blanks, wrap, max_leaves=8)


@settings(max_examples=200, deadline=None)
@given(templates, templates)
def test_any_template(text: str, included: str) -> None:
    """Texts and failures of made-up templates, one including the other inside of a loop."""
    from jinja2 import DictLoader, TemplateError

    jinja = translate.environment("")
    text += "{% for x in list %}\n{% include 'inner' %}\n{% endfor %}\n"
    jinja.loader = DictLoader({"outer": text, "inner": included})
    scope: dict[str, Any] = {"a": translate.attribute, "n": translate.name}
    for name, source in (("outer", text), ("inner", included)):
        exec("\n".join(translate.translate(jinja, name, source)[0]), scope)
    try:
        wanted: str | None = jinja.get_template("outer").render(VALUES)
    except (TemplateError, TypeError):
        wanted = None
    out: list[str] = []
    try:
        scope["outer"](VALUES, out)
        found: str | None = "".join(out)
    except (translate.Undefined, TypeError):
        found = None
    if wanted is None or " object at 0x" not in wanted:
        assert found == wanted


@pytest.mark.parametrize(
    "text",
    [
        "{{ a + 1 }}",
        "{{ f() }}",
        "{{ a | upper }}",
        "{{ a[0] }}",
        "{{ not a }}",
        "{{ 'x' }}",
        "{{ loop }}",
        "{{ range }}",
        "{{ a.items }}",
        "{% set a = 1 %}",
        "{% if a > 1 %}{% endif %}",
        "{% for x in y if x %}{% endfor %}",
        "{% for x in y %}{% else %}a{% endfor %}",
        "{% for x, z in y %}{% endfor %}",
        "{% for range in y %}{% endfor %}",
        "{% include name %}",
        "{% include 'x' ignore missing %}",
        "{% include 'x' without context %}",
        "{% macro m() %}{% endmacro %}",
    ],
)
def test_what_has_no_function_is_refused(text: str) -> None:
    with pytest.raises(translate.Untranslatable, match="t:1"):
        translate.translate(translate.environment(""), "t", text)


def test_an_edited_template_is_rendered_by_jinja(
    monkeypatch: pytest.MonkeyPatch, idxd: Device, profile: Target
) -> None:
    """Never stale: a function is used only for the text that it was made of."""
    context = Planner(profile)._context(idxd)
    entries = dict(functions()["TEMPLATES"])
    template = "kunit/suite.c.j2"
    function, sources = entries[template]
    assert "templates/kunit/pool.c.j2" in sources, "what is included counts too"
    for changed in sources:
        entries[template] = (function, {**sources, changed: sources[changed] ^ 1})
        monkeypatch.setattr(render, "_made_ahead", lambda: entries)
        renderer = Renderer(ROOT)
        text = renderer.render(template, context)
        assert renderer._functions[template] is None
        assert text == made(monkeypatch).render(template, context)
