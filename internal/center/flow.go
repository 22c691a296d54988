package center

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"

	"github.com/parley-chat/parley/internal/chat"
)

// Bounds of a flow.
const (
	maxSteps = 500
	// maxSay is how long a message may be, in bytes (semantics.md 3.11).
	maxSay = 16384
	// maxFlow bounds all of a flow, in bytes of JSON: every chat keeps its own.
	maxFlow = 256 << 10
	// maxWithin is how long a chat lasts at the most (semantics.md 4).
	maxWithin = 7 * 24 * time.Hour
)

func checkWithin(d time.Duration) error {
	if d < time.Second || d > maxWithin || d%time.Second != 0 {
		return fmt.Errorf("must be whole seconds, like 90s, 5m or 2h, from 1s to %dh", maxWithin/time.Hour)
	}
	return nil
}

func (b *builder) readFlows(sections map[string]*yaml.Node) error {
	var builtIn chat.Flow
	if b.o.Greeting != "" {
		builtIn.Steps = append(builtIn.Steps, chat.Step{Say: b.o.Greeting})
	}
	if b.o.Queue != "" {
		builtIn.Steps = append(builtIn.Steps, chat.Step{Queue: b.o.Queue, Offer: b.queues[b.o.Queue].offer})
	}
	b.flows[b.builtIn] = Flow{ID: b.builtIn, Name: "Built-in flow", Flow: builtIn}
	list, err := section[fileFlow](sections, "flows")
	if err != nil {
		return err
	}
	for _, f := range list {
		if err := b.claim("flow", f.ID, f.line); err != nil {
			return err
		}
		flat, err := b.compile(f)
		if err != nil {
			return err
		}
		b.flows[f.ID] = Flow{ID: f.ID, Name: cmp.Or(f.Name, f.ID), Flow: flat}
	}
	return nil
}

// compile makes a flow's nested steps a list: what comes otherwise stands behind the
// step that it belongs to, and the step names what is behind that.
func (b *builder) compile(f fileFlow) (chat.Flow, error) {
	if len(f.Steps) == 0 {
		return chat.Flow{}, mistake(f.line, "flow %q has no steps", f.ID)
	}
	flat, err := b.steps(nil, f.Steps)
	if err != nil {
		return chat.Flow{}, err
	}
	var exit int
	if len(f.OnDisconnect) > 0 {
		exit = len(flat)
		if flat, err = b.steps(flat, f.OnDisconnect); err != nil {
			return chat.Flow{}, err
		}
	}
	if len(flat) > maxSteps {
		return chat.Flow{}, mistake(f.line, "flow %q has %d steps; %d are the most", f.ID, len(flat), maxSteps)
	}
	made := chat.Flow{Steps: flat, Exit: exit}
	text, err := json.Marshal(made)
	if err == nil && len(text) > maxFlow {
		err = mistake(f.line, "flow %q has %d bytes; %d are the most: say less, or have less data in views", f.ID, len(text), maxFlow)
	}
	return made, err
}

// steps appends steps to those before them.
func (b *builder) steps(flat []chat.Step, list []fileStep) (_ []chat.Step, err error) {
	for _, s := range list {
		if flat, err = b.step(flat, s); err != nil {
			return nil, err
		}
	}
	return flat, nil
}

func (b *builder) step(flat []chat.Step, s fileStep) ([]chat.Step, error) {
	if len(s.keys) != 1 {
		return nil, mistake(s.line, "a step does one thing; this one has %s", orNothing(s.keys))
	}
	var (
		made      []chat.Step // all but what comes otherwise, which the last of these begin
		otherwise []fileStep
		err       error
	)
	switch {
	case s.Say != nil:
		otherwise = s.Say.Else
		made, err = one(say(s.Say))
	case s.Set != nil:
		made, err = one(chat.Step{Set: s.Set}, checkAttributes(s.Set))
	case s.Queue != "":
		queue, ok := b.queues[s.Queue]
		if !ok {
			err = fmt.Errorf("there is no queue %q; define it under queues", s.Queue)
		}
		made = []chat.Step{{Queue: s.Queue, Offer: queue.offer}}
	case s.Wait != nil:
		otherwise = s.Wait.Else
		made, err = one(wait(s.Wait))
	case s.View != nil:
		otherwise = s.View.Else
		made, err = b.show(s.View)
	case s.Authenticate != nil:
		otherwise = s.Authenticate.Else
		made, err = one(b.logIn(s.Authenticate))
	case s.Disconnect:
		made = []chat.Step{{Disconnect: true}}
	case s.keys[0] == "disconnect":
		err = errors.New("it must be true; leave the step out if the chat is to go on")
	default:
		err = fmt.Errorf("%s is empty", s.keys[0])
	}
	if err != nil {
		return nil, mistake(s.line, "%s: %w", s.keys[0], err)
	}
	return b.branch(append(flat, made...), len(flat), otherwise)
}

func one(s chat.Step, err error) ([]chat.Step, error) { return []chat.Step{s}, err }

func orNothing(keys []string) string {
	if len(keys) == 0 {
		return "nothing"
	}
	return strings.Join(keys, " and ")
}

// branch appends what comes otherwise to the steps from an index on that can lead there,
// and has the last of them lead past it. If nothing does, who isn't shown a view isn't
// waited for either.
func (b *builder) branch(flat []chat.Step, from int, otherwise []fileStep) ([]chat.Step, error) {
	end := len(flat)
	if len(otherwise) == 0 {
		for i := from; i < end-1; i++ {
			flat[i].Else = end
		}
		return flat, nil
	}
	flat, err := b.steps(flat, otherwise)
	if err != nil {
		return nil, err
	}
	for i := from; i < end; i++ {
		flat[i].Else = end
	}
	flat[end-1].Next = len(flat)
	return flat, nil
}

