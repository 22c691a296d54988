package config

import (
	"fmt"
	"mime"
	"regexp"
	"strings"
)

// extension is that of a file, without the dot.
var extension = regexp.MustCompile(`^[a-z0-9]{1,20}$`)

// onlyTypes before the kinds of files says that there are no others.
const onlyTypes = "only"

// MediaTypes are the kinds of files of AttachmentTypes: media types by extension with its
// dot, both in lower case. only says that no others can be sent.
func (s *Settings) MediaTypes() (types map[string][]string, only bool, err error) {
	types = make(map[string][]string)
	for i, pair := range s.AttachmentTypes {
		if i == 0 && pair == onlyTypes && len(s.AttachmentTypes) > 1 {
			only = true
			continue
		}
		ext, mediaType, _ := strings.Cut(strings.ToLower(pair), "=")
		ext = strings.TrimPrefix(ext, ".")
		bare, params, err := mime.ParseMediaType(mediaType)
		if !extension.MatchString(ext) || err != nil || len(params) > 0 || !strings.Contains(bare, "/") {
			return nil, false, fmt.Errorf("attachment-types: number %d, %q, is not of the form EXTENSION=MEDIA-TYPE, like zip=application/zip", i+1, pair)
		}
		types["."+ext] = append(types["."+ext], bare)
	}
	return types, only, nil
}

func (s *Settings) checkAttachments() error {
	if s.AttachmentSize < 1 || s.AttachmentSize > 100 {
		return fmt.Errorf("attachment-size: %d is not from 1 to 100 (MB)", s.AttachmentSize)
	}
	if s.AttachmentCount < 1 {
		return fmt.Errorf("attachment-count: %d is less than 1; to switch attachments off, set attachments to off", s.AttachmentCount)
	}
	_, _, err := s.MediaTypes()
	return err
}
