package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

func TestDefaults(t *testing.T) {
	s := Defaults()
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	if s.Listen != "127.0.0.1:8080" || s.Data != "./parley-data" || s.DrainTime != 10*time.Second || !s.Local() {
		t.Errorf("defaults: %+v", s)
	}
}

func TestCheck(t *testing.T) {
	public := func(s *Settings) {
		s.Listen, s.PublicURL = "0.0.0.0:80", "https://chat.example.com"
		s.AccessKeys, s.TokenKeys = []string{"id:secret"}, []string{"MDEyMzQ1Njc4OWFiY2RlZg=="}
	}
	for name, c := range map[string]struct {
		change func(*Settings)
		want   string
	}{
		"public":               {public, ""},
		"localhost":            {func(s *Settings) { s.Listen = "localhost:0" }, ""},
		"loopback v6":          {func(s *Settings) { s.Listen = "[::1]:0" }, ""},
		"no port":              {func(s *Settings) { s.Listen = "127.0.0.1" }, "listen:"},
		"all addresses":        {func(s *Settings) { s.Listen = ":8080" }, "access-keys: must be set"},
		"public, no keys":      {func(s *Settings) { public(s); s.AccessKeys = nil }, "access-keys: must be set"},
		"public, no token key": {func(s *Settings) { public(s); s.TokenKeys = nil }, "token-keys: must be set"},
		"public, no URL":       {func(s *Settings) { public(s); s.PublicURL = "" }, "public-url: must be set"},
		"behind a proxy":       {func(s *Settings) { s.PublicURL = "https://chat.example.com" }, "access-keys: must be set"},
		"local public URL":     {func(s *Settings) { s.PublicURL = "http://127.0.0.1:9" }, ""},
		"localhost URL":        {func(s *Settings) { s.PublicURL = "http://localhost:9" }, "public-url: without TLS"},
		"v6 public URL":        {func(s *Settings) { s.PublicURL = "http://[::1]:9" }, "public-url: without TLS"},
		"URL without port":     {func(s *Settings) { s.PublicURL = "http://127.0.0.1/chat" }, "public-url: without TLS"},
		"local URL with TLS":   {func(s *Settings) { s.PublicURL = "https://localhost" }, ""},
		"URL in capitals":      {func(s *Settings) { s.PublicURL = "HTTPS://localhost" }, "public-url:"},
		"URL with a password":  {func(s *Settings) { s.PublicURL = "https://me:topsecret@chat.example.com" }, `public-url: "https://me:hidden@`},
		"URL without host":     {func(s *Settings) { s.PublicURL = "chat.example.com" }, "public-url:"},
		"websocket URL":        {func(s *Settings) { s.PublicURL = "wss://chat.example.com" }, "public-url:"},
		"key without secret":   {func(s *Settings) { s.AccessKeys = []string{"a:b", "id"} }, "access-keys: number 2"},
		"short token key":      {func(s *Settings) { s.TokenKeys = []string{"MDEyMw=="} }, "token-keys: number 1"},
		"token key not base64": {func(s *Settings) { s.TokenKeys = []string{"hello world, hello"} }, "token-keys: number 1"},
		"no data":              {func(s *Settings) { s.Data = "" }, "data:"},
		"negative drain":       {func(s *Settings) { s.DrainTime = -1 }, "drain-time:"},
		"negative chats":       {func(s *Settings) { s.MaxChats = -1 }, "max-chats:"},
		"store": {func(s *Settings) {
			s.Store, s.Blobs, s.TokenKeys = "postgresql://u:p@a:1,b/db", "s3://a", []string{"MDEyMzQ1Njc4OWFiY2RlZg=="}
		}, ""},
		"store, other scheme": {func(s *Settings) { s.Store = "mysql://u:secret@a/db" }, "store:"},
		"store, no blobs": {func(s *Settings) {
			s.Store, s.TokenKeys = "postgres://a/db", []string{"MDEyMzQ1Njc4OWFiY2RlZg=="}
		}, "blobs: must be set with store"},
		"store, no files": {func(s *Settings) {
			s.Store, s.Attachments, s.TokenKeys = "postgres://a/db", "off", []string{"MDEyMzQ1Njc4OWFiY2RlZg=="}
		}, ""},
		"store, no token key": {func(s *Settings) { s.Store = "postgres://a/db" }, "token-keys: must be set with store"},
		"bus":                 {func(s *Settings) { s.Bus = "nats://a:4222, tls://u:p@b/" }, ""},
		"bus of a password":   {func(s *Settings) { s.Bus = "nats://a,nats://u:secret@:4222" }, "bus: number 2"},
		"bus, other scheme":   {func(s *Settings) { s.Bus = "redis://a" }, "bus: number 1"},
		"bus, broken URL":     {func(s *Settings) { s.Bus = "nats://u:secret@a:b" }, "bus: number 1"},
		"no bus":              {func(s *Settings) { s.BusCredentials = "x" }, "bus-credentials:"},
		"half a certificate":  {func(s *Settings) { s.Bus, s.BusCert = "tls://a", "x" }, "bus-cert:"},
		"negative gone":       {func(s *Settings) { s.CustomerGone = -1 }, "customer-gone:"},
		"no attachment":       {func(s *Settings) { s.AttachmentSize = 0 }, "attachment-size:"},
		"huge attachments":    {func(s *Settings) { s.AttachmentSize = 101 }, "attachment-size:"},
		"no attachments":      {func(s *Settings) { s.AttachmentCount = 0 }, "attachment-count:"},
		"types": {func(s *Settings) {
			s.AttachmentTypes = []string{".ZIP=Application/Zip", "7z=application/x-7z-compressed"}
		}, ""},
		"type alone":        {func(s *Settings) { s.AttachmentTypes = []string{"only", "pdf=application/pdf"} }, ""},
		"no type alone":     {func(s *Settings) { s.AttachmentTypes = []string{"only"} }, "attachment-types: number 1"},
		"type, then alone":  {func(s *Settings) { s.AttachmentTypes = []string{"zip=a/b", "only"} }, "attachment-types: number 2"},
		"type without type": {func(s *Settings) { s.AttachmentTypes = []string{"zip"} }, "attachment-types: number 1"},
		"type of no type":   {func(s *Settings) { s.AttachmentTypes = []string{"zip=a/b", "x=zip"} }, "attachment-types: number 2"},
		"type of a path":    {func(s *Settings) { s.AttachmentTypes = []string{"a/b=a/b"} }, "attachment-types: number 1"},
		"origins":           {func(s *Settings) { s.AllowOrigins = []string{"*", "https://a.example.com", "http://127.0.0.1:3000"} }, ""},
		"host for origin":   {func(s *Settings) { s.AllowOrigins = []string{"shop.example.com"} }, "allow-origins:"},
		"widget's origin":   {func(s *Settings) { s.WidgetOrigins = []string{"x"} }, "widget-origins:"},
		"page for origin":   {func(s *Settings) { s.AllowOrigins = []string{"https://a.example.com/"} }, "allow-origins:"},
		"no region":         {func(s *Settings) { s.Region = "" }, "region:"},
		"instance":          {func(s *Settings) { s.InstanceID = "x" }, "instance-id:"},
	} {
		s := Defaults()
		c.change(&s)
		err := s.Check()
		if (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestMediaTypes(t *testing.T) {
	s := Settings{AttachmentTypes: []string{".ZIP=Application/Zip", "zip=application/x-zip", "md=text/markdown"}}
	types, only, err := s.MediaTypes()
	want := map[string][]string{".zip": {"application/zip", "application/x-zip"}, ".md": {"text/markdown"}}
	if err != nil || only || !reflect.DeepEqual(types, want) {
		t.Errorf("%v, %t, %v", types, only, err)
	}
	s.AttachmentTypes = append([]string{"only"}, s.AttachmentTypes...)
	if types, only, err = s.MediaTypes(); err != nil || !only || !reflect.DeepEqual(types, want) {
		t.Errorf("no others: %v, %t, %v", types, only, err)
	}
}

func TestLocal(t *testing.T) {
	for name, change := range map[string]func(*Settings){
		"with its own keys": func(s *Settings) { s.AccessKeys = []string{"id:secret"} },
		"with a public URL": func(s *Settings) { s.PublicURL = "https://chat.example.com" },
		"on all addresses":  func(s *Settings) { s.Listen = ":8080" },
	} {
		s := Defaults()
		change(&s)
		if s.Local() {
			t.Errorf("a server %s counts as local", name)
		}
	}
}

// settle parses a command line with an environment and a configuration file.
func settle(t *testing.T, file string, env map[string]string, args ...string) (Settings, *Sources, error) {
	t.Helper()
	var s Settings
	src := &Sources{Environ: []string{"HOME=/root", "PARLEY_TEST_X=1"}}
	for k, v := range env {
		src.Environ = append(src.Environ, k+"="+v)
	}
	k, err := kong.New(&s, kong.Resolvers(src))
	if err != nil {
		t.Fatal(err)
	}
	if file != "" {
		path := filepath.Join(t.TempDir(), "parley.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", path)
	}
	_, err = k.Parse(args)
	return s, src, err
}

func TestPrecedence(t *testing.T) {
	file := "listen: 127.0.0.1:3\nregion: eu-west-1\naccess-keys: [a:b, 'c:d,e']\ndrain-time: 3s\n"
	env := map[string]string{"PARLEY_LISTEN": "127.0.0.1:2", "PARLEY_REGION": "eu-west-2"}
	s, src, err := settle(t, file, env, "--listen", "127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	if s.Listen != "127.0.0.1:1" || s.Region != "eu-west-2" || s.DrainTime != 3*time.Second {
		t.Errorf("settings: %+v", s)
	}
	if len(s.AccessKeys) != 2 || s.AccessKeys[1] != "c:d,e" {
		t.Errorf("access-keys: %q", s.AccessKeys)
	}
	for name, want := range map[string]string{
		"listen": "", "region": "environment PARLEY_REGION", "drain-time": "configuration file", "data": "",
	} {
		if got := src.Origin(name); got != want {
			t.Errorf("origin of %s: %q, want %q", name, got, want)
		}
	}
}

func TestBadFiles(t *testing.T) {
	for file, want := range map[string]string{
		"lisen: 127.0.0.1:3":    `unknown key "lisen"; the keys are listen, data`,
		"config: other.yaml":    `unknown key "config"`,
		"listen: {host: here}":  `key "listen" must have a plain value`,
		"listen:":               `key "listen" must have a plain value`,
		"listen: [":             "not valid YAML",
		"- listen":              "line 1: must have keys",
		"listen: a\nlisten: b":  "line 2: has the key \"listen\" a second time",
		"listen: a\n---\nx: b":  "a second document",
		"log-level: loud":       "log-level",
		"drain-time: yesterday": "drain-time",
	} {
		_, _, err := settle(t, file, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", file, err, want)
		}
	}
	if s, _, err := settle(t, "listen: 5", nil); err != nil || s.Listen != "5" {
		t.Errorf("a number where a text is wanted: %q, %v", s.Listen, err)
	}
	if s, _, err := settle(t, "# nothing\n", nil); err != nil || s.Listen != Defaults().Listen {
		t.Errorf("an empty file: %v", err)
	}
	var mistake *Error
	if _, _, err := settle(t, "", map[string]string{"PARLEY_CONFIG": "missing.yaml"}); !errors.As(err, &mistake) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestMisspeltEnvironment(t *testing.T) {
	_, _, err := settle(t, "", map[string]string{"PARLEY_LISTN": "127.0.0.1:1"})
	if err == nil || !strings.Contains(err.Error(), "PARLEY_LISTN means nothing") {
		t.Errorf("a misspelt variable: %v", err)
	}
}

func TestStoreIsShownWithoutPassword(t *testing.T) {
	for url, want := range map[string]string{
		"":                                 "",
		"postgres://me@a/db?sslmode=x":     "postgres://me@a/db?sslmode=x",
		"postgres://me:top@a:1,b:2/db":     "postgres://me:hidden@a:1,b:2/db",
		"postgres://me:t/o@p@a/db":         "postgres://me:hidden@a/db",
		"postgres://a/db?password=top&b=1": "postgres://a/db?password=hidden&b=1",
		"postgres://a/db?b=1&PASSWORD=top": "postgres://a/db?b=1&PASSWORD=hidden",
	} {
		s := Defaults()
		s.Store = url
		Describe(s, func(name, value string) {
			if name == "store" && value != want {
				t.Errorf("%s is shown as %s, want %s", url, value, want)
			}
		})
	}
}

// The settings have the names of their flags, in the same order.
func TestNames(t *testing.T) {
	var flags []string
	for _, f := range model(&Settings{}).Flags {
		if f.Name != "help" {
			flags = append(flags, f.Name)
		}
	}
	if !slices.Equal(Names(), flags) || flags[0] != "config" {
		t.Errorf("the names are %v, the flags %v", Names(), flags)
	}
}

func TestDescribeHidesSecrets(t *testing.T) {
	s := Defaults()
	s.AccessKeys = []string{"id:topsecret"}
	s.Scanner = "https://parley:topsecret@scanner.example.com/scan"
	s.Bus = "nats://a:1,tls://me:topsecret@b:2"
	s.Blobs, s.PublicURL = "s3://me:topsecret@bucket", "https://me:topsecret@chat.example.com"
	shown := map[string]string{}
	Describe(s, func(name, value string) { shown[name] = value })
	if len(shown) != len(Names()) || shown["listen"] != s.Listen {
		t.Errorf("described %v", shown)
	}
	if want := "nats://a:1,tls://hidden@b:2"; shown["bus"] != want {
		t.Errorf("bus is shown as %s, want %s", shown["bus"], want)
	}
	for name, value := range shown {
		if strings.Contains(value, "topsecret") {
			t.Errorf("%s shows a secret: %s", name, value)
		}
	}
}

func TestDescribeHidesWhatIsNoURL(t *testing.T) {
	s := Defaults()
	s.Bus = "nats://me:topsecret@a:b"
	Describe(s, func(name, value string) {
		if strings.Contains(value, "topsecret") {
			t.Errorf("%s is shown as %s", name, value)
		}
	})
	if err := s.Check(); err == nil || strings.Contains(err.Error(), "topsecret") {
		t.Error(err)
	}
}
