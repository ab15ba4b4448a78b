# SPDX-License-Identifier: MIT
"""What is found in each program, in each way of building it: these findings and no others."""

from collections import Counter

import pytest

from harness import MS, PROFILES, Expected, function_of

BLOCK = "blocking-call"
LOCK = "lock-wait"


def sleeps(function, count=1, context="task"):
    return Expected(BLOCK, "sleep", function, count, context)


def waits(function, at_least_ms=5):
    """A wait for another task lasts less than that task's block, by the time it took to start."""
    return Expected(LOCK, "lock", function, 1, "task", at_least_ms)


# program -> what it must show. Function names are those of the program's source.
PROGRAMS = {
    "sleep_in_task": [sleeps("blocks_in_sleep", 3)],
    "fs_in_task": [
        Expected(BLOCK, "file", "blocks_in_open"),
        Expected(BLOCK, "pipe", "blocks_in_read"),
    ],
    "socket_in_task": [Expected(BLOCK, "net", "blocks_in_socket_read")],
    "process_in_task": [Expected(BLOCK, "process", "blocks_in_child")],
    "spawn_blocking_clean": [],
    "block_in_place_clean": [],
    "block_in_place_then_blocks": [sleeps("blocks_afterwards")],
    "mutex_contended": [sleeps("sleeps_under_lock"), waits("waits_for_lock")],
    "rwlock_contended": [sleeps("sleeps_under_lock"), waits("waits_for_lock")],
    "parking_lot_contended": [sleeps("sleeps_under_lock"), waits("waits_for_lock")],
    "pthread_mutex": [sleeps("sleeps_under_lock"), waits("waits_for_lock")],
    "condvar_in_task": [waits("waits_on_condvar", 25)],
    "once_in_task": [sleeps("initialises_slowly"), waits("waits_for_value")],
    "park_in_task": [waits("parks_the_thread", 25)],
    "mpsc_in_task": [waits("waits_with_limit", 25), waits("waits_for_message", 25)],
    "one_worker": [sleeps("blocks_only_worker", 2)],
    "main_body": [sleeps("blocks_in_main_body", 2, "block_on")],
    "current_thread_body": [
        sleeps("blocks_in_root", 1, "block_on"),
        sleeps("blocks_in_spawned"),
        sleeps("blocks_in_local"),
    ],
    "nested_runtime": [sleeps("blocks_on_plain_thread"), sleeps("blocks_in_blocking_pool")],
    "handle_block_on": [sleeps("blocks_on_handle", 1, "block_on")],
    "plain_thread_clean": [],
    "clean_echo": [],
    "panic_in_task": [sleeps("blocks_then_panics"), sleeps("blocks_after_panic")],
    "abort_task": [],
    "shutdown_timeout": [],
    "thread_churn": [],
    "smol_app": [],
    "no_runtime": [],
    "large_future": [sleeps("blocks_in_large_future")],
}

# A build without any names.
NAMELESS = "fat"


def same_findings(run, program, expected, profile):
    """Exactly the expected findings, in a build that has names."""
    wanted = Counter()
    for each in expected:
        wanted[each.kind, each.cls, each.context, f"{program}::{each.function}"] += each.count
    found = Counter()
    for each in run.findings:
        key = each["kind"], each["class"], each["context"], function_of(each)
        found[key] += each["count"]
    assert found == wanted, run.show()
    assert len(run.findings) == len(expected), run.show()
    shortest = {f"{program}::{each.function}": each.at_least_ms for each in expected}
    for each in run.findings:
        assert each["max_ns"] >= shortest[function_of(each)] * MS, run.show()
        assert each["total_ns"] >= each["max_ns"], run.show()


