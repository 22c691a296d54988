package connect

import (
	"errors"
	"fmt"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
)

// modelled are the errors of the Connect API and their statuses (semantics.md 9.0).
var modelled = map[string]int{
	"InvalidRequestException":       400,
	"InvalidParameterException":     400,
	"AccessDeniedException":         403,
	"ResourceNotFoundException":     404,
	"ConflictException":             409,
	"ServiceQuotaExceededException": 402,
	"ThrottlingException":           429,
	"InternalServiceException":      500,
}

func TestEveryReasonHasAnError(t *testing.T) {
	for _, reason := range chat.Reasons() {
		e := translate(fmt.Errorf("wrapped: %w", &chat.Refusal{Reason: reason, Detail: "why"}))
		switch {
		case e == nil:
			t.Errorf("reason %d has no error", reason)
		case modelled[e.Code] != e.Status || e.Message != "why":
			t.Errorf("reason %d is %s %d %q", reason, e.Code, e.Status, e.Message)
		}
	}
	if len(refusals) != len(chat.Reasons()) {
		t.Error("the table has reasons that don't exist")
	}
}

func TestErrorsOfTheNode(t *testing.T) {
	for err, want := range map[error]string{
		node.ErrNotFound:           "ResourceNotFoundException",
		node.ErrBusy:               "ThrottlingException",
		&chat.Refusal{Reason: 999}: "",
		errors.New("disk full"):    "",
	} {
		e := translate(fmt.Errorf("wrapped: %w", err))
		if e == nil {
			if want != "" {
				t.Errorf("%v is internal, not %s", err, want)
			}
			continue
		}
		if e.Code != want || modelled[e.Code] != e.Status {
			t.Errorf("%v is %s %d, want %s", err, e.Code, e.Status, want)
		}
	}
}
