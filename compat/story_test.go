package compat

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// story is one chapter being played by one client.
type story struct {
	t        *testing.T
	scenario *scenario
	client   *client
	player   *player
	server   *server

	contacts bool // whether items may be of other contacts than the first one

	saved  saved
	here   []string          // who has a socket
	met    []string          // who has ever had one in this chapter
	gone   []string          // at whom nobody looks any more
	latest map[string]string // AbsoluteTime of the last item each has got
	parts  map[any]bool      // Ids of messages that came in parts: made when the first one did
	step   string            // the step under way
}

// tell plays a chapter.
func (s *story) tell(steps []step) {
	defer s.close()
	s.play(steps)
	items, events := s.player.rest()
	for key, n := range events {
		if strings.HasSuffix(key, " pageerror") {
			s.fail("%s: %d uncaught errors in the page", key, n)
		}
	}
	for who, items := range items {
		if slices.Contains(s.gone, who) || !slices.Contains(s.met, who) {
			continue // what is left of the chapter before came late
		}
		s.fail("%s has also seen %v", who, items)
	}
}

// close leaves nothing behind for the next chapter.
func (s *story) close() {
	s.server.relay.mend()
	s.server.fault("DELETE", nil)
	if _, failed, err := s.player.call("forget", "", map[string]any{}); err != nil || failed != nil {
		s.t.Errorf("forget: %v %+v", err, failed)
	}
	s.player.rest()
}

// fail ends the chapter with everything that helps to find out why.
func (s *story) fail(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("%s, %q: %s\n\nthe last lines to and from the player:\n%s\n\nthe server's last words:\n%s",
		s.client.name, s.step, fmt.Sprintf(format, args...), s.player.trace, s.server.log)
}

func (s *story) play(steps []step) {
	for i := range steps {
		st := &steps[i]
		if st.Play != "" {
			s.play(s.scenario.Parts[st.Play])
			continue
		}
		s.step = st.Name
		if reason, excluded := st.excluded(s.client.names()); excluded {
			s.t.Logf("not for %s: %q: %s", s.client.name, st.Name, reason)
			continue
		}
		s.act(st)
		s.look(st)
	}
}

// act does what the step says and checks the answer.
func (s *story) act(st *step) {
	filled, err := s.saved.fill(st.In)
	if err != nil {
		s.fail("%v", err)
	}
	in, _ := filled.(map[string]any)
	if s.ourselves(st, in) {
		return
	}
	out, failed, err := s.player.call(st.Do, st.Who, in)
	switch {
	case err != nil:
		s.fail("%s: %v", st.Do, err)
	case failed != nil && st.Error == nil:
		s.fail("%s failed with %s (status %d): %s", st.Do, failed.Type, failed.Status, failed.Message)
	case st.Error != nil:
		s.refused(st, failed)
		return
	}
	s.answered(st, in, out)
}

// ourselves does what is not the client's to do.
func (s *story) ourselves(st *step, in map[string]any) bool {
	switch st.Do {
	case "fault":
		body, _ := json.Marshal(in)
		s.server.fault("POST", body)
	case "clearFaults":
		s.server.fault("DELETE", nil)
	case "turn":
		body, _ := json.Marshal(in)
		s.server.turn(body)
	case "logIn":
		code, state, err := s.server.provider.LogIn(s.t.Context(), fmt.Sprint(in["Url"]))
		if err != nil {
			s.fail("logging in: %v", err)
		}
		s.saved[st.As] = map[string]any{"Code": code, "State": state}
	case "gone":
		s.here = slices.DeleteFunc(s.here, func(who string) bool { return who == st.Who })
		s.gone = append(s.gone, st.Who)
	case "look":
	case "cut":
		s.server.relay.cut()
		s.here = nil
	case "mend":
		s.server.relay.mend()
	case "loseAnswer":
		s.server.relay.loseAnswer(fmt.Sprint(in["Path"]))
	case "await":
		key := fmt.Sprint(st.Who, " ", in["Event"])
		if err := s.player.await(patience, func() bool { return s.player.events[key] > 0 }); err != nil {
			s.fail("waiting for %v: %v", in["Event"], err)
		}
	default:
		return false
	}
	return true
}

