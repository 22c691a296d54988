package chat_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// entry shows an entry, and names what is new in it. One that no socket is sent stands in
// parentheses.
func (w *world) entry(e *chat.Entry) string {
	name := fmt.Sprintf("#%d", e.Seq)
	s := fmt.Sprintf("%s %s %s", name, clock(e.At), e.Kind)
	switch e.Kind {
	case chat.KindMessage, chat.KindAttachment:
		w.messages++
		name = fmt.Sprintf("m%d", w.messages)
	case chat.KindAdded:
		name = w.newName(e)
	case chat.KindContact:
		w.chain++
		name = fmt.Sprintf("c%d", w.chain)
	case chat.KindUpload:
		w.files++
		name = fmt.Sprintf("f%d", w.files)
	case chat.KindAuthentication:
		if e.Auth.State == chat.AuthInitiated {
			w.sessions++
			w.name(fmt.Sprintf("s%d", w.sessions), e.Auth.Session)
		}
	}
	if had := w.names[e.ID]; had == "" || e.Kind == chat.KindMessage && had[0] == 'p' {
		w.name(name, e.ID)
	}
	if what := w.what(e); what != "" {
		s += " " + what
	}
	if e.Cause != "" {
		s += " " + string(e.Cause)
	}
	if e.To != "" {
		s += fmt.Sprintf(" to %s", e.To)
	}
	if !e.Except.IsZero() {
		s += " not to " + w.names[e.Except.ID]
	}
	if in := w.names[e.Contact.ID]; in != "c1" {
		s += " in " + in
	}
	if !e.Delivered() {
		s = "(" + s + ")"
	}
	return s
}

// newName is the name for somebody who is let in: the story's, if there is one.
func (w *world) newName(e *chat.Entry) string {
	name := w.newcomer
	if name == "" {
		name = e.By.Name
		for n := 2; w.known[name] != (chat.ID{}); n++ {
			name = fmt.Sprintf("%s%d", e.By.Name, n)
		}
	}
	w.newcomer = ""
	return name
}

// what shows what an entry of the kind holds.
func (w *world) what(e *chat.Entry) string {
	switch e.Kind {
	case chat.KindMessage:
		return w.names[e.ID] + " " + w.by(e) + " " + content(e.Content)
	case chat.KindReceipt:
		return fmt.Sprintf("%s %s %s", w.names[e.Receipt.Item], w.by(e), receipt(*e.Receipt))
	case chat.KindStarted:
		return e.Started.Customer.Name
	case chat.KindAdded:
		return string(e.By.Role) + " " + w.by(e) + w.invitation(e.Added)
	case chat.KindContact:
		s := w.names[e.ID] + " " + string(e.Segment.Method)
		if !e.Segment.Of.IsZero() {
			s += " of " + w.names[e.Segment.Of.ID]
		}
		return s
	case chat.KindQueued:
		return e.Queue
	case chat.KindStepped:
		return position(e.Step)
	case chat.KindAttributes:
		return attributes(e.Attributes)[1:]
	case chat.KindDescribed:
		return w.names[e.Contact.ID] + description(e.Described)
	case chat.KindTimers:
		return timers(e.Timers)
	case chat.KindUpload:
		return w.by(e) + " " + w.names[e.ID]
	case chat.KindScanning:
		return fmt.Sprintf("%s attempt %d", w.names[e.File.ID], e.File.Attempt)
	case chat.KindDiscarding, chat.KindDiscarded:
		return w.names[e.File.ID]
	case chat.KindAttachment:
		return fmt.Sprintf("%s %s %s %s", w.names[e.ID], w.by(e), w.names[e.File.ID], e.File.Status)
	case chat.KindAuthentication:
		return string(e.Auth.State) + " " + w.names[e.Auth.Session]
	}
	if e.By == nil {
		return ""
	}
	return w.by(e)
}

// by is the name of whom an entry is about, as it shows: with a number if several are
// shown under it.
func (w *world) by(e *chat.Entry) string {
	if name := w.names[e.By.ID.ID]; strings.HasPrefix(name, e.By.Name) {
		return name
	}
	return e.By.Name
}

func (w *world) invitation(how *chat.Invitation) (s string) {
	if how == nil {
		return ""
	}
	if !how.By.IsZero() {
		s += " until " + clock(how.By)
	}
	if how.Offered {
		s += " offered"
	}
	if how.Silent {
		s += " silent"
	}
	if !how.Transfer.IsZero() {
		s += " to take over"
	}
	return s
}

func content(c *chat.Content) string {
	s := fmt.Sprintf("%q", c.Text)
	if c.Type != chat.TypePlain {
		s = c.Type + " " + s
	}
	if c.Stream != "" {
		s += fmt.Sprintf(" stream=%s", c.Stream)
	}
	return s
}

