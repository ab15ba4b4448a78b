# SPDX-License-Identifier: MIT
"""Programs that take the ground from under the library: unloading, sandboxes, limits, identities."""

from test_preload import REAL, TARGETS, run


def test_objects_may_be_unloaded_before_they_are_looked_at_again(tmp_path):
    """Nothing is read of an object that the program has closed since."""
    arguments = ("unload", tmp_path, str(TARGETS / "plugin.so"))
    plain = run(*arguments)
    assert plain[1] == (0, ""), plain
    assert run(*arguments, preload=[REAL]) == plain
