package connect

import (
	"context"
	"slices"

	"github.com/parley-chat/parley/internal/center"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/restjson"
)

// AssociateContactWithUserIn is the input of AssociateContactWithUser (semantics.md
// 9.8). UserId is an id or an ARN.
type AssociateContactWithUserIn struct {
	InstanceId *string `path:"InstanceId" required:"true" min:"1" max:"100"`
	ContactId  *string `path:"ContactId" required:"true" min:"1" max:"256"`
	UserId     *string `json:"UserId" required:"true" min:"1" max:"256"`
}

// AssociateContactWithUserOut is its output.
type AssociateContactWithUserOut struct{}

// associateContactWithUser gives a contact that waits in a queue to a user, who then has
// a participant waiting: CreateParticipant with the user's id as DisplayName gives its
// token. It is withdrawn if nobody connects in the time that the queue gives.
func (s *service) associateContactWithUser(ctx context.Context, in *AssociateContactWithUserIn) (*AssociateContactWithUserOut, error) {
	user, err := s.user(*in.UserId)
	if err != nil {
		return nil, err
	}
	var queue string
	at, err := s.view(ctx, *in.InstanceId, *in.ContactId, func(c *chat.Chat, _ *chat.Contact) { queue = c.Current().Queue })
	if err != nil {
		return nil, err
	}
	_, err = s.node.Do(ctx, at.chat, chat.Assign{Contact: at.contact, User: user.Chat(), Within: s.center.AcceptWithin(queue)})
	return nil, err
}

// MonitorContactIn is the input of MonitorContact (semantics.md 8). Without
// AllowedMonitorCapabilities the user may only watch.
type MonitorContactIn struct {
	InstanceId                 *string  `json:"InstanceId" required:"true" min:"1" max:"100"`
	ContactId                  *string  `json:"ContactId" required:"true" min:"1" max:"256"`
	UserId                     *string  `json:"UserId" required:"true" min:"1" max:"256"`
	AllowedMonitorCapabilities []string `json:"AllowedMonitorCapabilities" max:"2" enum:"SILENT_MONITOR|BARGE"`
	ClientToken                *string  `json:"ClientToken" max:"500"`
}

// MonitorContactOut is its output: the supervisor's own contact.
type MonitorContactOut struct {
	ContactId  *string `json:"ContactId"`
	ContactArn *string `json:"ContactArn"`
}

// monitorContact lets a supervisor watch a chat. CreateParticipant, with SUPERVISOR and
// the user's id as DisplayName, gives the token of the participant who then waits.
func (s *service) monitorContact(ctx context.Context, in *MonitorContactIn) (*MonitorContactOut, error) {
	user, err := s.user(*in.UserId)
	if err != nil {
		return nil, err
	}
	if user.Role != center.Supervisor {
		return nil, invalidRequest("UserId names an agent; only a user with the role supervisor can monitor a contact")
	}
	at, err := s.find(ctx, *in.InstanceId, *in.ContactId)
	if err != nil {
		return nil, err
	}
	out, err := s.node.Do(ctx, at.chat, chat.Monitor{
		Contact: at.contact, User: user.Chat(), Token: restjson.Value(in.ClientToken),
		Barge: slices.Contains(in.AllowedMonitorCapabilities, "BARGE"),
	})
	if err != nil {
		return nil, err
	}
	own := chat.ContactID{ID: out.ID}
	return &MonitorContactOut{ContactId: text(own.String()), ContactArn: text(s.contactARN(own))}, nil
}

// TransferContactIn is the input of TransferContact (semantics.md 8). The real service
// transfers only tasks and email so; that it transfers chats is our extension, because a
// chat is else transferred by an agent's desk in ways that are not public. Exactly one of
// QueueId and UserId is given. The flow must exist, and changes nothing.
type TransferContactIn struct {
	InstanceId    *string `json:"InstanceId" required:"true" min:"1" max:"100"`
	ContactId     *string `json:"ContactId" required:"true" min:"1" max:"256"`
	ContactFlowId *string `json:"ContactFlowId" required:"true" max:"500"`
	QueueId       *string `json:"QueueId"`
	UserId        *string `json:"UserId" min:"1" max:"256"`
	ClientToken   *string `json:"ClientToken" max:"500"`
}

// TransferContactOut is its output: the contact that begins with the transfer. To a user
// that is when the user has connected; before, the contact is not found.
type TransferContactOut struct {
	ContactId  *string `json:"ContactId"`
	ContactArn *string `json:"ContactArn"`
}

func (s *service) transferContact(ctx context.Context, in *TransferContactIn) (*TransferContactOut, error) {
	cmd, err := s.transfer(in)
	if err != nil {
		return nil, err
	}
	at, err := s.view(ctx, *in.InstanceId, *in.ContactId, func(c *chat.Chat, _ *chat.Contact) {
		cmd.Within = s.center.AcceptWithin(c.Current().Queue)
	})
	if err != nil {
		return nil, err
	}
	cmd.Contact = at.contact
	out, err := s.node.Do(ctx, at.chat, cmd)
	if err != nil {
		return nil, err
	}
	next := chat.ContactID{ID: out.ID}
	return &TransferContactOut{ContactId: text(next.String()), ContactArn: text(s.contactARN(next))}, nil
}

// transfer reads where a contact is to go.
func (s *service) transfer(in *TransferContactIn) (chat.Transfer, error) {
	cmd := chat.Transfer{Token: restjson.Value(in.ClientToken)}
	if (in.QueueId == nil) == (in.UserId == nil) {
		return cmd, invalidRequest("Exactly one of QueueId and UserId must be given: a contact is transferred to a queue or to a user")
	}
	if _, err := s.flow(*in.ContactFlowId); err != nil {
		return cmd, err
	}
	if in.UserId != nil {
		user, err := s.user(*in.UserId)
		to := user.Chat()
		cmd.User = &to
		return cmd, err
	}
	queue, ok := s.center.Queue(*in.QueueId)
	if !ok {
		return cmd, notFound("QueueId names no queue of this instance; define it in the server's configuration")
	}
	cmd.Queue, cmd.Offer = queue.ID, queue.Offer()
	return cmd, nil
}

// user finds a user of the instance.
func (s *service) user(id string) (center.User, error) {
	user, ok := s.center.User(id)
	if !ok {
		return user, notFound("UserId names no user of this instance; define it in the server's configuration")
	}
	return user, nil
}
