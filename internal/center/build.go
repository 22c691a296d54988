package center

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"
	"go.yaml.in/yaml/v3"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/identity"
)

// isID reports whether a text may be an id: it stands in ARNs, of which the last part
// counts, and in the paths of URLs.
func isID(s string) bool { return len(s) <= 100 && idPattern.MatchString(s) }

// idPattern has no {1,100}: that would be the pattern a hundred times, made at each start.
var idPattern = regexp.MustCompile(`^[A-Za-z0-9._@-]+$`)

// attributeKey is the model's (UpdateContactAttributes).
var attributeKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// maxName is DisplayName's limit (semantics.md 2.1).
const maxName = 256

// builder makes a center of what was written.
type builder struct {
	*Center
	o     Options
	lines map[string]int // of ids, by section and id
}

// New makes a contact center of the sections of a configuration file, by their names:
// users, queues, flows, views and identity-providers; those that are not there are empty. The error is a sentence that
// names the line.
func New(sections map[string]*yaml.Node, o Options) (*Center, error) {
	b := &builder{o: o, lines: make(map[string]int), Center: &Center{
		Instance: o.Instance, builtIn: o.FlowID, local: o.Local,
		users: make(map[string]User), queues: make(map[string]Queue), flows: make(map[string]Flow),
		views: make(map[string][]View), providers: make(map[string]Provider),
	}}
	for _, read := range []func(map[string]*yaml.Node) error{
		// In this order: each may name what was read before.
		b.readUsers, b.readQueues, b.readViews, b.readProviders, b.readFlows,
	} {
		if err := read(sections); err != nil {
			return nil, err
		}
	}
	return b.Center, nil
}

// section decodes a section, which is a list.
func section[T any](sections map[string]*yaml.Node, name string) (list []T, err error) {
	n := sections[name]
	if n == nil {
		return nil, nil
	}
	if n.Kind != yaml.SequenceNode {
		return nil, mistake(n.Line, "%s must be a list", name)
	}
	if err := n.Decode(&list); err != nil {
		return nil, notDecoded(name, err)
	}
	return list, nil
}

// claim takes an id of a section.
func (b *builder) claim(what, id string, line int) error {
	if !isID(id) {
		return mistake(line, "the %s's id %q must be 1 to 100 of A-Z, a-z, 0-9, and . _ @ -", what, id)
	}
	if first, taken := b.lines[what+id]; taken {
		return mistake(line, "the %s %q is defined in line %d already; choose another id", what, id, first)
	}
	b.lines[what+id] = line
	return nil
}

func (b *builder) readUsers(sections map[string]*yaml.Node) error {
	list, err := section[fileUser](sections, "users")
	if err != nil {
		return err
	}
	for _, u := range list {
		if err := b.claim("user", u.ID, u.line); err != nil {
			return err
		}
		u.Name, u.Role = cmp.Or(u.Name, u.ID), cmp.Or(u.Role, Agent)
		switch {
		case u.Role != Agent && u.Role != Supervisor:
			return mistake(u.line, "the role of user %q must be agent or supervisor", u.ID)
		case len([]rune(u.Name)) > maxName:
			return mistake(u.line, "the name of user %q has more than %d characters", u.ID, maxName)
		case strings.ContainsFunc(u.Name, unicode.IsControl):
			return mistake(u.line, "the name of user %q contains control characters", u.ID)
		case u.Password != "" && u.PasswordHash != "":
			return mistake(u.line, "user %q has a password and a password-hash; leave one of them out", u.ID)
		}
		if u.PasswordHash != "" {
			if err := checkHash(u.PasswordHash); err != nil {
				return mistake(u.line, "the password-hash of user %q %w", u.ID, err)
			}
		}
		b.users[u.ID] = User{ID: u.ID, Name: u.Name, Role: u.Role, password: u.Password, hash: u.PasswordHash}
	}
	if sections["users"] == nil && b.o.Local {
		for id, role := range map[string]Role{"agent": Agent, "agent2": Agent, "supervisor": Supervisor} {
			b.users[id] = User{ID: id, Name: id, Role: role, password: id}
		}
	}
	return nil
}

func (b *builder) readQueues(sections map[string]*yaml.Node) error {
	list, err := section[fileQueue](sections, "queues")
	if err != nil {
		return err
	}
	for _, q := range list {
		if err := b.claim("queue", q.ID, q.line); err != nil {
			return err
		}
		queue, err := b.queue(q)
		if err != nil {
			return err
		}
		b.queues[q.ID] = queue
	}
	if _, ok := b.queues[b.o.Queue]; !ok && b.o.Queue != "" {
		b.queues[b.o.Queue] = Queue{ID: b.o.Queue, Name: b.o.Queue, Users: b.everybody(), AcceptWithin: chat.AcceptWithin}
	}
	return nil
}

