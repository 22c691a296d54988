package desk_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/console/desk"
)

// attach sends a file, and gives its id.
func (p person) attach(name, content string) string {
	p.w.t.Helper()
	f := chat.File{Name: name, Type: "text/plain", Size: int64(len(content))}
	ctx := context.Background()
	out, err := p.w.node.Do(ctx, p.chat, chat.StartUpload{By: p.id, File: f, Token: name})
	if err != nil {
		p.w.t.Fatal(err)
	}
	of := blob.FileOf(p.chat, f, "000000000000", "i")
	if err := p.w.blobs.Put(ctx, blob.Key{Chat: p.chat, Attachment: out.ID}, of, strings.NewReader(content)); err != nil {
		p.w.t.Fatal(err)
	}
	p.do(chat.CompleteUpload{By: p.id, ID: out.ID, Token: name})
	return out.ID.String()
}

// fetch gets what is at a URL of a file.
func (w *world) fetch(url string) *http.Response {
	rec := httptest.NewRecorder()
	w.blobs.ServeHTTP(rec, httptest.NewRequest("GET", url, nil))
	return rec.Result()
}

// Files of a chat that is over are for those who may read its transcript, for as long as
// a URL lasts.
func TestAttachment(t *testing.T) {
	w := newWorld(t, false)
	jane, omar := w.start("Jane", "support"), w.start("Omar", "support")
	bob := w.as("bob")
	bob.accept(jane)
	file := jane.attach("order.txt", "4711")
	other := omar.attach("other.txt", "another chat's")
	jane.do(chat.Leave{By: jane.id})

	path := "contacts/" + jane.contact() + "/attachments/"
	for name, b := range map[string]*browser{"who was in the chat": bob, "a supervisor": w.as("max")} {
		var out desk.GetAttachmentOut
		b.must("GET", path+file, "", &out)
		res := w.fetch(out.Url)
		got := new(strings.Builder)
		if err := res.Write(got); err != nil || !strings.HasSuffix(got.String(), "4711") || out.AttachmentSizeInBytes != 4 {
			t.Errorf("%s: %v %+v %s", name, err, out, got)
		}
		if d := res.Header.Get("Content-Disposition"); !strings.Contains(d, "order.txt") {
			t.Errorf("%s: Content-Disposition: %s", name, d)
		}
		if expiry, err := time.Parse(time.RFC3339, out.UrlExpiry); err != nil || expiry.Sub(w.clock.Now()) > blob.DownloadLife {
			t.Errorf("%s: the URL lasts until %s: %v", name, out.UrlExpiry, err)
		}
		w.clock.Advance(blob.DownloadLife)
		if res := w.fetch(out.Url); res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: after that the URL gives %s", name, res.Status)
		}
	}

	w.as("sue").refused("GET", path+file, "", http.StatusNotFound, "not yours to see")
	(&browser{w: w}).refused("GET", path+file, "", http.StatusUnauthorized, "Sign in first")
	for _, none := range []string{other, "nonsense", jane.contact()} {
		bob.refused("GET", path+none, "", http.StatusNotFound, "AttachmentId names no attachment of this chat")
	}
}

// A file that was rejected is nobody's, and on a server without files there are none.
func TestNoAttachment(t *testing.T) {
	w := newWorld(t, false)
	jane := w.start("Jane", "support")
	out, err := w.node.Do(t.Context(), jane.chat, chat.StartUpload{By: jane.id, File: chat.File{Name: "a", Type: "text/plain", Size: 1}, Token: "a"})
	if err != nil {
		t.Fatal(err)
	}
	path := "contacts/" + jane.contact() + "/attachments/"
	max := w.as("max")
	max.refused("GET", path+out.ID.String(), "", http.StatusNotFound, "Status is APPROVED")
	jane.do(chat.CompleteUpload{By: jane.id, ID: out.ID, Scan: true, Token: "a"})
	jane.do(chat.Scanned{File: chat.File{ID: out.ID, Attempt: 1}, Result: chat.Rejected})
	max.refused("GET", path+out.ID.String(), "", http.StatusNotFound, "Status is APPROVED")

	off := newWorld(t, false, func(c *desk.Config) { c.Attachments = false })
	omar := off.start("Omar", "support")
	off.as("max").refused("GET", "contacts/"+omar.contact()+"/attachments/"+omar.attach("a.txt", "a"), "", http.StatusForbidden, "switched off")
}