def same_counts(run, expected):
    """As many of each class as expected, and no invented names, in a build that has none.

    Inside block_on there may be nothing to tell by; then the trace must say that it is so.
    """
    wanted, found = Counter(), Counter()
    for each in expected:
        wanted[each.kind, each.cls, each.context] += each.count
    for each in run.findings:
        found[each["kind"], each["class"], each["context"]] += each["count"]
        assert function_of(each) is None, run.show()
    unseen = wanted - found
    if unseen and all(context == "block_on" for _, _, context in unseen):
        assert any("block_on" in text for text in run.trace.coverage["blind_spots"]), run.show()
        wanted -= unseen
    assert found == wanted, run.show()


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("program", PROGRAMS)
def test_program_shows_exactly_its_planted_findings(run_overstay, target, program, profile):
    """Each program shows what is planted in it, once each, and nothing else."""
    expected = PROGRAMS[program]
    # Planted blocks last 30 ms; what is short must stay unreported also on a busy machine.
    run = run_overstay(target(program, profile), options=["--threshold", "10ms"])
    assert run.status == 0, run.stderr
    assert run.stdout.startswith(program)
    if profile == NAMELESS:
        same_counts(run, expected)
    else:
        same_findings(run, program, expected, profile)


@pytest.mark.parametrize("program", [name for name, expected in PROGRAMS.items() if expected])
def test_program_prints_the_same_without_overstay(run_overstay, target, program):
    """Output and exit status are those of the program by itself."""
    from harness import call

    alone = call([target(program)])
    run = run_overstay(target(program))
    assert (run.status, run.stdout) == (alone.returncode, alone.stdout)


@pytest.mark.parametrize("profile", ("debug", "release"))
def test_inlined_function_is_named_where_the_file_says_so(run_overstay, target, profile):
    """With line tables the inlined function is named; with symbols alone, the one around it."""
    run = run_overstay(target("inlined_in_task", profile), options=["--threshold", "10ms"])
    name = "blocks_inlined" if profile == "debug" else "encloses"
    assert run.functions == {f"inlined_in_task::{name}": 1}, run.show()
    if profile == "debug":
        where = run.findings[0]["where"]
        assert where["inlined"] is True
        assert where["file"].endswith("src/bin/inlined_in_task.rs")
        assert where["line"] == 7


def test_debug_build_says_the_line(run_overstay, target):
    """The place of a finding is the line of the call in the source."""
    run = run_overstay(target("sleep_in_task", "debug"), options=["--threshold", "10ms"])
    where = run.findings[0]["where"]
    assert where["file"].endswith("src/bin/sleep_in_task.rs")
    assert where["line"] == 7


@pytest.mark.parametrize(
    "program, operation",
    [
        ("sleep_in_task", {"clock_nanosleep", "nanosleep"}),
        ("socket_in_task", {"recv"}),
        ("process_in_task", {"waitpid", "wait4", "waitid"}),
        ("pthread_mutex", {"clock_nanosleep", "nanosleep", "pthread_mutex_lock"}),
    ],
)
def test_operation_is_the_function_that_blocked(run_overstay, target, program, operation):
    """A finding's operation is the name of the libc function that did not return at once."""
    run = run_overstay(target(program), options=["--threshold", "10ms"])
    assert run.findings, run.show()
    assert {each["operation"] for each in run.findings} <= operation, run.show()


@pytest.mark.parametrize("profile", PROFILES)
def test_computing_too_long_is_a_long_poll(run_overstay, target, profile):
    """A poll that computes for 60 ms is found, and the small tasks beside it are not."""
    run = run_overstay(target("long_poll_cpu", profile))
    long = [each for each in run.findings if each["kind"] == "long-poll"]
    assert len(run.findings) == len(long) == 1, run.show()
    assert long[0]["count"] == 1
    assert long[0]["max_ns"] >= 55 * MS
    assert long[0]["context"] == "task"
    if profile == "debug":
        assert "crunch" in long[0]["task"]["name"], run.show()


def test_short_file_operations_are_counted_and_not_found(run_overstay, target):
    """Operations below the threshold are no findings, but the trace counts them."""
    run = run_overstay(target("fs_in_task"), options=["--threshold", "10ms"])
    operations = run.trace.operations
    files = [entry for entry in operations.values() if entry["class"] in ("file", "pipe")]
    assert sum(entry["count"] for entry in files) >= 150, operations


