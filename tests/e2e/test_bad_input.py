# SPDX-License-Identifier: MIT
"""Bad input of every kind: one clear line on stderr, exit status 2, and never a crash."""

import json
import os
import shutil
import stat
import subprocess

import pytest

from harness import OVERSTAY, call, preloaded, read_traces

ROOT = os.geteuid() == 0


def refused(result, *words):
    """The command ended with status 2 and one line of complaint that has these words in it."""
    assert result.returncode == 2, (result.returncode, result.stdout, result.stderr)
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("overstay: ")
    for word in words:
        assert str(word) in lines[0], lines[0]
    assert result.stdout == ""


@pytest.fixture
def recorded(tmp_path, target):
    """A good trace file, to be spoilt."""
    data = tmp_path / "recorded.data"
    result = call([OVERSTAY, "run", "-o", data, "--", target("sleep_in_task")])
    assert result.returncode == 0, result.stderr
    (trace,) = read_traces(data)
    return trace.path


# Commands that cannot be run under the library: nothing runs at all.


def test_command_not_found(overstay, tmp_path):
    """A command that does not exist is named, and no data directory is made."""
    data = tmp_path / "data"
    refused(overstay("run", "-o", data, "--", "no-such-command-here"), "no-such-command-here")
    assert not data.exists()


def test_path_not_found(overstay, tmp_path):
    """A path that does not exist is named."""
    refused(overstay("run", "-o", tmp_path / "data", "--", tmp_path / "absent"), "absent")


def test_command_is_a_directory(overstay, tmp_path):
    """A directory is no command."""
    refused(overstay("run", "-o", tmp_path / "data", "--", tmp_path), tmp_path)


def test_command_is_not_executable(overstay, tmp_path):
    """A file without the permission to execute is no command."""
    plain = tmp_path / "plain"
    shutil.copy("/bin/true", plain)
    plain.chmod(0o644)
    refused(overstay("run", "-o", tmp_path / "data", "--", plain), plain)


def test_command_is_not_elf(overstay, tmp_path):
    """An executable file that is neither ELF nor a script is refused."""
    junk = tmp_path / "junk"
    junk.write_bytes(b"\0\1\2\3 this is no program\n" * 10)
    junk.chmod(0o755)
    refused(overstay("run", "-o", tmp_path / "data", "--", junk), junk)


def test_script_without_first_line_runs(run_overstay, tmp_path):
    """A text without `#!` is a shell script, as it is for a shell; an empty one does nothing."""
    for text, printed in (("echo plain\n", "plain\n"), ("", "")):
        script = tmp_path / "script"
        script.write_text(text)
        script.chmod(0o755)
        run = run_overstay(script)
        assert (run.status, run.stdout) == (0, printed), run.stderr


def test_script_runs(run_overstay, tmp_path):
    """A script is a command like any other."""
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\necho from a script\nexit 3\n")
    script.chmod(0o755)
    run = run_overstay(script)
    assert (run.status, run.stdout) == (3, "from a script\n")


def test_script_without_interpreter(overstay, tmp_path):
    """A script whose interpreter does not exist is refused."""
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    refused(overstay("run", "-o", tmp_path / "data", "--", script), "/no/such/interpreter")


def test_static_command(overstay, tmp_path):
    """A statically linked program would ignore the library: refused."""
    source, program = tmp_path / "main.c", tmp_path / "static"
    source.write_text('#include <stdio.h>\nint main(void) { puts("ran"); return 0; }\n')
    subprocess.run(["gcc", "-static", source, "-o", program], check=True)
    refused(overstay("run", "-o", tmp_path / "data", "--", program), program, "static")


def test_static_pie_command(overstay, tmp_path):
    """The same for a static position-independent program."""
    source, program = tmp_path / "main.c", tmp_path / "static-pie"
    source.write_text('#include <stdio.h>\nint main(void) { puts("ran"); return 0; }\n')
    subprocess.run(["gcc", "-static-pie", source, "-o", program], check=True)
    refused(overstay("run", "-o", tmp_path / "data", "--", program), program, "static")


def test_setuid_command(overstay, tmp_path):
    """The loader ignores the library for a program that changes its user: refused."""
    if not ROOT:
        refused(overstay("run", "-o", tmp_path / "data", "--", "su", "--version"), "setuid")
        return
    program = tmp_path / "setuid"
    shutil.copy("/bin/true", program)
    os.chown(program, 65534, 65534)
    program.chmod(0o755 | stat.S_ISUID)
    refused(overstay("run", "-o", tmp_path / "data", "--", program), program, "setuid")


def test_command_for_another_architecture(overstay, tmp_path):
    """A program of another architecture can't take the library: refused."""
    program = tmp_path / "foreign"
    image = bytearray(shutil.which("true") and open(shutil.which("true"), "rb").read())
    machine = int.from_bytes(image[18:20], "little")
    image[18:20] = (62 if machine == 183 else 183).to_bytes(2, "little")
    program.write_bytes(image)
    program.chmod(0o755)
    refused(overstay("run", "-o", tmp_path / "data", "--", program), program, "architecture")


