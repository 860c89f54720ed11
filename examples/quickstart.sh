#!/usr/bin/env bash
# From nothing to a chart that was deployed, upgraded and rolled back on a real Docker Swarm.
#
#   examples/quickstart.sh            do it; safe to run again
#   examples/quickstart.sh --clean    remove what it made
#
# It takes the engine that the docker command talks to. Where there is none it installs one (Debian, root), and where no
# init system can run it, it starts a throw-away engine. A swarm is made only if there is none. Nothing is asked.
#
# RHUMB_QUICKSTART_PORT   the port of the node that the page is served on (8080, or the next free one)
# RHUMB_NODE_ADDRESS      where that port answers (found by itself)
set -euo pipefail

cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
release=hello
state=${XDG_STATE_HOME:-$HOME/.local/state}/rhumb-quickstart
own_engine=/tmp/rhumb-quickstart
target=${CARGO_TARGET_DIR:-$PWD/target}
rhumb=$target/quick/rhumb
export RHUMB_TARGET=swarm

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
die() {
    echo "quickstart: $*" >&2
    exit 1
}
# Shows a command the way a person would type it, then runs it.
show() {
    printf '$ %s\n' "$*" | sed "s#$rhumb#rhumb#"
    "$@"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -n "$@" || die "root is needed for: $*"
    else
        die "root is needed for: $*"
    fi
}

install_packages() {
    command -v apt-get >/dev/null || die "please install $* (this script knows Debian's apt-get only)"
    say "Installing $*"
    as_root apt-get update -q >/dev/null
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@" >/dev/null
}

need_packages() {
    local wanted=()
    PATH=$PATH:/usr/sbin:/sbin
    command -v docker >/dev/null || wanted+=(docker.io iptables)
    command -v busybox >/dev/null || wanted+=(busybox-static)
    command -v cc >/dev/null || wanted+=(gcc libc6-dev)
    [ ${#wanted[@]} = 0 ] || install_packages "${wanted[@]}"
}

need_cargo() {
    # shellcheck disable=SC1091
    [ ! -f "$HOME/.cargo/env" ] || . "$HOME/.cargo/env"
    command -v cargo >/dev/null ||
        die "Rust is missing. Install it from https://rustup.rs, or: apt-get install rustup && rustup default stable"
}

need_engine() {
    if [ -S "$own_engine/docker.sock" ]; then use_own_engine; fi
    docker info >/dev/null 2>&1 && return
    if [ -n "${DOCKER_HOST:-}" ]; then die "no engine answers at DOCKER_HOST=$DOCKER_HOST"; fi
    if [ -d /run/systemd/system ]; then
        as_root systemctl start docker || true
        docker info >/dev/null 2>&1 && return
    fi
    say "Starting an engine in $own_engine"
    as_root integration/engine.sh install
    as_root integration/engine.sh start "$own_engine"
    use_own_engine
}

use_own_engine() {
    eval "$(integration/engine.sh env "$own_engine" | sed -n 's/RHUMB_TEST_NODE_ADDRESS/RHUMB_NODE_ADDRESS/;/ DOCKER_HOST=\| RHUMB_NODE_ADDRESS=/p')"
}

need_swarm() {
    local swarm
    swarm=$(docker info --format '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}')
    case $swarm in
    'active true') ;;
    'active false') die "this engine is a worker of a swarm; set DOCKER_HOST to one of its managers" ;;
    *)
        say "Making a swarm of this one node"
        docker swarm init --advertise-addr 127.0.0.1 >/dev/null
        touch "$state/swarm"
        ;;
    esac
}

build() {
    say "Building rhumb"
    cargo build --quiet --profile quick -p rhumb --no-default-features --features swarm
    say "Building a demo image from a static binary"
    examples/demo/images.sh
}

node_address() {
    if [ -n "${RHUMB_NODE_ADDRESS:-}" ]; then
        echo "$RHUMB_NODE_ADDRESS"
    else
        case ${DOCKER_HOST:-} in
        tcp://* | ssh://*) echo "$DOCKER_HOST" | sed 's#.*://##; s#.*@##; s#[:/].*##' ;;
        *) echo 127.0.0.1 ;;
        esac
    fi
}

answers() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

