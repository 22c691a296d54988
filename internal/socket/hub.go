package socket

import (
	"fmt"
	"slices"
	"sync"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/socket/frame"
	"github.com/parley-chat/parley/internal/wire"
)

// hub hands what is new in a chat to the chat's subscribed sockets.
type hub struct {
	srv   *Server
	chat  chat.ChatID
	users int // sockets that are in it or about to be; guarded by Server.mu

	watch sync.Mutex // held while the node is asked
	stop  func()     // nil until watching; guarded by watch

	// mu is taken while the node calls receive, so whoever has it must not call the
	// node.
	mu      sync.Mutex
	fresh   bool // see seek
	sockets []*socket
	last    int64 // Seq of the last entry they have had
}

// attach makes the socket one of its chat's hub, and gives the Seq of the last entry that
// the others have had. detach is to be called even if it fails.
func (k *socket) attach() (last int64, err error) {
	s := k.srv
	s.mu.Lock()
	h := s.hubs[k.who.chat]
	if h == nil {
		h = &hub{srv: s, chat: k.who.chat}
		s.hubs[h.chat] = h
	}
	h.users++
	k.hub = h
	s.mu.Unlock()
	if err := h.begin(); err != nil {
		return 0, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	k.left = false
	h.sockets = append(h.sockets, k)
	return h.last, nil
}

// begin watches the chat, unless that was done already.
func (h *hub) begin() error {
	h.watch.Lock()
	defer h.watch.Unlock()
	if h.stop != nil {
		return nil
	}
	after, stop, err := h.srv.node.Watch(h.srv.ctx, h.chat, h.receive)
	if err != nil {
		return err
	}
	h.stop = stop
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last, h.fresh = max(h.last, after), true
	return nil
}

// detach takes the socket out of its hub, if it is in one.
func (k *socket) detach() {
	h, s := k.hub, k.srv
	if h == nil {
		return
	}
	k.hub = nil
	k.subscribed(false)
	h.mu.Lock()
	h.sockets = without(h.sockets, k)
	lost := s.reportLost && !h.has(k.who.participant)
	h.mu.Unlock()
	if lost {
		s.report(k.who, chat.Lost{By: k.who.participant})
	}

	s.mu.Lock()
	h.users--
	last := h.users == 0
	if last {
		delete(s.hubs, h.chat)
	}
	s.mu.Unlock()
	if last {
		h.end()
	}
}

// seek has the chat told, once, of those who are thought to have a websocket, and have none
// here: the node where it was may have died. If it hasn't, it says that they are there (see
// follow).
func (h *hub) seek() {
	h.mu.Lock()
	fresh := h.fresh
	h.fresh = false
	h.mu.Unlock()
	if !fresh || !h.srv.reportLost {
		return
	}
	var online []chat.ParticipantID
	err := h.srv.node.View(h.srv.ctx, h.chat, func(c *chat.Chat) error {
		online = c.Online()
		return nil
	})
	if err != nil {
		h.srv.log.Warn("who has no websocket any more could not be found out", "chat", h.chat, "err", err)
	}
	h.mu.Lock()
	online = slices.DeleteFunc(online, h.has)
	h.mu.Unlock()
	for _, id := range online {
		h.srv.report(member{h.chat, id}, chat.Lost{By: id})
	}
}

// has reports whether a participant has a socket in the hub. It is called with mu held.
func (h *hub) has(id chat.ParticipantID) bool {
	return slices.ContainsFunc(h.sockets, func(k *socket) bool { return k.who.participant == id })
}

// report has a command about somebody's sockets done. It doesn't wait for that.
func (s *Server) report(who member, cmd chat.Command) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining || s.closed {
		return // clients come back, to this node or another
	}
	s.wg.Go(func() {
		if _, err := s.node.Do(s.ctx, who.chat, cmd); err != nil && !isRefusal(err) && s.ctx.Err() == nil {
			s.log.Warn("that a participant's websocket was lost or found could not be stored", "chat", who.chat, "participant", who.participant, "err", err)
		}
	})
}

// end stops watching. Nobody comes to this hub any more: the next socket of the
// chat makes another.
func (h *hub) end() {
	h.watch.Lock()
	defer h.watch.Unlock()
	if h.stop != nil {
		h.stop()
	}
}

