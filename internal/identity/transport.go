package identity

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// maxBody bounds what a provider may answer, in bytes.
const maxBody = 1 << 20

// transport makes an error of every answer that says nothing but that the provider is
// out of order, so that it can be told from a refusal: the libraries' errors are text.
// It reads each answer whole, since an answer that breaks off is no answer.
type transport struct{ to http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.to.RoundTrip(r)
	if err != nil {
		return nil, &downError{err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, &downError{err}
	case len(body) > maxBody:
		return nil, &downError{errors.New("the answer is too long")}
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests:
		return nil, &downError{fmt.Errorf("status %d", resp.StatusCode)}
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// downError is the failure of a request that was not answered.
type downError struct{ cause error }

// Error gives the cause's text.
func (e *downError) Error() string { return e.cause.Error() }

// Unwrap returns the cause.
func (e *downError) Unwrap() error { return e.cause }
