package node_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
)

// short shows a page: what was said, and the last word of events.
func short(items []chat.Entry) string {
	var all []string
	for _, e := range items {
		if e.Kind == chat.KindMessage {
			all = append(all, e.Content.Text)
		} else {
			all = append(all, string(e.Kind))
		}
	}
	return strings.Join(all, " ")
}

// walk reads all pages, from the newest backward.
func (w *world) walk(id chat.ChatID, by chat.ParticipantID, p node.Page) (pages []string) {
	w.Helper()
	p.Backward = true
	for range 100 {
		got, err := w.nodes[0].Transcript(w.ctx, id, by, p)
		if err != nil {
			w.Fatal(err)
		}
		if past := p.From.Seq != 0 && p.From.Chat != id; got.Past != past {
			w.Errorf("page %+v is of the past: %t", p, got.Past)
		}
		pages = append(pages, short(got.Items))
		if got.Next.Seq == 0 {
			return pages
		}
		p.From = got.Next
	}
	w.Fatal("the pages don't end")
	return nil
}

// begins starts a chat that continues another one; its customer has connected.
func (w *world) begins(past *chat.Past) (chat.ChatID, chat.ParticipantID) {
	w.Helper()
	id, jane, err := w.nodes[0].Start(w.ctx, settings, past, "")
	if err != nil {
		w.Fatal(err)
	}
	w.do(0, id, chat.Connect{By: jane})
	return id, jane
}

// serve has an agent join, say something, and hand the chat over to a queue.
func (w *world) serve(id chat.ChatID, text string) chat.ContactID {
	w.Helper()
	bob := chat.ParticipantID{ID: w.do(0, id, chat.AddParticipant{Role: chat.Agent, Name: "Bob"}).ID}
	w.do(0, id, chat.Connect{By: bob})
	w.do(0, id, say(bob, text, ""))
	return chat.ContactID{ID: w.do(0, id, chat.Transfer{Queue: "q"}).ID}
}

// A chat continues another one from its end or from one of its contacts on, and that one a
// third (semantics.md 5). Walking back, one page is of one chat.
func TestPastChats(t *testing.T) {
	play(t, 1, func(w *world) {
		first, jane := w.begins(nil)
		w.do(0, first, say(jane, "1a", ""))
		second := w.serve(first, "1b")
		w.do(0, first, say(jane, "1c", ""))
		w.do(0, first, chat.Stop{})

		whole, jane2 := w.begins(&chat.Past{Chat: first, Contact: second})
		w.do(0, whole, say(jane2, "2a", ""))
		want := []string{"joined 2a", "joined 1a joined 1b transferred left 1c left ended"}
		if got := w.walk(whole, jane2, node.Page{Limit: 50}); !slices.Equal(got, want) {
			t.Errorf("the whole past: %q, want %q", got, want)
		}
		w.do(0, whole, chat.Stop{})

		part, jane3 := w.begins(&chat.Past{Chat: first, Contact: first.FirstContact()})
		want = []string{"joined", "joined 1b transferred left", "joined 1a"}
		if got := w.walk(part, jane3, node.Page{Limit: 4}); !slices.Equal(got, want) {
			t.Errorf("a part of the past: %q, want %q", got, want)
		}

		third, jane4 := w.begins(nil)
		w.do(0, third, chat.Rehydrate{Past: chat.Past{Chat: whole, Contact: whole.FirstContact()}})
		want = []string{"joined", "left ended", "joined 2a", "left ended", "left 1c", "1b transferred", "1a joined", "joined"}
		if got := w.walk(third, jane4, node.Page{Limit: 2}); !slices.Equal(got, want) {
			t.Errorf("the past of the past: %q, want %q", got, want)
		}
	})
}

// Receipts are those of the past chat; and where a page selects, there is no past.
func TestPastPages(t *testing.T) {
	play(t, 1, func(w *world) {
		first, jane := w.begins(nil)
		bob := chat.ParticipantID{ID: w.do(0, first, chat.AddParticipant{Role: chat.Agent, Name: "Bob"}).ID}
		w.do(0, first, chat.Connect{By: bob})
		said := w.do(0, first, say(jane, "hi", "")).ID
		w.do(0, first, chat.SendEvent{By: bob, Type: chat.EventRead, Content: fmt.Sprintf(`{"messageId":"%v"}`, said)})
		w.do(0, first, chat.Stop{})
		id, jane2 := w.begins(&chat.Past{Chat: first, Contact: first.FirstContact()})

		past := node.Page{Backward: true, Limit: 50, From: node.Place{Chat: first, Seq: 1000}}
		got, err := w.nodes[0].Transcript(w.ctx, id, jane2, past)
		if err != nil || !got.Past || len(got.Receipts[said]) != 1 {
			t.Errorf("%+v, %v", got, err)
		}
		for what, p := range map[string]node.Page{
			"forward":             {Limit: 50, Time: dawn},
			"of a contact":        {Limit: 50, Backward: true, Contact: id.FirstContact()},
			"from a past item on": {Limit: 50, Backward: true, ID: said},
		} {
			if got, err := w.nodes[0].Transcript(w.ctx, id, jane2, p); err != nil || got.Next.Seq != 0 || got.Past {
				t.Errorf("%s: %+v, %v", what, got, err)
			}
		}
		w.store.onRead(func(what string) error {
			if what == "Entries" {
				return errDisk
			}
			return nil
		})
		if _, err := w.nodes[0].Transcript(w.ctx, id, jane2, node.Page{Backward: true, Limit: 50}); err != errDisk {
			t.Errorf("the past chat can't be read: %v", err)
		}
	})
}

