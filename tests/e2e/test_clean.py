# SPDX-License-Identifier: MIT
"""Programs in which nothing blocks a worker, again and again: not one finding."""

import pytest

from harness import PROFILES

RUNS = 20
PROGRAMS = (
    "spawn_blocking_clean",
    "block_in_place_clean",
    "plain_thread_clean",
    "clean_echo",
    "abort_task",
    "shutdown_timeout",
    "thread_churn",
    "smol_app",
    "no_runtime",
)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("program", PROGRAMS)
def test_clean_program_stays_silent(run_overstay, target, program, profile):
    """Twenty runs give no finding at all, and drop nothing."""
    for _ in range(RUNS):
        run = run_overstay(target(program, profile))
        assert (run.status, run.stdout.split()[0]) == (0, program), run.stderr
        assert run.findings == [], run.show()
        if run.trace.attached:
            assert run.trace.end["dropped_events"] == 0
