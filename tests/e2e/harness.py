# SPDX-License-Identifier: MIT
"""Runs programs under the real library, and reads what that leaves behind."""

import json
import os
import resource
import signal
import subprocess
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import jsonschema

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("OVERSTAY_BUILD", REPOSITORY / "build")).resolve()
OVERSTAY = BUILD / "overstay"
LIBRARY = BUILD / "preload" / "liboverstay.so"
PROFILES = ("debug", "release", "fat")

MS = 1_000_000

# Kinds of line that appear once, and kinds whose last line with the same key wins.
SINGLETONS = {"header", "coverage", "polls", "operations", "end", "symbolised"}
KEYED = {
    "runtime": ("id",),
    "module": ("id",),
    "thread": ("id",),
    "vtable": ("id",),
    "stack": ("id",),
    "call": ("id",),
    "long_poll": ("id",),
    "stall": ("id",),
    "held": ("id",),
    "deadlock": ("id",),
    "symbol": ("module", "position"),
    "type": ("vtable",),
}


def environment(extra=None):
    """The environment of a run: nothing of overstay's and no backtraces unless the test says so."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OVERSTAY_", "RUST_")) and name not in ("LD_PRELOAD", "NO_COLOR")
    }
    kept.update(extra or {})
    return kept


def call(command, env=None, cwd=None, timeout=60, stdin=None, preexec=None):
    """Runs a command to its end; its process group is killed when it takes too long."""

    def prepare():
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if preexec:
            preexec()

    process = subprocess.Popen(
        [str(word) for word in command],
        env=environment(env),
        cwd=cwd,
        stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=prepare,
    )
    try:
        stdout, stderr = process.communicate(stdin, timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        stdout, stderr = process.communicate()
        raise AssertionError(
            f"{command} did not end within {timeout} s\nstdout: {stdout!r}\nstderr: {stderr!r}"
        ) from None
    return subprocess.CompletedProcess(
        command, process.returncode, stdout.decode(errors="replace"), stderr.decode(errors="replace")
    )


def target(name, profile="release"):
    """Path of a program of tests/targets/rust."""
    path = BUILD / "targets" / "rust" / profile / name
    assert path.exists(), f"{path} is not built: run ./dev test"
    return path


def tokio_version(variant):
    """Path of a program of tests/targets/tokio-versions."""
    path = BUILD / "targets" / "tokio-versions" / variant
    assert path.exists(), f"{path} is not built: run ./dev test"
    return path


class Trace:
    """One trace file: its lines checked against the schema, and the last word of each."""

    def __init__(self, path):
        self.path = Path(path)
        text = self.path.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]
        self.lines = [json.loads(line) for line in whole.splitlines()]
        self.by_kind = {kind: {} for kind in KEYED}
        for line in self.lines:
            kind = line["t"]
            if kind in KEYED:
                self.by_kind[kind][tuple(line[key] for key in KEYED[kind])] = line
            else:
                self.by_kind[kind] = line

    def all(self, kind):
        return list(self.by_kind[kind].values())

    def one(self, kind):
        return self.by_kind.get(kind)

    @property
    def header(self):
        return self.by_kind["header"]

    @property
    def coverage(self):
        return self.by_kind["coverage"]

    @property
    def end(self):
        return self.by_kind.get("end")

    @property
    def attached(self):
        return self.coverage["attached"]

    @property
    def operations(self):
        found = self.by_kind.get("operations")
        return {entry["op"]: entry for entry in found["list"]} if found else {}

    def validate(self):
        """Every line fits the schema, and refers only to what an earlier line has introduced."""
        assert self.lines, f"{self.path} has no lines"
        assert self.lines[0]["t"] == "header", "the first line is the header"
        known = {kind: set() for kind in KEYED}
        for number, line in enumerate(self.lines, 1):
            place = f"{self.path.name}:{number}"
            kind = line.get("t")
            assert kind in _validators(), f"{place}: no such kind of line: {line}"
            shape = f"{kind}_over" if line.get("over") else kind
            problems = [
                f"{place}: {'/'.join(map(str, error.absolute_path))}: {error.message}"
                for error in _validators()[shape].iter_errors(line)
            ]
            assert not problems, "\n".join(problems)
            for other, identity in _references(line):
                assert identity in known[other], f"{place}: {other} {identity} comes later or never"
            if kind in KEYED and "id" in line:
                known[kind].add(line["id"])
        kinds = [line["t"] for line in self.lines]
        for kind in ("header", "symbolised"):
            assert kinds.count(kind) <= 1, f"{self.path.name}: {kind} appears more than once"
        assert "coverage" in kinds, f"{self.path.name}: no coverage line"
        return self


def _nested(value):
    """The object and every object in it."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value:
        if isinstance(each, (dict, list)):
            yield from _nested(each)


