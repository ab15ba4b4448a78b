#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Include direction: who may know whom. Each room also finds its own headers without their path.
set -euo pipefail
shopt -s lastpipe

cd "$(dirname "$0")/../.."
failed=0

# complain TEXT: the lines on standard input, if any, break the rule TEXT.
complain() {
	local lines
	lines=$(cat)
	if [ -n "$lines" ]; then
		echo "rooms: $1:" >&2
		echo "$lines" >&2
		failed=1
	fi
}

# includes ROOM... prints file:line:header for each quoted include below the rooms.
includes() {
	grep -rnE --include='*.[ch]' --include='*.def' '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$@" |
		sed -E 's/^([^:]*:[0-9]+):[^"]*"([^"]*)".*/\1:\2/' || true
}

includes preload runtime viewer | grep -E ':(\./|\.\./|.*/\.\./)' |
	complain "a header is named from the root or from its own directory, never by way of .." || true
includes preload | grep -E ':runtime/' | grep -vE ':runtime/engine\.h$' |
	complain "preload/ knows runtime/engine.h and nothing else of runtime/" || true
includes preload | grep -E ':(viewer|tests)/' |
	complain "preload/ knows neither viewer/ nor tests/" || true
includes runtime | grep -E ':(preload|viewer|tests)/' |
	complain "runtime/ knows neither preload/ nor viewer/ nor tests/" || true
includes viewer | grep -E ':(runtime|preload|tests)/' |
	grep -vE ':runtime/(trace_schema|coverage|patch/[a-z_]+|adapters/[a-z]+_(context|early|vtables))\.h$' |
	complain "viewer/ knows of runtime/ only the trace's keys and sentences, and the pure readers of ELF images" || true
includes runtime/adapters | sed -nE 's|^(runtime/adapters/([a-z]+)[^:]*:[0-9]+):runtime/adapters/([a-z]+)[_.].*|\1 \2 \3|p' |
	awk '$2 != $3 { print $1 ": " $3 }' |
	complain "an adapter knows no other adapter" || true
includes viewer/findings viewer/exporters viewer/screens 2>/dev/null | grep -E ':(jansson|ncurses)' |
	complain "findings, exporters and screens see the model only" || true

exit "$failed"
