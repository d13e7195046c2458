#!/bin/sh
# Runs the tool's own test and builds counter.wasm. Needs `rustup target add wasm32-unknown-unknown`.
set -eu
cd "$(dirname "$0")"
cargo test --quiet
cargo build --release --target wasm32-unknown-unknown
cp "${CARGO_TARGET_DIR:-target}/wasm32-unknown-unknown/release/counter.wasm" .