def test_blocked_read_names_its_pipe(run_overstay, target):
    """A recorded call says what kind of descriptor it waited for, and its path."""
    run = run_overstay(target("fs_in_task"), options=["--threshold", "10ms"])
    targets = [line["target"] for line in run.trace.all("call") if line["in"] == "task"]
    pipes = [each for each in targets if each and each["kind"] == "pipe"]
    assert any(each["name"] and each["name"].endswith("/silent") for each in pipes), targets


def test_blocked_socket_names_its_peer(run_overstay, target):
    """A recorded call on a socket says protocol and address of the peer."""
    run = run_overstay(target("socket_in_task"), options=["--threshold", "10ms"])
    targets = [line["target"] for line in run.trace.all("call") if line["in"] == "task"]
    assert [each["kind"] for each in targets] == ["socket"]
    assert targets[0]["name"].startswith("tcp 127.0.0.1:")


@pytest.mark.parametrize("program", ("mutex_contended", "rwlock_contended", "pthread_mutex"))
def test_lock_wait_names_the_lock(run_overstay, target, program):
    """A wait for a lock carries that lock's address."""
    run = run_overstay(target(program), options=["--threshold", "10ms"])
    calls = [line for line in run.trace.all("call") if line["in"] == "task"]
    locks = [line["lock"] for line in calls if line["class"] == "lock"]
    assert len(locks) == 1
    assert int(locks[0]["address"], 16) > 0
    if program != "pthread_mutex":
        assert locks[0]["futex"]["op"] in ("wait", "wait_bitset")


def test_threshold_decides_what_is_recorded(run_overstay, target):
    """A call shorter than the threshold is no finding; the poll it makes long may be one."""
    run = run_overstay(target("sleep_in_task"), options=["--threshold", "1s"])
    assert [each for each in run.findings if each["kind"] != "long-poll"] == [], run.show()
    assert [line for line in run.trace.all("call") if line["in"] == "task"] == []
    assert run.trace.header["threshold_ns"] == 1000 * MS


def test_environment_alone_records_the_same(tmp_path, target):
    """Preloading the library by hand writes the same trace, readable by `report`."""
    import json

    from harness import OVERSTAY, call, preloaded, read_traces

    data = tmp_path / "data"
    result = preloaded([target("sleep_in_task")], data, {"OVERSTAY_THRESHOLD": "5ms"})
    assert (result.returncode, result.stdout) == (0, "sleep_in_task done\n")
    assert result.stderr == ""
    (trace,) = read_traces(data)
    assert trace.header["threshold_ns"] == 5 * MS
    report = call([OVERSTAY, "report", "--format", "json", data])
    (finding,) = json.loads(report.stdout)["findings"]
    assert function_of(finding) == "sleep_in_task::blocks_in_sleep"
    assert finding["count"] == 3


def test_plugin_with_its_own_tokio_is_seen(run_overstay, target):
    """A runtime inside a shared library that is opened at run time is found and judged."""
    for profile in PROFILES:
        plugin = target("libplugin.so", profile)
        run = run_overstay(target("plugin_host", profile), plugin, options=["--threshold", "10ms"])
        assert (run.status, run.stdout) == (0, "plugin_host 7\n")
        assert run.trace.attached
        name = None if profile == NAMELESS else "plugin::blocks_in_plugin"
        assert run.functions == {name: 1}, run.show()


def test_same_id_from_run_to_run(run_overstay, target):
    """A finding has the same id in every run, so that a baseline can name it."""
    program = target("mutex_contended")
    runs = [run_overstay(program, options=["--threshold", "10ms"]) for _ in range(3)]
    ids = [{finding["id"] for finding in run.findings} for run in runs]
    assert len(ids[0]) == 2, runs[0].show()
    assert ids[0] == ids[1] == ids[2]
