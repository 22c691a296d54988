package socket

import (
	"bytes"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
)

// lines is a log that can be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// has reports whether a line has the words.
func (l *lines) has(words string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.b.String(), words)
}

// find gives the line that has the words.
func (l *lines) find(t *testing.T, words string) string {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.b.String()) {
		if strings.Contains(line, words) {
			return line
		}
	}
	t.Fatalf("no line with %q in %s", words, &l.b)
	return ""
}

// TestLogLinesNameTheSocket makes a socket say each thing that it ever logs.
func TestLogLinesNameTheSocket(t *testing.T) {
	log := &lines{}
	w := newWorld(t, Config{QueueBytes: 2_000, Log: slog.New(slog.NewTextHandler(log, nil))})
	who := w.start()
	check := func(words, id string) {
		t.Helper()
		line := log.find(t, words)
		for _, want := range []string{" connection=" + strconv.Quote(id), " request=request-1", " chat=" + who.chat.String(), " participant=" + who.participant.String()} {
			if !strings.Contains(line, want) {
				t.Errorf("%s is missing in: %s", want, line)
			}
		}
	}

	c := w.dial(who)
	c.ping()
	w.store.mode.Store(panics)
	c.send(`{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}`)
	c.want(`{"topic":"aws/subscribe","content":{"status":"failure","topics":["aws/chat"]}}`)
	check("could not be subscribed", w.onlySocket())
	w.store.mode.Store(works)

	c.subscribe()
	c.wantItems("participant.joined")
	h := w.hub(who.chat)
	h.watch.Lock()
	stop := h.stop
	h.stop = func() { stop(); panic("oh no") }
	h.watch.Unlock()
	id := w.onlySocket()
	c.send(`{"topic":"aws/unsubscribe","content":{"topics":["aws/chat"]}}`)
	c.wantClose(closeInternal)
	check("made the server panic", id)
	c.Close()

	c = w.join(who)
	id = w.newSocket(id)
	w.do(who.chat, chat.SendMessage{By: who.participant, Content: chat.Content{Type: chat.TypePlain, Text: strings.Repeat("x", 2_000)}})
	c.wantClose(closeTryAgain)
	check("slow reader", id)
}

// onlySocket is the connection id of the one socket there is.
func (w *world) onlySocket() string { return w.newSocket("") }

// newSocket is that of one with another id than the old one's.
func (w *world) newSocket(old string) string {
	w.Helper()
	w.server.mu.Lock()
	defer w.server.mu.Unlock()
	for _, list := range w.server.open {
		for _, k := range list {
			if k.id != old {
				return k.id
			}
		}
	}
	w.Fatal("there is no such socket")
	return ""
}
