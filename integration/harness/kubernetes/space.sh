# shellcheck shell=bash disable=SC2154 # cluster.sh sets the variables
# The namespaces that a cluster lives in: network, mounts, processes and host name.
#
# Every process of the cluster, and so every container, descends from one process that is number 1 in there. Its end is the
# end of all of them, and of their mounts and packet filter.

# Whether process $1 runs, and is more than an entry that nobody has collected yet.
alive() {
    local state
    state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) || return 1
    [ -n "$state" ] && [ "$state" != Z ] && [ "$state" != X ]
}

# When process $1 started, in clock ticks since boot: with the id it names a process for good.
started() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

same_process() { [ -n "$1" ] && alive "$1" && [ "$(started "$1")" = "$2" ]; }

space_lives() { same_process "${first:-}" "${first_started:-}"; }

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

write_state() {
    printf '%s=%q\n' id "$id" net "$net" with_node "$with_node" simulated "$simulated" owner "$owner" \
        owner_started "${owner:+$(started "$owner")}" >"$dir/state"
}

make_space() {
    # Two clusters that start at once must not choose the same network.
    exec 8>/tmp/rhumb-cluster.net.lock
    flock 8
    net=$(free_net)
    write_state
    load
    ip netns add "$space"
    ip link add "rk$id" type veth peer name eth0 netns "$space"
    ip addr add "$prefix.$net.1/24" dev "rk$id"
    ip link set "rk$id" up
    exec 8>&-
    ip -n "$space" addr add "$address/24" dev eth0
    ip -n "$space" link set lo up
    ip -n "$space" link set eth0 up
    # The kernel looks for a route before the packet filter turns a service's address into a pod's.
    ip -n "$space" route add default via "$prefix.$net.1"
    make_cgroups
    start_first
    filter
}

