// Parley is a customer-chat server that speaks the Amazon Connect Participant Service.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"

	"github.com/parley-chat/parley/internal/config"
)

// Exit codes.
const (
	exitFailure     = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// commands is the command line.
type commands struct {
	Serve      serveCmd                  `cmd:"" help:"Run the server until it is interrupted."`
	Demo       demoCmd                   `cmd:"" help:"Play one conversation with a server of its own, showing calls and what reaches whom."`
	Chat       chatCmd                   `cmd:"" help:"Take part in a chat, on the terminal or in a pipe."`
	Contacts   contactsCmd               `cmd:"" help:"List, show and end contacts."`
	Tail       tailCmd                   `cmd:"" help:"Watch a contact silently, and print what happens."`
	Copy       copyCmd                   `cmd:"" help:"Copy all chats and attachments from one place to another, and compare them."`
	Config     configCmd                 `cmd:"" help:"Print the settings in force, and where each comes from."`
	Version    versionCmd                `cmd:"" help:"Print the version."`
	Completion kongcompletion.Completion `cmd:"" help:"Print what a shell needs to complete commands."`
}

// env is what a subcommand works with.
type env struct {
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
	sources        *config.Sources
}

// run is main without the process: it parses, runs a subcommand and gives the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	e := &env{ctx: ctx, stdin: os.Stdin, stdout: stdout, stderr: stderr, sources: &config.Sources{}}
	var c commands
	exited := -1
	k, err := kong.New(&c,
		kong.Name("parley"),
		kong.Description("A customer-chat server that speaks the Amazon Connect Participant Service."),
		kong.UsageOnError(), kong.Resolvers(e.sources), kong.Writers(stdout, stderr), kong.Vars(vars),
		kong.Exit(func(code int) { exited = code }), // after --help
	)
	if err != nil {
		return fail(stderr, err, exitFailure)
	}
	if kongcompletion.Register(k); exited >= 0 { // the shell asks
		return exited
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := k.Parse(args)
	var mistake *config.Error
	switch {
	case exited >= 0:
		return exited
	case errors.As(err, &mistake):
		return fail(stderr, mistake, exitFailure)
	case err != nil:
		return fail(stderr, fmt.Errorf("%w; see parley --help", err), exitUsage)
	}
	err = parsed.Run(e)
	var output *fs.PathError
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return fail(stderr, errors.New("interrupted"), exitInterrupted)
	case errors.As(err, &output) && errors.Is(output, syscall.EPIPE):
		return exitFailure // as when the signal ends a command: whoever reads wants no more
	}
	return fail(stderr, err, exitFailure)
}

func fail(stderr io.Writer, err error, code int) int {
	fmt.Fprintf(stderr, "parley: %v\n", err)
	return code
}
