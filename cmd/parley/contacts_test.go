package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	connecttypes "github.com/aws/aws-sdk-go-v2/service/connect/types"
	"github.com/go-json-experiment/json"
)

// archive answers searches with pages of 100 contacts, each only when a while has passed since
// the last. It is no real server: one would need hours until it has so many contacts.
type archive struct {
	pages int
	every time.Duration

	given int
	last  time.Time
}

// Do implements [aws.HTTPClient].
func (a *archive) Do(r *http.Request) (*http.Response, error) {
	if time.Since(a.last) < a.every {
		return answer(http.StatusTooManyRequests, `{"__type":"ThrottlingException"}`), nil
	}
	var in struct{ NextToken string }
	if err := json.UnmarshalRead(r.Body, &in, json.RejectUnknownMembers(false)); err != nil {
		return nil, err
	}
	n, _ := strconv.Atoi(in.NextToken) // the first page has none
	if n != a.given {
		return nil, fmt.Errorf("page %d was asked for after %d", n, a.given)
	}
	a.given, a.last = n+1, time.Now()
	next := fmt.Sprintf(`,"NextToken":"%d"`, n+1)
	if n+1 == a.pages {
		next = ""
	}
	return answer(http.StatusOK, `{"Contacts":[`+strings.Repeat(`{},`, 99)+`{}]`+next+`}`), nil
}

func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// list counts what is listed.
func (a *archive) list(ctx context.Context) (n int, err error) {
	cfg := aws.Config{Region: "us-east-1", HTTPClient: a, Credentials: credentials.NewStaticCredentialsProvider("key", "secret", "")}
	for _, err := range (&remote{InstanceID: "i"}).search(ctx, cfg, time.Time{}, false, connecttypes.SortOrderDescending) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// However many contacts there are, and however slowly they may be asked for, all are listed.
func TestListAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if n, err := (&archive{pages: 250}).list(t.Context()); n != 25000 || err != nil {
			t.Errorf("at once: %d contacts, %v", n, err)
		}
		if n, err := (&archive{pages: 250, every: 2 * time.Second}).list(t.Context()); n != 25000 || err != nil {
			t.Errorf("one page in two seconds: %d contacts, %v", n, err)
		}
	})
}

func TestListGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		if n, err := (&archive{pages: 3, every: time.Hour}).list(t.Context()); n != 100 || err == nil || !strings.Contains(err.Error(), "ThrottlingException") {
			t.Errorf("%d contacts, %v", n, err)
		}
		if took := time.Since(begun); took > 2*time.Minute {
			t.Errorf("that takes %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := (&archive{pages: 3, every: time.Hour}).list(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("interrupted: %v", err)
		}
	})
}
