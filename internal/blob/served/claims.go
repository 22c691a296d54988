package served

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/chat"
)

// The verbs of a URL.
const (
	put = 'P' // PUT
	get = 'G' // GET and HEAD
)

// claims are what a URL's token says:
//
//	verb 1 byte · chat 16 · attachment 16 · expiry in ms 8 · size 8, then
//	for put: a digest of each header, 8 bytes each, in the order of signed
//	for get: length of the media type 1 · media type · name
type claims struct {
	verb    byte
	key     blob.Key
	expires time.Time
	size    int64
	headers [len(signed)]digest // of put
	// of get
	contentType, name string
}

// signed are the headers of a PUT that must have the values that were announced. The
// real service signs them too, so a client that forgets one is found out here already.
var signed = [...]string{
	blob.HeaderType, blob.HeaderDisposition, blob.HeaderACL,
	blob.HeaderContact, blob.HeaderInitialContact, blob.HeaderAccount, blob.HeaderOrganization,
}

// digest stands for a header's value: an URL has no room for all of them.
type digest [8]byte

func digestOf(value string) digest {
	sum := sha256.Sum256([]byte(value))
	return digest(sum[:])
}

// digests are those of the signed headers.
func digests(headers map[string]string) (all [len(signed)]digest) {
	for i, name := range signed {
		all[i] = digestOf(headers[name])
	}
	return all
}

// differs names the first header that has not the announced value.
func (c *claims) differs(h http.Header) (name string, differs bool) {
	for i, name := range signed {
		if digestOf(strings.Join(h.Values(name), ",")) != c.headers[i] {
			return name, true
		}
	}
	return "", false
}

const headSize = 1 + 16 + 16 + 8 + 8

func (c *claims) encode() []byte {
	b := make([]byte, 0, headSize+1+len(c.contentType)+len(c.name))
	b = append(b, c.verb)
	b = append(b, c.key.Chat.UUID[:]...)
	b = append(b, c.key.Attachment.UUID[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.expires.UnixMilli()))
	b = binary.BigEndian.AppendUint64(b, uint64(c.size))
	if c.verb == put {
		for _, d := range c.headers {
			b = append(b, d[:]...)
		}
		return b
	}
	b = append(b, byte(len(c.contentType)))
	return append(append(b, c.contentType...), c.name...)
}

var errClaims = errors.New("the token says nothing that this version understands")

// decode reads what encode has made.
func decode(b []byte) (c claims, err error) {
	if len(b) < headSize {
		return c, errClaims
	}
	c.verb = b[0]
	c.key = blob.Key{Chat: chat.ChatID{ID: chat.ID{UUID: uuid.UUID(b[1:17])}}, Attachment: chat.ID{UUID: uuid.UUID(b[17:33])}}
	c.expires = time.UnixMilli(int64(binary.BigEndian.Uint64(b[33:]))).UTC()
	c.size = int64(binary.BigEndian.Uint64(b[41:]))
	rest := b[headSize:]
	switch {
	case c.verb == put && len(rest) == len(signed)*len(digest{}):
		for i := range c.headers {
			c.headers[i] = digest(rest[i*len(digest{}):])
		}
	case c.verb == get && len(rest) > 0 && len(rest) > int(rest[0]):
		name := 1 + int(rest[0])
		c.contentType, c.name = string(rest[1:name]), string(rest[name:])
	default:
		return c, errClaims
	}
	return c, nil
}
