package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/connect"
	connecttypes "github.com/aws/aws-sdk-go-v2/service/connect/types"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant/types"
	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/client"
	"github.com/parley-chat/parley/client/event"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/server"
)

// demoTime bounds the whole demo.
const demoTime = 30 * time.Second

type demoCmd struct{}

// Run plays the demo against a server on a free port that keeps nothing.
func (demoCmd) Run(e *env) error {
	s := config.Defaults()
	s.Listen, s.Data = "127.0.0.1:0", config.Memory
	srv, err := server.Open(s, clockwork.NewRealClock(), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(e.ctx, demoTime)
	defer stop()
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ctx) }()
	fmt.Fprintf(e.stdout, "A server listens on %s.\n→ is a call through the official AWS SDK, ← an item that reaches somebody.\n", srv.URL())
	stage := newStage(ctx, e.stdout, srv.URL(), s)
	played := stage.play()
	stage.close()
	stop()
	return errors.Join(played, <-served)
}

// play is the conversation. Every step waits for what everybody must then have seen,
// so the demo fails if the product does.
func (s *stage) play() error {
	for _, scene := range []struct {
		title string
		act   func() error
	}{
		{"A customer starts a chat and connects", s.customerConnects},
		{"An agent joins", s.agentJoins},
		{"They talk", s.talk},
		{"A supervisor watches, then barges in", s.supervisorBarges},
		{"The transcript has it all", s.transcript},
		{"The customer leaves, and the chat is over", s.customerLeaves},
	} {
		fmt.Fprintf(s.out, "\n%s\n", scene.title)
		if err := scene.act(); err != nil {
			return fmt.Errorf("%s: %w", scene.title, err)
		}
	}
	fmt.Fprintln(s.out, "\nThat was a whole chat. Now run: parley serve")
	return nil
}

func (s *stage) customerConnects() error {
	started, err := s.control.StartChatContact(s.ctx, &connect.StartChatContactInput{
		InstanceId: &s.instance, ContactFlowId: aws.String(config.LocalFlow),
		ParticipantDetails: &connecttypes.ParticipantDetails{DisplayName: aws.String("Jane")},
	})
	if err != nil {
		return err
	}
	s.contact = *started.ContactId
	s.called("backend", "StartChatContact", "DisplayName=Jane", "ContactId="+s.contact)
	s.jane, err = s.join("Jane", client.Details{
		ContactID: s.contact, ParticipantID: *started.ParticipantId, ParticipantToken: *started.ParticipantToken,
	})
	if err != nil {
		return err
	}
	return s.expect("participant.joined by Jane", "message by SYSTEM_MESSAGE")
}

func (s *stage) agentJoins() error {
	place, err := s.add("Bob", "AGENT")
	if err != nil {
		return err
	}
	if s.bob, err = s.join("Bob", place, client.ConnectParticipant()); err != nil {
		return err
	}
	return s.expect("participant.joined by Bob")
}

func (s *stage) talk() error {
	if err := s.bob.startTyping(); err != nil {
		return err
	}
	if err := s.expect("typing by Bob"); err != nil {
		return err
	}
	id, err := s.bob.say("Hello Jane, how can I help?")
	if err != nil {
		return err
	}
	if err := s.expect("message by Bob"); err != nil {
		return err
	}
	if err := s.jane.read(id); err != nil {
		return err
	}
	if err := s.expect("message.metadata"); err != nil {
		return err
	}
	if s.question, err = s.jane.say("Where is my order?"); err != nil {
		return err
	}
	return s.expect("message by Jane")
}

func (s *stage) supervisorBarges() error {
	place, err := s.add("Eve", "SUPERVISOR")
	if err != nil {
		return err
	}
	if s.eve, err = s.join("Eve", place); err != nil {
		return err
	}
	s.note("Eve sees everything, and nobody sees Eve")
	if err := s.eve.barge(); err != nil {
		return err
	}
	if err := s.expect("participant.joined by Eve"); err != nil {
		return err
	}
	if _, err := s.eve.say("It left the warehouse this morning."); err != nil {
		return err
	}
	if err := s.expect("message by Eve"); err != nil {
		return err
	}
	s.note("with three people in the chat, receipts rest")
	var conflict *types.ConflictException
	if err := s.bob.read(s.question); !errors.As(err, &conflict) {
		return fmt.Errorf("a receipt while a supervisor has barged in: %w", err)
	}
	if err := s.eve.leave(); err != nil {
		return err
	}
	return s.expect("participant.left by Eve")
}

func (s *stage) transcript() error {
	s.called("Jane", "GetTranscript", "MaxResults=100", fmt.Sprintf("%d items", len(s.past)))
	for it, err := range s.jane.Transcript(s.ctx, client.Range{}) {
		if err != nil {
			return err
		}
		receipts := ""
		if n := len(it.Receipts); n > 0 {
			receipts = fmt.Sprintf("   (%d receipt)", n)
		}
		fmt.Fprintf(s.out, "  %s  %-16s %s%s\n", it.AbsoluteTime, it.DisplayName, gist(it), receipts)
	}
	return nil
}

func gist(it event.Item) string {
	if it.Content != "" {
		return it.Content
	}
	return short(it.ContentType)
}

func (s *stage) customerLeaves() error {
	if err := s.jane.leave(); err != nil {
		return err
	}
	return s.expect("participant.left by Jane", "chat.ended")
}
