# SPDX-License-Identifier: MIT
"""What the trace says about what could be seen, and the verdict of the gate on it."""

import pytest

from harness import MS, PROFILES, function_of, tokio_version

# variant of tests/targets/tokio-versions -> Tokio's version
VERSIONS = {
    "1.17": "1.17.0",
    "1.20": "1.20.6",
    "1.22": "1.22.0",
    "1.23": "1.23.0",
    "1.28": "1.28.2",
    "1.38": "1.38.2",
    "1.44": "1.44.2",
    "newest": "1.54.1",
    "unstable": "1.54.1",
    "no-pie": "1.54.1",
    "no-relro": "1.54.1",
    "thin-lto": "1.54.1",
    "v0-mangling": "1.54.1",
    "small": "1.54.1",
    "abort": "1.54.1",
}


@pytest.mark.parametrize("variant", VERSIONS)
def test_every_tokio_version_is_judged(run_overstay, variant):
    """The one planted block is found, and what Tokio allows is not, in every version and build."""
    run = run_overstay(tokio_version(variant), options=["--threshold", "10ms"])
    assert (run.status, run.stdout) == (0, "ok\n")
    assert run.trace.attached, run.trace.coverage
    (finding,) = run.findings
    assert (finding["kind"], finding["class"]) == ("blocking-call", "sleep"), run.show()
    assert function_of(finding) == "planted::planted_block"
    assert (finding["count"], finding["context"]) == (1, "task")
    assert finding["max_ns"] >= 20 * MS


@pytest.mark.parametrize("variant, version", VERSIONS.items())
def test_tokio_version_is_named(run_overstay, variant, version):
    """The report says which version of Tokio it found."""
    run = run_overstay(tokio_version(variant))
    (process,) = run.report["processes"]
    assert process["runtime"] == {"name": "tokio", "version": version}


@pytest.mark.parametrize("profile", PROFILES)
def test_tokio_program_is_attached(run_overstay, target, profile):
    """A program with Tokio inside says how many task types are hooked, and counts its polls."""
    run = run_overstay(target("clean_echo", profile))
    coverage = run.trace.coverage
    assert coverage["attached"] is True
    assert coverage["engine"] == "on"
    assert coverage["stacks"] is True
    assert coverage["task_vtables"] >= 3
    assert sum(line["task_vtables"] for line in run.trace.all("runtime")) == coverage["task_vtables"]
    polls = run.trace.one("polls")
    # 20 clients and their servers, 20 messages each: none of it happens in fewer polls.
    assert polls["count"] >= 800
    assert sum(count for _, count in polls["histogram"]) == polls["count"]
    (process,) = run.report["processes"]
    assert process["polls"]["count"] == polls["count"]
    assert process["coverage"]["attached"] is True


@pytest.mark.parametrize("program", ("no_runtime", "smol_app"))
def test_program_without_a_known_runtime_is_not_attached(run_overstay, target, program):
    """Without a known runtime nothing was judged, and the report says so."""
    run = run_overstay(target(program))
    assert run.trace.coverage["attached"] is False
    (process,) = run.report["processes"]
    assert process["coverage"]["attached"] is False
    assert process["runtime"] is None or process["runtime"]["name"] is None
    assert run.check().returncode == 2


def test_stripped_program_says_what_it_hides(run_overstay, target):
    """A build without names is judged all the same, and the report says what it cannot tell."""
    run = run_overstay(target("main_body", "fat"))
    assert run.trace.attached
    assert run.trace.coverage["blind_spots"] or run.findings


def test_clean_program_passes_the_gate(run_overstay, target):
    """The gate passes a program in which nothing blocks."""
    run = run_overstay(target("abort_task"), options=["--threshold", "10ms"])
    result = run.check()
    assert result.returncode == 0, result.stdout + result.stderr


def test_blocking_program_fails_the_gate(run_overstay, target):
    """The gate fails a program that blocks, and names the place."""
    run = run_overstay(target("sleep_in_task"))
    result = run.check()
    assert result.returncode == 1
    assert "blocks_in_sleep" in result.stdout


@pytest.mark.parametrize(
    "program, status",
    [("sleep_in_task", 1), ("abort_task", 0), ("no_runtime", 2), ("exit_in_task", 7)],
)
def test_run_with_check_is_run_and_gate_in_one(run_overstay, target, program, status):
    """`run --check` gives the gate's verdict, or the command's own failure."""
    run = run_overstay(target(program), options=["--threshold", "10ms", "--check"])
    assert run.status == status, run.stderr
    assert run.stdout.startswith(program)


def test_run_says_in_one_line_what_it_found(run_overstay, target):
    """After the command, one line on stderr tells the number of findings and where the trace is."""
    run = run_overstay(target("sleep_in_task"))
    lines = run.stderr.splitlines()
    assert len(lines) == 1, run.stderr
    assert str(run.data) in lines[0]
    assert "1" in lines[0]


def test_earlier_data_is_kept_once(run_overstay, target, tmp_path):
    """The data of the run before is kept beside the new one, under another name."""
    import harness

    data = tmp_path / "data"
    pids = []
    for _ in range(3):
        result = harness.call([harness.OVERSTAY, "run", "-o", data, "--", target("abort_task")])
        assert result.returncode == 0, result.stderr
        (trace,) = harness.read_traces(data)
        pids.append(trace.header["pid"])
    (earlier,) = harness.read_traces(tmp_path / "data.old")
    assert earlier.header["pid"] == pids[1]


def test_header_describes_the_process(run_overstay, target):
    """The header says which program ran, how, where and with which limits."""
    program = target("dns_in_task")
    run = run_overstay(program, "localhost", options=["--threshold", "2ms", "--stall", "3s"])
    header = run.trace.header
    assert header["exe"] == str(program)
    assert header["cmdline"] == [str(program), "localhost"]
    assert header["threshold_ns"] == 2 * MS
    assert header["stall_ns"] == 3000 * MS
    assert header["build_id"]
    end = run.trace.end
    assert (end["reason"], end["status"], end["signal"]) == ("exit", 0, None)
    assert end["dropped_events"] == end["dropped_records"] == end["dropped_stacks"] == 0


@pytest.mark.parametrize("profile", ("debug", "release"))
def test_finding_names_its_task_type(run_overstay, target, profile):
    """A finding says which spawned future it happened in."""
    run = run_overstay(target("large_future", profile), options=["--threshold", "10ms"])
    (finding,) = run.findings
    assert "large_future" in finding["task"]["name"], run.show()
    assert finding["task"]["id"] is not None
    assert finding["thread"]["name"]
    assert finding["thread"]["tid"] > 0


def test_symbolised_trace_explains_itself_without_the_program(run_overstay, target, tmp_path):
    """After `run` the trace names functions also where the program is gone."""
    import shutil

    program = tmp_path / "moved"
    shutil.copy(target("sleep_in_task"), program)
    run = run_overstay(program, options=["--threshold", "10ms"])
    program.unlink()
    assert run.functions == {"sleep_in_task::blocks_in_sleep": 3}, run.show()
