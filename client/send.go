package client

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant/types"
	"github.com/google/uuid"

	"github.com/parley-chat/parley/client/event"
	"github.com/parley-chat/parley/client/internal/recent"
)

// Content types of messages that services know (semantics.md 3.11).
const (
	PlainText           = "text/plain"
	Markdown            = "text/markdown"
	JSON                = "application/json"
	Interactive         = "application/vnd.amazonaws.connect.message.interactive"
	InteractiveResponse = "application/vnd.amazonaws.connect.message.interactive.response"
)

// Sent is what a message has become: ID and Time are those of the item that everybody
// gets, the sender included, maybe before Send has returned.
type Sent struct {
	ID   string
	Time time.Time
}

// SendOption changes how one message is sent.
type SendOption func(*connectparticipant.SendMessageInput)

// ClientToken sets the token by which a service knows a message that is sent again,
// after an error that left open whether it was taken: with the same token, it is there
// once. Without this option, each Send has a token of its own, which all attempts that
// the SDK makes for it share.
func ClientToken(token string) SendOption {
	return func(in *connectparticipant.SendMessageInput) { in.ClientToken = &token }
}

// Send says something, as text/plain.
func (s *Session) Send(ctx context.Context, text string, opts ...SendOption) (Sent, error) {
	return s.SendContent(ctx, PlainText, text, opts...)
}

// SendContent says something in a content type that the chat was started with.
func (s *Session) SendContent(ctx context.Context, contentType, content string, opts ...SendOption) (Sent, error) {
	in := &connectparticipant.SendMessageInput{
		ContentType: &contentType, Content: &content, ClientToken: aws.String(uuid.NewString()),
	}
	for _, set := range opts {
		set(in)
	}
	var sent Sent
	err := s.call(ctx, func(ctx context.Context, token *string) error {
		in.ConnectionToken = token
		out, err := s.api.SendMessage(ctx, in)
		if err == nil {
			sent = Sent{aws.ToString(out.Id), event.Time(aws.ToString(out.AbsoluteTime))}
		}
		return err
	})
	return sent, err
}

// sendEvent sends an event with a client token of its own.
func (s *Session) sendEvent(ctx context.Context, contentType string, content *string) error {
	in := &connectparticipant.SendEventInput{
		ContentType: &contentType, Content: content, ClientToken: aws.String(uuid.NewString()),
	}
	return s.call(ctx, func(ctx context.Context, token *string) error {
		in.ConnectionToken = token
		_, err := s.api.SendEvent(ctx, in)
		return err
	})
}

// sendReceipt sends a receipt for a message: that it was read, or else delivered.
func (s *Session) sendReceipt(ctx context.Context, read bool, message string) error {
	contentType := event.ContentDelivered
	if read {
		contentType = event.ContentRead
	}
	content, err := json.Marshal(map[string]string{"messageId": message})
	if err != nil {
		return err
	}
	return s.sendEvent(ctx, contentType, aws.String(string(content)))
}

// Typing tells the others that the participant is writing. It may be called with every
// key: more often than every 10 seconds it does nothing.
func (s *Session) Typing(ctx context.Context) error {
	if !s.typing.Begin(s.clock.Now()) {
		return s.over()
	}
	err := s.sendEvent(ctx, event.ContentTyping, nil)
	if err != nil {
		s.typing.Failed()
	}
	return err
}

// places knows when items were said that the session has told.
type places struct {
	mu    sync.Mutex
	times recent.Map[string, string]
}

func (p *places) note(it event.Item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.times.Put(it.ID, it.AbsoluteTime)
}

// of gives a time that sorts as a text (semantics.md 2.1); it is empty for what was not told.
func (p *places) of(id string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.times.Get(id)
}

// MarkRead says that the participant has read a message or attachment, and with that
// all before it. It returns when that, or something newer that stands for it, was sent:
// receipts are sent at most every 5 seconds, so whoever has more to do calls it on
// another goroutine. If ctx ends before that, nothing may have been sent. Repetitions
// do nothing. While more than two participants are in a chat, receipts are refused with
// a ConflictException (semantics.md 3.12).
func (s *Session) MarkRead(ctx context.Context, messageID string) error {
	return s.mark(ctx, messageID, s.receipts.Read)
}

