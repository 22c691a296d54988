package node_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/bus/localbus"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/store"
	"github.com/parley-chat/parley/internal/store/memstore"
)

// dawn is when every test begins.
var dawn = time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC)

var errDisk = errors.New("the disk is on fire")

// A fault is what an Append does instead of what inner does.
type fault func(ctx context.Context, inner func() error) error

// lost fails and stores nothing; liar stores all and fails.
func lost(context.Context, func() error) error { return errDisk }
func liar(_ context.Context, inner func() error) error {
	return errors.Join(inner(), errDisk)
}

// says fails with the error and stores nothing.
func says(err error) fault { return func(context.Context, func() error) error { return err } }

// after does something else first.
func after(first func()) fault {
	return func(_ context.Context, inner func() error) error { first(); return inner() }
}

// faultyStore is a store that fails as it is told.
type faultyStore struct {
	store.Store
	mu      sync.Mutex
	appends []fault            // of the Appends to come; nil is none
	reading func(string) error // before each read, with its name
	wasRead func(string)       // after Entries or Due were read and before they are returned
	batches []store.Append     // all that came
}

func (s *faultyStore) next(f ...fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.appends = f
}

func (s *faultyStore) onRead(f func(what string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reading = f
}

func (s *faultyStore) onceRead(f func(what string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wasRead = f
}

// failing makes reads of that name fail, all if there is none.
func failing(name string) func(string) error {
	return func(what string) error {
		if name == "" || name == what {
			return errDisk
		}
		return nil
	}
}

func (s *faultyStore) Append(ctx context.Context, a store.Append) error {
	s.mu.Lock()
	var f fault
	s.batches = append(s.batches, a)
	if len(s.appends) > 0 {
		f, s.appends = s.appends[0], s.appends[1:]
	}
	s.mu.Unlock()
	if f == nil {
		return s.Store.Append(ctx, a)
	}
	return f(ctx, func() error { return s.Store.Append(ctx, a) })
}

func (s *faultyStore) read(what string) error {
	s.mu.Lock()
	f := s.reading
	s.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(what)
}

func (s *faultyStore) after(what string) {
	s.mu.Lock()
	f := s.wasRead
	s.mu.Unlock()
	if f != nil {
		f(what)
	}
}

func (s *faultyStore) Entries(ctx context.Context, id chat.ChatID, after int64, limit int) ([]chat.Entry, error) {
	if err := s.read("Entries"); err != nil {
		return nil, err
	}
	entries, err := s.Store.Entries(ctx, id, after, limit)
	s.after("Entries")
	return entries, err
}

func (s *faultyStore) Items(ctx context.Context, id chat.ChatID, q store.Query) ([]chat.Entry, error) {
	if err := s.read("Items"); err != nil {
		return nil, err
	}
	return s.Store.Items(ctx, id, q)
}

func (s *faultyStore) SeqAt(ctx context.Context, id chat.ChatID, t time.Time) (int64, error) {
	if err := s.read("SeqAt"); err != nil {
		return 0, err
	}
	return s.Store.SeqAt(ctx, id, t)
}

func (s *faultyStore) LastSeqs(ctx context.Context, ids []chat.ChatID) (map[chat.ChatID]int64, error) {
	if err := s.read("LastSeqs"); err != nil {
		return nil, err
	}
	return s.Store.LastSeqs(ctx, ids)
}

func (s *faultyStore) Contact(ctx context.Context, id chat.ContactID) (chat.Summary, error) {
	if err := s.read("Contact"); err != nil {
		return chat.Summary{}, err
	}
	return s.Store.Contact(ctx, id)
}

func (s *faultyStore) Due(ctx context.Context, limit int) ([]store.Due, error) {
	if err := s.read("Due"); err != nil {
		return nil, err
	}
	due, err := s.Store.Due(ctx, limit)
	s.after("Due")
	return due, err
}

func (s *faultyStore) Search(ctx context.Context, q store.Search) (store.Found, error) {
	if err := s.read("Search"); err != nil {
		return store.Found{}, err
	}
	return s.Store.Search(ctx, q)
}

// faultyBus is a bus that does to notices what it is told, and counts subscriptions.
type faultyBus struct {
	bus.Bus
	mu       sync.Mutex
	treat    func(bus.Notice) []bus.Notice // nil lets them through
	subs     int
	refusing bool
}

func (b *faultyBus) onPublish(treat func(bus.Notice) []bus.Notice) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.treat = treat
}

// drop loses every notice.
func drop(bus.Notice) []bus.Notice { return nil }

func (b *faultyBus) Publish(n bus.Notice) {
	b.mu.Lock()
	all := []bus.Notice{n}
	if b.treat != nil {
		all = b.treat(n)
	}
	b.mu.Unlock()
	for _, n := range all {
		b.Bus.Publish(n)
	}
}

func (b *faultyBus) Subscribe(id chat.ChatID, receive func(bus.Notice)) (func(), error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refusing {
		return nil, errDisk
	}
	b.subs++
	cancel, err := b.Bus.Subscribe(id, receive)
	return sync.OnceFunc(func() {
		b.mu.Lock()
		b.subs--
		b.mu.Unlock()
		cancel()
	}), err
}

func (b *faultyBus) subscriptions() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.subs
}

