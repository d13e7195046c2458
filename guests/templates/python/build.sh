#!/bin/sh
# Runs the agent's own test and builds greeter.wasm. Needs `pip install -r requirements.txt`.
set -eu
cd "$(dirname "$0")"
python3 -m unittest -q
componentize-py -d wit -w greeter componentize --stub-wasi agent -o greeter.wasm
