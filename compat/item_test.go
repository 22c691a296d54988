package compat

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/google/uuid"
)

const eventPrefix = "application/vnd.amazonaws.connect.event."

// anything, as an expected value, stands for any that is not empty.
const anything = "*"

// pattern turns the scenario's sentence about an item into what its members must be:
// "joined agent", "left agent", "ended", "typing agent", "message hello",
// "delivered hello by agent", "read hello by agent", and in a transcript "message
// hello read by agent". Other events go by the end of their ContentType:
// "participant.idle customer", "chat.rehydrated". nil as a member means that it must be
// absent.
func (s *story) pattern(sentence string) (map[string]any, error) {
	words := strings.Fields(sentence)
	switch {
	case len(words) == 1 && words[0] == "ended":
		return map[string]any{"Type": "EVENT", "ContentType": eventPrefix + "chat.ended",
			"ParticipantId": nil, "DisplayName": nil, "ParticipantRole": nil, "Content": nil}, nil
	case len(words) == 1 && strings.Contains(words[0], "."):
		return map[string]any{"Type": "EVENT", "ContentType": eventPrefix + words[0],
			"ParticipantId": nil, "DisplayName": nil, "ParticipantRole": nil, "Content": nil}, nil
	case len(words) == 2 && words[0] == "message":
		return s.message(words[1], nil)
	case len(words) == 5 && words[0] == "message" && words[3] == "by":
		return s.message(words[1], s.receipt(words[1], words[2], words[4]))
	case len(words) == 2:
		return s.eventOf(words[0], words[1])
	case len(words) == 4 && words[2] == "by":
		return map[string]any{"Type": "MESSAGEMETADATA", "ContentType": eventPrefix + "message.metadata",
			"MessageMetadata": s.receipt(words[1], words[0], words[3])}, nil
	}
	return nil, fmt.Errorf("the scenario has no sentence %q", sentence)
}

// eventOf is an event of a participant.
func (s *story) eventOf(verb, who string) (map[string]any, error) {
	contentType, ok := map[string]string{
		"joined": "participant.joined", "left": "participant.left", "typing": "typing",
	}[verb]
	if !ok && !strings.Contains(verb, ".") {
		return nil, fmt.Errorf("the scenario knows no event %q", verb)
	}
	contentType = cmp.Or(contentType, verb)
	p := s.author(who)
	p["Type"], p["ContentType"], p["Content"] = "EVENT", eventPrefix+contentType, nil
	if strings.HasPrefix(verb, "authentication.") {
		p["Content"] = anything // the session
	}
	return p, nil
}

// author is how an item names who made it.
func (s *story) author(who string) map[string]any {
	person := s.scenario.People[who]
	return map[string]any{"ParticipantId": s.saved[who]["ParticipantId"],
		"DisplayName": person.Name, "ParticipantRole": person.Role}
}

// message is a message that was sent or seen before, with its receipts.
func (s *story) message(name string, metadata any) (map[string]any, error) {
	m, ok := s.saved[name]
	if !ok {
		return nil, fmt.Errorf("there is no message %q", name)
	}
	p := map[string]any{"Type": "MESSAGE", "MessageMetadata": metadata}
	for _, member := range []string{"Id", "AbsoluteTime", "Content", "ContentType",
		"ParticipantId", "DisplayName", "ParticipantRole"} {
		p[member] = m[member]
	}
	return p, nil
}

// receipt is a MessageMetadata with the one receipt it may have.
func (s *story) receipt(message, kind, who string) map[string]any {
	r := map[string]any{"DeliveredTimestamp": anything, "ReadTimestamp": nil,
		"RecipientParticipantId": s.saved[who]["ParticipantId"]}
	if kind == "read" {
		r["ReadTimestamp"] = anything
	}
	return map[string]any{"MessageId": s.saved[message]["Id"], "Receipts": []any{r}}
}

// differs says how a value is not what was expected; "" if it is. Maps may have
// more members than expected.
func differs(at string, want, got any) string {
	switch want := want.(type) {
	case nil:
		if got != nil && !isEmpty(got) {
			return fmt.Sprintf("%s is %v, want none", at, got)
		}
		return ""
	case map[string]any:
		return mapDiffers(at, want, got)
	case []any:
		have, _ := got.([]any)
		if len(have) != len(want) {
			return fmt.Sprintf("%s has %d elements, want %d: %v", at, len(have), len(want), got)
		}
		for i := range want {
			if d := differs(fmt.Sprintf("%s[%d]", at, i), want[i], have[i]); d != "" {
				return d
			}
		}
		return ""
	}
	if want == anything {
		if got == nil || isEmpty(got) {
			return at + " is absent"
		}
		return ""
	}
	if fmt.Sprint(want) != fmt.Sprint(got) { // numbers of YAML and JSON have other types
		return fmt.Sprintf("%s is %v, want %v", at, got, want)
	}
	return ""
}

func mapDiffers(at string, want map[string]any, got any) string {
	have, ok := got.(map[string]any)
	if !ok {
		return fmt.Sprintf("%s is %v, want an object", at, got)
	}
	keys := make([]string, 0, len(want))
	for key := range want {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		if d := differs(at+"."+key, want[key], have[key]); d != "" {
			return d
		}
	}
	return ""
}

func isEmpty(v any) bool { return reflect.ValueOf(v).IsZero() }

var wireTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)

// malformed says what is wrong with an item whatever it is about; "" if nothing is.
func (s *story) malformed(item map[string]any) string {
	at, _ := item["AbsoluteTime"].(string)
	if !wireTime.MatchString(at) {
		return fmt.Sprintf("AbsoluteTime is %q, want the form 2006-01-02T15:04:05.000Z", at)
	}
	id, err := uuid.Parse(fmt.Sprint(item["Id"]))
	if err != nil {
		return fmt.Sprintf("Id is %v, want a UUID", item["Id"])
	}
	ms := int64(id[0])<<40 | int64(id[1])<<32 | int64(id[2])<<24 | int64(id[3])<<16 | int64(id[4])<<8 | int64(id[5])
	if metadata, _ := item["MessageMetadata"].(map[string]any); metadata["ChunkNumber"] != nil {
		s.parts[item["Id"]] = true
	}
	if made := time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z"); made != at && !s.parts[item["Id"]] {
		return fmt.Sprintf("Id %s was made at %s, but AbsoluteTime is %s", id, made, at)
	}
	contact, first := item["ContactId"], s.saved["customer"]["ContactId"]
	if !s.contacts && contact != first {
		return fmt.Sprintf("ContactId is %v, want %v", contact, first)
	}
	if related := item["RelatedContactId"]; (contact == nil) == (related == nil) {
		return fmt.Sprintf("ContactId is %v and RelatedContactId %v, want one of them", contact, related)
	}
	return ""
}
