#!/bin/sh
# Builds the C kernels for aarch64 and compares every one with its scalar version on random data, in an
# emulator: of a processor with the dot product of bytes, and of one without.
# Usage: Tests/Sanitizers/emulate.sh [COMPILER]   (default: aarch64-linux-gnu-gcc)
# Exit status 77: a tool is missing.
set -eu
cd "$(dirname "$0")/../.."
compiler=${1:-aarch64-linux-gnu-gcc}
emulator=
for candidate in qemu-aarch64 qemu-aarch64-static; do
  if command -v "$candidate" > /dev/null; then
    emulator=$candidate
    break
  fi
done
missing=
command -v "${compiler%% *}" > /dev/null || missing="$missing ${compiler%% *} (Debian: gcc-aarch64-linux-gnu)"
[ -n "$emulator" ] || missing="$missing qemu-aarch64 (Debian: qemu-user)"
if [ -n "$missing" ]; then
  echo "the NEON kernels were not run; missing:$missing" >&2
  exit 77
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for source in Sources/CKernels/*.c Tests/Sanitizers/kernels.c; do
  $compiler -std=gnu17 -O2 -Wall -Wextra -Werror -I Sources/CKernels/include -c "$source" \
    -o "$work/$(basename "$source" .c)-$$.o"
done
$compiler -static "$work"/*.o -lm -o "$work/kernels"
for processor in cortex-a53 max; do
  echo "emulated processor: $processor"
  "$emulator" -cpu "$processor" "$work/kernels"
done
