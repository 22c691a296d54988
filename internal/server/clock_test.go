package server

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/connect"
	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/config"
)

// A turned clock brings about what is due, and leaves signatures valid.
func TestClock(t *testing.T) {
	begun := time.Now().UTC()
	url := openAt(t, settings(func(*config.Settings) {}), clockwork.NewRealClock()).Listening()
	out, err := start(t, url, "hello")
	if err != nil {
		t.Fatal(err)
	}
	now := func(method, body string) time.Time {
		t.Helper()
		status, text := ask(t, method, url+clockPath, body)
		_, text, _ = strings.Cut(text, `{"Now":"`)
		text, _, _ = strings.Cut(text, `"`)
		at, err := time.Parse(time.RFC3339, text)
		if status != http.StatusOK || err != nil {
			t.Fatalf("%s: %d %q %v", method, status, text, err)
		}
		return at
	}
	if got := now("GET", ""); got.Sub(begun) > 5*time.Minute {
		t.Errorf("it is %v, and was %v at the start", got, begun)
	}
	turned := now("POST", `{"Advance":"6m"}`)
	if got := now("GET", ""); turned.Sub(begun) < 6*time.Minute-time.Second || got.Before(turned) {
		t.Errorf("it is %v after %v", got, turned)
	}
	client := sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(config.LocalKeyID, config.LocalSecret, ""),
	})
	d, err := client.DescribeContact(t.Context(), &sdk.DescribeContactInput{
		InstanceId: aws.String(config.Defaults().InstanceID), ContactId: out.ContactId,
	})
	if err != nil || aws.ToString(d.Contact.DisconnectReason) != "CUSTOMER_CONNECTION_NOT_ESTABLISHED" {
		t.Errorf("five minutes after the start the contact is %+v, %v", d, err)
	}
}

func TestClockRefusals(t *testing.T) {
	url := open(t, settings(func(*config.Settings) {})).Listening()
	for body, want := range map[string]string{
		``: "the body must be like", `{"Advance":2}`: "the body must be like", `{"Advanc":"2m"}`: "the body must be like",
		`{}`: "the Advance must be", `{"Advance":"2"}`: "the Advance must be", `{"Advance":"0s"}`: "the Advance must be",
		`{"Advance":"-1m"}`: "the Advance must be", `{"Advance":"721h"}`: "the Advance must be",
	} {
		if status, text := ask(t, "POST", url+clockPath, body); status != 400 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", body, status, text)
		}
	}
	if status, _ := ask(t, "POST", url+clockPath, `{"Advance":"2m"}`, "Origin", "https://example.com"); status != 403 {
		t.Errorf("a web page has turned the clock: %d", status)
	}
	if status, _ := ask(t, "DELETE", url+clockPath, ""); status != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: %d", status)
	}
	url = open(t, settings(func(s *config.Settings) { s.AccessKeys = []string{"id:secret"} })).Listening()
	if status, _ := ask(t, "GET", url+clockPath, ""); status != http.StatusNotFound {
		t.Errorf("a server with its own keys has a clock that can be turned: %d", status)
	}
}
