package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
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

// Help is printed by --help.
func (listCmd) Help() string {
	return "All contacts since then are listed, however many there are, and as they come: from Amazon, 100 in two seconds."
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
	n := 0
	for f, err := range c.search(e.ctx, cfg, time.Now().Add(-c.Since), c.Active, connecttypes.SortOrderDescending) {
		if err == nil && n == 0 && !c.JSON {
			_, err = fmt.Fprintf(e.stdout, rowFormat, "CONTACT", "STARTED", "STATE")
		}
		if err == nil {
			err = c.show(e.stdout, f)
		}
		if err != nil {
			return err
		}
		n++
	}
	if n == 0 && !c.JSON {
		_, err = fmt.Fprintf(e.stdout, "no contacts in the last %v\n", c.Since)
	}
	return err
}

// rowFormat has room for an id and a time.
const rowFormat = "%-36s  %-19s  %s\n"

func (c *listCmd) show(w io.Writer, f found) error {
	if !c.JSON {
		_, err := fmt.Fprintf(w, rowFormat, f.Contact, f.Started.Local().Format(time.DateTime), f.state())
		return err
	}
	raw, err := json.Marshal(f)
	if err == nil {
		_, err = fmt.Fprintf(w, "%s\n", terminal.EscapeJSON(raw))
	}
	return err
}

// active is the criterion of contacts that go on.
var active = &connecttypes.SearchCriteria{AdditionalTimeRange: &connecttypes.SearchContactsAdditionalTimeRange{
	MatchType: connecttypes.SearchContactsMatchTypeMatchAll,
	Criteria: []connecttypes.SearchContactsAdditionalTimeRangeCriteria{{TimestampCondition: &connecttypes.SearchContactsTimestampCondition{
		Type: connecttypes.SearchContactsTimeRangeTypeDisconnectTimestamp, ConditionType: connecttypes.SearchContactsTimeRangeConditionTypeNotExists,
	}}},
}}

// search gives the contacts that were started since a time, or those of them that go on, page
// by page as they are asked for. An error comes last.
func (r *remote) search(ctx context.Context, cfg aws.Config, since time.Time, goOn bool, order connecttypes.SortOrder) iter.Seq2[found, error] {
	api := connect.NewFromConfig(cfg)
	in := &connect.SearchContactsInput{
		InstanceId: &r.InstanceID,
		TimeRange: &connecttypes.SearchContactsTimeRange{
			Type: connecttypes.SearchContactsTimeRangeTypeInitiationTimestamp, StartTime: &since, EndTime: aws.Time(time.Now().Add(clockAhead)),
		},
		Sort: &connecttypes.Sort{FieldName: connecttypes.SortableFieldNameInitiationTimestamp, Order: order},
	}
	if goOn {
		in.SearchCriteria = active
	}
	return func(yield func(found, error) bool) {
		for more := true; more; more = in.NextToken != nil {
			page, err := searchPage(ctx, api, in)
			if err != nil {
				yield(found{}, terminal.Explain(err))
				return
			}
			for i := range page.Contacts {
				if !yield(summary(&page.Contacts[i]), nil) {
					return
				}
			}
			in.NextToken = page.NextToken
		}
	}
}

// Amazon allows one search in two seconds (semantics.md 10), so a page that is refused for that
// is asked for again, searchPatience times.
const searchPause, searchPatience = 2 * time.Second, 10

func searchPage(ctx context.Context, api *connect.Client, in *connect.SearchContactsInput) (*connect.SearchContactsOutput, error) {
	throttled := retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}
	for n := 0; ; n++ {
		page, err := api.SearchContacts(ctx, in)
		if n == searchPatience || throttled.IsErrorThrottle(err) != aws.TrueTernary {
			return page, err
		}
		select {
		case <-time.After(searchPause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// summary is what is listed of a contact.
func summary(c *connecttypes.ContactSearchSummary) found {
	f := found{Contact: aws.ToString(c.Id), Started: aws.ToTime(c.InitiationTimestamp), Ended: c.DisconnectTimestamp}
	if c.QueueInfo != nil {
		f.Queue = aws.ToString(c.QueueInfo.Id)
	}
	if c.AgentInfo != nil {
		f.Agent = aws.ToString(c.AgentInfo.Id)
	}
	return f
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
