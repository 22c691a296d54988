package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-chat/parley/bench/internal/process"
	"github.com/parley-chat/parley/bench/internal/rawclient"
	"github.com/parley-chat/parley/bench/internal/stats"
	"github.com/parley-chat/parley/bench/internal/talk"
	"github.com/parley-chat/parley/client"
)

const (
	// spareFiles is how many files the server and we may need besides the sockets.
	spareFiles = 200
	// sources is how many loopback addresses the sockets come from: 127.0.0.2 and up.
	sources = 4
	// idleWait bounds the whole measurement, besides the time to settle.
	idleWait = 3 * time.Minute
)

// idleSockets is what sockets on which nothing happens cost, and chats nobody talks in.
// Memory is in KiB, CPU of the server in microseconds each.
type idleSockets struct {
	Sockets        int     `json:"sockets"`
	Chats          int     `json:"chats"`
	ChatsPerSecond float64 `json:"chatsPerSecond"`
	ChatCPU        float64 `json:"serverMicrosecondsPerChat"`
	OpenPerSecond  float64 `json:"socketsOpenedPerSecond"`
	OpenCPU        float64 `json:"serverMicrosecondsPerSocket"`
	HeartbeatCPU   float64 `json:"serverMicrosecondsPerHeartbeat"`
	// The server's memory: when it was idle, with the chats, and with the sockets
	// too, both right away and once it had settled.
	Empty         process.Memory `json:"empty"`
	Chatting      process.Memory `json:"withChats"`
	ChattingLater process.Memory `json:"withChatsSettled"`
	Open          process.Memory `json:"withSockets"`
	OpenLater     process.Memory `json:"withSocketsSettled"`
}

// perSocket is the settled memory a socket takes, by itself.
func (r *idleSockets) perSocket() float64 {
	return float64(r.OpenLater.Resident-r.ChattingLater.Resident) / float64(r.Sockets)
}

// perSocketAll counts all the server holds since it was empty: chats and participants too.
func (r *idleSockets) perSocketAll() float64 {
	return float64(r.OpenLater.Resident-r.Empty.Resident) / float64(r.Sockets)
}

// measureIdle opens many sockets, each of another participant, and lets them be.
func (b *bench) measureIdle(ctx context.Context) (err error) {
	data, remove, err := b.dataDir()
	if err != nil {
		return err
	}
	defer remove()
	s, err := process.Start(ctx, b.Program, data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	ctx, cancel := context.WithTimeout(ctx, idleWait+2*b.Settle)
	defer cancel()
	chats, err := b.affordable(s.Process)
	if err != nil {
		return err
	}
	r := &idleSockets{Chats: chats, Sockets: 2 * chats}
	if err := b.idle(ctx, s, r); err != nil {
		return fmt.Errorf("idle sockets: %w", err)
	}
	b.report.Idle = r
	return nil
}

// affordable is how many chats of two sockets the limits on open files allow.
func (b *bench) affordable(server process.Process) (int, error) {
	theirs, err1 := server.OpenFiles()
	ours, err2 := process.Self().OpenFiles()
	if err := errors.Join(err1, err2); err != nil {
		return 0, err
	}
	n := min(b.Sockets, theirs-spareFiles, ours-spareFiles)
	if n < b.Sockets {
		fmt.Fprintf(b.out, "idle: %d sockets instead of %d: open files are limited to %d for the server and %d here (ulimit -n)\n",
			n, b.Sockets, theirs, ours)
	}
	if n < 2 {
		return 0, fmt.Errorf("no room for two sockets; set -sockets to 2 or more and raise the limit on open files")
	}
	return n / 2, nil
}

func (b *bench) idle(ctx context.Context, s *process.Server, r *idleSockets) (err error) {
	if err := talk.Pause(ctx, idleAfter); err != nil {
		return err
	}
	if r.Empty, err = s.Process.Memory(); err != nil {
		return err
	}
	c := talk.NewControl(s.URL)
	defer c.Close()
	tokens, err := b.startChats(ctx, c, s, r)
	if err != nil {
		return err
	}
	if r.Chatting, r.ChattingLater, err = b.settled(ctx, s); err != nil {
		return err
	}
	sockets, err := b.openSockets(ctx, c, s, r, tokens)
	defer closeSockets(sockets)
	if err != nil {
		return err
	}
	if r.Open, r.OpenLater, err = b.settled(ctx, s); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "idle: %d KiB empty, %d with %d chats, %d with %d sockets: %.1f KiB per socket, %.1f with chats and all\n",
		r.Empty.Resident, r.ChattingLater.Resident, r.Chats, r.OpenLater.Resident, r.Sockets, r.perSocket(), r.perSocketAll())
	return b.heartbeats(ctx, s, r, sockets)
}

