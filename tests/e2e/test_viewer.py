# SPDX-License-Identifier: MIT
"""The viewer on hand-written traces, and `run` as a parent process, without the real library."""

import json
import os
import re
import signal
import subprocess
import time

import pytest

from harness import OVERSTAY, REPOSITORY, call, environment

GOLDEN = REPOSITORY / "tests" / "golden"
TRACES = sorted(GOLDEN.glob("*.jsonl"))

# A preloaded library that leaves a trace like the real one: a copy of $CANNED, with its own pid.
FAKE_LIBRARY = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
__attribute__((constructor)) static void fake(void)
{
	const char *canned = getenv("CANNED"), *out = getenv("OVERSTAY_OUT");
	char line[65536], path[4096], *pid;
	FILE *from, *to;
	if (!canned || !out)
		return;
	snprintf(path, sizeof(path), "%s/overstay-%d.jsonl", out, getpid());
	from = fopen(canned, "r");
	to = fopen(path, "w");
	while (from && to && fgets(line, sizeof(line), from)) {
		pid = strstr(line, "\"pid\": 4242,");
		if (pid)
			fprintf(to, "%.*s\"pid\": %d,%s", (int)(pid - line), line, getpid(), pid + 12);
		else if (!getenv("UNFINISHED") || !strstr(line, "\"t\": \"end\""))
			fputs(line, to);
	}
	if (to)
		fclose(to);
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """The fake library, compiled."""
    directory = tmp_path_factory.mktemp("fake")
    (directory / "fake.c").write_text(FAKE_LIBRARY)
    command = ["gcc", "-shared", "-fPIC", "-o", directory / "fake.so", directory / "fake.c"]
    subprocess.run(command, check=True)
    return directory / "fake.so"


@pytest.fixture
def run(library, tmp_path):
    """`overstay run` with the fake library; returns the result, the data directory is tmp_path/data."""

    def run(*words, canned="exempt", cwd=None, **keywords):
        env = {"OVERSTAY_LIBRARY": str(library), "CANNED": str(GOLDEN / f"{canned}.jsonl")}
        env.update(keywords.pop("env", {}))
        return call([OVERSTAY, "run", "-o", tmp_path / "data", *words], env=env, cwd=cwd, **keywords)

    return run


# Reports


@pytest.mark.parametrize("trace", TRACES, ids=lambda path: path.stem)
def test_report_reads_as_it_should(trace):
    """The text of a report is exactly the one that is kept beside its trace."""
    result = call([OVERSTAY, "report", trace], cwd="/")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == trace.with_suffix(".report").read_text()


KINDS = ("blocking-call", "lock-wait", "lock-across-await", "long-poll", "deadlock", "stall")
FRAME = {"function", "file", "line", "module", "offset", "inlined"}


def check_frame(frame):
    assert set(frame) >= FRAME
    assert frame["function"] is None or "::h" not in frame["function"][-20:]


def check_finding(finding):
    """The names that DESIGN fixes are all there, with values of the right type."""
    assert re.fullmatch("[0-9a-f]{16}", finding["id"])
    assert finding["kind"] in KINDS
    assert finding["context"] in ("task", "block_on")
    for key in ("count", "total_ns", "max_ns", "first_ns"):
        assert isinstance(finding[key], int)
    assert finding["total_ns"] >= finding["max_ns"] > 0
    assert {"operation", "class", "lock", "where"} <= set(finding)
    assert set(finding["task"]) == {"name", "id"}
    assert set(finding["thread"]) == {"name", "tid"}
    assert set(finding["victims"]) == {"tasks", "delay_ns"}
    for frame in finding["stack"]:
        check_frame(frame)
    if finding["where"]:
        check_frame(finding["where"])
    if finding["lock"]:
        lock = {"type", "address", "acquired_at", "holder", "held_ns", "waiters"}
        assert set(finding["lock"]) == lock
        for frame in finding["lock"]["acquired_at"] or []:
            check_frame(frame)
        if finding["lock"]["holder"]:
            holder = {"task", "task_name", "thread", "acquired_at", "suspended", "queued"}
            assert set(finding["lock"]["holder"]) == holder
        assert set(finding["lock"]["waiters"]) == {"count", "tasks", "threads"}
    assert (finding["cycle"] is not None) == (finding["kind"] == "deadlock")
    for link in finding["cycle"] or []:
        assert {"waiter", "lock", "holder", "acquired_at", "waiting_at"} <= set(link)
        assert set(link["waiter"]) == {"task", "task_name", "thread"}
        assert set(link["holder"]) == {"task", "task_name", "thread", "suspended", "queued"}


@pytest.mark.parametrize("trace", TRACES, ids=lambda path: path.stem)
def test_json_report_keeps_its_contract(trace):
    """Every fixed name of overstay-report/1 is in the document."""
    result = call([OVERSTAY, "report", "--format", "json", trace])
    assert (result.returncode, result.stderr) == (0, "")
    report = json.loads(result.stdout)
    assert report["schema"] == "overstay-report/1"
    (process,) = report["processes"]
    names = {"pid", "exe", "ended", "duration_ns", "dropped_events", "runtime", "coverage", "polls"}
    assert set(process) >= names
    assert set(process["runtime"]) == {"name", "version"}
    covered = {"attached", "task_vtables", "lock_sites", "lock_sites_skipped", "locks", "blind_spots"}
    assert set(process["coverage"]) >= covered
    assert set(process["polls"]) == {"count", "total_ns", "max_ns", "histogram"}
    others = [each for each in report["findings"] if each["kind"] != "deadlock"]
    assert report["findings"][len(report["findings"]) - len(others) :] == others
    totals = [finding["total_ns"] for finding in others]
    assert totals == sorted(totals, reverse=True)
    for finding in report["findings"]:
        check_finding(finding)


def test_report_has_no_escape_sequences_but_on_a_terminal(tmp_path):
    """Names from a trace cannot bring any in, either."""
    trace = tmp_path / "overstay-1.jsonl"
    text = (GOLDEN / "findings.jsonl").read_text()
    trace.write_text(text.replace("app::cache::warm", "app::\\u001b[31mred\\u0007"))
    result = call([OVERSTAY, "report", trace])
    assert result.returncode == 0
    assert "app::?[31mred?" in result.stdout
    assert "\033" not in result.stdout and "\a" not in result.stdout


def test_report_of_a_directory_joins_its_traces(tmp_path):
    """The same finding of two processes is one finding."""
    for pid in (1, 2):
        text = (GOLDEN / "findings.jsonl").read_text().replace('"pid": 4242', f'"pid": {pid}')
        (tmp_path / f"overstay-{pid}.jsonl").write_text(text)
    result = call([OVERSTAY, "report", "--format", "json", tmp_path])
    report = json.loads(result.stdout)
    assert [process["pid"] for process in report["processes"]] == [1, 2]
    assert [finding["count"] for finding in report["findings"]] == [8, 6, 4, 4]


def test_good_trace_is_reported_beside_a_bad_one(tmp_path):
    """The bad one is named on stderr; a gate does not judge half of a recording."""
    (tmp_path / "overstay-1.jsonl").write_text((GOLDEN / "exempt.jsonl").read_text())
    (tmp_path / "overstay-2.jsonl").write_bytes(b"\0garbage\n")
    report = call([OVERSTAY, "report", tmp_path])
    assert report.returncode == 0
    assert "Clean" in report.stdout
    assert len(report.stderr.splitlines()) == 1 and "overstay-2.jsonl" in report.stderr
    assert call([OVERSTAY, "check", tmp_path]).returncode == 2


def test_report_into_a_full_disk_fails(tmp_path):
    """What could not be written is not passed off as a report."""
    with open("/dev/full", "w") as full:
        for form in ("text", "json"):
            command = [OVERSTAY, "report", "--format", form, GOLDEN / "findings.jsonl"]
            result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
            assert result.returncode == 2
            assert len(result.stderr.splitlines()) == 1


# The gate


VERDICTS = {
    "findings": (1, "findings"),
    "locks": (1, "findings"),
    "deadlocks": (1, "findings"),
    "killed": (1, "findings"),
    "unsymbolised": (1, "findings"),
    "exempt": (0, "clean"),
    "not-attached": (2, "unjudged"),
}


@pytest.mark.parametrize("trace", TRACES, ids=lambda path: path.stem)
def test_gate(trace):
    """Exit status, text and JSON of `check` agree."""
    status, word = VERDICTS[trace.stem]
    text = call([OVERSTAY, "check", trace])
    document = call([OVERSTAY, "check", "--format", "json", trace])
    assert (text.returncode, document.returncode) == (status, status)
    verdict = json.loads(document.stdout)
    assert verdict["schema"] == "overstay-check/1"
    assert verdict["status"] == word
    assert bool(verdict["findings"]) == (status == 1)
    assert verdict["reason"] in (text.stderr if status == 2 else text.stdout)


def test_gate_passes_below_its_limits(tmp_path):
    """A trace recorded with a lower threshold may hold findings that no gate fails on."""
    text = (GOLDEN / "killed.jsonl").read_text()
    trace = tmp_path / "overstay-1.jsonl"
    trace.write_text(text.replace("50000000", "900000"))
    assert call([OVERSTAY, "check", trace]).returncode == 0
    report = json.loads(call([OVERSTAY, "report", "--format", "json", trace]).stdout)
    assert len(report["findings"]) == 1


# Help and usage


@pytest.mark.parametrize("words", ([], ["run"], ["report"], ["check"]), ids=" ".join)
def test_help(words):
    """Every verb explains itself on stdout."""
    result = call([OVERSTAY, *words, "--help"])
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("Usage: overstay ")
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_help_of_the_command_is_its_own(run):
    """An option behind the command is not ours."""
    result = run("sh", "-c", 'echo "$1"', "sh", "--help")
    assert (result.returncode, result.stdout) == (0, "--help\n")


def test_version():
    """The version is one line."""
    result = call([OVERSTAY, "--version"])
    assert re.fullmatch(r"overstay \d+\.\d+\.\d+\n", result.stdout)


def test_timeline_is_refused(run):
    """An option that does nothing yet is not swallowed."""
    result = run("--timeline", "true")
    assert result.returncode == 2 and "not available" in result.stderr


# run


def test_run_says_what_it_found_in_one_line(run, tmp_path):
    """The line has the kinds, the worst place and the directory."""
    result = run("true", canned="findings")
    assert result.returncode == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith("overstay: 4 findings (2 blocking-call, 1 lock-wait, 1 long-poll), worst 351 ms")
    assert "app::cache::warm (/srv/app/src/cache.rs:31)" in line
    assert line.endswith(f"trace in {tmp_path}/data, see: overstay report {tmp_path}/data")


def test_run_names_a_deadlock_first(run):
    """Whatever else took longer."""
    result = run("true", canned="deadlocks")
    (line,) = result.stderr.splitlines()
    assert line.startswith("overstay: 4 findings (3 deadlock, 1 stall), worst 4.90 s in a deadlock at ")


def test_run_completes_the_trace(run, tmp_path):
    """A process that wrote no end gets one, and symbols are kept in the file."""
    run("sh", "-c", "kill -9 $$", env={"UNFINISHED": "1"})
    (trace,) = (tmp_path / "data").iterdir()
    lines = [json.loads(line) for line in trace.read_text().splitlines()]
    (end,) = [line for line in lines if line["t"] == "end"]
    assert (end["reason"], end["signal"], end["status"]) == ("signal", 9, None)
    assert end["duration_ns"] is None and end["dropped_events"] is None
    assert lines[-1]["t"] == "symbolised"


def test_run_cuts_off_a_torn_line(run, tmp_path):
    """Lines that are added do not stick to the rest of a torn one."""
    assert run("true", canned="killed").returncode == 0
    (trace,) = (tmp_path / "data").iterdir()
    for line in trace.read_text().splitlines():
        json.loads(line)


@pytest.mark.parametrize("status", (0, 1, 2, 77, 255))
def test_exit_status_is_the_commands(run, status):
    """Whatever was found."""
    assert run("sh", "-c", f"exit {status}", canned="findings").returncode == status


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGINT))
def test_exit_status_of_a_signal(run, number):
    """128 plus its number."""
    assert run("sh", "-c", f"kill -{int(number)} $$").returncode == 128 + number


