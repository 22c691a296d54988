package server

import (
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/connect"
	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// Nodes that share a database know each other's chats, and need no data directory.
func TestSharedStore(t *testing.T) {
	shared := settings(func(s *config.Settings) {
		s.Store, s.Data = pgtest.Database(t), "/nowhere/to/be/made"
		s.TokenKeys, s.Attachments = []string{"MDEyMzQ1Njc4OWFiY2RlZg=="}, "off"
	})
	one, other := open(t, shared), open(t, shared)
	out, err := start(t, one.Listening(), "hello")
	if err != nil {
		t.Fatal(err)
	}
	url := other.Listening()
	found, err := sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: &url, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(config.LocalKeyID, config.LocalSecret, ""),
	}).DescribeContact(t.Context(), &sdk.DescribeContactInput{
		InstanceId: aws.String(config.Defaults().InstanceID), ContactId: out.ContactId,
	})
	if err != nil || *found.Contact.Id != *out.ContactId {
		t.Errorf("the other node describes %v, %v", found, err)
	}
}

func TestStoreThatCantBeUsed(t *testing.T) {
	s := settings(func(s *config.Settings) {
		s.Store = strings.Replace(pgtest.Database(t), "/test", "/missing", 1)
		s.TokenKeys, s.Attachments = []string{"MDEyMzQ1Njc4OWFiY2RlZg=="}, "off"
	})
	srv, err := Open(s, clockwork.NewRealClock(), slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "CREATE DATABASE") {
		t.Errorf("Open = %v, %v; want it to say what is missing", srv, err)
	}
}
