package natsbus

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/nats-io/nats.go"
)

// How the connection is kept. NATS is local to the nodes, so that what takes seconds is
// broken.
const (
	dialWithin    = 2 * time.Second
	writeWithin   = 2 * time.Second
	reconnectWait = 250 * time.Millisecond
	// A server that answers no pings is left after pingEvery times maxPings.
	pingEvery = 2 * time.Second
	maxPings  = 2
)

// Options say how to reach NATS. URLs and Prefix are required.
type Options struct {
	// URLs are those of one or more servers of one cluster: nats://host:4222 or
	// tls://host:4222, with user:password@ or token@ before the host if need be.
	URLs []string
	// Prefix begins all subjects: what shares it shares its chats. It must not end
	// with a dot.
	Prefix string
	// Credentials is a file with a user's JWT and nkey (".creds"), or an nkey alone.
	Credentials string
	// CA is a PEM file of the authorities that may sign the servers' certificates; the
	// system's if empty. Cert and Key are PEM files of the client's own, if it needs one.
	CA, Cert, Key string
	// Name is shown in the monitoring of NATS.
	Name string
	// Clock tells the age of signals; the real one if nil.
	Clock clockwork.Clock
	// Log gets the changes of the connection; discarded if nil.
	Log *slog.Logger
}

// nats gives the options of the client.
func (o *Options) nats() (nats.Options, error) {
	n := nats.GetDefaultOptions()
	for i, s := range o.URLs {
		if u, err := url.Parse(s); err != nil || u.Hostname() == "" || u.Scheme != "nats" && u.Scheme != "tls" {
			return n, fmt.Errorf("natsbus: URL %d is not like nats://host:4222", i+1) // it may hold a password
		}
	}
	if len(o.URLs) == 0 {
		return n, errors.New("natsbus: no URL")
	}
	n.Servers, n.Name, n.NoEcho = o.URLs, o.Name, true
	n.Timeout, n.FlusherTimeout = dialWithin, writeWithin
	n.CustomDialer = &dialer{net.Dialer{Timeout: dialWithin}}
	n.RetryOnFailedConnect, n.MaxReconnect, n.ReconnectWait = true, -1, reconnectWait
	n.ReconnectBufSize = -1 // the queue is ours
	n.IgnoreAuthErrorAbort, n.ReconnectOnFlusherError = true, true
	n.PingInterval, n.MaxPingsOut = pingEvery, maxPings
	n.SkipSubjectValidation, n.NoCallbacksAfterClientClose = true, true
	var files []nats.Option
	if o.CA != "" {
		files = append(files, nats.RootCAs(o.CA))
	}
	if o.Cert+o.Key != "" {
		files = append(files, nats.ClientCert(o.Cert, o.Key))
	}
	if o.Credentials != "" {
		c, err := credentials(o.Credentials)
		if err != nil {
			return n, err
		}
		files = append(files, c)
	}
	for _, f := range files {
		if err := f(&n); err != nil {
			return n, fmt.Errorf("natsbus: %w", err)
		}
	}
	return n, nil
}

// credentials reads a file once, to find out what it is and whether it will do. It is
// read again for each connection, so that it can be replaced.
func credentials(file string) (nats.Option, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("natsbus: the credentials can't be read: %w", err)
	}
	if bytes.Contains(data, []byte("BEGIN NATS USER JWT")) {
		return nats.UserCredentials(file), nil
	}
	o, err := nats.NkeyOptionFromSeed(file)
	if err != nil {
		return nil, fmt.Errorf("natsbus: %s has neither a user's JWT nor an nkey", file)
	}
	return o, nil
}
