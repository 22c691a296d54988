package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
)

// Each event as clients see it (semantics.md 2.6). Those that tell of somebody have the
// three members that name them, and none but the authentication's has a Content.
func TestEvents(t *testing.T) {
	ann := person(0x0c, chat.Agent, "Ann")
	boss := person(0x0d, chat.Supervisor, "Max")
	auth := func(s chat.AuthState) *chat.Authentication {
		return &chat.Authentication{Session: id(0xaa), State: s, Provider: "okta"}
	}
	for _, tt := range []struct {
		entry    chat.Entry
		event    string
		of, role string
	}{
		{chat.Entry{Kind: chat.KindInvited, By: ann}, "participant.invited", "0c Ann", "AGENT"},
		{chat.Entry{Kind: chat.KindWatching, By: boss}, "participant.left", "0d Max", "SUPERVISOR"},
		{chat.Entry{Kind: chat.KindTransferred, By: bob, Except: ann.ID}, "transfer.succeeded", "0b Bob", "AGENT"},
		{chat.Entry{Kind: chat.KindNotTransferred, By: ann}, "transfer.failed", "0c Ann", "AGENT"},
		{chat.Entry{Kind: chat.KindIdle, By: jane}, "participant.idle", "0a Jane", "CUSTOMER"},
		{chat.Entry{Kind: chat.KindReturned, By: jane}, "participant.returned", "0a Jane", "CUSTOMER"},
		{chat.Entry{Kind: chat.KindAutoDisconnect, By: jane}, "participant.autodisconnection", "0a Jane", "CUSTOMER"},
		{chat.Entry{Kind: chat.KindRenamed, By: person(0x0a, chat.Customer, "Jane Doe")}, "participant.displayname.updated", "0a Jane Doe", "CUSTOMER"},
		{chat.Entry{Kind: chat.KindRehydrated, Past: &chat.Past{}}, "chat.rehydrated", "", ""},
		{chat.Entry{Kind: chat.KindAuthentication, By: jane, Auth: auth(chat.AuthInitiated)}, "authentication.initiated", "0a Jane", "CUSTOMER"},
		{chat.Entry{Kind: chat.KindAuthentication, By: jane, Auth: auth(chat.AuthSucceeded)}, "authentication.succeeded", "0a Jane", "CUSTOMER"},
		{chat.Entry{Kind: chat.KindAuthentication, By: jane, Auth: auth(chat.AuthFailed)}, "authentication.failed", "0a Jane", "CUSTOMER"},
		{chat.Entry{Kind: chat.KindAuthentication, By: jane, Auth: auth(chat.AuthTimeout)}, "authentication.timeout", "0a Jane", "CUSTOMER"},
		{chat.Entry{Kind: chat.KindAuthentication, By: jane, Auth: auth(chat.AuthExpired)}, "authentication.expired", "0a Jane", "CUSTOMER"},
		{chat.Entry{Kind: chat.KindAuthentication, By: jane, Auth: auth(chat.AuthCancelled)}, "authentication.cancelled", "0a Jane", "CUSTOMER"},
	} {
		tt.entry.ID, tt.entry.At, tt.entry.Contact = id(1), at, second
		if !tt.entry.Delivered() {
			t.Errorf("%s is not for clients", tt.event)
		}
		want := `{"AbsoluteTime":"2026-04-01T09:00:00.007Z",`
		if tt.entry.Auth != nil {
			want += `"Content":"{\"SessionId\":\"#aa\"}",`
		}
		want += fmt.Sprintf(`"ContentType":"E:%s","Id":"#01","Type":"EVENT",`, tt.event)
		if who, name, ok := strings.Cut(tt.of, " "); ok {
			want += fmt.Sprintf(`"ParticipantId":"#%s","DisplayName":"%s","ParticipantRole":"%s",`, who, name, tt.role)
		}
		want += `"InitialContactId":"#c1","ContactId":"#c2"}`
		if got := show(t, wire.FromEntry(theChat, &tt.entry)); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

// An attachment has no ContentType of its own (semantics.md 2.4).
func TestAttachment(t *testing.T) {
	e := chat.Entry{
		ID: id(1), At: at, Contact: second, Kind: chat.KindAttachment, By: bob,
		File: &chat.File{ID: id(0xf1), Name: `a "b".png`, Type: "image/png", Size: 9, Status: chat.Rejected, Attempt: 3},
	}
	const want = `{"AbsoluteTime":"2026-04-01T09:00:00.007Z",` +
		`"Attachments":[{"AttachmentName":"a \"b\".png","ContentType":"image/png","AttachmentId":"#f1","Status":"REJECTED"}],` +
		`"Id":"#01","Type":"ATTACHMENT","ParticipantId":"#0b","DisplayName":"Bob","ParticipantRole":"AGENT",` +
		`"InitialContactId":"#c1","ContactId":"#c2"}`
	if got := show(t, wire.FromEntry(theChat, &e)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// What is of a past chat has a RelatedContactId in place of its ContactId (semantics.md 5).
func TestFromPast(t *testing.T) {
	e := chat.Entry{ID: id(1), At: at, Contact: second, Kind: chat.KindEnded}
	const want = `{"AbsoluteTime":"2026-04-01T09:00:00.007Z","ContentType":"E:chat.ended","Id":"#01","Type":"EVENT",` +
		`"InitialContactId":"#c1","RelatedContactId":"#c2"}`
	if got := show(t, wire.FromPast(wire.FromEntry(theChat, &e))); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
