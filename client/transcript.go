package client

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/parley-chat/parley/client/event"
)

// pageSize is how many items are asked for at a time: the most there may be.
const pageSize = 100

// Range says which part of a transcript is wanted. The zero value is all of the chat,
// oldest first.
type Range struct {
	// Backward walks from the newest to the oldest, and in a persistent chat on into
	// past chats.
	Backward bool
	// FromID or FromTime is where to begin, that item included; the end that the
	// direction comes from if neither is set.
	FromID   string
	FromTime time.Time
	// ContactID leaves out what belongs to other contacts of the chat.
	ContactID string
	// PageSize is how many items are read at a time, 1 to 100; 100 if it is 0.
	PageSize int
}

// Transcript ranges over the items of the chat that are kept: messages, attachments,
// who came and left. It reads page by page as it is asked for. An error comes last,
// with no item. A chat that has ended has no transcript any more for its participants.
func (s *Session) Transcript(ctx context.Context, r Range) iter.Seq2[event.Item, error] {
	return func(yield func(event.Item, error) bool) {
		in := r.input()
		for {
			items, next, err := s.transcriptPage(ctx, in)
			for _, it := range items {
				if !yield(it, nil) {
					return
				}
			}
			if err != nil {
				yield(event.Item{}, err)
			}
			if err != nil || next == "" {
				return
			}
			in.NextToken = &next
		}
	}
}

// input is the request for the first page.
func (r Range) input() *connectparticipant.GetTranscriptInput {
	in := &connectparticipant.GetTranscriptInput{
		MaxResults: aws.Int32(pageSize), ScanDirection: types.ScanDirectionForward, SortOrder: types.SortKeyAscending,
	}
	if r.PageSize != 0 {
		in.MaxResults = aws.Int32(int32(r.PageSize))
	}
	if r.ContactID != "" {
		in.ContactId = &r.ContactID
	}
	if r.Backward {
		in.ScanDirection, in.SortOrder = types.ScanDirectionBackward, types.SortKeyDescending
	}
	switch {
	case r.FromID != "":
		in.StartPosition = &types.StartPosition{Id: &r.FromID}
	case !r.FromTime.IsZero() || !r.Backward: // forward from nowhere is nothing (semantics.md 5)
		from := r.FromTime.UTC().Format("2006-01-02T15:04:05.000Z")
		if r.FromTime.IsZero() {
			from = "2000-01-01T00:00:00.000Z"
		}
		in.StartPosition = &types.StartPosition{AbsoluteTime: &from}
	}
	return in
}

// transcriptPage reads a page, and the token of the next one, if there is one.
func (s *Session) transcriptPage(ctx context.Context, in *connectparticipant.GetTranscriptInput) (items []event.Item, next string, err error) {
	var body bytes.Buffer
	err = s.call(ctx, func(ctx context.Context, token *string) error {
		in.ConnectionToken = token
		_, err := s.api.GetTranscript(ctx, in, keepBody(&body))
		return err
	})
	if err != nil {
		return nil, "", err
	}
	var out struct {
		Transcript []json.RawMessage
		NextToken  string
	}
	if err := json.Unmarshal(body.Bytes(), &out); err != nil {
		return nil, "", err
	}
	for _, raw := range out.Transcript {
		it, err := event.Parse(raw, s.details.ParticipantID)
		if err != nil {
			return nil, "", err
		}
		items = append(items, it)
	}
	return items, out.NextToken, nil
}

// keepBody has a call keep the body of its answer: the SDK's types have no room for
// members that are newer than it is.
func keepBody(body *bytes.Buffer) func(*connectparticipant.Options) {
	keep := middleware.DeserializeMiddlewareFunc("KeepBody", func(
		ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
	) (middleware.DeserializeOutput, middleware.Metadata, error) {
		out, metadata, err := next.HandleDeserialize(ctx, in)
		if resp, ok := out.RawResponse.(*smithyhttp.Response); ok && err == nil {
			body.Reset() // of an attempt before
			resp.Body = struct {
				io.Reader
				io.Closer
			}{io.TeeReader(resp.Body, body), resp.Body}
		}
		return out, metadata, err
	})
	return func(o *connectparticipant.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Deserialize.Insert(keep, "OperationDeserializer", middleware.After)
		})
	}
}

// page is a part of what a socket does not say, because it was before its time. The
// last has either no next one, or why it can't be read.
type page struct {
	items []event.Item
	last  bool
	err   error
}

// fill reads the pages, on a goroutine of its own.
type fill struct {
	pages  chan page
	cancel context.CancelFunc
}

// startFill reads the transcript from the last known items on.
func (l *loop) startFill() {
	ctx, cancel := context.WithCancel(l.ctx)
	f := &fill{pages: make(chan page), cancel: cancel}
	l.fill = f
	from := Range{FromID: l.Anchor().ID, FromTime: l.Anchor().Time}
	l.work.Go(func() { l.readPages(ctx, from, f.pages) })
}

func (l *loop) stopFill() {
	if l.fill != nil {
		l.fill.cancel()
		l.fill = nil
	}
}

// page tells what is new of a page, and after the last lets the socket speak.
func (l *loop) page(p page) {
	for _, it := range p.items {
		l.take(it)
	}
	if !p.last {
		return
	}
	l.stopFill()
	if l.behind {
		l.put(event.CaughtUp{})
		l.behind = false
	}
}

// readPages insists until all pages are read: only a 403 means that there is nothing
// more to be had.
func (s *Session) readPages(ctx context.Context, from Range, pages chan<- page) {
	in := from.input()
	for failed := 0; ; {
		items, next, err := s.transcriptPage(ctx, in)
		if err != nil && !isDenied(err) {
			if failed++; !s.sleep(ctx, backoff(failed)) {
				return
			}
			continue
		}
		failed = 0
		if len(items) == 0 && from.FromID != "" { // an id that the transcript does not know (semantics.md 5)
			from.FromID = ""
			in = from.input()
			continue
		}
		select {
		case pages <- page{items: items, last: next == "", err: err}:
		case <-ctx.Done():
			return
		}
		if next == "" {
			return
		}
		in.NextToken = &next
	}
}