// startChats starts the chats, then gives each an agent, and returns the participant
// tokens: those of the customers, then those of the agents.
func (b *bench) startChats(ctx context.Context, c *talk.Control, s *process.Server, r *idleSockets) (tokens []string, err error) {
	tokens = make([]string, 2*r.Chats)
	customers := make([]client.Details, r.Chats)
	took, cpu, err := timed(s, func() error {
		return talk.InParallel(ctx, r.Chats, func(ctx context.Context, i int) (err error) {
			customers[i], err = c.StartChat(ctx)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	r.ChatsPerSecond = float64(r.Chats) / took.Seconds()
	r.ChatCPU = stats.Microseconds(cpu) / float64(r.Chats)
	fmt.Fprintf(b.out, "idle: %d chats started, %.0f/s, server %.0f us each\n", r.Chats, r.ChatsPerSecond, r.ChatCPU)
	err = talk.InParallel(ctx, r.Chats, func(ctx context.Context, i int) (err error) {
		agent, err := c.AddAgent(ctx, customers[i].ContactID)
		tokens[i], tokens[r.Chats+i] = customers[i].ParticipantToken, agent.ParticipantToken
		return err
	})
	return tokens, err
}

// openSockets connects and subscribes every participant, and returns also with an
// error those that were opened.
func (b *bench) openSockets(ctx context.Context, c *talk.Control, s *process.Server, r *idleSockets, tokens []string) ([]*rawclient.Socket, error) {
	var mu sync.Mutex
	var sockets []*rawclient.Socket
	took, cpu, err := timed(s, func() error {
		return talk.InParallel(ctx, len(tokens), func(ctx context.Context, i int) error {
			access, err := c.Open(ctx, tokens[i], i >= r.Chats)
			if err != nil {
				return err
			}
			local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%sources))}
			socket, err := rawclient.DialSocket(ctx, access.SocketURL, local, 1<<10)
			if err != nil {
				return err
			}
			mu.Lock()
			sockets = append(sockets, socket)
			mu.Unlock()
			return socket.Subscribe()
		})
	})
	r.OpenPerSecond = float64(len(tokens)) / took.Seconds()
	r.OpenCPU = stats.Microseconds(cpu) / float64(len(tokens))
	if err == nil {
		fmt.Fprintf(b.out, "idle: %d sockets opened and subscribed, %.0f/s, server %.0f us each\n",
			len(sockets), r.OpenPerSecond, r.OpenCPU)
	}
	return sockets, err
}

// settled returns the server's memory now and once it has settled. The Go runtime
// collects garbage after two minutes at the latest, and gives memory back slowly.
func (b *bench) settled(ctx context.Context, s *process.Server) (now, later process.Memory, err error) {
	if now, err = s.Process.Memory(); err != nil {
		return now, later, err
	}
	if err = talk.Pause(ctx, b.Settle); err != nil {
		return now, later, err
	}
	later, err = s.Process.Memory()
	return now, later, err
}

// heartbeats sends a ping and a heartbeat on every socket, as ChatJS does every 10
// seconds (semantics.md 1.2), and insists on every answer.
func (b *bench) heartbeats(ctx context.Context, s *process.Server, r *idleSockets, sockets []*rawclient.Socket) error {
	var answered atomic.Int64
	_, cpu, err := timed(s, func() error {
		return talk.InParallel(ctx, len(sockets), func(_ context.Context, i int) error {
			if err := sockets[i].Heartbeat(); err != nil {
				return fmt.Errorf("socket %d: %w", i, err)
			}
			answered.Add(1)
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("WRONG: of %d idle sockets only %d answer: %w", len(sockets), answered.Load(), err)
	}
	r.HeartbeatCPU = stats.Microseconds(cpu) / float64(len(sockets))
	fmt.Fprintf(b.out, "idle: all %d sockets answered a ping and a heartbeat, server %.0f us each\n", len(sockets), r.HeartbeatCPU)
	return nil
}

func closeSockets(sockets []*rawclient.Socket) {
	for _, s := range sockets {
		s.Close()
	}
}

// timed reports how long do takes and what CPU time the server uses meanwhile.
func timed(s *process.Server, do func() error) (took, cpu time.Duration, err error) {
	cpu0, err0 := s.Process.CPU()
	began := time.Now()
	err = do()
	took = time.Since(began)
	cpu1, err1 := s.Process.CPU()
	return took, cpu1 - cpu0, errors.Join(err, err0, err1)
}
