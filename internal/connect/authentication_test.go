package connect_test

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/connect"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/token"
)

// authenticating starts a chat whose customer is asked to log in, and has been sent to
// the identity provider. It gives the state that the provider sends back.
func (w *world) authenticating() (id chat.ChatID, customer chat.ParticipantID, session chat.ID, state string) {
	w.t.Helper()
	id, customer, err := w.node.Start(w.t.Context(), chat.Settings{
		Instance: instanceID, Customer: chat.Author{Name: "Ann"},
		Flow: chat.Flow{Steps: []chat.Step{{Authenticate: "somewhere", Within: 300}}},
	}, nil, "")
	if err != nil {
		w.t.Fatal(err)
	}
	w.do(id.String(), chat.Connect{By: customer})
	session = w.auth(id).Session
	return id, customer, session, w.tokens.MintAuth(id.UUID, session.UUID)
}

// auth gives the newest entry about the authentication.
func (w *world) auth(id chat.ChatID) (last *chat.Authentication) {
	w.t.Helper()
	entries, err := w.store.Entries(w.t.Context(), id, 0, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		if e.Auth != nil {
			last = e.Auth
		}
	}
	return last
}

func (w *world) authenticate(state string, code, problem, description *string) error {
	_, err := w.client.UpdateParticipantAuthentication(w.t.Context(), &sdk.UpdateParticipantAuthenticationInput{
		InstanceId: p(arn), State: &state, Code: code, Error: problem, ErrorDescription: description,
	})
	return err
}

func TestUpdateParticipantAuthentication(t *testing.T) {
	w := newWorld(t)
	id, customer, session, state := w.authenticating()
	refused(t, w.authenticate(state, p("c"), nil, nil), "ConflictException", 409, "after GetAuthenticationUrl")
	w.do(id.String(), chat.Authenticate{By: customer, Session: session, Redirect: "https://example.com"})
	if err := w.authenticate(state, p("c"), nil, nil); err != nil {
		t.Fatal(err)
	}
	if got := w.auth(id).State; got != chat.AuthCode {
		t.Errorf("the authentication is at %s", got)
	}
	refused(t, w.authenticate(state, p("c"), nil, nil), "ConflictException", 409, "an answer is taken once")

	id, customer, session, state = w.authenticating()
	w.do(id.String(), chat.Authenticate{By: customer, Session: session, Redirect: "https://example.com"})
	if err := w.authenticate(state, nil, p("access_denied"), p("the customer said no")); err != nil {
		t.Fatal(err)
	}
	if got := w.auth(id).State; got != chat.AuthFailed {
		t.Errorf("the authentication is at %s", got)
	}
	refused(t, w.authenticate(state, p("c"), nil, nil), "InvalidRequestException", 400, "no authentication that is under way")
}

func TestUpdateParticipantAuthenticationRefusals(t *testing.T) {
	w := newWorld(t)
	id, customer, session, state := w.authenticating()
	w.do(id.String(), chat.Authenticate{By: customer, Session: session, Redirect: "https://example.com"})
	appends := w.store.appends.Load()
	refused(t, w.authenticate(state, nil, nil, nil), "InvalidRequestException", 400, "Exactly one of Code and Error")
	refused(t, w.authenticate(state, p("c"), p("e"), nil), "InvalidRequestException", 400, "Exactly one of Code and Error")
	refused(t, w.authenticate(state, p("c"), nil, p("d")), "InvalidRequestException", 400, "ErrorDescription goes with Error")
	for _, wrong := range []string{
		state + "x", "x", w.tokens.Mint(token.Participant, token.Claims{Chat: id.UUID, Participant: session.UUID}),
	} {
		refused(t, w.authenticate(wrong, p("c"), nil, nil), "InvalidParameterException", 400, "State is none of this server's")
	}
	refused(t, w.authenticate(w.tokens.MintAuth(id.UUID, customer.UUID), p("c"), nil, nil),
		"InvalidRequestException", 400, "no authentication that is under way")
	refused(t, w.authenticate(w.tokens.MintAuth(mustID(t, unknownID).UUID, session.UUID), p("c"), nil, nil),
		"InvalidParameterException", 400, "names no chat")
	_, err := w.client.UpdateParticipantAuthentication(t.Context(), &sdk.UpdateParticipantAuthenticationInput{
		InstanceId: p(unknownID), State: &state, Code: p("c"),
	})
	refused(t, err, "InvalidRequestException", 400, "InstanceId names no instance")
	if got := w.store.appends.Load(); got != appends {
		t.Errorf("%d appends", got-appends)
	}
}
