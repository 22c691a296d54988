package console_test

import (
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/bus/localbus"
	"github.com/parley-chat/parley/internal/center"
	"github.com/parley-chat/parley/internal/connect"
	"github.com/parley-chat/parley/internal/console"
	"github.com/parley-chat/parley/internal/console/desk"
	"github.com/parley-chat/parley/internal/console/meter"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/restjson"
	"github.com/parley-chat/parley/internal/store/memstore"
	"github.com/parley-chat/parley/internal/token"
)

const base = "https://chat.example.com"

// open serves a console on a node with a store in memory, as a server does.
func open(t *testing.T, change func(*console.Config)) http.Handler {
	t.Helper()
	keys, err := token.NewKeyring([]byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	clock := clockwork.NewFakeClock()
	n := node.New(node.Config{Store: memstore.New(), Bus: localbus.New(), Clock: clock})
	t.Cleanup(n.Close)
	c := console.Config{
		Config: desk.Config{
			Node: n, Center: center.Local(), Tokens: keys, Clock: clock, FlowID: "built-in", Attachments: true,
			Meter: meter.New(), Sockets: func() int { return 0 },
		},
		URL: base,
	}
	inside := http.NewServeMux()
	connect.New(connect.Config{Node: n, Center: c.Center, Tokens: keys}).Register(inside)
	c.Start = inside
	change(&c)
	h, err := console.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return restjson.Edge(h, slog.New(slog.DiscardHandler), restjson.EdgeOptions{})
}

func local(c *console.Config) { c.Local, c.URL = true, "http://127.0.0.1:8080" }

// request is one from a page at an address like the console's own.
func request(method, path, body string, header ...string) *http.Request {
	r := httptest.NewRequest(method, base+path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		if r.Header.Set(header[i], header[i+1]); header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	return r
}

func serve(h http.Handler, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPages(t *testing.T) {
	h := open(t, func(c *console.Config) {
		c.WidgetOrigins = []string{"https://shop.example.com"}
		c.FileOrigins = []string{"https://files.example.com"}
	})
	for page, framed := range map[string]string{
		"desk": "'none'", "supervisor": "'none'", "transcripts": "'none'", "now": "'none'", "try": "'none'",
		"widget": "'self' https://shop.example.com",
	} {
		res := serve(h, request("GET", "/console/"+page, ""))
		csp := res.Header.Get("Content-Security-Policy")
		if res.StatusCode != http.StatusOK || !strings.HasPrefix(csp, "default-src 'none'; script-src 'self'; style-src 'self'; ") ||
			!strings.HasSuffix(csp, "frame-ancestors "+framed) ||
			!strings.Contains(csp, "connect-src 'self' wss://chat.example.com https://chat.example.com https://files.example.com;") {
			t.Errorf("%s: %d %s", page, res.StatusCode, csp)
		}
		if body := text(t, res); strings.Contains(body, " style=") || strings.Contains(body, "<style") || strings.Contains(body, "<script>") {
			t.Errorf("%s has styles or scripts that the policy stops", page)
		}
		if got := res.Header.Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("%s: X-Content-Type-Options is %q", page, got)
		}
	}
	for _, missing := range []string{"desk.html", "nothing", "../console.go", "api/nothing"} {
		if res := serve(h, request("GET", "/console/"+missing, "")); res.StatusCode == http.StatusOK {
			t.Errorf("%s: %d", missing, res.StatusCode)
		}
	}
	if res := serve(h, request("POST", "/console/desk", "")); res.StatusCode != http.StatusNotFound {
		t.Errorf("POST: %d", res.StatusCode)
	}
}

// Files are sent packed, and again only when they have changed.
func TestFilesAreKept(t *testing.T) {
	h := open(t, local)
	get := func(header ...string) *http.Response {
		return serve(h, request("GET", "/console/session.js", "", append(header, "Host", "127.0.0.1:8080")...))
	}
	plain := get()
	want := text(t, plain)
	packed := get("Accept-Encoding", "gzip")
	z, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(z)
	if err != nil || string(got) != want {
		t.Errorf("unpacked, it has %d bytes and not %d: %v", len(got), len(want), err)
	}
	for res, encoding := range map[*http.Response]string{plain: "", packed: "gzip"} {
		etag := res.Header.Get("ETag")
		if again := get("Accept-Encoding", encoding, "If-None-Match", etag); again.StatusCode != http.StatusNotModified {
			t.Errorf("with If-None-Match: %d", again.StatusCode)
		}
		if again := get("Accept-Encoding", encoding, "If-None-Match", `"other"`); again.StatusCode != http.StatusOK {
			t.Errorf("with another If-None-Match: %d", again.StatusCode)
		}
	}
}

func TestHome(t *testing.T) {
	for want, h := range map[string]http.Handler{"desk": open(t, func(*console.Config) {}), "try": open(t, local)} {
		res := serve(h, request("GET", "/console/", "", "Host", "127.0.0.1:8080"))
		if got := res.Header.Get("Location"); res.StatusCode != http.StatusFound || got != want {
			t.Errorf("%d to %s, want %s", res.StatusCode, got, want)
		}
	}
}

// No other site's page can act for somebody who is signed in.
func TestOtherSites(t *testing.T) {
	h := open(t, func(*console.Config) {})
	for _, c := range []struct {
		header  []string
		refused bool
	}{
		{nil, false}, // a program
		{[]string{"Sec-Fetch-Site", "same-origin"}, false},
		{[]string{"Origin", base}, false},
		{[]string{"Origin", base, "Host", "10.0.0.7:8080"}, false}, // behind a proxy
		{[]string{"Sec-Fetch-Site", "cross-site"}, true},
		{[]string{"Sec-Fetch-Site", "same-site"}, true},
		{[]string{"Origin", "https://evil.example.com"}, true},
	} {
		res := serve(h, request("POST", "/console/api/sign-out", "{}", append(c.header, "Content-Type", "application/json")...))
		if refused := res.StatusCode == http.StatusForbidden; refused != c.refused {
			t.Errorf("%v: %d", c.header, res.StatusCode)
		}
	}
}

// On a developer's own server, where passwords are known, a page that points its own
// name at this machine gets nothing.
func TestRebinding(t *testing.T) {
	h := open(t, local)
	for host, want := range map[string]int{
		"127.0.0.1:8080": 200, "localhost:8080": 200, "[::1]:8080": 200, "localhost": 200, "evil.example.com:8080": 403, "10.0.0.1": 403,
	} {
		if res := serve(h, request("GET", "/console/api/me", "", "Host", host)); res.StatusCode != want {
			t.Errorf("%s: %d, want %d", host, res.StatusCode, want)
		}
	}
}

// started is the answer to a start.
type started struct {
	Data struct {
		StartChatResult struct {
			ContactId, ParticipantId, ParticipantToken string
		} `json:"startChatResult"`
		FeaturePermissions map[string]bool `json:"featurePermissions"`
	} `json:"data"`
}

// AWS's chat interface posts JSON as text/plain, and other things besides (semantics.md 9.1).
func TestStart(t *testing.T) {
	h := open(t, func(c *console.Config) { c.WidgetOrigins = []string{"https://shop.example.com"} })
	for name, body := range map[string]string{
		"least":          `{}`,
		"chat interface": `{"InstanceId":"","ContactFlowId":"built-in","ParticipantDetails":{"DisplayName":"Jane"},"Username":"jane","SupportedMessagingContentTypes":"text/plain,text/markdown","Attributes":"{\"a\":\"b\"}","Unknown":1}`,
		"lists":          `{"ParticipantDetails":{"DisplayName":"Jane"},"SupportedMessagingContentTypes":["text/plain"],"Attributes":{"a":"b"},"InitialMessage":{"ContentType":"text/plain","Content":"Hi"},"ChatDurationInMinutes":60,"PersistentChat":null}`,
	} {
		res := serve(h, request("POST", "/console/start", body, "Origin", "https://shop.example.com", "Sec-Fetch-Site", "cross-site", "Content-Type", "text/plain"))
		answer := text(t, res)
		var out started
		if err := json.Unmarshal([]byte(answer), &out); err != nil || res.StatusCode != http.StatusOK || out.Data.StartChatResult.ParticipantToken == "" || !out.Data.FeaturePermissions["ATTACHMENTS"] {
			t.Errorf("%s: %d %s", name, res.StatusCode, answer)
		}
		if got := res.Header.Get("Access-Control-Allow-Origin"); got != "https://shop.example.com" {
			t.Errorf("%s: the page may not read the answer: %q", name, got)
		}
	}
	for body, status := range map[string]int{
		``: 400, `[]`: 400, `{"InstanceId":"other"}`: 404, `{"ParticipantDetails":{"DisplayName":7}}`: 400,
		`{"PersistentChat":{"RehydrationType":"ENTIRE_PAST_SESSION","SourceContactId":"x"}}`: 403,
		`{"Attributes":"{"}`: 400, `{"SupportedMessagingContentTypes":"text/markdown"}`: 400, strings.Repeat(" ", 70000): 400,
	} {
		res := serve(h, request("POST", "/console/start", body, "Origin", "https://shop.example.com"))
		if answer := text(t, res); res.StatusCode != status || !strings.Contains(answer, "__type") {
			t.Errorf("%.80s: %d %s, want %d", body, res.StatusCode, answer, status)
		}
	}
}

func TestWhoMayStart(t *testing.T) {
	nobody := func(*console.Config) {}
	all := func(c *console.Config) { c.WidgetOrigins = []string{"*"} }
	shop := func(c *console.Config) { c.WidgetOrigins = []string{"https://shop.example.com"} }
	for _, c := range []struct {
		name    string
		change  func(*console.Config)
		origin  string
		host    string
		allowed bool
	}{
		{"no site may have the widget", nobody, "https://shop.example.com", "chat.example.com", false},
		{"nor the console's own pages, unless somebody is signed in", nobody, base, "chat.example.com", false},
		{"nor programs", nobody, "", "chat.example.com", false},
		{"the shop may", shop, "https://shop.example.com", "chat.example.com", true},
		{"and the widget's frame in it", shop, base, "chat.example.com", true},
		{"and no other", shop, "https://evil.example.com", "chat.example.com", false},
		{"nor one like it", shop, "https://shop.example.com.evil.example.com", "chat.example.com", false},
		{"nor one without a name", shop, "null", "chat.example.com", false},
		{"everybody may", all, "https://evil.example.com", "chat.example.com", true},
		{"everybody may on one's own machine", local, "http://127.0.0.1:3000", "127.0.0.1:8080", true},
	} {
		res := serve(open(t, c.change), request("POST", "/console/start", "{}", "Origin", c.origin, "Host", c.host))
		if allowed := res.StatusCode == http.StatusOK; allowed != c.allowed {
			t.Errorf("%s: %d %s", c.name, res.StatusCode, text(t, res))
		}
	}
}

func TestSignedInMayStart(t *testing.T) {
	h := open(t, func(*console.Config) {})
	in := serve(h, request("POST", "/console/api/sign-in", `{"User":"agent","Password":"agent"}`, "Content-Type", "application/json"))
	if c := in.Cookies(); len(c) != 1 || !c[0].Secure || c[0].Path != "/console/" {
		t.Fatalf("%d %v", in.StatusCode, c)
	}
	r := request("POST", "/console/start", "{}", "Origin", base)
	r.AddCookie(in.Cookies()[0])
	if res := serve(h, r); res.StatusCode != http.StatusOK {
		t.Errorf("%d %s", res.StatusCode, text(t, res))
	}
}

func TestStartIsThrottled(t *testing.T) {
	h := open(t, local)
	for range 40 {
		res := serve(h, request("POST", "/console/start", "{}", "Host", "localhost"))
		if res.StatusCode == http.StatusTooManyRequests {
			if res.Header.Get("Retry-After") == "" {
				t.Error("there is no Retry-After")
			}
			return
		}
	}
	t.Error("40 chats were started at once")
}

func TestBadURL(t *testing.T) {
	if _, err := console.New(console.Config{URL: "http://[", Config: desk.Config{Clock: clockwork.NewFakeClock()}}); err == nil {
		t.Error("there is no error")
	}
}

// Behind a proxy that puts a path before ours, sessions are for that path.
func TestPrefix(t *testing.T) {
	h := open(t, func(c *console.Config) { c.URL = base + "/chat/" })
	in := serve(h, request("POST", "/console/api/sign-in", `{"User":"agent","Password":"agent"}`, "Content-Type", "application/json"))
	if c := in.Cookies(); len(c) != 1 || c[0].Path != "/chat/console/" {
		t.Errorf("%v", c)
	}
}
