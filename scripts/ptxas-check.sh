#!/bin/sh
# Assembles every kernel with NVIDIA's ptxas and prints registers, static shared memory,
# spills, and the share of a multiprocessor's threads that can be there at once (for the
# block size that .maxntid or .reqntid gives; dynamic shared memory is not known here).
# Fails when a kernel does not assemble, or when one of the
# convolution, matrix or batch-norm kernels spills registers to memory.
#
# ptxas is the one in PATH, the one that PTXAS names, or that of the Python package
# nvidia-cuda-nvcc, which is fetched into build/ptxas (47 MB). Where there is none and
# it cannot be fetched the script says so and succeeds; with -need it fails.
#
# usage: scripts/ptxas-check.sh [-need] [FILE...]
set -eu
cd "$(dirname "$0")/.."
version=13.5.37
need=0
if [ "${1:-}" = -need ]; then need=1; shift; fi
[ $# -gt 0 ] || set -- kernels/cuda/ptx/*.ptx

fetch() {
	python3 -m pip download -q --no-deps --disable-pip-version-check -d build/ptxas "nvidia-cuda-nvcc==$version" &&
		python3 -m zipfile -e build/ptxas/nvidia_cuda_nvcc-$version-*.whl build/ptxas &&
		chmod +x build/ptxas/nvidia/cu13/bin/ptxas
}

ptxas=${PTXAS:-$(command -v ptxas || true)}
if [ -z "$ptxas" ]; then
	ptxas=build/ptxas/nvidia/cu13/bin/ptxas
	if [ ! -x "$ptxas" ]; then
		mkdir -p build/ptxas
		if ! fetch > build/ptxas/log 2>&1; then
			echo "ptxas-check: NOT RUN: there is no ptxas here and nvidia-cuda-nvcc could not be fetched:"
			tail -n 1 build/ptxas/log
			exit $need
		fi
	fi
fi
"$ptxas" --version | tail -n 2

# Architectures of the kernels' .target and up, as far as this ptxas knows them.
known=$("$ptxas" --help | grep -o 'sm_[0-9]*' | sort -u)
out=$(mktemp)
trap 'rm -f "$out"' EXIT
status=0
for arch in sm_80 sm_90 sm_100 sm_120; do
	echo "$known" | grep -qx "$arch" || { echo "$arch: not known to this ptxas"; continue; }
	for file in "$@"; do
		if ! "$ptxas" -v --warn-on-spills -arch="$arch" -o /dev/null "$file" > "$out" 2>&1; then
			cat "$out"
			echo "ptxas-check: $file does not assemble for $arch"
			status=1
			continue
		fi
		awk -v arch="$arch" -v file="$(basename "$file")" '
			# first the PTX itself: the threads of a block
			FNR == NR && /^\.visible \.entry/ { name = $3; sub(/\(.*/, "", name) }
			FNR == NR && /^\.(maxntid|reqntid)/ {
				n = split($0, d, /[^0-9]+/); threads[name] = 1
				for (i = 1; i <= n; i++) if (d[i] != "") threads[name] *= d[i]
			}
			FNR == NR { next }
			/Compiling entry function/ { split($0, q, "\047"); kernel = q[2] }
			/spill stores/ { spill = $5 + $9 }
			/Used [0-9]+ registers/ {
				match($0, /Used [0-9]+/); registers = substr($0, RSTART + 5, RLENGTH - 5)
				shared = 0
				if (match($0, /[0-9]+ bytes smem/)) shared = substr($0, RSTART, RLENGTH - 11)
				printf "%-7s %-16s %-28s %3d registers %6d shared %4d spilled %8s\n", arch, file, kernel, registers, shared, spill, occupancy()
				if (spill > 0 && kernel ~ /^(conv|affineconv|matmul|bn|normalise)/) bad = 1
			}
			/warning/ { print }
			END { if (bad) print "ptxas-check: a hot kernel spills"; exit bad }
			# 64 warps, 65536 registers given out 256 to a warp, 32 blocks; shared memory of
			# which each block takes 1 KiB more. sm_120 has 48 warps and 100 KiB.
			function occupancy(   warps, blocks, most, per) {
				if (!threads[kernel]) return "-"
				warps = int((threads[kernel] + 31) / 32)
				most = arch == "sm_120" ? 48 : 64
				blocks = int(most / warps)
				if (blocks > 32) blocks = 32
				per = int((registers * 32 + 255) / 256) * 256 * warps
				if (int(65536 / per) < blocks) blocks = int(65536 / per)
				per = shared + 1024
				total = arch == "sm_80" ? 167936 : arch == "sm_120" ? 102400 : 233472
				if (int(total / per) < blocks) blocks = int(total / per)
				return int(100 * blocks * warps / most) " %"
			}' "$file" "$out" || status=1
	done
done
exit $status
