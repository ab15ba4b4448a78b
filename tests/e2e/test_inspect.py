# SPDX-License-Identifier: MIT
"""`overstay inspect`: what a file tells beforehand agrees with what is seen when it runs."""

import json
import os
import platform
import shutil
import stat
import struct
import subprocess

import pytest

from harness import BUILD, PROFILES, tokio_version
from test_coverage import VERSIONS
from test_prebuilt import OBSTORE

PROGRAMS = ("clean_echo", "sleep_in_task", "fs_in_task", "current_thread_body", "no_runtime")
NPM = BUILD / "prebuilt" / "node_modules"
ARCH = {"x86_64": "x64", "aarch64": "arm64"}[platform.machine()]
LOCKING = {
    "guard_std_mutex": "std::sync::Mutex",
    "guard_rwlock": "std::sync::RwLock",
    "guard_parking_lot": "parking_lot::Mutex",
    "guard_parking_lot_rwlock": "parking_lot::RwLock",
    "guard_dashmap5": "dashmap",
    "guard_dashmap6": "dashmap",
    "clean_scoped_guards": "std::sync::Mutex",
    "clean_inner_locks": "parking_lot::Mutex",
}
PREBUILT = {
    "deno": NPM / "@deno" / f"linux-{ARCH}-glibc" / "deno",
    "dprint": NPM / "@dprint" / f"linux-{ARCH}-glibc" / "dprint",
    "biome": NPM / "@biomejs" / f"cli-linux-{ARCH}" / "biome",
}

MACHINES = {"x86_64": 62, "aarch64": 183}
OTHER = {"x86_64": "aarch64", "aarch64": "x86_64"}[platform.machine()]


@pytest.fixture
def inspect(overstay):
    """Inspects a file; the answer in JSON, for a program that can be watched."""

    def run(path, status=0):
        result = overstay("inspect", "--format", "json", path)
        assert (result.returncode, result.stderr) == (status, ""), result.stderr
        document = json.loads(result.stdout)
        assert document["schema"] == "overstay-inspect/1"
        assert document["binary"] == str(path)
        return document

    return run


def vtables(document):
    return sum(runtime["task_vtables"] for runtime in document["runtimes"])


def agrees(document, trace):
    """The file's answer is what the library said when the program ran."""
    assert vtables(document) == trace.coverage["task_vtables"]
    assert len(document["task_types"]) == trace.coverage["task_vtables"]
    found = [(each["name"], each["layout"]) for each in document["runtimes"]]
    assert found == [(each["name"], each["layout"]) for each in trace.all("runtime")]
    for runtime in document["runtimes"]:
        for kind in ("task", "blocking", "unknown"):
            count = sum(each["class"] == kind for each in document["task_types"])
            assert runtime[kind] == count
    for key in ("lock_sites", "lock_sites_skipped", "locks"):
        assert document[key] == trace.coverage[key]
    assert document["build_id"] == trace.header["build_id"]
    assert document["arch"] == trace.header["arch"]
    assert document["preloadable"] is True
    assert document["reason"] is None


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("program", PROGRAMS)
def test_counts_agree_with_a_run(inspect, run_overstay, target, program, profile):
    """As many task types are found in the file as the library hooks when it runs."""
    path = target(program, profile)
    document = inspect(path)
    agrees(document, run_overstay(path).trace)
    assert document["pie"] is True
    assert document["futex_waits"] is True
    assert (vtables(document) == 0) == (program == "no_runtime")


@pytest.mark.parametrize("variant, version", VERSIONS.items())
def test_counts_agree_for_every_tokio(inspect, run_overstay, variant, version):
    """The same in every version of Tokio and way of building, whose version is named."""
    path = tokio_version(variant)
    document = inspect(path)
    agrees(document, run_overstay(path).trace)
    (runtime,) = document["runtimes"]
    assert runtime["version"] == version
    assert runtime["task_vtables"] >= 5
    assert document["pie"] is (variant != "no-pie")
    if version < "1.23":
        assert runtime["unknown"] == runtime["task_vtables"]
    else:
        assert runtime["unknown"] == 0
        assert runtime["task"] >= 2
        assert runtime["blocking"] >= 2


@pytest.mark.parametrize("name", PREBUILT)
def test_counts_agree_for_programs_that_others_built(inspect, run_overstay, name, tmp_path):
    """The same in large programs without symbols."""
    path = PREBUILT[name]
    assert path.exists(), f"{path} is not installed: run ./dev test"
    run = run_overstay(path, "--version", env={"DENO_DIR": str(tmp_path)})
    assert run.status == 0, run.stderr
    document = inspect(path)
    agrees(document, run.trace)
    assert vtables(document) >= 50
    assert document["runtimes"][0]["version"]
    assert document["symbols"] == "none"
    assert document["direct_syscalls"] > 0


