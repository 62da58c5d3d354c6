#!/bin/sh
# Compares every kernel for AVX-512 with its scalar version on random data, in an emulator of a
# processor that has AVX-512, for those who have none. It takes about five minutes.
# Usage: Tests/Sanitizers/emulate-avx512.sh [COMPILER]   (default: clang, which Swift brings, else gcc)
# Exit status 77: a tool is missing.
#
# qemu emulates no AVX-512. Bochs does, but only whole machines: so a Linux kernel boots there from
# a CD image and runs the comparison as its only program.
set -eu
cd "$(dirname "$0")/../.."
# Has all that dispatch.c asks for, the products of bytes (VNNI) among it.
processor=corei7_icelake_u

compiler=${1:-gcc}
if [ -z "${1:-}" ] && command -v clang > /dev/null; then compiler=clang; fi
kernel=
for candidate in /boot/vmlinuz-*; do
  if [ -r "$candidate" ]; then kernel=$candidate; fi
done
loader=/usr/lib/ISOLINUX/isolinux.bin
library=/usr/lib/syslinux/modules/bios/ldlinux.c32
bios=/usr/share/bochs/BIOS-bochs-latest
screen=/usr/share/bochs/VGABIOS-lgpl-latest # a link of bochs into vgabios
missing=
[ "$(uname -m)" = x86_64 ] || missing="$missing (an x86-64 system)"
command -v "${compiler%% *}" > /dev/null || missing="$missing ${compiler%% *}"
command -v bochs > /dev/null || missing="$missing bochs"
[ -r "$bios" ] && [ -r "$screen" ] || missing="$missing bochsbios vgabios"
[ -n "$kernel" ] || missing="$missing linux-image-amd64"
# One without shared libraries: there will be none.
if ! command -v busybox > /dev/null || ldd "$(command -v busybox)" > /dev/null 2>&1; then
  missing="$missing busybox-static"
fi
command -v cpio > /dev/null || missing="$missing cpio"
command -v genisoimage > /dev/null || missing="$missing genisoimage"
[ -r "$loader" ] || missing="$missing isolinux"
[ -r "$library" ] || missing="$missing syslinux-common"
if [ -n "$missing" ]; then
  echo "the AVX-512 kernels were not run; missing (Debian packages):$missing" >&2
  exit 77
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/objects" "$work/guest" "$work/disc"
for source in Sources/CKernels/*.c Tests/Sanitizers/kernels.c; do
  $compiler -std=gnu17 -O2 -Wall -Wextra -Werror -I Sources/CKernels/include -c "$source" \
    -o "$work/objects/$(basename "$source" .c).o"
done
$compiler -static "$work"/objects/*.o -lm -o "$work/guest/kernels"

# The first and only program; what it prints goes to the serial port.
cat > "$work/guest/init" << 'EOF'
#!/busybox sh
/kernels -few avx512
echo "exit status $?"
/busybox poweroff -f
EOF
chmod +x "$work/guest/init"
cp "$(command -v busybox)" "$work/guest/busybox"
(cd "$work/guest" && find . | cpio --quiet -o -H newc) > "$work/disc/initrd"
cp "$kernel" "$work/disc/linux"
cp "$loader" "$library" "$work/disc"
# What Bochs says of this processor does not hold together, and Linux would fail on it: among the
# saved registers there is no place for the protection keys (pku), the size of all is wrong where they
# are saved without gaps (xsavec, xsaves), and short copies are said to be quick (fsrm) where long ones
# are not. None of this matters to the kernels. The options after these save time.
cat > "$work/disc/isolinux.cfg" << 'EOF'
default test
prompt 0
label test
  kernel linux
  initrd initrd
  append console=ttyS0,115200 loglevel=1 clearcpuid=pku,xsavec,xsaves,fsrm mitigations=off cryptomgr.notests
EOF
genisoimage -quiet -b isolinux.bin -c catalogue -no-emul-boot -boot-load-size 4 -boot-info-table \
  -o "$work/disc.iso" "$work/disc"

# Of the ways to show the screen this one needs neither a display nor a reader: it listens on a port
# (5900 or one after it) for whoever wants to look.
cat > "$work/bochsrc" << EOF
display_library: rfb, options="timeout=0"
cpu: model=$processor, ips=50000000, reset_on_triple_fault=0
clock: sync=none
memory: guest=256, host=256
romimage: file=$bios
vgaromimage: file=$screen
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path=$work/disc.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$work/serial
speaker: enabled=0
sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
log: $work/log
panic: action=fatal
EOF
# Debian's Bochs has a debugger, which waits for a command before it starts. Its own exit status says
# nothing: a machine that is switched off counts as an error.
echo continue > "$work/commands"
echo "emulated processor: $processor"
timeout 1800 bochs -q -f "$work/bochsrc" -rc "$work/commands" < /dev/null > "$work/emulator" 2>&1 || true
touch "$work/serial"
tr -d '\r' < "$work/serial" | tee "$work/answer"
if ! grep -q '^exit status' "$work/answer"; then
  echo "the emulated machine did not come to an end; the emulator's last words:" >&2
  tail -n 20 "$work/emulator" >&2
  exit 1
fi
grep -qx 'exit status 0' "$work/answer"
