package compat

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/bus/natsbus/natstest"
	"github.com/parley-chat/parley/internal/pgtest"
)

const (
	// drainDelay is ample time for a balancer on a busy machine to notice.
	drainDelay = 10 * time.Second
	// drainSpread is over how long a node sends its websockets away.
	drainSpread = time.Second
	// handovers is how often a single server is replaced.
	handovers = 3
	// between is how much everybody says between two restarts, and pace the pause after
	// each message: what is to be seen needs no more.
	between, pace = 5, 20 * time.Millisecond
	// patience is for what a busy machine may take, and only a failure takes.
	patience = 3 * time.Minute
)

// Customers and agents, each with ChatJS in a browser or in plain Node, go on talking
// while each of three nodes behind a load balancer is shut down and replaced by another.
// They need know of nothing: no call fails, no session ends, and nothing is lost.
func TestRollingRestart(t *testing.T) {
	if testing.Short() {
		t.Skip("restarting nodes one after the other takes a while; leave out -short to do it")
	}
	dependOnSources(t)
	bin := build(t)
	c := &cluster{bin: bin, database: pgtest.Start(t), nats: natstest.Cluster(t, 3)}
	for name, whole := range map[string]bool{"requests": false, "connections": true} {
		t.Run("any node gets "+name, func(t *testing.T) {
			t.Parallel()
			b := startBalancer(t, whole)
			s := newServer(t)
			s.url = b.url()
			settings := c.settings(t)
			settings["attachments"], settings["drain-delay"], settings["drain-spread"] = "off", drainDelay.String(), drainSpread.String()
			config := s.config(settings)
			var nodes []*process
			remove := make(map[*process]func())
			start := func() *process {
				p := s.run(bin, os.Environ(), "--config", config)
				t.Cleanup(func() { p.cmd.Process.Kill() })
				ctx, cancel := context.WithCancel(context.Background())
				t.Cleanup(cancel)
				remove[p] = cancel
				b.add(ctx, s.nodes[len(s.nodes)-1])
				return p
			}
			for range 3 {
				nodes = append(nodes, start())
			}
			b.await(t, 3)
			g := gather(t, s)
			g.await(between)
			for _, p := range nodes {
				if err := p.stop(); err != nil {
					t.Errorf("a node ended with %v; it said:\n%s", err, s.log)
				}
				remove[p]()
				start()
				b.await(t, 3)
				g.await(between)
			}
			g.finish()
			for _, f := range b.failed {
				t.Error(f)
			}
			t.Logf("%d CreateParticipantConnections succeeded", b.connects)
		})
	}
}

// The same with one server that is replaced, again and again, by what its binary is then.
func TestHandover(t *testing.T) {
	if testing.Short() {
		t.Skip("replacing a server again and again takes a while; leave out -short to do it")
	}
	dependOnSources(t)
	s := &server{t: t, log: new(tail)}
	bin := build(t)
	p := s.run(bin, os.Environ(), "--data", t.TempDir())
	s.url = "http://" + s.nodes[0]
	g := gather(t, s)
	for range handovers {
		g.await(between)
		replace(t, filepath.Join(bin, "parley"))
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		p.awaitListening()
	}
	g.await(between)
	g.finish()
}

// replace puts another file in the place of a program, as an update does.
func replace(t *testing.T, program string) {
	t.Helper()
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program+".new", text, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(program+".new", program); err != nil {
		t.Fatal(err)
	}
}

// gathering is two chats, whose people have a page each and talk as fast as they are
// answered.
type gathering struct {
	t       *testing.T
	server  *server
	players []*player
	people  []*speaker
	stop    chan struct{}
	ended   chan struct{} // nil if nobody talks
	outage  bool          // calls of the pages may fail

	mu    sync.Mutex
	spoke chan struct{} // closed, and made anew, at every acknowledged message
}

// speaker is somebody with a page.
type speaker struct {
	who    string
	player *player
	chat   int
	sent   []message // as they were acknowledged; guarded by gathering.mu
}

type message struct{ id, at, content string }

// gather has everybody connect and begin to talk.
func gather(t *testing.T, s *server) *gathering {
	g := meet(t, s)
	g.ended = make(chan struct{})
	go g.talk()
	return g
}

// meet has everybody connect.
func meet(t *testing.T, s *server) *gathering {
	g := &gathering{t: t, server: s, stop: make(chan struct{}), spoke: make(chan struct{})}
	for _, c := range clients {
		if c.family == "chatjs" {
			g.players = append(g.players, c.start(t, "", s))
		}
	}
	for i, p := range g.players {
		g.start(i, p, g.players[1-i])
	}
	return g
}

