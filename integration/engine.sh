#!/usr/bin/env bash
# A throw-away swarm, in network namespaces of its own, beside whatever engine the machine has.
#
#   engine.sh start [--nodes N] [--owner PID] [DIR]   start N engines (1) that are managers of one swarm
#   engine.sh stop [DIR]                              stop them and remove everything that start made
#   engine.sh env [DIR]                               print the variables to use it, for `eval`
#   engine.sh lose NODE [DIR]                         cut a node's power: its engine and containers die at once
#   engine.sh cut NODE [DIR]                          pull a node's network cable
#   engine.sh return NODE [DIR]                       undo `lose` and `cut`
#   engine.sh sweep                                   stop what dead owners left behind
#   engine.sh install                                 install what is missing (Debian, root)
#   engine.sh missing                                 say what is missing; exit 1 when anything is
#
# DIR defaults to $RHUMB_ENGINE_DIR or /tmp/rhumb-engine, and holds sockets, data, logs and pid files. With --owner the
# swarm stops by itself soon after that process is gone.
#
# Every node has an address of its own that this machine reaches; ports published in host mode answer there. Nothing is
# bound to an address of the machine's own, and the machine's own engine, docker0 and packet filter stay as they are.
set -euo pipefail

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
# The addresses come from the range that RFC 2544 keeps for tests of network devices.
prefix=198.18
packages=(docker.io iptables iproute2 busybox-static)

die() {
    echo "engine.sh: $*" >&2
    exit 1
}

missing() {
    local found=0 program
    [ "$(id -u)" = 0 ] || { echo "root"; found=1; }
    for program in docker dockerd containerd iptables ip nsenter unshare busybox; do
        PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null || { echo "$program"; found=1; }
    done
    if [ $found = 0 ] && ! unshare --mount --net --uts true 2>/dev/null; then
        echo "the right to make namespaces"
        found=1
    fi
    return $found
}

install_packages() {
    missing >/dev/null && return 0
    [ "$(id -u)" = 0 ] || die "only root can install: $(missing | tr '\n' ' ')"
    command -v apt-get >/dev/null || die "no apt-get here to install: $(missing | tr '\n' ' ')"
    # The package would start an engine of its own where an init system runs; this asks it not to.
    local policy=/usr/sbin/policy-rc.d made=
    if [ ! -e $policy ] && [ ! -S /run/systemd/private ]; then
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod +x $policy
        made=yes
    fi
    local failed=
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${packages[@]}"; } >&2 ||
        failed=yes
    [ -z "$made" ] || rm -f $policy
    [ -z "$failed" ] || die "apt-get could not install ${packages[*]}"
}

# Whether process $1 runs, and is more than an entry that nobody has collected yet.
alive() {
    local state
    state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) || return 1
    [ -n "$state" ] && [ "$state" != Z ] && [ "$state" != X ]
}

# When process $1 started, in clock ticks since boot: with the id it names a process for good.
started() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

node_dir() { echo "$dir/node$1"; }
node_space() { echo "rhumb-$id-$1"; }
node_address() { echo "$prefix.$net.$((10 + $1))"; }
node_docker() {
    local node=$1
    shift
    docker -H "unix://$(node_dir "$node")/docker.sock" "$@"
}

load() {
    [ -f "$dir/state" ] || return 1
    # shellcheck disable=SC1091
    . "$dir/state"
}

