/* SPDX-License-Identifier: MIT */
/* A C program that reaches C++, and with it the unwinder, only through a library. */
int thrower_run(void);

int main(void)
{
	return thrower_run() ? 0 : 1;
}
