#!/bin/sh
# Installs what the tests of this repository need besides Go and the clients of
# compat/setup.sh: PostgreSQL and a pooler before it, and iproute2 for networks that can
# be cut, from the distribution (Debian and its kin). No server of it is set up or started: tests start their own. What is there
# already is left alone. What can't be installed is said; its tests are then skipped, but
# with CI=true it is an error.
set -u
failed=0

# as_root runs a command as root, or fails without asking for a password.
as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# install installs packages of the distribution.
install() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

# postgresql installs the server's programs, without the cluster that Debian would make.
# Its way to keep packages from starting services is a policy-rc.d that says no.
postgresql() {
	policy=/usr/sbin/policy-rc.d
	as_root apt-get update -qq || return 1
	[ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' | as_root tee $policy && as_root chmod +x $policy && made=yes; }
	install postgresql-common &&
		as_root sed -i 's/^#* *create_main_cluster *=.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf &&
		install postgresql pgbouncer
	status=$?
	[ "${made:-no}" = no ] || as_root rm $policy
	return $status
}

if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && ! command -v initdb >/dev/null ||
	! PATH=$PATH:/usr/sbin command -v pgbouncer >/dev/null; then
	echo "setup: installing PostgreSQL"
	if ! command -v apt-get >/dev/null || ! log=$(postgresql 2>&1); then
		echo "scripts/setup.sh: PostgreSQL 15 or newer and pgbouncer can't be installed here, so the tests with them are not run; install them by hand" >&2
		printf '%s\n' "${log:-there is no apt-get}" | tail -n 5 >&2
		failed=1
	fi
fi
if [ "$(uname)" = Linux ] && ! PATH=$PATH:/usr/sbin:/sbin command -v ip >/dev/null; then
	echo "setup: installing iproute2"
	if ! log=$( (as_root apt-get update -qq && install iproute2) 2>&1); then
		echo "scripts/setup.sh: iproute2 can't be installed here, so the test with a network that is cut is not run; install it by hand" >&2
		printf '%s\n' "$log" | tail -n 5 >&2
		failed=1
	fi
fi
if [ "$failed" = 1 ] && [ "${CI:-}" = true ]; then exit 1; fi
exit 0
