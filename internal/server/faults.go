package server

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/parley-chat/parley/internal/restjson"
)

// faultsPath is where a developer's own server takes faults to inject.
const faultsPath = "/_parley/faults"

// fault is an error that an operation is to answer with instead of doing its work.
type fault struct {
	// Operation is the name of one, or * for all.
	Operation string
	// Error is the exception, e.g. ThrottlingException.
	Error string
	// Count is how many calls fail; 1 if absent.
	Count int
}

// faultStatus lists the errors that can be injected, with their HTTP status: what
// either API models (semantics.md 3.0, 9.0).
var faultStatus = map[string]int{
	"AccessDeniedException":         http.StatusForbidden,
	"ConflictException":             http.StatusConflict,
	"InternalServerException":       http.StatusInternalServerError,
	"InternalServiceException":      http.StatusInternalServerError,
	"InvalidParameterException":     http.StatusBadRequest,
	"InvalidRequestException":       http.StatusBadRequest,
	"LimitExceededException":        http.StatusTooManyRequests,
	"ResourceNotFoundException":     http.StatusNotFound,
	"ServiceQuotaExceededException": http.StatusPaymentRequired,
	"ThrottlingException":           http.StatusTooManyRequests,
	"TooManyRequestsException":      http.StatusTooManyRequests,
	"ValidationException":           http.StatusBadRequest,
}

// faults are the faults waiting for their operations: POST adds one, DELETE clears
// them. Only a local server has it, and no web page may use it.
type faults struct {
	mu      sync.Mutex
	waiting []fault
	known   func() []string // the names of all operations
}

// take is the restjson.Options.Fault of both APIs.
func (f *faults) take(op string, _ *http.Request) *restjson.Error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.waiting {
		w := &f.waiting[i]
		if w.Operation != op && w.Operation != "*" {
			continue
		}
		name := w.Error
		if w.Count--; w.Count == 0 {
			f.waiting = slices.Delete(f.waiting, i, i+1)
		}
		return &restjson.Error{Code: name, Status: faultStatus[name], Message: "This error was asked for at " + faultsPath}
	}
	return nil
}

func (f *faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if refusePages(w, r, "inject faults") {
		return
	}
	switch r.Method {
	case http.MethodPost:
		add, err := f.read(r.Body)
		if err != nil {
			restjson.WriteError(w, r, &restjson.Error{
				Code: "ValidationException", Status: http.StatusBadRequest, Message: err.Error()})
			return
		}
		f.mu.Lock()
		f.waiting = append(f.waiting, add)
		f.mu.Unlock()
	case http.MethodDelete:
		f.mu.Lock()
		f.waiting = nil
		f.mu.Unlock()
	default:
		restjson.NotAllowed(w, r, "DELETE, POST", "POST adds a fault, DELETE clears them all")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// read decodes and checks a fault.
func (f *faults) read(body io.Reader) (fault, error) {
	in := fault{Count: 1}
	dec := json.NewDecoder(io.LimitReader(body, 4096))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return fault{}, fmt.Errorf(`the body must be like {"Operation":"SendMessage","Error":"ThrottlingException","Count":2}: %w`, err)
	}
	if ops := f.known(); in.Operation != "*" && !slices.Contains(ops, in.Operation) {
		return fault{}, fmt.Errorf("the Operation %q is none of *, %s", in.Operation, strings.Join(ops, ", "))
	}
	if faultStatus[in.Error] == 0 {
		return fault{}, fmt.Errorf("the Error %q is not one of these APIs", in.Error)
	}
	if in.Count < 1 {
		return fault{}, fmt.Errorf("the Count must be 1 or more")
	}
	return in, nil
}