// refused checks an expected error.
func (s *story) refused(st *step, failed *failure) {
	want := st.Error
	switch {
	case failed == nil:
		s.fail("%s succeeded, want %s", st.Do, want.Type)
	case failed.Type != want.Type || failed.Status != want.Status:
		s.fail("%s failed with %s (status %d), want %s (%d): %s",
			st.Do, failed.Type, failed.Status, want.Type, want.Status, failed.Message)
	case failed.Message == "":
		s.fail("%s: the message of %s is empty", st.Do, failed.Type)
	case want.Message != "" && failed.Message != want.Message:
		s.fail("%s: the message is %q, want %q", st.Do, failed.Message, want.Message)
	}
	for _, part := range want.Says {
		if !strings.Contains(failed.Message, part) {
			s.fail("%s: the message %q does not say %q", st.Do, failed.Message, part)
		}
	}
}

// answered checks a successful answer and saves it.
func (s *story) answered(st *step, in, out map[string]any) {
	want, err := s.saved.fill(map[string]any(st.Out))
	if err != nil {
		s.fail("%v", err)
	}
	if d := differs(st.Do, want, out); d != "" && st.Out != nil {
		s.fail("%s", d)
	}
	if st.Transcript != nil {
		s.transcript(st, out)
	}
	if st.As != "" {
		s.saved[st.As] = out
	}
	switch st.Do {
	case "connect", "reconnect":
		s.met = append(s.met, st.Who)
		if !slices.Contains(s.here, st.Who) {
			s.here = append(s.here, st.Who)
		}
	case "SendMessage":
		if st.As != "" {
			maps.Copy(s.saved[st.As], in)
			maps.Copy(s.saved[st.As], s.author(st.Who))
		}
	}
}

// transcript checks the items of GetTranscript, all of them.
func (s *story) transcript(st *step, out map[string]any) {
	items, _ := out["Transcript"].([]any)
	for i, want := range st.Transcript {
		if i >= len(items) {
			break
		}
		item, _ := items[i].(map[string]any)
		if d := s.malformed(item); d != "" {
			s.fail("Transcript[%d]: %s: %v", i, d, item)
		}
		s.compare(fmt.Sprintf("Transcript[%d]", i), want, item)
	}
	if len(items) != len(st.Transcript) {
		s.fail("Transcript has %d items, want %d: %v", len(items), len(st.Transcript), items)
	}
}

// compare holds an item against what the scenario says of it.
func (s *story) compare(at string, want any, item map[string]any) {
	s.t.Helper()
	pattern, isMap := want.(map[string]any)
	if isMap {
		pattern = maps.Clone(pattern)
		if name, ok := pattern["as"].(string); ok {
			delete(pattern, "as")
			s.saved.keep(name, item)
		}
	} else {
		var err error
		if pattern, err = s.pattern(fmt.Sprint(want)); err != nil {
			s.fail("%v", err)
		}
	}
	full, err := s.saved.fill(pattern)
	if err != nil {
		s.fail("%v", err)
	}
	if d := differs("the item", full, item); d != "" {
		s.fail("%s is not %q: %s: %v", at, fmt.Sprint(want), d, item)
	}
}

// look checks what participants have seen since the last step: that and nothing else.
func (s *story) look(st *step) {
	for _, want := range st.Everyone {
		var first map[string]any
		for _, who := range s.here {
			got := s.sees(who, want)
			if first == nil {
				first = got
			}
			if got != nil && !reflect.DeepEqual(got, first) {
				s.fail("%s has seen %v, others %v", who, got, first)
			}
		}
	}
	for who, list := range st.Sees {
		for _, want := range list {
			s.sees(who, want)
		}
	}
}

// sees takes the next item that somebody has got.
func (s *story) sees(who string, want any) map[string]any {
	if s.client.family == "chatjs" && strings.HasSuffix(fmt.Sprint(want), " by "+who) {
		return nil // ChatJS shows nobody their own receipts
	}
	item, err := s.player.next(who)
	if err != nil {
		s.fail("%s waits for %q: %v", who, want, err)
	}
	if d := s.malformed(item); d != "" {
		s.fail("%s has seen an item that is malformed: %s: %v", who, d, item)
	}
	if item["InitialContactId"] != s.saved["customer"]["ContactId"] {
		s.fail("%s has seen an item of another chat: %v", who, item)
	}
	if at, _ := item["AbsoluteTime"].(string); at < s.latest[who] {
		s.fail("%s has seen an item older than the one before: %v", who, item)
	} else {
		s.latest[who] = at
	}
	s.compare(who+"'s next item", want, item)
	return item
}