func position(p *chat.Position) string {
	switch {
	case p.Index < 0:
		return "over"
	case p.Until.IsZero():
		return fmt.Sprint(p.Index)
	}
	return fmt.Sprintf("%d until %s", p.Index, clock(p.Until))
}

func description(d *chat.Description) (s string) {
	if d.Name != nil {
		s += fmt.Sprintf(" name=%q", *d.Name)
	}
	if d.Text != nil {
		s += fmt.Sprintf(" text=%q", *d.Text)
	}
	for _, key := range slices.Sorted(maps.Keys(d.References)) {
		s += fmt.Sprintf(" reference.%s=%q", key, d.References[key].Value)
	}
	if len(d.SegmentAttributes) > 0 {
		s += " segment" + attributes(d.SegmentAttributes)
	}
	if len(d.Tags) > 0 {
		s += " tags" + attributes(d.Tags)
	}
	if len(d.Untag) > 0 {
		s += " untag " + strings.Join(d.Untag, ",")
	}
	return s
}

func timers(all []chat.Timer) string {
	var s []string
	for _, t := range all {
		s = append(s, fmt.Sprintf("%s.%s=%dm", t.Role, t.Type, t.Minutes))
	}
	return strings.Join(s, " ")
}

// signal shows a signal; the first part of a message gives its Id a name.
func (w *world) signal(s *chat.Signal) string {
	line := fmt.Sprintf("signal %s %s %s", clock(s.At), short(s.ContentType), s.By.Name)
	if s.Part != nil {
		line = fmt.Sprintf("signal %s part %d of %s %s %q", clock(s.At), s.Part.Number, w.names[s.ID], s.By.Name, s.Part.Text)
	}
	return line
}

func (w *world) job(j *chat.Job) string {
	switch j.Kind {
	case chat.JobScan:
		return fmt.Sprintf("job: scan %s of %s, attempt %d", w.names[j.File.ID], w.names[j.By.ID], j.File.Attempt)
	case chat.JobDiscard:
		return fmt.Sprintf("job: discard %s of %s", w.names[j.File.ID], w.names[j.By.ID])
	}
	return fmt.Sprintf("job: exchange %s of %s at %s for %s", j.Code, w.names[j.Auth.Session], j.Auth.Provider, j.Auth.Redirect)
}

// contacts shows the contacts, and everything that is said of them.
func (w *world) contacts(c *chat.Chat) (lines []string) {
	for k := range c.Contacts() {
		s := fmt.Sprintf("%s %s", w.names[k.ID.ID], k.Method)
		if !k.Of.IsZero() {
			s += " of " + w.names[k.Of.ID]
		}
		s += span(" began", k.Began) + span(" ended", k.Ended)
		if k.Cause != "" {
			s += " " + string(k.Cause)
		}
		if k.Previous != (chat.ContactID{}) {
			s += ", after " + w.names[k.Previous.ID]
		}
		if next := c.Next(k.ID); len(next) > 0 {
			s += ", before"
			for _, id := range next {
				s += " " + w.names[id.ID]
			}
		}
		if k.Queue != "" {
			s += ", queue " + k.Queue + span(" since", k.QueuedAt)
		}
		if !k.Agent.IsZero() {
			s += ", agent " + w.names[k.Agent.ID] + span(" connected", k.ConnectedAt)
		}
		if d := description(&k.Description); d != "" {
			s += "," + d + span(" updated", k.Updated)
		}
		if until := c.Until(k.ID); until > 0 {
			s += fmt.Sprintf(", until #%d", until)
		}
		lines = append(lines, s)
	}
	return lines
}

func span(what string, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return what + " " + clock(at)
}

// metrics shows what was counted in a contact.
func (w *world) metrics(a args) []string {
	m := w.chat.Find(w.contact(a.words[0])).Metrics
	line := func(who string, p chat.PartyMetrics) string {
		return fmt.Sprintf("%s: %d messages, %d characters, %d responses in %s, %s at the most, last %s",
			who, p.Messages, p.Length, p.Responses, p.Total, p.Longest, at(p.Last))
	}
	return []string{
		fmt.Sprintf("%d messages, %d of a bot with %d characters; %d turns; multi-party: %t; last %s",
			m.Messages, m.Bot, m.BotLength, m.Turns, m.MultiParty, at(m.LastSaid)),
		line("customer", m.Customer), line("agent", m.Agent),
		fmt.Sprintf("first response %s, after %s", at(m.FirstResponse), m.FirstResponseAfter),
	}
}

func at(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return clock(t)
}

// foretold reports whether rows became what they were foretold to be. Only a Deadline may
// be later: nothing is written when somebody says something.
func foretold(before, after []chat.Summary) bool {
	return slices.EqualFunc(before, after, func(a, b chat.Summary) bool {
		if a.Deadline.Before(b.Deadline) && !a.Deadline.IsZero() {
			a.Deadline = b.Deadline
		}
		return a == b
	})
}
