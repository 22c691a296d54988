package compat

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// client is a client that plays the scenario.
type client struct {
	name, family string
	// command drives it; tools are the files it takes, made by setup.sh.
	command func(bin string) []string
	tools   []string
}

// names are those by which the scenario may refer to the client.
func (c *client) names() []string { return []string{c.name, c.family} }

const (
	python    = ".cache/venv/bin/python"
	nodeStamp = "node/node_modules/.package-lock.json"
)

// clients are all clients.
var clients = []client{
	{
		name: "go", family: "sdk",
		command: func(bin string) []string { return []string{filepath.Join(bin, "goplayer")} },
	},
	{
		name: "python", family: "sdk", tools: []string{python},
		command: func(string) []string { return []string{python, "python/player.py"} },
	},
	{
		name: "node", family: "sdk", tools: []string{"node", nodeStamp},
		command: func(string) []string { return []string{"node", "node/sdk.js"} },
	},
	{
		name: "chatjs-node", family: "chatjs", tools: []string{"node", nodeStamp},
		command: func(string) []string { return []string{"node", "node/chatjs.js", "node"} },
	},
	{
		name: "chatjs-browser", family: "chatjs", tools: []string{"node", nodeStamp, chromium()},
		command: func(string) []string { return []string{"node", "node/chatjs.js", "browser"} },
	},
}

// chromium is the browser to use.
func chromium() string {
	if path := os.Getenv("PARLEY_TEST_CHROMIUM"); path != "" {
		return path
	}
	return "chromium"
}

// needs skips the test where a tool is missing; with CI=true that is a failure.
func needs(t *testing.T, tools []string) {
	for _, tool := range tools {
		_, err := os.Stat(tool)
		if filepath.Base(tool) == tool {
			_, err = exec.LookPath(tool)
		}
		switch {
		case err == nil:
		case os.Getenv("CI") == "true":
			t.Fatalf("%s is missing; run compat/setup.sh: %v", tool, err)
		default:
			t.Skipf("%s is missing, so this client is not tested; run compat/setup.sh to install it", tool)
		}
	}
}

// documented are the ContentTypes that clients are known to be sent (semantics.md 2.2 to
// 2.6). Those that are only names in ChatJS (participant.active and inactive,
// workflow.cancelled) are not among them: nobody says when they come.
var documented = []string{
	"text/plain", "text/markdown", "application/json",
	"application/vnd.amazonaws.connect.message.interactive", "application/vnd.amazonaws.connect.message.interactive.response",
	eventPrefix + "participant.joined", eventPrefix + "participant.left", eventPrefix + "participant.invited",
	eventPrefix + "chat.ended", eventPrefix + "transfer.succeeded", eventPrefix + "transfer.failed",
	eventPrefix + "typing", eventPrefix + "message.metadata",
	eventPrefix + "participant.idle", eventPrefix + "participant.returned", eventPrefix + "participant.autodisconnection",
	eventPrefix + "authentication.initiated", eventPrefix + "authentication.succeeded", eventPrefix + "authentication.failed",
	eventPrefix + "authentication.timeout", eventPrefix + "authentication.expired", eventPrefix + "authentication.cancelled",
	eventPrefix + "participant.displayname.updated", eventPrefix + "chat.rehydrated",
}

// start starts the client's player for a server.
func (c *client) start(t *testing.T, bin string, s *server) *player {
	needs(t, c.tools)
	browser, _ := exec.LookPath(chromium())
	return startPlayer(t, c.command(bin), append(s.env(), "PARLEY_TEST_CHROMIUM="+browser))
}

func TestScenario(t *testing.T) {
	if testing.Short() {
		t.Skip("playing the scenario with every client takes a while; leave out -short to do it")
	}
	dependOnSources(t)
	bin := build(t)
	play(t, bin, clients, func(t *testing.T) *server { return startServer(t, bin) })
}

// play has clients play the scenario, each on a server of its own.
func play(t *testing.T, bin string, clients []client, start func(*testing.T) *server) {
	sc := loadScenario(t)
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			needs(t, c.tools)
			srv := start(t)
			p := c.start(t, bin, srv)
			played := 0
			for _, ch := range sc.Chapters {
				if reason := ch.OneNode; reason != "" && len(srv.nodes) > 1 {
					t.Logf("not on several nodes: %q: %s", ch.Name, reason)
					continue
				}
				t.Run(ch.Name, func(t *testing.T) {
					played++
					s := &story{
						t: t, scenario: sc, client: &c, player: p, server: srv, contacts: ch.Contacts,
						saved: make(saved), latest: make(map[string]string), parts: make(map[any]bool),
					}
					s.tell(ch.Steps)
				})
			}
			for _, contentType := range documented {
				if !p.types[contentType] && played == len(sc.Chapters) {
					t.Errorf("no item was a %s", contentType)
				}
			}
		})
	}
}
