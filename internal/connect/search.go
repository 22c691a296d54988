package connect

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/store"
	"github.com/parley-chat/parley/internal/token"
)

// SearchContactsIn is the input of SearchContacts (semantics.md 9.12). A contact must
// match all criteria. A chat has no SCHEDULED_TIMESTAMP, so nothing is found by it.
type SearchContactsIn struct {
	InstanceId     *string                  `json:"InstanceId" required:"true" min:"1" max:"100"`
	TimeRange      *SearchContactsTimeRange `json:"TimeRange" required:"true"`
	SearchCriteria *SearchCriteria          `json:"SearchCriteria"`
	MaxResults     *int32                   `json:"MaxResults" min:"1" max:"100"`
	NextToken      *string                  `json:"NextToken" min:"1" max:"2500"`
	Sort           *Sort                    `json:"Sort"`
}

// SearchContactsTimeRange bounds one time of the contacts, both ends included, in seconds
// since 1970.
type SearchContactsTimeRange struct {
	Type      *string  `json:"Type" required:"true" enum:"INITIATION_TIMESTAMP|SCHEDULED_TIMESTAMP|CONNECTED_TO_AGENT_TIMESTAMP|DISCONNECT_TIMESTAMP|ENQUEUE_TIMESTAMP"`
	StartTime *float64 `json:"StartTime" required:"true"`
	EndTime   *float64 `json:"EndTime" required:"true"`
}

// Sort says how the result is ordered: by the time that TimeRange is about, or by CHANNEL,
// which is the same for all.
type Sort struct {
	FieldName *string `json:"FieldName" required:"true" enum:"INITIATION_TIMESTAMP|SCHEDULED_TIMESTAMP|CONNECTED_TO_AGENT_TIMESTAMP|DISCONNECT_TIMESTAMP|INITIATION_METHOD|CHANNEL|EXPIRY_TIMESTAMP"`
	Order     *string `json:"Order" required:"true" enum:"ASCENDING|DESCENDING"`
}

// SearchContactsOut is its output. TotalCount counts all that match.
type SearchContactsOut struct {
	Contacts   []ContactSearchSummary `json:"Contacts"`
	NextToken  *string                `json:"NextToken,omitzero"`
	TotalCount *int64                 `json:"TotalCount"`
}

// ContactSearchSummary is a contact that was found.
type ContactSearchSummary struct {
	Arn                 *string                        `json:"Arn"`
	Id                  *string                        `json:"Id"`
	InitialContactId    *string                        `json:"InitialContactId"`
	PreviousContactId   *string                        `json:"PreviousContactId,omitzero"`
	InitiationMethod    *string                        `json:"InitiationMethod"`
	Channel             *string                        `json:"Channel"`
	Name                *string                        `json:"Name,omitzero"`
	QueueInfo           *QueueInfo                     `json:"QueueInfo,omitzero"`
	AgentInfo           *ContactSearchSummaryAgentInfo `json:"AgentInfo,omitzero"`
	InitiationTimestamp *Timestamp                     `json:"InitiationTimestamp"`
	DisconnectTimestamp *Timestamp                     `json:"DisconnectTimestamp,omitzero"`
	Tags                map[string]string              `json:"Tags"`
}

// ContactSearchSummaryAgentInfo is about the agent who took the contact last: the id of
// the user, or if there is none, the display name. ConnectedToAgentTimestamp is when the
// first agent did.
type ContactSearchSummaryAgentInfo struct {
	Id                        *string    `json:"Id"`
	ConnectedToAgentTimestamp *Timestamp `json:"ConnectedToAgentTimestamp,omitzero"`
}

// defaultFound is the page's size without MaxResults.
const defaultFound = 100

func (s *service) searchContacts(ctx context.Context, in *SearchContactsIn) (*SearchContactsOut, error) {
	if err := s.ours(*in.InstanceId); err != nil {
		return nil, err
	}
	q, possible, err := in.query()
	if err != nil {
		return nil, err
	}
	q.Instance = s.center.Instance.ID
	key, err := in.key()
	if err != nil {
		return nil, err
	}
	if in.NextToken != nil {
		if q.After, err = s.openCursor(key, *in.NextToken); err != nil {
			return nil, err
		}
	}
	out := &SearchContactsOut{Contacts: []ContactSearchSummary{}, TotalCount: new(int64)}
	if !possible {
		return out, nil
	}
	limit := defaultFound
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	q.Limit = limit + 1
	found, err := s.node.Search(ctx, q)
	if err != nil {
		return nil, err
	}
	if len(found.Contacts) > limit {
		found.Contacts = found.Contacts[:limit]
		out.NextToken = text(s.sealCursor(key, q.Cursor(&found.Contacts[limit-1])))
	}
	*out.TotalCount = int64(found.Total)
	for i := range found.Contacts {
		out.Contacts = append(out.Contacts, s.found(&found.Contacts[i]))
	}
	return out, nil
}

