#!/usr/bin/env bash
# A throw-away Kubernetes cluster with one real node, in namespaces of its own, beside whatever the machine runs.
#
#   cluster.sh start [--owner PID] [--simulated N] [--no-node] [DIR]
#                                       start a cluster; N simulated nodes (2) beside the real one, or in its place
#   cluster.sh stop [DIR]               stop it and remove everything that start made
#   cluster.sh env [DIR]                print the variables to use it, for `eval`
#   cluster.sh apiserver stop|kill|start|restart [DIR]
#                                       take the API server away, with or without asking it, and bring it back
#   cluster.sh user NAME [--group G] [DIR]
#                                       make a user without any rights; print the path of their kubeconfig
#   cluster.sh images [DIR]             import the demo images: rhumb-demo:1, rhumb-demo:2 and rhumb-busybox:1
#   cluster.sh ferry-image [DIR]        import the image of the helper that copies volumes
#   cluster.sh load-image TAR [DIR]     import an image archive
#   cluster.sh build                    build the programs, unless that was done before
#   cluster.sh test                     test the parts that are made here
#   cluster.sh sweep                    stop what dead owners left behind
#   cluster.sh install                  install what is missing (Debian, root)
#   cluster.sh missing [--no-node]      say what is missing; exit 1 when anything is
#
# DIR defaults to $RHUMB_CLUSTER_DIR or /tmp/rhumb-cluster, and holds keys, data, logs and pid files. With --owner the
# cluster stops by itself soon after that process is gone.
#
# Kubernetes' programs come from $KUBEBUILDER_ASSETS or PATH when all that are needed are there; else they are built, which
# takes half an hour on two cores, and are kept in ${XDG_CACHE_HOME:-~/.cache}/rhumb ($RHUMB_CACHE_DIR).
#
# The cluster has an address of its own that this machine reaches: the API server and NodePorts answer there. Several
# clusters can run at once. Nothing is bound to an address of the machine's own, and its packet filter, its container
# engine and its mounts stay as they are.
set -euo pipefail

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
# The addresses come from the range that RFC 2544 keeps for tests of network devices; the swarms use its other half.
prefix=198.19
pods=10.244.0.0/16
services=10.96.0.0/16
dns=10.96.0.10
node=node1
# The words to call each program with; find_programs fills them in.
etcd=() kubelet=() kube_proxy=() kube_scheduler=()
cache=${RHUMB_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/rhumb}/kubernetes

die() {
    echo "cluster.sh: $*" >&2
    exit 1
}

# shellcheck source=integration/harness/kubernetes/programs.sh
. "$here/programs.sh"
# shellcheck source=integration/harness/kubernetes/identities.sh
. "$here/identities.sh"
# shellcheck source=integration/harness/kubernetes/settings.sh
. "$here/settings.sh"
# shellcheck source=integration/harness/kubernetes/space.sh
. "$here/space.sh"

load() {
    [ -f "$dir/state" ] || return 1
    # shellcheck disable=SC1091
    . "$dir/state"
    space=rhumb-kube-$id
    address=$prefix.$net.10
}

as_admin() { kubectl --kubeconfig "$dir/admin.kubeconfig" "$@"; }

# Waits until a command succeeds, for $1 quarters of a second.
wait_for() {
    local quarters=$1
    shift
    for _ in $(seq "$quarters"); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.25
    done
    return 1
}