// start begins a chat of a customer and an agent.
func (g *gathering) start(n int, customers, agents *player) {
	t := g.t
	t.Helper()
	const instance, flow = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
	customer, agent := fmt.Sprint("customer", n), fmt.Sprint("agent", n)
	chat := g.must(customers, "StartChatContact", "", map[string]any{
		"InstanceId": instance, "ContactFlowId": flow, "ParticipantDetails": map[string]any{"DisplayName": customer},
	})
	g.must(customers, "connect", customer, map[string]any{
		"ContactId": chat["ContactId"], "ParticipantId": chat["ParticipantId"],
		"ParticipantToken": chat["ParticipantToken"], "catchesUp": true,
	})
	added := g.must(agents, "CreateParticipant", "", map[string]any{
		"InstanceId": instance, "ContactId": chat["ContactId"],
		"ParticipantDetails": map[string]any{"ParticipantRole": "AGENT", "DisplayName": agent},
	})
	credentials, _ := added["ParticipantCredentials"].(map[string]any)
	g.must(agents, "connect", agent, map[string]any{
		"ContactId": chat["ContactId"], "ParticipantId": added["ParticipantId"],
		"ParticipantToken": credentials["ParticipantToken"], "ConnectParticipant": true, "catchesUp": true,
	})
	g.people = append(g.people, &speaker{who: customer, player: customers, chat: n}, &speaker{who: agent, player: agents, chat: n})
}

// must has a player do something that must succeed.
func (g *gathering) must(p *player, do, who string, in map[string]any) map[string]any {
	g.t.Helper()
	out, failed, err := p.call(do, who, in)
	if err != nil || failed != nil {
		g.t.Fatalf("%s of %s: %v %+v\n\nthe last lines to and from the player:\n%s\n\nthe server's last words:\n%s",
			do, who, err, failed, p.trace, g.server.log)
	}
	return out
}

// talk has everybody talk until stop, the people of a player one after the other.
func (g *gathering) talk() {
	defer close(g.ended)
	var all sync.WaitGroup
	for _, p := range g.players {
		all.Go(func() {
			for n := 0; ; n++ {
				for _, k := range g.people {
					if k.player == p && !g.say(k, fmt.Sprintf("%s says %d", k.who, n)) {
						return
					}
				}
				select {
				case <-time.After(pace):
				case <-g.stop:
					return
				}
			}
		})
	}
	all.Wait()
}

