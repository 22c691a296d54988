// Package connect serves the chat part of the Amazon Connect API (signing name
// "connect"): what a website's backend and an agent desk call (semantics.md 9).
//
// Requests are signed with AWS Signature Version 4; every configured access key may
// do everything. InstanceId and ContactFlowId are ids or ARNs, of which the last part
// counts. A request for another instance than ours, or for a contact of one, is
// answered as if nothing were there.
package connect

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/parley-chat/parley/internal/center"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/restjson"
	"github.com/parley-chat/parley/internal/sigv4"
	"github.com/parley-chat/parley/internal/token"
)

// Config is what the API works with. Node, Tokens, Verifier and Center are required.
type Config struct {
	Node   *node.Node
	Tokens *token.Keyring
	// Verifier checks who is asking; its Service is "connect". Without one nobody is
	// asked: for callers inside the server.
	Verifier *sigv4.Verifier
	// Center is the instance: its users, queues and flows.
	Center *center.Center
	// Strict limits the initial message to the lengths of the SDKs' model; see
	// [wire.TooLong].
	Strict bool
	// AgentGone and CustomerGone are how long a participant of a new chat may be without
	// a websocket before they count as gone; 0 is for ever.
	AgentGone, CustomerGone time.Duration
	// Fault, if not nil, is asked before anything else; what it returns is the answer.
	Fault func(op string, r *http.Request) *restjson.Error
	// Limit, if not nil, counts a call of an operation, and tells how long to wait if it
	// is one too many.
	Limit func(op string) time.Duration
}

// service holds the handlers.
type service struct {
	node   *node.Node
	tokens *token.Keyring
	center *center.Center
	strict bool

	agentGone, customerGone int // seconds
}

// New makes the table of the operations.
func New(c Config) *restjson.API {
	s := &service{node: c.Node, tokens: c.Tokens, center: c.Center, strict: c.Strict}
	s.agentGone, s.customerGone = int(c.AgentGone/time.Second), int(c.CustomerGone/time.Second)
	api := restjson.New(restjson.Options{
		Invalid:   invalidRequest,
		Internal:  internal,
		Translate: translate,
		Before: func(r *http.Request, _ string, body []byte) (context.Context, error) {
			return r.Context(), signed(c.Verifier, r, body)
		},
		Fault: c.Fault,
		Limit: c.Limit, TooMany: tooMany,
	})
	register(api, s)
	return api
}

// register adds the operations.
func register(api *restjson.API, s *service) {
	handle(api, "StartChatContact", "PUT", "/contact/chat", s.startChatContact)
	handle(api, "CreateParticipant", "POST", "/contact/create-participant", s.createParticipant)
	handle(api, "StopContact", "POST", "/contact/stop", s.stopContact)
	handle(api, "DescribeContact", "GET", "/contacts/{InstanceId}/{ContactId}", s.describeContact)
	handle(api, "UpdateContact", "POST", "/contacts/{InstanceId}/{ContactId}", s.updateContact)
	handle(api, "GetContactAttributes", "GET", "/contact/attributes/{InstanceId}/{InitialContactId}", s.getContactAttributes)
	handle(api, "UpdateContactAttributes", "POST", "/contact/attributes", s.updateContactAttributes)
	handle(api, "TagContact", "POST", "/contact/tags", s.tagContact)
	handle(api, "UntagContact", "DELETE", "/contact/tags/{InstanceId}/{ContactId}", s.untagContact)
	handle(api, "ListContactReferences", "GET", "/contact/references/{InstanceId}/{ContactId}", s.listContactReferences)
	handle(api, "SearchContacts", "POST", "/search-contacts", s.searchContacts)
	handle(api, "AssociateContactWithUser", "POST", "/contacts/{InstanceId}/{ContactId}/associate-user", s.associateContactWithUser)
	handle(api, "MonitorContact", "POST", "/contact/monitor", s.monitorContact)
	handle(api, "TransferContact", "POST", "/contact/transfer", s.transferContact)
	handle(api, "UpdateParticipantRoleConfig", "PUT", "/contact/participant-role-config/{InstanceId}/{ContactId}", s.updateParticipantRoleConfig)
	handle(api, "UpdateParticipantAuthentication", "POST", "/contact/update-participant-authentication", s.updateParticipantAuthentication)
	handle(api, "CreatePersistentContactAssociation", "POST", "/contact/persistent-contact-association/{InstanceId}/{InitialContactId}", s.createPersistentContactAssociation)
}

// handle adds an operation that answers only with errors that it models.
func handle[In, Out any](api *restjson.API, op, method, path string, h func(context.Context, *In) (*Out, error)) {
	restjson.Handle(api, op, method, path, func(ctx context.Context, in *In) (*Out, error) {
		out, err := h(ctx, in)
		if err != nil {
			err = asModelled(op, err)
		}
		return out, err
	})
}

// signed verifies the signature of a request.
func signed(v *sigv4.Verifier, r *http.Request, body []byte) error {
	if v == nil {
		return nil
	}
	err := v.Verify(r, body)
	var refused *sigv4.Error
	if errors.As(err, &refused) {
		return &restjson.Error{Code: refused.Code, Status: refused.Status, Message: refused.Message, Detail: refused.Detail}
	}
	return err
}

// contactARN names a contact of the instance.
func (s *service) contactARN(id chat.ContactID) string {
	return s.center.Instance.ARN("contact", id.String())
}

// flow finds a flow of the instance.
func (s *service) flow(id string) (center.Flow, error) {
	flow, ok := s.center.Flow(id)
	if !ok {
		return flow, notFound("ContactFlowId names no flow of this instance; define it in the server's configuration")
	}
	return flow, nil
}

// ours refuses another instance than the one we are.
func (s *service) ours(instanceID string) error {
	if !strings.EqualFold(center.LastPart(instanceID), s.center.Instance.ID) {
		return notFound("InstanceId names no instance of this server; use " + s.center.Instance.ID)
	}
	return nil
}

// place is a contact, and the chat that it is of.
type place struct {
	chat    chat.ChatID
	contact chat.ContactID
}

// find finds a contact of the instance.
func (s *service) find(ctx context.Context, instanceID, contactID string) (place, error) {
	return s.view(ctx, instanceID, contactID, func(*chat.Chat, *chat.Contact) {})
}

// view finds a contact of the instance, and has a look at it and its chat as
// [node.Node.View] does.
func (s *service) view(ctx context.Context, instanceID, contactID string, look func(*chat.Chat, *chat.Contact)) (at place, err error) {
	if err := s.ours(instanceID); err != nil {
		return at, err
	}
	if at.contact.ID, err = chat.ParseID(center.LastPart(contactID)); err != nil {
		return at, noContact()
	}
	if at.chat, err = s.node.Find(ctx, at.contact); err != nil {
		return at, err
	}
	return at, s.node.View(ctx, at.chat, func(c *chat.Chat) error {
		k := c.Find(at.contact)
		if k == nil || !strings.EqualFold(c.Settings.Instance, s.center.Instance.ID) {
			return noContact()
		}
		look(c, k)
		return nil
	})
}
