package console

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/parley-chat/parley/internal/console/desk"
	"github.com/parley-chat/parley/internal/restjson"
)

// maxStart is the size of a request to start a chat, in bytes.
const maxStart = 64 << 10

// startRequest is what AWS's chat interface sends to the proxy it expects in front of
// StartChatContact (semantics.md 9.1), under whatever Content-Type. Members that are not
// here are not for customers to say: who they are (CustomerId), and which chat of the
// past they want to read (PersistentChat).
type startRequest struct {
	InstanceId         string
	ContactFlowId      string
	Username           string
	ParticipantDetails struct{ DisplayName string }
	ClientToken        string
	// Attributes may come as JSON in a text, and the types as a text with commas.
	Attributes                     jsontext.Value
	SupportedMessagingContentTypes jsontext.Value
	InitialMessage                 jsontext.Value
	ChatDurationInMinutes          jsontext.Value
	DisconnectOnCustomerExit       jsontext.Value
	ParticipantConfiguration       jsontext.Value
	SegmentAttributes              jsontext.Value
	PersistentChat                 jsontext.Value
}

// start answers the widget's, or a site's, request for a chat.
func (s *console) start(w http.ResponseWriter, r *http.Request) {
	if err := s.mayStart(w, r); err != nil {
		restjson.WriteError(w, r, err)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxStart))
	var in startRequest
	if err == nil {
		err = json.Unmarshal(body, &in, json.RejectUnknownMembers(false))
	}
	switch {
	case err != nil:
		restjson.WriteError(w, r, invalid(`The body must be like {"ParticipantDetails":{"DisplayName":"Jane"}}, with up to 65536 bytes`))
		return
	case in.PersistentChat != nil && string(in.PersistentChat) != "null":
		restjson.WriteError(w, r, denied("PersistentChat gives access to a past chat; let your backend call StartChatContact"))
		return
	}
	s.forward(w, r, &in)
}

// mayStart holds a request to the origins that may start chats. A server on which no
// site may have the widget starts chats for its own pages only, for those who are signed
// in.
func (s *console) mayStart(w http.ResponseWriter, r *http.Request) *restjson.Error {
	from := r.Header.Get("Origin")
	_, user := s.desk.User(r)
	ours := from == "" || s.sameOrigin(from, r.Host)
	allowed := s.Local || slices.Contains(s.WidgetOrigins, "*") || slices.Contains(s.WidgetOrigins, from) ||
		ours && (user || len(s.WidgetOrigins) > 0)
	if !allowed {
		return denied("Chats can't be started from " + from + "; the setting widget-origins lists those who may")
	}
	if !ours {
		w.Header().Set("Access-Control-Allow-Origin", from)
		w.Header().Add("Vary", "Origin")
	}
	if wait := s.starts.Take(desk.Address(r)); wait > 0 {
		return &restjson.Error{
			Code: "ThrottlingException", Status: http.StatusTooManyRequests, RetryAfter: wait,
			Message: "Too many chats were started from your address; try again later"}
	}
	return nil
}

// sameOrigin reports whether an origin is the console's own.
func (s *console) sameOrigin(from, host string) bool {
	u, err := url.Parse(from)
	return err == nil && (u.Host == host || strings.HasPrefix(s.URL+"/", from+"/"))
}

// forward has StartChatContact answer, and wraps its answer.
func (s *console) forward(w http.ResponseWriter, r *http.Request, in *startRequest) {
	body, err := json.Marshal(s.startInput(in))
	if err != nil {
		restjson.WriteError(w, r, invalid("The body is not valid JSON"))
		return
	}
	inner := r.Clone(r.Context())
	inner.Method, inner.URL, inner.RequestURI = http.MethodPut, &url.URL{Path: "/contact/chat"}, ""
	inner.Header = http.Header{"Content-Type": {"application/json"}}
	inner.Body, inner.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	out := &capture{header: w.Header(), status: http.StatusOK}
	s.Start.ServeHTTP(out, inner)
	if out.status != http.StatusOK {
		w.WriteHeader(out.status)
		_, _ = w.Write(out.body.Bytes())
		return
	}
	s.desk.Forget()
	answer := struct {
		Data struct {
			Result   jsontext.Value  `json:"startChatResult"`
			Features map[string]bool `json:"featurePermissions"`
		} `json:"data"`
	}{}
	answer.Data.Result = out.body.Bytes()
	answer.Data.Features = map[string]bool{"ATTACHMENTS": s.Attachments, "MESSAGING_MARKDOWN": true}
	w.Header().Del("Content-Length")
	_ = json.MarshalWrite(w, answer) // an error means that nobody is there to read it
}

// startInput is the input of StartChatContact.
func (s *console) startInput(in *startRequest) map[string]any {
	name := in.ParticipantDetails.DisplayName
	for _, other := range []string{in.Username, "Customer"} {
		if name == "" {
			name = other
		}
	}
	out := map[string]any{
		"InstanceId": s.Center.Instance.ID, "ContactFlowId": s.FlowID, "ParticipantDetails": map[string]string{"DisplayName": name},
	}
	for member, given := range map[string]string{
		"InstanceId": in.InstanceId, "ContactFlowId": in.ContactFlowId, "ClientToken": in.ClientToken,
	} {
		if given != "" {
			out[member] = given
		}
	}
	for member, given := range map[string]jsontext.Value{
		"Attributes": unquoted(in.Attributes), "SupportedMessagingContentTypes": list(in.SupportedMessagingContentTypes),
		"InitialMessage": in.InitialMessage, "ChatDurationInMinutes": in.ChatDurationInMinutes,
		"DisconnectOnCustomerExit": in.DisconnectOnCustomerExit, "SegmentAttributes": in.SegmentAttributes,
		"ParticipantConfiguration": in.ParticipantConfiguration,
	} {
		if given != nil && string(given) != "null" {
			out[member] = given
		}
	}
	return out
}

// unquoted is the JSON in a text, or what is no text.
func unquoted(v jsontext.Value) jsontext.Value {
	var text string
	if v.Kind() != '"' || json.Unmarshal(v, &text) != nil || text == "" {
		return v
	}
	return jsontext.Value(text)
}

// list makes a list of a text with commas.
func list(v jsontext.Value) jsontext.Value {
	var text string
	if v.Kind() != '"' || json.Unmarshal(v, &text) != nil {
		return v
	}
	made, err := json.Marshal(strings.Split(text, ","))
	if err != nil {
		return v
	}
	return made
}

// capture takes the status and the body of an answer; its headers are the real ones.
type capture struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (c *capture) Header() http.Header         { return c.header }
func (c *capture) WriteHeader(status int)      { c.status = status }
func (c *capture) Write(b []byte) (int, error) { return c.body.Write(b) }

func invalid(message string) *restjson.Error {
	return &restjson.Error{Code: "ValidationException", Status: http.StatusBadRequest, Message: message}
}
