// Package token mints and verifies the tokens Parley gives to clients: participant
// and connection tokens, the tokens in the URLs of websockets and attachments, and
// transcript page tokens.
//
// A token is what it says, sealed: base64url of
//
//	version 1 byte · kind 1 byte · body · HMAC-SHA256 of all that, cut to 16 bytes
//
// so that any node that has the key can verify it without asking anybody. Whether a
// participant is still in the chat is not a token's business.
package token

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash"
	"sync"
	"time"
)

// Kind keeps a token from being used for another purpose.
type Kind byte

// The kinds of token. Their numbers are on the wire: never reuse one.
const (
	// Participant tokens name a participant for as long as they are in the chat
	// (semantics.md 4): StartChatContact and CreateParticipant give them out.
	Participant Kind = 1
	// Connection tokens are for all participant operations but
	// CreateParticipantConnection; they live a day.
	Connection Kind = 2
	// Socket tokens are in websocket URLs; they expire ConnectWindow after the URL was
	// made.
	Socket Kind = 3
	// Page tokens are GetTranscript's NextToken; they stay valid.
	Page Kind = 4
	// Blob tokens are in the URLs at which a node takes and gives the bytes of
	// attachments (semantics.md 6); each is for one verb, one attachment and some minutes.
	Blob Kind = 5
	// View tokens name a version of a view (semantics.md 3.5); they stay valid.
	View Kind = 6
	// Auth tokens name an authentication of a chat: they are the state that goes to an
	// identity provider and comes back (semantics.md 3.4, 9.10). The chat knows how long
	// one counts.
	Auth Kind = 7
	// Console tokens are the sessions of the web console: who is signed in, and until when.
	Console Kind = 8
)

// A websocket's times. Both run from when its URL was made, so a socket ends SocketLife
// minus ConnectWindow after its token expires.
const (
	// ConnectWindow is how long the URL may be opened (semantics.md 1.1).
	ConnectWindow = 100 * time.Second
	// SocketLife is how long the socket may be used: ConnectionExpiry (semantics.md 4).
	// ChatJS replaces its websocket after 59 minutes.
	SocketLife = 65 * time.Minute
)

// The errors of Open and Verify. None of them says anything of the token's content.
var (
	ErrInvalid = errors.New("token: malformed, or not signed by this server's key")
	ErrKind    = errors.New("token: of another kind")
	ErrExpired = errors.New("token: expired")
)

// Bounds of what is accepted and made, in bytes.
const (
	MinKeySize = 16
	// MaxLength is that of a Blob token with the longest file name and media type; the
	// others have less than 400.
	MaxLength  = 1800
	version    = 1
	macSize    = 16
	headSize   = 2
	claimsSize = 16 + 16 + 8
)

// Claims are what a participant, connection or socket token says.
type Claims struct {
	Chat        [16]byte
	Participant [16]byte
	// Expires has whole milliseconds; the zero time means never.
	Expires time.Time
}

// Keyring mints with its first key and verifies with all of them, so that a key can
// be replaced without cutting anybody off.
type Keyring struct {
	macs []*sync.Pool // of hash.Hash, one pool per key: making an HMAC costs more than using it
}

// NewKeyring takes one or more secret keys of at least MinKeySize bytes.
func NewKeyring(keys ...[]byte) (*Keyring, error) {
	if len(keys) == 0 {
		return nil, errors.New("token: no key")
	}
	k := &Keyring{}
	for _, key := range keys {
		if len(key) < MinKeySize {
			return nil, errors.New("token: a key must have at least 16 bytes")
		}
		k.macs = append(k.macs, &sync.Pool{New: func() any { return hmac.New(sha256.New, key) }})
	}
	return k, nil
}

// NewKey makes a random key.
func NewKey() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails: see crypto/rand
	return key
}

// Mint makes a token of the claims. The same claims give the same token.
func (k *Keyring) Mint(kind Kind, c Claims) string {
	var body [claimsSize]byte
	copy(body[0:], c.Chat[:])
	copy(body[16:], c.Participant[:])
	if !c.Expires.IsZero() {
		binary.BigEndian.PutUint64(body[32:], uint64(c.Expires.UnixMilli()))
	}
	return k.Seal(kind, body[:])
}

// Verify reads a token made by Mint.
func (k *Keyring) Verify(kind Kind, tok string, now time.Time) (Claims, error) {
	body, err := k.Open(kind, tok)
	if err != nil {
		return Claims{}, err
	}
	if len(body) != claimsSize {
		return Claims{}, ErrInvalid
	}
	c := Claims{Chat: [16]byte(body[0:]), Participant: [16]byte(body[16:])}
	if ms := binary.BigEndian.Uint64(body[32:]); ms != 0 {
		c.Expires = time.UnixMilli(int64(ms)).UTC()
		if !now.Before(c.Expires) {
			return Claims{}, ErrExpired
		}
	}
	return c, nil
}

// Seal makes a token of any short body.
func (k *Keyring) Seal(kind Kind, body []byte) string {
	raw := make([]byte, 0, headSize+len(body)+sha256.Size)
	raw = append(raw, version, byte(kind))
	raw = append(raw, body...)
	raw = mac(k.macs[0], raw, raw)[:headSize+len(body)+macSize]
	return base64.RawURLEncoding.EncodeToString(raw)
}

// Open reads a token made by Seal.
func (k *Keyring) Open(kind Kind, tok string) ([]byte, error) {
	if len(tok) > MaxLength {
		return nil, ErrInvalid
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(tok)
	if err != nil || len(raw) < headSize+macSize || raw[0] != version {
		return nil, ErrInvalid
	}
	signed, sum := raw[:len(raw)-macSize], raw[len(raw)-macSize:]
	for _, pool := range k.macs {
		if !hmac.Equal(mac(pool, nil, signed)[:macSize], sum) {
			continue
		}
		if Kind(raw[1]) != kind {
			return nil, ErrKind
		}
		return signed[headSize:], nil
	}
	return nil, ErrInvalid
}

// mac appends the whole HMAC of data to dst.
func mac(pool *sync.Pool, dst, data []byte) []byte {
	h := pool.Get().(hash.Hash)
	defer pool.Put(h)
	h.Reset()
	h.Write(data)
	return h.Sum(dst)
}
