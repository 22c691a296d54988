package socket

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"net"
	"net/http"
	"time"

	"github.com/gorilla/websocket"

	"github.com/parley-chat/parley/internal/restjson"
)

// upgrade answers the request, with an error or by making it a websocket.
func (k *socket) upgrade(w http.ResponseWriter, r *http.Request) error {
	link := &link{}
	ws, err := k.srv.upgrader.Upgrade(&hijacker{w, link}, r, w.Header().Clone()) // with the edge's headers
	if err != nil {
		return err // it was answered
	}
	k.ws = ws
	k.out = outbox{of: k, conn: link.Conn}
	link.to = &k.out
	k.hear()
	k.subscribed(false)
	ws.SetReadLimit(maxFrame)
	ping := ws.PingHandler()
	ws.SetPingHandler(func(data string) error {
		k.hear()
		return ping(data)
	})
	ws.SetPongHandler(func(string) error {
		k.hear()
		return nil
	})
	return nil
}

// hijacker finds the connection behind a wrapped ResponseWriter, and hands a link to
// it to the websocket library.
type hijacker struct {
	http.ResponseWriter
	link *link
}

// Hijack implements [http.Hijacker].
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buf, err := http.NewResponseController(h.ResponseWriter).Hijack()
	h.link.Conn = conn
	return h.link, buf, err
}

// link is the connection as the websocket library sees it: once the socket is open,
// what the library writes by itself (pongs, close frames) takes its place among the
// other frames, and has no deadline of its own.
type link struct {
	net.Conn
	to *outbox
}

// Write implements [net.Conn].
func (l *link) Write(b []byte) (int, error) {
	if l.to == nil {
		return l.Conn.Write(b)
	}
	frame := bytes.Clone(b)
	if frame[0]&0x0f == websocket.CloseMessage {
		l.to.last(frame)
	} else {
		l.to.put(frame)
	}
	return len(b), nil
}

// SetWriteDeadline implements [net.Conn].
func (l *link) SetWriteDeadline(time.Time) error { return nil }

// requestID is the id that the edge has given to the request, if there is one.
func requestID(w http.ResponseWriter) string {
	if id := w.Header().Get("X-Amzn-Requestid"); id != "" {
		return id
	}
	return newID()
}

// newID makes an id like those an API Gateway gives to connections and requests:
// opaque, and of the same length.
func newID() string {
	var b [11]byte
	_, _ = rand.Read(b[:]) // never fails: see crypto/rand
	return base64.StdEncoding.EncodeToString(b[:])
}

// codes name the statuses of what is answered to a handshake that is none, or that
// comes at a bad time.
var codes = map[int]string{
	http.StatusMethodNotAllowed:   "UnknownOperationException",
	http.StatusUpgradeRequired:    "UpgradeRequiredException",
	http.StatusServiceUnavailable: "ServiceUnavailableException",
}

// writeError answers a handshake that becomes no websocket like any request that fails.
func writeError(w http.ResponseWriter, r *http.Request, status int, reason error) {
	e := &restjson.Error{Code: codes[status], Status: status, Message: reason.Error()}
	switch {
	case status == http.StatusInternalServerError:
		e = restjson.Internal(reason)
	case e.Code == "":
		e.Code = "BadRequestException"
	}
	restjson.WriteError(w, r, e)
}
