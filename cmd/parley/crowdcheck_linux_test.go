package main

import (
	"context"
	"reflect"
	"slices"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/store"
	"github.com/parley-chat/parley/internal/wire"
)

// check compares what everybody was told with what is stored.
func (k *conversation) check(st store.Store) {
	k.Helper()
	log := k.log(st)
	k.checkLog(log)
	k.checkTicks(log)
	k.checkDue(log)
	k.checkGiven(log)
	byID := make(map[string]*chat.Entry)
	for i := range log {
		byID[log[i].ID.String()] = &log[i]
	}
	for _, m := range k.members {
		m.checkSent(byID)
		m.checkConfirmed(log)
		m.checkSeen(log)
		for _, frames := range m.sessions {
			m.checkSession(frames, log)
		}
	}
}

// log reads what is stored of the chat.
func (k *conversation) log(st store.Store) (log []chat.Entry) {
	k.Helper()
	for {
		page, err := st.Entries(context.Background(), k.id, int64(len(log)), 500)
		if err != nil {
			k.Fatal(err)
		}
		if len(page) == 0 {
			return log
		}
		log = append(log, page...)
	}
}

// checkLog looks for what is there twice, or too late.
func (k *conversation) checkLog(log []chat.Entry) {
	k.Helper()
	once := make(map[any]bool)
	for i := range log {
		e := &log[i]
		if i > 0 && !log[i-1].At.Before(e.At) {
			k.Errorf("%s: entry %d is not later than the one before it", k.name, e.Seq)
		}
		if i > 0 && e.Delivered() && log[i-1].Kind == chat.KindEnded {
			k.Errorf("%s: %s comes after the end", k.name, e.Kind)
		}
		for _, key := range onlyOnce(e) {
			if once[key] {
				k.Errorf("%s: %v is there twice", k.name, key)
			}
			once[key] = true
		}
	}
	must := []any{chat.KindEnded}
	if len(log) > 0 && log[len(log)-1].Cause != chat.CauseNotConnected {
		must = append(must, k.must...)
	}
	for _, key := range must {
		if !once[key] {
			k.Errorf("%s: %v is missing", k.name, key)
		}
	}
}

// onlyOnce gives keys that no two entries of a chat may have.
func onlyOnce(e *chat.Entry) []any {
	switch e.Kind {
	case chat.KindMessage:
		return []any{e.ID, e.Content.Text}
	case chat.KindJoined, chat.KindLeft, chat.KindWithdrawn:
		return []any{e.ID, string(e.Kind) + e.By.ID.String()}
	case chat.KindAttachment:
		return []any{e.ID, "file " + e.File.ID.String()}
	case chat.KindTransferred, chat.KindAutoDisconnect, chat.KindEnded:
		return []any{e.ID, e.Kind}
	}
	return []any{e.ID}
}

// checkSent looks for what was acknowledged.
func (m *member) checkSent(byID map[string]*chat.Entry) {
	m.Helper()
	var last int64
	for _, sent := range m.sent {
		e := byID[sent.id]
		switch {
		case e == nil || e.Kind != chat.KindMessage:
			m.Errorf("%v: %q was acknowledged as %s and is missing", m, sent.content, sent.id)
			continue
		case e.Content.Text != sent.content || wire.Time(e.At) != sent.at || e.By.ID != m.id:
			m.Errorf("%v: %q was acknowledged at %s and is %+v", m, sent.content, sent.at, e)
		case e.Seq < last:
			m.Errorf("%v: %q is before what was sent earlier", m, sent.content)
		}
		last = e.Seq
	}
}

// checkConfirmed looks for receipts and files that were acknowledged, and whether
// receipts only ever say more.
func (m *member) checkConfirmed(log []chat.Entry) {
	m.Helper()
	receipts, files := make(map[string]chat.Receipt), make(map[chat.ID]bool)
	for i := range log {
		switch e := &log[i]; {
		case e.Kind == chat.KindAttachment:
			files[e.File.ID] = true
		case e.Kind == chat.KindReceipt && e.By.ID == m.id:
			was, is := receipts[e.Receipt.Item.String()], *e.Receipt
			if !was.Delivered.IsZero() && (!was.Delivered.Equal(is.Delivered) || !was.Read.IsZero()) {
				m.Errorf("%v: the receipt %+v became %+v", m, was, is)
			}
			receipts[e.Receipt.Item.String()] = is
		}
	}
	for _, id := range m.read {
		if receipts[id].Read.IsZero() {
			m.Errorf("%v: that %s was read was acknowledged and is missing", m, id)
		}
	}
	for _, id := range m.files {
		if !files[id] {
			m.Errorf("%v: the file %v was acknowledged and is missing", m, id)
		}
	}
}

// checkSeen compares what was seen, on sockets and in the transcript, with all there was
// to see: it is the same, or for those who could not come back the beginning of it.
func (m *member) checkSeen(log []chat.Entry) {
	m.Helper()
	left, n := false, 0
	for i := range log {
		e := &log[i]
		if !e.Visible() || !e.To.Includes(m.role) {
			continue
		}
		parting := e.Kind == chat.KindLeft || e.Kind == chat.KindEnded
		optional := !e.For(m.id, m.role) || left
		switch {
		case n < len(m.seen) && m.seen[n] == e.ID.String() && (!left || parting):
			n++
		case optional, n == len(m.seen) && !m.told:
		default:
			m.Errorf("%v has seen %d of the items, and then not %s of %v", m, n, e.Kind, e.At)
			return
		}
		left = left || e.Kind == chat.KindLeft && e.By.ID == m.id
	}
	if n < len(m.seen) {
		m.Errorf("%v: item %d of what was seen, %s, is at the wrong place or not stored", m, n, m.seen[n])
	}
}

// checkSession compares what came on one socket with the log: it is a part of it, without
// gaps.
func (m *member) checkSession(frames []wire.Item, log []chat.Entry) {
	m.Helper()
	if len(frames) == 0 {
		return
	}
	i := slices.IndexFunc(log, func(e chat.Entry) bool { return e.ID.String() == frames[0].Id })
	if i < 0 {
		m.Errorf("%v: %+v came on a socket and is not stored", m, frames[0])
		return
	}
	left, n := false, 0
	for ; i < len(log) && n < len(frames); i++ {
		e := &log[i]
		parting := e.Kind == chat.KindLeft || e.Kind == chat.KindEnded
		if !e.Delivered() || !e.For(m.id, m.role) || left && !parting {
			continue
		}
		if want := wire.FromEntry(m.conversation.id, e); !reflect.DeepEqual(frames[n], want) {
			m.Errorf("%v: item %d on a socket is %+v, want %+v", m, n, frames[n], want)
			return
		}
		n++
		left = left || e.Kind == chat.KindLeft && e.By.ID == m.id
	}
	if n < len(frames) {
		m.Errorf("%v: %+v came on a socket after all there is", m, frames[n])
	}
}
