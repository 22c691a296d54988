package restjson_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/parley-chat/parley/internal/restjson"
)

// edgeOf serves an API with the operations that the tests of the edge need, and logs
// into the buffer.
func edgeOf(opts restjson.EdgeOptions) (http.Handler, *bytes.Buffer) {
	log := new(bytes.Buffer)
	api := newAPI(restjson.Options{Translate: func(err error) *restjson.Error {
		if errors.Is(err, errKnown) {
			return &restjson.Error{Code: "ThrottlingException", Status: 429, Message: "slower", Detail: "known: ä\n"}
		}
		return nil
	}})
	say := func(op string, f func(context.Context) error) {
		restjson.Handle(api, op, "POST", "/"+op, func(ctx context.Context, _ *empty) (*empty, error) { return nil, f(ctx) })
	}
	say("ok", func(context.Context) error { return nil })
	say("known", func(context.Context) error { return errKnown })
	say("unknown", func(context.Context) error { return errors.New("the disk is on fire") })
	say("panic", func(context.Context) error { panic("oh no") })
	say("abort", func(context.Context) error { panic(http.ErrAbortHandler) })
	say("ctx", func(ctx context.Context) error { return ctx.Err() })
	mux := muxOf(api)
	mux.HandleFunc("/late", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("so far"))
		panic("late")
	})
	mux.HandleFunc("/other", func(http.ResponseWriter, *http.Request) { panic("other") })
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return restjson.Edge(mux, logger, opts), log
}

var errKnown = errors.New("known")

