package server

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/blob/diskblob"
	"github.com/parley-chat/parley/internal/blob/memblob"
	"github.com/parley-chat/parley/internal/blob/s3blob"
	"github.com/parley-chat/parley/internal/blob/served"
	"github.com/parley-chat/parley/internal/participant"
	"github.com/parley-chat/parley/internal/scan"
	"github.com/parley-chat/parley/internal/token"
	"github.com/parley-chat/parley/internal/work"
)

// openBlobs opens the place where the settings say that files are.
func (s *Server) openBlobs(clock clockwork.Clock, tokens *token.Keyring) error {
	blobs, err := s.newBlobs(served.Config{Base: s.URL(), Tokens: tokens, Clock: clock})
	if err != nil {
		return err
	}
	s.blobs = blobs
	return nil
}

func (s *Server) newBlobs(c served.Config) (blob.Store, error) {
	switch {
	case s.settings.Blobs != "":
		return orNil(s3blob.Open(context.Background(), s.settings.Blobs, c.Clock, s.log))
	case s.dir.path == "":
		return memblob.New(c), nil
	default:
		return orNil(diskblob.Open(filepath.Join(s.dir.path, attachmentsDir), c))
	}
}

// attachmentsDir is the name of their directory in a data directory.
const attachmentsDir = "attachments"

// orNil makes the nil of a type no [blob.Store].
func orNil[S blob.Store](s S, err error) (blob.Store, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// scanner is that of the settings; nil if there is none.
func (s *Server) scanner(clock clockwork.Clock) (scan.Scanner, error) {
	c := scan.Config{Blobs: s.blobs, Clock: clock, Timeout: work.ScanTime}
	setting := s.settings.Scanner
	var made scan.Scanner
	var err error
	switch {
	case setting == "":
		return nil, nil
	case strings.HasPrefix(setting, "http://"), strings.HasPrefix(setting, "https://"):
		made, err = scan.NewHook(setting, c)
	default:
		made, err = scan.NewCommand(strings.Fields(setting), c)
	}
	if err != nil {
		return nil, fmt.Errorf("scanner: %w", err)
	}
	return made, nil
}

// attachments are the limits of the settings.
func (s *Server) attachments() (participant.Attachments, error) {
	given, only, err := s.settings.MediaTypes()
	if err != nil {
		return participant.Attachments{}, err
	}
	types := participant.DefaultMediaTypes()
	for ext, list := range given {
		types[ext] = append(slices.Clip(types[ext]), list...)
	}
	if only {
		maps.DeleteFunc(types, func(ext string, _ []string) bool { return given[ext] == nil })
	}
	return participant.Attachments{
		Off:     s.settings.Attachments == "off",
		MaxSize: int64(s.settings.AttachmentSize) * participant.MiB, MaxCount: s.settings.AttachmentCount, Types: types,
		Scan: s.settings.Scanner != "",
	}, nil
}
