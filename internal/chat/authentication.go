package chat

import (
	"fmt"
	"time"
)

const (
	// AuthURLWithin is how long a customer has to call GetAuthenticationUrl
	// (semantics.md 3.4).
	AuthURLWithin = time.Minute
	// exchangeWithin is how long a JobExchange may take before it counts as failed.
	exchangeWithin = time.Minute
)

// AuthState is how far an authentication has come. Those states that clients are told
// of end an event's ContentType (semantics.md 2.6).
type AuthState string

// The states; those from AuthSucceeded on are final.
const (
	AuthInitiated AuthState = "initiated"
	AuthURL       AuthState = "url"  // the customer was sent to the identity provider
	AuthCode      AuthState = "code" // and has come back
	AuthSucceeded AuthState = "succeeded"
	AuthFailed    AuthState = "failed"
	AuthTimeout   AuthState = "timeout"
	AuthExpired   AuthState = "expired"
	AuthCancelled AuthState = "cancelled"
)

// told reports whether clients are told of the state.
func (s AuthState) told() bool { return s != AuthURL && s != AuthCode }

// Authentication is a customer's log-in at an identity provider.
type Authentication struct {
	Session  ID        `json:"session"`
	State    AuthState `json:"state"`
	Provider string    `json:"provider,omitempty"`
	// Redirect is where the provider sends the customer back to.
	Redirect string `json:"redirect,omitempty"`
}

// authentication is the chat's last one.
type authentication struct {
	Authentication
	at    time.Time // when it was initiated
	since time.Time // since when it is at its state
}

func (c *Chat) applyAuth(e *Entry) {
	a := e.Auth
	switch a.State {
	case AuthInitiated:
		c.auth = &authentication{Authentication: *a, at: e.At}
	case AuthURL:
		c.auth.Redirect = a.Redirect
	}
	c.auth.State, c.auth.since = a.State, e.At
}

// initiate begins the authentication of a step.
func (t *turn) initiate(s *Step) {
	t.append(Entry{Kind: KindAuthentication, By: &t.chat.Customer().Author, Auth: &Authentication{
		Session: t.ids(t.now), State: AuthInitiated, Provider: s.Authenticate,
	}})
}

// authState appends the next state.
func (t *turn) authState(s AuthState, redirect string) {
	t.append(Entry{Kind: KindAuthentication, By: &t.chat.Customer().Author, Auth: &Authentication{
		Session: t.chat.auth.Session, State: s, Redirect: redirect,
	}})
}

// session finds the authentication that is under way, of the id.
func (c *Chat) session(id ID) (*authentication, error) {
	if c.auth == nil || c.auth.Session != id || c.auth.final() || c.Ended() {
		return nil, refuse(UnknownItem, "SessionId names no authentication that is under way; take it from the event authentication.initiated")
	}
	return c.auth, nil
}

// final reports whether nothing comes after the state.
func (a *authentication) final() bool {
	return a.State != AuthInitiated && a.State != AuthURL && a.State != AuthCode
}

// Authenticate is GetAuthenticationUrl: the customer is about to be sent to the
// identity provider (semantics.md 3.4). It may be repeated within the minute. Its
// outcome's Provider says which provider that is.
type Authenticate struct {
	By       ParticipantID
	Session  ID
	Redirect string
}

func (a Authenticate) decide(t *turn) error {
	p, err := t.chat.Admit(a.By)
	if err != nil {
		return err
	}
	s, err := t.chat.session(a.Session)
	switch {
	case p.Role != Customer:
		return refuse(NotPresent, "only the customer can authenticate")
	case err != nil:
		return err
	case s.State == AuthCode:
		return refuse(WrongState, "the customer has come back from the identity provider already")
	case t.now.Sub(s.at) >= AuthURLWithin:
		return refuse(UnknownItem, "SessionId is more than a minute old: GetAuthenticationUrl must be called within a minute of the event authentication.initiated")
	}
	t.out.Provider = s.Provider
	if s.State == AuthURL && s.Redirect == a.Redirect {
		t.nothing()
		return nil
	}
	t.authState(AuthURL, a.Redirect)
	return nil
}

// CancelAuthentication is CancelParticipantAuthentication: the customer doesn't want to
// (semantics.md 3.3).
type CancelAuthentication struct {
	By      ParticipantID
	Session ID
}

func (a CancelAuthentication) decide(t *turn) error {
	p, err := t.chat.Admit(a.By)
	if err != nil {
		return err
	}
	if p.Role != Customer {
		return refuse(NotPresent, "only the customer can cancel the authentication")
	}
	if _, err := t.chat.session(a.Session); err != nil {
		return err
	}
	t.authenticated(AuthCancelled)
	return nil
}

// AnswerAuthentication is UpdateParticipantAuthentication: what the identity provider
// said when it sent the customer back (semantics.md 9.10). A code is exchanged by a job,
// whose result is an Authenticated.
type AnswerAuthentication struct {
	Session ID
	Code    string // empty if the provider refused
}

func (a AnswerAuthentication) decide(t *turn) error {
	s, err := t.chat.session(a.Session)
	switch {
	case err != nil:
		return refuse(UnknownItem, "State names no authentication that is under way; it is over, or its chat is")
	case s.State != AuthURL:
		return refuse(AlreadyDone, fmt.Sprintf("the authentication is at the state %q; an answer is taken once, after GetAuthenticationUrl", s.State))
	}
	if a.Code == "" {
		t.authenticated(AuthFailed)
		return nil
	}
	t.authState(AuthCode, "")
	t.out.Jobs = append(t.out.Jobs, Job{Kind: JobExchange, Code: a.Code, Auth: s.Authentication})
	return nil
}

// Authenticated is what came of a JobExchange. Name, if there is one, becomes the
// customer's display name; the attributes are merged, unless the chat would have too many.
type Authenticated struct {
	Session    ID
	OK         bool
	Name       string
	Attributes map[string]string
}

func (a Authenticated) decide(t *turn) error {
	if s, err := t.chat.session(a.Session); err != nil || s.State != AuthCode {
		t.nothing() // too late
		return nil
	}
	if !a.OK {
		t.authenticated(AuthFailed)
		return nil
	}
	who := t.chat.Customer().Author
	t.authState(AuthSucceeded, "")
	if a.Name != "" && a.Name != who.Name {
		who.Name = a.Name
		t.append(Entry{Kind: KindRenamed, By: &who})
	}
	if len(a.Attributes) > 0 {
		t.set(a.Attributes)
	}
	t.onward(true)
	return nil
}

// authenticated ends an authentication that has not succeeded.
func (t *turn) authenticated(s AuthState) {
	t.authState(s, "")
	t.onward(false)
}

// onward goes on with the flow after an authentication.
func (t *turn) onward(ok bool) {
	if !t.chat.flow.waits {
		return
	}
	i := t.chat.flow.step.Index
	s := &t.chat.Settings.Flow.Steps[i]
	switch {
	case s.Authenticate == "":
	case ok:
		t.runFlow(s.following(i))
	default:
		t.runFlow(s.otherwise(i))
	}
}
