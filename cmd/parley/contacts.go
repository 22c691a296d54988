package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/connect"
	connecttypes "github.com/aws/aws-sdk-go-v2/service/connect/types"

	"github.com/parley-chat/parley/client"
	"github.com/parley-chat/parley/internal/terminal"
)

type contactsCmd struct {
	List       listCmd       `cmd:"" help:"List contacts, the newest first."`
	Show       showCmd       `cmd:"" help:"Show what is known of a contact."`
	Transcript transcriptCmd `cmd:"" help:"Print what was said in a contact that goes on."`
	Stop       stopCmd       `cmd:"" help:"End a contact."`
}

// clockAhead is how far a server's clock may be ahead of ours: those of tests are turned.
const clockAhead = 4 * 7 * 24 * time.Hour

// defaultSince is how far back contacts are looked for.
const defaultSince = 24 * time.Hour

type listCmd struct {
	remote
	Since  time.Duration `help:"How far back to look." default:"24h"`
	Active bool          `help:"Only those that go on."`
	JSON   bool          `name:"json" help:"Print JSON, one contact on a line."`
}

// found is a contact in a list.
type found struct {
	Contact string     `json:"contact"`
	Started time.Time  `json:"started"`
	Ended   *time.Time `json:"ended,omitempty"`
	Queue   string     `json:"queue,omitempty"`
	Agent   string     `json:"agent,omitempty"`
}

// state says in a word how far a contact is.
func (f *found) state() string {
	switch {
	case f.Ended != nil:
		return "ended"
	case f.Agent != "":
		return "with " + terminal.Line(f.Agent)
	case f.Queue != "":
		return "waits in " + terminal.Line(f.Queue)
	}
	return "begins"
}

// Run lists contacts.
func (c *listCmd) Run(e *env) error {
	cfg, err := c.config(e.ctx)
	if err != nil {
		return err
	}
	list, err := c.search(e.ctx, cfg, time.Now().Add(-c.Since), func(f found) bool { return !c.Active || f.Ended == nil })
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(e.stdout, list)
	}
	if len(list) == 0 {
		_, err := fmt.Fprintf(e.stdout, "no contacts in the last %v\n", c.Since)
		return err
	}
	table := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CONTACT\tSTARTED\tSTATE")
	for _, f := range list {
		fmt.Fprintf(table, "%s\t%s\t%s\n", f.Contact, f.Started.Local().Format(time.DateTime), f.state())
	}
	return table.Flush()
}

func printJSON(w io.Writer, list []found) error {
	for _, f := range list {
		raw, err := json.Marshal(f)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s\n", terminal.EscapeJSON(raw)); err != nil {
			return err
		}
	}
	return nil
}

// maxPages bounds a search.
const maxPages = 100

// searcher is all that a search knows of the client. Once the whole of it were in an
// interface, the linker would keep every method that reflection might ask for: hundreds of
// operations, a third of the binary.
type searcher func(context.Context, *connect.SearchContactsInput, ...func(*connect.Options)) (*connect.SearchContactsOutput, error)

func (s searcher) SearchContacts(ctx context.Context, in *connect.SearchContactsInput, opts ...func(*connect.Options)) (*connect.SearchContactsOutput, error) {
	return s(ctx, in, opts...)
}

// search gives the contacts that were started since a time and are wanted, the newest
// first.
func (r *remote) search(ctx context.Context, cfg aws.Config, since time.Time, wanted func(found) bool) (list []found, err error) {
	pages := connect.NewSearchContactsPaginator(searcher(connect.NewFromConfig(cfg).SearchContacts), &connect.SearchContactsInput{
		InstanceId: &r.InstanceID,
		TimeRange: &connecttypes.SearchContactsTimeRange{
			Type: connecttypes.SearchContactsTimeRangeTypeInitiationTimestamp, StartTime: &since, EndTime: aws.Time(time.Now().Add(clockAhead)),
		},
		Sort: &connecttypes.Sort{FieldName: connecttypes.SortableFieldNameInitiationTimestamp, Order: connecttypes.SortOrderDescending},
	})
	for n := 0; pages.HasMorePages() && n < maxPages; n++ {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, terminal.Explain(err)
		}
		for _, c := range page.Contacts {
			f := found{Contact: aws.ToString(c.Id), Started: aws.ToTime(c.InitiationTimestamp), Ended: c.DisconnectTimestamp}
			if c.QueueInfo != nil {
				f.Queue = aws.ToString(c.QueueInfo.Id)
			}
			if c.AgentInfo != nil {
				f.Agent = aws.ToString(c.AgentInfo.Id)
			}
			if wanted(f) {
				list = append(list, f)
			}
		}
	}
	return list, nil
}

type showCmd struct {
	remote
	Contact string `arg:"" help:"Id of the contact."`
}

// Run prints a contact as JSON, without what is not known.
func (c *showCmd) Run(e *env) error {
	cfg, err := c.config(e.ctx)
	if err != nil {
		return err
	}
	api := connect.NewFromConfig(cfg)
	contact, err := api.DescribeContact(e.ctx, &connect.DescribeContactInput{InstanceId: &c.InstanceID, ContactId: &c.Contact})
	if err != nil {
		return terminal.Explain(err)
	}
	attributes, err := api.GetContactAttributes(e.ctx, &connect.GetContactAttributesInput{
		InstanceId: &c.InstanceID, InitialContactId: &c.Contact,
	})
	if err != nil {
		return terminal.Explain(err)
	}
	raw, err := json.Marshal(struct {
		*connecttypes.Contact
		Attributes map[string]string
	}{contact.Contact, attributes.Attributes})
	if err != nil {
		return err
	}
	var all any
	if err := json.Unmarshal(raw, &all); err != nil {
		return err
	}
	if raw, err = json.MarshalIndent(known(all), "", "  "); err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "%s\n", terminal.EscapeJSON(raw)) // customers write attributes
	return err
}

// known leaves out what is null or empty, all the way down.
func known(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if v[name] = known(member); v[name] == nil {
				delete(v, name)
			}
		}
		if len(v) == 0 {
			return nil
		}
	case string:
		if v == "" {
			return nil
		}
	}
	return v
}

type stopCmd struct {
	remote
	Contact string `arg:"" help:"Id of the contact."`
}

// Run ends a contact.
func (c *stopCmd) Run(e *env) error {
	cfg, err := c.config(e.ctx)
	if err != nil {
		return err
	}
	_, err = connect.NewFromConfig(cfg).StopContact(e.ctx, &connect.StopContactInput{InstanceId: &c.InstanceID, ContactId: &c.Contact})
	return terminal.Explain(err)
}

type transcriptCmd struct {
	remote
	Contact string `arg:"" help:"Id of the contact."`
	JSON    bool   `name:"json" help:"Print JSON, one event on a line."`
}

// Run prints the transcript.
func (c *transcriptCmd) Run(e *env) error {
	return c.watch(e.ctx, c.Contact, func(ctx context.Context, s *client.Session) error {
		out := &terminal.Teller{Out: e.stdout, JSON: c.JSON}
		for it, err := range s.Transcript(ctx, client.Range{}) {
			if err != nil {
				return err
			}
			if err := out.Tell(it.Event()); err != nil {
				return err
			}
		}
		return nil
	})
}
