#!/bin/sh
# Resolve every version once, for all platforms and Pythons of pyproject.toml.  Needs the package index.
set -eu
cd "$(dirname "$0")/.."
{
    echo "# Every version of the course, dev tools included: 'make lock' writes this file from pyproject.toml."
    .venv/bin/uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 \
        --extra dev --no-header --no-emit-index-url --no-emit-find-links pyproject.toml "$@"
} > requirements.lock.new
mv requirements.lock.new requirements.lock
grep -c == requirements.lock
