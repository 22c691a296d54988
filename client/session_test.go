package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant/types"
	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"

	"github.com/parley-chat/parley/client"
	"github.com/parley-chat/parley/client/event"
)

func TestWholeChat(t *testing.T) {
	w := newWorld(t)
	jane := w.start()
	contact := jane.Details().ContactID
	jane.expect("connected", "Jane joined")
	jane.say("hello?")
	jane.expect("Jane: hello?")

	bob := w.agent(contact) // comes later, and sees what was before
	bob.expect("connected", "Jane joined", "Jane: hello?", "Bob joined")
	jane.expect("Bob joined")

	w.must(bob.Typing(w.ctx))
	w.must(bob.Typing(w.ctx)) // too early to be told
	sent := bob.say("Hello Jane")
	jane.expect("Bob types", "Bob: Hello Jane")
	bob.expect("Bob types")
	echo, ok := event.Of(bob.next())
	if !ok || echo.ID != sent.ID || !echo.Time.Equal(sent.Time) || !echo.Own {
		t.Errorf("the echo is %+v, and sent was %+v", echo, sent)
	}
	w.must(jane.MarkRead(w.ctx, sent.ID))
	for _, p := range []*person{jane, bob} {
		r, ok := p.next().(event.Receipt)
		if !ok || r.MessageID != sent.ID || r.By.Read.IsZero() || r.By.ParticipantID != jane.Details().ParticipantID || r.Own != (p == jane) {
			t.Errorf("%s: the receipt is %+v", p.name, r)
		}
	}
	if _, err := jane.SendContent(w.ctx, client.Markdown, "*bye*"); err != nil {
		t.Error(err)
	}
	bob.expect("Jane: *bye*")
	jane.expect("Jane: *bye*")

	w.must(jane.Disconnect(w.ctx))
	for _, p := range []*person{jane, bob} {
		p.expect("Jane left", "ended")
		p.expectEnd(client.ErrEnded)
	}
	if _, err := jane.Send(w.ctx, "too late"); !errors.Is(err, client.ErrEnded) {
		t.Errorf("after the end, Send gives %v", err)
	}
	if err := jane.MarkDelivered(w.ctx, sent.ID); !errors.Is(err, client.ErrEnded) {
		t.Errorf("after the end, MarkDelivered gives %v", err)
	}
}

func TestSupervisor(t *testing.T) {
	w := newWorld(t)
	jane := w.start(w.hurry()) // receipts wait for their window
	bob := w.agent(jane.Details().ContactID)
	place := w.add(jane.Details().ContactID, "Eve", "SUPERVISOR")
	eve := w.join("Eve", place)
	eve.expect("connected", "Jane joined", "Bob joined")
	sent := bob.say("Nobody sees Eve")
	jane.expect("connected", "Jane joined", "Bob joined", "Bob: Nobody sees Eve")
	eve.expect("Bob: Nobody sees Eve")
	if _, err := eve.Send(w.ctx, "not yet"); !isA[*types.AccessDeniedException](err) {
		t.Errorf("a silent supervisor's message gives %v", err)
	}
	w.must(eve.BargeIn(w.ctx))
	jane.expect("Eve joined")
	if err := jane.MarkRead(w.ctx, sent.ID); !isA[*types.ConflictException](err) {
		t.Errorf("a receipt among three gives %v", err)
	}
	w.must(eve.Disconnect(w.ctx))
	eve.expect("Eve joined", "Eve left")
	jane.expect("Eve left")
	sent = bob.say("the server knows, too")
	jane.expect("Bob: the server knows, too")
	w.advance(time.Minute) // now it closes her websocket
	eve.expect("disconnected", "ended, it seems")
	eve.expectEnd(client.ErrEnded)
	w.must(jane.MarkRead(w.ctx, sent.ID)) // what has failed may be tried again
	jane.expect("read")

	again := w.join("Eve", w.add(jane.Details().ContactID, "Eve", "SUPERVISOR"), client.ConnectParticipant())
	jane.expect("Eve joined")
	if again.say("I'm back"); !errors.Is(again.Close(), nil) {
		t.Error("Close failed")
	}
	again.expectEnd(client.ErrClosed)
}

