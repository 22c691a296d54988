package connect_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/connect"
	"github.com/aws/aws-sdk-go-v2/service/connect/types"
	"github.com/aws/smithy-go"
	"github.com/jonboulle/clockwork"
	"go.yaml.in/yaml/v3"

	"github.com/parley-chat/parley/internal/bus/localbus"
	"github.com/parley-chat/parley/internal/center"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/connect"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/restjson"
	"github.com/parley-chat/parley/internal/sigv4"
	"github.com/parley-chat/parley/internal/store"
	"github.com/parley-chat/parley/internal/store/memstore"
	"github.com/parley-chat/parley/internal/token"
)

const (
	instanceID = "00000000-0000-4000-8000-000000000001"
	flowID     = "00000000-0000-4000-8000-000000000002"
	arn        = "arn:aws:connect:eu-central-1:123456789012:instance/" + instanceID
	unknownID  = "99999999-0000-4000-8000-000000000009"
	keyID      = "parley"
	secret     = "secret of the tests"
)

// t0 is when the worlds begin.
var t0 = time.Date(2026, 4, 2, 10, 0, 0, 123_000_000, time.UTC)

// world is the API on a real node, behind a real HTTP server.
type world struct {
	t      *testing.T
	clock  *clockwork.FakeClock // of the node; signatures go by the real time
	store  *countingStore
	node   *node.Node
	tokens *token.Keyring
	config connect.Config
	url    string
	client *sdk.Client
}

// countingStore says whether anything was stored, and fails when told to.
type countingStore struct {
	store.Store
	appends atomic.Int64
	failure atomic.Pointer[error]
}

func (s *countingStore) Append(ctx context.Context, a store.Append) error {
	if err := s.failure.Load(); err != nil {
		return *err
	}
	s.appends.Add(1)
	return s.Store.Append(ctx, a)
}

func newWorld(t *testing.T, change ...func(*connect.Config)) *world {
	t.Helper()
	w := &world{t: t, clock: clockwork.NewFakeClockAt(t0), store: &countingStore{Store: memstore.New()}}
	w.node = node.New(node.Config{Store: w.store, Bus: localbus.New(), Clock: w.clock})
	t.Cleanup(w.node.Close)
	var err error
	if w.tokens, err = token.NewKeyring([]byte("0123456789abcdef")); err != nil {
		t.Fatal(err)
	}
	w.config = connect.Config{
		Node: w.node, Tokens: w.tokens,
		Verifier: &sigv4.Verifier{Keys: map[string]string{keyID: secret}, Service: "connect", Clock: clockwork.NewRealClock()},
		Center:   newCenter(t, centerFile),
	}
	for _, f := range change {
		f(&w.config)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", restjson.NotFound)
	connect.New(w.config).Register(mux)
	srv := httptest.NewServer(noNull(t, restjson.Edge(mux, slog.New(slog.DiscardHandler), restjson.EdgeOptions{})))
	t.Cleanup(srv.Close)
	w.url = srv.URL
	w.client = w.clientOf(keyID, secret)
	return w
}

// noNull holds all answers to leave out what there is not, as the protocol has it.
func noNull(t *testing.T, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := httptest.NewRecorder()
		h.ServeHTTP(got, r)
		for d := json.NewDecoder(bytes.NewReader(got.Body.Bytes())); ; {
			token, err := d.Token()
			if err != nil {
				break
			}
			if token == nil {
				t.Errorf("%s %s: a member is null: %s", r.Method, r.URL.Path, got.Body)
			}
		}
		maps.Copy(w.Header(), got.Header())
		w.WriteHeader(got.Code)
		_, _ = w.Write(got.Body.Bytes())
	})
}

// centerFile is the contact center of the worlds, besides the built-in flow and its queue.
const centerFile = `
users:
  - {id: zoe, name: Zoë}
  - {id: bob, name: Bob}
  - {id: carol, name: Carol, role: supervisor}
queues:
  - {id: billing, users: [zoe], routing: offer, accept-within: 45s}
`

