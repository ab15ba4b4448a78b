/* SPDX-License-Identifier: MIT */
/*
 * A shared object with an inlined call, whose lines a test asks for.
 */
static inline __attribute__((always_inline)) int fixture_inner(volatile int *at)
{
	*at += 1; /* line 7 */
	return *at;
}

__attribute__((visibility("default"))) int fixture_outer(volatile int *at)
{
	return fixture_inner(at); /* line 13 */
}
