#!/usr/bin/env bash
# Builds the C kernels for aarch64 and runs them under qemu's user emulation: every kernel of NEON against the scalar
# one, byte for byte, but for the sums and exponentials that the tests of Core let differ by a rounding.
#
#     Tests/Peers/kernels_under_qemu.sh            aarch64, as the first processors and as those with dot products
#     Tests/Peers/kernels_under_qemu.sh here       this machine's instruction sets instead, without qemu
#
# Arguments behind that are the compiler's, such as `-O1 -fsanitize=undefined -fsanitize-trap=undefined`. The package's
# own flags are the default. Ends with 1 when a kernel differs.
set -euo pipefail

root=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." && pwd)
sources=$root/Packages/Core/Sources/CKernels
harness=$root/Tests/Peers/kernels
fail() { printf 'kernels_under_qemu: %s\n' "$*" >&2; exit 2; }

place=aarch64
if [[ ${1:-} == here ]]; then
  place=here
  shift
fi
flags=(-std=gnu11 -O3 -fno-math-errno -ffp-contract=off -I "$sources/include" "$@")

clang=$(command -v clang || true)
[[ -n $clang ]] || { [[ -x /opt/swift/usr/bin/clang ]] && clang=/opt/swift/usr/bin/clang; } \
  || fail "there is no clang on PATH; a Swift toolchain's usr/bin has one"
if [[ $place == aarch64 ]]; then
  command -v qemu-aarch64 >/dev/null && [[ -e /usr/aarch64-linux-gnu/lib/libc.a ]] \
    && compgen -G '/usr/lib/gcc-cross/aarch64-linux-gnu/*/libgcc.a' >/dev/null \
    || fail "qemu or the libraries of aarch64 are missing; on Debian 12 and Ubuntu 'apt-get install qemu-user" \
      "libc6-dev-arm64-cross libgcc-12-dev-arm64-cross' brings them"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# build NAME FLAGS…: one program of the kernels and the comparison.
build() {
  local program=$work/$1
  shift
  "$clang" "${flags[@]}" "$@" "$sources"/*.c "$harness"/*.c -fuse-ld=lld -static -o "$program" -lm -lpthread
}

# Both run before either's failure ends the script.
status=0
if [[ $place == here ]]; then
  build here
  "$work/here" || status=$?
else
  build first --target=aarch64-linux-gnu
  build dots --target=aarch64-linux-gnu -march=armv8.2-a+dotprod
  printf '== aarch64 as it began (Cortex-A53)\n'
  qemu-aarch64 -cpu cortex-a53 "$work/first" || status=$?
  printf '== with dot products (Neoverse N1)\n'
  qemu-aarch64 -cpu neoverse-n1 "$work/dots" || status=$?
fi
exit "$status"