// newCenter makes a contact center; without a file, the local one.
func newCenter(t *testing.T, text string) *center.Center {
	t.Helper()
	keys, err := token.NewKeyring(token.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	sections := make(map[string]*yaml.Node)
	var file map[string]yaml.Node
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	for name, node := range file {
		sections[name] = &node
	}
	c, err := center.New(sections, center.Options{
		Instance: center.Instance{ID: instanceID, Region: "eu-central-1", AccountID: "123456789012"},
		Local:    text == "", FlowID: flowID, Greeting: "Welcome", Queue: "Support", Tokens: keys,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// clientOf gives the official SDK, without retries.
func (w *world) clientOf(key, secret string) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: "us-west-2", BaseEndpoint: aws.String(w.url), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
	})
}

func p[T any](v T) *T { return &v }

// input is the smallest that starts a chat.
func input() *sdk.StartChatContactInput {
	return &sdk.StartChatContactInput{
		InstanceId: p(instanceID), ContactFlowId: p(flowID),
		ParticipantDetails: &types.ParticipantDetails{DisplayName: p("Ann")},
	}
}

// start starts a chat and gives the ids of its contact and its customer.
func (w *world) start(in *sdk.StartChatContactInput) (string, chat.ParticipantID) {
	w.t.Helper()
	out, err := w.client.StartChatContact(w.t.Context(), in)
	if err != nil {
		w.t.Fatal(err)
	}
	return *out.ContactId, chat.ParticipantID{ID: mustID(w.t, *out.ParticipantId)}
}

// look gives what is known of a chat.
func (w *world) look(contact string, look func(*chat.Chat)) {
	w.t.Helper()
	err := w.node.View(w.t.Context(), w.chatOf(contact), func(c *chat.Chat) error {
		look(c)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// describe shows a contact as the API does.
func (w *world) describe(contact string) *types.Contact {
	w.t.Helper()
	out, err := w.client.DescribeContact(w.t.Context(), &sdk.DescribeContactInput{InstanceId: p(arn), ContactId: &contact})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Contact
}

// do has a command done, past the API.
func (w *world) do(contact string, cmd chat.Command) {
	w.t.Helper()
	if _, err := w.node.Do(w.t.Context(), w.chatOf(contact), cmd); err != nil {
		w.t.Fatal(err)
	}
}

// chatOf names a contact's chat.
func (w *world) chatOf(contact string) chat.ChatID {
	w.t.Helper()
	id, err := w.node.Find(w.t.Context(), chat.ContactID{ID: mustID(w.t, contact)})
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func mustID(t *testing.T, s string) chat.ID {
	t.Helper()
	id, err := chat.ParseID(s)
	if err != nil {
		t.Fatalf("%q is not an id", s)
	}
	return id
}

// refused holds an error of the SDK to its code, status and message (a part of it).
func refused(t *testing.T, err error, code string, status int, message string) {
	t.Helper()
	var api smithy.APIError
	var response *awshttp.ResponseError
	switch {
	case err == nil:
		t.Errorf("nothing was refused; want %s", code)
	case !errors.As(err, &api) || !errors.As(err, &response):
		t.Errorf("not an error of the API: %v", err)
	case api.ErrorCode() != code || response.HTTPStatusCode() != status || !bytes.Contains([]byte(api.ErrorMessage()), []byte(message)):
		t.Errorf("got %s %d %q, want %s %d %q", api.ErrorCode(), response.HTTPStatusCode(), api.ErrorMessage(), code, status, message)
	case response.ServiceRequestID() == "":
		t.Errorf("%s has no request id", code)
	}
}

// answer is a raw response.
type answer struct {
	status  int
	header  http.Header
	body    map[string]any
	message string
}

// send sends a signed request that the SDK would not.
func (w *world) send(method, path, body string) answer {
	w.t.Helper()
	r, err := http.NewRequest(method, w.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	sum := sha256.Sum256([]byte(body))
	creds := aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}
	if err := v4.NewSigner().SignHTTP(w.t.Context(), creds, r, hex.EncodeToString(sum[:]), "connect", "us-east-1", time.Now()); err != nil {
		w.t.Fatal(err)
	}
	return w.exchange(r)
}

func (w *world) exchange(r *http.Request) answer {
	w.t.Helper()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	a := answer{status: res.StatusCode, header: res.Header}
	if err := json.Unmarshal(raw, &a.body); err != nil {
		w.t.Fatalf("%s %s: %v in %q", r.Method, r.URL.Path, err, raw)
	}
	a.message, _ = a.body["Message"].(string)
	return a
}