api_server_ready() {
    [ "$(curl -s --noproxy '*' --max-time 2 --cacert "$dir/pki/ca.crt" "https://$address:6443/readyz")" = ok ]
}

start_api_server() {
    local options
    api_server_options
    run kube-apiserver "${options[@]}"
    wait_for 240 api_server_ready || give_up kube-apiserver "did not become ready"
}

give_up() {
    tail -n 20 "$dir/logs/$1.log" >&2
    die "$1 $2; its log is $dir/logs/$1.log"
}

# Imports image archives into the node's containerd.
import_images() {
    local archive
    for archive in "$@"; do
        ctr --address "$dir/node/containerd.sock" --namespace k8s.io images import "$archive" >>"$dir/logs/images.log" 2>&1 ||
            give_up images "could not be imported from $archive"
    done
}

containerd_ready() { ctr --address "$dir/node/containerd.sock" version; }

start_containerd() {
    containerd_settings >"$dir/node/containerd.toml"
    network_settings >"$dir/node/cni/10-rhumb.conflist"
    run containerd containerd --config "$dir/node/containerd.toml"
    wait_for 120 containerd_ready || give_up containerd "did not start"
    demo_images
    import_images "$programs/pause.tar" "$dir"/images/*.tar
}

start_node() {
    kubelet_settings >"$dir/node/kubelet.yaml"
    proxy_settings >"$dir/node/proxy.yaml"
    run kubelet "${kubelet[@]}" --config "$dir/node/kubelet.yaml" --kubeconfig "$dir/pki/kubelet.kubeconfig" \
        --hostname-override "$node" --node-ip "$address" --root-dir "$dir/node/kubelet" --v 1
    run kube-proxy "${kube_proxy[@]}" --config "$dir/node/proxy.yaml"
    run dns "$parts" dns --kubeconfig "$dir/pki/admin.kubeconfig" --listen "$address:53"
}

node_ready() { as_admin wait --for=condition=Ready "node/$node" --timeout=1s; }
has_service_account() { as_admin get serviceaccount default; }

start_control_plane() {
    run etcd "${etcd[@]}" --name rhumb --data-dir "$dir/etcd/data" --log-level warn --quota-backend-bytes 4294967296 \
        --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
        --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 \
        --initial-cluster rhumb=http://127.0.0.1:2380
    run gate "$parts" gate --listen 127.0.0.1:6444 --to 127.0.0.1:6443
    start_api_server
    local options
    controller_manager_options
    run kube-controller-manager "${options[@]}"
    scheduler_settings >"$dir/scheduler.yaml"
    run kube-scheduler "${kube_scheduler[@]}" --config "$dir/scheduler.yaml"
}

start() {
    mkdir -p "$dir"
    if load && space_lives && api_server_ready; then
        echo "cluster.sh: runs already in $dir" >&2
        return
    fi
    stop
    case $dir/ in /run/* | /var/run/* | /var/log/* | /var/lib/*) die "$dir is hidden from the node; take another folder" ;; esac
    [ "${#dir}" -lt 80 ] || die "$dir is too long for the path of a unix socket"
    missing >/dev/null || die "missing: $(missing | tr '\n' ' ')(cluster.sh install gets what Debian has)"
    find_programs
    mkdir -p "$dir"/{logs,run,pki,users,etcd,volumes,node/cni}
    id=$(printf '%s' "$dir" | sha256sum | cut -c1-6)
    trap stop EXIT
    make_space
    make_identities
    local importing=
    if [ "$with_node" = yes ]; then
        start_containerd &
        importing=$!
    fi
    start_control_plane
    as_admin apply -f - < <(objects) >"$dir/logs/objects.log" 2>&1 || give_up objects "could not be made"
    run provision "$parts" provision --kubeconfig "$dir/pki/admin.kubeconfig" --volumes "$dir/volumes"
    [ "$simulated" = 0 ] ||
        run simulate "$parts" simulate --kubeconfig "$dir/pki/admin.kubeconfig" --nodes "$simulated" --version "v$version" \
            --taint="$([ "$with_node" = yes ] && echo true || echo false)"
    if [ -n "$importing" ]; then
        wait "$importing" || die "the node has no containers"
        start_node
        wait_for 240 node_ready || give_up kubelet "did not become ready"
    fi
    wait_for 120 has_service_account || give_up kube-controller-manager "made no service account"
    trap - EXIT
    [ -z "$owner" ] || keep_watch
}

keep_watch() {
    setsid "${BASH_SOURCE[0]}" watch "$dir" >>"$dir/watch.log" 2>&1 </dev/null 9>&- &
    printf 'watch=%s\nwatch_started=%s\n' $! "$(started $!)" >>"$dir/state"
}

stop() {
    if ! load; then
        [ -z "$(ls -A "$dir" 2>/dev/null)" ] || die "$dir holds something else than a cluster of ours"
        return
    fi
    # The watch stops before what it watches, unless it is the one that calls.
    if [ -n "${watch:-}" ] && [ "$watch" != "$$" ] && same_process "$watch" "${watch_started:-}"; then
        kill "$watch" 2>/dev/null || true
    fi
    remove_space
    for _ in 1 2 3 4 5; do
        rm -rf --one-file-system "$dir" 2>/dev/null && break
        sleep 0.5
    done
}

owner_lives() { [ -z "$owner" ] || same_process "$owner" "$owner_started"; }

sweep() {
    local state
    for state in /tmp/rhumb-cluster*/state; do
        [ -f "$state" ] || continue
        owner=
        owner_started=
        watch=
        dir=$(dirname "$state")
        load
        owner_lives || "${BASH_SOURCE[0]}" stop "$dir"
    done
}

print_env() {
    load || die "no cluster runs in $dir; cluster.sh start makes one"
    echo "export KUBECONFIG=$dir/admin.kubeconfig"
    echo "export RHUMB_TEST_KUBECONFIG=$dir/admin.kubeconfig"
    echo "export RHUMB_TEST_KUBERNETES_CONTROL=$dir"
    # Where a server of a test's own can listen so that the API server and pods reach it.
    echo "export RHUMB_TEST_KUBERNETES_HOST=$prefix.$net.1"
    [ "$with_node" != yes ] || echo "export RHUMB_TEST_KUBERNETES_NODE=$node RHUMB_TEST_KUBERNETES_ADDRESS=$address"
    [ "$simulated" = 0 ] || echo "export RHUMB_TEST_KUBERNETES_SIMULATED=$simulated"
}

control_api_server() {
    { load && space_lives; } || die "no cluster runs in $dir"
    case $1 in
    stop) end kube-apiserver TERM ;;
    kill) end kube-apiserver KILL ;;
    start) runs kube-apiserver || { find_programs; start_api_server; } ;;
    restart)
        end kube-apiserver TERM
        find_programs
        start_api_server
        ;;
    *) die "apiserver stop, kill, start or restart" ;;
    esac
}