// say has somebody say something, and reports whether that was acknowledged.
func (g *gathering) say(k *speaker, content string) bool {
	out, failed, err := k.player.call("SendMessage", k.who, map[string]any{"ContentType": "text/plain", "Content": content})
	if err != nil || failed != nil {
		g.t.Errorf("%q was not sent: %v %+v\n\nthe last lines to and from the player:\n%s", content, err, failed, k.player.trace)
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	k.sent = append(k.sent, message{fmt.Sprint(out["Id"]), fmt.Sprint(out["AbsoluteTime"]), content})
	close(g.spoke)
	g.spoke = make(chan struct{})
	return true
}

// await waits until everybody has said n things more.
func (g *gathering) await(n int) {
	g.t.Helper()
	limit := time.After(patience)
	for _, k := range g.people {
		for until := -1; ; {
			g.mu.Lock()
			said, spoke := len(k.sent), g.spoke
			g.mu.Unlock()
			if until < 0 {
				until = said + n
			}
			if said >= until {
				break
			}
			select {
			case <-spoke:
			case <-g.ended:
				g.t.FailNow()
			case <-limit:
				g.t.Fatalf("%s has said %d things of %d\n\nthe last lines to and from the player:\n%s", k.who, said, until, k.player.trace)
			}
		}
	}
}

// finish ends the talk, and compares what everybody saw.
func (g *gathering) finish() {
	g.t.Helper()
	if close(g.stop); g.ended != nil {
		<-g.ended
	}
	for _, k := range g.people {
		g.must(k.player, "reconnect", k.who, map[string]any{}) // each was sent away at least once
	}
	for _, k := range g.people {
		if !g.say(k, k.who+" says good-bye") {
			g.t.FailNow()
		}
	}
	for _, k := range g.people {
		g.awaitAll(k)
		g.check(k)
	}
}

// awaitAll waits until the last thing that was said in a chat came on somebody's socket.
func (g *gathering) awaitAll(k *speaker) {
	g.t.Helper()
	var last message
	for _, other := range g.people {
		if m := other.sent[len(other.sent)-1]; other.chat == k.chat && m.at > last.at {
			last = m
		}
	}
	err := k.player.await(patience, func() bool {
		return slices.ContainsFunc(k.player.items[k.who], func(it map[string]any) bool { return it["Id"] == last.id })
	})
	if err != nil {
		g.t.Fatalf("%s waits for %q: %v", k.who, last.content, err)
	}
}

// check compares what somebody's page shows with the transcript, and that with what was
// acknowledged.
func (g *gathering) check(k *speaker) {
	t := g.t
	t.Helper()
	k.player.mu.Lock()
	for _, event := range []string{"onConnectionBroken", "onEnded", "misordered", "unread", "pageerror"} {
		if g.outage && event == "unread" {
			continue
		}
		if n := k.player.events[k.who+" "+event]; n > 0 {
			t.Errorf("%s: %d times %s\n\nthe last lines to and from the player:\n%s", k.who, n, event, k.player.trace)
		}
	}
	came := make(map[any]bool)
	for _, it := range k.player.items[k.who] {
		if came[it["Id"]] {
			t.Errorf("%s was given %v twice", k.who, it)
		}
		came[it["Id"]] = true
	}
	t.Logf("%s has said %d things and lost %d connections", k.who, len(k.sent), k.player.events[k.who+" onConnectionLost"])
	k.player.mu.Unlock()
	transcript := g.transcript(k)
	shown, _ := g.must(k.player, "Shown", k.who, map[string]any{})["Items"].([]any)
	have := make(map[string]bool)
	for _, it := range shown {
		have[field(it, "Id")] = true
	}
	place, said := make(map[string]int), make(map[string]bool)
	for i, it := range transcript {
		id, content := field(it, "Id"), field(it, "Content")
		if !have[id] {
			t.Errorf("%s has not seen %v", k.who, it)
		}
		if i > 0 && field(it, "AbsoluteTime") <= field(transcript[i-1], "AbsoluteTime") {
			t.Errorf("%v is not later than the item before it", it)
		}
		if content != "" && said[content] {
			t.Errorf("%q was said once and is there twice", content)
		}
		place[id], said[content] = i, true
	}
	if len(shown) != len(transcript) {
		t.Errorf("%s has seen %d items, and the transcript has %d", k.who, len(shown), len(transcript))
	}
	last := -1
	for _, m := range k.sent {
		i, ok := place[m.id]
		switch {
		case !ok:
			t.Errorf("%q was acknowledged and is missing", m.content)
			continue
		case field(transcript[i], "Content") != m.content || i < last:
			t.Errorf("%q is at the wrong place: %v", m.content, transcript[i])
		}
		last = i
	}
}

func field(item any, name string) string {
	it, _ := item.(map[string]any)
	text, _ := it[name].(string)
	return text
}

// transcript reads the whole transcript, oldest first.
func (g *gathering) transcript(k *speaker) (items []any) {
	g.t.Helper()
	in := map[string]any{"MaxResults": 100, "ScanDirection": "BACKWARD", "SortOrder": "ASCENDING"}
	for {
		out := g.must(k.player, "GetTranscript", k.who, in)
		page, _ := out["Transcript"].([]any)
		items = append(slices.Clone(page), items...)
		if out["NextToken"] == nil {
			return items
		}
		in["NextToken"] = out["NextToken"]
	}
}

// The database is gone, and while it is, every page loses its websocket. ChatJS, which gives
// a session up when it gets no connection, gets one all the same, and goes on when the
// database is back.
func TestOutage(t *testing.T) {
	if testing.Short() {
		t.Skip("outages take a while; leave out -short to have one")
	}
	dependOnSources(t)
	bin := build(t)
	c := &cluster{bin: bin, database: pgtest.Start(t), nats: natstest.Cluster(t, 1)}
	s := newServer(t)
	settings := c.settings(t)
	settings["attachments"] = "off"
	s.run(bin, os.Environ(), "--config", s.config(settings))
	go s.relay.serve(s.nodes[0])
	g := meet(t, s)
	g.outage = true
	for _, k := range g.people {
		if !g.say(k, k.who+" says hello") {
			t.FailNow()
		}
	}
	c.database.Kill(t)
	s.relay.cut()
	s.relay.mend()
	for _, k := range g.people {
		g.must(k.player, "reopen", k.who, map[string]any{})
	}
	c.database.Restart(t)
	g.finish()
}
