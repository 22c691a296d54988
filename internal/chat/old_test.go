package chat_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// oldLog is what the first version of this package wrote of a chat: Jane has connected,
// Bob serves her, Ann, who has no contact of her own, has joined them, and a bot has come
// and gone. %s is an id.
var oldLog = []string{
	`{"kind":"started","contact":"%[1]s","started":{"instance":"i","flowId":"f",` +
		`"flow":{"steps":[{"say":"Welcome"},{"queue":"Basic"}]},"customer":{"id":"%[2]s","role":"CUSTOMER","name":"Jane"},` +
		`"system":{"id":"%[3]s","role":"SYSTEM","name":"SYSTEM_MESSAGE"},"minutes":1500,"contentTypes":["text/plain"],` +
		`"segmentAttributes":{"connect:Subtype":"connect:Chat"},"disconnectOnCustomerExit":["AGENT"]}}`,
	`{"kind":"joined","contact":"%[1]s","by":{"id":"%[2]s","role":"CUSTOMER","name":"Jane"}}`,
	`{"kind":"message","contact":"%[1]s","by":{"id":"%[3]s","role":"SYSTEM","name":"SYSTEM_MESSAGE"},"content":{"type":"text/plain","text":"Welcome"}}`,
	`{"kind":"queued","contact":"%[1]s","queue":"Basic"}`,
	`{"kind":"added","contact":"%[1]s","by":{"id":"%[4]s","role":"CUSTOM_BOT","name":"Robo"}}`,
	`{"kind":"joined","contact":"%[1]s","by":{"id":"%[4]s","role":"CUSTOM_BOT","name":"Robo"}}`,
	`{"kind":"added","contact":"%[1]s","by":{"id":"%[5]s","role":"AGENT","name":"Bob"},"token":"t"}`,
	`{"kind":"joined","contact":"%[1]s","by":{"id":"%[5]s","role":"AGENT","name":"Bob"}}`,
	`{"kind":"left","contact":"%[1]s","by":{"id":"%[4]s","role":"CUSTOM_BOT","name":"Robo"},"cause":"AGENT_DISCONNECT"}`,
	`{"kind":"added","contact":"%[1]s","by":{"id":"%[6]s","role":"AGENT","name":"Ann"}}`,
	`{"kind":"joined","contact":"%[1]s","by":{"id":"%[6]s","role":"AGENT","name":"Ann"}}`,
	`{"kind":"message","contact":"%[1]s","by":{"id":"%[2]s","role":"CUSTOMER","name":"Jane"},"content":{"type":"text/plain","text":"hi"}}`,
	`{"kind":"attributes","contact":"%[1]s","attributes":{"a":"b"}}`,
}

// A database of the first version is still understood, and its chats go on.
func TestOldLog(t *testing.T) {
	ids := newIDs()
	c := chat.New(chat.ChatID{ID: ids(dawn)})
	names := []any{c.ID, ids(dawn), ids(dawn), ids(dawn), ids(dawn), ids(dawn)}
	for i, line := range oldLog {
		at := dawn.Add(time.Duration(i) * time.Second)
		e := chat.Entry{Seq: int64(i + 1), ID: ids(at), At: at}
		if err := json.Unmarshal(fmt.Appendf(nil, line, names...), &e); err != nil {
			t.Fatal(err)
		}
		if e.Kind == chat.KindAdded {
			e.ID = e.By.ID.ID
		}
		c.Apply(e)
	}
	if s := c.Summaries(); len(s) != 1 || s[0].Agent != "Ann" || s[0].Queue != "Basic" || s[0].Method != chat.MethodAPI {
		t.Errorf("rows %+v", s)
	}
	jane, bob, ann := c.Customer().ID, chat.ParticipantID{ID: names[4].(chat.ID)}, chat.ParticipantID{ID: names[5].(chat.ID)}
	for _, cmd := range []chat.Command{
		chat.SetTimers{Timers: []chat.Timer{{Role: chat.Customer, Type: chat.TimerIdle, Minutes: 2}}},
		chat.SendMessage{By: ann, Content: chat.Content{Type: chat.TypePlain, Text: "hi"}},
		chat.Leave{By: ann},
		chat.Transfer{Queue: "Other"},
		chat.Leave{By: jane},
	} {
		must(t, c, cmd, ids)
	}
	if p := c.Participant(bob); p.Presence != chat.Gone || !c.Ended() || c.Cause != chat.CauseCustomer || len(c.Summaries()) != 2 {
		t.Errorf("Bob is %+v, the chat ended %t, %s", p, c.Ended(), c.Cause)
	}
}
