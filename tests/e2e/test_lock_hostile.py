# SPDX-License-Identifier: MIT
"""Programs that make it hard to follow their locks: each does what it does without the library."""

import pytest

from harness import MS, PROFILES, call

ACROSS, DEADLOCK = "lock-across-await", "deadlock"


@pytest.fixture
def run_beside(run_overstay, target):
    """Runs a program alone and under `overstay run`; both end in the same way, saying the same."""

    def run(program, profile, *arguments, options=(), **keywords):
        path = target(program, profile)
        alone = call([path, *arguments], **keywords)
        run = run_overstay(path, *arguments, options=options, **keywords)
        run.alone = alone
        status = alone.returncode if alone.returncode >= 0 else 128 - alone.returncode
        assert (run.status, run.stdout) == (status, alone.stdout), run.stderr
        assert run.stdout.startswith(program), run.stderr
        return run

    return run


def about_locks(run):
    """The findings that say a lock is held where it must not be."""
    return [each for each in run.findings if each["kind"] in (ACROSS, DEADLOCK)]


def is_followed(trace):
    """Are there places that acquire locks, and were some of them replaced?"""
    coverage = trace.coverage
    return coverage["attached"] and coverage["lock_sites"] > coverage["lock_sites_skipped"]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("program", ("locks_stacks", "locks_vfork"))
def test_nothing_is_found_where_nothing_is(run_beside, program, profile):
    """Little stack, and a child that shares the memory of its parent."""
    run = run_beside(program, profile)
    assert is_followed(run.trace)
    assert about_locks(run) == [], run.show()
    assert run.trace.end["reason"] == "exit"


@pytest.mark.parametrize("nested", ((), ("400", "nested")), ids=("one", "nested"))
@pytest.mark.parametrize("profile", PROFILES)
def test_locks_of_signal_handlers_do_not_spoil_the_list(run_beside, profile, nested):
    """What is held is told right after thousands of handlers have interrupted its lock operations."""
    run = run_beside("locks_signals", profile, *nested)
    assert is_followed(run.trace)
    (finding,) = about_locks(run)
    assert finding["kind"] == ACROSS
    assert (finding["count"], finding["lock"]["waiters"]["count"]) == (1, 0), run.show()
    if profile != "fat":
        assert finding["lock"]["type"] == "parking_lot::Mutex"
        functions = {frame["function"] or "" for frame in finding["lock"]["acquired_at"]}
        assert any(name.startswith("locks_signals::main") for name in functions), functions


@pytest.mark.parametrize("profile", PROFILES)
def test_fork_beside_held_locks(run_beside, profile):
    """Parent and child each have their own list: neither tells what the other holds."""
    run = run_beside("locks_processes", profile, "forks")
    assert len(run.traces) == 2
    assert all(is_followed(trace) and trace.end["reason"] for trace in run.traces)
    assert {each["kind"] for each in about_locks(run)} == {ACROSS}, run.show()
    assert sum(each["count"] for each in about_locks(run)) == 2, run.show()
    for trace in run.traces:
        (held,) = trace.all("held")
        assert (held["count"], held["type"]) == (1, "parking_lot::Mutex"), held


@pytest.mark.parametrize("profile", PROFILES)
def test_processes_are_started_under_locks(run_beside, profile):
    """Starting another program, with locks held by this task and this thread."""
    run = run_beside("locks_processes", profile, "spawns")
    assert about_locks(run) == [], run.show()


@pytest.mark.parametrize("end, reason", [("exit", "exit"), ("_exit", "exit"), ("abort", "signal")])
@pytest.mark.parametrize("profile", PROFILES)
def test_end_beside_waiting_threads(run_beside, profile, end, reason):
    """What is held across an await when the process ends, with who waits for it."""
    run = run_beside("locks_processes", profile, end)
    assert run.trace.end["reason"] == reason
    (finding,) = about_locks(run)
    assert (finding["kind"], finding["count"]) == (ACROSS, 1), run.show()
    assert finding["lock"]["waiters"]["count"] == 1, run.show()


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("situation", ("destructors", "forgotten", "cancelled", "handed_over"))
def test_ends_of_threads(run_beside, profile, situation):
    """Locks before main and after it, in destructors, of cancelled threads, left behind, passed on."""
    run = run_beside("locks_threads", profile, situation)
    assert is_followed(run.trace)
    assert about_locks(run) == [], run.show()
    assert run.trace.end["reason"] == "exit"


