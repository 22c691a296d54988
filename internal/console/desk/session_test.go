package desk_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/console/desk"
	"github.com/parley-chat/parley/internal/token"
)

func TestSignIn(t *testing.T) {
	w := newWorld(t, false)
	b := &browser{w: w}
	var me desk.Me
	b.must("GET", "me", "", &me)
	if me.User != nil || me.Local || len(me.Users) > 0 {
		t.Errorf("before signing in: %+v", me)
	}
	for _, path := range []string{"board", "now", "contacts", "contacts/x", "contacts/x/transcript", "contacts/x/transcript.txt"} {
		b.refused("GET", path, "", http.StatusUnauthorized, "Sign in first")
	}
	for _, path := range []string{"accept", "watch", "transfer", "invite", "end", "attributes"} {
		b.refused("POST", "contacts/x/"+path, "{}", http.StatusUnauthorized, "Sign in first")
	}
	for _, bad := range []string{`{"User":"bob","Password":"sue"}`, `{"User":"nobody","Password":"nobody"}`} {
		b.refused("POST", "sign-in", bad, http.StatusForbidden, "The name or the password is wrong")
	}
	b.refused("POST", "sign-in", `{"User":"bob"}`, http.StatusBadRequest, "password")

	a := b.ask("POST", "sign-in", `{"User":"bob","Password":"bob"}`)
	set := a.header.Get("Set-Cookie")
	for _, part := range []string{"Path=/console/", "HttpOnly", "SameSite=Strict"} {
		if !strings.Contains(set, part) {
			t.Errorf("the cookie %q has no %s", set, part)
		}
	}
	b.must("GET", "me", "", &me)
	if me.User == nil || me.User.Id != "bob" || len(me.Users) != 4 || len(me.Queues) != 2 {
		t.Errorf("signed in: %+v", me)
	}
	if a := b.ask("GET", "me", ""); a.header.Get("Cache-Control") != "no-store" || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("the answer may be kept, or read by other pages: %v", a.header)
	}
	b.must("POST", "sign-out", "{}", nil)
	b.refused("GET", "board", "", http.StatusUnauthorized, "Sign in first")
}

// A session lasts 12 hours, from when it was last used.
func TestSessionExpires(t *testing.T) {
	w := newWorld(t, false)
	b := w.as("bob")
	for range 5 { // a long day
		w.clock.Advance(6 * time.Hour)
		b.must("GET", "board", "", nil)
	}
	w.clock.Advance(12 * time.Hour)
	b.refused("GET", "board", "", http.StatusUnauthorized, "")
}

// Nothing but a session of ours counts as one.
func TestForgedSession(t *testing.T) {
	w := newWorld(t, false)
	b := &browser{w: w, cookie: &http.Cookie{Name: "parley-console"}}
	later := string([]byte{0, 0, 0x10, 0, 0, 0, 0, 0})
	for name, value := range map[string]string{
		"empty": "", "garbage": "garbage", "another kind": w.tokens.Seal(token.Page, []byte(later+"bob")),
		"short": w.tokens.Seal(token.Console, []byte("bob")), "a user who is gone": w.tokens.Seal(token.Console, []byte(later+"eve")),
	} {
		if b.cookie.Value = value; b.ask("GET", "board", "").status != http.StatusUnauthorized {
			t.Errorf("%s: it counts", name)
		}
	}
	if b.cookie.Value = w.tokens.Seal(token.Console, []byte(later+"bob")); b.ask("GET", "board", "").status != http.StatusOK {
		t.Error("the session that is right doesn't count")
	}
}

// Passwords can't be tried fast: not for one user from one place, and not from many.
func TestSignInIsThrottled(t *testing.T) {
	w := newWorld(t, false)
	try := func(from, user, password string) int {
		b := &browser{w: w, from: from}
		return b.ask("POST", "sign-in", fmt.Sprintf(`{"User":%q,"Password":%q}`, user, password)).status
	}
	for i := range 5 {
		if got := try("192.0.2.1", "bob", "guess"); got != http.StatusForbidden {
			t.Fatalf("attempt %d: %d", i, got)
		}
	}
	if got := try("192.0.2.1", "bob", "bob"); got != http.StatusTooManyRequests {
		t.Errorf("the sixth attempt: %d", got)
	}
	if got := try("192.0.2.2", "bob", "bob"); got != http.StatusOK {
		t.Errorf("Bob from elsewhere: %d", got)
	}
	if got := try("192.0.2.1", "sue", "sue"); got != http.StatusOK {
		t.Errorf("Sue from there: %d", got)
	}
	w.clock.Advance(10 * time.Second)
	if got := try("192.0.2.1", "bob", "bob"); got != http.StatusOK {
		t.Errorf("ten seconds later: %d", got)
	}
	for i := range 60 {
		if try(fmt.Sprintf("198.51.100.%d", i), "tom", "guess") == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("60 addresses may guess one password at once")
}
