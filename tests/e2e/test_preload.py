# SPDX-License-Identifier: MIT
"""C programs behave the same without the library, with it, and with every call of theirs timed."""

import os
import pathlib
import re
import subprocess

import pytest

BUILD = pathlib.Path(
    os.environ.get("OVERSTAY_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build")
).resolve()
TARGETS = BUILD / "tests" / "targets" / "c"
REAL = BUILD / "preload" / "liboverstay.so"
WATCH = TARGETS / "liboverstay_watch.so"

RETURNS = ["returns_file", "returns_io", "returns_lock", "returns_net"]
PROGRAMS = RETURNS + ["allocator", "cancel", "processes", "signals", "thread_exit", "throw"]

# Exported, but passed on untimed.
UNTIMED = {
    "pthread_create", "epoll_create", "epoll_create1", "eventfd",
    "execl", "execle", "execlp", "execv", "execve", "execveat", "execvp", "execvpe", "fexecve",
    "_exit", "_Exit", "quick_exit", "abort",
    "pthread_mutex_trylock", "pthread_mutex_unlock", "pthread_rwlock_tryrdlock",
    "pthread_rwlock_trywrlock", "pthread_rwlock_unlock", "mtx_trylock", "mtx_unlock",
}


def run(program, out_dir, *arguments, preload=()):
    """Runs a target; returns its standard output, and the error output with the exit status."""
    path = TARGETS / program
    if program == "throw" and not path.exists():
        pytest.skip("no C++ compiler")
    environment = {
        **{k: v for k, v in os.environ.items() if k != "LD_PRELOAD"},
        "OVERSTAY_OUT": str(out_dir / "traces"),
        "WATCH_OUT": str(out_dir / "watched"),
        "LC_ALL": "C",
    }
    if preload:
        environment["LD_PRELOAD"] = ":".join(str(library) for library in preload)
    result = subprocess.run(
        [path, *arguments], env=environment, capture_output=True, text=True, timeout=60, cwd=out_dir
    )
    return result.stdout, (result.returncode, result.stderr)


def watched(out_dir):
    """What the stand-in engine wrote: the marks in order, and calls by operation."""
    lines = (out_dir / "watched").read_text().splitlines()
    calls = dict(line.split(" ") for line in lines if not line.startswith("#"))
    return [line for line in lines if line.startswith("#")], {k: int(v) for k, v in calls.items()}


def exported():
    text = (BUILD / "preload" / "exports.map").read_text()
    names = re.search(r"global:(.*)local:", text, re.S).group(1)
    return {name.strip() for name in names.split(";") if name.strip()}


