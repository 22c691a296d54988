package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/parley-chat/parley/internal/restjson"
	"github.com/parley-chat/parley/internal/turnable"
	"github.com/parley-chat/parley/internal/wire"
)

// clockPath is where a developer's own server says what time it is for it, and takes
// how far to turn its clock.
const clockPath = "/_parley/clock"

// maxAdvance is how far the clock can be turned at a time: more than any chat lasts.
const maxAdvance = 30 * 24 * time.Hour

// hand turns the server's clock: POST by {"Advance":"2m"}, forward only; GET just looks.
// Both answer with the time. Only a local server has it, and no web page may use it.
type hand struct{ clock *turnable.Clock }

func (h hand) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if refusePages(w, r, "turn the clock") {
		return
	}
	var advance time.Duration
	switch r.Method {
	case http.MethodGet:
	case http.MethodPost:
		var err error
		if advance, err = readAdvance(r.Body); err != nil {
			restjson.WriteError(w, r, &restjson.Error{
				Code: "ValidationException", Status: http.StatusBadRequest, Message: err.Error()})
			return
		}
	default:
		restjson.NotAllowed(w, r, "GET, POST", "POST turns the clock, GET says what time it is")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, "{\"Now\":%q}\n", wire.Time(h.clock.Advance(advance)))
}

func readAdvance(body io.Reader) (time.Duration, error) {
	var in struct{ Advance string }
	dec := json.NewDecoder(io.LimitReader(body, 4096))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return 0, fmt.Errorf(`the body must be like {"Advance":"2m"}: %w`, err)
	}
	d, err := time.ParseDuration(in.Advance)
	if err != nil || d <= 0 || d > maxAdvance {
		return 0, errors.New(`the Advance must be a time like "90s", "2m" or "24h", more than 0 and at most 720h; the clock can't be turned back`)
	}
	return d, nil
}

// refusePages refuses what comes from a web page: any page that the developer looks at
// could do it.
func refusePages(w http.ResponseWriter, r *http.Request, what string) bool {
	if r.Header.Get("Origin") == "" {
		return false
	}
	restjson.WriteError(w, r, &restjson.Error{
		Code: "AccessDeniedException", Status: http.StatusForbidden,
		Message: "Web pages may not " + what + "; do it from a program"})
	return true
}
