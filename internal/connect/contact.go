package connect

import (
	"context"
	"maps"

	"github.com/parley-chat/parley/internal/chat"
)

// StopContactIn is the input of StopContact (semantics.md 9.3). DisconnectReason is
// for outbound campaigns and changes nothing: the chat's reason is API.
type StopContactIn struct {
	ContactId        *string           `json:"ContactId" required:"true" min:"1" max:"256"`
	InstanceId       *string           `json:"InstanceId" required:"true" min:"1" max:"100"`
	DisconnectReason *DisconnectReason `json:"DisconnectReason"`
}

// DisconnectReason has a code of a campaign's choice.
type DisconnectReason struct {
	Code *string `json:"Code"`
}

// StopContactOut is its output.
type StopContactOut struct{}

// stopContact ends a chat. Stopping an ended chat changes nothing and is fine:
// ContactNotFoundException is for calls.
func (s *service) stopContact(ctx context.Context, in *StopContactIn) (*StopContactOut, error) {
	id, err := s.find(ctx, *in.InstanceId, *in.ContactId)
	if err != nil {
		return nil, err
	}
	_, err = s.node.Do(ctx, id, chat.Stop{})
	return nil, err
}

// DescribeContactIn is the input of DescribeContact (semantics.md 9.4).
type DescribeContactIn struct {
	InstanceId *string `path:"InstanceId" required:"true" min:"1" max:"100"`
	ContactId  *string `path:"ContactId" required:"true" min:"1" max:"256"`
}

// DescribeContactOut is its output.
type DescribeContactOut struct {
	Contact *Contact `json:"Contact"`
}

// Contact describes a contact: the members of the model that a chat of ours has
// something to say about.
type Contact struct {
	Arn              *string `json:"Arn"`
	Id               *string `json:"Id"`
	InitialContactId *string `json:"InitialContactId"`
	// ContactAssociationId is the first contact of all, which with us is
	// InitialContactId.
	ContactAssociationId *string    `json:"ContactAssociationId"`
	InitiationMethod     *string    `json:"InitiationMethod"`
	Channel              *string    `json:"Channel"`
	QueueInfo            *QueueInfo `json:"QueueInfo,omitzero"`
	AgentInfo            *AgentInfo `json:"AgentInfo,omitzero"`
	InitiationTimestamp  *Timestamp `json:"InitiationTimestamp"`
	// ConnectedToSystemTimestamp is when the customer joined.
	ConnectedToSystemTimestamp *Timestamp `json:"ConnectedToSystemTimestamp,omitzero"`
	DisconnectTimestamp        *Timestamp `json:"DisconnectTimestamp,omitzero"`
	DisconnectReason           *string    `json:"DisconnectReason,omitzero"`
	// LastUpdateTimestamp is when anything happened last, a message included.
	LastUpdateTimestamp *Timestamp                       `json:"LastUpdateTimestamp"`
	RelatedContactId    *string                          `json:"RelatedContactId,omitzero"`
	CustomerId          *string                          `json:"CustomerId,omitzero"`
	Attributes          map[string]string                `json:"Attributes,omitempty"`
	SegmentAttributes   map[string]SegmentAttributeValue `json:"SegmentAttributes"`
	Tags                map[string]string                `json:"Tags"`
}

// QueueInfo says in which queue the contact waits or waited. Our queues have names,
// and Id is the name.
type QueueInfo struct {
	Id               *string    `json:"Id"`
	EnqueueTimestamp *Timestamp `json:"EnqueueTimestamp"`
}

// AgentInfo is about the newest agent who has joined. Id is their participant id. Accepting
// and connecting are one with us.
type AgentInfo struct {
	Id                        *string    `json:"Id"`
	AcceptedByAgentTimestamp  *Timestamp `json:"AcceptedByAgentTimestamp"`
	ConnectedToAgentTimestamp *Timestamp `json:"ConnectedToAgentTimestamp"`
}

func (s *service) describeContact(ctx context.Context, in *DescribeContactIn) (*DescribeContactOut, error) {
	out := &DescribeContactOut{}
	_, err := s.view(ctx, *in.InstanceId, *in.ContactId, func(c *chat.Chat) { out.Contact = s.describe(c) })
	return out, err
}

// describe shows the chat's current contact. It copies what it takes from the chat.
func (s *service) describe(c *chat.Chat) *Contact {
	d := &Contact{
		Arn:                        text(s.instance.contactARN(c.Contact)),
		Id:                         text(c.Contact.String()),
		InitialContactId:           text(c.ID.String()),
		ContactAssociationId:       text(c.ID.String()),
		InitiationMethod:           text("API"),
		Channel:                    text("CHAT"),
		AgentInfo:                  agentInfo(c),
		InitiationTimestamp:        timestamp(c.StartedAt),
		ConnectedToSystemTimestamp: timestamp(c.Participant(c.Settings.Customer.ID).JoinedAt),
		DisconnectTimestamp:        timestamp(c.EndedAt),
		DisconnectReason:           text(c.Cause),
		LastUpdateTimestamp:        timestamp(c.Last),
		RelatedContactId:           text(c.Settings.RelatedContact),
		CustomerId:                 text(c.Settings.CustomerID),
		Attributes:                 maps.Clone(c.Attributes),
		SegmentAttributes:          map[string]SegmentAttributeValue{subtype: {text(subtypeChat)}},
		Tags:                       map[string]string{"aws:connect:instanceId": s.instance.ID},
	}
	for k, v := range c.Settings.SegmentAttributes {
		d.SegmentAttributes[k] = SegmentAttributeValue{&v}
	}
	if q := c.Current(); q.Queue != "" {
		d.QueueInfo = &QueueInfo{Id: text(q.Queue), EnqueueTimestamp: timestamp(q.QueuedAt)}
	}
	return d
}

func agentInfo(c *chat.Chat) *AgentInfo {
	p := c.Agent()
	if p == nil {
		return nil
	}
	return &AgentInfo{
		Id:                        text(p.ID.String()),
		AcceptedByAgentTimestamp:  timestamp(p.JoinedAt),
		ConnectedToAgentTimestamp: timestamp(p.JoinedAt),
	}
}
