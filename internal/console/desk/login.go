package desk

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/center"
	"github.com/parley-chat/parley/internal/quota"
	"github.com/parley-chat/parley/internal/restjson"
)

// How often a password may be tried: under one name from one address, under one name
// from anywhere, and from one address under any name.
var (
	pairRate    = quota.Rate{PerSecond: 0.1, Burst: 5}
	userRate    = quota.Rate{PerSecond: 0.2, Burst: 50}
	addressRate = quota.Rate{PerSecond: 1, Burst: 50}
)

// maxHashing is how many passwords are checked at a time: each takes memory.
const maxHashing = 2

// logins checks passwords, not too often.
type logins struct {
	center              *center.Center
	pair, user, address *quota.Callers
	hashing             chan struct{}
}

func newLogins(c *center.Center, clock clockwork.Clock) *logins {
	return &logins{
		center: c, pair: quota.NewCallers(pairRate, clock), user: quota.NewCallers(userRate, clock),
		address: quota.NewCallers(addressRate, clock), hashing: make(chan struct{}, maxHashing),
	}
}

// try finds the user who has the password.
func (l *logins) try(ctx context.Context, id, password, address string) (center.User, error) {
	pair := id + "\n" + address
	if wait := max(l.pair.Take(pair), l.user.Take(id), l.address.Take(address)); wait > 0 {
		return center.User{}, tooMany("Too many attempts to sign in; try again later", wait)
	}
	select {
	case l.hashing <- struct{}{}:
		defer func() { <-l.hashing }()
	case <-ctx.Done():
		return center.User{}, ctx.Err()
	}
	u, ok := l.center.LogIn(id, password)
	if !ok {
		return center.User{}, denied("The name or the password is wrong")
	}
	l.pair.Forget(pair)
	return u, nil
}

// Address is where a request comes from: the other end of its connection, and so the
// proxy if there is one.
func Address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func tooMany(message string, wait time.Duration) *restjson.Error {
	return &restjson.Error{Code: "ThrottlingException", Status: http.StatusTooManyRequests, Message: message, RetryAfter: wait}
}
