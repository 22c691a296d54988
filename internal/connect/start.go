package connect

import (
	"context"
	"fmt"
	"slices"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/restjson"
	"github.com/parley-chat/parley/internal/token"
	"github.com/parley-chat/parley/internal/wire"
)

// StartChatContactIn is the input of StartChatContact (semantics.md 9.1).
// RelatedContactId is kept and shown, whatever it names.
type StartChatContactIn struct {
	InstanceId                     *string                          `json:"InstanceId" required:"true" min:"1" max:"100"`
	ContactFlowId                  *string                          `json:"ContactFlowId" required:"true" min:"1" max:"500"`
	ParticipantDetails             *ParticipantDetails              `json:"ParticipantDetails" required:"true"`
	Attributes                     map[string]string                `json:"Attributes" keymin:"1" keymax:"32767" keypattern:"^[A-Za-z0-9_-]+$" itemmax:"32767"`
	InitialMessage                 *ChatMessage                     `json:"InitialMessage"`
	ClientToken                    *string                          `json:"ClientToken" max:"500"`
	ChatDurationInMinutes          *int32                           `json:"ChatDurationInMinutes" min:"60" max:"10080"`
	SupportedMessagingContentTypes []string                         `json:"SupportedMessagingContentTypes" enum:"text/plain|text/markdown|application/json|application/vnd.amazonaws.connect.message.interactive|application/vnd.amazonaws.connect.message.interactive.response"`
	PersistentChat                 *PersistentChat                  `json:"PersistentChat"`
	RelatedContactId               *string                          `json:"RelatedContactId" min:"1" max:"256"`
	SegmentAttributes              map[string]SegmentAttributeValue `json:"SegmentAttributes" keymin:"1" keymax:"128" keypattern:"^(connect:Subtype|[A-Za-z0-9_-]+)$"`
	CustomerId                     *string                          `json:"CustomerId" min:"1" max:"128"`
	DisconnectOnCustomerExit       []string                         `json:"DisconnectOnCustomerExit" min:"1" max:"1" enum:"AGENT"`
	ParticipantConfiguration       *ParticipantConfiguration        `json:"ParticipantConfiguration"`
}

// ParticipantDetails describe the customer.
type ParticipantDetails struct {
	DisplayName *string `json:"DisplayName" required:"true" min:"1" max:"256"`
}

// ChatMessage is the customer's first message. Its length is that of SendMessage: up
// to 16,384 bytes for all types (semantics.md 3.11), or that of Config.Strict.
type ChatMessage struct {
	ContentType *string `json:"ContentType" required:"true" enum:"text/plain|text/markdown|application/json|application/vnd.amazonaws.connect.message.interactive.response"`
	Content     *string `json:"Content" required:"true" min:"1" maxbytes:"16384"`
}

// PersistentChat asks for a past chat to be continued (semantics.md 5).
type PersistentChat struct {
	RehydrationType *string `json:"RehydrationType" required:"true" enum:"ENTIRE_PAST_SESSION|FROM_SEGMENT"`
	SourceContactId *string `json:"SourceContactId" required:"true" min:"1" max:"256"`
}

// SegmentAttributeValue is a text. The other kinds of value that the model has are
// for attributes that no chat starts with; without ValueString a value is refused.
type SegmentAttributeValue struct {
	ValueString *string `json:"ValueString" required:"true" max:"1024"`
}

// ParticipantConfiguration says how the customer wants answers.
type ParticipantConfiguration struct {
	ResponseMode *string `json:"ResponseMode" enum:"INCREMENTAL|COMPLETE"`
}

// StartChatContactOut is its output. ContinuedFromContactId is the contact of a past chat
// that this one continues.
type StartChatContactOut struct {
	ContactId              *string `json:"ContactId"`
	ParticipantId          *string `json:"ParticipantId"`
	ParticipantToken       *string `json:"ParticipantToken"`
	ContinuedFromContactId *string `json:"ContinuedFromContactId,omitzero"`
}