// world is some nodes on one store and one bus.
type world struct {
	*testing.T
	ctx      context.Context
	store    *faultyStore
	bus      *faultyBus
	lossy    []*lossyBus // of the nodes, if they have such
	clocks   []*clockwork.FakeClock
	nodes    []*node.Node
	alone    bool
	maxChats int
	worker   node.Worker
	said     bytes.Buffer // logged by all nodes; to be read when nothing moves
	logger   *slog.Logger
}

// play runs a test in a bubble, where synctest.Wait waits until nothing moves, and
// which fails a test that leaves goroutines behind.
func play(t *testing.T, nodes int, story func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { story(newWorld(t, nodes)) })
}

func newWorld(t *testing.T, nodes int) *world {
	w := &world{
		T: t, ctx: t.Context(),
		store: &faultyStore{Store: memstore.New()}, bus: &faultyBus{Bus: localbus.New()},
	}
	w.logger = slog.New(slog.NewTextHandler(&w.said, nil))
	for range nodes {
		w.addNode(0)
	}
	return w
}

// addNode adds a node whose clock differs from the dawn.
func (w *world) addNode(skew time.Duration) *node.Node { return w.addNodeOn(w.bus, skew) }

func (w *world) addNodeOn(b bus.Bus, skew time.Duration) *node.Node {
	clock := clockwork.NewFakeClockAt(dawn.Add(skew))
	n := node.New(node.Config{Store: w.store, Bus: b, Clock: clock, Alone: w.alone, MaxChats: w.maxChats, Worker: w.worker, Log: w.logger})
	w.Cleanup(n.Close)
	w.clocks, w.nodes = append(w.clocks, clock), append(w.nodes, n)
	return n
}

// run makes the nodes keep deadlines.
func (w *world) run() {
	for _, n := range w.nodes {
		go n.Run(w.ctx)
	}
	synctest.Wait()
}

// pass lets time pass on all nodes, and waits until nothing moves.
func (w *world) pass(d time.Duration) {
	for _, c := range w.clocks {
		c.Advance(d)
	}
	synctest.Wait()
}

var settings = chat.Settings{Instance: "i", Customer: chat.Author{Name: "Jane"}}

// start begins a chat on the first node; the customer is connected.
func (w *world) start() (chat.ChatID, chat.ParticipantID) {
	w.Helper()
	id, jane := w.begin()
	w.do(0, id, chat.Connect{By: jane})
	return id, jane
}

// begin does so without connecting the customer.
func (w *world) begin() (chat.ChatID, chat.ParticipantID) {
	w.Helper()
	id, jane, err := w.nodes[0].Start(w.ctx, settings, nil, "")
	if err != nil {
		w.Fatal(err)
	}
	return id, jane
}

func (w *world) do(n int, id chat.ChatID, cmd chat.Command) chat.Outcome {
	w.Helper()
	out, err := w.nodes[n].Do(w.ctx, id, cmd)
	if err != nil {
		w.Fatalf("%T: %v", cmd, err)
	}
	return out
}

// fails does a command and wants the error.
func (w *world) fails(n int, id chat.ChatID, cmd chat.Command, want error) {
	w.Helper()
	out, err := w.nodes[n].Do(w.ctx, id, cmd)
	if !errors.Is(err, want) || len(out.Entries) > 0 {
		w.Fatalf("%T: %v, %v, want %v", cmd, out, err, want)
	}
}

// log gives the chat as it is stored.
func (w *world) log(id chat.ChatID) []chat.Entry {
	w.Helper()
	log, err := w.store.Store.Entries(w.ctx, id, 0, 1_000_000)
	if err != nil {
		w.Fatal(err)
	}
	return log
}

func say(by chat.ParticipantID, text, token string) chat.Command {
	return chat.SendMessage{By: by, Content: chat.Content{Type: chat.TypePlain, Text: text}, Token: token}
}

func typing(by chat.ParticipantID) chat.Command {
	return chat.SendEvent{By: by, Type: chat.EventTyping}
}

// reason gives the reason of a refusal; 0 if it is none.
func reason(err error) chat.Reason {
	if r, ok := errors.AsType[*chat.Refusal](err); ok {
		return r.Reason
	}
	return 0
}

// watcher records what it gets.
type watcher struct {
	mu      sync.Mutex
	from    int64
	entries []chat.Entry
	signals int
	stop    func()
}

func (w *world) watch(n int, id chat.ChatID) *watcher {
	w.Helper()
	r := &watcher{}
	_, stop, err := w.nodes[n].Watch(w.ctx, id, r.receive)
	if err != nil {
		w.Fatal(err)
	}
	r.stop = stop
	r.from = int64(len(w.log(id)))
	return r
}

func (r *watcher) receive(n bus.Notice) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = append(r.entries, n.Entries...)
	r.signals += len(n.Signals)
}

func (r *watcher) got() []chat.Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.entries
}

// saw wants a watcher to have got all entries that were stored since it began, once
// and in order.
func (w *world) saw(r *watcher, id chat.ChatID) {
	w.Helper()
	got, want := r.got(), w.log(id)[r.from:]
	if len(got) != len(want) {
		w.Fatalf("the watcher got %d entries, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i].Seq != want[i].Seq || got[i].ID != want[i].ID {
			w.Fatalf("entry %d of the watcher has Seq %d, want %d", i, got[i].Seq, want[i].Seq)
		}
	}
}
