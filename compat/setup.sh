#!/bin/sh
# Installs what the clients of this directory need: Node.js, Python and Chromium from the
# distribution (Debian and its kin), and the packages of the clients. What is there
# already is left alone, so a second run takes no time. What can't be installed is said;
# its tests are then skipped, but with CI=true it is an error.
set -u
cd "$(dirname "$0")" || exit 1
mkdir -p .cache
failed=0
updated=no # whether apt-get update was tried

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

# provide PROGRAM PACKAGE... installs packages of the distribution, so that there is a
# PROGRAM; if that fails, .cache/apt.log says why.
provide() {
	program=$1
	shift
	if ! command -v apt-get >/dev/null; then
		echo "there is no apt-get to install it with" >.cache/apt.log
		return 1
	fi
	echo "compat: installing $*"
	: >.cache/apt.log
	if [ $updated = no ]; then
		updated=yes
		as_root apt-get update -qq >>.cache/apt.log 2>&1
	fi
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends "$@" >>.cache/apt.log 2>&1 || return 1
	command -v "$program" >/dev/null && return
	echo "apt-get has installed $*, but $program is not in the PATH" >>.cache/apt.log
	return 1
}

# unprovided says what to install by hand, and why that was not done here.
unprovided() {
	missing "$*; it can't be installed here:"
	tail -n 5 .cache/apt.log >&2
}

node_packages() {
	if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
		if ! provide npm nodejs npm ca-certificates; then
			unprovided "node or npm is missing; install Node.js 18 or newer with npm to test the JavaScript clients"
			return
		fi
	fi
	if ! node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)'; then
		missing "node is $(node --version); install Node.js 18 or newer to test the JavaScript clients"
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

# can_venv tells whether Python can make environments: Debian's can't by itself.
can_venv() {
	python3 -c 'import ensurepip, venv' >/dev/null 2>&1
}

python_packages() {
	if [ -x .cache/venv/bin/python ] && current python python/requirements.txt; then return; fi
	if ! can_venv && ! provide python3 python3 python3-venv; then
		unprovided "python3 or its venv is missing; install Python 3.10 or newer with venv to test boto3"
		return
	fi
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
	if command -v "${PARLEY_TEST_CHROMIUM:-chromium}" >/dev/null; then return; fi
	if [ -n "${PARLEY_TEST_CHROMIUM:-}" ]; then
		missing "PARLEY_TEST_CHROMIUM is $PARLEY_TEST_CHROMIUM, which is no program; name a Chromium, or unset it to have one installed"
		return
	fi
	provide chromium chromium ||
		unprovided "chromium is missing; install it, or set PARLEY_TEST_CHROMIUM to one, to test ChatJS in a browser"
}

node_packages
python_packages
browser
if [ "$failed" = 1 ] && [ "${CI:-}" = true ]; then exit 1; fi
exit 0
