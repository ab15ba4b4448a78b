# SPDX-License-Identifier: MIT
"""Programs that lock as they should, again and again: nothing held across an await, no deadlock."""

import pytest

from harness import PROFILES

RUNS = 20
# Nobody waits for a lock inside a poll: nothing at all is to be found.
UNCONTENDED = (
    "clean_dropped_before_await",
    "clean_try_lock_fails",
    "clean_async_locks",
    "clean_lock_in_spawn_blocking",
    "clean_lock_around_block_on",
)
# On a busy machine the holder of a lock may be kept from running, and whoever waits has waited.
CONTENDED = (
    "clean_scoped_guards",
    "clean_condvar_thread",
    "clean_inner_locks",
    "clean_lock_patterns",
)
# Without names, waiting for the blocking pool's own lock looks like waiting for the program's.
NAMELESS = ("clean_lock_in_spawn_blocking", "fat")
NEVER = {"lock-across-await", "deadlock", "stall"}


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("program", UNCONTENDED + CONTENDED)
def test_clean_program_stays_silent(run_overstay, target, program, profile):
    """Twenty runs give no finding about what is held, and drop nothing."""
    for _ in range(RUNS):
        run = run_overstay(target(program, profile))
        assert (run.status, run.stdout.split()[0]) == (0, program), run.stderr
        found = {each["kind"] for each in run.findings}
        assert not found & NEVER, run.show()
        if (program, profile) == NAMELESS:
            assert found <= {"lock-wait"}, run.show()
        elif program in UNCONTENDED:
            assert run.findings == [], run.show()
        assert run.trace.attached
        assert run.trace.end["dropped_events"] == 0