needs_node() {
    { load && space_lives; } || die "no cluster runs in $dir"
    [ "$with_node" = yes ] || die "the cluster in $dir has no real node"
}

PATH=$PATH:/usr/sbin:/sbin
command=${1:-}
[ $# -eq 0 ] || shift
owner=
owner_started=
simulated=2
with_node=yes
group=
arguments=()
while [ $# -gt 0 ]; do
    case $1 in
    --owner) owner=$2; shift 2 ;;
    --simulated) simulated=$2; shift 2 ;;
    --no-node) with_node=no; shift ;;
    --group) group=$2; shift 2 ;;
    -*) die "what is $1?" ;;
    *) arguments+=("$1"); shift ;;
    esac
done

case $command in
install) install_packages; exit ;;
missing) missing; exit ;;
build) find_programs; echo "$programs"; exit ;;
test) test_parts; exit ;;
sweep) sweep; exit ;;
apiserver | user | load-image) subject=${arguments[0]:?$command what}; arguments=("${arguments[@]:1}") ;;
start | stop | env | images | ferry-image | watch) ;;
*) sed -n '2,/^set -e/{/^set -e/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 2 ;;
esac

dir=${arguments[0]:-${RHUMB_CLUSTER_DIR:-/tmp/rhumb-cluster}}
case $dir in /*) ;; *) dir=$PWD/$dir ;; esac
# Two commands on one folder wait for each other.
case $command in
start | stop | apiserver)
    mkdir -p "$(dirname "$dir")"
    exec 9>"$dir.lock"
    flock 9
    ;;
esac

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
apiserver) control_api_server "$subject" ;;
user)
    load || die "no cluster runs in $dir"
    make_user "$subject" "$group"
    ;;
images)
    needs_node
    find_programs
    demo_images
    import_images "$dir"/images/*.tar
    ;;
ferry-image)
    needs_node
    find_programs
    ferry_image
    import_images "$dir/images/ferry.tar"
    ;;
load-image)
    needs_node
    import_images "$subject"
    ;;
esac
