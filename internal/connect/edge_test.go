package connect_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/connect"
	"github.com/aws/aws-sdk-go-v2/service/connect/types"

	"github.com/parley-chat/parley/internal/connect"
	"github.com/parley-chat/parley/internal/restjson"
	"github.com/parley-chat/parley/internal/store"
)

func TestSignatures(t *testing.T) {
	w := newWorld(t)
	_, err := w.clientOf("AKIDNOBODY", secret).StartChatContact(t.Context(), input())
	refused(t, err, "UnrecognizedClientException", 403, "The security token included in the request is invalid.")
	_, err = w.clientOf(keyID, "wrong").StartChatContact(t.Context(), input())
	refused(t, err, "InvalidSignatureException", 403, "The request signature we calculated does not match")
	_, err = sdk.New(sdk.Options{
		Region: "us-west-2", BaseEndpoint: &w.url, Retryer: aws.NopRetryer{}, Credentials: aws.AnonymousCredentials{},
	}).StartChatContact(t.Context(), input())
	refused(t, err, "MissingAuthenticationTokenException", 403, "Missing Authentication Token")

	// Who may not ask is not told what is wrong with the question.
	r, err := http.NewRequest("PUT", w.url+"/contact/chat", strings.NewReader("{not json"))
	if err != nil {
		t.Fatal(err)
	}
	if a := w.exchange(r); a.status != 403 || a.header.Get("X-Parley-Detail") == "" {
		t.Errorf("got %d %v", a.status, a.body)
	}
	if n := w.store.appends.Load(); n != 0 {
		t.Errorf("%d appends", n)
	}
}

// A body changed on its way is refused though all else is as signed.
func TestAlteredOnTheWay(t *testing.T) {
	w := newWorld(t)
	client := sdk.New(sdk.Options{
		Region: "us-west-2", BaseEndpoint: &w.url, Retryer: aws.NopRetryer{},
		Credentials: w.client.Options().Credentials, HTTPClient: tamperer{},
	})
	_, err := client.StartChatContact(t.Context(), input())
	refused(t, err, "InvalidSignatureException", 403, "does not match")
	if n := w.store.appends.Load(); n != 0 {
		t.Errorf("%d appends", n)
	}
}

type tamperer struct{}

func (tamperer) Do(r *http.Request) (*http.Response, error) {
	var body bytes.Buffer
	if _, err := body.ReadFrom(r.Body); err != nil {
		return nil, err
	}
	altered := bytes.Replace(body.Bytes(), []byte("Ann"), []byte("Eve"), 1)
	twin := r.Clone(r.Context())
	twin.Body, twin.GetBody = http.NoBody, nil
	copied, err := http.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), bytes.NewReader(altered))
	if err != nil {
		return nil, err
	}
	copied.Header, copied.Host = twin.Header, twin.Host
	return http.DefaultClient.Do(copied)
}

// What goes wrong inside is told in the API's words, and never what it was.
func TestFailures(t *testing.T) {
	w := newWorld(t)
	contact, _ := w.start(input())
	stop := func() error {
		_, err := w.client.StopContact(t.Context(), &sdk.StopContactInput{InstanceId: p(instanceID), ContactId: &contact})
		return err
	}
	fail := func(err error) { w.store.failure.Store(&err) }
	fail(store.ErrBusy)
	refused(t, stop(), "ThrottlingException", 429, "try again")
	fail(errors.New("the disk is on fire"))
	err := stop()
	refused(t, err, "InternalServiceException", 500, "Request processing failed")
	var typed *types.InternalServiceException
	if !errors.As(err, &typed) || strings.Contains(err.Error(), "fire") {
		t.Errorf("got %v", err)
	}
	w.store.failure.Store(nil)
	if err := stop(); err != nil {
		t.Errorf("after the failure: %v", err)
	}
}

func TestFaultComesFirst(t *testing.T) {
	var asked string
	w := newWorld(t, func(c *connect.Config) {
		c.Fault = func(op string, _ *http.Request) *restjson.Error {
			asked = op
			return &restjson.Error{Code: "LimitExceededException", Status: 429, Message: "as told"}
		}
	})
	_, err := w.clientOf("nobody", "nothing").StartChatContact(context.Background(), input())
	var limit *types.LimitExceededException
	if !errors.As(err, &limit) || asked != "StartChatContact" || w.store.appends.Load() != 0 {
		t.Errorf("got %v, asked %q", err, asked)
	}
}

func TestBodiesThatAreNoInput(t *testing.T) {
	w := newWorld(t)
	for body, message := range map[string]string{
		"":                 "Member must not be null",
		"{}":               "Member must not be null",
		"null":             "must be a JSON object",
		"[]":               "must be a JSON object",
		`{"InstanceId":`:   "not valid JSON",
		"\x00":             "not valid JSON",
		`{"InstanceId":1}`: "instanceId",
		`{"InstanceId":"\u0000","ContactFlowId":"f","ParticipantDetails":{"DisplayName":"a"}}`: "instanceId",
	} {
		a := w.send("PUT", "/contact/chat", body)
		if a.status != 400 || a.body["__type"] != "InvalidRequestException" || !strings.Contains(a.message, message) {
			t.Errorf("%q: got %d %v", body, a.status, a.body)
		}
	}
	if a := w.send("POST", "/contact/chat", "{}"); a.status != 405 {
		t.Errorf("POST instead of PUT: %d", a.status)
	}
	unknown := `{"InstanceId":"` + instanceID + `","ContactFlowId":"` + flowID + `","ParticipantDetails":{"DisplayName":"a","New":1},"Newer":{"a":[]}}`
	if a := w.send("PUT", "/contact/chat", unknown); a.status != 200 {
		t.Errorf("members of a later model: %d %v", a.status, a.body)
	}
}
