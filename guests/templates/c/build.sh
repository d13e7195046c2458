#!/bin/sh
# Builds greeter.wasm and runs the agent's own test. Needs Python; the compiler comes with `pip install ziglang`.
set -eu
cd "$(dirname "$0")"
zig="${ZIG:-python3 -m ziglang}"
$zig cc -std=c11 -Wall -Wextra -O1 -o test.out agent.c test.c
./test.out
$zig cc -std=c11 -Wall -Wextra -target wasm32-wasi -mexec-model=reactor -Os -s -o greeter.wasm agent.c
echo "built greeter.wasm"