def test_check_counts_only_when_the_command_succeeds(run):
    """The command's failure comes first, then the gate's."""
    assert run("--check", "true", canned="exempt").returncode == 0
    assert run("--check", "true", canned="findings").returncode == 1
    assert run("--check", "true", canned="not-attached").returncode == 2
    assert run("--check", "sh", "-c", "exit 7", canned="findings").returncode == 7
    assert run("--check", "true", env={"CANNED": ""}).returncode == 2


def test_trace_with_losses_is_not_clean(tmp_path):
    """What was lost may have been a finding: without any other the gate does not judge."""
    trace = tmp_path / "overstay-1.jsonl"
    lines = [json.loads(line) for line in (GOLDEN / "exempt.jsonl").read_text().splitlines()]
    for lost, status in (0, 0), (3, 2):
        for line in lines:
            if line["t"] == "end":
                line["dropped_events"] = lost
        trace.write_text("".join(json.dumps(line) + "\n" for line in lines))
        result = call([OVERSTAY, "check", trace])
        assert result.returncode == status, result.stdout + result.stderr
    assert "lost" in result.stderr


def test_trace_that_lacks_its_end_is_not_clean(run):
    """A process that ended by itself, and could not say so, has lost what came before as well."""
    result = run("--check", "true", canned="exempt", env={"UNFINISHED": "1"})
    assert result.returncode == 2
    assert "is not complete; is the disk full?" in result.stderr


