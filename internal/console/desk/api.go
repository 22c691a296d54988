// Package desk is the API behind the pages of the web console (docs/console.md): signing
// in as a configured user, lists of chats, places in them, transcripts, figures. What
// happens in a chat goes through the public Participant API.
//
// A session is a signed cookie, so every node serves every console.
package desk

import (
	"context"
	"net/http"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/center"
	"github.com/parley-chat/parley/internal/console/meter"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/restjson"
	"github.com/parley-chat/parley/internal/token"
	"github.com/parley-chat/parley/internal/wire"
)

// Path is below which the API is; sessions are for ConsolePath.
const (
	ConsolePath = "/console/"
	Path        = ConsolePath + "api/"
)

// Config is what a desk works with. All fields but Prefix and Bus are required.
type Config struct {
	Node   *node.Node
	Center *center.Center
	Tokens *token.Keyring
	Clock  clockwork.Clock
	// Prefix is the path that a proxy has put before ours, without a slash at its end.
	Prefix string
	// Secure says that browsers reach the server by https.
	Secure bool
	// Local says that this is a developer's own server.
	Local bool
	// Attachments says that files can be sent.
	Attachments bool
	// Blobs has the files.
	Blobs blob.Store
	// FlowID is the flow of chats that are started without one.
	FlowID string
	// Meter counts what the server does, Sockets its open websockets.
	Meter   *meter.Meter
	Sockets func() int
	// Bus says how the nodes hear of each other; nil where there is only one.
	Bus func() *Bus
}

// Desk is the API.
type Desk struct {
	config  Config
	board   *board
	logins  *logins
	handler http.Handler
}

// New makes the API.
func New(c Config) *Desk {
	s := &Desk{config: c, logins: newLogins(c.Center, c.Clock)}
	s.board = &board{desk: s}
	mux := http.NewServeMux()
	s.api().Register(mux)
	mux.HandleFunc("GET "+Path+"contacts/{ContactId}/transcript.txt", s.transcriptText)
	mux.HandleFunc("/", restjson.NotFound)
	s.handler = mux
	return s
}

// ServeHTTP gives the operations the writer, for their cookies.
func (s *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Del("Access-Control-Allow-Origin")
	s.handler.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), writerKey{}, w)))
}

// Forget has the boards show what has just begun or ended.
func (s *Desk) Forget() { s.board.forget() }

// api is the table of the operations (docs/console.md).
func (s *Desk) api() *restjson.API {
	api := restjson.New(restjson.Options{
		Invalid: invalid, Internal: restjson.Internal, Translate: translate, Before: s.authenticate,
	})
	restjson.Handle(api, "SignIn", "POST", Path+"sign-in", s.postSignIn)
	restjson.Handle(api, "SignOut", "POST", Path+"sign-out", s.postSignOut)
	restjson.Handle(api, "GetMe", "GET", Path+"me", s.getMe)
	restjson.Handle(api, "GetBoard", "GET", Path+"board", s.getBoard)
	restjson.Handle(api, "GetNow", "GET", Path+"now", s.getNow)
	restjson.Handle(api, "ListContacts", "GET", Path+"contacts", s.listContacts)
	restjson.Handle(api, "GetContact", "GET", Path+"contacts/{ContactId}", s.getContact)
	restjson.Handle(api, "GetTranscript", "GET", Path+"contacts/{ContactId}/transcript", s.getTranscript)
	restjson.Handle(api, "GetAttachment", "GET", Path+"contacts/{ContactId}/attachments/{AttachmentId}", s.getAttachment)
	restjson.Handle(api, "AcceptContact", "POST", Path+"contacts/{ContactId}/accept", s.acceptContact)
	restjson.Handle(api, "WatchContact", "POST", Path+"contacts/{ContactId}/watch", s.watchContact)
	restjson.Handle(api, "TransferContact", "POST", Path+"contacts/{ContactId}/transfer", s.transferContact)
	restjson.Handle(api, "InviteUser", "POST", Path+"contacts/{ContactId}/invite", s.inviteUser)
	restjson.Handle(api, "EndContact", "POST", Path+"contacts/{ContactId}/end", s.endContact)
	restjson.Handle(api, "UpdateAttributes", "POST", Path+"contacts/{ContactId}/attributes", s.updateAttributes)
	return api
}

