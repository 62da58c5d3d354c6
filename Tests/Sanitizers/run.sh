#!/bin/sh
# Builds the C kernels with the address and undefined-behaviour sanitizers and runs every one on random data.
# Usage: Tests/Sanitizers/run.sh [COMPILER]   (default: clang where its sanitizer runtime is there, else gcc)
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Without optimisation: the unrolled kernels take minutes to compile with both sanitizers otherwise.
flags="-std=gnu17 -O0 -g -Wall -Wextra -Werror -fsanitize=address,undefined -fno-sanitize-recover=all"

runs_sanitized() {
  echo 'int main(void) { return 0; }' > "$work/probe.c"
  $1 -fsanitize=address,undefined "$work/probe.c" -o "$work/probe" 2> /dev/null && "$work/probe"
}

compiler=${1:-}
if [ -z "$compiler" ]; then
  for candidate in clang gcc; do
    if runs_sanitized "$candidate"; then
      compiler=$candidate
      break
    fi
  done
fi
[ -n "$compiler" ] || { echo "no compiler with sanitizers found (tried clang and gcc)" >&2; exit 1; }
echo "sanitizers: $compiler"
for source in Sources/CKernels/*.c Tests/Sanitizers/kernels.c; do
  $compiler $flags -I Sources/CKernels/include -c "$source" -o "$work/$(basename "$source" .c)-$$.o" &
  pids="${pids:-} $!"
done
for pid in $pids; do wait "$pid"; done
$compiler $flags "$work"/*.o -lm -o "$work/kernels" 2> "$work/link" || { cat "$work/link" >&2; exit 1; }
ASAN_OPTIONS=detect_leaks=0 "$work/kernels"
