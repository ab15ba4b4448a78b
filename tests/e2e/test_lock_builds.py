# SPDX-License-Identifier: MIT
"""Locks in other ways of building: for size, thin LTO without symbols, unoptimised with v0 names."""

import pytest

BUILDS = ("small", "thin", "v0")
HELD = {
    "guard_std_mutex": ["std::sync::Mutex"],
    "guard_rwlock": ["std::sync::RwLock (read)", "std::sync::RwLock (write)"],
    "guard_parking_lot_rwlock": [
        "parking_lot::RwLock (read)",
        "parking_lot::RwLock (upgradable)",
        "parking_lot::RwLock (write)",
    ],
    "guard_dashmap6": ["dashmap (read)", "dashmap (read)", "dashmap (write)", "dashmap (write)"],
}


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("program", HELD)
def test_guard_is_found(run_overstay, target, program, build):
    """Every planted guard, with its type, and nothing else."""
    run = run_overstay(target(program, build))
    assert run.status == 0, run.stderr
    assert {each["kind"] for each in run.findings} == {"lock-across-await"}, run.show()
    found = sorted(each["lock"]["type"] for each in run.findings)
    assert found == HELD[program], run.show()
    for each in run.findings:
        assert each["count"] == 1
        assert each["lock"]["acquired_at"]
        if build != "thin":
            assert program in each["where"]["function"]


@pytest.mark.parametrize("build", BUILDS)
def test_deadlock_is_proven(run_overstay, target, build):
    """Two locks in opposite order."""
    run = run_overstay(target("deadlock_ab_ba", build), options=["--timeout", "3s"])
    (finding,) = run.findings
    assert (finding["kind"], finding["operation"]) == ("deadlock", "cycle"), run.show()
    assert len(finding["cycle"]) == 2


@pytest.mark.parametrize("build", BUILDS)
def test_right_order_is_silent(run_overstay, target, build):
    """The patterns that only look dangerous, ten times."""
    for _ in range(10):
        run = run_overstay(target("clean_lock_patterns", build))
        assert run.status == 0, run.stderr
        kinds = {each["kind"] for each in run.findings}
        assert not kinds & {"lock-across-await", "deadlock", "stall"}, run.show()