def measured(stderr):
    """The numbers that the program tells on standard error."""
    words = [line.split() for line in stderr.splitlines()]
    return {each[0]: int(each[1]) for each in words if each[0] in ("peak_kb", "taken_ms")}


@pytest.mark.parametrize("profile", PROFILES)
def test_thousands_of_threads_leave_nothing_behind(run_beside, profile):
    """Time and memory stay within bounds when threads come and go."""
    run = run_beside("locks_threads", profile, "churn")
    assert about_locks(run) == [], run.show()
    alone, beside = measured(run.alone.stderr), measured(run.stderr)
    assert beside["taken_ms"] < 5 * alone["taken_ms"] + 2000, (alone, beside)
    assert beside["peak_kb"] < alone["peak_kb"] + 100_000, (alone, beside)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("situation", ("panics", "many", "vectors"))
def test_more_of_what_programs_do(run_beside, profile, situation):
    """Panics out of critical sections, dozens of locks at once, locks beside vector registers."""
    run = run_beside("locks_more", profile, situation)
    assert is_followed(run.trace)
    assert about_locks(run) == [], run.show()
    assert run.trace.end["reason"] == "exit"
    if situation == "many":
        # 80 at once, 20 times; what finds no room is counted.
        assert run.trace.end["dropped_events"] == 20 * 50
    else:
        # A release that is not found leaves a note behind, until there is no more room for them.
        assert run.trace.end["dropped_events"] == 0


@pytest.mark.parametrize("profile", PROFILES)
def test_more_locks_that_are_gone(run_beside, profile):
    """Memory of a forgotten lock is given back while its task is suspended, used again or unmapped."""
    run = run_beside("locks_more", profile, "freed", "165")
    assert is_followed(run.trace)
    assert about_locks(run) == [], run.show()
    run = run_beside("locks_more", profile, "unmapped")
    for finding in about_locks(run):
        # Unmapped after 30 ms, and suspended for another 150. Those that were unmapped before are none.
        assert (finding["kind"], finding["count"]) == (ACROSS, 1), run.show()
        assert finding["max_ns"] < 130 * MS, run.show()


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("situation, held", [("many_held", 40), ("thousand", 1000)])
def test_more_locks_across_awaits_than_there_is_room_for(run_beside, profile, situation, held):
    """What is not found is counted as dropped."""
    run = run_beside("locks_more", profile, situation)
    (finding,) = about_locks(run)
    assert (finding["kind"], finding["lock"]["type"]) == (ACROSS, "parking_lot::Mutex")
    assert finding["count"] >= min(30, held), run.show()
    assert finding["count"] + run.trace.end["dropped_events"] == held, run.show()


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("situation", ("plugin", "plugin_beside_threads"))
def test_more_of_plugins_with_locks(run_beside, target, profile, situation):
    """Opened and closed twenty times, with places replaced in it or without."""
    run = run_beside("locks_more", profile, situation, target("libplugin.so", profile))
    coverage = run.trace.coverage
    assert about_locks(run) == [], run.show()
    late = any("loaded when other threads" in each for each in coverage["blind_spots"])
    assert late == (situation == "plugin_beside_threads"), coverage
    assert is_followed(run.trace)


@pytest.mark.parametrize("profile", PROFILES)
def test_more_than_code_that_may_not_be_changed(run_beside, profile):
    """Every place is counted as left alone."""
    run = run_beside("locks_more", profile, "refused")
    assert run.stdout.endswith(" true\n")
    (trace,) = [each for each in run.traces if each.header["cmdline"][1] == "again"]
    coverage = trace.coverage
    assert coverage["attached"]
    assert coverage["lock_sites"] == 0 < coverage["lock_sites_skipped"]
    assert sum(each["patched"] for each in coverage["locks"]) == 0
    assert about_locks(run) == [], run.show()


@pytest.mark.parametrize("profile", PROFILES)
def test_more_contention(run_overstay, target, profile):
    """Eight threads for two seconds: every counter is right, and nobody is accused."""
    for _ in range(3):
        run = run_overstay(target("locks_more", profile), "contention")
        assert (run.status, run.stdout) == (0, "locks_more contention\n"), run.stderr
        assert is_followed(run.trace)
        assert about_locks(run) == [], run.show()
