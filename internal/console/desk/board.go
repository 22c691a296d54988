package desk

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/center"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/store"
)

// The board is looked at by every desk every other second, so what it shows is taken once
// for all of them. Age is by the machine's own time: it is about how busy it is.
const (
	boardAge = time.Second
	// boardSize is how many chats it has at the most: the newest ones.
	boardSize = 500
)

// board keeps what is known of the chats that go on.
type board struct {
	desk *Desk

	mu    sync.Mutex
	taken time.Time
	last  snapshot
}

// snapshot is how the chats that go on were at a time.
type snapshot struct {
	contacts []chatState
	total    int
	first    map[chat.ChatID]string // what customers said first, if anything
}

// chatState is a chat that goes on, and who is in it.
type chatState struct {
	Contact
	chat   chat.ChatID
	people []person
}

// person is what the board knows of a participant who is a user.
type person struct {
	user     string
	role     chat.Role
	presence chat.Presence
}

// now gives a snapshot that is not old.
func (b *board) now(ctx context.Context) (snapshot, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if time.Since(b.taken) < boardAge {
		return b.last, nil
	}
	s, err := b.take(ctx)
	if err == nil {
		b.last, b.taken = s, time.Now()
	}
	return s, err
}

// forget has the next one who looks see what has just changed.
func (b *board) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken = time.Time{}
}

func (b *board) take(ctx context.Context) (snapshot, error) {
	active := true
	found, err := b.desk.config.Node.Search(ctx, store.Search{
		Instance: b.desk.config.Center.Instance.ID, Active: &active, Limit: boardSize, Methods: chain,
	})
	if err != nil {
		return snapshot{}, err
	}
	s := snapshot{total: found.Total, first: make(map[chat.ChatID]string)}
	for i := range found.Contacts {
		c, err := b.look(ctx, &found.Contacts[i], s.first)
		if err != nil {
			return snapshot{}, err
		}
		if c.State == "" { // over by now, or an invited agent's own
			s.total--
			continue
		}
		s.contacts = append(s.contacts, c)
	}
	return s, nil
}

// chain are the methods of contacts that are a chat's own, not a participant's.
var chain = []chat.Method{chat.MethodAPI, chat.MethodTransfer, chat.MethodQueueTransfer, chat.MethodDisconnect}

// look sees who is in a chat, and what its customer said first. The state is empty if
// the row is not that of a chat that goes on.
func (b *board) look(ctx context.Context, row *chat.Summary, first map[chat.ChatID]string) (chatState, error) {
	c := chatState{Contact: b.desk.contact(row), chat: row.Chat}
	err := b.desk.config.Node.View(ctx, row.Chat, func(live *chat.Chat) error {
		if c.State = stateOf(live); live.Contact != row.Contact || c.State == stateEnded {
			c.State = ""
			return nil
		}
		c.UpdatedAt = stamp(live.Last)
		for p := range live.Participants() {
			if p.Presence == chat.Gone {
				continue
			}
			c.Participants = append(c.Participants, participant(p))
			if p.User != "" {
				c.people = append(c.people, person{p.User, p.Role, p.Presence})
			}
		}
		return nil
	})
	if err != nil || c.State == "" {
		return c, err
	}
	said, known := b.last.first[row.Chat]
	if !known {
		if said, err = b.firstMessage(ctx, row.Chat); err != nil {
			return c, err
		}
	}
	if said != "" {
		first[row.Chat], c.FirstMessage = said, said
	}
	return c, nil
}

// The first message is looked for in the first items, and shown cut.
const firstItems, firstLength = 30, 200

func (b *board) firstMessage(ctx context.Context, id chat.ChatID) (string, error) {
	items, err := b.desk.config.Node.Items(ctx, id, store.Query{From: 1, To: 1 << 62, Limit: firstItems})
	for i := range items {
		if e := &items[i]; e.Kind == chat.KindMessage && e.By.Role == chat.Customer {
			text := []rune(e.Content.Text)
			return string(text[:min(len(text), firstLength)]), nil
		}
	}
	return "", err
}

// Board is what a desk has to show: the newest 500 chats that go on, as far as the user
// may see them. Agents see those that wait in their queues, those they are in, and
// those they are invited to.
type Board struct {
	Contacts []Contact `json:"Contacts"`
	// Total counts all chats of the instance that go on.
	Total int `json:"Total"`
	// Time is the server's, for the ages.
	Time string `json:"Time"`
}

func (s *Desk) getBoard(ctx context.Context, _ *Empty) (*Board, error) {
	snap, err := s.board.now(ctx)
	if err != nil {
		return nil, err
	}
	u := userOf(ctx)
	out := &Board{Contacts: []Contact{}, Total: snap.total, Time: stamp(s.config.Clock.Now())}
	for i := range snap.contacts {
		c := &snap.contacts[i]
		shown := c.Contact
		shown.Seats = seats(c.people, u.ID)
		if u.Role == center.Supervisor || len(shown.Seats) > 0 || c.State == stateWaiting && s.serves(u, c.QueueId) {
			out.Contacts = append(out.Contacts, shown)
		}
	}
	return out, nil
}

// serves reports whether a user looks after a queue.
func (s *Desk) serves(u center.User, queue string) bool {
	q, ok := s.config.Center.Queue(queue)
	return u.Role == center.Supervisor || ok && slices.Contains(q.Users, u.ID)
}

// Seat is a place that a user has in a chat.
type Seat struct {
	// Role is AGENT or SUPERVISOR, Present whether they have come: an agent who has not
	// is invited, a supervisor watches in silence.
	Role    string `json:"Role"`
	Present bool   `json:"Present"`
}

func seats(people []person, user string) (all []Seat) {
	for _, p := range people {
		if p.user == user {
			all = append(all, Seat{string(p.role), p.presence == chat.Present})
		}
	}
	return all
}
