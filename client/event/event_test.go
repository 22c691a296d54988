package event_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/parley-chat/parley/client/event"
)

const self = "P1"

func parse(t *testing.T, raw string) event.Item {
	t.Helper()
	it, err := event.Parse([]byte(raw), self)
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return it
}

func TestEvents(t *testing.T) {
	for raw, want := range map[string]struct {
		kind string
		kept bool
		own  bool
	}{
		`{"Type":"MESSAGE","ContentType":"text/plain","ParticipantId":"P1"}`:                                             {"Message", true, true},
		`{"Type":"MESSAGE","ParticipantRole":"SYSTEM","MessageMetadata":{"MessageCompleted":false,"ChunkNumber":1}}`:     {"Message", false, false},
		`{"Type":"MESSAGE","ParticipantRole":"SYSTEM","MessageMetadata":{"MessageCompleted":true}}`:                      {"Message", true, false},
		`{"Type":"MESSAGE","ParticipantRole":"AGENT","MessageMetadata":{"MessageCompleted":false}}`:                      {"Message", true, false},
		`{"Type":"ATTACHMENT","Attachments":[{"AttachmentId":"a"}]}`:                                                     {"Attachment", true, false},
		`{"Type":"MESSAGEMETADATA","MessageMetadata":{"MessageId":"m","Receipts":[{"RecipientParticipantId":"P1"}]}}`:    {"Receipt", false, true},
		`{"Type":"MESSAGEMETADATA","MessageMetadata":{"MessageId":"m","Receipts":[{"RecipientParticipantId":"P2"}]}}`:    {"Receipt", false, false},
		`{"Type":"MESSAGEMETADATA","MessageMetadata":{"MessageId":"m","Receipts":[]}}`:                                   {"Unknown", false, false},
		`{"Type":"EVENT","ContentType":"application/vnd.amazonaws.connect.event.participant.joined"}`:                    {"Joined", true, false},
		`{"Type":"EVENT","ContentType":"application/vnd.amazonaws.connect.event.participant.left","ParticipantId":"P1"}`: {"Left", true, true},
		`{"Type":"EVENT","ContentType":"application/vnd.amazonaws.connect.event.participant.invited"}`:                   {"Invited", true, false},
		`{"Type":"EVENT","ContentType":"application/vnd.amazonaws.connect.event.typing"}`:                                {"Typing", false, false},
		`{"Type":"EVENT","ContentType":"application/vnd.amazonaws.connect.event.participant.idle"}`:                      {"Idle", false, false},
		`{"Type":"EVENT","ContentType":"application/vnd.amazonaws.connect.event.participant.returned"}`:                  {"Returned", false, false},
		`{"Type":"EVENT","ContentType":"application/vnd.amazonaws.connect.event.participant.autodisconnection"}`:         {"AutoDisconnected", false, false},
		`{"Type":"EVENT","ContentType":"application/vnd.amazonaws.connect.event.participant.displayname.updated"}`:       {"Renamed", false, false},
		`{"Type":"EVENT","ContentType":"application/vnd.amazonaws.connect.event.transfer.succeeded"}`:                    {"Transferred", true, false},
		`{"Type":"EVENT","ContentType":"application/vnd.amazonaws.connect.event.transfer.failed"}`:                       {"Transferred", true, false},
		`{"Type":"EVENT","ContentType":"application/vnd.amazonaws.connect.event.authentication.timeout"}`:                {"Authentication", false, false},
		`{"Type":"EVENT","ContentType":"application/vnd.amazonaws.connect.event.chat.ended"}`:                            {"Ended", true, false},
		`{"Type":"EVENT","ContentType":"application/vnd.amazonaws.connect.event.workflow.cancelled"}`:                    {"Unknown", false, false},
		`{"Type":"SOMETHING_NEW","Content":"?"}`:                                                                         {"Unknown", false, false},
	} {
		it := parse(t, raw)
		e := it.Event()
		if got := fmt.Sprintf("%T", e); got != "event."+want.kind || it.Kept() != want.kept || it.Own != want.own {
			t.Errorf("%s: is %s, kept %t, own %t; want %+v", raw, got, it.Kept(), it.Own, want)
		}
		if of, ok := event.Of(e); !ok || string(of.Raw) != raw {
			t.Errorf("%s: the event's item has the raw form %s", raw, of.Raw)
		}
	}
}

func TestDetails(t *testing.T) {
	auth, _ := parse(t, `{"Type":"EVENT","ContentType":"application/vnd.amazonaws.connect.event.authentication.initiated",
		"Content":"{\"SessionId\":\"s\"}"}`).Event().(event.Authentication)
	if auth.State != "initiated" || auth.SessionID != "s" {
		t.Errorf("authentication is %+v", auth)
	}
	failed, _ := parse(t, `{"Type":"EVENT","ContentType":"application/vnd.amazonaws.connect.event.transfer.failed"}`).Event().(event.Transferred)
	if !failed.Failed {
		t.Error("a failed transfer is shown as a good one")
	}
	read, _ := parse(t, `{"Type":"MESSAGEMETADATA","MessageMetadata":{"MessageId":"m","Receipts":[
		{"DeliveredTimestamp":"2024-07-14T23:41:28.735Z","ReadTimestamp":"2024-07-14T23:41:29.000Z","RecipientParticipantId":"P2"}]}}`).Event().(event.Receipt)
	if read.MessageID != "m" || read.By.ParticipantID != "P2" || read.By.Read.Sub(read.By.Delivered) != 265*time.Millisecond {
		t.Errorf("the receipt is %+v", read)
	}
	file := parse(t, `{"Type":"ATTACHMENT","Attachments":[{"AttachmentName":"a.png","ContentType":"image/png","AttachmentId":"f","Status":"APPROVED"}]}`).Attachments[0]
	if want := (event.File{ID: "f", Name: "a.png", ContentType: "image/png", Status: "APPROVED"}); file != want {
		t.Errorf("the file is %+v", file)
	}
	for _, e := range []event.Event{event.Connected{}, event.CaughtUp{}, event.Disconnected{}, event.Ended{Inferred: true}} {
		if it, ok := event.Of(e); ok {
			t.Errorf("%T has the item %+v", e, it)
		}
	}
	if _, err := event.Parse([]byte(`{"Type":3}`), self); err == nil {
		t.Error("an item of a wrong form was read")
	}
}

func TestBefore(t *testing.T) {
	early := event.Item{AbsoluteTime: "2026-04-02T10:00:14.187Z", ID: "b"}
	for _, later := range []event.Item{
		{AbsoluteTime: "2026-04-02T10:00:14.188Z", ID: "a"}, {AbsoluteTime: "2026-04-02T10:00:14.187Z", ID: "c"},
	} {
		if !early.Before(&later) || later.Before(&early) {
			t.Errorf("%+v is not before %+v", early, later)
		}
	}
}
