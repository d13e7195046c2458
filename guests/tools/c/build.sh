#!/bin/sh
# Runs the tool's own test and builds counter.wasm. Needs Python; the compiler comes with `pip install ziglang`.
set -eu
cd "$(dirname "$0")"
header=../../templates/c
zig="${ZIG:-python3 -m ziglang}"
$zig cc -std=c11 -Wall -Wextra -O1 -I "$header" -o test.out counter.c test.c
./test.out
$zig cc -std=c11 -Wall -Wextra -target wasm32-wasi -mexec-model=reactor -Os -s -I "$header" -o counter.wasm counter.c
echo "built counter.wasm"