def test_command_for_32_bits(overstay, tmp_path):
    """A 32-bit program can't take the library: refused."""
    program = tmp_path / "narrow"
    image = bytearray(open("/bin/true", "rb").read())
    image[4] = 1
    program.write_bytes(image)
    program.chmod(0o755)
    refused(overstay("run", "-o", tmp_path / "data", "--", program), program)


def test_truncated_elf(overstay, tmp_path):
    """An ELF file cut off in its headers is refused."""
    program = tmp_path / "cut"
    program.write_bytes(open("/bin/true", "rb").read()[:100])
    program.chmod(0o755)
    refused(overstay("run", "-o", tmp_path / "data", "--", program), program)


def test_no_command(overstay, tmp_path):
    """Without a command there is nothing to run."""
    refused(overstay("run", "-o", tmp_path / "data"))
    refused(overstay("run", "-o", tmp_path / "data", "--"))


@pytest.mark.parametrize("option", ("--threshold", "--stall", "--timeout"))
@pytest.mark.parametrize("value", ("", "5", "ms", "5parsecs", "-1ms", "1e400s", "99999999999999s", "1ms "))
def test_bad_time(overstay, target, option, value):
    """A time that is none is refused, and named with its option, before anything runs."""
    refused(overstay("run", option, value, "--", target("sleep_in_task")), option)


@pytest.mark.parametrize("option", ("--threshold", "-o"))
def test_option_without_its_value(overstay, option):
    """An option at the end without its value is refused."""
    refused(overstay("run", option))


def test_unknown_option_and_command(overstay):
    """Unknown options and commands are refused."""
    refused(overstay("run", "--no-such-option", "--", "true"), "--no-such-option")
    refused(overstay("no-such-command"), "no-such-command")
    refused(overstay("report", "--format", "no-such-format"), "no-such-format")


# Places for the trace that take none.


def test_data_directory_that_cannot_be_made(overstay, tmp_path, target):
    """A data directory below a file cannot be made: refused before anything runs."""
    (tmp_path / "file").touch()
    data = tmp_path / "file" / "data"
    refused(overstay("run", "-o", data, "--", target("sleep_in_task")), data)


def test_data_directory_is_a_file(overstay, tmp_path, target):
    """A file of the user's in the place of the data directory is not touched."""
    data = tmp_path / "precious"
    data.write_text("precious")
    refused(overstay("run", "-o", data, "--", target("sleep_in_task")), data)
    assert data.read_text() == "precious"


def test_directory_without_traces_is_not_taken_for_old_data(overstay, tmp_path, target):
    """A directory of the user's is not moved away or written into as if it were data of ours."""
    data = tmp_path / "documents"
    data.mkdir()
    (data / "letter").write_text("dear reader")
    refused(overstay("run", "-o", data, "--", target("sleep_in_task")), data)
    assert [each.name for each in data.iterdir()] == ["letter"]
    assert not (tmp_path / "documents.old").exists()


def test_preloaded_program_runs_without_a_place_for_its_trace(tmp_path, target):
    """Preloaded by hand with a place that can't be written, the program runs as ever."""
    (tmp_path / "file").touch()
    for place in (tmp_path / "file" / "data", "/proc/no/such/place", "/dev/full", "x" * 5000):
        result = preloaded([target("sleep_in_task")], place)
        assert (result.returncode, result.stdout) == (0, "sleep_in_task done\n")
        assert result.stderr == ""


