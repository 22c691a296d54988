package participant_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/participant"
)

const (
	startPath    = "/participant/start-attachment-upload"
	completePath = "/participant/complete-attachment-upload"
	downloadPath = "/participant/attachment"
)

// startBody asks for a place for a file.
func startBody(name, kind string, size int64, token string) string {
	b, err := json.Marshal(map[string]any{"AttachmentName": name, "ContentType": kind, "AttachmentSizeInBytes": size, "ClientToken": token})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func completeBody(id, token string) string {
	return fmt.Sprintf(`{"AttachmentIds":[%q],"ClientToken":%q}`, id, token)
}

// put uploads as a client does: with all headers that it was given.
func (w *world) put(up participant.UploadMetadata, content string) answer {
	r := httptest.NewRequest("PUT", up.Url, strings.NewReader(content))
	for name, value := range up.HeadersToInclude {
		r.Header.Set(name, value)
	}
	return w.send(r)
}

// begin asks for a place for a file of that content.
func (w *world) begin(p person, name, kind, content string) participant.StartAttachmentUploadOut {
	w.t.Helper()
	var out participant.StartAttachmentUploadOut
	w.must(p.connection, startPath, startBody(name, kind, int64(len(content)), "t-"+name), &out)
	return out
}

// attach sends a file, and gives its id.
func (w *world) attach(p person, name, kind, content string) string {
	w.t.Helper()
	out := w.begin(p, name, kind, content)
	if a := w.put(*out.UploadMetadata, content); a.status != 200 {
		w.t.Fatalf("PUT: %d %s", a.status, a.body)
	}
	w.must(p.connection, completePath, completeBody(out.AttachmentId, "c-"+name), nil)
	return out.AttachmentId
}

// download gets a file.
func (w *world) download(p person, id string) (participant.GetAttachmentOut, answer) {
	w.t.Helper()
	var out participant.GetAttachmentOut
	w.must(p.connection, downloadPath, fmt.Sprintf(`{"AttachmentId":%q}`, id), &out)
	return out, w.send(httptest.NewRequest("GET", out.Url, nil))
}

// A file goes from one to the other, and is an item of the transcript.
func TestAttachment(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	bob := w.joined(p, chat.Agent)
	out := w.begin(p, "Notes.TXT", "Text/Plain; charset=utf-8", "hello")
	up := out.UploadMetadata
	want := map[string]string{
		"Content-Type": "text/plain", "Content-Length": "5", "Content-Disposition": `attachment; filename="Notes.TXT"`,
		"x-amz-acl": "bucket-owner-full-control", "x-amz-meta-contact_id": p.chat.String(), "x-amz-meta-initial_contact_id": p.chat.String(),
		"x-amz-meta-organization_id": "00000000-0000-4000-8000-000000000001", "x-amz-meta-account_id": "000000000000",
	}
	if fmt.Sprint(up.HeadersToInclude) != fmt.Sprint(want) || up.UrlExpiry != "2026-11-23T10:15:00Z" || len(up.Url) > 2000 {
		t.Errorf("upload: %+v", up)
	}
	if a := w.put(*up, "hello"); a.status != 200 {
		t.Fatalf("PUT: %d %s", a.status, a.body)
	}
	w.must(p.connection, completePath, completeBody(out.AttachmentId, "c"), nil)
	w.must(p.connection, completePath, completeBody(out.AttachmentId, "c"), nil)
	w.refused(p.connection, completePath, completeBody(out.AttachmentId, "another"), 409, "ConflictException", "complete already")

	var page participant.GetTranscriptOut
	w.must(bob.connection, "/participant/transcript", `{"MaxResults":1}`, &page)
	it := page.Transcript[0]
	if it.Type != "ATTACHMENT" || it.ContentType != "" || it.ParticipantId != p.id.String() || len(it.Attachments) != 1 ||
		fmt.Sprint(it.Attachments[0]) != "{Notes.TXT text/plain "+out.AttachmentId+" APPROVED}" {
		t.Errorf("the item: %+v", it)
	}
	for _, who := range []person{p, bob} {
		got, a := w.download(who, out.AttachmentId)
		if a.status != 200 || a.body != "hello" || a.header.Get("Content-Disposition") != `attachment; filename="Notes.TXT"` ||
			got.AttachmentSizeInBytes != 5 || got.UrlExpiry != "2026-11-23T10:05:00.000Z" {
			t.Errorf("download: %+v, %d %s", got, a.status, a.body)
		}
	}
}

// joined adds somebody who connects.
func (w *world) joined(p person, role chat.Role) person {
	w.t.Helper()
	who := w.add(p, role)
	w.must(who.participant, connectionPath, `{"ConnectParticipant":true}`, nil)
	return who
}

// The same ClientToken asks for the same file, and gets a URL that is good for as long
// as a new one.
func TestAttachmentStartedTwice(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	first := w.begin(p, "a.txt", "text/plain", "hello")
	w.clock.Advance(10 * time.Minute)
	second := w.begin(p, "a.txt", "text/plain", "hello")
	if first.AttachmentId != second.AttachmentId || first.UploadMetadata.Url == second.UploadMetadata.Url ||
		second.UploadMetadata.UrlExpiry != "2026-11-23T10:25:00Z" {
		t.Errorf("first %+v\nsecond %+v", first, second)
	}
	w.clock.Advance(14 * time.Minute)
	if a := w.put(*first.UploadMetadata, "hello"); a.status != 403 || !strings.Contains(a.header.Get("X-Parley-Detail"), "expired") {
		t.Errorf("PUT to the first URL: %d %s", a.status, a.body)
	}
	if a := w.put(*second.UploadMetadata, "hello"); a.status != 200 {
		t.Errorf("PUT to the second URL: %d %s", a.status, a.body)
	}
}

// A file that was not completed within half an hour is begun anew, also by the same
// ClientToken.
func TestAttachmentAbandoned(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	first := w.begin(p, "a.txt", "text/plain", "hello")
	w.put(*first.UploadMetadata, "hello")
	w.clock.Advance(30*time.Minute + time.Second)
	w.refused(p.connection, completePath, completeBody(first.AttachmentId, "c"), 400, "ValidationException", "in the last 30 minutes")
	w.begin(p, "b.txt", "text/plain", "hello")
	if again := w.begin(p, "a.txt", "text/plain", "hello"); again.AttachmentId == first.AttachmentId {
		t.Error("it is the same attachment")
	}
}

// What can't be attached is refused in a sentence that clients show as it is.
func TestAttachmentsRefused(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	before := len(w.log(p.chat))
	for _, c := range []struct {
		name, kind string
		size       int64
		want       string
	}{
		{"a.exe", "application/x-msdownload", 1, `Files of the type ".exe" can't be attached; these can: .csv .doc .docx`},
		{"a", "text/plain", 1, `Files of the type "" can't be attached`},
		{"a.", "text/plain", 1, `Files of the type "." can't be attached`},
		{"..", "text/plain", 1, "can't be attached"},
		{"a.png", "text/plain", 1, `The ContentType "text/plain" is not that of a file named .png; it must be image/png`},
		{"a.jpg", "image/png", 1, "image/jpeg or image/jpg or image/pjpeg"},
		{"a.txt", "text", 1, "it must be text/plain"},
		{"a.txt", "text/html; text/plain", 1, "it must be text/plain"},
		{"a.txt", "text/plain", 20<<20 + 1, "The file is too large: 20 MB are the most"},
		{"a.txt", "text/plain", 1 << 62, "The file is too large"},
		{"../../etc/passwd.txt", "text/plain", 1, "without directories"},
		{`..\boot.txt`, "text/plain", 1, "without directories"},
		{"/a.txt", "text/plain", 1, "without directories"},
		{"a\r\nSet-Cookie: x.txt", "text/plain", 1, "control characters"},
		{"a\u202etxt.png", "image/png", 1, "control characters"},
	} {
		a := w.refused(p.connection, startPath, startBody(c.name, c.kind, c.size, "t"), 400, "ValidationException", c.want)
		if strings.Contains(a.message(), "validation error") {
			t.Errorf("%s is not for people", a.message())
		}
	}
	if after := len(w.log(p.chat)); after != before {
		t.Errorf("%d entries, %d before", after, before)
	}
	for name, kind := range map[string]string{
		"A.JPG": "IMAGE/JPEG", "a.jfif": "image/jpeg", "a.csv": "application/vnd.ms-excel", "a.rtf": "text/richtext", "a.wav": "audio/x-wav",
		strings.Repeat("ü", 252) + ".pdf": "application/pdf", "r\u00e9sum\u00e9 \"v2\"; final%.docx": participant.DefaultMediaTypes()[".docx"][0],
	} {
		w.begin(p, name, kind, "x")
	}
}

func TestAttachmentSettings(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	types := participant.DefaultMediaTypes()
	types[".zip"] = []string{"application/zip"}
	w.serve(func(c *participant.Config) {
		c.Attachments = participant.Attachments{MaxSize: 2 << 20, MaxCount: 2, Types: types}
	})
	w.refused(p.connection, startPath, startBody("a.zip", "application/zip", 2<<20+1, "t"), 400, "ValidationException", "2 MB are the most")
	w.attach(p, "a.zip", "application/zip", "PK")
	w.begin(p, "b.zip", "application/zip", "PK") // may still come
	w.refused(p.connection, startPath, startBody("c.zip", "application/zip", 2, "t"), 402, "ServiceQuotaExceededException", "exceeds the quota")
	w.clock.Advance(30*time.Minute + time.Second) // it did not come
	w.begin(p, "c.zip", "application/zip", "PK")

	w.serve(func(c *participant.Config) { c.Attachments.Off = true })
	for path, body := range map[string]string{
		startPath: startBody("a.txt", "text/plain", 1, "t"), completePath: completeBody("x", "t"), downloadPath: `{"AttachmentId":"x"}`,
	} {
		a := w.refused(p.connection, path, body, 403, "AccessDeniedException", "Access denied")
		if !strings.Contains(a.header.Get("X-Parley-Detail"), "switched off") {
			t.Errorf("%s: %v", path, a.header)
		}
	}
}

// A chat has 35 files at the most.
func TestAttachmentCount(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	for i := range 35 {
		w.begin(p, fmt.Sprintf("%d.txt", i), "text/plain", "x")
	}
	w.refused(p.connection, startPath, startBody("35.txt", "text/plain", 1, "t"), 402, "ServiceQuotaExceededException", "which is 35")
	w.begin(p, "34.txt", "text/plain", "x") // a repetition
}

// A PUT that failed is told of when the upload is said to be complete (semantics.md 6).
func TestFailedUploads(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	bob := w.joined(p, chat.Agent)
	out := w.begin(p, "a.txt", "text/plain", "hello")
	complete := completeBody(out.AttachmentId, "c")
	before := len(w.log(p.chat))
	w.refused(p.connection, completePath, complete, 400, "ValidationException", "The file is not there: upload it")
	for content, want := range map[string]string{
		"hell": "The Content-Length is 4, but 5 bytes were announced", "hello!": "The Content-Length is 6, but 5 bytes were announced",
	} {
		if a := w.put(*out.UploadMetadata, content); a.status < 400 {
			t.Errorf("PUT %q: %d", content, a.status)
		}
		w.refused(p.connection, completePath, complete, 400, "ValidationException", want)
	}
	up := *out.UploadMetadata
	up.Url = strings.Replace(up.Url, "token=", "token=A", 1)
	if a := w.put(up, "hello"); a.status != 403 {
		t.Errorf("PUT to an altered URL: %d %s", a.status, a.body)
	}
	// What others have begun is not there either.
	w.refused(bob.connection, completePath, complete, 400, "ValidationException", "no attachment that the participant has begun")
	for _, id := range []string{"x", "00000000-0000-0000-0000-000000000000", p.chat.String()} {
		w.refused(p.connection, completePath, completeBody(id, "c"), 400, "ValidationException", "no attachment that the participant has begun")
	}
	w.refused(p.connection, downloadPath, fmt.Sprintf(`{"AttachmentId":%q}`, out.AttachmentId), 400, "ValidationException", "can be downloaded")
	if after := len(w.log(p.chat)); after != before {
		t.Errorf("%d entries, %d before", after, before)
	}
	if a := w.put(*out.UploadMetadata, "hello"); a.status != 200 {
		t.Errorf("PUT: %d %s", a.status, a.body)
	}
	w.must(p.connection, completePath, complete, nil)
}

// Nobody gets a file that was not approved, nor by a URL that is too old; a bot gets none.
func TestDownloads(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	id := w.attach(p, "a.txt", "text/plain", "hello")
	bot := w.joined(p, chat.CustomBot)
	ask := fmt.Sprintf(`{"AttachmentId":%q,"UrlExpiryInSeconds":5}`, id)
	a := w.refused(bot.connection, downloadPath, ask, 403, "AccessDeniedException", "Access denied")
	if !strings.Contains(a.header.Get("X-Parley-Detail"), "CUSTOM_BOT") {
		t.Errorf("%v", a.header)
	}
	var out participant.GetAttachmentOut
	w.must(p.connection, downloadPath, ask, &out)
	w.clock.Advance(5 * time.Second)
	if a := w.send(httptest.NewRequest("GET", out.Url, nil)); a.status != 403 {
		t.Errorf("GET from an expired URL: %d", a.status)
	}
	for _, id := range []string{"x", p.chat.String()} {
		w.refused(p.connection, downloadPath, fmt.Sprintf(`{"AttachmentId":%q}`, id), 400, "ValidationException", "can be downloaded")
	}
	// Somebody else's chat.
	w.refused(w.connected().connection, downloadPath, ask, 400, "ValidationException", "can be downloaded")

	w.serve(func(c *participant.Config) { c.Attachments.Scan = true })
	scanned := w.attach(p, "b.txt", "text/plain", "hello")
	w.refused(p.connection, completePath, completeBody(scanned, "another"), 409, "ConflictException", "complete already")
	w.refused(p.connection, downloadPath, fmt.Sprintf(`{"AttachmentId":%q}`, scanned), 400, "ValidationException", "can be downloaded")
	file, _ := chat.ParseID(scanned)
	do := chat.Scanned{File: chat.File{ID: file, Attempt: 1}, Result: chat.Rejected}
	if _, err := w.node.Do(context.Background(), p.chat, do); err != nil {
		t.Fatal(err)
	}
	w.refused(p.connection, downloadPath, fmt.Sprintf(`{"AttachmentId":%q}`, scanned), 400, "ValidationException", "can be downloaded")
}

// A customer who continues a past chat can get what was sent in it.
func TestAttachmentOfPastChat(t *testing.T) {
	w := newWorld(t)
	old := w.connected()
	id := w.attach(old, "a.txt", "text/plain", "hello")
	w.must(old.connection, "/participant/disconnect", "{}", nil)
	now := w.connected()
	w.refused(now.connection, downloadPath, fmt.Sprintf(`{"AttachmentId":%q}`, id), 400, "ValidationException", "can be downloaded")
	past := chat.Rehydrate{Past: chat.Past{Chat: old.chat, Contact: old.chat.FirstContact()}}
	if _, err := w.node.Do(context.Background(), now.chat, past); err != nil {
		t.Fatal(err)
	}
	if _, a := w.download(now, id); a.status != 200 || a.body != "hello" {
		t.Errorf("download: %d %s", a.status, a.body)
	}
	w.refused(now.connection, downloadPath, fmt.Sprintf(`{"AttachmentId":%q}`, now.chat), 400, "ValidationException", "can be downloaded")
}

// A place of bytes that fails is the server's failure, and nothing has happened.
func TestBrokenBlobs(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	id := w.attach(p, "a.txt", "text/plain", "hello")
	out := w.begin(p, "b.txt", "text/plain", "hello")
	if err := w.blobs.Close(); err != nil {
		t.Fatal(err)
	}
	before := len(w.log(p.chat))
	w.refused(p.connection, completePath, completeBody(out.AttachmentId, "c"), 500, "InternalServerException", "")
	w.refused(p.connection, downloadPath, fmt.Sprintf(`{"AttachmentId":%q}`, id), 500, "InternalServerException", "")
	if after := len(w.log(p.chat)); after != before {
		t.Errorf("%d entries, %d before", after, before)
	}
	w.refused(p.connection, startPath, startBody("c.txt", "text/plain", 1, "t"), 500, "InternalServerException", "")
}
