package main

import (
	"encoding/json"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/connectparticipant"
	"github.com/gorilla/websocket"
)

// session is a participant's connection: its token and its socket.
type session struct {
	in    *connectparticipant.CreateParticipantConnectionInput
	token string

	conn *websocket.Conn
	lost chan struct{} // closed when the socket is gone
}

// frame is what goes over the socket, in both directions.
type frame struct {
	Topic   string `json:"topic"`
	Content any    `json:"content,omitempty"`
}

// dial opens a websocket, subscribes to the chat and passes on its items.
func dial(url string, item func(json.RawMessage)) (*session, error) {
	conn, _, err := websocket.DefaultDialer.Dial(url, nil)
	if err != nil {
		return nil, err
	}
	topics := map[string]any{"topics": []string{"aws/chat"}}
	if err := conn.WriteJSON(frame{Topic: "aws/subscribe", Content: topics}); err != nil {
		return nil, err
	}
	s := &session{conn: conn, lost: make(chan struct{})}
	subscribed := make(chan struct{})
	go s.read(subscribed, item)
	select {
	case <-subscribed:
		return s, nil
	case <-s.lost:
		return nil, errors.New("the socket was closed before the subscription")
	}
}

// read takes frames until the socket is gone.
func (s *session) read(subscribed chan<- struct{}, item func(json.RawMessage)) {
	defer close(s.lost)
	defer s.conn.Close()
	for {
		var in struct {
			Topic   string          `json:"topic"`
			Content json.RawMessage `json:"content"`
		}
		if err := s.conn.ReadJSON(&in); err != nil {
			return
		}
		switch in.Topic {
		case "aws/subscribe":
			close(subscribed)
		case "aws/chat":
			var text string
			if err := json.Unmarshal(in.Content, &text); err != nil {
				text = string(in.Content) // shown, and refused by the scenario
			}
			item(json.RawMessage(text))
		}
	}
}

// close ends the socket and waits until nothing can come from it any more.
func (s *session) close() {
	s.conn.Close()
	<-s.lost
}
