package desk

import (
	"context"
	"encoding/binary"
	"net/http"
	"time"

	"github.com/parley-chat/parley/internal/center"
	"github.com/parley-chat/parley/internal/restjson"
	"github.com/parley-chat/parley/internal/token"
)

// cookieName names the cookie of a session.
const cookieName = "parley-console"

// A session ends sessionLife after it was last renewed, which is done when renewAfter of
// it has passed.
const sessionLife, renewAfter = 12 * time.Hour, time.Hour

// userKey is of the user in a request's context.
type userKey struct{}

// userOf is who is signed in; only where [console.authenticate] let the request through.
func userOf(ctx context.Context) center.User {
	u, _ := ctx.Value(userKey{}).(center.User)
	return u
}

// addressKey is of the address that a request comes from, in its context.
type addressKey struct{}

func addressIn(ctx context.Context) string {
	address, _ := ctx.Value(addressKey{}).(string)
	return address
}

// open lists the operations that need no session.
var open = map[string]bool{"SignIn": true, "SignOut": true, "GetMe": true}

// writerKey is of the ResponseWriter in a request's context.
type writerKey struct{}

// User finds who is signed in.
func (s *Desk) User(r *http.Request) (center.User, bool) { return s.session(r) }

// authenticate is the API's Before.
func (s *Desk) authenticate(r *http.Request, op string, _ []byte) (context.Context, error) {
	u, ok := s.session(r)
	if !ok && !open[op] {
		return nil, &restjson.Error{Code: "UnauthorizedException", Status: http.StatusUnauthorized, Message: "Sign in first"}
	}
	return context.WithValue(context.WithValue(r.Context(), userKey{}, u), addressKey{}, Address(r)), nil
}

// session finds who is signed in, and renews a session that is used. A user who is not
// configured any more has none, and the role is always that of the configuration.
func (s *Desk) session(r *http.Request) (center.User, bool) {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return center.User{}, false
	}
	body, err := s.config.Tokens.Open(token.Console, c.Value)
	if err != nil || len(body) < 8 {
		return center.User{}, false
	}
	left := time.UnixMilli(int64(binary.BigEndian.Uint64(body))).Sub(s.config.Clock.Now())
	u, ok := s.config.Center.User(string(body[8:]))
	if !ok || left <= 0 {
		return center.User{}, false
	}
	if left < sessionLife-renewAfter {
		s.signIn(r.Context(), u)
	}
	return u, true
}

// signIn gives the caller a session.
func (s *Desk) signIn(ctx context.Context, u center.User) {
	body := binary.BigEndian.AppendUint64(nil, uint64(s.config.Clock.Now().Add(sessionLife).UnixMilli()))
	s.setCookie(ctx, s.config.Tokens.Seal(token.Console, append(body, u.ID...)), int(sessionLife/time.Second))
}

// setCookie sets the session's cookie, or with a negative age removes it.
func (s *Desk) setCookie(ctx context.Context, value string, age int) {
	w, ok := ctx.Value(writerKey{}).(http.ResponseWriter)
	if !ok {
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: value, Path: s.config.Prefix + ConsolePath, MaxAge: age, HttpOnly: true,
		SameSite: http.SameSiteStrictMode, Secure: s.config.Secure,
	})
}
