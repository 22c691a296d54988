package desk

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/restjson"
	"github.com/parley-chat/parley/internal/store"
	"github.com/parley-chat/parley/internal/wire"
)

// GetTranscriptIn is the input of GetTranscript: the items of one contact, or with
// scope=chat those of the whole chain.
type GetTranscriptIn struct {
	ContactId *string `path:"ContactId" required:"true" max:"256"`
	Scope     *string `query:"scope" enum:"contact|chat"`
}

// Transcript has the form of the files that the real service keeps of a contact that is
// over (semantics.md 9.15). It has the items that are for agents.
type Transcript struct {
	Version          string         `json:"Version"`
	AWSAccountId     string         `json:"AWSAccountId"`
	InstanceId       string         `json:"InstanceId"`
	InitialContactId string         `json:"InitialContactId"`
	ContactId        string         `json:"ContactId"`
	Participants     []Participated `json:"Participants"`
	Transcript       []wire.Item    `json:"Transcript"`
}

// Participated names somebody who has an item in a transcript.
type Participated struct {
	ParticipantId string `json:"ParticipantId"`
}

// transcriptVersion is that of the form.
const transcriptVersion = "2019-08-26"

// Items are read transcriptPage at a time, up to maxItems.
const transcriptPage, maxItems = 500, 20000

func (s *Desk) getTranscript(ctx context.Context, in *GetTranscriptIn) (*Transcript, error) {
	var contact chat.ContactID
	id, err := s.view(ctx, *in.ContactId, func(_ *chat.Chat, k *chat.Contact) error {
		contact = k.ID
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &Transcript{
		Version: transcriptVersion, AWSAccountId: s.config.Center.Instance.AccountID, InstanceId: s.config.Center.Instance.ID,
		InitialContactId: id.String(), ContactId: contact.String(), Participants: []Participated{}, Transcript: []wire.Item{},
	}
	err = s.items(ctx, id, func(e *chat.Entry) {
		if restjson.Value(in.Scope) == "chat" || e.Contact == contact {
			out.add(wire.FromEntry(id, e))
		}
	})
	return out, err
}

// items goes through what a chat's agents may see.
func (s *Desk) items(ctx context.Context, id chat.ChatID, each func(*chat.Entry)) error {
	next := int64(1)
	for range maxItems / transcriptPage {
		items, err := s.config.Node.Items(ctx, id, store.Query{From: next, To: 1 << 62, Limit: transcriptPage})
		if err != nil {
			return err
		}
		for i := range items {
			if items[i].To.Includes(chat.Agent) {
				each(&items[i])
			}
		}
		if len(items) < transcriptPage {
			return nil
		}
		next = items[len(items)-1].Seq + 1
	}
	return nil
}

// add adds an item; the form has the ids of the contact once.
func (t *Transcript) add(it wire.Item) {
	it.InitialContactId, it.ContactId = "", ""
	t.Transcript = append(t.Transcript, it)
	who := Participated{it.ParticipantId}
	if who.ParticipantId != "" && !slices.Contains(t.Participants, who) {
		t.Participants = append(t.Participants, who)
	}
}

// transcriptText gives a transcript for people to read, as a file.
func (s *Desk) transcriptText(w http.ResponseWriter, r *http.Request) {
	ctx, err := s.authenticate(r, "", nil)
	var t *Transcript
	if err == nil {
		id, scope := r.PathValue("ContactId"), "chat"
		t, err = s.getTranscript(ctx, &GetTranscriptIn{ContactId: &id, Scope: &scope})
	}
	if err != nil {
		restjson.WriteError(w, r, asError(err))
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+t.ContactId+`.txt"`)
	_, _ = w.Write([]byte(t.text())) // an error means that nobody is there to read it
}

// text writes a line for each item, and the day where it begins.
func (t *Transcript) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Chat %s\n", t.InitialContactId)
	day := ""
	for i := range t.Transcript {
		it := &t.Transcript[i]
		at := it.AbsoluteTime // of a fixed width
		if at[:10] != day {
			day = at[:10]
			fmt.Fprintf(&b, "\n%s (UTC)\n", day)
		}
		fmt.Fprintf(&b, "%s  %s\n", at[11:19], line(it))
	}
	return b.String()
}

// line is what an item says, with further lines set in.
func line(it *wire.Item) string {
	switch it.Type {
	case "MESSAGE":
		return it.DisplayName + ": " + strings.ReplaceAll(it.Content, "\n", "\n          ")
	case "ATTACHMENT":
		return fmt.Sprintf("%s: [file %s]", it.DisplayName, it.Attachments[0].AttachmentName)
	}
	return strings.Join(strings.Fields("— "+it.DisplayName+" "+strings.TrimPrefix(it.ContentType, chat.EventPrefix)), " ")
}

func parseStamp(s string) (time.Time, error) { return time.Parse("2006-01-02T15:04:05.000Z", s) }
