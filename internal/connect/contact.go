package connect

import (
	"cmp"
	"context"
	"maps"
	"time"

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

// stopContact ends a chat, or if the contact is a supervisor's or an invited agent's own,
// has that participant leave. Stopping what has ended changes nothing and is fine:
// ContactNotFoundException is for calls.
func (s *service) stopContact(ctx context.Context, in *StopContactIn) (*StopContactOut, error) {
	at, err := s.find(ctx, *in.InstanceId, *in.ContactId)
	if err != nil {
		return nil, err
	}
	_, err = s.node.Do(ctx, at.chat, chat.Stop{Contact: at.contact})
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
	// PreviousContactId is the contact of the chain that was current when this one began.
	PreviousContactId *string `json:"PreviousContactId,omitzero"`
	// ContactAssociationId is the first contact of all, which with us is
	// InitialContactId.
	ContactAssociationId *string    `json:"ContactAssociationId"`
	InitiationMethod     *string    `json:"InitiationMethod"`
	Name                 *string    `json:"Name,omitzero"`
	Description          *string    `json:"Description,omitzero"`
	Channel              *string    `json:"Channel"`
	QueueInfo            *QueueInfo `json:"QueueInfo,omitzero"`
	AgentInfo            *AgentInfo `json:"AgentInfo,omitzero"`
	InitiationTimestamp  *Timestamp `json:"InitiationTimestamp"`
	// ConnectedToSystemTimestamp is when the customer joined, or a later contact began.
	ConnectedToSystemTimestamp *Timestamp `json:"ConnectedToSystemTimestamp,omitzero"`
	DisconnectTimestamp        *Timestamp `json:"DisconnectTimestamp,omitzero"`
	DisconnectReason           *string    `json:"DisconnectReason,omitzero"`
	// LastUpdateTimestamp is when anything that is shown here last changed, the chat's
	// metrics apart.
	LastUpdateTimestamp *Timestamp `json:"LastUpdateTimestamp"`
	// RelatedContactId is the past contact that the chat continues, or what its start said.
	RelatedContactId  *string                          `json:"RelatedContactId,omitzero"`
	CustomerId        *string                          `json:"CustomerId,omitzero"`
	Attributes        map[string]string                `json:"Attributes,omitempty"`
	SegmentAttributes map[string]SegmentAttributeValue `json:"SegmentAttributes"`
	Tags              map[string]string                `json:"Tags"`
	ChatMetrics       *ChatMetrics                     `json:"ChatMetrics,omitzero"`
	NextContacts      []NextContactEntry               `json:"NextContacts,omitempty"`
}

// QueueInfo says in which queue the contact waits or waited.
type QueueInfo struct {
	Id               *string    `json:"Id"`
	EnqueueTimestamp *Timestamp `json:"EnqueueTimestamp"`
}

// AgentInfo is about the agent who has joined the contact last, or the supervisor whose
// own contact it is. Id is that of the user, or if there is none, of the participant.
// Accepting and connecting are one with us.
type AgentInfo struct {
	Id                        *string    `json:"Id"`
	AcceptedByAgentTimestamp  *Timestamp `json:"AcceptedByAgentTimestamp,omitzero"`
	ConnectedToAgentTimestamp *Timestamp `json:"ConnectedToAgentTimestamp,omitzero"`
}

// NextContactEntry is a contact to which this one was transferred.
type NextContactEntry struct {
	Type                *string              `json:"Type"`
	NextContactMetadata *NextContactMetadata `json:"NextContactMetadata"`
}

// NextContactMetadata has one member.
type NextContactMetadata struct {
	QuickConnectContactData *QuickConnectContactData `json:"QuickConnectContactData"`
}

// QuickConnectContactData names the contact. We have no quick connects; QuickConnectType
// is QUEUE or USER.
type QuickConnectContactData struct {
	ContactId           *string    `json:"ContactId"`
	InitiationTimestamp *Timestamp `json:"InitiationTimestamp"`
	QuickConnectType    *string    `json:"QuickConnectType"`
}

func (s *service) describeContact(ctx context.Context, in *DescribeContactIn) (*DescribeContactOut, error) {
	out := &DescribeContactOut{}
	_, err := s.view(ctx, *in.InstanceId, *in.ContactId, func(c *chat.Chat, k *chat.Contact) { out.Contact = s.describe(c, k) })
	return out, err
}

// describe shows a contact of a chat. It copies what it takes from them.
func (s *service) describe(c *chat.Chat, k *chat.Contact) *Contact {
	d := &Contact{
		Arn:                        text(s.contactARN(k.ID)),
		Id:                         text(k.ID.String()),
		InitialContactId:           text(c.ID.String()),
		ContactAssociationId:       text(c.ID.String()),
		InitiationMethod:           text(k.Method),
		Name:                       k.Description.Name,
		Description:                k.Description.Text,
		Channel:                    text("CHAT"),
		AgentInfo:                  agentInfo(c, k),
		InitiationTimestamp:        timestamp(k.Began),
		ConnectedToSystemTimestamp: timestamp(k.Began),
		DisconnectTimestamp:        timestamp(k.Ended),
		DisconnectReason:           text(k.Cause),
		LastUpdateTimestamp:        timestamp(latest(k.Began, k.QueuedAt, k.ConnectedAt, k.Updated, k.Ended)),
		RelatedContactId:           text(c.Settings.RelatedContact),
		CustomerId:                 text(c.Settings.CustomerID),
		Attributes:                 maps.Clone(c.Attributes),
		SegmentAttributes:          map[string]SegmentAttributeValue{subtype: {text(subtypeChat)}},
		Tags:                       s.tags(k.Description.Tags),
		ChatMetrics:                metrics(c, k),
	}
	if k.Previous != (chat.ContactID{}) {
		d.PreviousContactId = text(k.Previous.String())
	} else {
		joined := c.Customer().JoinedAt
		d.ConnectedToSystemTimestamp = timestamp(joined)
		d.LastUpdateTimestamp = timestamp(latest(time.Time(*d.LastUpdateTimestamp), joined))
	}
	if c.Past != nil {
		d.RelatedContactId = text(c.Past.Contact.String())
	}
	for name, v := range k.Description.SegmentAttributes {
		d.SegmentAttributes[name] = SegmentAttributeValue{&v}
	}
	if k.Queue != "" {
		d.QueueInfo = &QueueInfo{Id: text(k.Queue), EnqueueTimestamp: timestamp(k.QueuedAt)}
	}
	for _, id := range c.Next(k.ID) {
		if entry := nextContact(c.Find(id)); entry != nil {
			d.NextContacts = append(d.NextContacts, *entry)
		}
	}
	return d
}

// tags are a contact's own, and the one that every contact has.
func (s *service) tags(own map[string]string) map[string]string {
	tags := map[string]string{"aws:connect:instanceId": s.center.Instance.ID}
	maps.Copy(tags, own)
	return tags
}

func latest(times ...time.Time) (last time.Time) {
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}

func agentInfo(c *chat.Chat, k *chat.Contact) *AgentInfo {
	p := c.Participant(k.Agent)
	if p == nil {
		return nil
	}
	return &AgentInfo{
		Id:                        text(cmp.Or(p.User, p.ID.String())),
		AcceptedByAgentTimestamp:  timestamp(p.JoinedAt),
		ConnectedToAgentTimestamp: timestamp(p.JoinedAt),
	}
}

// nextContact shows a transfer; other contacts are not the next ones of a transfer.
func nextContact(k *chat.Contact) *NextContactEntry {
	kind := ""
	switch k.Method {
	case chat.MethodTransfer:
		kind = "USER"
	case chat.MethodQueueTransfer:
		kind = "QUEUE"
	default:
		return nil
	}
	return &NextContactEntry{Type: text("QUICK_CONNECT"), NextContactMetadata: &NextContactMetadata{&QuickConnectContactData{
		ContactId: text(k.ID.String()), InitiationTimestamp: timestamp(k.Began), QuickConnectType: &kind,
	}}}
}
