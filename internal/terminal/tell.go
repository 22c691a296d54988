// Package terminal shows a chat on a terminal or in a pipe: full-screen, as lines, or as
// JSON.
package terminal

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/parley-chat/parley/client/event"
)

// Teller prints events: as lines for people, or as JSON, one object on a line. Events
// are told by one goroutine.
type Teller struct {
	Out  io.Writer
	JSON bool

	mu    sync.Mutex
	names map[string]string // of participants, by id
}

// Tell prints an event, unless it is one that people need no line for.
func (t *Teller) Tell(e event.Event) error {
	line := describe(e)
	if r, ok := e.(event.Receipt); ok && line != "" {
		line = t.receipt(r)
	}
	t.learn(e)
	if t.JSON {
		raw, err := json.Marshal(record(e))
		if err != nil {
			return err
		}
		line = string(EscapeJSON(raw))
	}
	if line == "" {
		return nil
	}
	return t.print(line)
}

// learn notes what somebody is called.
func (t *Teller) learn(e event.Event) {
	if it, _ := event.Of(e); it.DisplayName != "" {
		if t.names == nil {
			t.names = make(map[string]string)
		}
		t.names[it.ParticipantID] = Line(it.DisplayName)
	}
}

// receipt says whose it is.
func (t *Teller) receipt(r event.Receipt) string {
	name := cmp.Or(t.names[r.By.ParticipantID], "somebody")
	if r.By.Read.IsZero() {
		return "* " + name + " got that"
	}
	return "* " + name + " has read that"
}

// note prints something that is no event, for people.
func (t *Teller) note(text string) error {
	if t.JSON || text == "" {
		return nil
	}
	return t.print(text)
}

func (t *Teller) print(line string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, err := fmt.Fprintln(t.Out, line)
	return err
}

// told is an event as JSON: the name of its type, and the item as it came.
type told struct {
	Event    string          `json:"event"`
	Text     string          `json:"text,omitempty"` // of a message that is being written
	Inferred bool            `json:"inferred,omitempty"`
	Error    string          `json:"error,omitempty"`
	Item     json.RawMessage `json:"item,omitempty"`
}

func record(e event.Event) told {
	t := told{Event: strings.ToLower(reflect.TypeOf(e).Name())}
	if it, ok := event.Of(e); ok {
		t.Item = it.Raw
	}
	switch e := e.(type) {
	case event.Partial:
		t.Text = e.Text
	case event.Ended:
		t.Inferred = e.Inferred
	case event.Disconnected:
		t.Error = e.Err.Error()
	}
	return t
}

// describe says in a line what has happened; nothing if that is not worth one.
func describe(e event.Event) string {
	it, _ := event.Of(e)
	name := Line(it.DisplayName)
	switch e := e.(type) {
	case event.Message:
		return name + ": " + said(e.Item)
	case event.Attachment:
		return "* " + name + " shares " + files(e.Item)
	case event.Joined:
		return "* " + name + " joined (" + strings.ToLower(Line(string(e.Role))) + ")"
	case event.Left:
		return "* " + name + " left"
	case event.Invited:
		return "* " + name + " was invited"
	case event.Typing:
		if !e.Own {
			return "* " + name + " is typing"
		}
	case event.Receipt:
		if !e.Own && !e.By.Read.IsZero() {
			return "* read"
		} else if !e.Own {
			return "* delivered"
		}
	case event.Idle:
		return "* " + name + " is idle"
	case event.Returned:
		return "* " + name + " is back"
	case event.AutoDisconnected:
		return "* " + name + " was away for too long"
	case event.Renamed:
		return "* somebody is called " + name + " now"
	case event.Transferred:
		if e.Failed {
			return "* the transfer failed"
		}
		return "* the chat was transferred"
	case event.Authentication:
		return "* signing in: " + Line(e.State)
	case event.Ended:
		return "* the chat is over"
	case event.Disconnected:
		return "* the connection is lost; connecting again"
	}
	return ""
}

// said is the text of a message, on lines of their own if it has several.
func said(it event.Item) string {
	return strings.ReplaceAll(Printable(it.Content), "\n", "\n    ")
}

// files lists the attachments of an item, with the id by which they can be had.
func files(it event.Item) string {
	var list []string
	for _, f := range it.Attachments {
		list = append(list, fmt.Sprintf("%s (%s, %s)", Line(f.Name), strings.ToLower(Line(string(f.Status))), Line(f.ID)))
	}
	return strings.Join(list, ", ")
}

// Printable shows what others wrote without letting it command the terminal, or turn the
// direction of what comes after it.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r) || turns(r):
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// turns reports whether a character overrides the direction of writing for more than
// its neighbours.
func turns(r rune) bool { return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' }

// Line is Printable for what has a line, or a part of one: a name that others chose can't
// look like something that has happened.
func Line(s string) string { return strings.Join(strings.Fields(Printable(s)), " ") }

// EscapeJSON escapes those characters that terminals obey and that JSON allows as they
// are.
func EscapeJSON(raw []byte) []byte {
	obeyed := func(r rune) bool { return r > 0x7e && unicode.IsControl(r) || turns(r) }
	if bytes.IndexFunc(raw, obeyed) < 0 {
		return raw
	}
	var out []byte
	for _, r := range string(raw) {
		if obeyed(r) {
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			out = utf8.AppendRune(out, r)
		}
	}
	return out
}
