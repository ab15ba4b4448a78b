# SPDX-License-Identifier: MIT
"""Locks that are held across awaits, who is waited for, and what hangs because of it."""

from collections import Counter
from dataclasses import dataclass

import pytest

from harness import MS, OVERSTAY, PROFILES, call, function_of

ACROSS = "lock-across-await"
DEADLOCK = "deadlock"
STALL = "stall"
WAIT = "lock-wait"

# A build without any names.
NAMELESS = "fat"

LIMIT = ["--threshold", "10ms"]
HANG = [*LIMIT, "--timeout", "4s"]
TIMED_OUT = 124


@dataclass(frozen=True)
class Held:
    """A lock that a program holds across an await; `function` is where its source takes it."""

    type: str
    function: str
    context: str = "task"
    at_least_ms: int = 25


# program -> what it must show, once each. Function names are those of the program's source.
GUARDS = {
    "guard_std_mutex": [Held("std::sync::Mutex", "holds_guard_across_await")],
    "guard_try_lock": [
        Held("std::sync::Mutex", "holds_tried_guard_across_await", at_least_ms=80),
    ],
    "guard_parking_lot": [Held("parking_lot::Mutex", "holds_guard_across_await")],
    "guard_parking_lot_rwlock": [
        Held("parking_lot::RwLock (read)", "reads_across_await"),
        Held("parking_lot::RwLock (write)", "writes_across_await"),
        Held("parking_lot::RwLock (upgradable)", "upgrades_after_await"),
    ],
    "guard_rwlock": [
        Held("std::sync::RwLock (read)", "reads_across_await"),
        Held("std::sync::RwLock (write)", "writes_across_await"),
    ],
    **{
        program: [
            Held("dashmap (read)", "gets_across_await"),
            Held("dashmap (write)", "gets_mut_across_await"),
            Held("dashmap (write)", "has_entry_across_await"),
            Held("dashmap (read)", "iterates_across_await"),
        ]
        for program in ("guard_dashmap5", "guard_dashmap6")
    },
    "guard_in_struct": [Held("std::sync::Mutex", "Ledger::open", at_least_ms=50)],
    "guard_cancelled": [
        Held("parking_lot::Mutex", "holds_guard_until_cancelled", at_least_ms=40),
    ],
    "guard_handed_over": [Held("parking_lot::Mutex", "locks_and_sends_guard")],
    "guard_root": [Held("std::sync::Mutex", "holds_guard_in_root", "block_on")],
    "guard_root_current_thread": [Held("std::sync::Mutex", "holds_guard_in_root", "block_on")],
    "guard_pthread": [Held("pthread_mutex", "locks_across_await")],
    "guard_pthread_rwlock": [
        Held("pthread_rwlock (read)", "reads_across_await"),
        Held("pthread_rwlock (write)", "writes_across_await"),
    ],
}


@dataclass(frozen=True)
class Hang:
    """How a program hangs: who waits for the lock, and who has it.

    `links` counts the waits: when the holder is suspended there may be one for each waiter.
    """

    lock: str
    waiting: frozenset
    acquired: frozenset
    suspended: bool
    links: range = range(1, 2)


def circle(lock, *functions):
    """Each function has one lock and waits for the next one's."""
    names = frozenset(functions)
    return Hang(lock, names, names, False, range(len(names), len(names) + 1))


def reentry(lock, waiting, acquired):
    return Hang(lock, frozenset({waiting}), frozenset({acquired}), False)


def suspended(lock, *waiting):
    links = range(1, len(waiting) + 1)
    return Hang(lock, frozenset(waiting), frozenset({"holds_guard_across_await"}), True, links)


HANGS = {
    "deadlock_two_tasks": suspended("std::sync::Mutex", "waits_for_guard"),
    "deadlock_dashmap5": suspended("dashmap", "inserts_beside_guard"),
    "deadlock_dashmap6": suspended("dashmap", "inserts_beside_guard"),
    "deadlock_workers": suspended(
        "parking_lot::Mutex", "blocks_one_worker", "blocks_other_worker"
    ),
    "deadlock_join_all": suspended("std::sync::Mutex", "holds_guard_across_await"),
    "deadlock_ab_ba": circle("std::sync::Mutex", "locks_a_then_b", "locks_b_then_a"),
    "deadlock_three": circle(
        "parking_lot::Mutex",
        "locks_first_then_second",
        "locks_second_then_third",
        "locks_third_then_first",
    ),
    "deadlock_reentry": reentry("std::sync::Mutex", "locks_once_more", "locks_and_calls"),
    "deadlock_reentry_parking_lot": reentry(
        "parking_lot::Mutex", "locks_once_more", "locks_and_calls"
    ),
    "deadlock_rwlock_upgrade": reentry(
        "std::sync::RwLock", "writes_a_new_value", "reads_then_writes"
    ),
}


