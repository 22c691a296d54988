// Package node is the shell around the rules of a chat: it loads a chat, has the
// command decided, appends the entries, and only then tells anybody.
//
// Any node serves any chat. A node keeps the chats it works on in memory, each with
// one owner at a time; the store's compare-and-swap tells it when another node was
// faster, and it reads what it missed and decides again. A node has no clock, store,
// bus or source of ids of its own: several can run in one process under a simulated
// clock with a faulty store and bus.
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node/alarm"
	"github.com/parley-chat/parley/internal/store"
)

// The errors of a node, besides [*chat.Refusal] and the context's. Any other error
// means that the node could not do its work; the command may or may not have
// happened, and its repetition with the same ClientToken finds out.
var (
	// ErrNotFound: there is no such chat or contact.
	ErrNotFound = errors.New("node: no such chat")
	// ErrNoContact: the chat has no such contact.
	ErrNoContact = errors.New("node: the chat has no such contact")
	// ErrBusy: too much is waiting, for this chat or altogether. Nothing happened.
	ErrBusy = errors.New("node: too busy")
	// ErrFull: as many chats go on as there may be. Nothing happened.
	ErrFull = errors.New("node: too many active chats")

	errClosed = errors.New("node: closed")
)

// Bounds of a node.
const (
	// maxWaiting is how many callers may have or wait for the turn at one chat.
	maxWaiting = 256
	// turnWithin is how long they wait for it: who waits behind others for a database that
	// hangs would else take its time for each of them.
	turnWithin = 5 * time.Second
	// maxAttempts bounds how often a command is decided again after a conflict. A node
	// that is busy with a chat is ahead of one that has to read first.
	maxAttempts = 100
	// loadPage is how many entries are read at a time.
	loadPage = 512
	// startWindow is how long the ClientToken of a start stands for the same chat.
	startWindow = 24 * time.Hour
)

// Config is what a node works with. Store, Bus and Clock are required.
type Config struct {
	Store store.Store
	Bus   bus.Bus
	Clock clockwork.Clock
	// Worker does what commands lead to and what takes more than rules; without one it
	// is not done.
	Worker Worker
	// IDs makes ids; NewID if nil.
	IDs chat.IDs
	// Alone says that nobody else writes to the store: what the node has in memory, it
	// need not read again.
	Alone bool
	// MaxChats is how many chats of an instance may go on at a time; 0 is no limit.
	MaxChats int
	// Log gets what no caller can be told; discarded if nil.
	Log *slog.Logger
}

// Node is one running server's part in all chats. Its methods are safe for
// concurrent use.
type Node struct {
	store  store.Store
	bus    bus.Bus
	clock  clockwork.Clock
	worker Worker
	ids    chat.IDs
	log    *slog.Logger

	alone    bool
	maxChats int
	census   census

	ctx    context.Context // of what goes on behind the callers' backs
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu     sync.Mutex
	chats  map[chat.ChatID]*live
	closed bool

	alarm *alarm.Alarm
	deaf  atomic.Bool // the bus tells nothing at present
	desk  desk
}

