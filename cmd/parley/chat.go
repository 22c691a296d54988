package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	connecttypes "github.com/aws/aws-sdk-go-v2/service/connect/types"
	"github.com/charmbracelet/x/term"

	"github.com/parley-chat/parley/client"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/terminal"
)

type chatCmd struct {
	remote
	Contact    string            `arg:"" optional:"" help:"Contact to join; without it, a customer starts one, and an agent takes the one that waits for longest."`
	As         string            `help:"Who you are: customer, agent or supervisor." enum:"customer,agent,supervisor" default:"customer" short:"a"`
	Name       string            `help:"What the others see; Customer, Agent or Supervisor if not given." short:"n" placeholder:"NAME"`
	FlowID     string            `name:"flow-id" help:"Contact flow that a new contact is started with." default:"${flow}" placeholder:"UUID"`
	Attributes map[string]string `help:"Attributes of a new contact." short:"A" placeholder:"KEY=VALUE"`
	JSON       bool              `name:"json" help:"Print events as JSON, one on a line, instead of lines for people."`
	Stay       bool              `help:"When the input ends, stay until the chat is over instead of leaving it."`
	Lines      bool              `help:"Read and write lines on a terminal, too."`
}

// leaveWithin is how long a command that is interrupted may take to leave the chat.
const leaveWithin = 5 * time.Second

// Help is printed by --help.
func (chatCmd) Help() string {
	return "Each line of input is said, but for these:\n\n" + terminal.Help + "\n\n" +
		"On a terminal it fills the screen. In a pipe, lines come in and lines, or JSON, go out; when the input ends, " +
		"you leave the chat; so you do when the program is interrupted, or its terminal or pipe is closed."
}

// Run takes part in a chat until it is over.
func (c *chatCmd) Run(e *env) error {
	if c.Contact != "" && c.As == "customer" {
		return errors.New("a customer starts a contact; to join one, use --as agent or --as supervisor")
	}
	ctx, stop := inChat(e.ctx)
	defer stop()
	s, err := c.join(ctx)
	if err != nil {
		return terminal.Explain(err)
	}
	defer s.Close()
	part := &terminal.Part{Session: s, Silent: c.As == "supervisor"}
	in, onTerminal := e.stdin.(*os.File)
	out, alsoOut := e.stdout.(*os.File)
	if onTerminal && alsoOut && !c.JSON && !c.Lines && term.IsTerminal(in.Fd()) && term.IsTerminal(out.Fd()) {
		err = part.Screen(ctx, in, out)
	} else {
		err = part.Lines(ctx, terminal.Streams{In: e.stdin, Out: &terminal.Teller{Out: e.stdout, JSON: c.JSON}, Failures: e.stderr}, c.Stay)
	}
	// Whoever was interrupted, or can't write any more, can't come back either. Mostly the
	// chat is over, or was left.
	leave, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveWithin)
	defer cancel()
	left := part.Leave(leave)
	if ctx.Err() != nil || err == nil {
		return left
	}
	return terminal.Explain(err)
}

// join starts a contact or takes a place in one.
func (c *chatCmd) join(ctx context.Context) (*client.Session, error) {
	cfg, err := c.config(ctx)
	if err != nil {
		return nil, err
	}
	name := cmp.Or(c.Name, map[string]string{"customer": "Customer", "agent": "Agent", "supervisor": "Supervisor"}[c.As])
	switch c.As {
	case "customer":
		return client.Start(ctx, cfg, client.StartOptions{
			InstanceID: c.InstanceID, FlowID: c.FlowID, DisplayName: name, Attributes: c.Attributes,
			ContentTypes: []string{client.PlainText, client.Markdown},
		})
	case "supervisor":
		if c.Contact == "" {
			return nil, errors.New("name the contact that you want to watch; parley contacts list shows them")
		}
		place, err := c.place(ctx, cfg, c.Contact, name, "SUPERVISOR")
		if err != nil {
			return nil, err
		}
		return client.Join(ctx, cfg, place)
	}
	return c.accept(ctx, cfg, name)
}

// accept joins a contact as an agent.
func (c *chatCmd) accept(ctx context.Context, cfg aws.Config, name string) (*client.Session, error) {
	contact := c.Contact
	if contact == "" {
		var err error
		if contact, err = c.waiting(ctx, cfg); err != nil {
			return nil, err
		}
	}
	place, err := c.place(ctx, cfg, contact, name, "AGENT")
	if err != nil {
		return nil, err
	}
	return client.Join(ctx, cfg, place, client.ConnectParticipant())
}

// waiting finds the contact that waits for longest.
func (c *chatCmd) waiting(ctx context.Context, cfg aws.Config) (contact string, err error) {
	for f, err := range c.search(ctx, cfg, time.Now().Add(-defaultSince), true, connecttypes.SortOrderAscending) {
		if err != nil || f.Agent == "" && f.Queue != "" {
			return f.Contact, err
		}
	}
	return "", errors.New("no contact waits for an agent")
}

// vars are what help texts and defaults refer to.
var vars = map[string]string{"flow": config.LocalFlow}
