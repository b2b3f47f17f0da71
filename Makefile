# What CI does, and what developers do often. Every target is plain Go commands.

.PHONY: check test noasm bench bench-peer demo tour fuzz clean

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.7.0

check: ## formatting and linters
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run gofmt -w"; exit 1; }
	go vet ./...
	GOARCH=arm64 go vet ./...
	go run $(STATICCHECK) ./...

test: ## all tests
	go test ./...

noasm: ## the tests without assembly
	go test -tags noasm ./kernels ./autograd/... ./layers ./models ./optim ./greg

bench: ## kernels at the shapes of the networks
	go test -run '^$$' -bench . ./kernels

PYTHON = python3
PEER = ../shared/bench/peer_torch.py
bench-peer: ## beside PyTorch, alternately: make bench-peer PYTHON=... [PEER=...]
	go build -o build/cifar ./cmd/cifar
	$(PYTHON) scripts/bench_peer.py --python $(PYTHON) --peer $(PEER) --fast

demo: ## the small experiment
	go run ./cmd/cifar

tour: ## double backprop in three programs
	go run ./docs/tour/1_tape
	go run ./docs/tour/2_second_order
	go run ./docs/tour/3_greg

FUZZTIME = 30s
fuzz: ## every parser, FUZZTIME each
	@for p in ./checkpoint ./datasets ./ood; do \
		for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz'); do \
			echo "== $$p $$f"; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5x $$p || exit 1; \
		done; done

clean:
	rm -rf build runs
