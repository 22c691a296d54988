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
	"fmt"
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

// Config is what the API works with. All fields but Strict, Fault and Limit are
// required.
type Config struct {
	Node   *node.Node
	Center *center.Center
	Tokens *token.Keyring
	// Verifier checks who is asking; its Service is "connect".
	Verifier *sigv4.Verifier
	Instance Instance
	// Strict limits the initial message to the lengths of the SDKs' model; see
	// [wire.TooLong].
	Strict bool
	// Fault, if not nil, is asked before anything else; what it returns is the answer.
	Fault func(op string, r *http.Request) *restjson.Error
	// Limit, if not nil, counts a call of an operation, and tells how long to wait if it
	// is one too many.
	Limit func(op string) time.Duration
}

// Instance is the contact center that a server stands for. Region and AccountID only
// show in ARNs.
type Instance struct {
	ID, Region, AccountID string
}

// contactARN names a contact of the instance.
func (i Instance) contactARN(id chat.ContactID) string {
	return fmt.Sprintf("arn:aws:connect:%s:%s:instance/%s/contact/%s", i.Region, i.AccountID, i.ID, id)
}

// service holds the handlers.
type service struct {
	node     *node.Node
	tokens   *token.Keyring
	instance Instance
	center   *center.Center
	strict   bool
}

// New makes the table of the operations.
func New(c Config) *restjson.API {
	s := &service{node: c.Node, tokens: c.Tokens, instance: c.Instance, center: c.Center, strict: c.Strict}
	api := restjson.New(restjson.Options{
		Invalid:   invalidRequest,
		Internal:  internal,
		Translate: translate,
		Before: func(r *http.Request, _ string, body []byte) (context.Context, error) {
			return r.Context(), signed(c.Verifier, r, body)
		},
		Fault: c.Fault,
		Limit: limit(c.Limit),
	})
	restjson.Handle(api, "StartChatContact", "PUT", "/contact/chat", s.startChatContact)
	restjson.Handle(api, "CreateParticipant", "POST", "/contact/create-participant", s.createParticipant)
	restjson.Handle(api, "StopContact", "POST", "/contact/stop", s.stopContact)
	restjson.Handle(api, "DescribeContact", "GET", "/contacts/{InstanceId}/{ContactId}", s.describeContact)
	restjson.Handle(api, "GetContactAttributes", "GET", "/contact/attributes/{InstanceId}/{InitialContactId}", s.getContactAttributes)
	restjson.Handle(api, "UpdateContactAttributes", "POST", "/contact/attributes", s.updateContactAttributes)
	return api
}

// signed verifies the signature of a request.
func signed(v *sigv4.Verifier, r *http.Request, body []byte) error {
	err := v.Verify(r, body)
	var refused *sigv4.Error
	if errors.As(err, &refused) {
		return &restjson.Error{Code: refused.Code, Status: refused.Status, Message: refused.Message, Detail: refused.Detail}
	}
	return err
}

// lastPart gives the id at the end of an ARN, and anything else as it is.
func lastPart(id string) string {
	if strings.HasPrefix(id, "arn:") {
		return id[strings.LastIndexAny(id, "/:")+1:]
	}
	return id
}

// ours refuses another instance than the one we are.
func (s *service) ours(instanceID string) error {
	if !strings.EqualFold(lastPart(instanceID), s.instance.ID) {
		return notFound("InstanceId names no instance of this server; use " + s.instance.ID)
	}
	return nil
}

// find names the chat that a contact of the instance belongs to.
func (s *service) find(ctx context.Context, instanceID, contactID string) (chat.ChatID, error) {
	return s.view(ctx, instanceID, contactID, func(*chat.Chat) {})
}

// view finds the chat that a contact of the instance belongs to, and has a look at it
// as [node.Node.View] does.
func (s *service) view(ctx context.Context, instanceID, contactID string, look func(*chat.Chat)) (chat.ChatID, error) {
	if err := s.ours(instanceID); err != nil {
		return chat.ChatID{}, err
	}
	id, err := chat.ParseID(lastPart(contactID))
	if err != nil {
		return chat.ChatID{}, noContact()
	}
	found, err := s.node.Find(ctx, chat.ContactID{ID: id})
	if err != nil {
		return chat.ChatID{}, err
	}
	return found, s.node.View(ctx, found, func(c *chat.Chat) error {
		if !strings.EqualFold(c.Settings.Instance, s.instance.ID) {
			return noContact()
		}
		look(c)
		return nil
	})
}
