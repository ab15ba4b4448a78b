# SPDX-License-Identifier: MIT
"""Programs that make it hard to follow their locks: each does what it does without the library."""

import pytest

from harness import PROFILES, call

ACROSS, DEADLOCK = "lock-across-await", "deadlock"


@pytest.fixture
def run_beside(run_overstay, target):
    """Runs a program alone and under `overstay run`; both end in the same way, saying the same."""

    def run(program, profile, *arguments, options=(), **keywords):
        path = target(program, profile)
        alone = call([path, *arguments], **keywords)
        run = run_overstay(path, *arguments, options=options, **keywords)
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
