package restjson_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parley-chat/parley/internal/restjson"
)

var quiet = slog.New(slog.DiscardHandler)

type messageIn struct {
	Token       *string `header:"X-Amz-Bearer"`
	ContentType *string `json:"ContentType" required:"true" min:"1" max:"100"`
	Content     *string `json:"Content" required:"true" min:"1" maxbytes:"16384"`
	ClientToken *string `json:"ClientToken" max:"500"`
}

type empty struct{}

// newAPI fills in the options that every API must have.
func newAPI(o restjson.Options) *restjson.API {
	o.Invalid = func(m string) *restjson.Error {
		return &restjson.Error{Code: "ValidationException", Status: 400, Message: m}
	}
	o.Internal = func(cause error) *restjson.Error {
		return &restjson.Error{Code: "InternalFailure", Status: 500, Message: "failed", Cause: cause}
	}
	return restjson.New(o)
}

// muxOf serves an API as a server does.
func muxOf(api *restjson.API) *http.ServeMux {
	mux := http.NewServeMux()
	api.Register(mux)
	mux.HandleFunc("/", restjson.NotFound)
	return mux
}

// do sends one request to a handler.
func do(t *testing.T, h http.Handler, method, target, body string, header ...string) *http.Response {
	t.Helper()
	var rd io.Reader = http.NoBody
	if body != "" {
		rd = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, target, rd)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// text reads the body of a response.
func text(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
