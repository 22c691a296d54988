package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant/types"

	"github.com/parley-chat/parley/client/event"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
)

// member is somebody in a conversation: who sends, on one goroutine, and watches, on
// another.
type member struct {
	*sdkClient
	*conversation
	who     string
	role    chat.Role
	id      chat.ParticipantID
	leaving atomic.Bool // may have been made to leave
	in      bool        // has been let in
	sent    []sentMessage
	read    []string  // messages whose read receipt was acknowledged
	files   []chat.ID // that were sent

	mu       sync.Mutex
	seen     []string // ids of items in the order in which they came, from sockets or the transcript
	known    map[string]bool
	grew     chan struct{}
	last     string        // message of somebody else
	sessions [][]wire.Item // what came on each socket
	told     bool          // of the end
}

// join has somebody watch from now on, as come says.
func (k *conversation) join(who string, role chat.Role, id, token string) *member {
	m := k.member(who, role, id, token)
	if m != nil {
		m.come()
	}
	return m
}

// member is somebody who has a place, and has not come yet.
func (k *conversation) member(who string, role chat.Role, id, token string) *member {
	parsed, err := chat.ParseID(id)
	if err != nil {
		k.Error(err)
		return nil
	}
	o := connectparticipant.Options{Retryer: aws.NopRetryer{}, HTTPClient: k.http}
	return &member{
		sdkClient: newClient(token, o, k.urls...), conversation: k, who: who, role: role, id: chat.ParticipantID{ID: parsed},
		known: make(map[string]bool), grew: make(chan struct{}, 1),
	}
}

// come has the member watch. It returns when their first socket is subscribed, or if they
// were not let in.
func (m *member) come() {
	k := m.conversation
	k.mu.Lock()
	k.members = append(k.members, m)
	k.mu.Unlock()
	settled := make(chan bool, 1)
	once := sync.OnceFunc(func() { settled <- true })
	k.watchers.Go(func() {
		m.watch(once)
		close(settled)
	})
	m.in = <-settled
}

func (m *member) String() string { return m.name + ", " + m.who }

// out reports whether it is right to refuse the member.
func (m *member) out() bool { return m.leaving.Load() || m.ending.Load() }

// errUnasked is of a connection that a node may have given without asking the database, as
// it does while that can't be asked.
var errUnasked = errors.New("a connection was given")

// wantOut checks that every call is refused, on any node.
func (m *member) wantOut() {
	token, limit := m.connectionToken(), time.Now().Add(recovery)
	m.mu.Lock()
	first := m.seen[0]
	m.mu.Unlock()
	for name, call := range map[string]func() error{
		"SendMessage": func() error { _, _, err := m.message(m.ctx, "too late", "too late"); return err },
		"SendEvent":   func() error { _, _, err := m.markRead(m.ctx, first); return err },
		"GetTranscript": func() error {
			_, err := m.api().GetTranscript(m.ctx, &connectparticipant.GetTranscriptInput{ConnectionToken: token})
			return err
		},
		"CreateParticipantConnection": func() error {
			_, err := m.connect(m.ctx)
			if err == nil && time.Now().Before(limit) {
				return errUnasked
			}
			return err
		},
	} {
		if err := m.insist(call); refusedFor(err) != "AccessDeniedException" && m.ctx.Err() == nil {
			m.Errorf("%v is out, and %s gave %v", m, name, err)
		}
	}
}

// speak has the member say one thing after the other until refused, and now and then
// type, and confirm what others have said.
func (m *member) speak() {
	m.senders.Go(func() {
		for n := 0; !m.Failed() && m.ctx.Err() == nil; n++ {
			if !m.say(fmt.Sprintf("%s says %d", m.who, n), fmt.Sprint(m.who, n)) {
				return
			}
			if other := m.lastOfOthers(); other != "" && n%3 == 0 && !m.confirm(other, n) {
				return
			}
		}
	})
}

// say says one thing, and reports whether that was not refused.
func (m *member) say(content, token string) bool {
	var id, at string
	if !m.do("SendMessage", func() (err error) { id, at, err = m.message(m.ctx, content, token); return err }) {
		return false
	}
	m.sent = append(m.sent, sentMessage{id, at, content})
	m.said.Add(1)
	select {
	case m.heard <- struct{}{}:
	default:
	}
	return true
}

// confirm says what became of somebody else's message.
func (m *member) confirm(message string, n int) bool {
	if n%2 == 0 && !m.do("SendEvent", func() error { return m.event(event.ContentDelivered, message, "INCOMING_DELIVERED_RECEIPT") }) {
		return false
	}
	if n%9 == 0 && !m.do("SendEvent", func() error { return m.event(event.ContentTyping, "", "") }) {
		return false
	}
	if n%4 != 0 && !m.do("SendEvent", func() error { _, _, err := m.markRead(m.ctx, message); return err }) {
		return false
	}
	if n%4 != 0 {
		m.read = append(m.read, message)
	}
	return true
}

func (m *member) event(contentType, message, token string) error {
	in := &connectparticipant.SendEventInput{ConnectionToken: m.connectionToken(), ContentType: &contentType}
	if message != "" {
		in.Content, in.ClientToken = aws.String(fmt.Sprintf(`{"messageId":%q}`, message)), &token
	}
	_, err := m.api().SendEvent(m.ctx, in)
	return err
}

