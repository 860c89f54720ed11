#!/usr/bin/env bash
# Every proof there is: lints, unit, golden, property and documentation tests, snapshots of the command line, the
# conformance suite on each backend, end-to-end tests on real swarms and a real Kubernetes cluster, and the quick start.
#
#   integration/test.sh [--quick] [FILTER]
#
# --quick leaves out the quick start. FILTER runs only the tests whose names hold it, without lints and quick start.
#
# On Debian as root it installs what the swarms, the cluster and the pages need. RHUMB_TEST_DOCKER_HOST names a swarm manager, and
# RHUMB_TEST_KUBECONFIG a kubeconfig, to use instead of what is started here. What cannot run on this machine is counted as skipped, with the reason. The last line says how many passed,
# failed and were skipped; the exit code is 1 when any failed.
set -euo pipefail

cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
quick=
filter=
for argument in "$@"; do
    case $argument in
    --quick) quick=yes ;;
    -*) sed -n '2,/^set -e/{/^set -e/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 2 ;;
    *) filter=$argument ;;
    esac
done

target=${CARGO_TARGET_DIR:-$PWD/target}
export CARGO_TARGET_DIR=$target
mkdir -p "$target"
log=$target/rhumb-test.log
matrix=$target/rhumb-conformance.md
why=$target/rhumb-failures.txt
: >"$log"
rm -f "$matrix" "$why"
export RHUMB_CONFORMANCE_MATRIX=$matrix

passed=0
failed=0
skipped=0
failures=()

pass() { passed=$((passed + 1)); }
fail() {
    failed=$((failed + 1))
    failures+=("$1")
}
skip() {
    skipped=$((skipped + 1))
    echo "skipped: $1 ($2)"
}

# Runs a command as one test called $1.
check() {
    local name=$1
    shift
    echo "== $name"
    if "$@" 2>&1 | tee -a "$log"; then pass; else fail "$name"; fi
}

# Runs a command as one test called $1 when the program $2 is there.
check_with() {
    local name=$1 program=$2
    shift 2
    if command -v "$program" >/dev/null; then check "$name" "$@"; else skip "$name" "$program is not installed"; fi
}

engine=
cluster=
cluster_build=
cleanup() {
    [ -z "$cluster_build" ] || kill "$cluster_build" 2>/dev/null || true
    [ -z "$engine" ] || integration/engine.sh stop "$engine" || true
    [ -z "$cluster" ] || integration/harness/kubernetes/cluster.sh stop "$cluster" || true
}
trap cleanup EXIT

start_engine() {
    [ -z "${RHUMB_TEST_DOCKER_HOST:-}" ] || return 0
    local why
    if ! why=$(integration/engine.sh missing) && ! integration/engine.sh install >>"$log" 2>&1; then
        echo "no swarm can be started here; missing: $(echo "$why" | tr '\n' ' ')"
        return 0
    fi
    integration/engine.sh sweep
    if integration/engine.sh start --owner $$ "/tmp/rhumb-engine-test-$$" 2>&1 | tee -a "$log"; then
        engine=/tmp/rhumb-engine-test-$$
        eval "$(integration/engine.sh env "$engine" | grep RHUMB_TEST)"
    else
        fail "start an engine"
    fi
}

# Begins to build Kubernetes, which the first time takes as long as all the rest.
build_cluster() {
    [ -z "${RHUMB_TEST_KUBECONFIG:-}" ] || return 0
    local why
    if ! why=$(integration/harness/kubernetes/cluster.sh missing) &&
        ! integration/harness/kubernetes/cluster.sh install >>"$log" 2>&1; then
        echo "no Kubernetes cluster can be started here; missing: $(echo "$why" | tr '\n' ' ')"
        return 0
    fi
    integration/harness/kubernetes/cluster.sh build >"$target/rhumb-cluster-build.log" 2>&1 &
    cluster_build=$!
}

# Names the Python in which moto, AWS's client and Marathon's run; the tests of the doubles are skipped where there is none.
find_python() {
    if ! integration/harness/aws/python.sh install >>"$log" 2>&1; then
        echo "no doubles of ECS can be started here; missing: $(integration/harness/aws/python.sh missing)"
        return 0
    fi
    eval "$(integration/harness/aws/python.sh env)"
}

