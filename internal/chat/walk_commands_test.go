package chat_test

import (
	"fmt"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

var (
	sue, tom = user("sue"), user("tom")
	users    = &chat.Offer{Users: []chat.User{sue, tom}, Within: 20, Rounds: 2}
)

// flows are such that everything in them can happen in a walk.
var flows = []chat.Flow{
	{Steps: []chat.Step{{Say: "welcome"}, {Queue: "q"}}},
	{
		Steps: []chat.Step{
			{Say: "welcome"}, {Queue: "q", Offer: users}, {Wait: chat.WaitAgent, Within: 60, Else: 4}, {Say: "here", Next: 5}, {Say: "sorry"},
			{Say: "how was it?"}, {Wait: chat.WaitReply, Within: 120, Else: 8}, {Set: map[string]string{"a": "reply"}}, {Say: "bye"},
		},
		Exit: 5,
	},
	{
		Steps: []chat.Step{
			{Authenticate: "okta", Within: 240, Else: 2}, {Say: "hello", Next: 3}, {Say: "stranger"},
			{Wait: chat.WaitBot, Within: 120, Else: 5}, {Say: "bot gone", Stream: chat.StreamSplit}, {Queue: "q", Offer: users},
			{Queue: "late", Offer: users}, {Wait: chat.WaitAgent, Within: 30}, {Say: "end"},
		},
		Exit: 6,
	},
	{Steps: []chat.Step{
		{Say: "{}", As: chat.TypeInteractive, Else: 2}, {Say: "*", As: chat.TypeMarkdown}, {Say: "agents", To: chat.ToAgent},
		{Wait: chat.WaitTime, Within: 30}, {Wait: chat.WaitReply, Within: 120, Else: 6}, {Wait: chat.WaitBot}, {Disconnect: true},
	}},
	{
		Steps: []chat.Step{
			{Queue: "q", Offer: users}, {Wait: chat.WaitReply, Within: 60, Else: 3}, {Say: "thanks", Next: 4}, {Wait: chat.WaitAgent, Within: 60},
			{Say: "how was it?"}, {Wait: chat.WaitReply, Within: 120},
		},
		Exit: 4,
	},
	{Steps: []chat.Step{{Authenticate: "okta"}, {Authenticate: "okta"}, {Wait: chat.WaitAgent}, {Say: "over"}}},
}

func (w *walk) settings() chat.Settings {
	set := chat.Settings{
		Instance: "i", Customer: chat.Author{Name: "Jane"}, Minutes: one(w, 0, 0, 0, 3, 60), Flow: one(w, flows...),
		AgentGone: one(w, 0, 60), CustomerGone: one(w, 0, 0, 300), ResponseMode: one(w, "", "COMPLETE", chat.Incremental),
	}
	if w.rand.IntN(2) == 0 {
		set.InitialMessage = &chat.Content{Type: chat.TypePlain, Text: "help"}
	}
	if w.rand.IntN(2) == 0 {
		set.DisconnectOnCustomerExit = []chat.Role{chat.Agent}
	}
	if w.rand.IntN(2) == 0 {
		set.ContentTypes = []string{chat.TypePlain, chat.TypeMarkdown, chat.TypeInteractive}
	}
	return set
}

// command makes up a command. Names, tokens and contents are few, so that they
// meet again.
func (w *walk) command() chat.Command {
	token, by := one(w, "", "", "x", "y"), one(w, w.people...)
	switch w.rand.IntN(16) {
	case 0, 1:
		role := one(w, chat.Agent, chat.Agent, chat.Supervisor, chat.CustomBot, chat.Customer)
		add := chat.AddParticipant{Role: role, Name: one(w, "Bob", "Sue", "tom"), Token: token}
		if role == chat.Agent && token == "" {
			add.User = one(w, "", "", "sue", "tom")
		}
		return add
	case 2, 3:
		return chat.Connect{By: one(w, by, w.people[len(w.people)-1]), Via: one(w, chat.ViaSocket, chat.ViaRequest)}
	case 4, 5:
		return chat.SendMessage{By: by, Token: token, ID: one(w, append(w.parts, chat.ID{}, chat.ID{})...), Content: w.content()}
	case 6:
		typ := one(w, chat.EventDelivered, chat.EventRead)
		return chat.SendEvent{By: by, Type: typ, Token: token, Content: fmt.Sprintf(`{"messageId":"%s"}`, one(w, w.items...))}
	case 7:
		return w.others(by, token)
	case 8, 9:
		return w.transfer(token)
	case 10:
		return w.file(by, token)
	case 11, 12:
		return w.login()
	case 13:
		return w.contact(token)
	case 14:
		return chat.SendEvent{By: by, Type: one(w, chat.EventTyping, chat.EventAcknowledged), Token: token}
	}
	return chat.Tick{}
}

func (w *walk) content() chat.Content {
	return chat.Content{Type: one(w, chat.TypePlain, chat.TypePlain, chat.TypeMarkdown), Text: one(w, "a", "b")}
}

// others makes up what somebody does besides talking.
func (w *walk) others(by chat.ParticipantID, token string) chat.Command {
	switch w.rand.IntN(6) {
	case 0, 1:
		return chat.Leave{By: one(w, by, w.people[len(w.people)-1]), Token: token}
	case 2:
		return chat.Lost{By: by}
	case 3:
		return chat.StepBack{By: by}
	case 4:
		return chat.SendPart{By: by, ID: one(w, append(w.parts, chat.ID{})...), Part: chat.Part{Number: one(w, 1, 2), Content: w.content()}}
	}
	return chat.Monitor{User: one(w, sue, tom, user("max")), Barge: one(w, true, false), Token: token}
}

func (w *walk) transfer(token string) chat.Command {
	switch w.rand.IntN(4) {
	case 0:
		return chat.Assign{User: one(w, sue, tom)}
	case 1:
		return chat.Transfer{Queue: "q2", Offer: one(w, nil, users), Token: token}
	case 2:
		return chat.Transfer{User: one(w, &sue, &tom), Token: token}
	}
	return chat.SetTimers{Timers: []chat.Timer{{
		Role: one(w, chat.Customer, chat.Agent), Type: one(w, chat.TimerIdle, chat.TimerDisconnect), Minutes: one(w, 0, 1, 2, 10),
	}}}
}

func (w *walk) file(by chat.ParticipantID, token string) chat.Command {
	switch file := one(w, w.files...); w.rand.IntN(4) {
	case 0:
		return chat.StartUpload{By: by, File: chat.File{Name: "a", Type: "image/png", Size: 1}, Most: 3, Token: token}
	case 1:
		return chat.CompleteUpload{By: one(w, by, file.by), ID: file.ID, Scan: one(w, true, false), Token: token}
	case 2:
		return chat.Discarded{ID: file.ID}
	default:
		f := chat.File{ID: file.ID, Attempt: one(w, 1, 2, 3)}
		return chat.Scanned{File: f, Result: one(w, chat.Approved, chat.Rejected), Failed: one(w, true, false)}
	}
}

func (w *walk) login() chat.Command {
	customer := w.chat.Settings.Customer.ID
	switch w.rand.IntN(5) {
	case 0, 1:
		return chat.Authenticate{By: customer, Session: w.session, Redirect: one(w, "a", "b")}
	case 2:
		return chat.AnswerAuthentication{Session: w.session, Code: one(w, "code", "code", "")}
	case 3:
		return chat.Authenticated{
			Session: w.session, OK: one(w, true, false), Name: one(w, "", "Jane", "Joan"), Attributes: map[string]string{"a": one(w, "x", "y")},
		}
	}
	return chat.CancelAuthentication{By: customer, Session: w.session}
}

// contact makes up something about a contact, or the whole chat.
func (w *walk) contact(token string) chat.Command {
	contact := one(w, w.contacts...)
	switch w.rand.IntN(12) {
	case 0:
		return chat.Start{Settings: w.settings()}
	case 1:
		return chat.Stop{Contact: contact}
	case 2, 3:
		return chat.Rehydrate{Past: chat.Past{Chat: chat.ChatID{ID: w.items[0]}}, Token: token}
	case 4, 5:
		return chat.UpdateAttributes{Attributes: map[string]string{one(w, "a", "b"): one(w, "1", "2")}}
	}
	return chat.Describe{Contact: contact, Change: chat.Description{
		Tags: map[string]string{one(w, "a", "b", "c", "d", "e", "f", "g"): one(w, "1", "2")}, Untag: []string{one(w, "a", "b")},
	}}
}

// token gives the ClientToken of a command.
func token(cmd chat.Command) string {
	switch cmd := cmd.(type) {
	case chat.SendMessage:
		return cmd.Token
	case chat.SendEvent:
		return cmd.Token
	case chat.AddParticipant:
		return cmd.Token
	case chat.Leave:
		return cmd.Token
	case chat.Monitor:
		return cmd.Token
	case chat.Transfer:
		return cmd.Token
	case chat.StartUpload:
		return cmd.Token
	case chat.CompleteUpload:
		return cmd.Token
	case chat.Rehydrate:
		return cmd.Token
	}
	return ""
}

// request gives a command as its ClientToken covers it: the rest of it may be another.
func request(cmd chat.Command) chat.Command {
	switch cmd := cmd.(type) {
	case chat.SendMessage:
		cmd.ID = chat.ID{}
		return cmd
	case chat.Monitor:
		return chat.Monitor{Token: cmd.Token}
	case chat.Transfer:
		return chat.Transfer{Token: cmd.Token}
	case chat.Rehydrate:
		return chat.Rehydrate{Token: cmd.Token}
	case chat.CompleteUpload:
		cmd.Scan = false
		return cmd
	}
	return cmd
}

// patience are the times between commands.
var patience = []time.Duration{
	0, 0, 300 * time.Microsecond, time.Second, time.Second, -time.Second, 5 * time.Second, 30 * time.Second, time.Minute, 20 * time.Minute,
}