// shorts are names for what would be long to write.
var shorts = map[string]string{"interactive": chat.TypeInteractive, "markdown": chat.TypeMarkdown, "text": ""}

var audiences = map[string]chat.Audience{"": chat.ToAll, "all": chat.ToAll, "customer": chat.ToCustomer, "agent": chat.ToAgent}

func say(s *fileSay) (chat.Step, error) {
	as, ok := shorts[s.As]
	if !ok {
		as = s.As
	}
	to, known := audiences[strings.ToLower(s.To)]
	step := chat.Step{Say: s.Text, As: as, To: to}
	if s.Stream {
		step.Stream = chat.StreamSplit
	}
	switch {
	case s.Text == "":
		return step, errors.New("text is missing")
	case checkText(s.Text) != nil:
		return step, checkText(s.Text)
	case !known:
		return step, fmt.Errorf("to is %q; it must be all, customer or agent", s.To)
	case as == chat.TypeInteractive:
		return step, checkInteractive(s.Text)
	case as != "" && as != chat.TypePlain && as != chat.TypeMarkdown:
		return step, fmt.Errorf("as is %q; it must be text/plain, text/markdown or interactive", s.As)
	case len(s.Else) > 0:
		return step, errors.New("else is for interactive messages, which not every customer can be shown; leave it out")
	}
	return step, nil
}

// checkText refuses what can't be stored, or is longer than any message may be.
func checkText(text string) error {
	switch {
	case len(text) > maxSay:
		return fmt.Errorf("the text has %d bytes; %d are the most", len(text), maxSay)
	case strings.ContainsRune(text, 0):
		return errors.New("the text contains U+0000")
	}
	return nil
}

// checkInteractive refuses what clients would not show (semantics.md 2.2).
func checkInteractive(text string) error {
	var m struct {
		TemplateType string         `json:"templateType"`
		Version      string         `json:"version"`
		Data         jsontext.Value `json:"data"`
	}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return fmt.Errorf("the text is not the JSON of an interactive message: %w", err)
	}
	if m.TemplateType == "" || m.Version != "1.0" || m.Data.Kind() != '{' {
		return errors.New(`an interactive message has a templateType, the version "1.0", and data`)
	}
	return nil
}

func checkAttributes(set map[string]string) error {
	if n := chat.AttributesSize(set); n > chat.MaxAttributes {
		return fmt.Errorf("the attributes have %d bytes; %d are the most", n, chat.MaxAttributes)
	}
	for key, value := range set {
		switch {
		case !attributeKey.MatchString(key):
			return fmt.Errorf("the attribute %q must be of A-Z, a-z, 0-9, _ and - only", key)
		case strings.ContainsRune(value, 0):
			return fmt.Errorf("the attribute %q contains U+0000", key)
		}
	}
	return nil
}

func wait(w *fileWait) (chat.Step, error) {
	step := chat.Step{Wait: chat.Waiting(w.For), Within: seconds(w.Within)}
	switch {
	case !slices.Contains([]chat.Waiting{chat.WaitAgent, chat.WaitBot, chat.WaitReply, chat.WaitTime}, step.Wait):
		return step, fmt.Errorf("for is %q; it must be agent, bot, reply or time", w.For)
	case step.Wait == chat.WaitTime && len(w.Else) > 0:
		return step, errors.New("else means nothing when the flow waits for time; write what comes then as the steps that follow")
	}
	return step, within(w.Within)
}

// within is checkWithin with the name of the key.
func within(d time.Duration) error {
	if err := checkWithin(d); err != nil {
		return fmt.Errorf("within %w", err)
	}
	return nil
}

// show makes the message that shows a view, and with a time, the wait for the answer.
func (b *builder) show(v *fileShow) ([]chat.Step, error) {
	view, ok := b.View(v.ID, 0)
	if !ok {
		return nil, fmt.Errorf("there is no view %q; define it under views", v.ID)
	}
	data, err := toJSON(&v.Data)
	if err != nil {
		return nil, fmt.Errorf("data %w", err)
	}
	if jsontext.Value(data).Kind() != '{' {
		return nil, errors.New("data must have keys")
	}
	content := map[string]any{
		"viewId": view.ID, "viewData": jsontext.Value(data), "viewToken": b.o.Tokens.MintView(view.ID, view.Version),
	}
	text, err := json.Marshal(map[string]any{
		"templateType": "ViewResource", "version": "1.0", "data": map[string]any{"content": content},
	}, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	if len(text) > maxSay {
		return nil, fmt.Errorf("the message would have %d bytes; %d are the most: have less data", len(text), maxSay)
	}
	steps := []chat.Step{{Say: string(text), As: chat.TypeInteractive}}
	if v.Within == 0 {
		return steps, nil
	}
	return append(steps, chat.Step{Wait: chat.WaitReply, Within: seconds(v.Within)}), within(v.Within)
}

func (b *builder) logIn(l *fileLogIn) (chat.Step, error) {
	if _, ok := b.providers[l.Provider]; !ok {
		return chat.Step{}, fmt.Errorf("there is no identity provider %q; define it under identity-providers", l.Provider)
	}
	return chat.Step{Authenticate: l.Provider, Within: seconds(l.Within)}, within(l.Within)
}