def passes_through(frames, program, function):
    """Is this function of the program, or the body of that async function, among the frames?"""
    name = f"{program}::{function}"
    functions = [frame["function"] or "" for frame in frames]
    return any(each == name or each.startswith(f"{name}::") for each in functions)


def planted(frames, program, functions, profile):
    """Which of these functions the frames pass through; None where the build has no names."""
    assert frames, f"no frames for {functions}"
    if profile == NAMELESS:
        ours = [frame for frame in frames if (frame["module"] or "").endswith(f"/{program}")]
        assert ours, frames
        assert all(frame["offset"] > 0 and frame["function"] is None for frame in ours), frames
        return None
    found = [each for each in functions if passes_through(frames, program, each)]
    assert len(found) == 1, (functions, frames)
    return found[0]


def is_type(found, expected, profile):
    """The right type; a build without names may leave it unknown, but not wrong."""
    return found == expected or (profile == NAMELESS and found is None)


def is_family(found, expected, profile):
    """The type of a lock without the way it was taken: "std::sync::RwLock (read)" is a RwLock."""
    return is_type(found and found.split(" (")[0], expected, profile)


def of_kind(run, kind):
    return [each for each in run.findings if each["kind"] == kind]


def kinds(run):
    return Counter(each["kind"] for each in run.findings)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("program", GUARDS)
def test_guard_held_across_await_is_found(run_overstay, target, program, profile):
    """Exactly the planted guards, each with its lock and where it was taken."""
    expected = GUARDS[program]
    run = run_overstay(target(program, profile), options=LIMIT)
    assert run.status == 0, run.stderr
    assert run.stdout.startswith(program)
    assert kinds(run) == {ACROSS: len(expected)}, run.show()
    assert run.check().returncode == 1

    wanted = {each.function: each for each in expected}
    seen = Counter()
    for finding in run.findings:
        lock = finding["lock"]
        assert finding["count"] == 1, run.show()
        assert int(lock["address"], 16) > 0
        waiters = lock["waiters"]
        assert (waiters["count"], waiters["tasks"], waiters["threads"]) == (0, [], []), lock
        name = planted(lock["acquired_at"], program, wanted, profile)
        if name is None:
            assert finding["context"] in {each.context for each in expected}
            assert any(is_type(lock["type"], each.type, profile) for each in expected), lock
            assert lock["held_ns"] >= min(each.at_least_ms for each in expected) * MS
            continue
        seen[name] += 1
        assert (lock["type"], finding["context"]) == (wanted[name].type, wanted[name].context)
        assert lock["held_ns"] >= wanted[name].at_least_ms * MS, lock
    if profile != NAMELESS:
        assert seen == Counter(wanted.keys()), run.show()


def test_lock_that_is_cancelled_or_handed_over_is_free_afterwards(run_overstay, target):
    """Dropping a guard elsewhere than it was taken unlocks also under overstay."""
    assert run_overstay(target("guard_cancelled")).stdout == "guard_cancelled free\n"
    assert run_overstay(target("guard_handed_over")).stdout == "guard_handed_over 1\n"


def test_debug_build_says_the_line_that_locks(run_overstay, target):
    """Of the program's frames the innermost is the line of the call that took the lock."""
    run = run_overstay(target("guard_std_mutex", "debug"), options=LIMIT)
    (finding,) = run.findings
    name = "guard_std_mutex", "holds_guard_across_await"
    own = [each for each in finding["lock"]["acquired_at"] if passes_through([each], *name)]
    assert own[0]["file"].endswith("src/bin/guard_std_mutex.rs")
    assert own[0]["line"] == 11


def test_same_id_from_run_to_run(run_overstay, target):
    """A finding about a lock has the same id in every run, so that a baseline can name it."""
    program = target("guard_parking_lot_rwlock")
    runs = [run_overstay(program, options=LIMIT) for _ in range(3)]
    ids = [{finding["id"] for finding in run.findings} for run in runs]
    assert len(ids[0]) == 3, runs[0].show()
    assert ids[0] == ids[1] == ids[2]