func TestStepBack(t *testing.T) {
	w := newWorld(t)
	jane := w.start()
	jane.expect("connected", "Jane joined")
	eve := w.join("Eve", w.add(jane.Details().ContactID, "Eve", "SUPERVISOR"), client.ConnectParticipant())
	w.must(eve.StepBack(w.ctx))
	jane.expect("Eve joined", "Eve left")
	if _, err := eve.Send(w.ctx, "no more"); !isA[*types.AccessDeniedException](err) {
		t.Errorf("who has stepped back says something: %v", err)
	}
	jane.say("alone again")
	eve.expect("connected", "Jane joined", "Eve joined", "Eve left", "Jane: alone again")
	w.net.reset()
	eve.expect("disconnected", "connected") // and does not barge in with that
	jane.say("still alone")
	eve.expect("Jane: still alone")
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func TestReconnect(t *testing.T) {
	w := newWorld(t)
	hurry := w.hurry()
	jane := w.start(hurry)
	bob := w.agent(jane.Details().ContactID, hurry)
	jane.expect("connected", "Jane joined", "Bob joined")
	first := jane.say("before")
	jane.expect("Jane: before")
	for round := range 3 {
		w.net.cut()
		jane.expect("disconnected")
		for i := range 150 { // more than a page
			jane.say(fmt.Sprint("gap ", round, " ", i))
		}
		w.net.mend()
		jane.expect("connected")
		for i := range 150 {
			jane.expect(fmt.Sprint("Jane: gap ", round, " ", i))
		}
	}
	bob.say("after")
	jane.expect("Bob: after")

	w.net.cut()
	jane.expect("disconnected")
	w.must(bob.MarkDelivered(w.ctx, first.ID)) // too old to be looked for
	newer := jane.say("newer")
	time.AfterFunc(0, w.net.mend)
	jane.expect("connected", "Jane: newer")
	w.must(bob.MarkRead(w.ctx, newer.ID))
	jane.expect("read")
}

func TestReceiptsInGap(t *testing.T) {
	w := newWorld(t)
	hurry := w.hurry()
	jane := w.start(hurry)
	bob := w.agent(jane.Details().ContactID, hurry)
	sent := jane.say("read me")
	jane.expect("connected", "Jane joined", "Bob joined", "Jane: read me")
	w.net.cut()
	jane.expect("disconnected")
	w.must(bob.MarkDelivered(w.ctx, sent.ID))
	w.net.mend()
	jane.expect("connected", "delivered")
	w.must(bob.MarkRead(w.ctx, sent.ID))
	jane.expect("read")
	w.net.reset() // the transcript repeats it
	jane.expect("disconnected", "connected")
	bob.say("go on")
	jane.expect("Bob: go on")

	late := w.join("Bob", bob.Details(), client.ConnectParticipant()) // who comes later is told, too
	late.expect("connected", "Jane joined", "Bob joined", "Jane: read me", "read", "Bob: go on")
}

func TestServiceTrouble(t *testing.T) {
	w := newWorld(t)
	hurry := w.hurry()
	w.cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 2, time.Millisecond })
	}
	jane := w.start(hurry)
	jane.expect("connected", "Jane joined")
	w.fault(`{"Operation":"GetTranscript","Error":"InternalServerException","Count":4}`)
	w.fault(`{"Operation":"CreateParticipantConnection","Error":"ThrottlingException","Count":4}`)
	w.net.reset()
	jane.say("meanwhile")
	jane.expect("disconnected", "connected", "Jane: meanwhile")
}

func TestEndedMeanwhile(t *testing.T) {
	w := newWorld(t)
	jane := w.start()
	jane.expect("connected", "Jane joined")
	w.net.cut()
	jane.expect("disconnected")
	w.stop(jane.Details().ContactID)
	w.net.mend()
	jane.expect("ended, it seems")
	jane.expectEnd(client.ErrEnded)
	if _, err := client.Join(w.ctx, w.cfg, jane.Details()); !isA[*types.AccessDeniedException](err) {
		t.Errorf("joining a chat that is over gives %v", err)
	}
}

// The clock is turned, so that nothing is really waited for.
func TestRenewal(t *testing.T) {
	w := newWorld(t)
	clock := clockwork.NewFakeClockAt(time.Now())
	jane := w.start(client.WithClock(clock))
	bob := w.agent(jane.Details().ContactID)
	jane.expect("connected", "Jane joined", "Bob joined")
	for round := range 3 {
		before := w.net.connections()
		for w.net.connections() == before {
			clock.Advance(10 * time.Minute)
			bob.say(fmt.Sprint("during ", round))
			jane.expect(fmt.Sprint("Bob: during ", round))
		}
		bob.say(fmt.Sprint("after ", round))
		jane.expect(fmt.Sprint("Bob: after ", round))
	}
}

