package natsbus

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"github.com/parley-chat/parley/internal/bus/bustest"
	"github.com/parley-chat/parley/internal/bus/natsbus/natstest"
)

// write makes a file of the test and gives its path.
func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{cert: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}}
	a.file, _ = a.sign(t, "ca", a.cert)
	return a
}

// sign makes a certificate, by itself for the first, and gives its files.
func (a *authority) sign(t *testing.T, name string, cert *x509.Certificate) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if a.key == nil {
		a.key = key
	}
	raw, err := x509.CreateCertificate(rand.Reader, cert, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, name+".pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})),
		write(t, name+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

func (a *authority) issue(t *testing.T, name string) (certFile, keyFile string) {
	t.Helper()
	return a.sign(t, name, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
}

func TestTLS(t *testing.T) {
	ours, others := newAuthority(t), newAuthority(t)
	cert, key := ours.issue(t, "server")
	config := func(more string) string {
		return fmt.Sprintf("tls { cert_file: %q, key_file: %q, ca_file: %q, %s }", cert, key, ours.file, more)
	}
	s := natstest.Start(t, config(""))
	url := strings.Replace(s.URL, "nats://", "tls://", 1)
	a, b := open(t, Options{URLs: []string{url}, CA: ours.file}), open(t, Options{URLs: []string{s.URL}, CA: ours.file})
	reach(t, a, b)
	said := new(book)
	fooled := open(t, Options{URLs: []string{url}, CA: others.file, Log: said.logger()})
	said.await(t, "certificate signed by unknown authority")

	s.Configure(config("verify: true"))
	s.Restart()
	ourCert, ourKey := ours.issue(t, "client")
	reach(t, open(t, Options{URLs: []string{url}, CA: ours.file, Cert: ourCert, Key: ourKey}),
		open(t, Options{URLs: []string{url}, CA: ours.file, Cert: ourCert, Key: ourKey}))
	for _, b := range []*Bus{a, fooled} {
		await(t, b, false)
	}

	plain := natstest.Start(t, "")
	said = new(book)
	open(t, Options{URLs: []string{strings.Replace(plain.URL, "nats://", "tls://", 1)}, Log: said.logger()})
	said.await(t, "secure connection not available")
}

// Wrong credentials are said and tried again: they may be put right on either side.
func TestWrongPassword(t *testing.T) {
	const first, second = `authorization { user: "parley", password: "old"}`, `authorization { user: "parley", password: "secret" }`
	said, s := new(book), natstest.Start(t, first)
	url := strings.Replace(s.URL, "//", "//parley:secret@", 1)
	a := open(t, Options{URLs: []string{url}, Log: said.logger()})
	said.await(t, "Authorization Violation")
	if well, _ := a.Health(); well {
		t.Error("the bus is well without having been let in")
	}
	s.Configure(second)
	s.Restart()
	reach(t, a, open(t, Options{URLs: []string{url}}))
	await(t, a, true)
	s.Configure(first)
	s.Restart()
	await(t, a, false)
	s.Configure(second)
	s.Restart()
	await(t, a, true)
	said.says(t, "secret", 0)
}

func TestToken(t *testing.T) {
	s := natstest.Start(t, "authorization { token: secret }")
	url := strings.Replace(s.URL, "//", "//secret@", 1)
	reach(t, open(t, Options{URLs: []string{url}}), open(t, Options{URLs: []string{url}}))
}

func TestNkey(t *testing.T) {
	user, seed := newKey(t, nkeys.CreateUser)
	s := natstest.Start(t, fmt.Sprintf("authorization { users: [ { nkey: %s } ] }", user))
	file := write(t, "user.nk", seed)
	reach(t, open(t, Options{URLs: []string{s.URL}, Credentials: file}), open(t, Options{URLs: []string{s.URL}, Credentials: file}))
}

func newKey(t *testing.T, create func() (nkeys.KeyPair, error)) (public string, seed []byte) {
	t.Helper()
	pair, err := create()
	if err == nil {
		public, err = pair.PublicKey()
	}
	if err == nil {
		seed, err = pair.Seed()
	}
	if err != nil {
		t.Fatal(err)
	}
	return public, seed
}

// signed encodes claims with the key of that seed.
func signed(t *testing.T, claims interface {
	Encode(nkeys.KeyPair) (string, error)
}, seed []byte) string {
	t.Helper()
	pair, err := nkeys.FromSeed(seed)
	if err != nil {
		t.Fatal(err)
	}
	text, err := claims.Encode(pair)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestCredentialsFile(t *testing.T) {
	operator, operatorSeed := newKey(t, nkeys.CreateOperator)
	account, accountSeed := newKey(t, nkeys.CreateAccount)
	user, userSeed := newKey(t, nkeys.CreateUser)
	s := natstest.Start(t, fmt.Sprintf("operator: %s\nresolver: MEMORY\nresolver_preload: { %s: %s }",
		signed(t, jwt.NewOperatorClaims(operator), operatorSeed), account,
		signed(t, jwt.NewAccountClaims(account), operatorSeed)))
	creds, err := jwt.FormatUserConfig(signed(t, jwt.NewUserClaims(user), accountSeed), userSeed)
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, "user.creds", creds)
	reach(t, open(t, Options{URLs: []string{s.URL}, Credentials: file}), open(t, Options{URLs: []string{s.URL}, Credentials: file}))
}

// A user that may not use the subjects is connected for nothing, which is said.
func TestNoPermission(t *testing.T) {
	said := new(book)
	s := natstest.Start(t, `authorization { users: [ { user: a, password: b, permissions: { publish: x, subscribe: x } } ] }`)
	a := open(t, Options{URLs: []string{strings.Replace(s.URL, "//", "//a:b@", 1)}, Log: said.logger()})
	await(t, a, true)
	a.Publish(typing(bustest.NewChat(), time.Now()))
	await(t, a, false)
	said.says(t, "NATS refuses a subject", 1)
}

func TestBadOptions(t *testing.T) {
	ours := newAuthority(t)
	cert, key := ours.issue(t, "client")
	empty := write(t, "empty", nil)
	for name, c := range map[string]struct {
		o    Options
		want string
	}{
		"no URL":            {Options{}, "no URL"},
		"no scheme":         {Options{URLs: []string{"nats://a", "b:4222"}}, "URL 2 is not"},
		"other scheme":      {Options{URLs: []string{"http://a"}}, "URL 1 is not"},
		"password in it":    {Options{URLs: []string{"nats://parley:secret@a:b"}}, "URL 1 is not"},
		"no CA file":        {Options{URLs: []string{"tls://a"}, CA: "missing"}, "missing"},
		"CA file is none":   {Options{URLs: []string{"tls://a"}, CA: empty}, empty},
		"cert without key":  {Options{URLs: []string{"tls://a"}, Cert: cert}, "client cert"},
		"not its key":       {Options{URLs: []string{"tls://a"}, Cert: cert, Key: ours.file}, "loading client certificate"},
		"no credentials":    {Options{URLs: []string{"nats://a"}, Credentials: "missing"}, "missing"},
		"other credentials": {Options{URLs: []string{"nats://a"}, Credentials: key}, "neither a user's JWT nor an nkey"},
	} {
		_, err := New(c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