// Empty has no members.
type Empty struct{}

// SignInIn is the input of SignIn.
type SignInIn struct {
	User     *string `json:"User" required:"true" min:"1" max:"100"`
	Password *string `json:"Password" required:"true" max:"1000"`
}

// Me says who is signed in, and what there is to work with. Without a session it says
// only whether the server is a developer's own.
type Me struct {
	// Local says that the users agent, agent2 and supervisor may be there, their
	// passwords being their ids.
	Local      bool   `json:"Local"`
	InstanceId string `json:"InstanceId"`
	FlowId     string `json:"FlowId"`
	User       *User  `json:"User,omitzero"`
	// Users and Queues are those to whom chats can be transferred.
	Users  []User  `json:"Users,omitempty"`
	Queues []Queue `json:"Queues,omitempty"`
}

// User is a configured user. Role is agent or supervisor.
type User struct {
	Id   string `json:"Id"`
	Name string `json:"Name"`
	Role string `json:"Role"`
}

// Queue is a configured queue.
type Queue struct {
	Id   string `json:"Id"`
	Name string `json:"Name"`
}

func (s *Desk) postSignIn(ctx context.Context, in *SignInIn) (*Me, error) {
	u, err := s.logins.try(ctx, *in.User, *in.Password, addressIn(ctx))
	if err != nil {
		return nil, err
	}
	s.signIn(ctx, u)
	return s.me(u), nil
}

func (s *Desk) postSignOut(ctx context.Context, _ *Empty) (*Empty, error) {
	s.setCookie(ctx, "", -1)
	return nil, nil
}

func (s *Desk) getMe(ctx context.Context, _ *Empty) (*Me, error) { return s.me(userOf(ctx)), nil }

func (s *Desk) me(u center.User) *Me {
	me := &Me{Local: s.config.Local, InstanceId: s.config.Center.Instance.ID, FlowId: s.config.FlowID}
	if u.ID == "" {
		return me
	}
	me.User = &User{u.ID, u.Name, string(u.Role)}
	for _, u := range s.config.Center.Users() {
		me.Users = append(me.Users, User{u.ID, u.Name, string(u.Role)})
	}
	for _, q := range s.config.Center.Queues() {
		me.Queues = append(me.Queues, Queue{q.ID, q.Name})
	}
	return me
}

// Now is what the server does now, and did in the last minute.
type Now struct {
	// Active and Waiting count chats; Sockets the open websockets of this node.
	Active  int `json:"Active"`
	Waiting int `json:"Waiting"`
	Sockets int `json:"Sockets"`
	// Bus is there if this node is one of several.
	Bus *Bus `json:"Bus,omitzero"`
	// Seconds are the last 60 of this node, the oldest first; the one that is not over
	// yet is left out.
	Seconds []meter.Second `json:"Seconds"`
}

// Bus says whether this node is connected to the others (Well), and counts notices since
// it was started: what each node tells the others of what is new in a chat. Dropped are
// those that were not sent, Damaged those that can't be read; Slow counts the times that
// this node did not keep up and lost some. What is lost is made up for from the store.
type Bus struct {
	Well     bool   `json:"Well"`
	Sent     uint64 `json:"Sent"`
	Received uint64 `json:"Received"`
	Dropped  uint64 `json:"Dropped"`
	Slow     uint64 `json:"Slow"`
	Damaged  uint64 `json:"Damaged"`
}

func (s *Desk) getNow(ctx context.Context, _ *Empty) (*Now, error) {
	if userOf(ctx).Role != center.Supervisor && !s.config.Local {
		return nil, denied("Figures are for supervisors")
	}
	snap, err := s.board.now(ctx)
	if err != nil {
		return nil, err
	}
	now := &Now{Active: snap.total, Sockets: s.config.Sockets(), Seconds: s.config.Meter.Seconds(time.Now())}
	if s.config.Bus != nil {
		now.Bus = s.config.Bus()
	}
	for _, c := range snap.contacts {
		if c.State == stateWaiting {
			now.Waiting++
		}
	}
	return now, nil
}

// stamp is a time of the API, and empty for none.
func stamp(t time.Time) string { return wire.Time(t) }
