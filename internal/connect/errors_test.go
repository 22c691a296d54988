package connect

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/connect"
	"github.com/aws/aws-sdk-go-v2/service/connect/types"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/restjson"
	"github.com/parley-chat/parley/internal/restjson/restjsontest"
)

// modelled are the errors of the Connect API and their statuses (semantics.md 9.0).
var modelled = map[string]int{
	"InvalidRequestException":       400,
	"InvalidParameterException":     400,
	"AccessDeniedException":         403,
	"ResourceNotFoundException":     404,
	"ConflictException":             409,
	"ServiceQuotaExceededException": 402,
	"LimitExceededException":        429,
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
		node.ErrFull:               "LimitExceededException",
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

// Every operation answers too many calls with an error that it models, if it models one
// for that.
func TestLimitIsModelled(t *testing.T) {
	p := parity()
	ops := make(map[string]bool)
	for _, op := range New(Config{}).Operations() {
		ops[op.Name] = true
	}
	for _, op := range []string{
		"StartContactStreaming", "StopContactStreaming", "StartContactMediaProcessing", "StopContactMediaProcessing",
	} {
		ops[op] = true // they are in the table before they are served
	}
	for op := range ops {
		e := tooMany(op, "Too many calls")
		if e.Status != 429 || e.Message != "Too many calls" {
			t.Errorf("%s: %+v", op, e)
		}
		for _, code := range []string{"ThrottlingException", "TooManyRequestsException", "LimitExceededException"} {
			models := p.Models(t, op, &restjson.Error{Code: code, Status: 429})
			if op == "StartChatContact" && code == "LimitExceededException" {
				continue // it is for too many chats
			}
			if models && e.Code != code {
				t.Errorf("%s answers %s; it models %s", op, e.Code, code)
			}
			if models {
				break
			}
		}
	}
}

func parity() restjsontest.Parity {
	wire := &restjsontest.Wire{}
	return restjsontest.Parity{
		Wire: wire,
		Client: sdk.New(sdk.Options{
			Region: "us-west-2", Credentials: aws.AnonymousCredentials{}, HTTPClient: wire, Retryer: aws.NopRetryer{},
		}),
		Unions: []any{&types.UpdateParticipantRoleConfigChannelInfoMemberChat{}, &types.ParticipantTimerValueMemberParticipantTimerAction{}},
	}
}

// Every operation answers what is the caller's mistake with an error that it models.
func TestErrorsAreModelled(t *testing.T) {
	p := parity()
	for _, op := range New(Config{}).Operations() {
		for _, e := range []*restjson.Error{
			invalidRequest("m"), invalidParameter("m"), notFound("m"), accessDenied("m"), conflict("m"), quotaExceeded("m"),
		} {
			var got *restjson.Error
			if !errors.As(asModelled(op.Name, e), &got) || got.Message != "m" {
				t.Fatalf("%s: %s becomes %v", op.Name, e.Code, got)
			}
			switch models := p.Models(t, op.Name, e); {
			case models && got != e:
				t.Errorf("%s models %s, but answers %s", op.Name, e.Code, got.Code)
			case !models && (got.Code != "InvalidRequestException" || !p.Models(t, op.Name, got)):
				t.Errorf("%s doesn't model %s, and answers %s", op.Name, e.Code, got.Code)
			}
		}
		for _, err := range []error{errors.New("disk full"), node.ErrBusy, node.ErrFull} {
			if got := asModelled(op.Name, err); got != err {
				t.Errorf("%s: %v becomes %v", op.Name, err, got)
			}
		}
	}
	if len(models) != len(New(Config{}).Operations()) {
		t.Error("the table has operations that don't exist")
	}
}