func TestErrorForm(t *testing.T) {
	h, _ := edgeOf(restjson.EdgeOptions{})
	r := do(t, h, "POST", "/known", "{}")
	want := `{"__type":"ThrottlingException","Message":"slower","message":"slower"}`
	if got := text(t, r); r.StatusCode != 429 || got != want {
		t.Errorf("%d %s, want %s", r.StatusCode, got, want)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "X-Amzn-ErrorType": "ThrottlingException", "Retry-After": "1",
		"X-Parley-Detail": "known: ???", "Access-Control-Allow-Origin": "*",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if len(r.Header.Get("X-Amzn-RequestId")) != 36 {
		t.Errorf("request id %q", r.Header.Get("X-Amzn-RequestId"))
	}
}

func TestExtraMembers(t *testing.T) {
	w := httptest.NewRecorder()
	restjson.WriteError(w, httptest.NewRequest("GET", "/", nil), &restjson.Error{
		Code: "ResourceNotFoundException", Status: 404, Message: "a \"quote\" and \xff",
		Extra: map[string]any{"ResourceType": "CONTACT", "ResourceId": "x", "Bad": func() {}},
	})
	want := `{"__type":"ResourceNotFoundException","Message":"a \"quote\" and ` + "\uFFFD" + `","message":"a \"quote\" and ` + "\uFFFD" +
		`","ResourceId":"x","ResourceType":"CONTACT"}`
	if got := w.Body.String(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestUnlistedErrorsTellNothing(t *testing.T) {
	h, log := edgeOf(restjson.EdgeOptions{})
	r := do(t, h, "POST", "/unknown", "{}")
	if got := text(t, r); r.StatusCode != 500 || strings.Contains(got, "fire") {
		t.Errorf("%d %s", r.StatusCode, got)
	}
	id := r.Header.Get("X-Amzn-RequestId")
	if s := log.String(); strings.Count(s, "level=ERROR") != 1 || strings.Count(s, "on fire") != 1 || !strings.Contains(s, "request="+id) {
		t.Errorf("log: %s", s)
	}
}

func TestPanics(t *testing.T) {
	h, log := edgeOf(restjson.EdgeOptions{})
	for path, code := range map[string]string{"/panic": "InternalFailure", "/other": "InternalServerException"} {
		log.Reset()
		r := do(t, h, "POST", path, "{}")
		if body := text(t, r); r.StatusCode != 500 || r.Header.Get("X-Amzn-ErrorType") != code || strings.Contains(body, "oh no") {
			t.Errorf("%s: %d %s", path, r.StatusCode, body)
		}
		id := r.Header.Get("X-Amzn-RequestId")
		if s := log.String(); strings.Count(s, "level=ERROR") != 1 || !strings.Contains(s, "edge_test.go") || !strings.Contains(s, id) {
			t.Errorf("%s: log: %s", path, s)
		}
	}
	for _, path := range []string{"/abort", "/late"} {
		func() {
			defer func() {
				if v := recover(); v != http.ErrAbortHandler {
					t.Errorf("%s: panic %v, want http.ErrAbortHandler", path, v)
				}
			}()
			do(t, h, "POST", path, "{}")
		}()
	}
}

func TestGoneClientsAreNoError(t *testing.T) {
	h, log := edgeOf(restjson.EdgeOptions{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/ctx", strings.NewReader("{}")).WithContext(ctx))
	if s := log.String(); strings.Contains(s, "level=ERROR") || !strings.Contains(s, "gone=true") {
		t.Errorf("log: %s", s)
	}
}

func TestBusyIsNoError(t *testing.T) {
	log := new(bytes.Buffer)
	h := restjson.Edge(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		restjson.WriteError(w, r, &restjson.Error{Code: "ServiceUnavailableException", Status: 503, Message: "later"})
	}), slog.New(slog.NewTextHandler(log, nil)), restjson.EdgeOptions{})
	if r := do(t, h, "GET", "/", ""); r.Header.Get("Retry-After") != "1" || log.Len() > 0 {
		t.Errorf("%v, log: %s", r.Header, log)
	}
}

func TestAccessLog(t *testing.T) {
	h, log := edgeOf(restjson.EdgeOptions{})
	do(t, h, "POST", "/ok", "{}")
	for _, want := range []string{"level=DEBUG", "method=POST", "path=/ok", "op=ok", "status=200", " us=", "request="} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%s is missing in: %s", want, log)
		}
	}
	if strings.Count(log.String(), "\n") != 1 {
		t.Errorf("not one line: %s", log)
	}
}

func TestPreflight(t *testing.T) {
	h, _ := edgeOf(restjson.EdgeOptions{})
	for _, path := range []string{"/ok", "/nowhere", "//a/../b", "/"} {
		r := do(t, h, "OPTIONS", path, "", "Origin", "https://a.example", "Access-Control-Request-Method", "POST")
		if r.StatusCode != 204 || r.Header.Get("Access-Control-Allow-Origin") != "*" || r.Header.Get("Access-Control-Max-Age") == "" {
			t.Errorf("%s: %d %v", path, r.StatusCode, r.Header)
		}
		allowed := strings.Split(r.Header.Get("Access-Control-Allow-Headers"), ",")
		// what Chromium asks for, on behalf of ChatJS and the SDK for JavaScript (sdk-clients.md 3)
		for _, name := range strings.Split("authorization,content-type,x-amz-bearer,x-amz-content-sha256,x-amz-date,x-amz-user-agent,"+
			"x-amz-security-token,amz-sdk-invocation-id,amz-sdk-request,content-disposition,x-amz-meta-account_id,range", ",") {
			if !slices.Contains(allowed, name) {
				t.Errorf("%s: %s is not allowed", path, name)
			}
		}
		if got := r.Header.Get("Access-Control-Allow-Methods"); got != "GET,POST,PUT,DELETE,OPTIONS" {
			t.Errorf("%s: methods %s", path, got)
		}
	}
}

func TestOrigins(t *testing.T) {
	h, _ := edgeOf(restjson.EdgeOptions{Origins: []string{"https://a.example", "https://b.example"}})
	for origin, want := range map[string]string{"https://b.example": "https://b.example", "https://c.example": "", "": ""} {
		for _, path := range []string{"/ok", "/nowhere", "/panic"} {
			r := do(t, h, "POST", path, "{}", "Origin", origin)
			if got := r.Header.Get("Access-Control-Allow-Origin"); got != want || r.Header.Get("Vary") != "Origin" {
				t.Errorf("%s from %q: allowed %q, Vary %q", path, origin, got, r.Header.Get("Vary"))
			}
		}
	}
	h, _ = edgeOf(restjson.EdgeOptions{Origins: []string{"*"}})
	if got := do(t, h, "POST", "/ok", "{}", "Origin", "https://c.example").Header.Get("Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("with * in the list: %q", got)
	}
}

func TestPathsThatNobodyServes(t *testing.T) {
	h, _ := edgeOf(restjson.EdgeOptions{})
	for _, path := range []string{"/", "/nowhere", "//ok", "/./ok", "/a/../ok", "/ok/", "/ok/.", "/a//", "/%2e%2e/ok", "/ok%2F"} {
		r := do(t, h, "POST", path, "{}")
		if r.StatusCode != 404 || r.Header.Get("X-Amzn-ErrorType") != "UnknownOperationException" ||
			r.Header.Get("Access-Control-Allow-Origin") != "*" || message(t, r) == "" {
			t.Errorf("%s: %d %v", path, r.StatusCode, r.Header)
		}
	}
	r := do(t, h, "PUT", "/ok", "{}")
	if r.StatusCode != 405 || r.Header.Get("Allow") != "OPTIONS, POST" || message(t, r) == "" {
		t.Errorf("PUT: %d %v", r.StatusCode, r.Header)
	}
}

// TestExposedHeaders: a page of another origin reads an error's type and a request's id
// only if they are exposed to it, whatever is answered (semantics.md 3.0).
func TestExposedHeaders(t *testing.T) {
	for _, origins := range [][]string{nil, {"https://a.example"}} {
		h, _ := edgeOf(restjson.EdgeOptions{Origins: origins})
		for _, path := range []string{"/ok", "/known", "/panic", "/nowhere"} {
			r := do(t, h, "POST", path, "{}", "Origin", "https://a.example")
			exposed := strings.Split(strings.ToLower(r.Header.Get("Access-Control-Expose-Headers")), ",")
			for _, name := range []string{"x-amzn-requestid", "x-amzn-errortype", "x-parley-detail"} {
				if !slices.Contains(exposed, name) {
					t.Errorf("%s, origins %v: %s is not exposed", path, origins, name)
				}
			}
		}
	}
}

// TestBeforeTellsTheHandler: what Before found out of the caller comes with the context,
// and so does everything that the context had.
func TestBeforeTellsTheHandler(t *testing.T) {
	type key struct{}
	var who any
	var id string
	api := newAPI(restjson.Options{
		Before: func(r *http.Request, _ string, _ []byte) (context.Context, error) {
			return context.WithValue(r.Context(), key{}, "Jane"), nil
		},
	})
	restjson.Handle(api, "Op", "POST", "/op", func(ctx context.Context, _ *empty) (*empty, error) {
		who, id = ctx.Value(key{}), restjson.RequestID(ctx)
		return nil, nil
	})
	r := do(t, restjson.Edge(muxOf(api), quiet, restjson.EdgeOptions{}), "POST", "/op", "")
	if who != "Jane" || id == "" || id != r.Header.Get("X-Amzn-RequestId") {
		t.Errorf("the handler saw %v in request %q", who, id)
	}
}

func TestRequestIDReachesHandlers(t *testing.T) {
	var id string
	h := restjson.Edge(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { id = restjson.RequestID(r.Context()) }),
		quiet, restjson.EdgeOptions{})
	if r := do(t, h, "GET", "/", ""); id == "" || r.Header.Get("X-Amzn-RequestId") != id {
		t.Errorf("handler saw %q, client %q", id, r.Header.Get("X-Amzn-RequestId"))
	}
	if restjson.RequestID(context.Background()) != "" {
		t.Error("an id out of nowhere")
	}
}

