#!/bin/sh
# What `make demo` runs: one optimisation from the hand-over to the geometry, on this machine alone.
set -eu
here=$(dirname "$0")

nox --local submit "$here/caffeine.xyz" --opt
nox --local watch @last
nox --local results @last
nox --local fetch @last -d demo --force
echo "optimised geometry: $PWD/demo/caffeine-opt.xyz"
