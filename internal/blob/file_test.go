package blob

import (
	"maps"
	"mime"
	"strings"
	"testing"
)

// file is as in the real upload of semantics.md 6.
func file() File {
	return File{Name: "56102_file.txt", ContentType: "text/plain", Size: 9, Metadata: Metadata{
		ContactID: "3dff5a86-2f3a-4bf3-aa47-d82871671096", InitialContactID: "3dff5a86-2f3a-4bf3-aa47-d82871671096",
		AccountID: "747926693930", OrganizationID: "84ecefa9-184a-400f-babf-3288d7c8fd04",
	}}
}

// The headers are those of the captured response, to the letter.
func TestHeaders(t *testing.T) {
	f := file()
	want := map[string]string{
		"x-amz-meta-contact_id":         "3dff5a86-2f3a-4bf3-aa47-d82871671096",
		"x-amz-meta-initial_contact_id": "3dff5a86-2f3a-4bf3-aa47-d82871671096",
		"x-amz-acl":                     "bucket-owner-full-control",
		"Content-Disposition":           `attachment; filename="56102_file.txt"`,
		"x-amz-meta-account_id":         "747926693930",
		"Content-Length":                "9",
		"Content-Type":                  "text/plain",
		"x-amz-meta-organization_id":    "84ecefa9-184a-400f-babf-3288d7c8fd04",
	}
	if got := f.Headers(); !maps.Equal(got, want) {
		t.Errorf("Headers = %v\nwant %v", got, want)
	}
}

// names are what users and their enemies call files, and how they are saved.
var names = []struct{ name, saved, plain string }{
	{"a.txt", "a.txt", "a.txt"},
	{`a "b".txt`, `a "b".txt`, "a _b_.txt"},
	{"50%.txt", "50%.txt", "50_.txt"},
	{"Übersicht 2026.pdf", "Übersicht 2026.pdf", "_bersicht 2026.pdf"},
	{"领収書🦉.pdf", "领収書🦉.pdf", "____.pdf"},
	{"../../etc/passwd", ".._.._etc_passwd", ".._.._etc_passwd"},
	{`..\..\boot.ini`, ".._.._boot.ini", ".._.._boot.ini"},
	{"a\r\nSet-Cookie: x=1.txt", "a__Set-Cookie: x=1.txt", "a__Set-Cookie: x=1.txt"},
	{"a\x00b\x7f.txt", "a_b_.txt", "a_b_.txt"},
	{"invoice\u202efdp.exe", "invoice_fdp.exe", "invoice_fdp.exe"},
	{"bad\xff.txt", "bad_.txt", "bad_.txt"},
	{"..", "attachment", "attachment"},
	{" ", "attachment", "attachment"},
	{`"; filename="evil.exe`, `"; filename="evil.exe`, "_; filename=_evil.exe"},
}

func TestDisposition(t *testing.T) {
	long := strings.Repeat("x", MaxName-4) + ".txt"
	for _, c := range append(names, struct{ name, saved, plain string }{long, long, long}) {
		f := File{Name: c.name}
		d := f.Disposition()
		if !strings.HasPrefix(d, `attachment; filename="`+c.plain+`"`) {
			t.Errorf("%q: %s; want the plain name %q", c.name, d, c.plain)
		}
		star := strings.Contains(d, "filename*")
		if star != (c.saved != c.plain) {
			t.Errorf("%q: %s", c.name, d)
		}
		if star { // the library prefers neither, it refuses both
			_, exact, _ := strings.Cut(d, "; filename*")
			d = "attachment; filename*" + exact
		}
		kind, params, err := mime.ParseMediaType(d)
		if err != nil || kind != "attachment" || params["filename"] != c.saved {
			t.Errorf("%q: %s is read as %s %v, %v; want the name %q", c.name, d, kind, params, err, c.saved)
		}
	}
}

func TestHeadersFit(t *testing.T) {
	for _, name := range []string{
		strings.Repeat("x", MaxName-4) + ".txt", strings.Repeat("字", MaxName-4) + ".txt", "." + strings.Repeat("x", MaxName-1),
	} {
		f := file()
		f.Name = name
		d := f.Headers()[HeaderDisposition]
		if len(d) > MaxHeader || !fitsHeader(d, MaxHeader) {
			t.Errorf("%q: Content-Disposition has %d characters: %s", name, len(d), d)
		}
		if strings.HasSuffix(name, ".txt") && !strings.HasSuffix(d, `.txt"`) {
			t.Errorf("%q has lost its extension: %s", name, d)
		}
	}
}

func TestCheck(t *testing.T) {
	ok := file()
	if err := ok.Check(); err != nil {
		t.Error(err)
	}
	for _, n := range names {
		f := file()
		f.Name = n.name
		if err := f.Check(); err != nil {
			t.Errorf("%q: %v", n.name, err)
		}
	}
	bad := map[string]func(*File){
		"Size":     func(f *File) { f.Size = 0 },
		"Name":     func(f *File) { f.Name = "" },
		"Metadata": func(f *File) { f.Metadata.AccountID = "" },
	}
	for member, spoil := range bad {
		f := file()
		spoil(&f)
		if err := f.Check(); err == nil || !strings.Contains(err.Error(), "File."+member) {
			t.Errorf("%s: %v", member, err)
		}
	}
	for _, v := range []string{"", "a/b; x=\"\r\n\"", " text/plain", "text/plain\n", "text/pläin", "a/" + strings.Repeat("b", MaxType)} {
		f := file()
		f.ContentType = v
		if err := f.Check(); err == nil {
			t.Errorf("the ContentType %q was accepted", v)
		}
		f = file()
		f.Metadata.ContactID = v + "\n"
		if err := f.Check(); err == nil {
			t.Errorf("the ContactID %q was accepted", v+"\n")
		}
	}
	f := file()
	f.Name = strings.Repeat("字", MaxName+1)
	if err := f.Check(); err == nil {
		t.Error("a name that is too long was accepted")
	}
}
