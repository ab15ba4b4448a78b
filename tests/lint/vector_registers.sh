#!/bin/sh
# SPDX-License-Identifier: MIT
# What generated code calls in the middle of functions changes no vector register: follows the calls
# from its entry points through the built library.
# usage: vector_registers.sh BUILD_DIR   (needs preload/liboverstay.so in it)
set -eu

objdump -d --no-show-raw-insn "$1/preload/liboverstay.so" | awk -v entries="lock_acquired_inline lock_acquired_in_plumbing lock_released_inline" '
	/^[0-9a-f]+ <[^>]*>:$/ { name = substr($2, 2, length($2) - 3); known[name] = 1; next }
	/%[xyz]mm|%st|%mm[0-7]/ { if (!(name in vector)) vector[name] = $0 }
	match($0, /(call|jmp|j[a-z]+) +[0-9a-f]+ <[^>+]+>/) {
		target = $0
		sub(/.*</, "", target)
		sub(/>.*/, "", target)
		if (target != name)
			calls[name] = calls[name] " " target
	}
	/(call|jmp) +\*/ { indirect[name] = $0 }
	END {
		count = split(entries, queue, " ")
		for (i = 1; i <= count; i++) {
			if (!(queue[i] in known)) { print "not in the library: " queue[i]; bad = 1 }
			seen[queue[i]] = 1
		}
		for (i = 1; i <= count; i++) {
			name = queue[i]
			if (name in vector) { print name " uses vector registers: " vector[name]; bad = 1 }
			if (name in indirect) { print name " calls what cannot be followed: " indirect[name]; bad = 1 }
			n = split(calls[name], targets, " ")
			for (j = 1; j <= n; j++) {
				# Only where the processor has no invariant counter; in the kernel'"'"'s page, without vectors.
				if (targets[j] == "clock_gettime@plt") continue
				if (targets[j] ~ /@plt$/) { print name " calls " targets[j]; bad = 1; continue }
				if (!(targets[j] in seen)) { seen[targets[j]] = 1; queue[++count] = targets[j] }
			}
		}
		if (count < 10) { print "only " count " functions were followed"; bad = 1 }
		exit bad
	}'