// startChatContact begins a chat, once per ClientToken and day: a repetition gets the
// same answer, whatever else it says. The participant token lives as long as the
// customer is in the chat.
func (s *service) startChatContact(ctx context.Context, in *StartChatContactIn) (*StartChatContactOut, error) {
	if err := s.ours(*in.InstanceId); err != nil {
		return nil, err
	}
	flow, err := s.flow(*in.ContactFlowId)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	if m := in.InitialMessage; m != nil && s.strict {
		if problem := wire.TooLong("InitialMessage.Content", *m.ContentType, *m.Content); problem != "" {
			return nil, invalidRequest(problem)
		}
	}
	set := in.settings()
	set.Instance, set.Flow = s.center.Instance.ID, flow.Flow
	set.AgentGone, set.CustomerGone = s.agentGone, s.customerGone
	var past *chat.Past
	if p := in.PersistentChat; p != nil {
		if past, err = s.past(ctx, "PersistentChat.SourceContactId", *p.RehydrationType, *p.SourceContactId); err != nil {
			return nil, err
		}
	}
	id, customer, err := s.node.Start(ctx, set, past, restjson.Value(in.ClientToken))
	if err != nil {
		return nil, err
	}
	out := &StartChatContactOut{
		ContactId:        text(id.FirstContact().String()),
		ParticipantId:    text(customer.String()),
		ParticipantToken: text(s.participantToken(id, customer)),
	}
	if past != nil {
		out.ContinuedFromContactId, err = s.continuedFrom(ctx, id) // of the first time, if this is a repetition
	}
	return out, err
}

// participantToken makes the token with which a participant connects. It never
// expires by itself: the chat says when its participants are gone.
func (s *service) participantToken(id chat.ChatID, p chat.ParticipantID) string {
	return s.tokens.Mint(token.Participant, token.Claims{Chat: id.UUID, Participant: p.UUID})
}

// check holds the input to the rules that its tags can't say.
func (in *StartChatContactIn) check() error {
	types := in.SupportedMessagingContentTypes
	if types != nil && !slices.Contains(types, chat.TypePlain) {
		return invalidParameter("SupportedMessagingContentTypes must contain text/plain")
	}
	if err := checkAttributes(in.Attributes); err != nil {
		return err
	}
	if m := in.InitialMessage; m != nil && *m.ContentType != chat.TypePlain && !slices.Contains(types, *m.ContentType) {
		return invalidRequest(fmt.Sprintf(
			"InitialMessage.ContentType is %s; add it to SupportedMessagingContentTypes, which is text/plain alone by default", *m.ContentType))
	}
	if in.PersistentChat != nil && in.RelatedContactId != nil {
		return invalidRequest("PersistentChat and RelatedContactId exclude one another; leave one of them out")
	}
	return in.checkSubtype()
}

// subtype is the segment attribute that says which kind of chat it is.
const subtype, subtypeChat, subtypeGuide = "connect:Subtype", "connect:Chat", "connect:Guide"

func (in *StartChatContactIn) checkSubtype() error {
	v, given := in.SegmentAttributes[subtype]
	if !given || *v.ValueString == subtypeChat {
		return nil
	}
	if *v.ValueString != subtypeGuide {
		return invalidParameter("SegmentAttributes: connect:Subtype must be connect:Chat or connect:Guide")
	}
	for _, needed := range []string{chat.TypeInteractive, chat.TypeInteractiveResponse} {
		if !slices.Contains(in.SupportedMessagingContentTypes, needed) {
			return invalidRequest("SegmentAttributes: connect:Subtype connect:Guide needs " + needed + " in SupportedMessagingContentTypes")
		}
	}
	return nil
}

// settings are what the chat is started with. The input has passed check.
func (in *StartChatContactIn) settings() chat.Settings {
	set := chat.Settings{
		FlowID:         *in.ContactFlowId,
		Customer:       chat.Author{Name: *in.ParticipantDetails.DisplayName},
		Attributes:     in.Attributes,
		Minutes:        int(restjson.Value(in.ChatDurationInMinutes)),
		RelatedContact: restjson.Value(in.RelatedContactId),
		CustomerID:     restjson.Value(in.CustomerId),
	}
	for _, t := range in.SupportedMessagingContentTypes {
		if !slices.Contains(set.ContentTypes, t) {
			set.ContentTypes = append(set.ContentTypes, t)
		}
	}
	if m := in.InitialMessage; m != nil {
		set.InitialMessage = &chat.Content{Type: *m.ContentType, Text: *m.Content}
	}
	if len(in.SegmentAttributes) > 0 {
		set.SegmentAttributes = make(map[string]string, len(in.SegmentAttributes))
		for k, v := range in.SegmentAttributes {
			set.SegmentAttributes[k] = *v.ValueString
		}
	}
	for _, r := range in.DisconnectOnCustomerExit {
		set.DisconnectOnCustomerExit = append(set.DisconnectOnCustomerExit, chat.Role(r))
	}
	if p := in.ParticipantConfiguration; p != nil {
		set.ResponseMode = restjson.Value(p.ResponseMode)
	}
	return set
}
