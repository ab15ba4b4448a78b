# SPDX-License-Identifier: MIT
"""Programs without a runtime run under the library as they do without it, and are not judged."""

import sys
from pathlib import Path

import pytest

from harness import call

# The compiler itself: the rustc and cargo on PATH may be rustup, which has Tokio inside.
RUST = Path(call(["rustc", "--print", "sysroot"]).stdout.strip(), "bin")

PYTHON = """
import hashlib, json, os, subprocess, sys, tempfile, threading
total = []
threads = [threading.Thread(target=lambda: total.append(1)) for _ in range(20)]
[t.start() for t in threads]; [t.join() for t in threads]
with tempfile.TemporaryFile() as f:
    f.write(b"x" * 100000); f.seek(0)
    digest = hashlib.sha256(f.read()).hexdigest()
out = subprocess.run(["sh", "-c", "echo child; exit 4"], capture_output=True, text=True)
print(json.dumps([len(total), digest, out.stdout, out.returncode]))
sys.exit(6)
"""

COMMANDS = {
    "sh": ["sh", "-c", "echo one; (echo two; exit 3); echo $?; printf 'a\\nb\\n' | sort -r; exit 5"],
    "bash": ["bash", "-c", "set -o pipefail; seq 100 | tail -1; false | true; echo $?"],
    "git": ["git", "--version"],
    "python3": [sys.executable, "-c", PYTHON],
    "cargo": [RUST / "cargo", "--version"],
    "rustc": [RUST / "rustc", "--version", "--verbose"],
    "timeout": ["timeout", "5", "sh", "-c", "echo within; exit 2"],
    "xargs": ["sh", "-c", "seq 20 | xargs -P 4 -n 1 echo | sort -n"],
    "sort": ["sh", "-c", "seq 200000 | sort --parallel=4 -rn | head -3"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_program_without_a_runtime_is_left_alone(run_overstay, name):
    """Output and exit status are the program's own, and the gate says that nothing was judged."""
    alone = call(COMMANDS[name])
    run = run_overstay(*COMMANDS[name])
    assert (run.status, run.stdout) == (alone.returncode, alone.stdout), run.stderr
    assert not [trace for trace in run.traces if trace.attached]
    assert run.check().returncode == 2


def test_compiler_run_is_left_alone(run_overstay, tmp_path):
    """rustc, a large program with threads and children, compiles as it does alone."""
    source = tmp_path / "hello.rs"
    source.write_text('fn main() { println!("hello"); }\n')
    run = run_overstay(RUST / "rustc", "-O", source, "-o", tmp_path / "hello", timeout=120)
    assert (run.status, run.stdout) == (0, ""), run.stderr
    assert call([tmp_path / "hello"]).stdout == "hello\n"


def test_standard_error_is_passed_through(run_overstay):
    """What the command writes on stderr comes first and unchanged."""
    run = run_overstay("sh", "-c", "echo first >&2; echo second >&2")
    assert run.stderr.splitlines()[:2] == ["first", "second"]
