#!/usr/bin/env bash
# Makes the demo images on an engine, without a registry: rhumb-demo:1, rhumb-demo:2 and rhumb-busybox:1.
#
#   images.sh [DOCKER_HOST]    the engine; without one, the engine that the docker CLI would use
#
# An image that is there already and holds the same files is left as it is. Needs rustc, tar and a static busybox.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${RHUMB_DEMO_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rhumb/demo}
host=${1:-}

docker_on_host() {
    if [ -n "$host" ]; then docker -H "$host" "$@"; else docker "$@"; fi
}

build() {
    local busybox wanted
    busybox=$(command -v busybox) || {
        echo "images.sh: no busybox found; on Debian: apt-get install busybox-static" >&2
        exit 1
    }
    wanted=$(cat "$here/demo.rs" "$here/images.sh" "$busybox" | sha256sum | cut -c1-16)
    if [ -f "$cache/$wanted/demo.tar" ] && [ -f "$cache/$wanted/busybox.tar" ]; then
        echo "$wanted"
        return
    fi
    local work
    mkdir -p "$cache"
    work=$(mktemp -d "$cache/build.XXXXXX")
    mkdir -p "$work/root"/{bin,tmp,data,etc}
    chmod 1777 "$work/root/tmp" "$work/root/data"
    cp "$busybox" "$work/root/bin/busybox"
    local applet
    for applet in sh cat cut echo env false grep head hostname id ls mkdir nc nslookup ping ps rm sed sleep stat tail test touch tr \
        true wc wget xargs; do
        ln -s busybox "$work/root/bin/$applet"
    done
    tar -C "$work/root" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$work/busybox.tar" .
    # Linking the C library in makes the binary run in an empty image.
    rustc --edition 2024 -C opt-level=2 -C target-feature=+crt-static -C strip=symbols -o "$work/root/demo" "$here/demo.rs" >&2
    tar -C "$work/root" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$work/demo.tar" .
    rm -rf "$work/root"
    # Another run may have been quicker; its files are the same.
    if [ -d "$cache/$wanted" ]; then rm -rf "$work"; else mv -T "$work" "$cache/$wanted"; fi
    echo "$wanted"
}

# Imports $2 as image $1, with the remaining arguments as changes, unless the engine has it already.
import() {
    local image=$1 archive=$2
    shift 2
    local changes=() change label
    for change in "$@"; do changes+=(-c "$change"); done
    label=$(docker_on_host image inspect -f '{{ index .Config.Labels "rhumb.demo" }}' "$image" 2>/dev/null || true)
    if [ "$label" != "$built" ]; then
        docker_on_host import -c "LABEL rhumb.demo=$built" "${changes[@]}" "$archive" "$image" >/dev/null
    fi
}

built=$(build)
for version in 1 2; do
    import "rhumb-demo:$version" "$cache/$built/demo.tar" \
        'ENTRYPOINT ["/demo"]' 'EXPOSE 8080' 'ENV PATH=/bin' "ENV DEMO_VERSION=$version"
done
import rhumb-busybox:1 "$cache/$built/busybox.tar" 'ENV PATH=/bin' 'CMD ["sh"]'
