"""The published schema is that of the model, and takes what is printed and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from dsl_goldens import golden
from dsl_samples import EVERYTHING, EXAMPLES, ROOT
from jsonschema import Draft202012Validator
from model_schema import schema

from imsgen.dsl import load
from imsgen.dsl.model import JSON_VERSION, to_json

PATH = ROOT / "dsl" / "model.schema.json"
LAYOUTS = sorted((ROOT / "tests" / "layouts").glob("*.ims"))


def dumped(path: Path) -> dict[str, Any]:
    result = load(path)
    assert result.devices
    return {"version": JSON_VERSION, "devices": [to_json(item) for item in result.devices]}


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    made = json.loads(PATH.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(made)
    return Draft202012Validator(made)


def test_is_that_of_the_model() -> None:
    golden(PATH, schema())


@pytest.mark.parametrize(
    "path",
    [*EXAMPLES, *(pytest.param(path, marks=pytest.mark.slow) for path in LAYOUTS)],
    ids=lambda path: path.stem,
)
def test_takes_every_model(path: Path, validator: Draft202012Validator) -> None:
    validator.validate(json.loads(json.dumps(dumped(path))))


def test_takes_everything(tmp_path: Path, validator: Draft202012Validator) -> None:
    path = tmp_path / "all.ims"
    path.write_text(EVERYTHING, encoding="utf-8")
    made = dumped(path)
    validator.validate(json.loads(json.dumps(made)))
    kinds = {item["kind"] for item in _objects(made)}
    assert kinds == set(json.loads(schema())["$defs"]) - {"Span"}


def _objects(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        inside = [found for item in value.values() for found in _objects(item)]
        return [value, *inside] if "kind" in value else inside
    return [found for item in value for found in _objects(item)] if isinstance(value, list) else []


@pytest.mark.parametrize("key", ["name", "stores", "span"])
def test_refuses_what_is_not_one(key: str, validator: Draft202012Validator) -> None:
    for change in ("missing", "wrong", "more"):
        made = json.loads(json.dumps(dumped(EXAMPLES[0])))
        if change == "missing":
            del made["devices"][0][key]
        elif change == "wrong":
            made["devices"][0][key] = {}
        else:
            made["devices"][0]["more"] = 1
        assert not validator.is_valid(made)
