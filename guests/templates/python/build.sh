#!/bin/sh
# Runs the agent's own test and builds greeter.wasm. Needs `pip install -r requirements.txt`.
set -eu
cd "$(dirname "$0")"
kit=../../python
PYTHONPATH=$kit python3 -m unittest -q
componentize-py -d wit -w greeter componentize --stub-wasi -p . -p "$kit" agent -o greeter.wasm
