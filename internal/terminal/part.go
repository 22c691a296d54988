package terminal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/connectparticipant/types"

	"github.com/parley-chat/parley/client"
	"github.com/parley-chat/parley/client/event"
)

// Help lists what a line may ask for besides being said.
const Help = `  /attach FILE        share a file
  /download ID [FILE] save a file that was shared
  /barge, /back       take part in the chat that you watch as a supervisor, and not
  /quit               leave the chat
  /help               this list
  //…                 say something that begins with /`

// maxLine is the longest line that can be said; services take 16 KiB.
const maxLine = 1 << 20

// Part is somebody's part in a chat.
type Part struct {
	*client.Session
	// Silent is set for somebody who only watches: nobody is told that they are typing,
	// or have read something.
	Silent bool
}

// Leave disconnects. Who is out already is not surprised.
func (t *Part) Leave(ctx context.Context) error {
	err := t.Disconnect(ctx)
	var out *types.AccessDeniedException
	if errors.Is(err, client.ErrEnded) || errors.Is(err, client.ErrClosed) || errors.As(err, &out) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the chat could not be left: %w", Explain(err))
	}
	return nil
}

// do does what a line of input asks for, and gives what is to be noted.
func (t *Part) do(ctx context.Context, line string) (note string, err error) {
	command, arg, _ := strings.Cut(strings.TrimSpace(line), " ")
	arg = strings.TrimSpace(arg)
	switch {
	case strings.TrimSpace(line) == "":
		return "", nil
	case strings.HasPrefix(line, "//"):
		_, err = t.Send(ctx, line[1:])
	case !strings.HasPrefix(command, "/"):
		_, err = t.Send(ctx, line)
	case command == "/quit":
		err = t.Leave(ctx)
	case command == "/help":
		return Help, nil
	case command == "/barge":
		err = t.BargeIn(ctx)
	case command == "/back":
		err = t.StepBack(ctx)
	case command == "/attach" && arg != "":
		if _, err = t.AttachFile(ctx, arg); err == nil {
			note = "* " + Line(filepath.Base(arg)) + " was sent"
		}
	case command == "/download" && arg != "":
		id, path, _ := strings.Cut(arg, " ")
		note, err = t.save(ctx, id, strings.TrimSpace(path))
	default:
		err = fmt.Errorf("%s is not known, or needs more; see /help. To say it, write //", command)
	}
	return note, Explain(err)
}

// save downloads a file into one that does not exist yet.
func (t *Part) save(ctx context.Context, id, path string) (note string, err error) {
	d, err := t.Download(ctx, id)
	if err != nil {
		return "", err
	}
	defer d.Close()
	if path == "" {
		path = strings.TrimLeft(filepath.Base(filepath.Clean("/"+Line(d.Name))), ".") // the name is somebody else's
	}
	if path == "" || path == string(filepath.Separator) {
		return "", errors.New("the file has no name; say where to save it: /download ID FILE")
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	n, err := io.Copy(f, d)
	if err := errors.Join(err, f.Close()); err != nil {
		os.Remove(path)
		return "", err
	}
	return fmt.Sprintf("* %s has %d bytes", Line(path), n), nil
}

// seen marks as read what somebody else has said. It may take a while.
func (t *Part) seen(ctx context.Context, e event.Event) {
	it, _ := event.Of(e)
	switch e.(type) {
	case event.Message, event.Attachment:
		if !it.Own && it.Role != types.ParticipantRoleSystem && !t.Silent {
			_ = t.MarkRead(ctx, it.ID) // refused while there are three, and nothing depends on it
		}
	}
}

// Streams are where lines come from, and where what happens and what fails goes to.
type Streams struct {
	In       io.Reader
	Out      *Teller
	Failures io.Writer
}

// Lines says what comes in and prints what happens, until the chat is over. When the
// input ends, it leaves the chat, unless it is to stay.
func (t *Part) Lines(ctx context.Context, to Streams, stay bool) error {
	ctx, stop := context.WithCancel(ctx)
	var marking sync.WaitGroup
	defer marking.Wait()
	defer stop()
	in := &input{Part: t, Streams: to}
	defer in.end()                                          // nothing is told of what is cut short
	begin := sync.OnceFunc(func() { go in.run(ctx, stay) }) // may wait for a line for ever
	for e, err := range t.Events(ctx) {
		if err != nil {
			return err
		}
		if err := to.Out.Tell(e); err != nil {
			return err
		}
		if _, ok := e.(event.CaughtUp); ok { // before, the chat's past could still be lost with its end
			begin()
		}
		marking.Go(func() { t.seen(ctx, e) })
	}
	if n := in.end(); n > 0 {
		return fmt.Errorf("%d of what was asked for failed", n)
	}
	return nil
}

// input is where lines come from.
type input struct {
	*Part
	Streams

	mu     sync.Mutex
	failed int
	ended  bool // the chat is over, and with it what is under way
}

// run does line by line what it asks for, and at the end leaves.
func (in *input) run(ctx context.Context, stay bool) {
	lines := bufio.NewScanner(in.In)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		note, err := in.do(ctx, lines.Text())
		if in.check(err) {
			in.check(in.Out.note(note))
		}
	}
	err := lines.Err()
	if errors.Is(err, bufio.ErrTooLong) {
		err = fmt.Errorf("a line of the input has more than %d bytes; neither it nor what follows was said", maxLine)
	}
	if in.check(err) && stay {
		return
	}
	in.check(in.Leave(ctx))
}

// check counts and tells failures.
func (in *input) check(err error) (ok bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if err != nil && !in.ended {
		in.failed++
		fmt.Fprintf(in.Failures, "parley: %v\n", err)
	}
	return err == nil && !in.ended
}

// end says how much has failed. Nothing is told after it.
func (in *input) end() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.ended = true
	return in.failed
}