def test_earlier_recording_is_kept(run, tmp_path):
    """One, as .old; the one before that goes."""
    for _ in range(3):
        assert run("true").returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "data.old"]
    assert len(list((tmp_path / "data.old").iterdir())) == 1


def test_environment_reaches_the_command(run, library, tmp_path):
    """Ours is added, an earlier preload stays behind ours, the rest is as it was."""
    script = 'echo "$LD_PRELOAD|$OVERSTAY_OUT|$OVERSTAY_THRESHOLD|$OVERSTAY_STALL|$OTHER"'
    result = run(
        "--threshold", "1.5ms", "--stall", "2s", "sh", "-c", script,
        env={"LD_PRELOAD": "libc.so.6", "OTHER": "x"},
    )
    assert result.stdout == f"{library}:libc.so.6|{tmp_path}/data|1.5ms|2s|x\n"


def test_standard_streams_are_the_commands(run):
    """Input and output pass through untouched."""
    result = run("cat", stdin=b"one\0two")
    assert result.stdout == "one\0two"


def test_data_directory_that_takes_nothing(run, tmp_path):
    """A warning, and the command runs; a gate cannot judge."""
    for words, status in ((["sh", "-c", "exit 3"], 3), (["--check", "true"], 2)):
        result = call([OVERSTAY, "run", "-o", "/proc/nothing/here", *words])
        assert result.returncode == status
        assert len(result.stderr.splitlines()) == 1 and "/proc/nothing/here" in result.stderr


