package talk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/parley-chat/parley/bench/internal/rawclient"
	"github.com/parley-chat/parley/client"
)

// rawLine is an HTTP connection that sends and a websocket that receives.
type rawLine struct {
	name        byte
	http        *rawclient.HTTP
	socket      *rawclient.Socket
	host, token string
	request     *request
}

// dialRaw connects and subscribes a participant.
func dialRaw(ctx context.Context, c *Control, d client.Details, name byte) (line, error) {
	access, err := c.Open(ctx, d.ParticipantToken, name == 'B')
	if err != nil {
		return nil, err
	}
	s, err := rawclient.DialSocket(ctx, access.SocketURL, nil, 16<<10)
	if err != nil {
		return nil, err
	}
	if err := s.Subscribe(); err != nil {
		s.Close()
		return nil, err
	}
	u, err := url.Parse(access.SocketURL)
	if err != nil {
		s.Close()
		return nil, err
	}
	http, err := rawclient.DialHTTP(ctx, u.Host)
	if err != nil {
		s.Close()
		return nil, err
	}
	return &rawLine{name: name, http: http, socket: s, host: u.Host, token: access.ConnectionToken}, nil
}

func (l *rawLine) begin(typing bool, end time.Time) error {
	l.request = newRequest(l.host, l.token, l.name)
	if typing {
		l.request = newTyping(l.host, l.token)
	}
	return errors.Join(l.http.SetDeadline(end), l.socket.SetDeadline(end))
}

func (l *rawLine) send(number, sent int64) (uuid.UUID, error) {
	resp, err := l.http.Do(l.request.stamp(number, sent))
	if err != nil {
		return uuid.UUID{}, err
	}
	if resp.Status != 200 {
		return uuid.UUID{}, fmt.Errorf("the server answers %d: %s", resp.Status, resp.Body)
	}
	return idAfter(resp.Body, answerID)
}

func (l *rawLine) next() (message, error) {
	for {
		payload, err := l.socket.Next()
		if errors.Is(err, io.EOF) {
			return message{}, errors.New("the server dropped the websocket")
		}
		if err != nil {
			return message{}, err
		}
		if m, ours, err := parseMessage(payload); err != nil || ours {
			return m, err
		}
	}
}

func (l *rawLine) marks() bool { return false }

func (l *rawLine) close() {
	l.http.Close()
	l.socket.Close()
}
