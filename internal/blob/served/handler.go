package served

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"time"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/restjson"
	"github.com/parley-chat/parley/internal/token"
)

// stall is how long a client may take for the next bytes. A transfer as a whole may take
// longer than the server gives to other requests, up to blob.UploadLife.
const stall = 30 * time.Second

// ServeHTTP answers at the URLs that Upload and Download gave.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	verb := byte(get)
	switch r.Method {
	case http.MethodPut:
		verb = put
	case http.MethodGet, http.MethodHead:
	default:
		restjson.NotAllowed(w, r, "GET, HEAD, PUT", "An attachment is uploaded with PUT and downloaded with GET")
		return
	}
	if s.closed.Load() {
		restjson.WriteError(w, r, restjson.Internal(blob.ErrClosed))
		return
	}
	c, err := s.verify(r, verb)
	if err != nil {
		restjson.WriteError(w, r, &restjson.Error{
			Code: "AccessDeniedException", Status: http.StatusForbidden, Message: "Access denied", Detail: err.Error()})
		return
	}
	if verb == put {
		err = s.put(w, r, c)
	} else {
		err = s.get(w, r, c)
	}
	if err == nil {
		return
	}
	var e *restjson.Error
	if !errors.As(err, &e) {
		e = restjson.Internal(err)
	}
	restjson.WriteError(w, r, e)
}

// verify reads the request's claims and tells why they don't hold.
func (s *Store) verify(r *http.Request, verb byte) (claims, error) {
	body, err := s.config.Tokens.Open(token.Blob, r.URL.Query().Get("token"))
	if err != nil {
		return claims{}, errors.New("the URL is not complete, or not of this server")
	}
	c, err := decode(body)
	switch {
	case err != nil:
		return claims{}, err
	case c.verb != verb || Path+c.key.Attachment.String() != r.URL.Path:
		return claims{}, errors.New("the URL is for something else")
	case !s.config.Clock.Now().Before(c.expires):
		return claims{}, errors.New("the URL has expired; ask for a new one")
	}
	return c, nil
}

// put takes an upload, and remembers why it was refused.
func (s *Store) put(w http.ResponseWriter, r *http.Request, c claims) error {
	err := s.take(w, r, c)
	var refused *restjson.Error
	if errors.As(err, &refused) {
		s.setRefusal(c.key, refused.Message)
	} else if err == nil {
		s.setRefusal(c.key, "")
	}
	return err
}

// take stages what is as announced.
func (s *Store) take(w http.ResponseWriter, r *http.Request, c claims) error {
	if err := announced(r, &c); err != nil {
		return err
	}
	if kept, err := s.files.Open(c.key); err == nil {
		kept.Close()
		return &restjson.Error{Code: "ConflictException", Status: http.StatusConflict, Message: "The attachment is complete; start another upload"}
	}
	body := &body{from: r.Body, conn: newConn(w)}
	if err := s.files.Stage(c.key, body, c.size, s.config.Clock.Now()); err != nil {
		if body.err == nil {
			return err
		}
		return &restjson.Error{
			Code: "RequestTimeoutException", Status: http.StatusBadRequest, Cause: body.err,
			Message: fmt.Sprintf("The upload ended after %d of %d bytes; repeat it", body.n, c.size)}
	}
	body.conn.next()
	w.WriteHeader(http.StatusOK)
	return nil
}

// announced refuses a PUT that is not the one that was announced.
func announced(r *http.Request, c *claims) error {
	refuse := func(status int, code, message string, args ...any) error {
		return &restjson.Error{Code: code, Status: status, Message: fmt.Sprintf(message, args...)}
	}
	switch {
	case r.ContentLength < 0:
		return refuse(http.StatusLengthRequired, "MissingContentLengthException", "Send a Content-Length: %d bytes were announced", c.size)
	case r.ContentLength > c.size:
		return refuse(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException",
			"The Content-Length is %d, but %d bytes were announced", r.ContentLength, c.size)
	case r.ContentLength < c.size:
		return refuse(http.StatusBadRequest, "ValidationException",
			"The Content-Length is %d, but %d bytes were announced", r.ContentLength, c.size)
	}
	if name, differs := c.differs(r.Header); differs {
		return refuse(http.StatusBadRequest, "ValidationException",
			"The header %s is not as UploadMetadata.HeadersToInclude has it", name)
	}
	return nil
}

// get answers with the attachment, or the part that was asked for. Nothing that
// somebody sent to a chat may run in the browser of who gets it.
func (s *Store) get(w http.ResponseWriter, r *http.Request, c claims) error {
	content, err := s.files.Open(c.key)
	if errors.Is(err, fs.ErrNotExist) {
		return &restjson.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound, Message: "There is no such attachment"}
	}
	if err != nil {
		return err
	}
	defer content.Close()
	file := blob.File{Name: c.name}
	for name, value := range map[string]string{
		"Content-Type":            c.contentType,
		"Content-Disposition":     file.Disposition(),
		"X-Content-Type-Options":  "nosniff",
		"Content-Security-Policy": "default-src 'none'; sandbox",
		"Cache-Control":           "private",
		"Etag":                    `"` + c.key.Attachment.String() + `"`, // it never changes
	} {
		w.Header().Set(name, value)
	}
	http.ServeContent(&patientWriter{w, newConn(w)}, r, "", time.Time{}, content)
	return nil
}

// conn moves a connection's deadlines as the transfer goes on.
type conn struct {
	*http.ResponseController
	end time.Time
}

func newConn(w http.ResponseWriter) conn {
	return conn{http.NewResponseController(w), time.Now().Add(blob.UploadLife)}
}

// next gives the client time for more. A connection without deadlines needs none.
func (c conn) next() {
	t := time.Now().Add(stall)
	if t.After(c.end) {
		t = c.end
	}
	_ = c.SetReadDeadline(t) // of a download too: reading on tells that the client is gone
	_ = c.SetWriteDeadline(t)
}

// body reads an upload and remembers how far it came.
type body struct {
	from io.Reader
	conn conn
	n    int64
	err  error // why it can't be read any further
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	b.conn.next()
	n, err := b.from.Read(p)
	b.n += int64(n)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// patientWriter writes a download.
type patientWriter struct {
	http.ResponseWriter
	conn conn
}

// Write implements [io.Writer].
func (w *patientWriter) Write(p []byte) (int, error) {
	w.conn.next()
	return w.ResponseWriter.Write(p)
}