# A network that nobody uses: the third byte of $prefix.
free_net() {
    local try=$((16#${id:0:2}))
    for _ in $(seq 256); do
        if ! ip -4 route show "$prefix.$try.0/24" | grep -q . && ! ip -4 addr | grep -qF " $prefix.$try."; then
            echo "$try"
            return
        fi
        try=$(((try + 1) % 256))
    done
    die "every network of $prefix.0.0/16 is in use"
}

make_bridge() {
    ip link add "rhumb-$id" type bridge
    ip addr add "$prefix.$net.1/24" dev "rhumb-$id"
    ip link set "rhumb-$id" up
    # An engine of the machine's own sets the policy of FORWARD to DROP, and bridged packets pass through it.
    iptables -I FORWARD -i "rhumb-$id" -o "rhumb-$id" -m comment --comment "rhumb-$id" -j ACCEPT
}

make_space() {
    local node=$1 space
    space=$(node_space "$node")
    ip netns add "$space"
    ip link add "rh$id-$node" type veth peer name eth0 netns "$space"
    ip link set "rh$id-$node" master "rhumb-$id" up
    ip -n "$space" addr add "$(node_address "$node")/24" dev eth0
    ip -n "$space" link set lo up
    ip -n "$space" link set eth0 up
}

# What runs in the node's own mount namespace: the machine's containerd and Docker settings stay out of sight.
read -r -d '' inside <<'INSIDE' || true
set -e
mkdir -p /run/containerd
mount -t tmpfs -o mode=711 tmpfs /run/containerd
mkdir -p /etc/docker "$1/etc"
mount --bind "$1/etc" /etc/docker
if [ -e /etc/resolv.conf ]; then mount --bind "$1/resolv.conf" "$(readlink -f /etc/resolv.conf)"; fi
hostname "$3" 2>/dev/null || true
# An image that is there is not looked for in a registry.
export DOCKER_SERVICE_PREFER_OFFLINE_IMAGE=1
exec dockerd --data-root "$1/data" --exec-root "$1/exec" --pidfile "$1/dockerd.pid" --host "unix://$1/docker.sock" \
    --cgroup-parent "$2" --exec-opt native.cgroupdriver=cgroupfs --config-file "$1/etc/daemon.json" --shutdown-timeout 5
INSIDE

boot() {
    local node=$1 space work
    space=$(node_space "$node")
    work=$(node_dir "$node")
    mkdir -p "$work/etc"
    [ -f "$work/etc/daemon.json" ] || echo '{ "node-generic-resources": ["NVIDIA-GPU=one"] }' >"$work/etc/daemon.json"
    # No registry answers from in there: a refused name fails at once, where a lost packet takes half a minute.
    echo "nameserver $prefix.$net.1" >"$work/resolv.conf"
    rm -f "$work/dockerd.pid" "$work/docker.sock"
    # The descriptors are closed so that a caller who reads our output does not wait for the engine to end.
    setsid nsenter --net="/run/netns/$space" unshare --mount --uts --propagation slave \
        sh -c "$inside" engine "$work" "/$space" "node$node" >>"$work/log" 2>&1 </dev/null 9>&- &
    echo $! >"$work/boot.pid"
    local boot_pid=$!
    for _ in $(seq 240); do
        node_docker "$node" version >/dev/null 2>&1 && return 0
        alive "$boot_pid" || break
        sleep 0.25
    done
    tail -n 20 "$work/log" >&2
    die "the engine of node $node did not start; its log is $work/log"
}

# Ends what still runs of a node, without asking it.
slay() {
    local node=$1 space pid
    space=$(node_space "$node")
    for pid in $(ip netns pids "$space" 2>/dev/null); do kill -KILL "$pid" 2>/dev/null || true; done
    { find /sys/fs/cgroup -path "*/$space/*" -name cgroup.procs -exec cat {} + 2>/dev/null || true; } |
        while read -r pid; do kill -KILL "$pid" 2>/dev/null || true; done
}

halt() {
    local node=$1 pid
    pid=$(cat "$(node_dir "$node")/dockerd.pid" 2>/dev/null || true)
    if [ -n "$pid" ] && alive "$pid" && tr '\0' ' ' <"/proc/$pid/cmdline" | grep -qF -- "$(node_dir "$node")/"; then
        kill -TERM "$pid" 2>/dev/null || true
        for _ in $(seq 60); do
            alive "$pid" || break
            sleep 0.25
        done
    fi
    slay "$node"
}

remove_node() {
    local node=$1 space
    space=$(node_space "$node")
    halt "$node"
    ip link del "rh$id-$node" 2>/dev/null || true
    ip netns del "$space" 2>/dev/null || true
    # The kernel frees a cgroup a moment after its last process.
    for _ in 1 2 3 4 5 6 7 8; do
        find /sys/fs/cgroup -depth -type d -path "*/$space*" -exec rmdir {} + 2>/dev/null || true
        find /sys/fs/cgroup -type d -name "$space" 2>/dev/null | grep -q . || break
        sleep 0.25
    done
}

stop() {
    if ! load; then
        [ -z "$(ls -A "$dir" 2>/dev/null)" ] || die "$dir holds something else than a swarm of ours"
        return
    fi
    local node mounted
    # The watch stops before what it watches, unless it is the one that calls.
    if [ -n "${watch:-}" ] && [ "$watch" != "$$" ] && alive "$watch" && [ "$(started "$watch")" = "${watch_started:-}" ]; then
        kill "$watch" 2>/dev/null || true
    fi
    for node in $(seq "$nodes"); do remove_node "$node" & done
    wait
    iptables -D FORWARD -i "rhumb-$id" -o "rhumb-$id" -m comment --comment "rhumb-$id" -j ACCEPT 2>/dev/null || true
    ip link del "rhumb-$id" 2>/dev/null || true
    { grep -F " $dir/" /proc/self/mounts || true; } | cut -d' ' -f2 | sort -r | while read -r mounted; do
        umount "$mounted" || true
    done
    for _ in 1 2 3 4 5; do
        rm -rf --one-file-system "$dir" 2>/dev/null && break
        sleep 0.5
    done
}

form_swarm() {
    local node token first
    first=$(node_address 1)
    node_docker 1 swarm init --advertise-addr "$first" --data-path-addr "$first" >/dev/null
    [ "$nodes" -gt 1 ] || return 0
    # A lost node is noticed after three missed beats.
    node_docker 1 swarm update --dispatcher-heartbeat 2s >/dev/null
    token=$(node_docker 1 swarm join-token -q manager)
    for node in $(seq 2 "$nodes"); do
        node_docker "$node" swarm join --token "$token" --advertise-addr "$(node_address "$node")" \
            --data-path-addr "$(node_address "$node")" "$first:2377" >/dev/null
    done
}

start() {
    mkdir -p "$dir"
    if load && [ -S "$dir/node1/docker.sock" ] && node_docker 1 node ls >/dev/null 2>&1; then
        echo "engine.sh: runs already in $dir" >&2
        return
    fi
    stop
    mkdir -p "$dir"
    [ "${#dir}" -lt 80 ] || die "$dir is too long for the path of a unix socket"
    id=$(printf '%s' "$dir" | sha256sum | cut -c1-6)
    net=$(free_net)
    printf 'id=%s\nnet=%s\nnodes=%s\nowner=%s\nowner_started=%s\n' \
        "$id" "$net" "$nodes" "$owner" "${owner:+$(started "$owner")}" >"$dir/state"
    trap stop EXIT
    make_bridge
    local node
    for node in $(seq "$nodes"); do
        make_space "$node"
        boot "$node"
    done
    form_swarm
    for node in $(seq "$nodes"); do
        "$here/../examples/demo/images.sh" "unix://$(node_dir "$node")/docker.sock"
    done
    ln -sf node1/docker.sock "$dir/docker.sock"
    trap - EXIT
    [ -z "$owner" ] || keep_watch
}

keep_watch() {
    setsid "${BASH_SOURCE[0]}" watch "$dir" >>"$dir/watch.log" 2>&1 </dev/null 9>&- &
    printf 'watch=%s\nwatch_started=%s\n' $! "$(started $!)" >>"$dir/state"
}

owner_lives() { [ -z "$owner" ] || { alive "$owner" && [ "$(started "$owner")" = "$owner_started" ]; }; }

sweep() {
    local state
    for state in /tmp/rhumb-engine*/state; do
        [ -f "$state" ] || continue
        dir=$(dirname "$state")
        owner=
        owner_started=
        load
        owner_lives || stop
    done
}

print_env() {
    load || die "no swarm runs in $dir; engine.sh start makes one"
    local node
    echo "export DOCKER_HOST=unix://$dir/docker.sock"
    echo "export RHUMB_TEST_DOCKER_HOST=unix://$dir/docker.sock"
    echo "export RHUMB_TEST_NODE_ADDRESS=$(node_address 1)"
    for node in $(seq "$nodes"); do
        echo "export RHUMB_NODE$node=unix://$(node_dir "$node")/docker.sock RHUMB_NODE${node}_ADDRESS=$(node_address "$node")"
    done
}

PATH=$PATH:/usr/sbin:/sbin
command=${1:-}
[ $# -eq 0 ] || shift
nodes=1
owner=
owner_started=
arguments=()
while [ $# -gt 0 ]; do
    case $1 in
    --nodes) nodes=$2; shift 2 ;;
    --owner) owner=$2; shift 2 ;;
    *) arguments+=("$1"); shift ;;
    esac
done

case $command in
install) install_packages; exit ;;
missing) missing; exit ;;
sweep) sweep; exit ;;
lose | cut | return) node=${arguments[0]:?which node}; arguments=("${arguments[@]:1}") ;;
start | stop | env | watch) ;;
*) sed -n '2,/^set -e/{/^set -e/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 2 ;;
esac

dir=${arguments[0]:-${RHUMB_ENGINE_DIR:-/tmp/rhumb-engine}}
case $dir in /*) ;; *) dir=$PWD/$dir ;; esac
# Two commands on one folder wait for each other.
if [ "$command" = start ] || [ "$command" = stop ]; then
    mkdir -p "$(dirname "$dir")"
    exec 9>"$dir.lock"
    flock 9
fi

case $command in
start) start ;;
stop)
    stop
    rm -f "$dir.lock"
    ;;
env) print_env ;;
watch)
    load || exit 0
    while owner_lives; do sleep 1; done
    exec "${BASH_SOURCE[0]}" stop "$dir"
    ;;
lose)
    load || die "no swarm runs in $dir"
    slay "$node"
    ;;
cut)
    load || die "no swarm runs in $dir"
    ip link set "rh$id-$node" down
    ;;
return)
    load || die "no swarm runs in $dir"
    ip link set "rh$id-$node" up
    node_docker "$node" version >/dev/null 2>&1 || boot "$node"
    ;;
esac