def _references(line):
    for each in _nested(line):
        for kind in ("module", "thread", "stack", "vtable"):
            if each.get(kind) is not None and kind != line["t"]:
                yield kind, each[kind]
    if line["t"] == "stack":
        for module, _ in line["frames"]:
            if module is not None:
                yield "module", module
    if line["t"] == "symbolised":
        for entry in line["modules"]:
            yield "module", entry["module"]


_compiled = {}


def _validators():
    if not _compiled:
        schema = json.loads((REPOSITORY / "docs" / "trace.schema.json").read_text())
        for reference in schema["oneOf"]:
            kind = reference["$ref"].rsplit("/", 1)[1]
            _compiled[kind] = jsonschema.Draft202012Validator(
                {"$ref": f"#/$defs/{kind}", "$defs": schema["$defs"]}
            )
    return _compiled


@dataclass(frozen=True)
class Expected:
    """A finding that a program must show; `function` is where its source says it is planted."""

    kind: str
    cls: str
    function: str
    count: int = 1
    context: str = "task"
    at_least_ms: int = 25


@dataclass
class Run:
    """What one `overstay run` did: its outcome, its traces and the report made of them."""

    command: list
    status: int
    stdout: str
    stderr: str
    data: Path
    traces: list = field(default_factory=list)

    @cached_property
    def report(self):
        result = call([OVERSTAY, "report", "--format", "json", self.data])
        assert result.returncode == 0, f"overstay report failed: {result.stderr}"
        report = json.loads(result.stdout)
        assert report["schema"] == "overstay-report/1"
        return report

    @property
    def findings(self):
        """Findings that a gate fails on; who waited because of them is judged by its own tests."""
        return [each for each in self.report["findings"] if each["kind"] != "scheduling-delay"]

    @property
    def functions(self):
        """Findings per function that they are in: each function's count."""
        found = {}
        for finding in self.findings:
            name = function_of(finding)
            found[name] = found.get(name, 0) + finding["count"]
        return found

    @property
    def trace(self):
        """The one process that is judged, or the only one there is."""
        traces = [each for each in self.traces if each.attached] or self.traces
        assert len(traces) == 1, f"expected one trace, found {[each.path for each in traces]}"
        return traces[0]

    def check(self, *options):
        return call([OVERSTAY, "check", *options, self.data])

    def show(self):
        """The findings in short, for a failing test's message."""
        lines = [f"command: {self.command}", f"status: {self.status}", f"stderr: {self.stderr}"]
        for each in self.report["findings"]:
            stack = " < ".join(str(frame["function"]) for frame in each.get("stack") or [])
            lines.append(
                f"{each['kind']} {each['class']} {each['operation']} x{each['count']} max"
                f" {each['max_ns'] / MS:.1f} ms in {each['context']}: {function_of(each)} [{stack}]"
            )
        return "\n".join(lines)


def function_of(finding):
    where = finding["where"]
    return where["function"] if where else None


def read_traces(directory):
    """Every trace in a directory, checked."""
    return [Trace(path).validate() for path in sorted(Path(directory).glob("*.jsonl"))]


def preloaded(command, data, env=None, **arguments):
    """Runs a command with the library preloaded by hand, without `overstay run`."""
    setting = {"LD_PRELOAD": str(LIBRARY), "OVERSTAY_OUT": str(data), **(env or {})}
    return call(command, env=setting, **arguments)