@pytest.mark.skipif(not ROOT, reason="needs root to mount a small file system")
def test_full_disk(tmp_path, target):
    """On a full disk the program runs as ever, and `run` says that the trace is not whole."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=True)
    try:
        (disk / "fill").write_bytes(b"x" * 60 * 1024)
        command = [OVERSTAY, "run", "-o", disk / "data", "--", target("clean_echo")]
        result = call(command)
        assert result.stdout == "clean_echo 400\n"
        assert result.returncode == 0
        lines = result.stderr.splitlines()
        assert lines and all(line.startswith("overstay: ") for line in lines)
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.mark.parametrize("name", ("OVERSTAY_THRESHOLD", "OVERSTAY_STALL"))
@pytest.mark.parametrize("value", ("", "soon", "-5ms", "9" * 400))
def test_bad_environment_does_not_hurt_the_program(tmp_path, target, name, value):
    """A bad setting in the environment is the library's problem, not the program's."""
    result = preloaded([target("sleep_in_task")], tmp_path / "data", {name: value})
    assert (result.returncode, result.stdout) == (0, "sleep_in_task done\n")
    assert result.stderr == ""


# Traces that cannot be read.


@pytest.mark.parametrize("command", ("report", "check"))
def test_path_that_does_not_exist(overstay, tmp_path, command):
    """A missing trace is named."""
    refused(overstay(command, tmp_path / "absent.data"), "absent.data")


@pytest.mark.parametrize("command", ("report", "check"))
def test_directory_without_traces(overstay, tmp_path, command):
    """A directory without any trace is said to be that."""
    refused(overstay(command, tmp_path), tmp_path)


def spoil_empty(_):
    return b""


def spoil_blank(_):
    return b"\n\n\n"


def spoil_binary(_):
    return bytes(range(256)) * 40


def spoil_foreign_json(_):
    return b'{"traceEvents": [{"ph": "X", "ts": 1}]}\n'


def spoil_foreign_text(_):
    return b"Nov 20 09:00:00 host program[1]: a log file\n" * 100


def spoil_array(_):
    return b"[1, 2, 3]\n"


def spoil_torn_header(good):
    return good[:40]


def spoil_without_header(good):
    return good.split(b"\n", 1)[1]


def spoil_newer_version(good):
    header, rest = good.split(b"\n", 1)
    line = json.loads(header)
    line["version"] = 2
    return json.dumps(line).encode() + b"\n" + rest


def spoil_version_type(good):
    header, rest = good.split(b"\n", 1)
    line = json.loads(header)
    line["version"] = "one"
    return json.dumps(line).encode() + b"\n" + rest


def spoil_line_in_the_middle(good):
    lines = good.splitlines(keepends=True)
    return b"".join(lines[:2] + [b'{"t": "call", "id": \n'] + lines[2:])


def spoil_wrong_types(good):
    return good + b'{"t": "call", "id": "seven", "count": [], "stack": {}}\n'


SPOILS = [value for name, value in sorted(globals().items()) if name.startswith("spoil_")]


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__[6:])
@pytest.mark.parametrize("command", ("report", "check"))
def test_unreadable_trace(overstay, recorded, tmp_path, command, spoil):
    """A file that is no trace of ours is named, and nothing is judged."""
    bad = tmp_path / "overstay-1.jsonl"
    bad.write_bytes(spoil(recorded.read_bytes()))
    refused(overstay(command, bad), bad)


def test_newer_version_is_told_apart(overstay, recorded, tmp_path):
    """A trace of a newer version is refused for that reason."""
    bad = tmp_path / "overstay-1.jsonl"
    bad.write_bytes(spoil_newer_version(recorded.read_bytes()))
    refused(overstay("report", bad), "version")


def test_torn_last_line_is_ignored(overstay, recorded, tmp_path):
    """A last line without its end is the mark of a killed process, and no error."""
    torn = tmp_path / "overstay-1.jsonl"
    torn.write_bytes(recorded.read_bytes() + b'{"t": "call", "id": 9')
    result = overstay("report", "--format", "json", torn)
    assert (result.returncode, result.stderr) == (0, "")
    assert len(json.loads(result.stdout)["findings"]) == 1


def test_unknown_kinds_and_keys_are_skipped(overstay, recorded, tmp_path):
    """A reader skips what a later library of the same version may add."""
    header, rest = recorded.read_bytes().split(b"\n", 1)
    line = json.loads(header)
    line["mood"] = "good"
    later = tmp_path / "overstay-1.jsonl"
    later.write_bytes(json.dumps(line).encode() + b'\n{"t": "weather", "sun": true}\n' + rest)
    result = overstay("report", "--format", "json", later)
    assert (result.returncode, result.stderr) == (0, "")
    assert len(json.loads(result.stdout)["findings"]) == 1


def test_every_prefix_of_a_trace_is_read_or_refused(overstay, recorded, tmp_path):
    """However much of a trace is there, `report` neither crashes nor hangs."""
    good = recorded.read_bytes()
    cut = tmp_path / "overstay-1.jsonl"
    step = max(1, len(good) // 60)
    for length in range(0, len(good), step):
        cut.write_bytes(good[:length])
        result = overstay("report", "--format", "json", cut, timeout=10)
        assert result.returncode in (0, 2), (length, result.stderr)
        if result.returncode == 0:
            json.loads(result.stdout)


def test_program_rebuilt_since(tmp_path, target):
    """Names are not taken from a program that is not the one that ran; the report says so."""
    program, data = tmp_path / "program", tmp_path / "data"
    shutil.copy(target("sleep_in_task"), program)
    result = preloaded([program], data)
    assert result.returncode == 0
    shutil.copy(target("mutex_contended"), program)
    result = call([OVERSTAY, "report", "--format", "json", data])
    assert result.returncode == 0, result.stderr
    (line,) = result.stderr.splitlines()
    assert str(program) in line
    (finding,) = json.loads(result.stdout)["findings"]
    names = [frame["function"] for frame in finding["stack"] if frame["module"] == str(program)]
    assert not any(names), names


def test_program_gone_since(tmp_path, target):
    """Where the program is gone, the report works with what is left and says so."""
    program, data = tmp_path / "program", tmp_path / "data"
    shutil.copy(target("sleep_in_task"), program)
    assert preloaded([program], data).returncode == 0
    program.unlink()
    result = call([OVERSTAY, "report", "--format", "json", data])
    assert result.returncode == 0, result.stderr
    (line,) = result.stderr.splitlines()
    assert str(program) in line
    (finding,) = json.loads(result.stdout)["findings"]
    assert finding["count"] == 3
