#!/bin/sh
# SPDX-License-Identifier: MIT
# The library exports exactly the names of the hook table.
# usage: exports.sh BUILD_DIR   (needs preload/liboverstay.so and preload/exports.map in it)
set -eu

build=${1:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sed -n '/^global:/,/^local:/s/^ *\([A-Za-z0-9_]*\);.*/\1/p' "$build/preload/exports.map" |
	sort >"$work/table"
nm -D --defined-only "$build/preload/liboverstay.so" | awk '{ print $3 }' | sort >"$work/library"

[ -s "$work/table" ] || { echo "exports: the table is empty" >&2; exit 1; }
if ! diff "$work/table" "$work/library" >"$work/diff"; then
	echo "exports: < only in the hook table, > only in the library" >&2
	cat "$work/diff" >&2
	exit 1
fi
