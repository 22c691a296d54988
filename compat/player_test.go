package compat

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// failure is an error as a client reports it, or as the scenario expects it.
type failure struct {
	Type    string   `json:"type" yaml:"type"`
	Message string   `json:"message" yaml:"message"` // exact; any if empty
	Status  int      `json:"status" yaml:"status"`
	Says    []string `json:"-" yaml:"says"` // parts of the message
}

// player is a running client.
type player struct {
	t     *testing.T
	trace *tail // the last lines in both directions
	in    *json.Encoder
	calls int

	mu      sync.Mutex
	changed chan struct{} // closed, and made anew, at every line
	answers map[int]line
	items   map[string][]map[string]any // what a participant has got and nobody looked at yet
	events  map[string]int              // callbacks of a participant, by "who event"
	types   map[string]bool             // the ContentTypes of all items there ever were
	gone    error
}

// line is what a player writes: an answer or an event.
type line struct {
	ID    int            `json:"id"`
	OK    map[string]any `json:"ok"`
	Error *failure       `json:"error"`
	Event string         `json:"event"`
	Who   string         `json:"who"`
	Item  map[string]any `json:"item"`
}

// startPlayer starts the program that drives a client.
func startPlayer(t *testing.T, command []string, env []string) *player {
	p := &player{
		t: t, trace: new(tail), changed: make(chan struct{}),
		answers: make(map[int]line), items: make(map[string][]map[string]any), events: make(map[string]int),
		types: make(map[string]bool),
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = env
	cmd.Stderr = lineWriter{p.trace}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.in = json.NewEncoder(stdin)
	read := make(chan struct{})
	go func() {
		defer close(read)
		p.read(stdout)
	}()
	t.Cleanup(func() {
		stdin.Close() // a player ends with its input
		select {
		case <-read:
		case <-time.After(patience):
			cmd.Process.Kill()
		}
		cmd.Wait()
	})
	return p
}

// lineWriter keeps what a player writes on stderr.
type lineWriter struct{ to *tail }

func (w lineWriter) Write(text []byte) (int, error) {
	w.to.add("stderr: " + string(text))
	return len(text), nil
}

// read takes the player's lines until it ends.
func (p *player) read(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		p.trace.add("<- " + lines.Text())
		var l line
		err := json.Unmarshal(lines.Bytes(), &l)
		p.note(l, err)
	}
	p.note(line{}, fmt.Errorf("the player ended: %v", lines.Err()))
}

// note keeps a line and wakes those who wait for it.
func (p *player) note(l line, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err != nil:
		p.gone = err
	case l.Event == "item":
		p.items[l.Who] = append(p.items[l.Who], l.Item)
		contentType, _ := l.Item["ContentType"].(string)
		p.types[contentType] = true
	case l.Event != "":
		p.events[l.Who+" "+l.Event]++
	default:
		p.answers[l.ID] = l
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

// await waits until the condition holds, which is asked with mu held.
func (p *player) await(limit time.Duration, condition func() bool) error {
	timeout := time.After(limit)
	for {
		p.mu.Lock()
		ok, gone, changed := condition(), p.gone, p.changed
		p.mu.Unlock()
		switch {
		case ok:
			return nil
		case gone != nil:
			return gone
		}
		select {
		case <-changed:
		case <-timeout:
			return fmt.Errorf("nothing came within %s", limit)
		}
	}
}

// call has the player do something and gives its answer.
func (p *player) call(do, who string, in map[string]any) (map[string]any, *failure, error) {
	p.calls++
	id := p.calls
	request := map[string]any{"id": id, "do": do, "who": who, "in": in}
	text, _ := json.Marshal(request)
	p.trace.add("-> " + string(text))
	if err := p.in.Encode(request); err != nil {
		return nil, nil, err
	}
	var answer line
	err := p.await(patience, func() (ok bool) {
		answer, ok = p.answers[id]
		return ok
	})
	return answer.OK, answer.Error, err
}

// next takes the next item that a participant got.
func (p *player) next(who string) (item map[string]any, err error) {
	err = p.await(patience, func() bool {
		if len(p.items[who]) == 0 {
			return false
		}
		item, p.items[who] = p.items[who][0], p.items[who][1:]
		return true
	})
	return item, err
}

// rest gives what participants got and nobody expected, and the callbacks there were,
// and forgets both.
func (p *player) rest() (items map[string][]map[string]any, events map[string]int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	items, events = p.items, p.events
	p.items, p.events = make(map[string][]map[string]any), make(map[string]int)
	for who, left := range items {
		if len(left) == 0 {
			delete(items, who)
		}
	}
	return items, events
}