def test_a_shared_library_is_inspected_for_itself(inspect, run_overstay):
    """A Python extension with Tokio inside: counts agree, whoever loads it decides the rest."""
    (path,) = (BUILD / "prebuilt" / "venv").rglob("_obstore.abi3.so")
    python = BUILD / "prebuilt" / "venv" / "bin" / "python3"
    run = run_overstay(python, "-c", OBSTORE)
    (trace,) = [trace for trace in run.traces if trace.attached]
    document = inspect(path)
    assert document["preloadable"] is None
    assert "shared library" in document["reason"]
    assert vtables(document) == trace.coverage["task_vtables"] > 0


def patched_share(document):
    return document["lock_sites"] / (document["lock_sites"] + document["lock_sites_skipped"])


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("program", LOCKING)
def test_nearly_all_lock_places_are_patched(inspect, target, program, profile):
    """At least 95 of 100 places where locks are taken or released; the rest has a reason."""
    document = inspect(target(program, profile))
    assert patched_share(document) >= 0.95
    found = {each["type"]: each for each in document["locks"]}
    assert LOCKING[program] in found
    for each in document["locks"]:
        assert each["sites"] == each["patched"] + sum(why["count"] for why in each["skipped"])


@pytest.mark.parametrize("name", ["biome", "dprint"])
def test_locks_are_found_in_stripped_programs_that_others_built(inspect, name):
    """Hundreds of places of several kinds of lock, told by the shape of their slow paths."""
    document = inspect(PREBUILT[name])
    assert document["symbols"] == "none"
    assert patched_share(document) >= 0.95
    found = {each["type"]: each["sites"] for each in document["locks"]}
    assert found["std::sync::Mutex"] > 100
    assert found["parking_lot::Mutex"] > 100
    assert found["dashmap"] > 10


def test_unwind_tables_are_needed_to_tell_functions_apart(inspect):
    """Deno is built without: its locks are left alone, and that is said."""
    document = inspect(PREBUILT["deno"])
    assert document["locks"] == []
    assert any("no unwind tables" in each for each in document["blind_spots"])


@pytest.mark.parametrize("profile, symbols", [("debug", "dwarf"), ("release", "symtab"), ("fat", "none")])
def test_symbols_are_told(inspect, target, profile, symbols):
    """What the file tells of its own code, and what that means for findings."""
    document = inspect(target("clean_echo", profile))
    assert document["symbols"] == symbols
    said = " ".join(document["blind_spots"])
    assert ("no symbols" in said) == (symbols == "none")
    assert ("no line tables" in said) == (symbols == "symtab")


def test_line_tables_are_not_full_dwarf(inspect, target):
    """A build with nothing but line tables is told apart from one with types."""
    assert inspect(target("demo"))["symbols"] == "lines"


def test_task_types_have_names_and_places(inspect, target):
    """With DWARF every future is named, with the line where its body begins."""
    types = inspect(target("clean_echo", "debug"))["task_types"]
    own = [each for each in types if each["name"] and each["name"].startswith("clean_echo::")]
    assert own
    assert "task" in {each["class"] for each in own}
    for each in own:
        assert each["file"].endswith("/clean_echo.rs")
        assert each["line"] > 0
    launch = [each for each in types if "worker" in (each["name"] or "")]
    assert launch and {each["class"] for each in launch} == {"blocking"}


@pytest.mark.parametrize("profile", PROFILES)
def test_another_runtime_is_named_but_not_supported(inspect, target, profile):
    """smol is recognised, with its version, and so are the system calls that rustix makes."""
    document = inspect(target("smol_app", profile))
    assert document["runtimes"] == []
    (other,) = document["other_runtimes"]
    assert (other["name"], other["version"], other["on_tokio"]) == ("smol", "2.0.2", False)
    assert document["direct_syscalls"] >= 10
    said = "\n".join(document["blind_spots"])
    assert "no known runtime" in said
    assert "smol 2.0.2 is recognised but not supported" in said
    assert f"{document['direct_syscalls']} places look like direct system calls" in said


def test_sentences_are_those_of_the_trace(inspect, run_overstay, target):
    """What both the file and the run can know is said in the same words."""
    path = target("no_runtime")
    said = set(inspect(path)["blind_spots"])
    assert said & set(run_overstay(path).trace.coverage["blind_spots"])