// found shows a contact's row.
func (s *service) found(row *chat.Summary) ContactSearchSummary {
	f := ContactSearchSummary{
		Arn: text(s.contactARN(row.Contact)), Id: text(row.Contact.String()),
		InitialContactId: text(row.Chat.FirstContact().String()),
		InitiationMethod: text(row.Method), Channel: text("CHAT"), Name: text(row.Name),
		InitiationTimestamp: timestamp(row.InitiatedAt), DisconnectTimestamp: timestamp(row.EndedAt),
		Tags: s.tags(row.Tags()),
	}
	if row.Previous != (chat.ContactID{}) {
		f.PreviousContactId = text(row.Previous.String())
	}
	if row.Queue != "" {
		f.QueueInfo = &QueueInfo{Id: text(row.Queue), EnqueueTimestamp: timestamp(row.QueuedAt)}
	}
	if row.Agent != "" {
		f.AgentInfo = &ContactSearchSummaryAgentInfo{Id: text(row.Agent), ConnectedToAgentTimestamp: timestamp(row.ConnectedAt)}
	}
	return f
}

// searchable are the times by which contacts are found.
var searchable = map[string]store.TimeField{
	"INITIATION_TIMESTAMP": store.Initiated, "ENQUEUE_TIMESTAMP": store.Queued,
	"CONNECTED_TO_AGENT_TIMESTAMP": store.ConnectedToAgent, "DISCONNECT_TIMESTAMP": store.Ended,
}

// query makes the store's search of the input. possible is false if no chat can match it.
func (in *SearchContactsIn) query() (q store.Search, possible bool, err error) {
	by, possible := searchable[*in.TimeRange.Type]
	q.By = by
	for _, end := range []struct {
		member  string
		seconds float64
		to      *time.Time
	}{
		{"TimeRange.StartTime", *in.TimeRange.StartTime, &q.From}, {"TimeRange.EndTime", *in.TimeRange.EndTime, &q.To},
	} {
		if end.seconds < 0 || end.seconds > maxSeconds {
			return q, false, invalidRequest(end.member + " must be a time from 1970 to 9999, in seconds since 1970")
		}
		*end.to = time.UnixMilli(int64(math.Round(end.seconds * 1000))).UTC()
	}
	if q.To.Before(q.From) {
		return q, false, invalidRequest("TimeRange.EndTime is before TimeRange.StartTime; exchange them")
	}
	if o := in.Sort; o != nil {
		if *o.FieldName != *in.TimeRange.Type && *o.FieldName != "CHANNEL" {
			return q, false, invalidRequest("Sort.FieldName must be the time that TimeRange.Type names, " + *in.TimeRange.Type + ", or CHANNEL")
		}
		q.Ascending = *o.Order == "ASCENDING"
	}
	if in.SearchCriteria != nil {
		matches, err := in.SearchCriteria.narrow(&q)
		return q, possible && matches, err
	}
	return q, possible, nil
}

// maxSeconds is the end of the year 9999.
const maxSeconds = 253402300799

// A page token says: when the last contact of the page was there (8 bytes of
// milliseconds), its id (16 bytes), and of which search it is the page (8 bytes). It needs
// no memory on the server and stays valid.
const cursorSize = 8 + 16 + 8

// key tells searches apart, but not the pages of one.
func (in *SearchContactsIn) key() (key [8]byte, err error) {
	same := *in
	same.NextToken, same.MaxResults = nil, nil
	canonical, err := json.Marshal(same, json.Deterministic(true))
	sum := sha256.Sum256(canonical)
	return [8]byte(sum[:8]), err
}

func (s *service) sealCursor(key [8]byte, c store.Cursor) string {
	body := binary.BigEndian.AppendUint64(make([]byte, 0, cursorSize), uint64(c.At.UnixMilli()))
	body = append(body, c.Contact.UUID[:]...)
	return s.tokens.Seal(token.Page, append(body, key[:]...))
}

func (s *service) openCursor(key [8]byte, tok string) (*store.Cursor, error) {
	body, err := s.tokens.Open(token.Page, tok)
	if err != nil || len(body) != cursorSize || [8]byte(body[24:]) != key {
		return nil, invalidParameter("NextToken is not of this search; send a NextToken of SearchContacts as it came, with the same request, or leave it out")
	}
	return &store.Cursor{
		At:      time.UnixMilli(int64(binary.BigEndian.Uint64(body))).UTC(),
		Contact: chat.ContactID{ID: chat.ID{UUID: uuid.UUID(body[8:24])}},
	}, nil
}
