package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/connect"
	"github.com/aws/aws-sdk-go-v2/service/connect/types"
	"github.com/gorilla/websocket"
	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/participant"
)

func settings(change func(*config.Settings)) config.Settings {
	s := config.Defaults()
	s.Listen, s.Data = "127.0.0.1:0", config.Memory
	change(&s)
	return s
}

// open serves until the test ends.
func open(t *testing.T, s config.Settings) *Server { return openAt(t, s, clockwork.NewRealClock()) }

// openAt serves by a clock.
func openAt(t *testing.T, s config.Settings, clock clockwork.Clock) *Server {
	t.Helper()
	srv, err := Open(s, clock, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return srv
}

// ask sends a request and gives the status and the body.
func ask(t *testing.T, method, url, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestFaults(t *testing.T) {
	url := open(t, settings(func(*config.Settings) {})).Listening()
	event := func() int {
		status, _ := ask(t, "POST", url+"/participant/event", "{}")
		return status
	}
	fault := func(body string) {
		if status, text := ask(t, "POST", url+faultsPath, body); status != http.StatusNoContent {
			t.Fatalf("%s: %d %s", body, status, text)
		}
	}
	fault(`{"Operation":"SendEvent","Error":"ThrottlingException","Count":2}`)
	fault(`{"Operation":"*","Error":"InternalServerException"}`)
	for i, want := range []int{429, 429, 500, 403, 403} {
		if got := event(); got != want {
			t.Errorf("call %d: %d, want %d", i, got, want)
		}
	}
	fault(`{"Operation":"SendEvent","Error":"ConflictException"}`)
	if status, _ := ask(t, "DELETE", url+faultsPath, ""); status != http.StatusNoContent || event() != 403 {
		t.Errorf("a fault is there after DELETE (%d)", status)
	}
	for body, want := range map[string]string{
		``: "the body must be like",
		`{"Operation":"SendEvents","Error":"ConflictException"}`:         "the Operation",
		`{"Operation":"SendEvent","Error":"Oops"}`:                       "the Error",
		`{"Operation":"SendEvent","Error":"ConflictException","Coun":1}`: "the body must be like",
		`{"Operation":"*","Error":"ConflictException","Count":-1}`:       "the Count",
	} {
		if status, text := ask(t, "POST", url+faultsPath, body); status != 400 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", body, status, text)
		}
	}
	if status, _ := ask(t, "POST", url+faultsPath, `{"Operation":"*","Error":"ConflictException"}`, "Origin", "https://example.com"); status != 403 {
		t.Errorf("a web page has injected a fault: %d", status)
	}
	if status, _ := ask(t, "GET", url+faultsPath, ""); status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", status)
	}
}

// The example is one that works.
func TestExample(t *testing.T) {
	f, err := os.Open("../../docs/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	values, sections, err := config.Parse(f)
	if err != nil || values["queue"] != "support" {
		t.Fatal(values, err)
	}
	open(t, settings(func(s *config.Settings) { s.Center = sections }))
	for _, name := range []string{"users", "queues", "flows", "views", "identity-providers"} {
		if sections[name] == nil {
			t.Errorf("the example has no %s", name)
		}
	}
}

// Only a developer's own server takes faults and the built-in key.
func TestFaultsAreLocal(t *testing.T) {
	url := open(t, settings(func(s *config.Settings) { s.AccessKeys = []string{"id:secret"} })).Listening()
	if status, _ := ask(t, "POST", url+faultsPath, `{"Operation":"*","Error":"ConflictException"}`); status != http.StatusNotFound {
		t.Errorf("a server with its own keys takes faults: %d", status)
	}
}

// The quotas go by the server's clock, and each API has its own.
func TestQuotas(t *testing.T) {
	clock := clockwork.NewFakeClock()
	url := openAt(t, settings(func(s *config.Settings) { s.Quotas = config.QuotasAWS }), clock).Listening()
	calls := func(path string, through int) {
		t.Helper()
		for i := range through + 2 {
			want := http.StatusForbidden // nobody is allowed to, but that is found out later
			if i >= through {
				want = http.StatusTooManyRequests
			}
			if status, text := ask(t, "POST", url+path, "{}"); status != want {
				t.Fatalf("%s, call %d: %d %s, want %d", path, i, status, text, want)
			}
		}
	}
	calls("/participant/event", 15)
	calls("/participant/disconnect", 5)
	calls("/contact/stop", 15)
	clock.Advance(time.Second)
	calls("/participant/event", 10)
	calls("/participant/disconnect", 3)

	url = open(t, settings(func(*config.Settings) {})).Listening()
	for i := range 100 {
		if status, text := ask(t, "POST", url+"/participant/event", "{}"); status != http.StatusForbidden {
			t.Fatalf("no quotas, call %d: %d %s", i, status, text)
		}
	}
}

func TestMaxChats(t *testing.T) {
	for want, s := range map[int]config.Settings{
		0:   settings(func(*config.Settings) {}),
		500: settings(func(s *config.Settings) { s.Quotas = config.QuotasAWS }),
		7:   settings(func(s *config.Settings) { s.Quotas, s.MaxChats = config.QuotasAWS, 7 }),
	} {
		if got := (&Server{settings: s}).maxChats(); got != want {
			t.Errorf("%d chats, want %d", got, want)
		}
	}
	url := open(t, settings(func(s *config.Settings) { s.MaxChats = 1 })).Listening()
	if _, err := start(t, url, "hello"); err != nil {
		t.Fatal(err)
	}
	var limit *types.LimitExceededException
	if _, err := start(t, url, "hello"); !errors.As(err, &limit) {
		t.Errorf("one chat too many: %v", err)
	}
}

// start starts a chat with an initial message, through the official SDK.
func start(t *testing.T, url, message string) (*sdk.StartChatContactOutput, error) {
	return sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: &url, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(config.LocalKeyID, config.LocalSecret, ""),
	}).StartChatContact(t.Context(), &sdk.StartChatContactInput{
		InstanceId: aws.String(config.Defaults().InstanceID), ContactFlowId: aws.String(config.LocalFlow),
		ParticipantDetails: &types.ParticipantDetails{DisplayName: aws.String("Jane")},
		InitialMessage:     &types.ChatMessage{ContentType: aws.String("text/plain"), Content: &message},
	})
}