def test_timeout_terminates_then_kills(run):
    """124, with the trace still reported; a command that ignores SIGTERM is killed."""
    start = time.monotonic()
    result = run("--timeout", "300ms", "sleep", "60", canned="findings")
    assert result.returncode == 124
    assert "300ms" in result.stderr and "4 findings" in result.stderr
    assert time.monotonic() - start < 2
    result = run("--timeout", "100ms", "sh", "-c", "trap '' TERM; while :; do sleep 0.1; done")
    assert result.returncode == 124
    assert 2 < time.monotonic() - start < 6


def spawn(library, tmp_path, *command):
    env = environment({"OVERSTAY_LIBRARY": str(library), "CANNED": str(GOLDEN / "exempt.jsonl")})
    words = [str(word) for word in (OVERSTAY, "run", "-o", tmp_path / "data", *command)]
    return subprocess.Popen(
        words,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A job of this session, as a shell makes it: one of a session of its own could not be stopped.
        preexec_fn=lambda: os.setpgid(0, 0),
    )


@pytest.mark.parametrize("name", ("TERM", "HUP", "INT", "QUIT", "USR1", "USR2"))
def test_signals_sent_to_overstay_reach_the_command(library, tmp_path, name):
    """A signal for overstay alone is the command's to handle."""
    script = f"trap 'echo got; exit 9' {name}; echo ready; while :; do sleep 0.05; done"
    process = spawn(library, tmp_path, "bash", "-c", script)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(getattr(signal, f"SIG{name}"))
    out, _ = process.communicate(timeout=10)
    assert (out, process.returncode) == ("got\n", 9)


def test_interrupt_from_the_terminal_is_handled_once(library, tmp_path):
    """Sent to the whole group by the terminal, it reaches the command once, and overstay survives it."""
    script = (
        "import signal, time\n"
        "hits = []\n"
        "signal.signal(signal.SIGINT, lambda *_: hits.append(1))\n"
        "print('ready', flush=True)\n"
        "end = time.monotonic() + 1\n"
        "while time.monotonic() < end: time.sleep(0.05)\n"
        "print(len(hits))\n"
    )
    parent, terminal = os.openpty()
    env = environment({"OVERSTAY_LIBRARY": str(library), "CANNED": str(GOLDEN / "exempt.jsonl")})

    def own_terminal():
        os.setsid()
        import fcntl
        import termios

        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        [str(OVERSTAY), "run", "-o", str(tmp_path / "data"), "/usr/bin/python3", "-c", script],
        env=env, stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=own_terminal,
    )
    assert process.stdout.readline() == "ready\n"
    os.write(parent, b"\x03")
    out, _ = process.communicate(timeout=10)
    os.close(parent)
    os.close(terminal)
    assert (out, process.returncode) == ("1\n", 0)


def test_stop_and_continue(library, tmp_path):
    """A stopped command stops overstay, so that a shell sees it; both go on together."""
    process = spawn(library, tmp_path, "sh", "-c", "echo ready; kill -TTIN $$; echo continued; exit 4")
    assert process.stdout.readline() == "ready\n"
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    process.send_signal(signal.SIGCONT)
    out, _ = process.communicate(timeout=10)
    assert (out, process.returncode) == ("continued\n", 4)
