# SPDX-License-Identifier: MIT
"""How processes begin and end: fork, exec, exit, abort, signals, time limits."""

import os
import signal
import subprocess
import time

import pytest

from harness import MS, OVERSTAY, PROFILES, environment, read_traces

LIMIT = ["--threshold", "10ms"]
TIMED_OUT = 124  # as timeout(1) has it


def functions_of(trace):
    """The functions on the stacks of a trace's calls, each without its path."""
    symbols = {(line["module"], line["position"]): line["frames"] for line in trace.all("symbol")}
    stacks = {line["id"]: line["frames"] for line in trace.all("stack")}
    names = set()
    for call in trace.all("call"):
        for module, position in stacks.get(call["stack"], []):
            for frame in symbols.get((module, position), []):
                names.add((frame["function"] or "").rsplit("::", 1)[-1])
    return names


def planted(trace):
    return {name for name in functions_of(trace) if name.startswith("blocks_")}


@pytest.mark.parametrize("profile", PROFILES)
def test_forked_child_has_a_trace_of_its_own(run_overstay, target, profile):
    """Parent and child each tell what they did, and neither what the other did."""
    run = run_overstay(target("fork_child", profile), options=LIMIT)
    assert (run.status, run.stdout) == (0, "fork_child 3\n")
    pids = {trace.header["pid"]: trace for trace in run.traces}
    children = [trace for trace in run.traces if trace.header["ppid"] in pids]
    assert len(run.traces) == 2 and len(children) == 1
    child = children[0]
    parent = pids[child.header["ppid"]]
    assert child.attached and parent.attached
    assert child.end["reason"] in ("exit", "fork-child-exit")
    assert child.end["status"] == 3
    assert (parent.end["reason"], parent.end["status"]) == ("exit", 0)
    assert sum(line["count"] for line in child.all("call") if line["in"] == "task") == 1
    assert sum(line["count"] for line in parent.all("call") if line["in"] == "task") == 2
    if profile != "fat":
        assert planted(child) == {"blocks_in_child"}
        assert planted(parent) == {"blocks_before_fork", "blocks_after_fork"}


def test_program_that_replaces_itself_leaves_two_traces(run_overstay, target):
    """What ran before exec is kept, and what runs after it has a trace of its own."""
    run = run_overstay(target("exec_self"), options=LIMIT)
    assert (run.status, run.stdout) == (0, "exec_self done\n")
    by_reason = {trace.end["reason"]: trace for trace in run.traces}
    assert set(by_reason) == {"exec", "exit"}
    before, after = by_reason["exec"], by_reason["exit"]
    assert before.header["pid"] == after.header["pid"]
    pid = before.header["pid"]
    assert {trace.path.name for trace in run.traces} == {
        f"overstay-{pid}.jsonl",
        f"overstay-{pid}-1.jsonl",
    }
    assert planted(before) == {"blocks_before_exec"}
    assert planted(after) == {"blocks_after_exec"}


@pytest.mark.parametrize(
    "program, status, reason, function",
    [
        ("exit_in_task", 7, "exit", "blocks_before_exit"),
        ("panic_in_main", 101, "exit", "blocks_before_panic"),
        ("abort_process", -signal.SIGABRT, "signal", "blocks_before_abort"),
        ("sigkill_self", -signal.SIGKILL, "signal", "blocks_before_kill"),
        ("sigterm_self", -signal.SIGTERM, "signal", "blocks_before_term"),
    ],
)
@pytest.mark.parametrize("profile", ("debug", "release"))
def test_end_of_the_process_is_told_and_nothing_lost(
    run_overstay, target, program, status, reason, function, profile
):
    """However a process ends, its status is passed on and what was found before is kept."""
    run = run_overstay(target(program, profile), options=LIMIT)
    assert run.status == (128 - status if status < 0 else status)
    assert run.stdout.startswith(program)
    end = run.trace.end
    assert end["reason"] == reason
    assert end["signal"] == (-status if status < 0 else None)
    if reason == "exit":
        assert end["status"] == status
    assert run.functions == {f"{program}::{function}": 1}, run.show()
    (process,) = run.report["processes"]
    assert process["ended"]


def begin(target, data, *options):
    process = subprocess.Popen(
        [str(each) for each in (OVERSTAY, "run", "-o", data, *LIMIT, *options, "--", target("hang"))],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        start_new_session=True,
    )
    assert process.stdout.readline() == "hang started\n"
    time.sleep(0.3)
    return process


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
def test_signal_to_overstay_reaches_the_command(target, tmp_path, number):
    """A signal sent to `overstay run` ends the command, and the report is still made."""
    process = begin(target, tmp_path / "data")
    process.send_signal(number)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    (trace,) = read_traces(tmp_path / "data")
    assert (trace.end["reason"], trace.end["signal"]) == ("signal", number)
    assert str(tmp_path / "data") in stderr