func TestMessageLimits(t *testing.T) {
	for limits, want := range map[string]int{config.StrictMessages: http.StatusBadRequest, config.Defaults().MessageLimit: http.StatusOK} {
		url := open(t, settings(func(s *config.Settings) { s.MessageLimit = limits })).Listening()
		long := strings.Repeat("x", 1025)
		if _, err := start(t, url, long); (err == nil) != (want == http.StatusOK) {
			t.Errorf("%s: %v", limits, err)
		}
		out, err := start(t, url, "hello")
		if err != nil {
			t.Fatal(err)
		}
		_, text := ask(t, "POST", url+"/participant/connection", `{"Type":["CONNECTION_CREDENTIALS"],"ConnectParticipant":true}`,
			"X-Amz-Bearer", *out.ParticipantToken)
		_, token, _ := strings.Cut(text, `"ConnectionToken":"`)
		token, _, _ = strings.Cut(token, `"`)
		if status, text := ask(t, "POST", url+"/participant/message", `{"ContentType":"text/plain","Content":"`+long+`"}`,
			"X-Amz-Bearer", token); status != want {
			t.Errorf("%s: %d %s, want %d", limits, status, text, want)
		}
	}
}

func TestURL(t *testing.T) {
	for public, want := range map[string]string{
		"":                         "http://127.0.0.1:",
		"http://127.0.0.1:9/path/": "http://127.0.0.1:9/path",
	} {
		srv := open(t, settings(func(s *config.Settings) { s.PublicURL = public }))
		if got := srv.URL(); !strings.HasPrefix(got, want) || strings.HasSuffix(got, "/") {
			t.Errorf("public-url %q: %s", public, got)
		}
	}
	srv := open(t, settings(func(s *config.Settings) { s.Listen = "localhost:0" }))
	if got := srv.URL(); !strings.HasPrefix(got, "http://127.0.0.1:") && !strings.HasPrefix(got, "http://[::1]:") {
		t.Errorf("localhost: %s", got) // ChatJS takes plain ws:// for 127.0.0.1 only
	}
}

// A database is never without the key of its tokens, and a new key is never made for it.
func TestTokenKeyIsKept(t *testing.T) {
	s := settings(func(s *config.Settings) { s.Data = filepath.Join(t.TempDir(), "data") })
	for range 2 {
		srv, err := Open(s, clockwork.NewRealClock(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if err := srv.close(); err != nil {
			t.Fatal(err)
		}
	}
	key := filepath.Join(s.Data, "token.key")
	for name, spoil := range map[string]func() error{
		"is damaged": func() error { return os.WriteFile(key, []byte("x"), 0o600) },
		"is missing": func() error { return os.Remove(key) },
	} {
		old, err := os.ReadFile(key)
		if err != nil {
			t.Fatal(err)
		}
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(s, clockwork.NewRealClock(), slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("the key %s: %v", name, err)
		}
		if err := os.WriteFile(key, old, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Every response has a request id, that of a websocket handshake too.
func TestHandshakeHasRequestID(t *testing.T) {
	url := open(t, settings(func(*config.Settings) {})).Listening()
	ws, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(url, "http")+participant.SocketPath+"?token=x", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	var why struct{ RequestID string }
	if err := ws.ReadJSON(&why); err != nil || why.RequestID == "" || why.RequestID != resp.Header.Get("X-Amzn-RequestId") {
		t.Errorf("the frame names the request %q (%v), the handshake %q", why.RequestID, err, resp.Header.Get("X-Amzn-RequestId"))
	}
}

// A client that stalls is cut off; that is no failure of the server.
func TestDrainCutsStalledClients(t *testing.T) {
	srv, err := Open(settings(func(s *config.Settings) { s.DrainTime = 100 * time.Millisecond }),
		clockwork.NewRealClock(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ctx) }()
	conn, err := net.Dial("tcp", srv.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const half = "POST /participant/event HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n"
	if _, err := io.WriteString(conn, half); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil { // the handler waits for the body
		t.Fatal(err)
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if _, err := io.ReadAll(conn); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Error(err)
	}
}

// Browsers that ask for nothing else are sent to the console, programs are not.
func TestConsole(t *testing.T) {
	srv := open(t, settings(func(*config.Settings) {}))
	for accept, want := range map[string]string{"text/html,*/*": "Try it", "*/*": "UnknownOperationException"} {
		if _, body := ask(t, "GET", srv.URL()+"/", "", "Accept", accept); !strings.Contains(body, want) {
			t.Errorf("%s: %s", accept, body)
		}
	}
	status, body := ask(t, "POST", srv.URL()+"/console/start", `{}`)
	if status != http.StatusOK || !strings.Contains(body, "startChatResult") {
		t.Errorf("start: %d %s", status, body)
	}
}

// The console's pages may reach the place of the files, wherever it is.
func TestFileOrigins(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	srv := open(t, settings(func(s *config.Settings) {
		s.Blobs = "s3://files?endpoint=http://127.0.0.1:9&public-endpoint=https://s3.example.com&region=eu-central-1&path-style=true"
	}))
	if got := srv.fileOrigins(); len(got) != 1 || got[0] != "https://s3.example.com" {
		t.Errorf("%v", got)
	}
}
