#!/usr/bin/env bash
# Makes the image of the helper that copies volumes, without a registry: rhumb-ferry:VERSION.
#
#   image.sh [DOCKER_HOST]     the engine; without one, the engine that the docker CLI would use
#   image.sh --archive FILE    writes the root file system as a tar instead, for whoever imports it otherwise
#   image.sh --name            prints the image's name
#
# An image that is there already and holds the same program is left as it is. Needs cargo and tar.
set -euo pipefail

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
root=$here/../..
target=${CARGO_TARGET_DIR:-$root/target}/static
triple=$(rustc -vV | sed -n 's/^host: //p')
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$root/Cargo.toml")
image=rhumb-ferry:$version
program=$target/$triple/quick/rhumb-ferry

build() {
    # Linking the C library in makes the program run in an empty image. A target that is named keeps the flags from the
    # programs that only the build runs.
    RUSTFLAGS="-C target-feature=+crt-static" "${CARGO:-cargo}" build --quiet --manifest-path "$root/Cargo.toml" \
        --package rhumb-ferry --bin rhumb-ferry --no-default-features --profile quick \
        --target "$triple" --target-dir "$target" >&2
}

archive() {
    tar -C "$(dirname "$program")" --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$1" rhumb-ferry
}

docker_on_host() {
    if [ -n "$host" ]; then docker -H "$host" "$@"; else docker "$@"; fi
}

import() {
    local built there
    built=$(sha256sum "$program" | cut -c1-16)
    there=$(docker_on_host image inspect -f '{{ index .Config.Labels "rhumb.ferry" }}' "$image" 2>/dev/null || true)
    [ "$there" != "$built" ] || return 0
    archive - | docker_on_host import -c "LABEL rhumb.ferry=$built" -c 'ENTRYPOINT ["/rhumb-ferry"]' - "$image" >/dev/null
}

case ${1:-} in
--name) echo "$image" ;;
--archive)
    build
    archive "${2:?which file}"
    ;;
-*) sed -n '2,/^set -e/{/^set -e/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 2 ;;
*)
    host=${1:-}
    build
    import
    ;;
esac
