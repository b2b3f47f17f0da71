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
#            fails where parity, training or a measurement do
#
# QUICK=1 leaves out the full sweep of shapes and the large networks. TINY=1 goes through
# every part with as little work as can be, so that "TINY=1 gpu-check.sh run sim" tries
# the folder without a GPU. The programs need the C library of this machine or a newer one.
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
	gzip -f "$dir/cifar" "$dir/cuda.test" # 40 MB become 15
	cp scripts/gpu-check.sh "$dir/"
	peer=${PEER:-../shared/bench/peer_torch.py}
	if [ -f "$peer" ]; then cp "$peer" "$dir/peer_torch.py"; chmod u+w "$dir/peer_torch.py"; fi
	if [ -f "$images" ]; then cp "$images" "$dir/images.tar.zst"; chmod u+w "$dir/images.tar.zst"; else echo "without real images: there is no $images"; fi
	size=$(du -sk "$dir" | cut -f1)
	echo "$dir: $size KiB"
	[ "$size" -lt 40960 ] || { echo "more than 40 MiB" >&2; exit 1; }
}

# list makes a JSON array of the JSON lines of a file.
list() { printf '[%s]' "$(grep '^{' "$1" 2> /dev/null | paste -sd, -)"; }

# count is how many lines of a file match.
count() { grep -c "$1" "$2" || true; }

# sizes sets how much is done: the tests and their flags, the training, the measurements.
sizes() {
	tests='TestEveryKernel|TestEveryOp|TestStep|TestRandomShapes|TestAccuracy|TestJoinedInOrder|TestReplay'
	size=full
	flags=-full
	set=shapes#2000
	[ ! -f images.tar.zst ] || set=images.tar.zst
	outliers=outliers#2000
	train='-limit 2000 -arch wrn-16-1'
	archs=wrn-40-2,resnet18,densenet101
	cases=infer,ce,energy,greg,gemm
	steps='-steps 20 -warmup 5'
	if [ -n "${TINY:-}" ]; then
		size=tiny
		tests='TestEveryKernel/^(add|sum|conv|bn)$'
		flags=
		[ -f images.tar.zst ] || set=shapes#4
		outliers='outliers#4 -aux-batch 2'
		train='-limit 2 -batch 2 -arch wrn-10-1'
		archs=wrn-10-1
		cases=infer,gemm
		steps='-steps 1 -warmup 0 -batch 1 -infer-batch 1 -n 16'
	elif [ -n "${QUICK:-}" ]; then
		size=quick
		flags=
		archs=wrn-40-2
	fi
}

# parity compares every kernel and operation with float64.
parity() {
	echo "== parity"
	# shellcheck disable=SC2086 # flags are several words or none
	GRADGRAD_DEVICE=$device ./cuda.test -test.v -test.timeout 60m -test.run "$tests" $flags > "$work/parity" 2>&1 || status=1
	passed=$(count '^ *--- PASS' "$work/parity")
	failed=$(count '^ *--- FAIL' "$work/parity")
	echo "$passed passed, $failed failed"
	[ "$passed" -gt 0 ] || { echo "no test has passed:"; tail -n 5 "$work/parity"; status=1; }
	grep -A3 '^ *--- FAIL' "$work/parity" | head -40 || true
}

# training makes the same short runs on the CPU and on the device.
training() {
	echo "== training"
	for d in cpu "$device"; do
		for method in ce greg; do
			more=
			[ $method = ce ] || more="-init $work/$d-ce -aux $outliers"
			# shellcheck disable=SC2086
			./cifar train -device "$d" -id $set $train $more -method $method -epochs 1 -seed 1 -quiet -out "$work/$d-$method" || status=1
			last=$(tail -n 1 "$work/$d-$method/metrics.jsonl" 2> /dev/null || echo '{}')
			echo "{\"device\":\"$d\",\"method\":\"$method\",\"last\":$last}" | tee -a "$work/training"
		done
	done
}

# speed measures all cases in every precision, and those of the peer.
speed() {
	echo "== speed"
	for precision in fp32 tf32 bf16; do
		# shellcheck disable=SC2086
		./cifar bench -device "$device" -precision $precision -arch $archs -cases $cases $steps >> "$work/speed" || status=1
	done
	cat "$work/speed"
	without=
	if [ ! -f peer_torch.py ]; then
		without="peer_torch.py is not beside the script"
	elif ! python3 -c 'import torch; assert torch.cuda.is_available()' 2> /dev/null; then
		without="python3 has no PyTorch that sees a GPU"
	elif python3 peer_torch.py --device cuda --tf32 --channels-last --arch $archs --cases infer,ce,energy,greg,greg-ref --steps 20 > "$work/peer"; then
		cat "$work/peer"
	else
		without="the peer failed"
	fi
	[ -z "$without" ] || echo "without PyTorch: $without"
}

run() {
	device=${1:-cuda}
	cd "$(dirname "$0")"
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	status=0
	rm -f gpu-check.json # of an earlier run
	for program in cifar cuda.test; do
		[ ! -f $program.gz ] || { gzip -dc $program.gz > $program && chmod +x $program; }
	done
	./cifar bench -device "$device" -cases gemm -n 16 -steps 1 > "$work/first" # says why, where there is no GPU
	sizes
	parity
	training
	speed
	{
		printf '{"time":"%s","program":"%s","device":"%s","size":"%s",' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$(./cifar version | tr -d '"')" "$device" "$size"
		printf '"gpu":"%s",' "$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2> /dev/null | head -n 1 || true)"
		printf '"green":%s,' "$([ $status = 0 ] && echo true || echo false)"
		printf '"parity":{"passed":%d,"failed":%d},' "$passed" "$failed"
		printf '"training":%s,' "$(list "$work/training")"
		printf '"speed":%s,"peer":%s,"without_peer":"%s"}\n' "$(list "$work/speed")" "$(list "$work/peer")" "$without"
	} > gpu-check.json.tmp
	mv gpu-check.json.tmp gpu-check.json
	echo "gpu-check.json is written"
	exit $status
}

case ${1:-} in
build | run) verb=$1; shift; "$verb" "$@" ;;
*) sed -n '2,/^set/{/^#/p;}' "$0"; exit 2 ;;
esac