# The port of the last run, or the first one from 8080 on that nobody serves.
choose_port() {
    if [ -n "${RHUMB_QUICKSTART_PORT:-}" ]; then
        echo "$RHUMB_QUICKSTART_PORT"
    elif [ -f "$state/port" ]; then
        cat "$state/port"
    else
        local port=8080
        while answers "$(node_address)" "$port"; do port=$((port + 1)); done
        echo "$port"
    fi
}

# The page, from the node's port, or from inside the container where the port does not lead out of the node.
page() {
    local address container
    address=$(node_address)
    if answers "$address" "$port"; then
        exec 3<>"/dev/tcp/$address/$port"
        printf 'GET / HTTP/1.0\r\nhost: %s\r\n\r\n' "$address" >&3
        sed '1,/^\r$/d' <&3
        exec 3>&-
    else
        container=$(docker ps -q --filter "label=com.docker.swarm.service.name=${release}_$release" | head -n 1)
        [ -n "$container" ] || die "the page's container does not run on this node"
        docker exec "$container" /demo get http://127.0.0.1:8080/
    fi
}

expect() {
    local text
    text=$(page)
    echo "$text"
    grep -q "version $1" <<<"$text" || die "version $1 should answer on port $port"
}

deploy() {
    local values=(-f examples/quickstart.values.yaml --set "service.port=$port")
    if "$rhumb" status "$release" >/dev/null 2>&1; then
        say "The release is there from an earlier run; upgrading it"
        show "$rhumb" upgrade "$release" charts/web "${values[@]}" --wait
    else
        say "Installing the chart 'web'"
        show "$rhumb" install "$release" charts/web "${values[@]}" --wait
    fi
    say "The page at http://$(node_address):$port/"
    expect 1

    say "What would an upgrade to another image change?"
    show "$rhumb" diff "$release" charts/web "${values[@]}" --set image=rhumb-demo:2
    say "Upgrading"
    show "$rhumb" upgrade "$release" charts/web "${values[@]}" --set image=rhumb-demo:2 --wait
    expect 2

    say "Rolling back"
    show "$rhumb" history "$release"
    show "$rhumb" rollback "$release" --wait
    expect 1
    show "$rhumb" history "$release"
}

farewell() {
    say "What to try next"
    [ -z "${DOCKER_HOST:-}" ] || echo "  export DOCKER_HOST=$DOCKER_HOST"
    cat <<TEXT
  alias rhumb=$rhumb
  export RHUMB_TARGET=swarm
  rhumb list; rhumb ps $release; rhumb logs $release; docker stack ps $release
  rhumb template $release charts/web -f examples/quickstart.values.yaml
  rhumb scale $release $release=2          # a port of the node takes one replica on each node
  rhumb create mine && rhumb install mine ./mine
  examples/quickstart.sh --clean
TEXT
}

clean() {
    if [ -S "$own_engine/docker.sock" ]; then
        say "Stopping the engine in $own_engine"
        as_root integration/engine.sh stop "$own_engine"
    elif command -v docker >/dev/null && docker info >/dev/null 2>&1; then
        clean_engine
    fi
    rm -rf "$state"
}

clean_engine() {
    if [ -x "$rhumb" ] && "$rhumb" status "$release" >/dev/null 2>&1; then
        say "Uninstalling the release"
        show "$rhumb" uninstall "$release"
    fi
    if [ -f "$state/swarm" ]; then
        say "Leaving the swarm that was made here"
        docker swarm leave --force >/dev/null
    fi
    if [ -f "$state/images" ]; then
        # Containers that stop hold their image for a moment.
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            # shellcheck disable=SC2046
            docker image rm $(cat "$state/images") >/dev/null 2>&1 && break
            sleep 1
        done
    fi
}

# Which of the demo images are not there yet, so that --clean removes no others.
note_images() {
    [ ! -f "$state/images" ] || return 0
    local image
    for image in rhumb-demo:1 rhumb-demo:2 rhumb-busybox:1; do
        docker image inspect "$image" >/dev/null 2>&1 || echo "$image"
    done >"$state/images"
}

case ${1:-} in
'') ;;
--clean)
    clean
    exit
    ;;
*)
    sed -n '2,/^set -e/{/^set -e/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
    exit 2
    ;;
esac

mkdir -p "$state"
need_packages
need_cargo
need_engine
need_swarm
note_images
build
port=$(choose_port)
echo "$port" >"$state/port"
deploy
farewell
