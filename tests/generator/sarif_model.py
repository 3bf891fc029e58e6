"""SARIF logs held to the object model that Microsoft publishes (``sarif-om``)."""

from __future__ import annotations

from typing import Any

import attr
import sarif_om

#: The class of what stands under a key of another class.
CLASSES = {
    "runs": "Run",
    "tool": "Tool",
    "driver": "ToolComponent",
    "rules": "ReportingDescriptor",
    "shortDescription": "MultiformatMessageString",
    "fullDescription": "MultiformatMessageString",
    "defaultConfiguration": "ReportingConfiguration",
    "results": "Result",
    "message": "Message",
    "locations": "Location",
    "relatedLocations": "Location",
    "physicalLocation": "PhysicalLocation",
    "artifactLocation": "ArtifactLocation",
    "region": "Region",
}


def check_log(value: dict[str, Any]) -> list[dict[str, Any]]:
    """The results of a log of one run; fails on whatever SARIF doesn't know or miss."""
    _check(value, "SarifLog")
    assert value["version"] == "2.1.0"
    (run,) = value["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    for result in run["results"]:
        assert result["level"] in ("none", "note", "warning", "error")
        assert rules[result["ruleIndex"]] == result["ruleId"]
        for place in [*result["locations"], *result.get("relatedLocations", ())]:
            region = place["physicalLocation"]["region"]
            assert min(region.values()) >= 1
            start = (region["startLine"], region["startColumn"])
            assert start <= (region["endLine"], region["endColumn"])
            assert "\\" not in place["physicalLocation"]["artifactLocation"]["uri"]
    results: list[dict[str, Any]] = run["results"]
    return results


def _check(value: dict[str, Any], name: str) -> None:
    known = {
        item.metadata["schema_property_name"]: item.default is attr.NOTHING
        for item in attr.fields(getattr(sarif_om, name))
    }
    assert set(value) <= set(known), name
    assert {key for key, needed in known.items() if needed} <= set(value), name
    for key, inner in value.items():
        for item in inner if isinstance(inner, list) else [inner]:
            if isinstance(item, dict):
                _check(item, CLASSES[key])
