# SPDX-License-Identifier: MIT
"""A host name looked up inside a task, by a resolver whose server answers late."""

import os
import sys
from pathlib import Path

import pytest

from harness import MS, OVERSTAY, Run, call, function_of, read_traces

LAB = Path(__file__).with_name("dns_lab.py")


def namespaces():
    return os.geteuid() == 0 and call(["unshare", "--mount", "--net", "true"]).returncode == 0


@pytest.mark.skipif(not namespaces(), reason="needs root and namespaces for a name server")
@pytest.mark.parametrize("profile", ("debug", "release"))
def test_name_lookup_in_a_task_is_found(tmp_path, target, profile):
    """A lookup is one finding of class dns at its caller, however many calls the resolver makes."""
    data = tmp_path / "data"
    program = target("dns_in_task", profile)
    lab = ["unshare", "--mount", "--net", sys.executable, LAB, 60, tmp_path]
    command = [OVERSTAY, "run", "-o", data, "--threshold", "5ms", "--", program, "slow.example"]
    result = call([*lab, *command])
    assert (result.returncode, result.stdout) == (0, "dns_in_task 192.0.2.7\n"), result.stderr
    traces = read_traces(data)
    run = Run(command, result.returncode, result.stdout, result.stderr, data, traces)
    (finding,) = run.findings
    assert (finding["kind"], finding["class"], finding["operation"]) == (
        "blocking-call",
        "dns",
        "getaddrinfo",
    ), run.show()
    assert function_of(finding) == "dns_in_task::blocks_in_lookup"
    assert finding["max_ns"] >= 50 * MS
    (line,) = [each for each in run.trace.all("call") if each["in"] == "task"]
    assert line["target"] == {"kind": "host", "name": "slow.example"}
