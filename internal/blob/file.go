package blob

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/parley-chat/parley/internal/chat"
)

// Bounds of what is given out and taken, in characters.
const (
	// MaxURL and MaxHeader are UploadMetadata's, in the model (semantics.md 6).
	MaxURL, MaxHeader = 2000, 256
	// MaxName and MaxType are AttachmentName's and ContentType's, in the model.
	MaxName, MaxType = 256, 255
)

// File is what is known of an attachment before its bytes are there.
type File struct {
	// Name is what the user calls it: any text of 1 to MaxName characters. It is shown,
	// and never used as a path.
	Name string
	// ContentType is its media type, of up to MaxType characters.
	ContentType string
	// Size is in bytes, at least 1.
	Size int64
	// Metadata goes along with the upload.
	Metadata Metadata
}

// Metadata are the values that the upload's x-amz-meta headers have (semantics.md 6):
// printable ASCII, up to MaxHeader characters each, none empty.
type Metadata struct {
	ContactID, InitialContactID string
	// AccountID is the AWS account's number, OrganizationID the instance's id.
	AccountID, OrganizationID string
}

// FileOf describes a chat's file: always in the same way, whoever asks. Its contact is the
// first of the chat, also after a transfer.
func FileOf(id chat.ChatID, f chat.File, account, organization string) File {
	return File{Name: f.Name, ContentType: f.Type, Size: f.Size, Metadata: Metadata{
		ContactID: id.FirstContact().String(), InitialContactID: id.String(), AccountID: account, OrganizationID: organization,
	}}
}

// The names of the headers of an upload, as the real service writes them; iOS drops all
// but these (semantics.md 6).
const (
	HeaderContact        = "x-amz-meta-contact_id"
	HeaderInitialContact = "x-amz-meta-initial_contact_id"
	HeaderAccount        = "x-amz-meta-account_id"
	HeaderOrganization   = "x-amz-meta-organization_id"
	HeaderACL            = "x-amz-acl"
	HeaderDisposition    = "Content-Disposition"
	HeaderLength         = "Content-Length"
	HeaderType           = "Content-Type"
)

// ACL is the value of x-amz-acl.
const ACL = "bucket-owner-full-control"

// Headers are what the client sends along with the bytes (semantics.md 6). Of the
// name there is what fits into MaxHeader characters of ASCII.
func (f *File) Headers() map[string]string {
	return map[string]string{
		HeaderContact:        f.Metadata.ContactID,
		HeaderInitialContact: f.Metadata.InitialContactID,
		HeaderAccount:        f.Metadata.AccountID,
		HeaderOrganization:   f.Metadata.OrganizationID,
		HeaderACL:            ACL,
		HeaderDisposition:    disposition(shorten(plain(tame(f.Name)), MaxHeader-len(disposition("")))),
		HeaderLength:         strconv.FormatInt(f.Size, 10),
		HeaderType:           f.ContentType,
	}
}

// Disposition is the Content-Disposition of the download: the file is to be saved, by
// its name as far as that is harmless; as plain ASCII (RFC 6266), and exactly (RFC 8187)
// if that is not the same.
func (f *File) Disposition() string {
	name := tame(f.Name)
	d := disposition(plain(name))
	if plain(name) != name {
		d += "; filename*=UTF-8''" + escape(name)
	}
	return d
}

// Check reports what is malformed about a file: a mistake of the caller, who has
// validated what users typed. Every implementation calls it first.
func (f *File) Check() error {
	switch n := utf8.RuneCountInString(f.Name); {
	case f.Size < 1:
		return fmt.Errorf("blob: File.Size is %d; it must be 1 or more", f.Size)
	case n < 1 || n > MaxName:
		return fmt.Errorf("blob: File.Name has %d characters; it must have 1 to %d", n, MaxName)
	}
	if !fitsHeader(f.ContentType, MaxType) {
		return fmt.Errorf("blob: File.ContentType is %q; it must be 1 to %d printable ASCII characters", f.ContentType, MaxType)
	}
	m := f.Metadata
	for _, v := range []string{m.ContactID, m.InitialContactID, m.AccountID, m.OrganizationID} {
		if !fitsHeader(v, MaxHeader) {
			return fmt.Errorf("blob: File.Metadata has %q; it must be 1 to %d printable ASCII characters", v, MaxHeader)
		}
	}
	return nil
}

// fitsHeader reports whether v arrives as it is when it is sent as a header.
func fitsHeader(v string, most int) bool {
	unfit := func(r rune) bool { return r < ' ' || r > '~' }
	return v != "" && len(v) <= most && strings.TrimSpace(v) == v && !strings.ContainsFunc(v, unfit) &&
		!strings.Contains(v, "  ") // a signature takes both for one
}

func disposition(plain string) string { return `attachment; filename="` + plain + `"` }

// tame gives a name that fools neither a file system nor the user who reads it: path
// separators, control characters and those that turn the direction of writing become
// underscores.
func tame(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r == utf8.RuneError || unicode.IsControl(r) ||
			unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
			return '_'
		}
		return r
	}, name)
	if strings.Trim(name, ". ") == "" {
		return "attachment"
	}
	return name
}

// plain replaces what a quoted ASCII string can't hold, and the percent sign, which some
// browsers take for an escape.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if r > '~' || r == '"' || r == '%' {
			return '_'
		}
		return r
	}, name)
}

// shorten cuts an ASCII name to that length, before its extension if it has one.
func shorten(name string, most int) string {
	if len(name) <= most {
		return name
	}
	ext := path.Ext(name)
	if len(ext) > most/2 {
		ext = ""
	}
	return name[:most-len(ext)] + ext
}

// escape encodes a name as RFC 8187 has it: what is no attr-char is percent-encoded.
func escape(name string) string {
	const attrChars = "!#$&+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; strings.IndexByte(attrChars, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