// everybody lists the ids of all users.
func (b *builder) everybody() (ids []string) {
	for id := range b.users {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func (b *builder) queue(q fileQueue) (Queue, error) {
	queue := Queue{ID: q.ID, Name: cmp.Or(q.Name, q.ID), Users: q.Users}
	for i, id := range q.Users {
		if _, ok := b.users[id]; !ok {
			return Queue{}, mistake(q.line, "queue %q names the user %q, who is not among the users", q.ID, id)
		}
		if slices.Contains(q.Users[:i], id) {
			return Queue{}, mistake(q.line, "queue %q names the user %q twice", q.ID, id)
		}
	}
	if q.Users == nil {
		queue.Users = b.everybody()
	}
	switch {
	case q.Routing != "" && q.Routing != "manual" && q.Routing != "offer":
		return Queue{}, mistake(q.line, "the routing of queue %q must be manual or offer", q.ID)
	case q.Routing != "offer" && q.Rounds != 0:
		return Queue{}, mistake(q.line, "queue %q has rounds, which mean something with routing: offer only", q.ID)
	case q.Routing == "offer" && len(queue.Users) == 0:
		return Queue{}, mistake(q.line, "queue %q has nobody to offer contacts to; list users in it", q.ID)
	}
	queue.AcceptWithin = cmp.Or(q.AcceptWithin, chat.AcceptWithin)
	if err := checkWithin(queue.AcceptWithin); err != nil {
		return Queue{}, mistake(q.line, "the accept-within of queue %q %w", q.ID, err)
	}
	if q.Routing != "offer" {
		return queue, nil
	}
	queue.offer = &chat.Offer{Within: seconds(queue.AcceptWithin), Rounds: cmp.Or(q.Rounds, defaultRounds)}
	if queue.offer.Rounds < 1 || queue.offer.Rounds > 1000 {
		return Queue{}, mistake(q.line, "the rounds of queue %q must be from 1 to 1000", q.ID)
	}
	for _, id := range queue.Users {
		queue.offer.Users = append(queue.offer.Users, b.users[id].Chat())
	}
	return queue, nil
}

func (b *builder) readViews(sections map[string]*yaml.Node) error {
	list, err := section[fileView](sections, "views")
	if err != nil {
		return err
	}
	for _, v := range list {
		v.Version = cmp.Or(v.Version, 1)
		if v.Version < 1 {
			return mistake(v.line, "the version of view %q must be 1 or more", v.ID)
		}
		if !isID(v.ID) {
			return b.claim("view", v.ID, v.line)
		}
		if err := b.claim(fmt.Sprintf("version %d of view", v.Version), v.ID, v.line); err != nil {
			return err
		}
		view := View{ID: v.ID, Name: cmp.Or(v.Name, v.ID), Version: v.Version, Actions: v.Actions}
		for _, part := range []struct {
			name string
			from *yaml.Node
			to   *string
		}{{"template", &v.Template, &view.Template}, {"input-schema", &v.InputSchema, &view.InputSchema}} {
			if *part.to, err = toJSON(part.from); err != nil {
				return mistake(v.line, "the %s of view %q %w", part.name, v.ID, err)
			}
		}
		b.views[v.ID] = append(b.views[v.ID], view)
		slices.SortFunc(b.views[v.ID], func(x, y View) int { return cmp.Compare(x.Version, y.Version) })
	}
	return nil
}

// toJSON gives what was written as JSON: a text must be some already. Nothing is {}.
func toJSON(n *yaml.Node) (string, error) {
	if n.IsZero() {
		return "{}", nil
	}
	var value any
	if err := n.Decode(&value); err != nil {
		return "", fmt.Errorf("is not valid: %w", err)
	}
	if text, ok := value.(string); ok {
		var parsed any
		if err := json.Unmarshal([]byte(text), &parsed); err != nil {
			return "", fmt.Errorf("is not valid JSON: %w", err)
		}
		return text, nil
	}
	text, err := json.Marshal(value, json.Deterministic(true))
	if err != nil {
		return "", fmt.Errorf("can't be written as JSON: %w", err)
	}
	return string(text), nil
}

func (b *builder) readProviders(sections map[string]*yaml.Node) error {
	list, err := section[fileProvider](sections, "identity-providers")
	if err != nil {
		return err
	}
	for _, p := range list {
		if err := b.claim("identity provider", p.ID, p.line); err != nil {
			return err
		}
		provider, err := identity.New(identity.Config{
			Issuer: p.Issuer, ClientID: p.ClientID, ClientSecret: p.ClientSecret, Scopes: p.Scopes,
		})
		if err != nil {
			return mistake(p.line, "identity provider %q: %w", p.ID, err)
		}
		if err := checkAttributes(p.Attributes); err != nil {
			return mistake(p.line, "identity provider %q: %w", p.ID, err)
		}
		b.providers[p.ID] = Provider{
			ID: p.ID, NameClaim: cmp.Or(p.NameClaim, "name"), Attributes: p.Attributes, at: provider, tokens: b.o.Tokens,
		}
	}
	return nil
}
