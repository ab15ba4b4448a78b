#!/bin/sh
# SPDX-License-Identifier: MIT
# The engine calls no function that the library wraps: such a call would come back to the engine.
# usage: engine_calls.sh BUILD_DIR   (needs runtime/libruntime.a and preload/exports.map in it)
set -eu

build=${1:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sed -n '/^global:/,/^local:/s/^ *\([A-Za-z0-9_]*\);.*/\1/p' "$build/preload/exports.map" |
	sort >"$work/table"
nm -A --undefined-only "$build/runtime/libruntime.a" | awk '{ print $NF, $1 }' | sort >"$work/calls"

[ -s "$work/table" ] || { echo "engine_calls: the table is empty" >&2; exit 1; }
[ -s "$work/calls" ] || { echo "engine_calls: the archive is empty" >&2; exit 1; }
join "$work/table" "$work/calls" >"$work/both"
if [ -s "$work/both" ]; then
	echo "engine_calls: wrapped names that the engine calls:" >&2
	cat "$work/both" >&2
	exit 1
fi
