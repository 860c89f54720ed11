#!/usr/bin/env bash
# The Python that moto, AWS's own client, CLI and linter, and Marathon's client run in.
#
#   python.sh missing   prints what is missing, a line each, and ends with 1 when anything is
#   python.sh install   makes an environment in the cache folder, with what python3 lacks from PyPI; nothing when python3 lacks nothing
#   python.sh env       prints `export RHUMB_TEST_PYTHON=…`
#
# RHUMB_TEST_PYTHON names a Python to use instead. The environment stays for the next run; it is made anew when the versions here
# change.
set -euo pipefail

moto=5.2.1
boto3=1.43.11
awscli=1.45.11
cfn_lint=1.51.0
marathon=0.13.0

home=${XDG_CACHE_HOME:-$HOME/.cache}/rhumb/python
wanted="moto[server,all]==$moto boto3==$boto3 awscli==$awscli cfn-lint==$cfn_lint marathon==$marathon"
modules="moto flask boto3 botocore awscli cfnlint marathon"

python() {
    if [ -n "${RHUMB_TEST_PYTHON:-}" ]; then
        echo "$RHUMB_TEST_PYTHON"
    elif [ -x "$home/bin/python3" ] && [ "$(cat "$home/made-of" 2>/dev/null)" = "$wanted" ]; then
        echo "$home/bin/python3"
    else
        command -v python3 || true
    fi
}

# Modules that a Python lacks, a line each.
lacks() {
    # shellcheck disable=SC2086
    "$1" -I -c 'import sys, importlib.util as u
for name in sys.argv[1:]:
    if u.find_spec(name) is None:
        print(name)' $modules
}

missing() {
    local found
    found=$(python)
    if [ -z "$found" ]; then
        echo python3
        return 1
    fi
    found=$(lacks "$found")
    [ -z "$found" ] || {
        echo "modules of $(python): ${found//$'\n'/ }"
        return 1
    }
}

install() {
    missing >/dev/null && return 0
    [ -z "${RHUMB_TEST_PYTHON:-}" ] || {
        echo "$RHUMB_TEST_PYTHON lacks modules; give it what is missing, or unset RHUMB_TEST_PYTHON" >&2
        return 1
    }
    command -v python3 >/dev/null || {
        echo "python3 is not installed" >&2
        return 1
    }
    local made="$home.new.$$"
    mkdir -p "$(dirname "$home")"
    # What python3 has already is used, so that only the rest is fetched.
    python3 -m venv --system-site-packages "$made"
    # shellcheck disable=SC2086
    "$made/bin/python3" -m pip install --quiet --disable-pip-version-check $wanted
    echo "$wanted" >"$made/made-of"
    # Programs in it name its folder, but only its python3 is ever run, which finds itself.
    rm -rf "$home"
    mv "$made" "$home"
    missing
}

case ${1:-} in
missing) missing ;;
install) install ;;
env) printf 'export RHUMB_TEST_PYTHON=%q\n' "$(python)" ;;
*)
    sed -n '2,/^set -e/{/^set -e/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
    exit 2
    ;;
esac