// A page of one contact; a participant's own contact is what was said while it went on.
func TestPageOfAContact(t *testing.T) {
	play(t, 1, func(w *world) {
		id, jane := w.begins(nil)
		w.do(0, id, say(jane, "a", ""))
		second := w.serve(id, "b")
		w.do(0, id, say(jane, "c", ""))
		own := chat.ContactID{ID: w.do(0, id, chat.Monitor{User: chat.User{ID: "max", Name: "Max"}}).ID}
		w.do(0, id, say(jane, "d", ""))
		w.do(0, id, chat.Stop{Contact: own})
		w.do(0, id, say(jane, "e", ""))
		for contact, want := range map[chat.ContactID]string{
			id.FirstContact(): "joined a joined b transferred left", second: "c d e", own: "d",
			{}: "joined a joined b transferred left c d e",
		} {
			got, err := w.nodes[0].Transcript(w.ctx, id, jane, node.Page{Backward: true, Limit: 50, Contact: contact})
			if err != nil || short(got.Items) != want {
				t.Errorf("%v: %q, %v, want %q", contact, short(got.Items), err, want)
			}
		}
		unknown := chat.ContactID{ID: node.NewID(dawn)}
		if _, err := w.nodes[0].Transcript(w.ctx, id, jane, node.Page{Limit: 1, Contact: unknown}); !errors.Is(err, node.ErrNoContact) {
			t.Errorf("an unknown contact: %v", err)
		}
	})
}

// Who may not see an item doesn't find it in the transcript either. There is a next page all
// the same.
func TestPageForAnAudience(t *testing.T) {
	play(t, 1, func(w *world) {
		set := settings
		set.Flow.Steps = []chat.Step{{Say: "all"}, {Say: "agent", To: chat.ToAgent}, {Say: "customer", To: chat.ToCustomer}}
		id, jane, err := w.nodes[0].Start(w.ctx, set, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		w.do(0, id, chat.Connect{By: jane})
		add := func(r chat.Role) chat.ParticipantID {
			return chat.ParticipantID{ID: w.do(0, id, chat.AddParticipant{Role: r, Name: string(r)}).ID}
		}
		for by, want := range map[chat.ParticipantID]string{
			jane: "joined all customer", add(chat.Agent): "joined all agent",
			add(chat.Supervisor): "joined all agent customer", add(chat.CustomBot): "joined all",
		} {
			pages := w.walk(id, by, node.Page{Limit: 1})
			slices.Reverse(pages)
			if got := strings.Join(strings.Fields(strings.Join(pages, " ")), " "); got != want || len(pages) != 4 {
				t.Errorf("%q in %d pages, want %q in 4", got, len(pages), want)
			}
		}
	})
}

// A file of a past chat can still be downloaded.
func TestAttachmentOfAPastChat(t *testing.T) {
	play(t, 1, func(w *world) {
		first, jane := w.begins(nil)
		file := w.do(0, first, chat.StartUpload{By: jane, File: chat.File{Name: "a.png"}}).ID
		w.do(0, first, chat.CompleteUpload{By: jane, ID: file})
		w.do(0, first, chat.Stop{})
		second, _ := w.begins(&chat.Past{Chat: first, Contact: first.FirstContact()})
		third, _ := w.begins(&chat.Past{Chat: second, Contact: second.FirstContact()})
		for _, id := range []chat.ChatID{first, second, third} {
			if of, f, err := w.nodes[0].Attachment(w.ctx, id, file); err != nil || of != first || f.Name != "a.png" {
				t.Errorf("%v, %+v, %v", of, f, err)
			}
		}
		if _, _, err := w.nodes[0].Attachment(w.ctx, third, node.NewID(dawn)); reason(err) != chat.UnknownItem {
			t.Errorf("an unknown file: %v", err)
		}
		w.store.onRead(failing("Entries"))
		if _, _, err := w.nodes[0].Attachment(w.ctx, third, file); err != errDisk {
			t.Errorf("the chat can't be read: %v", err)
		}
	})
}

// A past chat that was deleted since is as if it had never been.
func TestPastDeleted(t *testing.T) {
	play(t, 1, func(w *world) {
		gone := chat.ChatID{ID: node.NewID(dawn)}
		id, jane := w.begins(&chat.Past{Chat: gone, Contact: gone.FirstContact()})
		if got, want := w.walk(id, jane, node.Page{Limit: 50}), []string{"joined"}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		page := node.Page{Backward: true, Limit: 50, From: node.Place{Chat: gone, Seq: 7}} // by an older token
		if got, err := w.nodes[0].Transcript(w.ctx, id, jane, page); err != nil || len(got.Items) != 0 || got.Next.Seq != 0 {
			t.Errorf("its page is %+v, %v", got, err)
		}
		var refused *chat.Refusal
		if _, _, err := w.nodes[0].Attachment(w.ctx, id, gone.ID); !errors.As(err, &refused) || refused.Reason != chat.UnknownItem {
			t.Errorf("an attachment of it: %v", err)
		}
	})
}