// receive is what the node calls with what is new, in order.
func (h *hub) receive(n bus.Notice) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(n.Entries) > 0 {
		h.last = n.Entries[len(n.Entries)-1].Seq
	}
	if len(h.sockets) == 0 {
		return
	}
	for i := range n.Entries {
		e := &n.Entries[i]
		if e.Delivered() {
			h.deliver(h.frame(e), e)
		}
		h.follow(e)
	}
	for i := range n.Signals {
		h.signal(&n.Signals[i])
	}
}

// signal gives a signal to all sockets; a part of a message, to the customer's only.
func (h *hub) signal(s *chat.Signal) {
	f := h.signalFrame(s)
	for _, k := range h.sockets {
		if f != nil && !k.left && (s.Part == nil || k.role == chat.Customer) {
			k.out.deliver(f)
		}
	}
}

// deliver gives an entry's frame to the sockets of those who may see it. Those of a
// participant who has left only get to know who else leaves, and the end.
func (h *hub) deliver(whole []byte, e *chat.Entry) {
	parting := e.Kind == chat.KindLeft || e.Kind == chat.KindEnded
	var parts [][]byte // in which a customer may want it
	for _, k := range h.sockets {
		switch {
		case k.left && !parting, e.Seq <= k.opened, !e.For(k.who.participant, k.role):
		case e.Kind == chat.KindMessage && e.Content.Stream != "" && k.role == chat.Customer:
			if parts == nil {
				parts = h.parts(e)
			}
			k.out.deliver(parts...)
		case whole != nil:
			k.out.deliver(whole)
		}
	}
}

// missed gives the frames of entries for one socket, which came while it was open and not
// yet in the hub.
func (h *hub) missed(k *socket, entries []chat.Entry) (frames [][]byte) {
	for i := range entries {
		e := &entries[i]
		switch {
		case !e.Delivered(), !e.For(k.who.participant, k.role):
		case e.Kind == chat.KindMessage && e.Content.Stream != "" && k.role == chat.Customer:
			frames = append(frames, h.parts(e)...)
		default:
			if f := h.frame(e); f != nil {
				frames = append(frames, f)
			}
		}
	}
	return frames
}

// follow closes, in a while, the sockets for which nothing comes after this entry.
func (h *hub) follow(e *chat.Entry) {
	switch e.Kind {
	case chat.KindLeft, chat.KindWithdrawn:
		at := h.srv.clock.Now().Add(leaveAfter)
		for _, k := range h.sockets {
			if k.who.participant == e.By.ID {
				k.left = true
				k.leave(at, closeNormal, "The participant has left the chat.")
			}
		}
	case chat.KindLost: // on another node; there is one here
		if h.has(e.By.ID) {
			go h.srv.report(member{h.chat, e.By.ID}, chat.Connect{By: e.By.ID, Via: chat.ViaSocket})
		}
	case chat.KindEnded:
		at := h.srv.clock.Now().Add(leaveAfter)
		for _, k := range h.sockets {
			k.left = true // typing may still be on its way
			k.leave(at, closeNormal, "The chat has ended.")
		}
	}
}

// frame makes the frame of an entry, nil if that fails: what is wrong with one item must
// hurt neither the others nor whoever published it.
func (h *hub) frame(e *chat.Entry) []byte {
	defer h.caught()
	return h.render(wire.FromEntry(h.chat, e))
}

// signalFrame does the same of a signal.
func (h *hub) signalFrame(s *chat.Signal) []byte {
	defer h.caught()
	return h.render(wire.FromSignal(h.chat, s))
}

// parts makes the frames of the parts of a message, none if that fails.
func (h *hub) parts(e *chat.Entry) (frames [][]byte) {
	defer h.caught()
	for _, it := range wire.Parts(h.chat, e) {
		f := h.render(it)
		if f == nil {
			return nil
		}
		frames = append(frames, f)
	}
	return frames
}

func (h *hub) render(it wire.Item) []byte {
	f, err := frame.Item(it)
	if err != nil {
		h.failed(err)
	}
	return f
}

// caught is to be deferred.
func (h *hub) caught() {
	if p := recover(); p != nil {
		h.failed(fmt.Errorf("panic: %v", p))
	}
}

func (h *hub) failed(err error) {
	h.srv.log.Error("an item can't be shown; it is left out", "chat", h.chat, "err", err)
}