# What process 1 does before anything else. The machine's own /run, logs and /var/lib stay out of sight: kubelet and the
# network plugins write there whatever they are told.
read -r -d '' first_steps <<'STEPS' || true
set -e
mount --make-rshared /
mount -t proc proc /proc
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/log
mount -t tmpfs -o mode=755 tmpfs /var/lib
# Nothing in there outlives the cluster, so it need not reach a disk.
mount -t tmpfs -o mode=700 tmpfs "$1/etcd"
mkdir -p /run/containerd /run/lock
names=$(readlink -f /etc/resolv.conf)
case $names in /run/*) mkdir -p "$(dirname "$names")"; touch "$names" ;; esac
if [ -e "$names" ]; then mount --bind "$1/node/resolv.conf" "$names"; fi
hostname "$2" 2>/dev/null || true
echo 1 >/proc/sys/net/ipv4/ip_forward
cd /
exec "$3" init
STEPS

start_first() {
    # No registry answers from in there: a refused name fails at once, where a lost packet takes half a minute.
    echo "nameserver $address" >"$dir/node/resolv.conf"
    # The descriptors are closed so that a caller who reads our output does not wait for the cluster to end.
    setsid nsenter --net="/run/netns/$space" unshare --mount --uts --ipc --pid --fork --kill-child --propagation slave \
        sh -c "$first_steps" first "$dir" "$node" "$parts" >>"$dir/logs/first.log" 2>&1 </dev/null 9>&- &
    local outside=$!
    first=
    for _ in $(seq 40); do
        # The line has no end, of which `read` complains.
        { read -r first <"/proc/$outside/task/$outside/children"; } 2>/dev/null || true
        # Once the program itself runs, the steps before it are done.
        if [ -n "$first" ] && tr '\0' ' ' <"/proc/$first/cmdline" 2>/dev/null | grep -q ' init $'; then
            first_started=$(started "$first")
            printf 'first=%s\nfirst_started=%s\n' "$first" "$first_started" >>"$dir/state"
            return
        fi
        alive "$outside" || break
        sleep 0.1
    done
    give_up first "did not start"
}

inside() { nsenter --target "$first" --mount --uts --ipc --net --pid -- "$@"; }

# What is for nobody in there is refused, or something else may answer: a service's address that leads nowhere yet, the
# address of a simulated pod, a registry.
filter() {
    # shellcheck disable=SC2016 # the shell in there expands it
    inside sh -c '
        # The way out is the one that was chosen before a service address became that of a pod.
        iptables -A OUTPUT -o eth0 -d "$2" -j ACCEPT
        iptables -A OUTPUT -o eth0 ! -d "$1" -j REJECT
        iptables -A FORWARD -o eth0 ! -d "$1" -j REJECT
        iptables -t nat -A POSTROUTING -s "$2" -o eth0 -j MASQUERADE' filter "$prefix.$net.0/24" "$pods"
}

# Starts a program in there, called $1 from now on.
run() {
    local name=$1
    shift
    (
        cd /
        # The caller's settings, a proxy above all, are not for the cluster.
        # shellcheck disable=SC2016 # the shell in there expands it
        setsid nsenter --target "$first" --mount --uts --ipc --net --pid -- \
            sh -c 'echo $$ >"$1"; shift; exec "$@"' run "$dir/run/$name.pid" \
            env -i PATH="$PATH" HOME=/root GOMAXPROCS="$(nproc)" "$@" >>"$dir/logs/$name.log" 2>&1 </dev/null 9>&- 8>&- &
    )
}

runs() { [ -f "$dir/run/$1.pid" ] && inside kill -0 "$(cat "$dir/run/$1.pid")" 2>/dev/null; }
ended() { ! runs "$1"; }

# Ends the program called $1 with signal $2, and waits for its end.
end() {
    if runs "$1"; then
        inside kill -"$2" "$(cat "$dir/run/$1.pid")"
        # An API server stops listening at once, but waits a minute for those who watch.
        wait_for 12 ended "$1" || inside kill -KILL "$(cat "$dir/run/$1.pid")"
    fi
    rm -f "$dir/run/$1.pid"
}

# The control groups, each hierarchy of version 1 or the one of version 2.
hierarchies() {
    if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
        echo /sys/fs/cgroup
    else
        awk '$3 ~ /^cgroup2?$/ && $2 ~ /^\/sys\/fs\/cgroup\// { print $2 }' /proc/self/mounts | sort -u
    fi
}

make_cgroups() {
    [ "$with_node" = yes ] || return 0
    local hierarchy controller file
    for hierarchy in $(hierarchies); do
        mkdir -p "$hierarchy/$space"
        # A version 1 cpuset takes no process before it is filled in.
        for file in cpuset.cpus cpuset.mems; do
            [ ! -f "$hierarchy/cgroup.procs" ] || [ ! -f "$hierarchy/$file" ] || [ -f "$hierarchy/cgroup.controllers" ] ||
                cat "$hierarchy/$file" >"$hierarchy/$space/$file"
        done
    done
    [ -f /sys/fs/cgroup/cgroup.controllers ] || return 0
    local controllers
    read -r -a controllers </sys/fs/cgroup/cgroup.controllers
    for controller in "${controllers[@]}"; do
        echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || true
    done
}

remove_cgroups() {
    # The kernel frees a cgroup a moment after its last process.
    for _ in $(seq 20); do
        find /sys/fs/cgroup -depth -type d -path "*/$space*" -exec rmdir {} + 2>/dev/null || true
        find /sys/fs/cgroup -type d -name "$space" 2>/dev/null | grep -q . || break
        sleep 0.25
    done
}

space_ended() { ! space_lives && [ -z "$(ip netns pids "$space" 2>/dev/null)" ]; }

remove_space() {
    local pid
    ! space_lives || kill -KILL "$first" 2>/dev/null || true
    wait_for 40 space_ended || for pid in $(ip netns pids "$space" 2>/dev/null); do kill -KILL "$pid" 2>/dev/null || true; done
    ip link del "rk$id" 2>/dev/null || true
    ip netns del "$space" 2>/dev/null || true
    remove_cgroups
}