// do insists on a request, and reports whether it succeeded. To be refused is wrong for
// whoever is not out.
func (m *member) do(name string, try func() error) bool {
	err := m.insist(try)
	if err != nil && m.ctx.Err() == nil && (!m.out() || refusedFor(err) != "AccessDeniedException") {
		m.Errorf("%v: %s was refused: %v", m, name, err)
	}
	return err == nil
}

// lastOfOthers is the newest message seen that another person has sent.
func (m *member) lastOfOthers() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last
}

// upload sends a file, and waits until it is an item.
func (m *member) upload() {
	const text = "a file"
	var started *connectparticipant.StartAttachmentUploadOutput
	ok := m.do("StartAttachmentUpload", func() (err error) {
		started, err = m.api().StartAttachmentUpload(m.ctx, &connectparticipant.StartAttachmentUploadInput{
			ConnectionToken: m.connectionToken(), AttachmentName: aws.String("a.txt"), AttachmentSizeInBytes: int64(len(text)),
			ContentType: aws.String("text/plain"), ClientToken: aws.String("start"),
		})
		return err
	}) && m.do("PUT", func() error {
		req, err := http.NewRequestWithContext(m.ctx, http.MethodPut, *started.UploadMetadata.Url, bytes.NewReader([]byte(text)))
		if err != nil {
			return err
		}
		for name, value := range started.UploadMetadata.HeadersToInclude {
			req.Header.Set(name, value)
		}
		return transferFile(m.http, req, nil)
	}) && m.do("CompleteAttachmentUpload", func() error {
		_, err := m.api().CompleteAttachmentUpload(m.ctx, &connectparticipant.CompleteAttachmentUploadInput{
			ConnectionToken: m.connectionToken(), AttachmentIds: []string{*started.AttachmentId}, ClientToken: aws.String("complete"),
		})
		return err
	})
	if !ok {
		return
	}
	file, err := chat.ParseID(*started.AttachmentId)
	if err != nil {
		m.Error(err)
		return
	}
	m.files = append(m.files, file)
	m.download(*started.AttachmentId, text)
}

// download gets a file as soon as it can be had.
func (m *member) download(id, want string) {
	var got bytes.Buffer
	limit := time.Now().Add(recovery)
	for {
		err := m.insist(func() error {
			out, err := m.api().GetAttachment(m.ctx, &connectparticipant.GetAttachmentInput{ConnectionToken: m.connectionToken(), AttachmentId: &id})
			if err != nil {
				return err
			}
			req, err := http.NewRequestWithContext(m.ctx, http.MethodGet, *out.Url, nil)
			if err != nil {
				return err
			}
			got.Reset()
			return transferFile(m.http, req, &got)
		})
		switch {
		case err == nil && got.String() == want, m.ctx.Err() != nil:
			return
		case err == nil, time.Now().After(limit):
			m.Errorf("%v: the file is %q, %v", m, got.String(), err)
			return
		}
		m.reconnect(m.ctx) // it is still being looked at
	}
}

// transferFile sends a request to the store of files.
func transferFile(c *http.Client, req *http.Request, into io.Writer) error {
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", resp.Status)
	}
	if into == nil {
		into = io.Discard
	}
	_, err = io.Copy(into, resp.Body)
	return err
}

// watch keeps a websocket open, and after each gap reads what came in it, until there is
// nothing more to come.
func (m *member) watch(subscribed func()) {
	for m.ctx.Err() == nil && !m.Failed() {
		err := m.listenTo(m.ctx, func() error {
			m.mu.Lock()
			m.sessions = append(m.sessions, nil)
			m.mu.Unlock()
			err := m.catchUp()
			if err == nil {
				subscribed()
			}
			return err
		}, m.take)
		switch {
		case m.wasTold():
			return
		case refusedFor(err) == "AccessDeniedException":
			if !m.out() {
				m.Errorf("%v: not let in: %v", m, err)
			}
			return
		case refusedFor(err) != "" && m.ctx.Err() == nil:
			m.Errorf("%v: %v", m, err)
			return
		}
		m.reconnect(m.ctx)
	}
}

// wasTold reports whether the member saw the end.
func (m *member) wasTold() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.told
}

// take takes what came on a socket.
func (m *member) take(content []byte) error {
	var it wire.Item
	if err := json.Unmarshal(content, &it); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.told {
		m.Errorf("%v: %s came after the end", m, content)
	}
	if it.ContentType == event.ContentTyping {
		return nil
	}
	n := len(m.sessions) - 1
	m.sessions[n] = append(m.sessions[n], it)
	if (&event.Item{Type: it.Type, ContentType: it.ContentType, Completed: true}).Kept() {
		m.see(it.Id, it.Type, it.ParticipantRole, it.ParticipantId)
	}
	m.told = it.ContentType == chat.EventEnded
	return nil
}

// see takes an item that is new. It is called with mu held.
func (m *member) see(id, kind, role, by string) {
	if m.known[id] {
		return
	}
	m.known[id] = true
	m.seen = append(m.seen, id)
	if kind == "MESSAGE" && role != string(chat.System) && by != m.id.String() {
		m.last = id
	}
}

// catchUp reads the transcript from the last item seen.
func (m *member) catchUp() error {
	m.mu.Lock()
	start := &types.StartPosition{AbsoluteTime: aws.String("2000-01-01T00:00:00.000Z")}
	if n := len(m.seen); n > 0 {
		start = &types.StartPosition{Id: &m.seen[n-1]}
	}
	m.mu.Unlock()
	return m.pages(m.ctx, start, func(it types.Item) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.see(*it.Id, string(it.Type), string(it.ParticipantRole), aws.ToString(it.ParticipantId))
	})
}
