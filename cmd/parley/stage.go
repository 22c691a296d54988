package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/connect"
	connecttypes "github.com/aws/aws-sdk-go-v2/service/connect/types"
	"github.com/aws/smithy-go"

	"github.com/parley-chat/parley/client"
	"github.com/parley-chat/parley/client/event"
	"github.com/parley-chat/parley/internal/config"
)

// stage is where the demo is played: one chat, its people, and what is printed.
type stage struct {
	ctx      context.Context
	out      io.Writer
	cfg      aws.Config
	control  *connect.Client
	instance string
	contact  string
	question string // the id of a message

	jane, bob, eve *actor
	watching       []*actor // in the order of arrival
	past           []string // what the transcript has
}

func newStage(ctx context.Context, out io.Writer, url string, s config.Settings) *stage {
	cfg := aws.Config{
		Region: s.Region, BaseEndpoint: &url,
		Credentials: credentials.NewStaticCredentialsProvider(config.LocalKeyID, config.LocalSecret, ""),
	}
	return &stage{ctx: ctx, out: out, cfg: cfg, control: connect.NewFromConfig(cfg), instance: s.InstanceID}
}

// close ends what is left of everybody's sessions.
func (s *stage) close() {
	for _, a := range s.watching {
		a.Close()
	}
}

func (s *stage) called(who, op, in, out string) {
	fmt.Fprintf(s.out, "  %-8s→ %s %s   %s\n", who, op, in, out)
}

func (s *stage) note(text string) { fmt.Fprintf(s.out, "  (%s)\n", text) }

// add gives an agent or supervisor a place in the chat.
func (s *stage) add(name string, role connecttypes.ParticipantRole) (client.Details, error) {
	out, err := s.control.CreateParticipant(s.ctx, &connect.CreateParticipantInput{
		InstanceId: &s.instance, ContactId: &s.contact,
		ParticipantDetails: &connecttypes.ParticipantDetailsToAdd{ParticipantRole: role, DisplayName: &name},
	})
	if err != nil {
		return client.Details{}, err
	}
	s.called("backend", "CreateParticipant", fmt.Sprintf("ParticipantRole=%s DisplayName=%s", role, name), "ParticipantId="+*out.ParticipantId)
	return client.Details{
		ContactID: s.contact, ParticipantID: *out.ParticipantId, ParticipantToken: *out.ParticipantCredentials.ParticipantToken,
	}, nil
}

// expect waits until everybody has got the items, in order, and prints them.
func (s *stage) expect(items ...string) error {
	for _, a := range s.watching {
		for _, want := range items {
			if err := a.expect(want); err != nil {
				return err
			}
		}
	}
	return nil
}

// actor is somebody in the chat.
type actor struct {
	*stage
	*client.Session
	name string
}

// join connects somebody, who gets to know what was before.
func (s *stage) join(name string, d client.Details, opts ...client.Option) (*actor, error) {
	session, err := client.Join(s.ctx, s.cfg, d, opts...)
	if err != nil {
		return nil, err
	}
	a := &actor{stage: s, Session: session, name: name}
	s.watching = append(s.watching, a)
	s.called(name, "CreateParticipantConnection", "Type=WEBSOCKET,CONNECTION_CREDENTIALS", "Url and ConnectionToken")
	if len(s.past) > 0 {
		s.called(name, "GetTranscript", "ScanDirection=FORWARD", fmt.Sprintf("%d items", len(s.past)))
	}
	for _, want := range s.past {
		if _, err := a.next(want); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// expect waits for an item and prints it.
func (a *actor) expect(want string) error {
	it, err := a.next(want)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "  %-8s← %s\n", a.name, it.Raw)
	if it.Kept() && a == a.watching[0] {
		a.past = append(a.past, want)
	}
	return nil
}

// next waits for the next item, which has to be what is wanted. Receipts that are in the
// transcript with their messages don't count.
func (a *actor) next(want string) (event.Item, error) {
	for {
		e, err := a.Next(a.ctx)
		if err != nil {
			return event.Item{}, fmt.Errorf("%s waits for %s: %w", a.name, want, err)
		}
		it, ok := event.Of(e)
		if _, receipt := e.(event.Receipt); !ok || receipt && it.Type != event.TypeMetadata {
			continue
		}
		got := short(it.ContentType)
		if it.DisplayName != "" {
			got += " by " + it.DisplayName
		}
		if got != want {
			return it, fmt.Errorf("%s got %q instead of %q", a.name, got, want)
		}
		return it, nil
	}
}

// short is a ContentType without what all of them begin with.
func short(contentType string) string {
	if contentType == client.PlainText {
		return "message"
	}
	return strings.TrimPrefix(contentType, event.Prefix)
}

func (a *actor) say(text string) (id string, err error) {
	sent, err := a.Send(a.ctx, text)
	if err != nil {
		return "", err
	}
	a.called(a.name, "SendMessage", fmt.Sprintf("%q", text), "Id="+sent.ID)
	return sent.ID, nil
}

func (a *actor) startTyping() error {
	err := a.Typing(a.ctx)
	a.sent("typing", err)
	return err
}

func (a *actor) read(message string) error {
	err := a.MarkRead(a.ctx, message)
	a.sent("message.read", err)
	return err
}

// sent prints how an event went.
func (a *actor) sent(kind string, err error) {
	var refused smithy.APIError
	switch {
	case err == nil:
		a.called(a.name, "SendEvent", kind, "taken")
	case errors.As(err, &refused):
		a.called(a.name, "SendEvent", kind, refused.Error())
	}
}

func (a *actor) barge() error {
	err := a.BargeIn(a.ctx)
	if err == nil {
		a.called(a.name, "CreateParticipantConnection", "ConnectParticipant=true", "barged in")
	}
	return err
}

func (a *actor) leave() error {
	err := a.Disconnect(a.ctx)
	if err == nil {
		a.called(a.name, "DisconnectParticipant", "", "left")
	}
	return err
}
