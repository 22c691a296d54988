package participant

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/restjson/restjsontest"
)

// TestEveryReasonIsModelled holds the table of errors against the list of reasons.
func TestEveryReasonIsModelled(t *testing.T) {
	for _, reason := range chat.Reasons() {
		e := translate(&chat.Refusal{Reason: reason, Detail: "because"})
		switch {
		case e == nil:
			t.Errorf("reason %d has no modelled error", reason)
		case e.Code == "AccessDeniedException" && (e.Message != "Access denied" || e.Detail != "because"):
			t.Errorf("reason %d: %+v", reason, e)
		case e.Code != "AccessDeniedException" && e.Message != "because":
			t.Errorf("reason %d: %+v", reason, e)
		}
	}
	if len(refusals) != len(chat.Reasons()) {
		t.Errorf("%d reasons in the table, %d in package chat", len(refusals), len(chat.Reasons()))
	}
}

func TestTranslate(t *testing.T) {
	for err, code := range map[error]string{
		node.ErrNotFound: "AccessDeniedException", node.ErrBusy: "ThrottlingException",
	} {
		if e := translate(err); e == nil || e.Code != code {
			t.Errorf("%v: %v, want %s", err, e, code)
		}
	}
	if e := translate(errors.New("something")); e != nil {
		t.Errorf("an unlisted error: %v", e)
	}
	if e := translate(&chat.Refusal{}); e != nil {
		t.Errorf("an unlisted reason: %v", e)
	}
}

// Every operation models the error for too many calls.
func TestLimitIsModelled(t *testing.T) {
	wire := &restjsontest.Wire{}
	p := restjsontest.Parity{Wire: wire, Client: connectparticipant.New(connectparticipant.Options{
		Region: "us-east-1", Credentials: aws.AnonymousCredentials{}, HTTPClient: wire, Retryer: aws.NopRetryer{},
	})}
	for _, op := range New(Config{}).Operations() {
		if e := tooMany(op.Name, "Too many calls"); e.Status != 429 || !p.Models(t, op.Name, e) {
			t.Errorf("%s: %+v is not modelled", op.Name, e)
		}
	}
}
