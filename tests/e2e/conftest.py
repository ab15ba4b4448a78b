# SPDX-License-Identifier: MIT
"""Fixtures of the end-to-end tests: the built programs, and ways to run a target under them."""

import itertools

import pytest

import harness


@pytest.fixture(scope="session", autouse=True)
def built():
    """Nothing is skipped for want of a build: say what is missing and stop."""
    for path in (harness.OVERSTAY, harness.LIBRARY):
        if not path.exists():
            pytest.exit(f"{path} is not built: run ./dev test", returncode=2)


@pytest.fixture
def build():
    return harness.BUILD


@pytest.fixture
def target():
    return harness.target


@pytest.fixture
def overstay():
    """Runs `overstay` with the given arguments."""

    def run(*arguments, **keywords):
        return harness.call([harness.OVERSTAY, *arguments], **keywords)

    return run


@pytest.fixture
def run_overstay(tmp_path):
    """Runs a command under `overstay run`; every trace it leaves is checked against the schema."""
    numbers = itertools.count(1)

    def run(*command, options=(), validate=True, **keywords):
        data = tmp_path / f"run-{next(numbers)}.data"
        words = [harness.OVERSTAY, "run", "-o", data, *options, "--", *command]
        result = harness.call(words, **keywords)
        traces = harness.read_traces(data) if validate and data.is_dir() else []
        return harness.Run(
            [str(word) for word in command],
            result.returncode,
            result.stdout,
            result.stderr,
            data,
            traces,
        )

    return run
