// Package config holds the settings of a server: every name, default and check in
// one place.
//
// A setting has one name and three places: the flag --public-url, the environment
// variable PARLEY_PUBLIC_URL and the key public-url of the configuration file. A flag
// wins over the environment, and that over the file.
package config

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/uuid"
	"go.yaml.in/yaml/v3"

	"github.com/parley-chat/parley/internal/token"
)

// Built-in values of local mode.
const (
	LocalKeyID  = "parley"
	LocalSecret = "parley"
	// LocalFlow is the built-in flow's id; local mode takes any other id for it.
	LocalFlow = "00000000-0000-4000-8000-000000000002"
	// Memory as Data keeps nothing.
	Memory = ":memory:"
	// QuotasAWS as Quotas limits calls as the real service does.
	QuotasAWS = "aws"
	// StrictMessages as MessageLimit holds messages to the SDKs' model.
	StrictMessages = "strict"
)

// InheritedListener is the environment variable by which a process hands its listening
// socket over to the one that replaces it: the number of the open file.
const InheritedListener = envPrefix + "INHERITED_LISTENER"

// Settings are what a server is started with. The struct tags are their names,
// defaults and help.
type Settings struct {
	Config       string   `help:"Read settings from this YAML file." placeholder:"FILE" type:"path"`
	Listen       string   `help:"Address to listen on: API and websocket on one port." default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
	Data         string   `help:"Directory that holds everything, or :memory: to keep nothing." default:"./parley-data" placeholder:"DIR"`
	PublicURL    string   `name:"public-url" help:"Base URL by which clients reach this server; needed behind a proxy." placeholder:"URL"`
	LogLevel     string   `help:"Least important level to log: debug, info, warn or error." enum:"debug,info,warn,error" default:"info"`
	LogFormat    string   `help:"Form of log lines: text or json." enum:"text,json" default:"text"`
	InstanceID   string   `name:"instance-id" help:"Id of the Amazon Connect instance that this server is." default:"00000000-0000-4000-8000-000000000001" placeholder:"UUID"`
	Region       string   `help:"AWS region to show in ARNs." default:"us-east-1"`
	AccessKeys   []string `help:"Access keys of the Connect API, each as ID:SECRET. Without any, the key parley:parley works (loopback only)." placeholder:"ID:SECRET"`
	TokenKeys    []string `help:"Secret keys of the tokens, base64 of 16 bytes or more; the first signs, all verify. Without any, one is kept in the data directory (loopback only)." placeholder:"BASE64"`
	AllowOrigins []string `help:"Origins of web pages that may call the API; * for all." default:"*" placeholder:"ORIGIN"`
	Greeting     string   `help:"What the built-in flow says to a customer." default:"Thank you for contacting us. An agent will be with you shortly."`
	Queue        string   `help:"Queue into which the built-in flow puts a contact." default:"support"`
	MessageLimit string   `name:"message-limits" help:"How long messages may be: 16384-bytes, or strict for the SDKs' model, which allows 1,024 characters of text and 12,000 of JSON." enum:"16384-bytes,strict" default:"16384-bytes"`
	Quotas       string   `help:"Limits on how often operations are called: off, or aws for those of the real service." enum:"off,aws" default:"off"`
	MaxChats     int      `name:"max-chats" help:"How many chats may go on at a time; 0 is no limit, but with quotas aws the 500 of the real service." default:"0"`

	Store string `help:"Where chats are kept: empty for the data directory, or the URL of a PostgreSQL database, which several nodes share." placeholder:"postgres://…"`

	Bus            string `help:"How nodes tell each other what is new: empty for one node, or the URLs of NATS servers, separated by commas." placeholder:"nats://HOST:PORT,…"`
	BusCredentials string `help:"File with the credentials for NATS: a user's JWT and nkey (.creds), or an nkey. A password or token stands in the URL." placeholder:"FILE"`
	BusCA          string `name:"bus-ca" help:"PEM file of the authorities that sign the certificates of the NATS servers; those of the system if empty." placeholder:"FILE"`
	BusCert        string `help:"PEM file with this node's certificate, if the NATS servers want one." placeholder:"FILE"`
	BusKey         string `help:"PEM file with the key of bus-cert." placeholder:"FILE"`

	AgentGone    time.Duration `help:"How long an agent may be without a websocket before they leave the chat; 0 is for ever." default:"0s"`
	CustomerGone time.Duration `help:"How long a customer may be without a websocket before the chat ends; 0 is for ever." default:"0s"`

	Attachments     string   `help:"Whether files can be sent: on or off." enum:"on,off" default:"on"`
	AttachmentSize  int      `help:"Size of the largest file that can be sent, in MB, from 1 to 100." default:"20"`
	AttachmentCount int      `help:"How many files a chat may have." default:"35"`
	AttachmentTypes []string `help:"Kinds of files that can be sent besides those of the real service, each as EXTENSION=MEDIA-TYPE, like zip=application/zip. With the word only before them, no others can." placeholder:"EXT=TYPE"`
	Blobs           string   `help:"Where files are kept: empty for the data directory, or s3://BUCKET/PREFIX?… of an S3-compatible store." placeholder:"URL"`
	Scanner         string   `help:"What looks at files before anybody gets them: a command with arguments, separated by spaces, or the URL of a web hook." placeholder:"COMMAND|URL"`

	WidgetOrigins []string `help:"Origins of the web sites that may have the chat widget and start chats; * for all. Without any, no site may; a developer's own server lets all." placeholder:"ORIGIN"`

	DrainTime   time.Duration `help:"How long a shutdown may take to finish what is under way." default:"10s"`
	DrainDelay  time.Duration `help:"How long a shutdown waits first, not ready but serving, until the load balancer has noticed." default:"0s"`
	DrainSpread time.Duration `help:"Over how long a shutdown then spreads sending websockets to other nodes; 0 closes them at the end." default:"0s"`

	// Center is what the contact center consists of, by section; only a configuration
	// file has it ([Sources.Center]). See package center.
	Center map[string]*yaml.Node `kong:"-"`
}

// Defaults are the settings of a server that is given none.
func Defaults() Settings {
	var s Settings
	if err := kong.ApplyDefaults(&s); err != nil {
		panic(err) // a struct tag of Settings is wrong
	}
	return s
}

// Local reports whether this is a developer's own server: reached over the loopback
// interface only, with the built-in access key. Only then does it serve the fault
// injection.
func (s *Settings) Local() bool { return len(s.AccessKeys) == 0 && !s.reachable() }

// reachable reports whether others than this machine can reach the server, directly or
// by its public URL.
func (s *Settings) reachable() bool {
	u, err := url.Parse(s.PublicURL)
	public := s.PublicURL != "" && (err != nil || !loopback(u.Hostname()))
	host, _, err := net.SplitHostPort(s.Listen)
	return public || err != nil || !loopback(host)
}

// Check reports the first thing that is wrong, in a sentence that says what to do.
func (s *Settings) Check() error {
	if _, _, err := net.SplitHostPort(s.Listen); err != nil {
		return fmt.Errorf("listen: %q is not HOST:PORT, like 127.0.0.1:8080", s.Listen)
	}
	if err := s.checkPublicURL(); err != nil {
		return err
	}
	if s.reachable() {
		if err := s.checkPublic(); err != nil {
			return err
		}
	}
	if err := cmp.Or(checkOrigins("allow-origins", s.AllowOrigins), checkOrigins("widget-origins", s.WidgetOrigins)); err != nil {
		return err
	}
	if s.Data == "" {
		return fmt.Errorf("data: is empty; name a directory, or %s to keep nothing", Memory)
	}
	if _, err := s.Keys(); err != nil {
		return err
	}
	if _, err := s.Tokens(); err != nil {
		return err
	}
	if s.MaxChats < 0 {
		return fmt.Errorf("max-chats: %d is negative; 0 is no limit", s.MaxChats)
	}
	for name, d := range map[string]time.Duration{
		"drain-time": s.DrainTime, "drain-delay": s.DrainDelay, "drain-spread": s.DrainSpread,
		"agent-gone": s.AgentGone, "customer-gone": s.CustomerGone,
	} {
		if d < 0 {
			return fmt.Errorf("%s: %v is negative", name, d)
		}
	}
	for name, d := range map[string]time.Duration{"agent-gone": s.AgentGone, "customer-gone": s.CustomerGone} {
		if d%time.Second != 0 {
			return fmt.Errorf("%s: %v is not in whole seconds", name, d)
		}
	}
	if err := s.checkAttachments(); err != nil {
		return err
	}
	if err := s.checkStore(); err != nil {
		return err
	}
	if err := s.checkBus(); err != nil {
		return err
	}
	if s.Region == "" {
		return fmt.Errorf("region: is empty; name one, like us-east-1")
	}
	if _, err := uuid.Parse(s.InstanceID); err != nil {
		return fmt.Errorf("instance-id: %q is not a UUID", s.InstanceID)
	}
	return nil
}

// checkPublicURL refuses what makes no websocket URL, or one of this machine that ends every
// ChatJS session for good (semantics.md 1.1).
func (s *Settings) checkPublicURL() error {
	u, err := url.Parse(s.PublicURL)
	switch {
	case s.PublicURL == "":
		return nil
	case err != nil || u.Host == "" || u.User != nil || !strings.HasPrefix(s.PublicURL, "http://") && !strings.HasPrefix(s.PublicURL, "https://"):
		return fmt.Errorf("public-url: %q is not a URL like https://chat.example.com", withoutPassword(s.PublicURL))
	case u.Scheme == "http" && loopback(u.Hostname()) && (u.Hostname() != "127.0.0.1" || u.Port() == ""):
		return fmt.Errorf("public-url: without TLS, ChatJS opens websockets at 127.0.0.1 and a port only, not at %s; "+
			"say http://127.0.0.1:PORT", u.Host)
	}
	return nil
}

// checkPublic says what a server needs that others than this machine can reach.
func (s *Settings) checkPublic() error {
	for _, need := range []struct {
		missing bool
		name    string
	}{
		{len(s.AccessKeys) == 0, "access-keys"},
		{len(s.TokenKeys) == 0, "token-keys"},
		{s.PublicURL == "", "public-url"},
	} {
		if need.missing {
			return fmt.Errorf("%s: must be set on a server that others can reach, at %s; "+
				"set it, or listen on 127.0.0.1 without a public-url", need.name, cmp.Or(s.PublicURL, s.Listen))
		}
	}
	return nil
}

// checkOrigins refuses what no browser sends as its page's origin.
func checkOrigins(name string, origins []string) error {
	for _, o := range origins {
		u, err := url.Parse(o)
		if o != "*" && (err != nil || u.Host == "" || u.Scheme+"://"+u.Host != o) {
			return fmt.Errorf("%s: %q is not an origin like https://shop.example.com, without a path, or *", name, o)
		}
	}
	return nil
}

// Keys are the Connect API's access keys: secrets by id.
func (s *Settings) Keys() (map[string]string, error) {
	if len(s.AccessKeys) == 0 {
		return map[string]string{LocalKeyID: LocalSecret}, nil
	}
	keys := make(map[string]string)
	for i, k := range s.AccessKeys {
		id, secret, ok := strings.Cut(k, ":")
		if !ok || id == "" || secret == "" {
			return nil, fmt.Errorf("access-keys: number %d is not of the form ID:SECRET", i+1)
		}
		keys[id] = secret
	}
	return keys, nil
}

// Tokens are the decoded token keys; none if one is to be kept with the data.
func (s *Settings) Tokens() ([][]byte, error) {
	var keys [][]byte
	for i, k := range s.TokenKeys {
		raw, err := base64.StdEncoding.DecodeString(k)
		if err != nil || len(raw) < token.MinKeySize {
			return nil, fmt.Errorf("token-keys: number %d is not base64 of %d bytes or more; make one with: openssl rand -base64 32", i+1, token.MinKeySize)
		}
		keys = append(keys, raw)
	}
	return keys, nil
}

// Level is the log level.
func (s *Settings) Level() slog.Level {
	var l slog.Level
	_ = l.UnmarshalText([]byte(s.LogLevel)) // kong has checked the enum
	return l
}

// loopback reports whether only this machine can reach the host.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
