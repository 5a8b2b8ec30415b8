#!/usr/bin/env bash
# Makes the virtual environment named by $1 unless a working one is there; what is missing is one sentence.
set -eu
venv=$1

fits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

if [ -x "$venv/bin/python" ] && fits "$venv/bin/python" && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    exit 0
fi

python=
for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    if fits "$candidate"; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "Mozaiks needs Python 3.11 or later: install it (on Debian and Ubuntu the packages python3 and python3-venv), or name it with PYTHON=/path/to/python3." >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv; ensurepip.version()' >/dev/null 2>&1; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "Python $version here cannot make virtual environments: install the package python3-venv (python$version-venv where the system has several Pythons), then run make again." >&2
    exit 1
fi
"$python" -m venv --clear "$venv"
