package console_test

import (
	"bufio"
	"context"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/blob/s3blob/s3test"
	"github.com/parley-chat/parley/internal/bus/natsbus/natstest"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/server"
)

var update = flag.Bool("update", false, "put the pictures of TestBrowser/looks into docs/images")

// storyWithin is how long a story may take; it is reached only if something hangs.
const storyWithin = 10 * time.Minute

// failuresDir is where that is kept, which is no part of the repository.
const failuresDir = "../../bin/stories"

// staff work where there are no built-in users.
const staff = `
users:
  - { id: agent, password: agent }
  - { id: supervisor, password: supervisor, role: supervisor }
`

// TestBrowser tells the stories in the directory e2e: real pages in a headless Chromium,
// which they share, each on a server of its own behind a network that can fail. What they
// take pictures of is kept with -artifacts, and what there is to see of one that fails below
// failuresDir. compat/setup.sh installs what they need; where that is missing they are
// skipped, but with CI=true they fail.
func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("stories in a browser take a while; leave out -short to have them told")
	}
	browser := launch(t, tools(t))
	files, err := filepath.Glob("e2e/*.js")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no stories", err)
	}
	for _, file := range files {
		if _, err := os.Stat(file); err != nil { // tells go test what an outcome depends on
			t.Fatal(err)
		}
	}
	t.Run("files in S3", func(t *testing.T) { // alone, as its credentials are in the environment
		s3test.Setenv(t)
		store := s3test.Start(t)
		tell(t, "files", browser, func(s *config.Settings) { s.Blobs = store.URL(store.Bucket(t, s.PublicURL), "files") })
	})
	for _, story := range files {
		name, ok := strings.CutSuffix(filepath.Base(story), ".story.js")
		if !ok {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			change := func(*config.Settings) {}
			switch name {
			case "desk": // of a node that is one of several
				nats := natstest.Start(t, "")
				change = func(s *config.Settings) { s.Bus = nats.URL }
			case "strangers": // at a server that isn't for everybody on this machine
				_, users, err := config.Parse(strings.NewReader(staff))
				if err != nil {
					t.Fatal(err)
				}
				change = func(s *config.Settings) { s.AccessKeys, s.Center = []string{"key:secret"}, users }
			}
			dir := tell(t, name, browser, change)
			if *update && name == "looks" {
				keep(t, dir)
			}
		})
	}
}

// launch starts the browser, which ends with the test, and says where it is.
func launch(t *testing.T, chromium string) (at string) {
	t.Helper()
	cmd := exec.Command("node", "e2e/chromium.js")
	cmd.Env = append(os.Environ(), "PARLEY_TEST_CHROMIUM="+chromium)
	problems := new(strings.Builder)
	cmd.Stderr = problems
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the browser: %v\n%s", err, problems)
		}
	})
	at, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the browser doesn't start: %v", err)
	}
	return strings.TrimSpace(at)
}

// tools finds what the stories need.
func tools(t *testing.T) (chromium string) {
	t.Helper()
	need := func(what string, err error) {
		switch {
		case err == nil:
		case os.Getenv("CI") == "true":
			t.Fatalf("%s is missing; run compat/setup.sh: %v", what, err)
		default:
			t.Skipf("%s is missing, so the pages are not tested; run compat/setup.sh to install it", what)
		}
	}
	_, err := exec.LookPath("node")
	need("node", err)
	_, err = os.Stat("../../compat/node/node_modules/axe-core")
	need("axe-core", err)
	name := os.Getenv("PARLEY_TEST_CHROMIUM")
	if name == "" {
		name = "chromium"
	}
	chromium, err = exec.LookPath(name)
	need("chromium", err)
	return chromium
}

// tell has a story told on a new server, whose settings can be changed, and says where its
// pictures are.
func tell(t *testing.T, story, browser string, change func(*config.Settings)) (pictures string) {
	pictures = t.ArtifactDir()
	failures, err := filepath.Abs(filepath.Join(failuresDir, strings.ReplaceAll(t.Name(), "/", "-")))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(failures); err != nil {
		t.Fatal(err)
	}
	wire := &network{t: t, conns: make(map[net.Conn]bool)}
	outside, listed := listen(t), listen(t)
	s := config.Defaults()
	s.Listen, s.Data, s.PublicURL = "127.0.0.1:0", config.Memory, "http://"+outside.Addr().String()
	s.WidgetOrigins = []string{"http://" + listed.Addr().String()} // of a site that the story may serve
	change(&s)
	srv, err := server.Open(s, clockwork.NewRealClock(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	serving, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(serving) }()
	wire.to = strings.TrimPrefix(srv.Listening(), "http://")
	accepted := make(chan struct{})
	go func() {
		defer close(accepted)
		wire.accept(outside)
	}()
	control := httptest.NewServer(wire)
	t.Cleanup(func() {
		control.Close()
		outside.Close()
		listed.Close()
		<-accepted
		wire.cut()
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), storyWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "e2e/"+story+".story.js")
	cmd.Env = append(os.Environ(),
		"PARLEY_TEST_BROWSER="+browser, "PARLEY_TEST_PICTURES="+pictures, "PARLEY_TEST_FAILURES="+failures,
		"PARLEY_TEST_URL="+srv.URL(), "PARLEY_TEST_DIRECT="+srv.Listening(), "PARLEY_TEST_NETWORK="+control.URL)
	inherited, err := listed.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer inherited.Close()
	cmd.ExtraFiles = []*os.File{inherited}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return pictures
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// network is between the browser and the server. POST /cut ends all connections, /down
// also refuses new ones, /up lets them in again.
type network struct {
	t  *testing.T
	to string

	mu    sync.Mutex
	down  bool
	conns map[net.Conn]bool
}

func (n *network) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	n.down = r.URL.Path == "/down" || n.down && r.URL.Path != "/up"
	n.mu.Unlock()
	if r.URL.Path != "/up" {
		n.cut()
	}
}

func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		c.Close()
	}
	clear(n.conns)
}

func (n *network) accept(l net.Listener) {
	for {
		in, err := l.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", n.to)
		if err != nil {
			n.t.Errorf("the server can't be reached: %v", err)
			in.Close()
			continue
		}
		if !n.join(in, out) {
			in.Close()
			continue
		}
		go copyTo(out, in)
		go copyTo(in, out)
	}
}

// join notes both ends of a connection, unless the network is down.
func (n *network) join(in, out net.Conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.down {
		out.Close()
		return false
	}
	n.conns[in], n.conns[out] = true, true
	return true
}

// copyTo copies until one end is closed, and closes both.
func copyTo(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	to.Close()
	from.Close()
}

// keep puts the README's pictures where it has them.
func keep(t *testing.T, dir string) {
	for _, name := range []string{"try.png", "desk.png"} {
		picture, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join("../../docs/images", name), picture, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
