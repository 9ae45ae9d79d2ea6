#!/bin/sh
# Build .venv/ from requirements.lock.  Run by make; safe to run again, and to interrupt.
set -eu
cd "$(dirname "$0")/.."
need_mb=5000

fail() { printf '\n%s\n' "$1" >&2; exit 1; }

find_python() {
    for name in ${PYTHON:-python3.11 python3.12 python3.13 python3 python}; do
        if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
            echo "$name"; return
        fi
    done
}

python=$(find_python)
[ -n "$python" ] || fail "No Python 3.11, 3.12 or 3.13 found: install Python 3.11, or name one with 'make PYTHON=/path/to/python3.11 ...'."
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
    fail "$python cannot make virtual environments: install its venv package (Debian and Ubuntu: 'sudo apt install python3-venv')."
free_mb=$(df -Pm . | awk 'NR == 2 { print $4 }')
[ "$free_mb" -ge "$need_mb" ] || [ -x .venv/bin/jupyter ] ||
    fail "Only $free_mb MB are free here and the course needs $need_mb MB: free some disk space and run make again."

echo "Setting up .venv/ with $("$python" --version) - about 3 GB, a few minutes the first time."
[ -x .venv/bin/python ] || "$python" -m venv .venv
# pip compiles bytecode while installing: a TensorFlow import then takes 4 s instead of 9.
.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock ||
    fail "Installing the packages failed (see above): check the network and run make again; it goes on where it stopped."
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
sh postBuild .venv/bin/
cat requirements.lock pyproject.toml tools/setup.sh postBuild | cksum > .venv/.ready
echo "Done."