# Pages are looked at in Chromium; the tests that do are skipped where there is none.
find_browser() {
    command -v chromium >/dev/null && return 0
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || ! install_browser >>"$log" 2>&1; then
        echo "no page can be looked at here; missing: chromium"
    fi
}

install_browser() {
    apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends chromium
}

start_cluster() {
    [ -n "$cluster_build" ] || return 0
    if ! wait "$cluster_build"; then
        cluster_build=
        tail -n 20 "$target/rhumb-cluster-build.log"
        fail "build Kubernetes (see $target/rhumb-cluster-build.log)"
        return 0
    fi
    cluster_build=
    integration/harness/kubernetes/cluster.sh sweep
    if integration/harness/kubernetes/cluster.sh start --owner $$ "/tmp/rhumb-cluster-test-$$" 2>&1 | tee -a "$log"; then
        cluster=/tmp/rhumb-cluster-test-$$
        eval "$(integration/harness/kubernetes/cluster.sh env "$cluster" | grep RHUMB_TEST)"
    else
        fail "start a Kubernetes cluster"
    fi
    [ -n "$filter" ] || check "the cluster's own parts" integration/harness/kubernetes/cluster.sh test
}

# Adds up the closing lines of test binaries. A test that found nothing to do says so in a line `skipped: …`.
count_tests() {
    local output=$1 said p f i
    read -r p f i < <(sed -n 's/^test result: [^.]*\. \([0-9]*\) passed; \([0-9]*\) failed; \([0-9]*\) ignored.*/\1 \2 \3/p' "$output" |
        awk '{ p += $1; f += $2; i += $3 } END { print p + 0, f + 0, i + 0 }')
    said=$(grep -c '^skipped: ' "$output" || true)
    passed=$((passed + p - said))
    failed=$((failed + f))
    skipped=$((skipped + i + said))
    while read -r name; do failures+=("$name"); done < <(sed -n 's/^test \(.*[^ ]\) *\.\.\. FAILED$/\1/p' "$output")
}

tests() {
    local output=$target/rhumb-cargo-test.log before=$failed
    echo "== tests"
    # The program is built along with its own tests; what runs it need not build it again.
    if cargo test --workspace --no-run >"$output" 2>&1 && [ -x "$target/debug/rhumb" ]; then
        export RHUMB_TEST_BINARY=$target/debug/rhumb
    fi
    if cargo test --workspace --no-fail-fast -- --show-output ${filter:+"$filter"} >"$output" 2>&1; then
        count_tests "$output"
    else
        count_tests "$output"
        # A binary that does not build or that dies leaves no closing line.
        [ "$failed" -gt "$before" ] || fail "cargo test (see $output)"
    fi
    grep -E '^(test result|error|skipped: )|FAILED$|panicked at|^     Running|^   Doc-tests' "$output" || true
    sed -n '/^failures:$/,/^test result/p' "$output" | head -n 400 >"$why"
    cat "$output" >>"$log"
}

quick_start() {
    if [ -n "$quick" ]; then
        skip "quick start" "--quick"
    elif [ -z "${RHUMB_TEST_DOCKER_HOST:-}" ]; then
        skip "quick start" "no engine"
    else
        # Twice, because it promises to be safe to repeat.
        check "quick start" env DOCKER_HOST="$RHUMB_TEST_DOCKER_HOST" RHUMB_NODE_ADDRESS="${RHUMB_TEST_NODE_ADDRESS:-127.0.0.1}" \
            bash -c 'set -e; examples/quickstart.sh; examples/quickstart.sh; examples/quickstart.sh --clean'
    fi
}

build_cluster
find_python
find_browser
if [ -z "$filter" ]; then
    check "format" cargo fmt --all --check
    check "lints" cargo clippy --workspace --all-targets --quiet -- -D warnings
    check_with "licences and advisories" cargo-deny cargo deny check
    check_with "shell scripts" shellcheck shellcheck integration/*.sh integration/harness/*/*.sh examples/*.sh examples/demo/*.sh
fi
start_engine
start_cluster
tests
[ -n "$filter" ] || quick_start

if [ -f "$matrix" ]; then
    echo
    cat "$matrix"
fi
[ ! -s "$why" ] || { echo && cat "$why"; }
echo
for failure in "${failures[@]:+${failures[@]}}"; do echo "failed: $failure"; done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