def test_command_killed_from_outside_is_reported(target, tmp_path):
    """A command that somebody else kills still gives a report."""
    process = begin(target, tmp_path / "data")
    (trace,) = read_traces(tmp_path / "data")
    os.kill(trace.header["pid"], signal.SIGKILL)
    process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGKILL
    (trace,) = read_traces(tmp_path / "data")
    assert (trace.end["reason"], trace.end["signal"]) == ("signal", signal.SIGKILL)
    assert trace.end["dropped_events"] is None


def test_time_limit_ends_a_hung_command(run_overstay, target):
    """`--timeout` ends a command that hangs, and reports what it was stuck in."""
    start = time.monotonic()
    run = run_overstay(target("hang"), options=[*LIMIT, "--timeout", "1s"])
    assert 0.9 <= time.monotonic() - start < 15
    assert run.status == TIMED_OUT
    assert run.trace.end["signal"] == signal.SIGTERM


def test_time_limit_kills_a_command_that_ignores_sigterm(run_overstay):
    """What does not end on SIGTERM is killed."""
    script = "trap '' TERM; echo started; while :; do sleep 0.1; done"
    run = run_overstay("sh", "-c", script, options=["--timeout", "500ms"], timeout=40)
    assert run.status == TIMED_OUT
    assert run.stdout == "started\n"


def test_time_limit_does_not_touch_a_command_that_ends(run_overstay, target):
    """A command within its limit is not disturbed."""
    run = run_overstay(target("sleep_in_task"), options=[*LIMIT, "--timeout", "30s"])
    assert run.status == 0


def test_worker_that_does_not_come_back_is_found(run_overstay, target):
    """A block that has not ended when the process is ended is told with its place."""
    run = run_overstay(target("hang"), options=[*LIMIT, "--stall", "200ms", "--timeout", "1500ms"])
    names = {(each["kind"], (each["where"] or {}).get("function")) for each in run.findings}
    assert ("stall", "hang::never_comes_back") in names, run.show()


def test_root_future_that_does_not_come_back_is_found(run_overstay, target):
    """The body of block_on counts as well, also before the first poll of a task."""
    run = run_overstay(
        target("hang_in_main"), options=[*LIMIT, "--stall", "200ms", "--timeout", "1500ms"]
    )
    found = [(each["kind"], each["context"], each["where"]["function"]) for each in run.findings]
    assert found == [("stall", "block_on", "hang_in_main::main_never_comes_back")], run.show()


def test_worker_that_comes_back_is_no_stall(run_overstay, target):
    """A block past the stall limit that ended is told by its call alone."""
    run = run_overstay(target("sleep_in_task"), options=[*LIMIT, "--stall", "10ms"])
    assert {each["kind"] for each in run.findings} == {"blocking-call"}, run.show()


def test_input_and_arguments_reach_the_command(run_overstay):
    """Standard input, arguments with spaces and the environment are the command's own."""
    script = 'read line; echo "$line|$1|$COLOUR"; echo problem >&2; exit 9'
    run = run_overstay(
        "sh", "-c", script, "sh", "two words", env={"COLOUR": "blue"}, stdin=b"from stdin\n"
    )
    assert (run.status, run.stdout) == (9, "from stdin|two words|blue\n")
    assert run.stderr.startswith("problem\n")


def test_trace_grows_while_the_process_runs(target, tmp_path):
    """What was found is in the file long before the process ends."""
    data = tmp_path / "data"
    process = subprocess.Popen(
        [str(each) for each in (OVERSTAY, "run", "-o", data, *LIMIT, "--", target("sigterm_self"))],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )
    seen = []
    while process.poll() is None:
        for trace in read_traces(data) if data.is_dir() and any(data.iterdir()) else []:
            if trace.end is None and trace.all("call"):
                seen.append(trace.all("call")[0]["max_ns"])
        time.sleep(0.02)
    assert seen and seen[0] >= 25 * MS
    assert process.returncode == 128 + signal.SIGTERM


def test_many_processes_at_once(run_overstay, target):
    """Each process of a tree has its own trace, and the report tells them apart."""
    program = target("sleep_in_task")
    script = "for i in 1 2 3 4; do $0 & done; wait"
    run = run_overstay("sh", "-c", script, program, options=LIMIT)
    assert run.status == 0
    attached = [trace for trace in run.traces if trace.attached]
    assert len(attached) == 4
    assert len({trace.header["pid"] for trace in attached}) == 4
    assert sum(each["count"] for each in run.findings) == 12, run.show()


@pytest.mark.parametrize("profile", PROFILES)
def test_waits_in_quick_succession_are_not_lost(run_overstay, target, profile):
    """Idle waits that are just long enough to be recorded, a thousand a second: none is dropped."""
    run = run_overstay(target("many_short_waits", profile))
    assert (run.status, run.stdout) == (0, "many_short_waits done\n")
    assert run.trace.end["dropped_events"] == 0
