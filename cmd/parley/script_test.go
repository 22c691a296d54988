package main

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/connect"
	connecttypes "github.com/aws/aws-sdk-go-v2/service/connect/types"
	"github.com/jonboulle/clockwork"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/server"
)

// scriptPatience is how long a script waits for what must happen.
const scriptPatience = 3 * time.Minute

// TestScripts runs the scripts in testdata, each with a server of its own, that the
// variables of the AWS SDKs point to.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			url, err := serveScript(e)
			e.Setenv("AWS_ENDPOINT_URL", url)
			e.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"waiting": waiting, "await": await, "turn": turn, "begin": begin,
		},
	})
}

func serveScript(e *testscript.Env) (url string, err error) {
	s := config.Defaults()
	s.Listen, s.Data = "127.0.0.1:0", config.Memory
	srv, err := server.Open(s, clockwork.NewRealClock(), slog.New(slog.DiscardHandler))
	if err != nil {
		return "", err
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ctx) }()
	e.Defer(func() {
		stop()
		<-served
	})
	return srv.Listening(), nil
}

// waiting waits until there is a contact that goes on, and sets CONTACT to its id.
func waiting(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: waiting")
	}
	listed := regexp.MustCompile(`"contact":"([^"]+)"`)
	poll(ts, "no contact goes on", func() bool {
		var out, errs strings.Builder
		if code := run(context.Background(), []string{
			"contacts", "list", "--active", "--json", "--endpoint", ts.Getenv("AWS_ENDPOINT_URL"),
		}, &out, &errs); code != 0 {
			ts.Fatalf("%s", errs.String())
		}
		found := listed.FindStringSubmatch(out.String())
		if found != nil {
			ts.Setenv("CONTACT", found[1])
		}
		return found != nil
	})
}

// begin starts contacts whose customers do not come; one, or as many as are asked for.
func begin(ts *testscript.TestScript, neg bool, args []string) {
	n := 1
	if len(args) == 1 {
		var err error
		n, err = strconv.Atoi(args[0])
		ts.Check(err)
	}
	if neg || len(args) > 1 {
		ts.Fatalf("usage: begin [NUMBER]")
	}
	api := controlPlane(ts.Getenv("AWS_ENDPOINT_URL"))
	for range n {
		_, err := api.StartChatContact(context.Background(), &connect.StartChatContactInput{
			InstanceId: &instance, ContactFlowId: aws.String(config.LocalFlow),
			ParticipantDetails: &connecttypes.ParticipantDetails{DisplayName: aws.String("Nobody")},
		})
		ts.Check(err)
	}
}

// turn turns the server's clock.
func turn(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: turn DURATION")
	}
	resp, err := http.Post(ts.Getenv("AWS_ENDPOINT_URL")+"/_parley/clock", "application/json", strings.NewReader(`{"Advance":"`+args[0]+`"}`))
	ts.Check(err)
	if resp.Body.Close(); resp.StatusCode != http.StatusOK {
		ts.Fatalf("%s", resp.Status)
	}
}

// await waits until a file has what a pattern matches.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await FILE PATTERN")
	}
	pattern := regexp.MustCompile(args[1])
	poll(ts, args[0]+" never has "+args[1], func() bool {
		text, _ := os.ReadFile(ts.MkAbs(args[0])) // may not be there yet
		return pattern.Match(text)
	})
}

func poll(ts *testscript.TestScript, never string, until func() bool) {
	for limit := time.Now().Add(scriptPatience); !until(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(limit) {
			ts.Fatalf("%s", never)
		}
	}
}