// New makes a node. Call Run to make it keep deadlines, and Close in the end.
func New(c Config) *Node {
	if c.IDs == nil {
		c.IDs = NewID
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Node{
		store: c.Store, bus: c.Bus, clock: c.Clock, worker: c.Worker, ids: c.IDs, log: c.Log,
		ctx: ctx, cancel: cancel,
		alone: c.Alone, maxChats: c.MaxChats, census: census{counts: make(map[string]int), taken: make(map[string]time.Time)},
		chats: make(map[chat.ChatID]*live),
		alarm: alarm.New(), desk: newDesk(),
	}
}

// Close ends what the node does by itself, the watching, and Run, and waits for the
// calls under way. Later ones fail. The store and the bus stay open.
func (n *Node) Close() {
	n.cancel()
	n.mu.Lock()
	n.closed = true
	chats := slices.Collect(maps.Values(n.chats))
	clear(n.chats)
	n.mu.Unlock()
	for _, l := range chats {
		<-l.turn // and it is not given back
		if l.unsub != nil {
			l.unsub()
		}
		l.feed.close()
	}
	n.wg.Wait()
}

// behind does work behind the callers' backs, which Close waits for.
func (n *Node) behind(work func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.closed {
		n.wg.Go(work)
	}
}

// NewID makes a UUIDv7 of the time, otherwise random.
func NewID(at time.Time) chat.ID {
	u := uuid.New()
	ms := at.UnixMilli()
	for i := range 6 {
		u[i] = byte(ms >> (40 - 8*i))
	}
	u[6] = u[6]&0x0f | 0x70
	return chat.ID{UUID: u}
}

// Do decides a command on a chat and makes its outcome durable and known. A chat
// that was not started takes no command but [chat.Start]: ErrNotFound.
//
// If ctx ends while Do waits for its turn, nothing happens. Once the outcome is
// handed to the store, Do waits for it whatever ctx says: a command happens wholly
// or not at all.
func (n *Node) Do(ctx context.Context, id chat.ChatID, cmd chat.Command) (chat.Outcome, error) {
	l, err := n.acquire(ctx, id, turnWithin)
	if err != nil {
		return chat.Outcome{}, err
	}
	defer n.release(l)
	_, ticks := cmd.(chat.Tick)
	asked := false // the store, since others were found to be faster
	if !ticks {
		n.giveWay(ctx, l)
	}
	for range maxAttempts {
		n.absorb(l)
		now := n.clock.Now()
		if asked = asked || !l.current() || n.deaf.Load() || l.chat.Overdue(now); asked {
			if now, err = n.ready(ctx, l, ticks); err != nil {
				return chat.Outcome{}, err
			}
		}
		out, err := n.decide(l, cmd, now)
		if !asked && idle(out) {
			asked = true // no append will prove that the chat was current, so make sure
			continue
		}
		if err == nil {
			err = n.commit(ctx, l, out, ticks)
		}
		if err == nil {
			return out, nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return chat.Outcome{}, err
		}
		asked = false
	}
	return chat.Outcome{}, tooFast(id)
}

// ready brings the chat up to what the store has, and does what is due, unless that is what
// it is made ready for: nobody is to profit from a late tick. It gives the time at which
// nothing was due: what is decided at a later one might come in place of what is due then.
func (n *Node) ready(ctx context.Context, l *live, ticks bool) (time.Time, error) {
	for range maxAttempts {
		err := n.refresh(ctx, l)
		now := n.clock.Now()
		if err != nil || ticks || !l.chat.Overdue(now) {
			return now, err
		}
		out, err := n.decide(l, chat.Tick{}, now)
		if err == nil {
			err = n.commit(ctx, l, out, true)
		}
		if err != nil && !errors.Is(err, store.ErrConflict) {
			return now, err
		}
	}
	return time.Time{}, tooFast(l.id)
}

func tooFast(id chat.ChatID) error {
	return fmt.Errorf("%w: chat %v was changed by others %d times in a row", ErrBusy, id, maxAttempts)
}

func (n *Node) decide(l *live, cmd chat.Command, now time.Time) (chat.Outcome, error) {
	if _, starts := cmd.(chat.Start); !starts && !l.chat.Started() {
		return chat.Outcome{}, ErrNotFound
	}
	return chat.Decide(l.chat, cmd, now, n.ids)
}

// idle reports whether nothing comes of a command: it was refused, or is not needed.
func idle(out chat.Outcome) bool {
	return len(out.Entries)+len(out.Signals) == 0 && !out.Repeated
}

// View calls look with the chat as it is now by the store and the clock, while nobody
// else on this node has it. look must neither keep nor change it, nor block, nor call
// the node. Its error is View's.
func (n *Node) View(ctx context.Context, id chat.ChatID, look func(*chat.Chat) error) error {
	l, err := n.acquire(ctx, id, turnWithin)
	if err != nil {
		return err
	}
	defer n.release(l)
	if _, err := n.ready(ctx, l, false); err != nil {
		return err
	}
	if !l.chat.Started() {
		return ErrNotFound
	}
	return look(l.chat)
}

// Recall calls look with the chat as this node last knew it, which may be long ago, and
// asks nobody: for when the store can't be asked. ErrNotFound says that the node does not
// know the chat. What holds for look is as for [Node.View].
func (n *Node) Recall(ctx context.Context, id chat.ChatID, look func(*chat.Chat) error) error {
	l, err := n.acquire(ctx, id, 0)
	if err != nil {
		return err
	}
	defer n.release(l)
	if !l.chat.Started() {
		return ErrNotFound
	}
	return look(l.chat)
}

// Admit finds a participant whose tokens still count, with the error of
// [chat.Chat.Admit] if they don't.
func (n *Node) Admit(ctx context.Context, id chat.ChatID, by chat.ParticipantID) (who chat.Author, err error) {
	err = n.View(ctx, id, func(c *chat.Chat) error {
		p, err := c.Admit(by)
		if err == nil {
			who = p.Author
		}
		return err
	})
	return who, err
}

// Find names the chat of a contact, or ErrNotFound.
func (n *Node) Find(ctx context.Context, id chat.ContactID) (chat.ChatID, error) {
	s, err := n.store.Contact(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return chat.ChatID{}, ErrNotFound
	}
	return s.Chat, busy(err)
}

// Search finds contacts by their rows.
func (n *Node) Search(ctx context.Context, q store.Search) (store.Found, error) {
	found, err := n.store.Search(ctx, q)
	return found, busy(err)
}

// busy makes the store's way to say so the node's.
func busy(err error) error {
	if errors.Is(err, store.ErrBusy) {
		return fmt.Errorf("%w: %w", ErrBusy, err)
	}
	return err
}

// Start begins a chat and names it and its customer. The same ClientToken within 24
// hours names the same chat, on every node: the chat's id is derived from the token,
// so that the store's compare-and-swap finds the repetition. Where no more chats may go
// on, a new one is ErrFull, and a repetition is not.
//
// past, if not nil, is the chat that the new one continues.
func (n *Node) Start(ctx context.Context, set chat.Settings, past *chat.Past, token string) (chat.ChatID, chat.ParticipantID, error) {
	seat, err := n.takeSeat(ctx, set.Instance)
	if err != nil {
		return chat.ChatID{}, chat.ParticipantID{}, err
	}
	started := false
	defer func() {
		if seat && !started {
			n.leaveSeat(set.Instance)
		}
	}()
	for generation := 0; ; generation++ {
		id := chat.ChatID{ID: n.ids(n.clock.Now().UTC().Truncate(time.Millisecond))}
		if token != "" {
			id = derivedID(set.Instance, token, generation)
		}
		if !seat {
			if err := n.exists(ctx, id); err != nil {
				return chat.ChatID{}, chat.ParticipantID{}, err
			}
		}
		out, err := n.Do(ctx, id, chat.Start{Settings: set, Past: past})
		if err != nil {
			return chat.ChatID{}, chat.ParticipantID{}, err
		}
		if out.Repeated && n.clock.Since(out.At) > startWindow {
			continue // the token stood for a chat of long ago
		}
		started = !out.Repeated
		return id, chat.ParticipantID{ID: out.ID}, nil
	}
}

// derivedID is a UUIDv5: the same for the same arguments.
func derivedID(instance, token string, generation int) chat.ChatID {
	name := fmt.Sprintf("%s\x00%s\x00%d", instance, token, generation)
	return chat.ChatID{ID: chat.ID{UUID: uuid.NewSHA1(uuid.NameSpaceOID, []byte(name))}}
}
