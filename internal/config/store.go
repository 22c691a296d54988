package config

import (
	"errors"
	"regexp"
	"strings"
)

// checkStore does not repeat the URL: it may hold a password. Whether the rest of it
// makes sense, the database's driver says.
func (s *Settings) checkStore() error {
	switch {
	case s.Store == "":
		return nil
	case !strings.HasPrefix(s.Store, "postgres://") && !strings.HasPrefix(s.Store, "postgresql://"):
		return errors.New("store: is not a URL like postgres://USER:PASSWORD@db.example.com:5432/parley; leave it empty to keep chats in the data directory")
	case len(s.TokenKeys) == 0:
		return errors.New("token-keys: must be set with store, to the same on all nodes; make one with: openssl rand -base64 32")
	case s.Blobs == "" && s.Attachments != "off":
		return errors.New("blobs: must be set with store, to the same on all nodes; set it, or attachments to off")
	}
	return nil
}

// What may be secret in the URL of a database: what stands between the user and the
// host, and parameters.
var (
	userPassword = regexp.MustCompile(`^(\w+://[^:@/?]*):.*@`)
	passwords    = regexp.MustCompile(`(?i)(password=)[^&]*`)
)

// withoutPassword is a database's URL as it may be shown.
func withoutPassword(url string) string {
	return passwords.ReplaceAllString(userPassword.ReplaceAllString(url, "${1}:hidden@"), "${1}hidden")
}
