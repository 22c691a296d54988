package socket

import (
	"encoding/json"
	"fmt"
)

// The frames that a client sends (semantics.md 1.2).
const (
	subscribeFrame = `{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}`
	pingFrame      = `{"topic":"aws/ping"}`
	heartbeatFrame = `{"topic":"aws/heartbeat"}`
)

const (
	topicChat      = "aws/chat"
	topicSubscribe = "aws/subscribe"
)

// frame is what a service sends. Content is an object for topics of the connection,
// and a string that holds an item for the chat's (semantics.md 1.3, 1.4).
type frame struct {
	Topic   string          `json:"topic"`
	Content json.RawMessage `json:"content"`
	Message string          `json:"message"` // of a frame without topic: what is wrong
}

// item gives the item of a frame of the chat; nil if it is none.
func (f *frame) item() []byte {
	var text string
	if f.Topic != topicChat || json.Unmarshal(f.Content, &text) != nil {
		return nil
	}
	return []byte(text)
}

// subscribed gives nil if the frame says that a subscription has succeeded.
func (f *frame) subscribed() error {
	var content struct {
		Status string `json:"status"`
	}
	if err := json.Unmarshal(f.Content, &content); err != nil {
		return err
	}
	if content.Status != "success" {
		return fmt.Errorf("the subscription to the chat ended in %q", content.Status)
	}
	return nil
}
