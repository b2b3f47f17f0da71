#!/bin/sh
# Checks and measures gradgrad on a machine with an NVIDIA GPU. That machine needs a
# driver, but neither Go nor a compiler nor a CUDA toolkit: everything is built here,
# into one folder below 40 MiB.
#
# usage: scripts/gpu-check.sh build DIR [IMAGES.tar.zst]
#            makes DIR with the programs, this script, the PyTorch peer where it is at hand
#            (PEER, default ../shared/bench/peer_torch.py) and a set of real images with
#            classes (default ../shared/data/svhn.tar.zst); copy DIR to the machine
#        DIR/gpu-check.sh run [DEVICE]
#            there: parity of every kernel and operation with float64, the same short
#            training on the CPU and on the GPU, images per second of all cases, beside
#            PyTorch where python3 has it; writes gpu-check.json beside the script, and
#            fails where parity or training do
#
# QUICK=1 leaves out the full sweep of shapes and the large networks.
set -eu

build() {
	dir=${1:?usage: $0 build DIR [IMAGES]}
	images=${2:-../shared/data/svhn.tar.zst}
	cd "$(dirname "$0")/.."
	mkdir -p "$dir"
	dir=$(cd "$dir" && pwd)
	[ -f build/cuda/cuda.h ] || scripts/cuda-header.sh build/cuda
	export CGO_ENABLED=1 CGO_CFLAGS="-O2 -I$PWD/build/cuda"
	go build -tags cuda -trimpath -ldflags '-s -w' -o "$dir/cifar" ./cmd/cifar
	go test -c -tags cuda -trimpath -ldflags '-s -w' -o "$dir/cuda.test" ./kernels/cuda
	cp scripts/gpu-check.sh "$dir/"
	peer=${PEER:-../shared/bench/peer_torch.py}
	if [ -f "$peer" ]; then cp "$peer" "$dir/peer_torch.py"; chmod u+w "$dir/peer_torch.py"; fi
	if [ -f "$images" ]; then cp "$images" "$dir/images.tar.zst"; chmod u+w "$dir/images.tar.zst"; else echo "without real images: there is no $images"; fi
	size=$(du -sk "$dir" | cut -f1)
	echo "$dir: $size KiB"
	[ "$size" -lt 40960 ] || { echo "more than 40 MiB" >&2; exit 1; }
}

# list makes a JSON array of the JSON lines of a file.
list() { printf '['; grep '^{' "$1" 2> /dev/null | paste -sd, - || true; printf ']'; }

# count is how many lines of a file match.
count() { grep -c "$1" "$2" || true; }

run() {
	device=${1:-cuda}
	cd "$(dirname "$0")"
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	status=0
	./cifar bench -device "$device" -cases gemm -n 256 -steps 1 > "$work/first" # says why, where there is no GPU

	echo "== parity"
	sweep=-full
	[ -z "${QUICK:-}" ] || sweep=
	GRADGRAD_DEVICE=$device ./cuda.test -test.v -test.timeout 60m \
		-test.run 'TestEveryKernel|TestEveryOp|TestStep|TestRandomShapes|TestAccuracy|TestJoinedInOrder|TestReplay' $sweep > "$work/parity" 2>&1 || status=1
	echo "$(count '^ *--- PASS' "$work/parity") passed, $(count '^ *--- FAIL' "$work/parity") failed"
	grep -A3 '^ *--- FAIL' "$work/parity" | head -40 || true

	echo "== training"
	set=shapes#2000
	[ -f images.tar.zst ] && set=images.tar.zst
	for d in cpu "$device"; do
		for method in ce greg; do
			init= ; aux=
			[ $method = greg ] && { init="-init $work/$d-ce"; aux="-aux outliers#2000"; }
			# shellcheck disable=SC2086
			./cifar train -device "$d" -id $set -limit 2000 $aux $init -method $method -arch wrn-16-1 -epochs 1 -seed 1 -quiet -out "$work/$d-$method" || status=1
			last=$(tail -n 1 "$work/$d-$method/metrics.jsonl" 2> /dev/null || echo '{}')
			echo "{\"device\":\"$d\",\"method\":\"$method\",\"last\":$last}" | tee -a "$work/training"
		done
	done

	echo "== speed"
	archs=wrn-40-2,resnet18,densenet101
	[ -z "${QUICK:-}" ] || archs=wrn-40-2
	for precision in fp32 tf32 bf16; do
		./cifar bench -device "$device" -precision $precision -arch $archs -cases infer,ce,energy,greg,gemm -steps 20 -warmup 5 >> "$work/speed" || status=1
	done
	cat "$work/speed"
	if [ -f peer_torch.py ] && python3 -c 'import torch; assert torch.cuda.is_available()' 2> /dev/null; then
		python3 peer_torch.py --device cuda --tf32 --channels-last --arch $archs --cases infer,ce,energy,greg,greg-ref --steps 20 > "$work/peer" || echo "the peer failed"
		cat "$work/peer"
	else
		echo "without the peer: python3 has no PyTorch that sees a GPU"
	fi

	{
		printf '{"time":"%s","program":"%s",' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$(./cifar version | tr -d '"')"
		printf '"gpu":"%s",' "$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2> /dev/null | head -n 1 || true)"
		printf '"parity":{"passed":%d,"failed":%d},' "$(count '^ *--- PASS' "$work/parity")" "$(count '^ *--- FAIL' "$work/parity")"
		printf '"training":%s,' "$(list "$work/training")"
		printf '"speed":%s,"peer":%s}\n' "$(list "$work/speed")" "$(list "$work/peer")"
	} > gpu-check.json
	echo "gpu-check.json is written"
	exit $status
}

case ${1:-} in
build | run) verb=$1; shift; "$verb" "$@" ;;
*) sed -n '2,/^set/{/^#/p;}' "$0"; exit 2 ;;
esac
