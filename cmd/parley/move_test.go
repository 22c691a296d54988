package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant/types"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/parley-chat/parley/client"
	"github.com/parley-chat/parley/internal/blob/s3blob/s3test"
	"github.com/parley-chat/parley/internal/pgtest"
)

// mover is somebody in a chat whose installation moves: the tokens stay, and so must all
// that they give.
type mover struct {
	name string
	*sdkClient
	seen  string            // the transcript, as JSON
	files map[string]string // by attachment id
}

// join takes a place in a chat, says something and shares a file.
func join(t *testing.T, url, name, token string) *mover {
	t.Helper()
	m := &mover{name: name, sdkClient: newClient(token, connectparticipant.Options{}, url), files: make(map[string]string)}
	s, err := client.Join(t.Context(), aws.Config{
		Region: "us-east-1", BaseEndpoint: &url, Credentials: aws.AnonymousCredentials{},
	}, client.Details{ParticipantToken: token})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Send(t.Context(), "I am "+name); err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("written by "+name+"\n", 10_000)
	id, err := s.Attach(t.Context(), client.Upload{Name: "Übersicht " + name + ".txt", Size: int64(len(text)), Content: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
	m.files[id] = text
	if _, err := m.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	return m
}

// at is the same person, with the same tokens, at another server.
func (m *mover) at(url string) { m.apis = newClient("", connectparticipant.Options{}, url).apis }

// transcript reads it by the connection token.
func (m *mover) transcript(t *testing.T) string {
	t.Helper()
	var all []types.Item
	if err := m.pages(t.Context(), nil, func(it types.Item) { all = append(all, it) }); err != nil {
		t.Fatalf("%s: %v", m.name, err)
	}
	text, err := json.Marshal(all, jsontext.Multiline(true))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// check has everything be as it was, and the chat go on.
func (m *mover) check(t *testing.T, url string) {
	t.Helper()
	m.at(url)
	if got := m.transcript(t); got != m.seen {
		t.Errorf("the transcript of %s is now\n%s\nand was\n%s", m.name, got, m.seen)
	}
	for id, want := range m.files {
		out, err := m.api().GetAttachment(t.Context(), &connectparticipant.GetAttachmentInput{
			ConnectionToken: m.connectionToken(), AttachmentId: &id,
		})
		if err != nil {
			t.Fatalf("%s: %v", m.name, err)
		}
		got, header := fetch(t, *out.Url)
		if got != want || header.Get("Content-Type") != "text/plain" || !strings.Contains(header.Get("Content-Disposition"), "filename*=UTF-8''%C3%9Cbersicht") {
			t.Errorf("%s: the attachment has %d bytes %.40q, and is %s %s", m.name, len(got), got,
				header.Get("Content-Type"), header.Get("Content-Disposition"))
		}
	}
	if _, err := m.connect(t.Context()); err != nil { // by the participant token
		t.Errorf("%s: %v", m.name, err)
	}
	if _, _, err := m.message(t.Context(), m.name+" is here", url); err != nil {
		t.Errorf("%s: %v", m.name, err)
	}
}

func fetch(t *testing.T, url string) (string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET: %s %.300q, %v", resp.Status, text, err)
	}
	return string(text), resp.Header
}

// stop ends a server as an operator does.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.done
}

// parley runs a command that must succeed, and gives what it says.
func parley(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs strings.Builder
	if code := run(t.Context(), args, &out, &errs); code != 0 {
		t.Fatalf("parley %v: exit code %d: %s", args, code, errs.String())
	}
	return out.String()
}

// An installation moves to another directory, to PostgreSQL and an S3-compatible store, and
// back into a directory, while its customers and agents keep their tokens: they find their
// chats and attachments as they were, and go on.
func TestMove(t *testing.T) {
	s3test.Setenv(t)
	objects := s3test.Start(t)
	bucket := objects.Bucket(t)
	store, blobs := pgtest.Start(t).URL("postgres"), objects.URL(bucket, "moved")
	place := func(name string) string { return filepath.Join(t.TempDir(), name) }
	one, two, three, key := place("one"), place("two"), place("three"), place("key")

	server := startParley(t, "--listen", "127.0.0.1:0", "--data", one)
	var people []*mover
	for i := range 3 {
		contact, customer := startChat(t, t.Context(), server.url, "Jane")
		jane := join(t, server.url, fmt.Sprint("Jane", i), customer)
		bob := join(t, server.url, fmt.Sprint("Bob", i), addAgent(t, t.Context(), server.url, contact, "Bob"))
		if i == 2 { // this chat ends: nobody can ask for its attachments, but operators may
			if _, err := bob.api().DisconnectParticipant(t.Context(), &connectparticipant.DisconnectParticipantInput{ConnectionToken: bob.connectionToken()}); err != nil {
				t.Fatal(err)
			}
			continue
		}
		people = append(people, jane, bob)
	}
	move := func(args ...string) (said string) {
		for _, p := range people {
			p.seen = p.transcript(t)
		}
		server.stop(t)
		return parley(t, append([]string{"copy"}, args...)...)
	}
	check := func() {
		for _, p := range people {
			p.check(t, server.url)
		}
	}

	said := move("--from", one, "--to", two)
	if !strings.Contains(said, "copied 6 attachments with ") || !strings.Contains(said, "the token key was copied too") {
		t.Errorf("it says\n%s", said)
	}
	server = startParley(t, "--listen", "127.0.0.1:0", "--data", two)
	check()

	said = move("--from", two, "--to", store, "--blobs-to", blobs, "--token-key-to", key)
	if !strings.Contains(said, "copied 6 attachments with ") || !strings.Contains(said, "set token-keys to what is in "+key) {
		t.Errorf("it says\n%s", said)
	}
	if n := len(objects.Objects(t, bucket)); n != 6 {
		t.Errorf("there are %d objects in the bucket; want 6", n)
	}
	if said := parley(t, "copy", "--from", two, "--to", store, "--blobs-to", blobs); !strings.Contains(said, ", 0 of which were new; the sha256 ") {
		t.Errorf("copied again it says\n%s", said)
	}
	tokenKeys, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	keys := strings.TrimSpace(string(tokenKeys))
	server = startParley(t, "--listen", "127.0.0.1:0", "--store", store, "--blobs", blobs, "--token-keys", keys)
	check()

	said = move("--from", store, "--blobs-from", blobs, "--to", three)
	if !strings.Contains(said, "copied 6 attachments with ") || !strings.Contains(said, "set token-keys as it was before") {
		t.Errorf("it says\n%s", said)
	}
	server = startParley(t, "--listen", "127.0.0.1:0", "--data", three, "--token-keys", keys)
	check()
}
