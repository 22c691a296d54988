package compat

import (
	"bufio"
	"bytes"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/parley-chat/parley/internal/identity/oidctest"
)

// build makes the programs of this module that the test runs, and says where.
func build(t *testing.T) (dir string) {
	dir = t.TempDir()
	cmd := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "./cmd/parley", "./compat/goplayer")
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return dir
}

// dependOnSources looks at every file that the outcome depends on, so that go test
// knows not to repeat an old outcome when one of them has changed.
func dependOnSources(t *testing.T) {
	for _, root := range []string{"../go.mod", "../cmd", "../internal", "."} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".cache") {
				return fs.SkipDir
			}
			_, err = os.Stat(path)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// server is a parley process of its own, or several that act as one, behind a network
// that can fail.
type server struct {
	t        *testing.T
	url      string // where clients reach it
	relay    *relay
	log      *tail
	provider *oidctest.Provider // at which its customers log in
	nodes    []string           // host:port of each process
	front    *front             // stands before several; nil before one
}

// listening is the line by which the server says where it is.
var listening = regexp.MustCompile(`listening on http://(127\.0\.0\.1:\d+)`)

func startServer(t *testing.T, bin string) *server {
	s := newServer(t)
	s.run(bin, os.Environ(), "--config", s.config(map[string]any{"data": t.TempDir()}))
	go s.relay.serve(s.nodes[0])
	return s
}

// newServer is one that no process runs yet.
func newServer(t *testing.T) *server {
	s := &server{t: t, relay: startRelay(t), log: new(tail), provider: oidctest.Start(t, oidctest.Options{})}
	s.url = s.relay.url()
	return s
}

// config writes a configuration file: the contact center of the scenario, with settings.
func (s *server) config(settings map[string]any) string {
	s.t.Helper()
	text, err := os.ReadFile("center.yaml")
	if err != nil {
		s.t.Fatal(err)
	}
	filled := strings.NewReplacer("ISSUER,", s.provider.Issuer+",", "CLIENT", oidctest.ClientID,
		"SECRET", strconv.Quote(oidctest.ClientSecret)).Replace(string(text))
	settings["public-url"] = s.url
	more, err := yaml.Marshal(settings)
	if err != nil {
		s.t.Fatal(err)
	}
	file := filepath.Join(s.t.TempDir(), "parley.yaml")
	if err := os.WriteFile(file, append([]byte(filled), more...), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return file
}

// run starts one process of the server.
func (s *server) run(bin string, env []string, args ...string) *process {
	s.t.Helper()
	cmd := exec.Command(filepath.Join(bin, "parley"), append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Env = env
	read, write := io.Pipe()
	cmd.Stdout, cmd.Stderr = write, write
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	p := &process{server: s, cmd: cmd, listens: make(chan string, 1), ended: make(chan struct{})}
	go func() {
		lines := bufio.NewScanner(read)
		for lines.Scan() {
			s.log.add(lines.Text())
			if found := listening.FindStringSubmatch(lines.Text()); found != nil {
				p.listens <- found[1]
			}
		}
	}()
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
		write.Close()
	}()
	s.t.Cleanup(func() { p.stop() })
	s.nodes = append(s.nodes, p.awaitListening())
	return p
}

// process is a process of a server.
type process struct {
	server  *server
	cmd     *exec.Cmd
	listens chan string // where it listens, each time it says so
	ended   chan struct{}
	err     error // set when ended is closed
}

// awaitListening waits until the process says where it listens.
func (p *process) awaitListening() (address string) {
	p.server.t.Helper()
	select {
	case address = <-p.listens:
	case <-time.After(patience):
		p.server.t.Fatalf("the server did not say where it listens within %s; it said:\n%s", patience, p.server.log)
	}
	return address
}

// stop has the process drain, and waits for its end.
func (p *process) stop() error {
	p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.ended
	return p.err
}

// env points a client at the server in the documented way.
func (s *server) env() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "AWS_") {
			env = append(env, kv)
		}
	}
	return append(env,
		"AWS_ENDPOINT_URL_CONNECT="+s.url,
		"AWS_ENDPOINT_URL_CONNECTPARTICIPANT="+s.url,
		"AWS_ACCESS_KEY_ID=parley", "AWS_SECRET_ACCESS_KEY=parley",
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull,
		"AWS_EC2_METADATA_DISABLED=true", "NO_PROXY=127.0.0.1")
}

// fault has the server answer calls with an error; no body clears all faults. Of several
// nodes one gets all the calls meanwhile, so that faults can be counted.
func (s *server) fault(method string, body []byte) {
	s.t.Helper()
	s.front.pin(method == http.MethodPost)
	s.special(s.nodes[0], method, "/_parley/faults", body, http.StatusNoContent)
}

// turn turns the server's clock forward: that of each node.
func (s *server) turn(body []byte) {
	s.t.Helper()
	for _, node := range s.nodes {
		s.special(node, "POST", "/_parley/clock", body, http.StatusOK)
	}
}

// special asks a node for what only a developer's own does.
func (s *server) special(node, method, path string, body []byte, want int) {
	s.t.Helper()
	u := &url.URL{Scheme: "http", Host: node, Path: path}
	req := &http.Request{Method: method, URL: u, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body))}
	resp, err := (&http.Client{Timeout: patience}).Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != want {
		answer, _ := io.ReadAll(resp.Body)
		s.t.Fatalf("%s %s answered %s, want %d: %s", method, path, resp.Status, want, answer)
	}
}

// tail keeps the last lines of something.
type tail struct {
	mu    sync.Mutex
	lines []string
}

const (
	tailLength = 30
	tailWidth  = 1000
)

func (l *tail) add(line string) {
	if len(line) > tailWidth {
		line = line[:tailWidth] + "…"
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines = append(l.lines, line); len(l.lines) > tailLength {
		l.lines = l.lines[1:]
	}
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}