func TestHalfOpen(t *testing.T) {
	w := newWorld(t)
	clock := clockwork.NewFakeClockAt(time.Now())
	jane := w.start(client.WithClock(clock))
	jane.expect("connected", "Jane joined")
	w.net.freeze()
	jane.say("into the void")
	w.turn(clock, 200*time.Millisecond)
	jane.expect("Jane: into the void") // on the next socket: nobody has noticed
	jane.say("again")
	jane.expect("Jane: again")
}

// turn turns a clock by a step every few milliseconds until the test ends.
func (w *world) turn(clock *clockwork.FakeClock, step time.Duration) {
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		for {
			select {
			case <-time.After(10 * time.Millisecond):
				clock.Advance(step)
			case <-done:
				return
			}
		}
	}()
	w.t.Cleanup(func() { close(done); <-gone })
}

// hurry is a clock that runs ten times as fast as time, for sessions that wait much.
func (w *world) hurry() client.Option {
	clock := clockwork.NewFakeClockAt(time.Now())
	w.turn(clock, 100*time.Millisecond)
	return client.WithClock(clock)
}

// What was before Join comes between Connected and CaughtUp, what is new after them.
func TestCaughtUp(t *testing.T) {
	w := newWorld(t)
	jane := w.start()
	jane.expect("connected", "Jane joined")
	jane.say("before")
	bob := w.agent(jane.Details().ContactID)
	var got []string
	for len(got) == 0 || got[len(got)-1] != "Jane: after" {
		e, err := bob.Next(w.ctx)
		w.must(err)
		if _, ok := e.(event.CaughtUp); ok {
			got = append(got, "caught up")
			jane.say("after")
			continue
		}
		got = append(got, tell(e))
	}
	if want := []string{"connected", "Jane joined", "Jane: before", "Bob joined", "caught up", "Jane: after"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestResume(t *testing.T) {
	w := newWorld(t)
	jane := w.start()
	jane.say("one")
	two := jane.say("two")
	jane.say("three")
	again := w.join("Jane", jane.Details(), client.After(two.ID))
	again.expect("connected", "Jane: three")
	jane.say("four")
	again.expect("Jane: four")
	lost := w.join("Jane", jane.Details(), client.After("ffffffff-ffff-4fff-8fff-ffffffffffff"))
	lost.expect("connected", "Jane joined", "Jane: one") // better than a gap
}

// A program that does not read its events for a while loses none.
func TestSlowReader(t *testing.T) {
	w := newWorld(t)
	jane := w.start()
	const many = 400 // more than a session keeps
	for i := range many {
		jane.say(fmt.Sprint(i))
	}
	w.net.reset()
	jane.say("last")
	var got []string
	for e, err := range jane.Events(w.ctx) {
		w.must(err)
		if m, ok := e.(event.Message); ok {
			if m.Late {
				t.Errorf("%q is late", m.Content)
			}
			got = append(got, m.Content)
		}
		if len(got) > many {
			break
		}
	}
	for i := range many {
		if got[i] != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, got[i])
		}
	}
	if got[many] != "last" {
		t.Errorf("the last message is %q", got[many])
	}
}

