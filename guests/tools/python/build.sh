#!/bin/sh
# Runs the tool's own test and builds counter.wasm. Needs `pip install -r requirements.txt`.
set -eu
cd "$(dirname "$0")"
kit=../../python
PYTHONPATH=$kit python3 -m unittest -q
componentize-py -d wit -w counter componentize --stub-wasi -p . -p "$kit" tool -o counter.wasm
