/* SPDX-License-Identifier: MIT */
/* A program that is built without debug information. */
int main(void)
{
	return 0;
}