func TestTranscript(t *testing.T) {
	w := newWorld(t)
	jane := w.start()
	var want []string
	var third client.Sent
	for i := range 7 {
		sent := jane.say(fmt.Sprint(i))
		want = append(want, sent.ID)
		if i == 3 {
			third = sent
		}
	}
	read := func(r client.Range) (ids []string) {
		t.Helper()
		r.PageSize = 2
		for it, err := range jane.Transcript(w.ctx, r) {
			w.must(err)
			if it.Type == event.TypeMessage {
				ids = append(ids, it.ID)
			}
			if len(it.Raw) == 0 || it.Raw[0] != '{' {
				t.Errorf("%s has no raw item: %q", it.ID, it.Raw)
			}
		}
		return ids
	}
	backward := slices.Clone(want)
	slices.Reverse(backward)
	for name, c := range map[string]struct {
		r    client.Range
		want []string
	}{
		"all":           {client.Range{}, want},
		"backward":      {client.Range{Backward: true}, backward},
		"from id":       {client.Range{FromID: third.ID}, want[3:]},
		"back from id":  {client.Range{FromID: third.ID, Backward: true}, backward[3:]},
		"from time":     {client.Range{FromTime: third.Time}, want[3:]},
		"of a contact":  {client.Range{ContactID: jane.Details().ContactID}, want},
		"from nowhere":  {client.Range{FromID: "ffffffff-ffff-4fff-8fff-ffffffffffff"}, nil},
		"from tomorrow": {client.Range{FromTime: time.Now().Add(24 * time.Hour)}, nil},
	} {
		if got := read(c.r); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
	for range jane.Transcript(w.ctx, client.Range{}) {
		break // early is fine
	}
	for it, err := range jane.Transcript(w.ctx, client.Range{ContactID: "none of this chat"}) {
		if !isA[*types.ValidationException](err) {
			t.Errorf("a strange contact gives %v, %v", it, err)
		}
	}
}

func TestClientToken(t *testing.T) {
	w := newWorld(t)
	jane := w.start()
	first, err := jane.Send(w.ctx, "once", client.ClientToken("a token"))
	w.must(err)
	second, err := jane.Send(w.ctx, "once", client.ClientToken("a token"))
	w.must(err)
	if first != second {
		t.Errorf("one token gave %v and %v", first, second)
	}
}

// caughtUp reads that somebody has.
func (w *world) caughtUp(p *person) {
	w.t.Helper()
	if e, err := p.Next(w.ctx); e != (event.CaughtUp{}) || err != nil {
		w.t.Fatalf("got %v, %v", e, err)
	}
}

func TestContexts(t *testing.T) {
	w := newWorld(t)
	jane := w.start()
	jane.expect("connected", "Jane joined")
	w.caughtUp(jane)
	ended, cancel := context.WithCancel(w.ctx)
	cancel()
	if _, err := jane.Next(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("Next gives %v", err)
	}
	for e, err := range jane.Events(ended) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Events gives %v, %v", e, err)
		}
	}
	for name, call := range map[string]func() error{
		"Join":                 func() error { _, err := client.Join(ended, w.cfg, jane.Details()); return err },
		"Start":                func() error { _, err := client.Start(ended, w.cfg, startJane); return err },
		"Send":                 func() error { _, err := jane.Send(ended, "never"); return err },
		"Typing":               func() error { return jane.Typing(ended) },
		"MarkRead":             func() error { return jane.MarkRead(ended, "m") },
		"MarkDelivered":        func() error { return jane.MarkDelivered(ended, "m") },
		"BargeIn":              func() error { return jane.BargeIn(ended) },
		"StepBack":             func() error { return jane.StepBack(ended) },
		"Disconnect":           func() error { return jane.Disconnect(ended) },
		"Attach":               func() error { _, err := jane.Attach(ended, client.Upload{Name: "a.txt", Size: 1}); return err },
		"Download":             func() error { _, err := jane.Download(ended, "f"); return err },
		"DescribeView":         func() error { _, err := jane.DescribeView(ended, "v"); return err },
		"AuthenticationURL":    func() error { _, err := jane.AuthenticationURL(ended, "s", "r"); return err },
		"CancelAuthentication": func() error { return jane.CancelAuthentication(ended, "s") },
		"Transcript": func() (err error) {
			for _, err = range jane.Transcript(ended, client.Range{}) {
			}
			return err
		},
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s gives %v", name, err)
		}
	}
	jane.say("still here")
	jane.expect("Jane: still here")
}

// What waits when a session is closed ends, and nothing of it goes on.
func TestClose(t *testing.T) {
	w := newWorld(t)
	transport := &http.Transport{}
	w.cfg.HTTPClient = &http.Client{Transport: transport}
	first := w.start() // so that the server has begun all that it does
	first.say("hello")
	first.expect("connected", "Jane joined", "Jane: hello")
	first.Close()
	transport.CloseIdleConnections()
	others := goleak.IgnoreCurrent()

	jane := w.start()
	bob := w.agent(jane.Details().ContactID)
	sent, more := bob.say("hello"), bob.say("more")
	w.must(jane.MarkRead(w.ctx, sent.ID))
	waits := make(chan error, 2)
	go func() { waits <- jane.MarkRead(w.ctx, more.ID) }() // for 5 seconds
	go func() { waits <- bob.MarkDelivered(w.ctx, sent.ID) }()
	w.net.cut() // bob is reconnecting
	for e := range jane.Events(w.ctx) {
		if _, ok := e.(event.Disconnected); ok {
			break
		}
	}
	jane.Close()
	bob.Close()
	jane.Close()
	for range 2 {
		if err := <-waits; err != nil && !errors.Is(err, client.ErrClosed) {
			t.Errorf("a receipt that waits gives %v", err)
		}
	}
	jane.expectEnd(client.ErrClosed)
	if _, err := jane.Send(w.ctx, "never"); !errors.Is(err, client.ErrClosed) {
		t.Errorf("Send gives %v", err)
	}
	w.net.mend()
	transport.CloseIdleConnections()
	if err := leftovers(others); err != nil {
		t.Error(err)
	}
}