// MarkDelivered says that the participant's program got a message or attachment. It
// does as [Session.MarkRead] does, but waits 300 milliseconds first: if the message is
// read by then, that says it all.
func (s *Session) MarkDelivered(ctx context.Context, messageID string) error {
	return s.mark(ctx, messageID, s.receipts.Delivered)
}

func (s *Session) mark(ctx context.Context, message string, as func(context.Context, string) error) error {
	if err := s.over(); err != nil {
		return err
	}
	ctx, stop := s.until(ctx)
	defer stop()
	return s.closedOr(as(ctx, message))
}

// BargeIn has a silent supervisor take part in the chat (semantics.md 8). A session that
// was joined with [ConnectParticipant] takes part from the beginning.
func (s *Session) BargeIn(ctx context.Context) error { return s.takePart(ctx, true) }

// StepBack has a supervisor who has barged in watch silently again. It is Parley's own:
// Amazon's supervisors do it elsewhere.
func (s *Session) StepBack(ctx context.Context) error { return s.takePart(ctx, false) }

func (s *Session) takePart(ctx context.Context, really bool) error {
	if err := s.over(); err != nil {
		return err
	}
	ctx, stop := s.until(ctx)
	defer stop()
	s.watching.Store(!really) // from now on: a connection may be made meanwhile
	_, err := s.api.CreateParticipantConnection(ctx, &connectparticipant.CreateParticipantConnectionInput{
		ParticipantToken: &s.details.ParticipantToken, ConnectParticipant: &really,
	})
	return s.closedOr(err)
}

// Disconnect has the participant leave the chat for good: the chat ends if it was the
// customer or the last agent, unless its flow goes on. The stream goes on until it says
// so. For leaving only for a while, see [Session.Close].
func (s *Session) Disconnect(ctx context.Context) error {
	in := &connectparticipant.DisconnectParticipantInput{ClientToken: aws.String(uuid.NewString())}
	return s.call(ctx, func(ctx context.Context, token *string) error {
		in.ConnectionToken = token
		_, err := s.api.DisconnectParticipant(ctx, in)
		return err
	})
}

// DescribeView gives the view that an interactive message of template type ViewResource
// asks to show: its viewToken is in the message's content (semantics.md 3.5). Template
// and InputSchema are JSON.
func (s *Session) DescribeView(ctx context.Context, viewToken string) (*types.View, error) {
	var view *types.View
	err := s.call(ctx, func(ctx context.Context, token *string) error {
		out, err := s.api.DescribeView(ctx, &connectparticipant.DescribeViewInput{ConnectionToken: token, ViewToken: &viewToken})
		if err == nil {
			view = out.View
		}
		return err
	})
	return view, err
}

// AuthenticationURL gives where the customer signs in, for the session that an
// [event.Authentication] event has named, within a minute of it (semantics.md 3.4).
func (s *Session) AuthenticationURL(ctx context.Context, sessionID, redirectURI string) (string, error) {
	var url string
	err := s.call(ctx, func(ctx context.Context, token *string) error {
		out, err := s.api.GetAuthenticationUrl(ctx, &connectparticipant.GetAuthenticationUrlInput{
			ConnectionToken: token, SessionId: &sessionID, RedirectUri: &redirectURI,
		})
		if err == nil {
			url = aws.ToString(out.AuthenticationUrl)
		}
		return err
	})
	return url, err
}

// CancelAuthentication says that the customer does not want to sign in.
func (s *Session) CancelAuthentication(ctx context.Context, sessionID string) error {
	return s.call(ctx, func(ctx context.Context, token *string) error {
		_, err := s.api.CancelParticipantAuthentication(ctx, &connectparticipant.CancelParticipantAuthenticationInput{
			ConnectionToken: token, SessionId: &sessionID,
		})
		return err
	})
}
