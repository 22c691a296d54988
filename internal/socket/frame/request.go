package frame

import (
	"bytes"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Request is what a client's frame asks for.
type Request struct {
	// Topic is never empty.
	Topic string
	// Topics are those of a subscribe or unsubscribe.
	Topics []string
}

// Parse reads the first JSON value of a frame and ignores what follows it: the iOS
// SDK sends a stray ")" (semantics.md 1.2). Content that is not understood is as good
// as none; clients put all kinds of things into the content of heartbeats. ok is
// false for a frame that is not an object with a topic.
func Parse(frame []byte) (req Request, ok bool) {
	var in struct {
		Topic   string         `json:"topic"`
		Content jsontext.Value `json:"content"`
	}
	d := decoders.Get().(*jsontext.Decoder)
	d.Reset(bytes.NewBuffer(frame), lenient)
	err := json.UnmarshalDecode(d, &in)
	decoders.Put(d) // not after a panic
	if err != nil || in.Topic == "" {
		return Request{}, false
	}
	req.Topic = in.Topic
	if req.Topic == Subscribe || req.Topic == Unsubscribe {
		req.Topics = parseTopics(in.Content)
	}
	return req, true
}

var decoders = sync.Pool{New: func() any { return new(jsontext.Decoder) }}

func parseTopics(content jsontext.Value) []string {
	var in struct {
		Topics []string `json:"topics"`
	}
	if json.Unmarshal(content, &in, lenient) != nil {
		return nil
	}
	return in.Topics
}
