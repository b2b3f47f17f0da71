# What CI does, and what developers do often. Every target is plain Go commands.

.PHONY: check test noasm arm64 cuda vet-cuda test-cuda gpu-check sim reference ptxas-check bench bench-peer bench-kmeans demo tour fuzz clean

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.7.0

check: ## formatting and linters
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run gofmt -w"; exit 1; }
	go vet ./...
	GOARCH=arm64 go vet ./...
	go run $(STATICCHECK) ./...

test: ## all tests
	go test ./...

noasm: ## the tests without assembly
	go test -tags noasm -short ./...

ENGINE = ./kernels ./autograd/... ./layers ./models ./optim ./kmeans ./greg
QEMU_ARM64 = qemu-aarch64
arm64: ## the engine's tests on another architecture, under emulation (Debian: qemu-user)
	@command -v $(QEMU_ARM64) >/dev/null || { echo "$(QEMU_ARM64) is missing: install qemu-user, or name one with QEMU_ARM64=..."; exit 1; }
	GOARCH=arm64 go test -short -timeout 60m -exec $(QEMU_ARM64) $(ENGINE)

build/cuda/cuda.h: scripts/cuda-header.sh go.mod
	scripts/cuda-header.sh build/cuda

# cgo with the header of the module gorgonia.org/cu: no CUDA toolkit is needed.
CUDA_ENV = CGO_ENABLED=1 CGO_CFLAGS="-O2 -g -I$(CURDIR)/build/cuda"

cuda: build/cuda/cuda.h ## build/cifar for NVIDIA GPUs; it starts everywhere
	$(CUDA_ENV) go build -tags cuda -o build/cifar ./cmd/cifar

vet-cuda: build/cuda/cuda.h ## the linters on the GPU build
	$(CUDA_ENV) go vet -tags cuda ./...

test-cuda: build/cuda/cuda.h ## what is linked into that build, and its error without a driver
	$(CUDA_ENV) go test -tags cuda -run 'TestBinary|TestDriverCalls|TestBrokenDrivers|TestOpen|TestNoGPU' ./kernels/cuda

gpu-check: build/cuda/cuda.h ## the folder for a machine with a GPU, tried here on the simulator
	scripts/gpu-check.sh build build/gpu-check
	TINY=1 build/gpu-check/gpu-check.sh run sim

sim: ## every GPU kernel on the simulator, the full sweep of shapes, all checks on
	go test -timeout 15m ./kernels/cuda -full
	go test -timeout 15m ./greg -run Device -full

reference: ## ODIN of a published network on all sets of the reference, some minutes; the other scores are in go test ./...
	go test -timeout 30m ./greg -run TestODINReference -full

ptxas-check: ## NVIDIA's assembler on every GPU kernel, where it can be had
	scripts/ptxas-check.sh

bench: ## kernels at the shapes of the networks
	go test -run '^$$' -bench . ./kernels

PYTHON = python3
PEER = ../shared/bench/peer_torch.py
bench-peer: ## beside PyTorch, alternately: make bench-peer PYTHON=... [PEER=...]
	go build -o build/cifar ./cmd/cifar
	$(PYTHON) scripts/bench_peer.py --python $(PYTHON) --peer $(PEER)

bench-kmeans: ## k-means beside scikit-learn: make bench-kmeans PYTHON=...
	$(PYTHON) scripts/bench_kmeans.py

demo: ## the small experiment
	go run ./cmd/cifar

tour: ## double backprop in three programs
	go run ./docs/tour/1_tape
	go run ./docs/tour/2_second_order
	go run ./docs/tour/3_greg

FUZZTIME = 30s
fuzz: ## every parser, FUZZTIME each
	@for p in ./checkpoint ./datasets ./ood ./kernels/cuda/ptxsim; do \
		for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz'); do \
			echo "== $$p $$f"; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5x $$p || exit 1; \
		done; done

clean:
	rm -rf build runs