@pytest.mark.parametrize("profile", PROFILES)
def test_guard_that_is_waited_for_names_its_waiter_and_the_wait_its_holder(
    run_overstay, target, profile
):
    """One lock, told from both sides: by the guard across an await and by the wait for it."""
    program = "guard_waited_for"
    run = run_overstay(target(program, profile), options=LIMIT)
    assert (run.status, run.stdout) == (0, f"{program} 1\n"), run.stderr
    assert kinds(run) == {ACROSS: 1, WAIT: 1}, run.show()
    (across,), (wait,) = of_kind(run, ACROSS), of_kind(run, WAIT)
    held, waited = across["lock"], wait["lock"]
    assert is_type(held["type"], "std::sync::Mutex", profile)
    assert held["address"] == waited["address"]

    assert held["held_ns"] >= 280 * MS
    planted(held["acquired_at"], program, ["holds_guard_across_await"], profile)
    waiters = held["waiters"]
    assert waiters["count"] == 1
    assert waiters["tasks"] == [wait["task"]["id"]]
    assert [each["tid"] for each in waiters["threads"]] == [wait["thread"]["tid"]]

    assert wait["max_ns"] >= 200 * MS
    assert wait["context"] == "task"
    assert waited["held_ns"] >= 200 * MS
    holder = waited["holder"]
    assert holder["task"] is not None
    assert holder["task"] == across["task"]["id"] != wait["task"]["id"]
    assert holder["suspended"] is True
    planted(holder["acquired_at"], program, ["holds_guard_across_await"], profile)
    if profile != NAMELESS:
        assert function_of(wait) == f"{program}::waits_for_guard"


@pytest.mark.parametrize("profile", PROFILES)
def test_wait_for_a_plain_thread_names_that_thread(run_overstay, target, profile):
    """The holder may be no task at all."""
    program = "holder_thread"
    run = run_overstay(target(program, profile), options=LIMIT)
    assert (run.status, run.stdout) == (0, f"{program} 1\n"), run.stderr
    assert kinds(run) == {WAIT: 1}, run.show()
    (wait,) = run.findings
    assert wait["max_ns"] >= 200 * MS
    assert is_type(wait["lock"]["type"], "std::sync::Mutex", profile)
    assert wait["lock"]["held_ns"] >= 200 * MS
    holder = wait["lock"]["holder"]
    assert (holder["task"], holder["suspended"]) == (None, False)
    assert holder["thread"]["name"] == "keeper"
    assert holder["thread"]["tid"] not in (None, 0, wait["thread"]["tid"])
    planted(holder["acquired_at"], program, ["holds_lock_in_thread"], profile)
    if profile != NAMELESS:
        assert function_of(wait) == f"{program}::waits_for_thread"


@pytest.mark.parametrize("profile", ("debug", "release"))
@pytest.mark.parametrize(
    "program, lock",
    [
        ("mutex_contended", "std::sync::Mutex"),
        ("rwlock_contended", "std::sync::RwLock"),
        ("parking_lot_contended", "parking_lot::Mutex"),
        ("pthread_mutex", "pthread_mutex"),
    ],
)
def test_wait_for_a_task_that_blocks_names_that_task(run_overstay, target, program, lock, profile):
    """A holder that sleeps within its poll is named with its thread."""
    run = run_overstay(target(program, profile), options=LIMIT)
    (wait,) = of_kind(run, WAIT)
    (block,) = of_kind(run, "blocking-call")
    assert is_family(wait["lock"]["type"], lock, profile)
    holder = wait["lock"]["holder"]
    assert holder["task"] == block["task"]["id"] is not None
    assert (holder["thread"], holder["suspended"]) == (block["thread"], False)
    planted(holder["acquired_at"], program, ["sleeps_under_lock"], profile)


@pytest.mark.parametrize("program", ("guard_waited_for", "holder_thread", "guard_try_lock"))
def test_wait_that_ends_is_no_deadlock(run_overstay, target, program):
    """However long it took, and past the stall limit: what came back did not hang."""
    run = run_overstay(target(program), options=[*LIMIT, "--stall", "50ms"])
    assert run.status == 0
    assert set(kinds(run)) <= {ACROSS, WAIT}, run.show()


def test_hang_without_a_lock_is_no_deadlock(run_overstay, target):
    """A task that sleeps for ever stalls its worker and waits for nobody."""
    run = run_overstay(target("hang"), options=[*LIMIT, "--timeout", "3s"])
    assert kinds(run) == {STALL: 1}, run.show()


def waits_of(deadlock):
    """The links that are waits; a suspended task that no thread is free to run may be another."""
    return [link for link in deadlock["cycle"] if link["waits"]]