def test_text_is_for_people(overstay, target):
    """The text names the runtime and the task types, twenty of them unless all are wanted."""
    path = target("clean_echo", "debug")
    result = overstay("inspect", path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[0] == str(path)
    assert "Tokio 1.54.1" in result.stdout
    assert "clean_echo::" in result.stdout
    everything = overstay("inspect", "--all", path)
    assert everything.returncode == 0
    assert "more (--all" not in everything.stdout
    assert len(everything.stdout) >= len(result.stdout)


# Valid programs that cannot be watched: the answer is complete, and the status 2.


def test_static_program(inspect, overstay, tmp_path):
    """A static program is described, and that nothing can be preloaded into it."""
    source = tmp_path / "static.c"
    source.write_text("int main(void) { return 0; }\n")
    path = tmp_path / "static"
    subprocess.run(["cc", "-static", "-o", path, source], check=True)
    document = inspect(path, status=2)
    assert document["preloadable"] is False
    assert document["reason"] == "statically linked: LD_PRELOAD has no effect"
    result = overstay("inspect", path)
    assert result.returncode == 2
    assert "statically linked: LD_PRELOAD has no effect" in result.stdout


def test_static_position_independent_program(inspect, tmp_path):
    """A static-pie program is no shared library."""
    source = tmp_path / "static.c"
    source.write_text("int main(void) { return 0; }\n")
    path = tmp_path / "static"
    subprocess.run(["cc", "-static-pie", "-o", path, source], check=True)
    document = inspect(path, status=2)
    assert (document["preloadable"], document["pie"]) == (False, True)


def test_set_user_id_program(inspect, target, tmp_path):
    """A program with the set-user-ID bit is described, and why nothing is preloaded."""
    path = tmp_path / "privileged"
    shutil.copy(target("clean_echo"), path)
    path.chmod(path.stat().st_mode | stat.S_ISUID)
    document = inspect(path, status=2)
    assert document["preloadable"] is False
    assert "set-user-ID" in document["reason"]
    assert vtables(document) == vtables(inspect(target("clean_echo")))


def test_program_of_another_machine(inspect, target, tmp_path):
    """A program for another architecture is described, and that this overstay can't watch it."""
    path = tmp_path / "foreign"
    content = bytearray(target("clean_echo").read_bytes())
    struct.pack_into("<H", content, 18, MACHINES[OTHER])
    path.write_bytes(content)
    document = inspect(path, status=2)
    assert document["arch"] == OTHER
    assert document["preloadable"] is False
    assert f"made for {OTHER}" in document["reason"]


# Unusable input: one line on stderr.


def header(size=64, kind=2, machine=MACHINES["x86_64"], elf_class=2):
    """An ELF header without program headers."""
    ident = b"\x7fELF" + bytes([elf_class, 1, 1]) + bytes(9)
    rest = struct.pack("<HHIQQQIHHHHHH", kind, machine, 1, 0, 64, 0, 0, 64, 56, 0, 64, 0, 0)
    return (ident + rest)[:size]


def first_half(target):
    content = target("clean_echo").read_bytes()
    return content[: len(content) // 2]


BAD = {
    "empty": (lambda target: b"", "empty"),
    "text": (lambda target: b"hello, world\n" * 100, "not an ELF file"),
    "script": (lambda target: b"#!/bin/sh\necho\n", "a script"),
    "magic only": (lambda target: b"\x7fELF", "truncated"),
    "half a header": (lambda target: header(40)[:40], "truncated"),
    "32-bit": (lambda target: header(elf_class=1), "32-bit"),
    "object file": (lambda target: header(kind=1), "neither a program nor a shared object"),
    "unknown machine": (lambda target: header(machine=243), "machine"),
    "nothing to load": (lambda target: header(), "nothing in it"),
    "truncated": (first_half, "truncated"),
}


def refused(result, path, words):
    assert (result.returncode, result.stdout) == (2, ""), result.stderr
    (line,) = result.stderr.splitlines()
    assert line.startswith("overstay: ")
    assert str(path) in line
    assert words in line


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("form", ("text", "json"))
def test_bad_file_is_refused(overstay, target, tmp_path, name, form):
    """A file that is no program is named with what is wrong with it."""
    make, words = BAD[name]
    path = tmp_path / "bad"
    path.write_bytes(make(target))
    refused(overstay("inspect", "--format", form, path), path, words)


def test_bad_place_is_refused(overstay, tmp_path):
    """What is not there, not a file or not readable is refused."""
    absent = tmp_path / "absent"
    refused(overstay("inspect", absent), absent, "No such file")
    refused(overstay("inspect", tmp_path), tmp_path, "directory")
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    refused(overstay("inspect", fifo), fifo, "not a regular file")


@pytest.mark.parametrize("seed", range(40))
def test_damaged_file_is_answered_or_refused(overstay, target, tmp_path, seed):
    """Damage in the headers and tables of a program never crashes the inspection."""
    import random

    numbers = random.Random(seed)
    content = bytearray(target("no_runtime").read_bytes())
    for _ in range(numbers.randrange(1, 60)):
        at = numbers.randrange(4, 4096 if seed % 2 else len(content))
        content[at] = numbers.choice((0, 1, 0x7F, 0x80, 0xFF, numbers.randrange(256)))
    path = tmp_path / "damaged"
    path.write_bytes(content)
    result = overstay("inspect", "--format", "json", path)
    assert result.returncode in (0, 2), (result.returncode, result.stderr)
    if result.stdout:
        json.loads(result.stdout)
    else:
        assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "no binary given"),
        (["a", "b"], "more than one binary"),
        (["--format", "xml", "a"], "unknown format 'xml'"),
        (["--format"], "needs a value"),
        (["--nonsense", "a"], "unknown option --nonsense"),
    ],
)
def test_usage_errors(overstay, arguments, words):
    """Wrong arguments: one line, status 2."""
    result = overstay("inspect", *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("overstay: inspect: ")
    assert words in line


def test_help(overstay):
    """--help is on stdout, and describes what there is."""
    result = overstay("inspect", "--help")
    assert (result.returncode, result.stderr) == (0, "")
    for word in ("Usage: overstay inspect", "--format", "--all", "Exit status"):
        assert word in result.stdout
