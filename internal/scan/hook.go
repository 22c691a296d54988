package scan

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/parley-chat/parley/internal/blob"
)

// Hook is a [Scanner] that is asked by HTTP: the message is POSTed to a URL, with one at
// which the attachment can be fetched for blob.DownloadLife. The body of the response
// with status 200 is the answer. Redirects are not followed.
type Hook struct {
	config Config
	url    string
	client *http.Client
}

// NewHook takes the URL; a user and password in it are sent. The error is a sentence for
// who started the server.
func NewHook(address string, c Config) (*Hook, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("the scanner's URL is not like https://scanner.example.com/scan")
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &Hook{c, address, client}, nil
}

// Scan implements [Scanner].
func (s *Hook) Scan(ctx context.Context, r Request) (bool, error) {
	ctx, cancel := s.config.attempt(ctx)
	defer cancel()
	at, err := s.config.Blobs.Download(ctx, r.Key, r.File, s.config.Clock.Now().Add(blob.DownloadLife))
	if err != nil {
		if ended := s.config.ended(ctx); ended != nil {
			return false, ended
		}
		return false, unavailable(err)
	}
	message, err := r.encode(location{URL: at})
	if err != nil {
		return false, fmt.Errorf("%w: the request can't be written: %w", ErrFinal, err)
	}
	status, answer, err := s.post(ctx, message)
	switch {
	case err != nil && s.config.ended(ctx) != nil:
		return false, s.config.ended(ctx)
	case err != nil:
		return false, fmt.Errorf("%w: %w", ErrRetry, err)
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500:
		return false, fmt.Errorf("%w: it answers the status %d", ErrRetry, status)
	case status >= 300 && status < 400:
		return false, fmt.Errorf("%w: it answers with a redirect, %d; configure the URL that it leads to", ErrFinal, status)
	case status != http.StatusOK:
		return false, fmt.Errorf("%w: it answers the status %d", ErrFinal, status)
	case len(answer) > maxAnswer:
		return false, fmt.Errorf("%w: its answer has more than %d bytes", ErrFinal, maxAnswer)
	}
	return understand(answer)
}

// post sends the message and reads what may be read of the answer, and a byte more.
func (s *Hook) post(ctx context.Context, message []byte) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(message))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	return resp.StatusCode, answer, err
}
