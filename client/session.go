package client

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/connect"
	connecttypes "github.com/aws/aws-sdk-go-v2/service/connect/types"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant"

	"github.com/parley-chat/parley/client/event"
	"github.com/parley-chat/parley/client/internal/socket"
	"github.com/parley-chat/parley/client/internal/throttle"
)

// Details are what a participant joins a chat with. They stay valid for as long as the
// participant is in the chat, so a program that is started again joins with them again.
// Their JSON is that of StartChatContact's answer.
type Details struct {
	ContactID     string `json:"ContactId"`
	ParticipantID string `json:"ParticipantId"`
	// ParticipantToken is a secret: whoever has it speaks as the participant.
	ParticipantToken string `json:"ParticipantToken"`
}

// StartOptions say what chat is to be started (semantics.md 9.1).
type StartOptions struct {
	// InstanceID and FlowID are the Amazon Connect instance and its contact flow.
	InstanceID, FlowID string
	// DisplayName is the customer's.
	DisplayName string
	// Attributes are for the flow, and for agents to see.
	Attributes map[string]string
	// InitialMessage, if not empty, is said by the customer at once, as text/plain.
	InitialMessage string
	// ContentTypes are those of messages that the customer can show; text/plain if
	// there are none.
	ContentTypes []string
	// Duration is how long the chat may take, in whole minutes; 0 leaves it to the service.
	Duration time.Duration
	// Change, if not nil, may set all else that the SDK's request has.
	Change func(*connect.StartChatContactInput)
}

// Session is a participant's part in a chat. Its methods are safe for concurrent use,
// but the stream of events is one: each event goes to one caller of [Session.Next].
type Session struct {
	options
	details  Details
	api      *connectparticipant.Client
	files    aws.HTTPClient
	token    connectionToken
	watching atomic.Bool // after StepBack: connections are made without ConnectParticipant
	typing   throttle.Typing
	receipts *throttle.Receipts
	places   places
	opener   socket.Opener

	events chan event.Event
	ended  chan struct{} // closed when nothing more comes from the service
	err    error         // why; set before ended is closed

	ctx    context.Context // until Close
	cancel context.CancelFunc
	work   sync.WaitGroup // all goroutines
}

// sharedHTTP is for configurations without a client: one that the SDK would make for each
// session keeps its connections when the session is closed.
var sharedHTTP aws.HTTPClient = awshttp.NewBuildableClient()

// Start begins a chat and joins it as its customer. It needs the right to call
// StartChatContact, so it is for programs that are trusted with it; elsewhere, let a
// trusted one call it and pass what it answers to [Join].
func Start(ctx context.Context, cfg aws.Config, o StartOptions, opts ...Option) (*Session, error) {
	in := &connect.StartChatContactInput{
		InstanceId: &o.InstanceID, ContactFlowId: &o.FlowID, Attributes: o.Attributes,
		ParticipantDetails:             &connecttypes.ParticipantDetails{DisplayName: &o.DisplayName},
		SupportedMessagingContentTypes: o.ContentTypes,
	}
	if o.InitialMessage != "" {
		in.InitialMessage = &connecttypes.ChatMessage{ContentType: aws.String("text/plain"), Content: &o.InitialMessage}
	}
	if o.Duration != 0 {
		in.ChatDurationInMinutes = aws.Int32(int32(o.Duration / time.Minute))
	}
	if o.Change != nil {
		o.Change(in)
	}
	cfg.HTTPClient = cmp.Or(cfg.HTTPClient, sharedHTTP)
	out, err := connect.NewFromConfig(cfg).StartChatContact(ctx, in)
	if err != nil {
		return nil, err
	}
	return Join(ctx, cfg, Details{
		ContactID: aws.ToString(out.ContactId), ParticipantID: aws.ToString(out.ParticipantId),
		ParticipantToken: aws.ToString(out.ParticipantToken),
	}, opts...)
}

// Join takes a place in a chat: it returns when its websocket is subscribed, by which
// the participant is connected. ctx is for that; the session itself goes on until
// [Session.Close], which must be called. Without ParticipantID in the details, nothing
// is known to be the participant's own.
func Join(ctx context.Context, cfg aws.Config, d Details, opts ...Option) (*Session, error) {
	cfg.HTTPClient = cmp.Or(cfg.HTTPClient, sharedHTTP)
	s := &Session{
		options: resolve(opts), details: d, files: cfg.HTTPClient,
		events: make(chan event.Event), ended: make(chan struct{}),
		api: connectparticipant.NewFromConfig(cfg, func(o *connectparticipant.Options) {
			o.Credentials = aws.AnonymousCredentials{} // only tokens count (semantics.md 3.0)
			o.Region = cmp.Or(o.Region, "us-east-1")   // for a BaseEndpoint, it means nothing
		}),
	}
	s.receipts = throttle.NewReceipts(s.clock, s.sendReceipt, s.places.of)
	s.opener = socket.Opener{Dialer: s.dialer, Clock: s.clock, Work: &s.work}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	first := s.connect(ctx)
	if first.err != nil {
		s.cancel()
		return nil, first.err
	}
	s.work.Go(func() { s.run(first) })
	return s, nil
}

// Details gives what the session was joined with, for joining again.
func (s *Session) Details() Details { return s.details }

// Next waits for the next event. After the last one, [event.Ended], the error is [ErrEnded];
// after Close it is [ErrClosed]; it is ctx's when that ends first, without any loss. An
// error of the service means that it can't be gone on.
//
// What is not read waits: a session whose events nobody reads takes little memory, and
// reads the rest from the transcript later, unless the chat is over by then: its
// participants have no transcript any more.
func (s *Session) Next(ctx context.Context) (event.Event, error) {
	select {
	case e, ok := <-s.events:
		if !ok {
			return nil, s.over()
		}
		return e, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Events ranges over the stream, until the chat is over or the session is closed, which
// are no errors. Another error comes last, with no event.
func (s *Session) Events(ctx context.Context) iter.Seq2[event.Event, error] {
	return func(yield func(event.Event, error) bool) {
		for {
			e, err := s.Next(ctx)
			if errors.Is(err, ErrEnded) || errors.Is(err, ErrClosed) {
				return
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// Close ends the session, not the chat: who is only away comes back with [Join]. It
// waits until nothing of the session goes on. Events that were not read are lost, calls
// that are under way end with [ErrClosed]. Closing again does nothing. The error is
// always nil.
func (s *Session) Close() error {
	s.cancel()
	s.work.Wait()
	return nil
}

// over says why nothing can be done any more, if so.
func (s *Session) over() error {
	if s.ctx.Err() != nil {
		return ErrClosed
	}
	select {
	case <-s.ended:
		return s.err
	default:
		return nil
	}
}
