package natsbus

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/chat"
)

// A message is a head, which stays as it is for ever, and a body, which may be missing:
//
//	byte 0     the version of the body; 0 if there is none
//	byte 1-8   the Seq of the chat's last entry, big-endian; 0 if nothing is said of it
//	byte 9-    the body
//
// Nodes of different versions run side by side while they are replaced. So members may
// be added to the body, and readers ignore those they don't know. If its meaning has
// to change, so does its version; who doesn't know that has the head, which is enough
// to look into the store.
const (
	headSize          = 9
	noBody, jsonBody1 = 0, 1
)

// jsonBody is the body of version 1: JSON. Entries are in the form in which stores keep
// them, which old nodes can read for the same reason; signals have the members of
// [chat.Signal].
type jsonBody struct {
	Entries []entry       `json:"e,omitempty"`
	Signals []chat.Signal `json:"s,omitempty"`
}

type entry struct {
	Seq        int64   `json:"seq"`
	ID         chat.ID `json:"id"`
	At         int64   `json:"at"` // Unix milliseconds
	chat.Entry `json:",inline"`
}

// compact leaves out what is zero. Empty slices and maps aren't, and come back as such.
var compact = json.OmitZeroStructFields(true)

var errDamaged = errors.New("natsbus: not a notice")

// encode writes a notice in at most limit bytes: if need be without its entries, and if
// that is still too much, without the signals.
func encode(n bus.Notice, limit int) []byte {
	seq := top(n)
	for _, entries := range [][]chat.Entry{n.Entries, nil} {
		data, err := pack(seq, entries, n.Signals)
		if err == nil && len(data) <= limit {
			return data
		}
	}
	return head(noBody, seq)
}

// top is the highest Seq that a notice tells of.
func top(n bus.Notice) int64 {
	if last := len(n.Entries) - 1; last >= 0 {
		return max(n.Seq, n.Entries[last].Seq)
	}
	return n.Seq
}

func head(version byte, seq int64) []byte {
	return binary.BigEndian.AppendUint64([]byte{version}, uint64(seq))
}

func pack(seq int64, entries []chat.Entry, signals []chat.Signal) ([]byte, error) {
	if len(entries)+len(signals) == 0 {
		return head(noBody, seq), nil
	}
	body := jsonBody{Signals: signals}
	for _, e := range entries {
		body.Entries = append(body.Entries, entry{Seq: e.Seq, ID: e.ID, At: e.At.UnixMilli(), Entry: e})
	}
	buf := bytes.NewBuffer(head(jsonBody1, seq))
	err := json.MarshalWrite(buf, &body, compact)
	return buf.Bytes(), err
}

// decode reads a message. A notice comes with an error too, if there is a head that
// says how long the chat is.
func decode(data []byte) (bus.Notice, error) {
	if len(data) < headSize {
		return bus.Notice{}, errDamaged
	}
	n := bus.Notice{Seq: int64(binary.BigEndian.Uint64(data[1:headSize]))}
	if n.Seq < 0 {
		return bus.Notice{}, errDamaged
	}
	if data[0] != jsonBody1 {
		return n, nil
	}
	var body jsonBody
	if err := json.Unmarshal(data[headSize:], &body); err != nil {
		return n, err
	}
	for _, e := range body.Entries {
		e.Entry.Seq, e.Entry.ID, e.Entry.At = e.Seq, e.ID, time.UnixMilli(e.At).UTC()
		n.Entries = append(n.Entries, e.Entry)
	}
	for i := range n.Entries {
		if n.Entries[i].Seq != n.Entries[0].Seq+int64(i) {
			n.Entries = nil
			return n, errDamaged
		}
	}
	n.Signals = body.Signals
	return n, nil
}

// subject is the chat's, without the prefix.
func subject(id chat.ChatID) string { return hex.EncodeToString(id.UUID[:]) }

// chatOf reads what subject made.
func chatOf(s string) (id chat.ChatID, ok bool) {
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != len(id.UUID) {
		return id, false
	}
	copy(id.UUID[:], raw)
	return id, true
}
