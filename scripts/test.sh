#!/bin/sh
# Runs every test. What the tests with real clients need besides Go is installed first,
# as far as that is possible here; what is missing is said, and with CI=true it fails.
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh
compat/setup.sh
exec go test -timeout 30m ./...
