package participant

import (
	"errors"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
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
