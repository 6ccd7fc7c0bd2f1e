"""Findings survive JSON and stay short."""

from __future__ import annotations

import json

from automl.cleaning.findings import merge_findings
from automl.finding import Finding


def test_a_finding_survives_json() -> None:
    finding = Finding("id", ("a",), "info", 1, ("1",), "dropped", "--set clean.ids=false")
    plain = json.loads(json.dumps(finding.to_json()))
    assert Finding.from_json(plain) == finding


def test_findings_of_many_columns_stay_short() -> None:
    findings: list[Finding] = []
    for number in range(500):
        name = f"a long name for column number {number}"
        findings.append(Finding("constant", (name,), "info", 1, action="dropped"))
    merged = merge_findings(findings)
    assert sum(len(finding.columns) for finding in merged) == 500
    for finding in merged:
        assert len(json.dumps(finding.to_json())) < 4096
