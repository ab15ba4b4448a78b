/* SPDX-License-Identifier: MIT */
/*
 * What becomes of held locks when a poll ends, and when a root future yields.
 * Runs on: application threads, only when there are notes.
 */
#ifndef OVERSTAY_HELD_POLL_H
#define OVERSTAY_HELD_POLL_H

struct thread;
struct poll_frame;

/*
 * A task's poll has returned and left notes behind. If the task has not finished, those locks are
 * held across a yield and go to the table of suspended locks. Stale notes are dropped.
 */
void held_at_poll_end(struct thread *thread, const struct poll_frame *frame);

/*
 * A task's poll begins at the bottom of the thread while it has notes: a root future that took
 * those locks has yielded.
 */
void held_before_poll(struct thread *thread, struct poll_frame *frame);

/* The thread is about to wait outside of tasks' polls, and not for a lock: the same. */
void held_before_park(struct thread *thread);

#endif
