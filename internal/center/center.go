// Package center is what a contact center consists of besides its chats: users, queues,
// flows, views and identity providers, as the configuration file has them. A [Center]
// never changes; a chat keeps what it needs of it, so that another configuration changes
// no running chat.
//
// Ids may be given as ARNs, of which the last part counts.
package center

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/token"
)

// Instance is the contact center in ARNs and in the headers of uploads. AccountID is an
// AWS account's number.
type Instance struct {
	ID, Region, AccountID string
}

// ARN names something of the instance: ARN("queue", "support").
func (i Instance) ARN(kind, id string) string {
	return fmt.Sprintf("arn:aws:connect:%s:%s:instance/%s/%s/%s", i.Region, i.AccountID, i.ID, kind, id)
}

// Role is what a user may do.
type Role string

// The roles of users. A supervisor may do what an agent may.
const (
	Agent      Role = "agent"
	Supervisor Role = "supervisor"
)

// User is somebody who works in the contact center.
type User struct {
	ID string
	// Name is what customers see.
	Name string
	Role Role

	password, hash string // at most one; see LogIn
}

// Chat is the user as package chat knows one.
func (u User) Chat() chat.User { return chat.User{ID: u.ID, Name: u.Name} }

// Queue is where customers wait for an agent.
type Queue struct {
	ID, Name string
	// Users are the ids of those who serve the queue.
	Users []string
	// AcceptWithin is how long a user has to accept a contact of the queue.
	AcceptWithin time.Duration

	offer *chat.Offer
}

// Offer is how the queue finds an agent; nil if agents look for themselves, or
// AssociateContactWithUser gives them contacts.
func (q Queue) Offer() *chat.Offer { return q.offer }

// Flow is what happens to a chat that is started with its id.
type Flow struct {
	ID, Name string
	chat.Flow
}

// View is what a step of a flow shows to a customer (DescribeView, semantics.md 3.5).
// Template and InputSchema are JSON.
type View struct {
	ID, Name              string
	Version               int
	Template, InputSchema string
	Actions               []string
}

// Options are what a contact center is made with.
type Options struct {
	Instance Instance
	// Local adds the users agent, agent2 and supervisor if no users are configured, their
	// passwords being their ids, and takes any flow id for the built-in flow.
	Local bool
	// FlowID is the id of the built-in flow, Greeting what it says, Queue where it puts
	// the contact; each but the id may be empty. A queue that is not configured is served
	// by all users, who look for their contacts themselves.
	FlowID, Greeting, Queue string
	// Tokens sign the tokens of views. Required.
	Tokens *token.Keyring
}

// Check reports what is wrong with what the settings say, in a sentence that begins with the
// setting's name.
func (o *Options) Check() error {
	if o.Queue != "" && !isID(o.Queue) {
		return fmt.Errorf("queue: %q must be 1 to 100 of A-Z, a-z, 0-9, and . _ @ -", o.Queue)
	}
	if err := checkText(o.Greeting); err != nil {
		return fmt.Errorf("greeting: %w", err)
	}
	return nil
}

// Center is a contact center. Its methods are safe for concurrent use, and what they
// return must not be changed.
type Center struct {
	Instance Instance

	builtIn   string // the id of a flow
	local     bool
	users     map[string]User
	queues    map[string]Queue
	flows     map[string]Flow
	views     map[string][]View // by id; the newest last
	providers map[string]Provider
}

// defaultRounds is how often the users of a queue are asked.
const defaultRounds = 3

// AcceptWithin is how long a user has to accept a contact of a queue, which need not be
// one of the center: zero then, which stands for the real service's time.
func (c *Center) AcceptWithin(queue string) time.Duration { return c.queues[queue].AcceptWithin }

// Local is the built-in contact center of local mode, for tests and demonstrations. Its
// tokens are signed by nobody's key.
func Local() *Center {
	keys, err := token.NewKeyring(token.NewKey())
	if err != nil {
		panic(err)
	}
	in := Instance{ID: "00000000-0000-4000-8000-000000000001", Region: "us-east-1", AccountID: "000000000000"}
	c, err := New(nil, Options{Instance: in, Local: true, FlowID: "built-in", Queue: "support", Tokens: keys})
	if err != nil {
		panic(err)
	}
	return c
}

// User finds a user.
func (c *Center) User(id string) (User, bool) { return find(c.users, id) }

// Users lists the users by their ids.
func (c *Center) Users() []User { return sorted(c.users) }

// Queues lists the queues by their ids.
func (c *Center) Queues() []Queue { return sorted(c.queues) }

// Queue finds a queue.
func (c *Center) Queue(id string) (Queue, bool) { return find(c.queues, id) }

// Flow finds a flow. In local mode there is one for every id.
func (c *Center) Flow(id string) (Flow, bool) {
	f, ok := find(c.flows, id)
	if !ok && c.local {
		return find(c.flows, c.builtIn)
	}
	return f, ok
}

// View finds a version of a view, or with version 0 the newest.
func (c *Center) View(id string, version int) (View, bool) {
	versions, _ := find(c.views, id)
	for i := len(versions) - 1; i >= 0; i-- {
		if version == 0 || versions[i].Version == version {
			return versions[i], true
		}
	}
	return View{}, false
}

// Provider finds an identity provider.
func (c *Center) Provider(id string) (Provider, bool) { return find(c.providers, id) }

func sorted[T any](by map[string]T) (list []T) {
	for _, id := range slices.Sorted(maps.Keys(by)) {
		list = append(list, by[id])
	}
	return list
}

func find[T any](in map[string]T, id string) (T, bool) {
	v, ok := in[LastPart(id)]
	return v, ok
}

// LastPart gives the id at the end of an ARN, and anything else as it is.
func LastPart(id string) string {
	if strings.HasPrefix(id, "arn:") {
		return id[strings.LastIndexAny(id, "/:")+1:]
	}
	return id
}

// seconds is a time as the rules of flows have it.
func seconds(d time.Duration) int { return int(d / time.Second) }
