# SPDX-License-Identifier: MIT
"""Programs that take the ground from under the library: unloading, sandboxes, limits, identities."""

import platform
import resource

import pytest
from harness import LIBRARY, OVERSTAY, call, read_traces
from test_preload import REAL, TARGETS, run

LIMIT = ["--threshold", "10ms"]
CLOSE_RANGE = 436
UNSHARE = {"x86_64": 272, "aarch64": 97}[platform.machine()]
CANNOT_JUDGE = 2


def test_objects_may_be_unloaded_before_they_are_looked_at_again(tmp_path):
    """Nothing is read of an object that the program has closed since."""
    arguments = ("unload", tmp_path, str(TARGETS / "plugin.so"))
    plain = run(*arguments)
    assert plain[1] == (0, ""), plain
    assert run(*arguments, preload=[REAL]) == plain


def test_program_may_change_its_identity(run_overstay, target):
    """setuid waits for an answer of every thread, the library's own among them."""
    run = run_overstay(target("setuid_later"), options=LIMIT, timeout=20)
    assert (run.status, run.stdout) == (0, "setuid_later done\n")
    assert run.functions == {"setuid_later::blocks_after_setuid": 1}, run.show()


@pytest.mark.parametrize("forbidden", [[CLOSE_RANGE], [CLOSE_RANGE, UNSHARE]], ids=["old", "older"])
def test_old_kernels_and_containers_lose_nothing(run_overstay, target, forbidden):
    """Without a descriptor table of its own the library still says what it saw."""
    run = run_overstay(target("sandboxed"), *forbidden, options=LIMIT)
    assert (run.status, run.stdout) == (0, "sandboxed done\n")
    assert run.trace.end["reason"] == "exit"
    assert run.functions == {"sandboxed::blocks_in_sandbox": 1}, run.show()


def test_trace_that_is_out_of_reach_proves_nothing(target, tmp_path):
    """What could not be recorded is not called clean."""
    before, after = tmp_path / "before", tmp_path / "after"
    environment = {"LD_PRELOAD": str(LIBRARY), "OVERSTAY_OUT": str(before)}
    result = call([target("moves_directory"), before, after], env=environment)
    assert (result.returncode, result.stdout) == (0, "moves_directory done\n")
    (trace,) = read_traces(after)
    assert trace.coverage["engine"].startswith("off: ")
    assert call([OVERSTAY, "check", after]).returncode == CANNOT_JUDGE


@pytest.mark.parametrize("limit", [0, 1500, 4000])
def test_limit_of_file_sizes_does_not_kill(target, tmp_path, limit):
    """A trace that must not grow further sends no SIGXFSZ to the program."""
    environment = {"LD_PRELOAD": str(LIBRARY), "OVERSTAY_OUT": str(tmp_path / "data")}
    result = call(
        [target("sleep_in_task")],
        env=environment,
        preexec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert result.returncode == 0, result


def test_fork_while_another_thread_loads(target, tmp_path):
    """In the child the loader's lock may be held by a thread that is not there."""
    environment = {"LD_PRELOAD": str(LIBRARY), "OVERSTAY_OUT": str(tmp_path / "data")}
    result = call([target("fork_beside_loader"), "libresolv.so.2"], env=environment, timeout=40)
    assert (result.returncode, result.stdout) == (0, "fork_beside_loader done\n"), result


def test_two_copies_of_a_runtime_do_not_speak_for_each_other(run_overstay, target):
    """What a plugin's own Tokio runs is judged without the host's note of being entered."""
    run = run_overstay(target("runtime_and_plugin"), target("libplugin.so"), options=LIMIT)
    assert (run.status, run.stdout) == (0, "runtime_and_plugin 7\n")
    assert run.functions == {
        "plugin::blocks_in_plugin": 1,
        "runtime_and_plugin::blocks_in_host": 1,
    }, run.show()