// TestLimit: a call that is one too many is answered before anything of it is read.
func TestLimit(t *testing.T) {
	var asked []string
	wait := 2500 * time.Millisecond
	api := newAPI(restjson.Options{
		Fault: func(op string, r *http.Request) *restjson.Error {
			if r.Header.Get("X-Fault") != "" {
				return &restjson.Error{Code: "Fault", Status: 400}
			}
			return nil
		},
		Limit: func(op string) time.Duration {
			asked = append(asked, op)
			return wait
		},
		TooMany: func(op, message string) *restjson.Error {
			return &restjson.Error{Code: "Slower" + op, Status: 429, Message: message}
		},
		Before: func(*http.Request, string, []byte) (context.Context, error) {
			if wait > 0 {
				t.Error("the caller was looked at")
			}
			return nil, errKnown
		},
	})
	restjson.Handle(api, "Op", "POST", "/op", func(context.Context, *empty) (*empty, error) { return nil, nil })
	h := muxOf(api)
	if r := do(t, h, "POST", "/op", "{}", "X-Fault", "yes"); r.StatusCode != 400 || asked != nil {
		t.Errorf("a fault is counted: %d %v", r.StatusCode, asked)
	}
	for after, want := range map[time.Duration]string{
		2500 * time.Millisecond: "3", 2 * time.Second: "2", 1: "1",
	} {
		wait = after
		r := do(t, h, "POST", "/op", "no JSON")
		if got := r.Header.Get("Retry-After"); r.StatusCode != 429 || got != want || r.Header.Get("x-amzn-ErrorType") != "SlowerOp" {
			t.Errorf("%d, Retry-After %q, want %s; %v", r.StatusCode, got, want, r.Header)
		}
	}
	wait = 0
	if r := do(t, h, "POST", "/op", "{}"); r.StatusCode == 429 {
		t.Error("a call in time is refused")
	}
	if len(asked) != 4 || asked[0] != "Op" {
		t.Errorf("asked %v", asked)
	}
}

// TestWebsocketsPass: the edge is in the way of websockets, too.
func TestWebsocketsPass(t *testing.T) {
	upgrade := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	srv := httptest.NewServer(restjson.Edge(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrade.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_ = conn.WriteMessage(websocket.TextMessage, []byte(restjson.RequestID(r.Context())))
	}), quiet, restjson.EdgeOptions{}))
	defer srv.Close()
	conn, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(srv.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, id, err := conn.ReadMessage(); err != nil || len(id) != 36 {
		t.Errorf("%q, %v", id, err)
	}
}