def closes(cycle):
    """Is each holder the next link's waiter, or suspended and the next one in its way?"""
    return all(
        link["holder"]["suspended"] or link["holder"]["task"] == following["waiter"]["task"]
        for link, following in zip(cycle, [*cycle[1:], *cycle[:1]])
    )


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("program", HANGS)
def test_deadlock_is_found_with_its_cycle(run_overstay, target, program, profile):
    """One deadlock; each link says who waits, for which lock, and who took it where."""
    expected = HANGS[program]
    run = run_overstay(target(program, profile), options=HANG)
    assert (run.status, run.stdout) == (TIMED_OUT, f"{program} started\n")
    # That a guard is held may be told besides, and a worker that is stuck outside of the cycle.
    besides = {ACROSS, STALL} if expected.suspended else set()
    assert set(kinds(run)) <= {DEADLOCK} | besides, run.show()
    (deadlock,) = of_kind(run, DEADLOCK)
    assert deadlock["class"] == "lock"
    links = waits_of(deadlock)
    assert len(links) in expected.links, deadlock["cycle"]
    assert closes(deadlock["cycle"]), deadlock["cycle"]
    acquired, waiting = set(), set()
    for link in links:
        assert is_family(link["lock"]["type"], expected.lock, profile), link
        assert int(link["lock"]["address"], 16) > 0
        assert link["waiter"]["thread"]["tid"] > 0
        acquired.add(planted(link["acquired_at"], program, expected.acquired, profile))
        waiting.add(planted(link["waiting_at"], program, expected.waiting, profile))
    if profile != NAMELESS:
        assert acquired == expected.acquired
        assert waiting <= expected.waiting
        assert expected.suspended or waiting == expected.waiting

    waiters = [link["waiter"]["task"] for link in links]
    holders = [link["holder"]["task"] for link in links]
    if program == "deadlock_join_all":
        # All of it is one future of block_on: it waits for what another part of it holds.
        assert (waiters, holders) == ([None], [None]), links
    else:
        assert None not in waiters + holders, links
        assert {link["holder"]["suspended"] for link in links} == {expected.suspended}, links
    if expected.suspended and program != "deadlock_join_all":
        assert not set(waiters) & set(holders), links
    if not expected.suspended:
        # The very threads that wait are those that are waited for.
        assert deadlock["operation"] == ("cycle" if len(links) > 1 else "re-entry")
        threads = [link["waiter"]["thread"]["tid"] for link in links]
        assert sorted(threads) == sorted(link["holder"]["thread"]["tid"] for link in links)
        assert len(set(threads)) == len(set(waiters)) == len(links)
    assert run.check().returncode == 1


@pytest.mark.parametrize("profile", PROFILES)
def test_deadlock_behind_a_writer_that_waits(run_overstay, target, profile):
    """A second read waits for a writer that is not in yet: it holds nothing, and is not told to."""
    program = "deadlock_queued_writer"
    run = run_overstay(target(program, profile), options=HANG)
    assert (run.status, run.stdout) == (TIMED_OUT, f"{program} started\n")
    (deadlock,) = run.findings
    assert (deadlock["kind"], deadlock["operation"]) == (DEADLOCK, "cycle")
    assert closes(deadlock["cycle"]), deadlock["cycle"]
    reader, writer = sorted(deadlock["cycle"], key=lambda link: not link["holder"]["queued"])
    assert (reader["holder"]["queued"], writer["holder"]["queued"]) == (True, False)
    assert reader["lock"]["address"] == writer["lock"]["address"]
    assert reader["acquired_at"] is None
    planted(reader["waiting_at"], program, ["reads_once_more"], profile)
    planted(writer["waiting_at"], program, ["writes_behind_a_reader"], profile)
    planted(writer["acquired_at"], program, ["reads_and_calls"], profile)
    text = call([OVERSTAY, "report", run.data]).stdout
    assert "waits to write: readers do not overtake it" in text
    assert "do not read again under a read guard" in text


@pytest.mark.parametrize("profile", PROFILES)
def test_worker_that_blocks_with_the_timers_is_found(run_overstay, target, profile):
    """The holder's timer cannot fire: a deadlock, or a stall that says who holds the lock."""
    program = "deadlock_timer_driver"
    run = run_overstay(target(program, profile), options=HANG)
    assert (run.status, run.stdout) == (TIMED_OUT, f"{program} started\n")
    assert set(kinds(run)) <= {DEADLOCK, STALL, ACROSS}, run.show()
    acquired, waiting = ["holds_guard_across_await"], ["waits_for_guard"]
    if of_kind(run, DEADLOCK):
        (deadlock,) = of_kind(run, DEADLOCK)
        (link,) = waits_of(deadlock)
        lock, holder, waiter = link["lock"], link["holder"], link["waiter"]["task"]
        assert holder["suspended"] is True
        planted(link["acquired_at"], program, acquired, profile)
        planted(link["waiting_at"], program, waiting, profile)
    else:
        (stall,) = of_kind(run, STALL)
        lock, waiter = stall["lock"], stall["task"]["id"]
        holder = lock["holder"]
        assert waiter in lock["waiters"]["tasks"]
        planted(holder["acquired_at"], program, acquired, profile)
        planted(stall["stack"], program, waiting, profile)
    assert is_type(lock["type"], "std::sync::Mutex", profile)
    assert None not in (holder["task"], waiter)
    assert holder["task"] != waiter
    assert run.check().returncode == 1
