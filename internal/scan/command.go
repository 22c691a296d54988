package scan

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/parley-chat/parley/internal/blob"
)

// Command is a [Scanner] that runs a program for each attachment: with the message on
// its standard input, and the path of a copy of the attachment as its last argument and
// in the message. Its standard output is the answer. No shell is involved.
type Command struct {
	config Config
	argv   []string
}

// killTime is how long a command's output is waited for when the command itself has
// ended: others that it has started may still hold it.
const killTime = 2 * time.Second

// maxComplaint bounds what is repeated of a command's standard error, in bytes.
const maxComplaint = 500

// NewCommand takes the program and its first arguments. The error is a sentence for who
// started the server.
func NewCommand(argv []string, c Config) (*Command, error) {
	if len(argv) == 0 || argv[0] == "" {
		return nil, errors.New("the scanner's command is empty; name a program")
	}
	program, err := exec.LookPath(argv[0])
	if err != nil {
		return nil, fmt.Errorf("the scanner's command can't be run: %w; name a program that Parley's user may execute", err)
	}
	argv = slices.Clone(argv)
	argv[0] = program
	return &Command{c, argv}, nil
}

// Scan implements [Scanner].
func (s *Command) Scan(ctx context.Context, r Request) (bool, error) {
	ctx, cancel := s.config.attempt(ctx)
	defer cancel()
	path, err := save(ctx, s.config.Blobs, r.Key)
	if path != "" {
		defer os.Remove(path)
	}
	if err != nil {
		if ended := s.config.ended(ctx); ended != nil {
			return false, ended
		}
		return false, unavailable(err)
	}
	message, err := r.encode(location{Path: path})
	if err != nil {
		return false, fmt.Errorf("%w: the request can't be written: %w", ErrFinal, err)
	}
	return s.run(ctx, path, message)
}

// save copies an attachment to a file of its own: a scanner can't change it.
func save(ctx context.Context, blobs blob.Store, k blob.Key) (path string, err error) {
	in, err := blobs.Open(ctx, k)
	if err != nil {
		return "", err
	}
	defer in.Close()
	out, err := os.CreateTemp("", "parley-scan-*") // for its owner only
	if err != nil {
		return "", err
	}
	_, err = io.Copy(out, in)
	return out.Name(), errors.Join(err, out.Close())
}

// run runs the command and reads its answer.
func (s *Command) run(ctx context.Context, path string, message []byte) (bool, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	args := append(slices.Clone(s.argv[1:]), path)
	cmd := exec.CommandContext(ctx, s.argv[0], args...)
	cmd.Env = environment()
	cmd.Stdin = bytes.NewReader(message)
	answer := &head{most: maxAnswer, full: func() { cancel(errTooLong) }}
	complaint := &head{most: maxComplaint}
	cmd.Stdout, cmd.Stderr = answer, complaint
	cmd.WaitDelay = killTime
	ownGroup(cmd)
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) { // what it has left behind holds its output
		killGroup(cmd)
		err = nil
	}
	switch {
	case errors.Is(context.Cause(ctx), errTooLong):
		return false, fmt.Errorf("%w: its answer has more than %d bytes", ErrFinal, maxAnswer)
	case err == nil:
		return understand(answer.data)
	case s.config.ended(ctx) != nil:
		return false, s.config.ended(ctx)
	case unusable(err):
		return false, fmt.Errorf("%w: %w", ErrFinal, err)
	}
	return false, fmt.Errorf("%w: %w: %s", ErrRetry, err, strings.TrimSpace(strings.ToValidUTF8(string(complaint.data), "?")))
}

// errTooLong is the cause of the end of a command that answers too much.
var errTooLong = errors.New("the answer is too long")

// unusable reports whether a program could not be started, and never will be.
func unusable(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOEXEC) || errors.Is(err, exec.ErrNotFound)
}

// environment is Parley's own without its secrets.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "PARLEY_") || strings.HasPrefix(v, "AWS_")
	})
}

// head keeps the first bytes of what is written, and tells when there are more.
type head struct {
	data []byte
	most int
	full func() // may be nil
}

// Write implements [io.Writer].
func (h *head) Write(p []byte) (int, error) {
	room := h.most - len(h.data)
	h.data = append(h.data, p[:min(room, len(p))]...)
	if len(p) > room && h.full != nil {
		h.full()
	}
	return len(p), nil
}
