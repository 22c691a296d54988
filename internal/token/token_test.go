package token

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"
)

var (
	now    = time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC)
	claims = Claims{Chat: [16]byte{1, 2, 3}, Participant: [16]byte{15: 9}, Expires: now.Add(24 * time.Hour)}
)

func ring(t *testing.T, keys ...string) *Keyring {
	t.Helper()
	var raw [][]byte
	for _, k := range keys {
		raw = append(raw, []byte(k))
	}
	k, err := NewKeyring(raw...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestMintVerify(t *testing.T) {
	k := ring(t, "0123456789abcdef")
	for _, kind := range []Kind{Participant, Connection, Socket} {
		tok := k.Mint(kind, claims)
		if len(tok) > 120 {
			t.Errorf("token has %d characters", len(tok))
		}
		if tok != k.Mint(kind, claims) {
			t.Error("the same claims gave another token")
		}
		got, err := k.Verify(kind, tok, now)
		if err != nil || got != claims {
			t.Errorf("Verify = %+v, %v", got, err)
		}
	}
	forever := Claims{Chat: claims.Chat}
	if got, err := k.Verify(Participant, k.Mint(Participant, forever), now.AddDate(50, 0, 0)); err != nil || got != forever {
		t.Errorf("a token without expiry: %+v, %v", got, err)
	}
}

func TestVerifyRefuses(t *testing.T) {
	k := ring(t, "0123456789abcdef")
	good := k.Mint(Connection, claims)
	raw, _ := base64.RawURLEncoding.DecodeString(good)
	flip := func(i int) string {
		b := append([]byte(nil), raw...)
		b[i] ^= 1
		return base64.RawURLEncoding.EncodeToString(b)
	}
	for name, c := range map[string]struct {
		tok  string
		at   time.Time
		want error
	}{
		"empty":         {"", now, ErrInvalid},
		"not base64":    {"!!!!" + good[4:], now, ErrInvalid},
		"too long":      {strings.Repeat("A", MaxLength+1), now, ErrInvalid},
		"too short":     {"AQI", now, ErrInvalid},
		"cut":           {good[:len(good)-4], now, ErrInvalid},
		"longer":        {good + "AAAA", now, ErrInvalid},
		"other version": {flip(0), now, ErrInvalid},
		"other chat":    {flip(5), now, ErrInvalid},
		"other mac":     {flip(len(raw) - 1), now, ErrInvalid},
		"other key":     {ring(t, "fedcba9876543210").Mint(Connection, claims), now, ErrInvalid},
		"wrong kind":    {k.Mint(Participant, claims), now, ErrKind},
		"no claims":     {k.Seal(Connection, []byte("hello")), now, ErrInvalid},
		"expired":       {good, claims.Expires, ErrExpired},
	} {
		if _, err := k.Verify(Connection, c.tok, c.at); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := k.Verify(Connection, good, claims.Expires.Add(-time.Millisecond)); err != nil {
		t.Errorf("a millisecond before its expiry: %v", err)
	}
}

func TestViewAndAuth(t *testing.T) {
	k := ring(t, "0123456789abcdef")
	view := k.MintView("form", 70000)
	if id, version, err := k.OpenView(view); id != "form" || version != 70000 || err != nil {
		t.Errorf("OpenView = %q, %d, %v", id, version, err)
	}
	chat, session := [16]byte{1}, [16]byte{15: 2}
	state := k.MintAuth(chat, session)
	if c, s, err := k.OpenAuth(state); c != chat || s != session || err != nil {
		t.Errorf("OpenAuth = %v, %v, %v", c, s, err)
	}
	if long := k.MintView(strings.Repeat("x", 256), 1); len(long) > 1000 || len(state) > 1000 {
		t.Errorf("the model has 1000 characters at the most, these are %d and %d", len(long), len(state))
	}
	for name, err := range map[string]error{
		"a state as a view":        second(k.OpenView(state)),
		"a short view":             second(k.OpenView(k.Seal(View, []byte("x")))),
		"a view as a state":        second(k.OpenAuth(view)),
		"a short state":            second(k.OpenAuth(k.Seal(Auth, make([]byte, 31)))),
		"a state of another key":   second(k.OpenAuth(ring(t, "fedcba9876543210").MintAuth(chat, session))),
		"a socket token as a view": second(k.OpenView(k.Mint(Socket, claims))),
	} {
		if !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrKind) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSecret(t *testing.T) {
	secret := func(key, purpose string) string { return string(ring(t, key).Secret(purpose)) }
	a := secret("0123456789abcdef", "a")
	if a != secret("0123456789abcdef", "a") || a == secret("0123456789abcdef", "b") || a == secret("fedcba9876543210", "a") || len(a) < MinKeySize {
		t.Errorf("the secret is %q", a)
	}
}

func second[A, B any](_ A, _ B, err error) error { return err }

func TestEveryBitCounts(t *testing.T) {
	k := ring(t, "0123456789abcdef")
	raw, _ := base64.RawURLEncoding.DecodeString(k.Mint(Connection, claims))
	for i := range raw {
		for bit := range 8 {
			raw[i] ^= 1 << bit
			if _, err := k.Verify(Connection, base64.RawURLEncoding.EncodeToString(raw), now); err == nil {
				t.Errorf("bit %d of byte %d can be changed", bit, i)
			}
			raw[i] ^= 1 << bit
		}
	}
}

func TestKeyringRotation(t *testing.T) {
	old, both := ring(t, "old-old-old-old-old"), ring(t, "new-new-new-new-new", "old-old-old-old-old")
	if _, err := both.Verify(Connection, old.Mint(Connection, claims), now); err != nil {
		t.Errorf("a token of the old key: %v", err)
	}
	if _, err := old.Verify(Connection, both.Mint(Connection, claims), now); !errors.Is(err, ErrInvalid) {
		t.Errorf("the old key verified a token of the new one: %v", err)
	}
}

func TestNewKeyringRefuses(t *testing.T) {
	if _, err := NewKeyring(); err == nil {
		t.Error("no key was fine")
	}
	if _, err := NewKeyring(make([]byte, MinKeySize-1)); err == nil {
		t.Error("a short key was fine")
	}
	if _, err := NewKeyring(NewKey()); err != nil {
		t.Error(err)
	}
}

func FuzzOpen(f *testing.F) {
	k, _ := NewKeyring([]byte("0123456789abcdef"))
	f.Add(k.Seal(Page, []byte("x")))
	f.Add("")
	f.Fuzz(func(t *testing.T, tok string) {
		if body, err := k.Open(Page, tok); err == nil && k.Seal(Page, body) != tok {
			t.Errorf("Open(%q) accepted what Seal doesn't make", tok)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	k, _ := NewKeyring([]byte("0123456789abcdef"))
	tok := k.Mint(Connection, claims)
	for b.Loop() {
		_, _ = k.Verify(Connection, tok, now)
	}
}
