// Package console is the web console: pages for customers, agents and supervisors, and
// the widget that puts a chat on any site (docs/console.md).
//
// The pages talk through the public APIs and the websocket, like any client; what those
// lack is in package desk. The directory site holds the pages as they are sent: plain
// modules and style sheets, nothing made by a build.
package console

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/parley-chat/parley/internal/console/desk"
	"github.com/parley-chat/parley/internal/quota"
	"github.com/parley-chat/parley/internal/restjson"
)

// Path is below which everything is served.
const Path = desk.ConsolePath

// Config is what a console works with. Start and URL are required, and what is required
// for a desk.
type Config struct {
	desk.Config
	// URL is where clients reach the server. On a developer's own server, requests under a
	// name that isn't loopback are refused: the passwords are known, and any page could
	// point its own name at this address.
	URL string
	// Start answers StartChatContact to those who need no signature.
	Start http.Handler
	// WidgetOrigins are the origins of the sites that may have the widget, and start
	// chats; * is all of them.
	WidgetOrigins []string
	// FileOrigins are where attachments are, if not at URL.
	FileOrigins []string
}

// console is a Config at work.
type console struct {
	Config
	desk   *desk.Desk
	starts *quota.Callers
}

// startRate is how often an address may start a chat.
var startRate = quota.Rate{PerSecond: 0.5, Burst: 30}

// New makes the handler of everything below Path. The error is about the URL.
func New(c Config) (http.Handler, error) {
	base, err := url.Parse(c.URL)
	if err != nil {
		return nil, err
	}
	c.Secure, c.Prefix = base.Scheme == "https", strings.TrimSuffix(base.Path, "/")
	s := &console{Config: c, desk: desk.New(c.Config), starts: quota.NewCallers(startRate, c.Clock)}
	pages, err := newSite(s.policy(base))
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc(Path+"{$}", s.home)
	mux.Handle(Path, pages)
	mux.HandleFunc("POST "+Path+"start", s.start)
	mux.Handle(desk.Path, s.desk)
	return s.guard(mux, base)
}

// home sends newcomers to what is for them.
func (s *console) home(w http.ResponseWriter, r *http.Request) {
	to := "desk"
	if s.Local {
		to = "try"
	}
	w.Header().Set("Location", to) // relative: a proxy may have put a path before ours
	w.WriteHeader(http.StatusFound)
}

// guard refuses what no page of ours would send.
func (s *console) guard(next http.Handler, base *url.URL) (http.Handler, error) {
	same := http.NewCrossOriginProtection()
	if err := same.AddTrustedOrigin(origin(base)); err != nil {
		return nil, err
	}
	same.AddInsecureBypassPattern("POST " + Path + "start") // has rules of its own
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		if s.Local && !loopback(r.Host) {
			restjson.WriteError(w, r, denied("This server is for this machine; use "+s.URL))
			return
		}
		if err := same.Check(r); err != nil {
			restjson.WriteError(w, r, denied("Only the console's own pages may do this"))
			return
		}
		next.ServeHTTP(w, r)
	}), nil
}

func denied(message string) *restjson.Error {
	return &restjson.Error{Code: "AccessDeniedException", Status: http.StatusForbidden, Message: message}
}

// origin is the part of a URL that browsers call so.
func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }

// loopback reports whether a Host header names this machine only.
func loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
