#!/bin/sh
# Runs the tool's own test and builds counter.wasm. Needs Node; the compiler comes with `npm install`.
set -eu
cd "$(dirname "$0")"
npm install --silent --no-package-lock
npm test --silent
npm run --silent build
