package socket

import (
	"context"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
)

// begin starts a chat with the settings, and names its customer.
func (w *world) begin(set chat.Settings) member {
	w.Helper()
	set.Customer.Name = "Jane"
	id, customer, err := w.node.Start(context.Background(), set, nil, "")
	if err != nil {
		w.Fatal(err)
	}
	return member{id, customer}
}

// What is for the agent or for the customer only reaches nobody else but supervisors
// (semantics.md 2.7).
func TestAudience(t *testing.T) {
	w := newWorld(t, Config{})
	customer := w.start(
		chat.Step{Wait: chat.WaitAgent}, chat.Step{Say: "for the agent", To: chat.ToAgent}, chat.Step{Say: "for the customer", To: chat.ToCustomer},
	)
	s := w.join(w.add(customer.chat, chat.Supervisor))
	c := w.join(customer)
	a := w.join(w.add(customer.chat, chat.Agent))
	c.wantItems("participant.joined", "participant.joined", "for the customer")
	a.wantItems("participant.joined", "for the agent")
	s.wantItems("participant.joined", "participant.joined", "for the agent", "for the customer")
	for _, k := range []*client{c, a, s} {
		k.ping()
	}
}

// transfer.succeeded ends the ChatJS session of everybody but the customer, so only who
// leaves is told, and not who takes over or watches (semantics.md 2.6, 14 F).
func TestTransfer(t *testing.T) {
	w := newWorld(t, Config{})
	customer := w.start()
	c, s := w.join(customer), w.join(w.add(customer.chat, chat.Supervisor))
	b := w.join(w.add(customer.chat, chat.Agent))
	c.wantItems("participant.joined", "participant.joined")
	s.wantItems("participant.joined")
	b.wantItems("participant.joined")

	next := w.do(customer.chat, chat.Transfer{User: &chat.User{ID: "sue", Name: "Sue"}}).ID
	sue := w.do(customer.chat, chat.AddParticipant{Role: chat.Agent, Name: "sue"}).ID
	n := w.join(member{customer.chat, chat.ParticipantID{ID: sue}})
	c.wantItems("transfer.succeeded", "participant.left")
	b.wantItems("transfer.succeeded", "participant.left")
	s.wantItems("participant.left", "participant.joined")
	n.wantItems("participant.left")
	for _, k := range []*client{c, n} {
		it := k.item()
		if short(it) != "participant.joined" || it.ContactId != next.String() || it.InitialContactId != customer.chat.String() {
			t.Errorf("got %+v, want Sue to join in the contact %v", it, next)
		}
	}
	w.say(customer, "Sue?") // on the socket that she has had all the time
	for _, k := range []*client{c, s, n} {
		k.wantItems("Sue?")
		k.ping()
	}
	b.ping()
}

// A supervisor who goes back to watching goes on being told everything.
func TestSteppingBack(t *testing.T) {
	w := newWorld(t, Config{})
	customer := w.start()
	c := w.join(customer)
	boss := w.add(customer.chat, chat.Supervisor)
	s := w.join(boss)
	w.do(boss.chat, chat.Connect{By: boss.participant, Via: chat.ViaRequest})
	w.do(boss.chat, chat.StepBack{By: boss.participant})
	w.say(customer, "hello")
	c.wantItems("participant.joined", "participant.joined", "participant.left", "hello")
	s.wantItems("participant.joined", "participant.left", "hello")
	w.leap(leaveAfter)
	s.ping()
}

// A customer who wants answers as they come gets the parts of a message; everybody else
// gets it as a whole, once (semantics.md 2.3).
func TestPartsAreForTheCustomer(t *testing.T) {
	w := newWorld(t, Config{})
	customer := w.begin(chat.Settings{
		ResponseMode: chat.Incremental,
		Flow:         chat.Flow{Steps: []chat.Step{{Say: "One two.", Stream: chat.StreamSplit}}},
	})
	s := w.join(w.add(customer.chat, chat.Supervisor))
	c := w.join(customer)
	c.wantItems("participant.joined")
	part := func(k *client, text string, number int, done bool) wire.Item {
		t.Helper()
		it := k.item()
		m := it.MessageMetadata
		if it.Content != text || it.ParticipantRole != "SYSTEM" || m == nil || m.ChunkNumber != number || *m.MessageCompleted != done {
			t.Fatalf("got %+v, want part %d, %q", it, number, text)
		}
		return it
	}
	first := part(c, "One ", 1, false)
	if next := part(c, "two.", 2, false); next.Id != first.Id {
		t.Errorf("the parts have the ids %s and %s", first.Id, next.Id)
	}
	part(c, "One two.", 0, true)

	bot := w.add(customer.chat, chat.CustomBot)
	b := w.join(bot)
	hel := chat.Part{Number: 1, Content: chat.Content{Type: chat.TypePlain, Text: "Hel"}}
	id := w.do(bot.chat, chat.SendPart{By: bot.participant, Part: hel}).ID
	w.do(bot.chat, chat.SendMessage{By: bot.participant, ID: id, Content: chat.Content{Type: chat.TypePlain, Text: "Hello"}})
	c.wantItems("participant.joined")
	part(c, "Hel", 1, false)
	part(c, "Hello", 0, true)
	s.wantItems("participant.joined", "One two.", "participant.joined")
	b.wantItems("participant.joined")
	for _, k := range []*client{s, b} {
		if it := k.item(); it.Id != id.String() || it.Content != "Hello" || it.ParticipantRole != "CUSTOM_BOT" || it.MessageMetadata != nil {
			t.Errorf("got %+v", it)
		}
		k.ping()
	}
	c.ping()
}
