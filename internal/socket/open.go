package socket

import (
	"errors"
	"net/http"

	"github.com/gorilla/websocket"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/socket/frame"
	"github.com/parley-chat/parley/internal/token"
)

// refusal is why a client is let in only to be sent away: a sentence for whoever
// looks at the frame, and the code and reason of the close frame after it.
type refusal struct {
	message string
	code    int
	reason  string // at most 123 bytes
}

var (
	invalidToken = &refusal{
		"The token in the websocket URL is invalid. Call CreateParticipantConnection for a new URL, and use it as it is.",
		closePolicy, "The token is invalid.",
	}
	expiredToken = &refusal{
		"The websocket URL has expired: it may be opened for 100 seconds. Call CreateParticipantConnection for a new one.",
		closePolicy, "The URL has expired.",
	}
	notInChat = &refusal{
		"The chat has ended, or the participant is no longer in it. Start a new chat.",
		closePolicy, "The participant is not in an ongoing chat.",
	}
	tooMany = &refusal{
		"The participant has five open websockets, which is the most there can be. Close one first.",
		closeTryAgain, "The participant has too many open sockets.",
	}
	restarting = &refusal{
		"This server is being shut down. Connect again.",
		closeRestart, "service restart",
	}
)

// ServeHTTP opens the websocket that a URL made by CreateParticipantConnection
// stands for. It returns when the socket is open.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !websocket.IsWebSocketUpgrade(r) {
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Connection", "Upgrade")
		writeError(w, r, http.StatusUpgradeRequired,
			errors.New("this URL is for websockets: send the headers Connection: Upgrade and Upgrade: websocket"))
		return
	}
	late := s.enter()
	defer s.exit(late)
	k := &socket{srv: s, id: newID(), request: requestID(w)}
	no := s.judge(r, k)
	if no == nil && late {
		no = restarting
	}
	if no != nil && !s.roomToRefuse() {
		writeError(w, r, http.StatusServiceUnavailable,
			errors.New("too many clients are being refused at the moment: "+no.message))
		return
	}
	if k.upgrade(w, r) == nil {
		s.register(k, no)
	}
}

// enter counts a client that is being let in: Drain must not leave it out. late means
// that the server drains already.
func (s *Server) enter() (late bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.draining {
		s.opening++
	}
	return s.draining
}

// exit ends what enter began, when the client is registered or was refused.
func (s *Server) exit(late bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !late {
		s.opening--
		s.checkEmpty()
	}
}

// judge says who the client is, or why it is refused. When the store can't tell,
// the client is let in: its subscribe will find out.
func (s *Server) judge(r *http.Request, k *socket) *refusal {
	claims, err := s.tokens.Verify(token.Socket, r.URL.Query().Get("token"), s.clock.Now())
	switch {
	case errors.Is(err, token.ErrExpired):
		return expiredToken
	case err != nil:
		return invalidToken
	}
	k.who = member{
		chat.ChatID{ID: chat.ID{UUID: claims.Chat}},
		chat.ParticipantID{ID: chat.ID{UUID: claims.Participant}},
	}
	k.expires = claims.Expires.Add(token.SocketLife - token.ConnectWindow)
	err = s.node.View(r.Context(), k.who.chat, func(c *chat.Chat) error {
		k.opened = c.Seq
		_, err := c.Admit(k.who.participant)
		return err
	})
	switch {
	case isRefusal(err):
		return notInChat
	case err != nil:
		k.openedAt = s.clock.Now()
	}
	return nil
}

// isRefusal reports whether an error of the node is the chat's answer, and not a
// trouble that passes.
func isRefusal(err error) bool {
	_, refused := errors.AsType[*chat.Refusal](err)
	return refused || errors.Is(err, node.ErrNotFound)
}

func (s *Server) roomToRefuse() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.refused) < maxRefused
}

// register makes the socket one of the server's and begins to read from it.
func (s *Server) register(k *socket, no *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		k.out.abort()
		return
	}
	if no == nil && !s.makeRoom(k.who) {
		no = tooMany
	}
	if no == nil {
		s.open[k.who] = append(s.open[k.who], k)
		s.count++
		if s.draining { // since enter
			k.out.close(closeRestart, restarting.reason)
		}
	} else {
		s.turnedAway.Add(1)
		s.refused[k] = struct{}{}
		k.refused = true
		k.leave(s.clock.Now().Add(refusedFor), no.code, no.reason) // from before it is told
		k.out.put(frame.Error(no.message, k.id, k.request))
	}
	s.wg.Go(k.run)
}

// makeRoom reports whether a participant may have one more socket. The one that was
// silent for longest gives way if that was long. It is called with mu held.
func (s *Server) makeRoom(who member) bool {
	var silent *socket
	n := 0
	for _, k := range s.open[who] {
		if k.out.isClosing() {
			continue
		}
		n++
		if silent == nil || k.silentFor() > silent.silentFor() {
			silent = k
		}
	}
	switch {
	case n < maxPerParticipant:
		return true
	case silent.silentFor() <= spareAfter:
		return false
	}
	silent.out.close(closeGoingAway, "Another socket of the participant needed the place of this silent one.")
	return true
}

// forget takes a socket that is closed out of the server.
func (s *Server) forget(k *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k.refused {
		delete(s.refused, k)
		return
	}
	s.count--
	if rest := without(s.open[k.who], k); len(rest) > 0 {
		s.open[k.who] = rest
	} else {
		delete(s.open, k.who)
	}
	s.checkEmpty()
}

// without takes a socket out of a list whose order doesn't matter, in place.
func without(list []*socket, k *socket) []*socket {
	for i := range list {
		if list[i] == k {
			last := len(list) - 1
			list[i], list[last] = list[last], nil
			return list[:last]
		}
	}
	return list
}