@pytest.mark.parametrize("library", [REAL, WATCH], ids=["real", "watched"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_program_cannot_tell(program, library, tmp_path):
    plain = run(program, tmp_path)
    assert plain[1] == (0, ""), plain
    assert run(program, tmp_path, preload=[library]) == plain


@pytest.mark.parametrize("library", [REAL, WATCH], ids=["real", "watched"])
def test_plugins_load_and_unload(library, tmp_path):
    plain = run("dlopen", tmp_path, str(TARGETS / "plugin.so"))
    assert plain[1] == (0, ""), plain
    assert run("dlopen", tmp_path, str(TARGETS / "plugin.so"), preload=[library]) == plain


def test_every_wrapped_function_was_called_and_timed(tmp_path):
    seen = set()
    for program in RETURNS + ["cancel", "processes", "signals"]:
        run(program, tmp_path, preload=[WATCH])
        seen |= set(watched(tmp_path)[1])
        (tmp_path / "watched").unlink()
    assert exported() - UNTIMED - {"syscall"} - seen == set()


def test_raw_calls_count_as_what_they_are(tmp_path):
    run("returns_lock", tmp_path, preload=[WATCH])
    calls = watched(tmp_path)[1]
    assert calls["futex"] == 3  # the wake is not a wait
    assert calls["futex_waitv"] == 1
    assert calls["io_uring_enter"] == 1
    assert calls["fstatat"] == 1
    assert calls["openat"] == 1
    assert calls["nanosleep"] == 3
    assert "fcntl" not in calls
    assert "syscall" not in calls


def test_only_waiting_commands_are_timed(tmp_path):
    run("returns_io", tmp_path, preload=[WATCH])
    calls = watched(tmp_path)[1]
    assert calls["fcntl"] == 1  # F_SETLKW
    assert calls["fcntl64"] == 1
    assert calls["ioctl"] == 1  # TCSBRK


def test_new_objects_are_looked_for_before_a_runtime_starts(tmp_path):
    run("dlopen", tmp_path, str(TARGETS / "plugin.so"), preload=[WATCH])
    assert watched(tmp_path)[0] == ["#start", "#checks 12", "#exit 0"]


@pytest.mark.parametrize(
    "way, status",
    [("return", 15), ("exit", 14), ("_exit", 11), ("_Exit", 12), ("quick_exit", 13)],
)
def test_end_and_its_status_are_noticed(way, status, tmp_path):
    run("processes", tmp_path, way, preload=[WATCH])
    marks = watched(tmp_path)[0]
    assert marks[0] == "#start"
    assert marks[-1] == f"#exit {status}"


def test_end_is_announced_once_and_after_the_exit_handlers(tmp_path):
    run("thread_exit", tmp_path, preload=[WATCH])
    marks, calls = watched(tmp_path)
    assert marks[-1] == "#exit 0"
    assert len([mark for mark in marks if mark.startswith("#exit")]) == 1
    # 225 threads and their destructors, the last thread, and the exit handler.
    assert calls["nanosleep"] == 452


@pytest.mark.parametrize("library", [REAL, WATCH], ids=["real", "watched"])
def test_calls_before_our_constructor_work(library, tmp_path):
    plain = run("allocator", tmp_path)
    (tmp_path / "watched").unlink(missing_ok=True)
    got = run("allocator", tmp_path, preload=[library, TARGETS / "early_library.so"])
    assert got == plain
    marks = watched(tmp_path)[0]
    assert marks[0] == "#early"
    if library == WATCH:
        assert marks[1] == "#start"


@pytest.mark.parametrize("early", [[], ["early_library.so"]], ids=["constructor", "before"])
@pytest.mark.parametrize("library", [REAL, WATCH], ids=["real", "watched"])
def test_an_allocator_inside_the_look_up_does_not_loop(library, early, tmp_path):
    plain = run("allocator", tmp_path)
    preload = [library, TARGETS / "dlsym_allocates.so", *(TARGETS / name for name in early)]
    output, (status, errors) = run("allocator", tmp_path, preload=preload)
    assert (output, status) == (plain[0], 0)
    asked = re.search(r"dlsym: asked y, depth (\d)", errors)
    assert asked and int(asked.group(1)) == 1


def test_library_needs_nothing_but_the_c_library():
    dynamic = subprocess.run(["readelf", "-dW", REAL], capture_output=True, text=True, check=True)
    needed = re.findall(r"NEEDED.*\[(.*)\]", dynamic.stdout)
    assert all(re.match(r"(libc|libdl|ld-linux.*)\.so", name) for name in needed), needed
    assert re.search(r"FLAGS_1.*NODELETE", dynamic.stdout)
    assert re.search(r"FLAGS_1.*NOW", dynamic.stdout)
    symbols = subprocess.run(
        ["nm", "-D", "--undefined-only", REAL], capture_output=True, text=True, check=True
    )
    assert "__tls_get_addr" not in symbols.stdout


def test_programs_of_others_run_unchanged(tmp_path):
    script = "for i in 1 2 3; do (echo $i; exec cat /proc/self/comm) | tr a-z A-Z; done; exit 7"
    results = []
    for preload in ("", str(REAL), str(WATCH)):
        environment = {**os.environ, "LD_PRELOAD": preload, "OVERSTAY_OUT": str(tmp_path)}
        results.append(
            subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True)
        )
    assert len({(r.returncode, r.stdout, r.stderr) for r in results}) == 1
    assert results[0].returncode == 7
