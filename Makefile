export CGO_ENABLED = 0
export GOFLAGS = -buildvcs=false

.DEFAULT_GOAL := help
.PHONY: help run demo build test check race bench clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t12

run: build ## build and run the server with no configuration
	bin/parley serve

demo: build ## play one conversation and show calls and what reaches whom
	bin/parley demo

build: ## build bin/parley
	go build -trimpath -o bin/parley ./cmd/parley

test: ## everything: unit tests, real clients, crash test; installs what it needs
	scripts/test.sh

check: ## gofmt, go vet, staticcheck, govulncheck
	scripts/check.sh

race: ## the Go tests with the race detector (needs a C compiler)
	CGO_ENABLED=1 go test -race -timeout 30m ./internal/... ./client/...
	CGO_ENABLED=1 go test -race -timeout 30m ./cmd/parley -kills 15 -chaos 15s

bench: build ## measure throughput, latency, memory and start-up
	go run ./bench

clean: ## remove what was built
	rm -rf bin compat/.cache compat/node/node_modules
