package storetest

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/store"
)

var exactChecks = []check{
	{"exact kinds", exactKinds},
	{"exact every field", exactEveryField},
	{"exact texts", exactTexts},
	{"exact times", exactTimes},
	{"exact summary", exactSummary},
}

// Kinds makes a log with an entry of every kind, with what that kind has.
func Kinds(id chat.ChatID) []chat.Entry {
	customer := chat.Author{ID: chat.ParticipantID{ID: entryID(id, 101)}, Role: chat.Customer, Name: "Ann"}
	agent := chat.Author{ID: chat.ParticipantID{ID: entryID(id, 102)}, Role: chat.Agent, Name: "Bob"}
	message := entryID(id, 4)
	log := []chat.Entry{
		{Kind: chat.KindStarted, Started: &chat.Settings{
			Instance: "i", FlowID: "f", Customer: customer, Minutes: 60, ContentTypes: []string{chat.TypePlain},
			Flow:       chat.Flow{Steps: []chat.Step{{Say: "hello"}, {Queue: "Support"}}},
			Attributes: map[string]string{"": "", "a b": "ü", "<>&\u2028": `"\`},
		}},
		{Kind: chat.KindJoined, By: &customer, Token: "t"},
		{Kind: chat.KindQueued, Queue: "Support"},
		{Kind: chat.KindMessage, ID: message, By: &customer, Content: &chat.Content{Type: chat.TypePlain, Text: "hi"}},
		{Kind: chat.KindAdded, By: &agent, Token: "t"},
		{Kind: chat.KindJoined, By: &agent},
		{Kind: chat.KindReceipt, By: &agent, Receipt: &chat.Receipt{Item: message, Delivered: at(6)}},
		{Kind: chat.KindReceipt, By: &agent, Receipt: &chat.Receipt{Item: message, Delivered: at(6), Read: at(7)}},
		{Kind: chat.KindAttributes, Attributes: map[string]string{"vip": "yes"}},
		{Kind: chat.KindWithdrawn, By: &agent, Cause: chat.CauseAgent},
		{Kind: chat.KindLeft, By: &customer, Cause: chat.CauseCustomer},
		{Kind: chat.KindEnded, Cause: chat.CauseCustomer},
	}
	for i := range log {
		e, seq := &log[i], int64(i+1)
		e.Seq, e.At, e.Contact, e.ID = seq, at(seq), id.FirstContact(), entryID(id, seq)
	}
	return log
}

func exactKinds(k *kit) {
	id := NewChat()
	want := Kinds(id)
	k.append(store.Append{Chat: id, Entries: want})
	k.wantLog(id, want)
}

// exactEveryField sets every field there is, so that one that is added later and
// not stored is noticed.
func exactEveryField(k *kit) {
	id := NewChat()
	random := rand.New(rand.NewPCG(1, 2))
	var want []chat.Entry
	for seq := int64(1); seq <= 5; seq++ {
		var e chat.Entry
		fill(k, random, reflect.ValueOf(&e).Elem())
		e.Seq = seq
		want = append(want, e)
	}
	k.append(store.Append{Chat: id, Entries: want})
	k.wantLog(id, want)
}

// fill sets everything in v to something that is not zero.
func fill(k *kit, random *rand.Rand, v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(base.Add(time.Duration(random.IntN(1e9)) * time.Millisecond)))
		return
	case uuid.UUID:
		var id uuid.UUID
		for i := range id {
			id[i] = byte(random.IntN(256))
		}
		v.Set(reflect.ValueOf(id))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d", random.IntN(1e6)))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(1 + random.IntN(1e6)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(k, random, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			fill(k, random, v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(k, random, v.Index(0))
		fill(k, random, v.Index(1))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 3 {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(k, random, key)
			fill(k, random, value)
			v.SetMapIndex(key, value)
		}
	default:
		k.Fatalf("fill can't set a %s yet; teach it", v.Type())
	}
}

// texts are those that a careless store changes.
var texts = []string{
	"", " ", "\t\r\n", "'; DROP TABLE entry; --", `\u0000 "quoted" \\`, "<b>&amp;</b>",
	"e\u0301 is not \u00e9", "日本語 العربية עברית", "👩🏽‍🚀🏳️‍🌈", "\u2028\u2029\ufeff\ufffd\u200d", "\x01\x1f\x7f",
	"\U0010ffff", "null", "0", "1e400",
	strings.Repeat("x", 16<<10), strings.Repeat("🦉", 4<<10),
}

func exactTexts(k *kit) {
	id := NewChat()
	var want []chat.Entry
	for i, text := range texts {
		e := Message(id, int64(i+1), text)
		e.Token, e.By.Name, e.Queue, e.Cause = text, text, text, chat.Cause(text)
		if i > 0 {
			e.Attributes = map[string]string{text: text, "a": text}
		}
		want = append(want, e)
	}
	k.append(store.Append{Chat: id, Entries: want})
	k.wantLog(id, want)
}

// exactTimes: to the millisecond, in any year that can be written, and zero.
func exactTimes(k *kit) {
	id := NewChat()
	times := []time.Time{
		{}, time.Unix(0, 0).UTC(), time.UnixMilli(-1).UTC(), time.UnixMilli(1).UTC(), base,
		time.Date(1900, 2, 28, 23, 59, 59, 999e6, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC),
	}
	var want []chat.Entry
	for i, t := range times {
		e := Message(id, int64(i+1), "")
		e.At, e.Receipt = t, &chat.Receipt{Item: e.ID, Delivered: t, Read: t}
		want = append(want, e)
	}
	k.append(store.Append{Chat: id, Entries: want})
	k.wantLog(id, want)
	for _, t := range times {
		s := summary(NewChat())
		s.InitiatedAt, s.QueuedAt, s.ConnectedAt, s.EndedAt, s.Deadline = t, t, t, t, t
		k.append(store.Append{Chat: s.Chat, Summaries: []chat.Summary{s}})
		k.wantContact(s)
	}
}

func exactSummary(k *kit) {
	for _, text := range texts {
		s := summary(NewChat())
		s.Instance, s.Queue, s.Agent, s.Customer, s.Name, s.Labels = text, text, text, text, text, text
		s.Method, s.Cause = chat.Method(text), chat.Cause(text)
		k.append(store.Append{Chat: s.Chat, Summaries: []chat.Summary{s}})
		k.wantContact(s)
	}
	bare := chat.Summary{Chat: NewChat()}
	bare.Contact = bare.Chat.FirstContact()
	k.append(store.Append{Chat: bare.Chat, Summaries: []chat.Summary{bare}})
	k.wantContact(bare)
}
