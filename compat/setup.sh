#!/bin/sh
# Installs what the clients of this directory need: Node packages, a Python environment,
# and Chromium from the distribution. What is there already is left alone, so a second
# run takes no time. What can't be installed is said; its tests are then skipped, but
# with CI=true it is an error.
set -u
cd "$(dirname "$0")" || exit 1
mkdir -p .cache
failed=0

# missing says what a client will not be tested without.
missing() {
	echo "compat/setup.sh: $*" >&2
	failed=1
}

# current NAME FILE... succeeds if NAME was installed from just these files.
current() {
	stamp=.cache/$1.sha256
	shift
	[ -f "$stamp" ] && cat "$@" | sha256sum | cmp -s - "$stamp"
}

# installed NAME FILE... remembers it.
installed() {
	stamp=.cache/$1.sha256
	shift
	cat "$@" | sha256sum >"$stamp"
}

# as_root runs a command as root, or fails without asking for a password.
as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

node_packages() {
	if ! command -v npm >/dev/null; then
		missing "npm is missing; install Node.js 20 or newer to test the JavaScript clients"
		return
	fi
	set -- node/package.json node/package-lock.json node/.npmrc
	if [ -d node/node_modules ] && current node "$@"; then return; fi
	echo "compat: installing the JavaScript clients"
	if (cd node && npm ci --loglevel=error --ignore-scripts) >.cache/npm.log 2>&1; then
		installed node "$@"
	else
		missing "npm ci failed, so the JavaScript clients are not tested; it said:"
		cat .cache/npm.log >&2
	fi
}

python_packages() {
	if ! command -v python3 >/dev/null; then
		missing "python3 is missing; install Python 3.10 or newer to test boto3"
		return
	fi
	if [ -x .cache/venv/bin/python ] && current python python/requirements.txt; then return; fi
	echo "compat: installing boto3"
	if { python3 -m venv --clear .cache/venv &&
		.cache/venv/bin/python -m pip install --quiet --disable-pip-version-check -r python/requirements.txt; } >.cache/pip.log 2>&1; then
		installed python python/requirements.txt
	else
		rm -rf .cache/venv
		missing "boto3 can't be installed, so it is not tested; python3 said:"
		cat .cache/pip.log >&2
	fi
}

browser() {
	if command -v "${PARLEY_CHROMIUM:-chromium}" >/dev/null; then return; fi
	if [ -n "${PARLEY_CHROMIUM:-}" ]; then
		missing "PARLEY_CHROMIUM is $PARLEY_CHROMIUM, which is no program; name a Chromium, or unset it to have one installed"
		return
	fi
	hint="install Chromium, or set PARLEY_CHROMIUM to one, to test ChatJS in a browser"
	if ! command -v apt-get >/dev/null; then
		missing "$hint"
		return
	fi
	echo "compat: installing Chromium"
	if { as_root apt-get update -qq &&
		as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } >.cache/apt.log 2>&1; then
		return
	fi
	missing "apt-get can't install chromium; $hint; it said:"
	tail -n 5 .cache/apt.log >&2
}

node_packages
python_packages
browser
if [ "$failed" = 1 ] && [ "${CI:-}" = true ]; then exit 1; fi
exit 0
