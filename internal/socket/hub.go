package socket

import (
	"fmt"
	"sync"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/chat"
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
	sockets []*socket
}

// attach makes the socket one of its chat's hub. detach is to be called even if it
// fails.
func (k *socket) attach() error {
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
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	k.left = false
	h.sockets = append(h.sockets, k)
	return nil
}

// begin watches the chat, unless that was done already.
func (h *hub) begin() error {
	h.watch.Lock()
	defer h.watch.Unlock()
	if h.stop != nil {
		return nil
	}
	stop, err := h.srv.node.Watch(h.srv.ctx, h.chat, h.receive)
	if err == nil {
		h.stop = stop
	}
	return err
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
	h.mu.Unlock()

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
	if len(h.sockets) == 0 {
		return
	}
	for i := range n.Entries {
		e := &n.Entries[i]
		if e.Delivered() {
			h.deliver(h.render(func() wire.Item { return wire.FromEntry(h.chat, e) }), e.Kind)
		}
		h.follow(e)
	}
	for i := range n.Signals {
		h.deliver(h.render(func() wire.Item { return wire.FromSignal(h.chat, &n.Signals[i]) }), "")
	}
}

// deliver gives a frame to all sockets. Those of a participant who has left only get
// to know who else leaves, and the end.
func (h *hub) deliver(frame []byte, kind chat.Kind) {
	if frame == nil {
		return
	}
	parting := kind == chat.KindLeft || kind == chat.KindEnded
	for _, k := range h.sockets {
		if !k.left || parting {
			k.out.deliver(frame)
		}
	}
}

// follow closes, in a while, the sockets for which nothing comes after this entry.
func (h *hub) follow(e *chat.Entry) {
	at := h.srv.clock.Now().Add(leaveAfter)
	switch e.Kind {
	case chat.KindLeft, chat.KindWithdrawn:
		for _, k := range h.sockets {
			if k.who.participant == e.By.ID {
				k.left = true
				k.leave(at, closeNormal, "The participant has left the chat.")
			}
		}
	case chat.KindEnded:
		for _, k := range h.sockets {
			k.leave(at, closeNormal, "The chat has ended.")
		}
	}
}

// render makes the frame, nil if that fails: what is wrong with one item must hurt
// neither the others nor whoever published it.
func (h *hub) render(item func() wire.Item) (frame []byte) {
	defer func() {
		if p := recover(); p != nil {
			h.failed(fmt.Errorf("panic: %v", p))
		}
	}()
	frame, err := itemFrame(item())
	if err != nil {
		h.failed(err)
	}
	return frame
}

func (h *hub) failed(err error) {
	h.srv.log.Error("an item can't be shown; it is left out", "chat", h.chat, "err", err)
}
