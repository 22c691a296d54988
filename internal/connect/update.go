package connect

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/parley-chat/parley/internal/chat"
)

// TagContactIn is the input of TagContact (semantics.md 9.9). Keys that begin with
// "aws:" are the service's own.
type TagContactIn struct {
	ContactId  *string           `json:"ContactId" required:"true" min:"1" max:"256"`
	InstanceId *string           `json:"InstanceId" required:"true" min:"1" max:"100"`
	Tags       map[string]string `json:"Tags" required:"true" min:"1" max:"6" keymin:"1" keymax:"128" keypattern:"^[a-zA-Z+-=._:/]+$" itemmax:"256"`
}

// TagContactOut is its output.
type TagContactOut struct{}

// tagContact adds and replaces tags of a contact, whether it has ended or not. It may
// have six altogether.
func (s *service) tagContact(ctx context.Context, in *TagContactIn) (*TagContactOut, error) {
	if err := checkTagKeys("Tags", slices.Collect(maps.Keys(in.Tags))); err != nil {
		return nil, err
	}
	return nil, s.change(ctx, *in.InstanceId, *in.ContactId, chat.Description{Tags: in.Tags})
}

// UntagContactIn is the input of UntagContact.
type UntagContactIn struct {
	ContactId  *string  `path:"ContactId" required:"true" min:"1" max:"256"`
	InstanceId *string  `path:"InstanceId" required:"true" min:"1" max:"100"`
	TagKeys    []string `query:"TagKeys" required:"true" min:"1" max:"6" itemmin:"1" itemmax:"128" pattern:"^[a-zA-Z+-=._:/]+$"`
}

// UntagContactOut is its output.
type UntagContactOut struct{}

// untagContact takes tags away. It doesn't mind those that the contact doesn't have.
func (s *service) untagContact(ctx context.Context, in *UntagContactIn) (*UntagContactOut, error) {
	if err := checkTagKeys("TagKeys", in.TagKeys); err != nil {
		return nil, err
	}
	return nil, s.change(ctx, *in.InstanceId, *in.ContactId, chat.Description{Untag: in.TagKeys})
}

func checkTagKeys(member string, keys []string) error {
	if slices.ContainsFunc(keys, func(k string) bool { return strings.HasPrefix(k, "aws:") }) {
		return invalidParameter(member + " must have no key that begins with aws:, which are the service's own")
	}
	return nil
}

// change changes what is said of a contact.
func (s *service) change(ctx context.Context, instanceID, contactID string, d chat.Description) error {
	at, err := s.find(ctx, instanceID, contactID)
	if err != nil {
		return err
	}
	_, err = s.node.Do(ctx, at.chat, chat.Describe{Contact: at.contact, Change: d})
	return err
}

// UpdateContactIn is the input of UpdateContact (semantics.md 9.5). What is left out
// stays as it is; references and segment attributes are added to those that the contact
// has, or replace them. The last four members are for calls outside of Amazon Connect.
type UpdateContactIn struct {
	InstanceId        *string                          `path:"InstanceId" required:"true" min:"1" max:"100"`
	ContactId         *string                          `path:"ContactId" required:"true" min:"1" max:"256"`
	Name              *string                          `json:"Name" max:"1024"`
	Description       *string                          `json:"Description" max:"4096"`
	References        map[string]Reference             `json:"References" keymin:"1" keymax:"4096"`
	SegmentAttributes map[string]SegmentAttributeValue `json:"SegmentAttributes" keymin:"1" keymax:"128" keypattern:"^[A-Za-z0-9_-]+$"`
	QueueInfo         *External                        `json:"QueueInfo"`
	UserInfo          *External                        `json:"UserInfo"`
	CustomerEndpoint  *External                        `json:"CustomerEndpoint"`
	SystemEndpoint    *External                        `json:"SystemEndpoint"`
}

// Reference is something that agents are shown with the contact. The other types and
// members that the model has are about email and files of tasks.
type Reference struct {
	Type  *string `json:"Type" required:"true" enum:"URL|ATTACHMENT|NUMBER|STRING|DATE|EMAIL"`
	Value *string `json:"Value" max:"4096"`
}

// External is what no chat can be given.
type External struct{}

// UpdateContactOut is its output.
type UpdateContactOut struct{}

// updateContact changes what is said of a contact, whether it has ended or not.
func (s *service) updateContact(ctx context.Context, in *UpdateContactIn) (*UpdateContactOut, error) {
	for member, given := range map[string]*External{
		"QueueInfo": in.QueueInfo, "UserInfo": in.UserInfo,
		"CustomerEndpoint": in.CustomerEndpoint, "SystemEndpoint": in.SystemEndpoint,
	} {
		if given != nil {
			return nil, invalidRequest(member + " can be updated for external audio contacts only; leave it out")
		}
	}
	if in.Name == nil && in.Description == nil && len(in.References)+len(in.SegmentAttributes) == 0 {
		_, err := s.find(ctx, *in.InstanceId, *in.ContactId)
		return nil, err
	}
	d := chat.Description{Name: in.Name, Text: in.Description}
	if len(in.References) > 0 {
		d.References = make(map[string]chat.Reference, len(in.References))
		for name, r := range in.References {
			d.References[name] = chat.Reference{Type: *r.Type}
			if r.Value != nil {
				d.References[name] = chat.Reference{Type: *r.Type, Value: *r.Value}
			}
		}
	}
	if len(in.SegmentAttributes) > 0 {
		d.SegmentAttributes = make(map[string]string, len(in.SegmentAttributes))
		for name, v := range in.SegmentAttributes {
			d.SegmentAttributes[name] = *v.ValueString
		}
	}
	return nil, s.change(ctx, *in.InstanceId, *in.ContactId, d)
}

// ListContactReferencesIn is the input of ListContactReferences. All references fit on
// one page, so there is no NextToken that could be sent, as in the real service.
type ListContactReferencesIn struct {
	InstanceId     *string  `path:"InstanceId" required:"true" min:"1" max:"100"`
	ContactId      *string  `path:"ContactId" required:"true" min:"1" max:"256"`
	ReferenceTypes []string `query:"referenceTypes" required:"true" max:"6" enum:"URL|ATTACHMENT|CONTACT_ANALYSIS|NUMBER|STRING|DATE|EMAIL|EMAIL_MESSAGE|EMAIL_MESSAGE_PLAIN_TEXT|EMAIL_MESSAGE_PLAIN_TEXT_REDACTED|EMAIL_MESSAGE_REDACTED"`
	NextToken      *string  `query:"nextToken"`
}

// ListContactReferencesOut is its output, in the order of the references' names.
// NextToken is always absent.
type ListContactReferencesOut struct {
	ReferenceSummaryList []ReferenceSummary `json:"ReferenceSummaryList"`
	NextToken            *string            `json:"NextToken,omitzero"`
}

// ReferenceSummary has one member: that of the reference's type.
type ReferenceSummary struct {
	Url        *NamedReference      `json:"Url,omitzero"`
	Attachment *AttachmentReference `json:"Attachment,omitzero"`
	Number     *NamedReference      `json:"Number,omitzero"`
	String     *NamedReference      `json:"String,omitzero"`
	Date       *NamedReference      `json:"Date,omitzero"`
	Email      *NamedReference      `json:"Email,omitzero"`
}

// NamedReference is a reference of any type but ATTACHMENT.
type NamedReference struct {
	Name  *string `json:"Name"`
	Value *string `json:"Value,omitzero"`
}

// AttachmentReference is one of the type ATTACHMENT. It names a file that is somewhere
// else, so Status is AVAILABLE. The chat's own attachments are in its transcript.
type AttachmentReference struct {
	Name   *string `json:"Name"`
	Value  *string `json:"Value,omitzero"`
	Status *string `json:"Status"`
}

func (s *service) listContactReferences(ctx context.Context, in *ListContactReferencesIn) (*ListContactReferencesOut, error) {
	if in.NextToken != nil {
		return nil, invalidParameter("NextToken is none of ours: all references are on the first page; leave it out")
	}
	var references map[string]chat.Reference // is never changed
	_, err := s.view(ctx, *in.InstanceId, *in.ContactId, func(_ *chat.Chat, k *chat.Contact) { references = k.Description.References })
	if err != nil {
		return nil, err
	}
	out := &ListContactReferencesOut{ReferenceSummaryList: []ReferenceSummary{}}
	for _, name := range slices.Sorted(maps.Keys(references)) {
		if r := references[name]; slices.Contains(in.ReferenceTypes, r.Type) {
			out.ReferenceSummaryList = append(out.ReferenceSummaryList, summarize(name, r))
		}
	}
	return out, nil
}

func summarize(name string, r chat.Reference) (s ReferenceSummary) {
	named := &NamedReference{Name: &name, Value: text(r.Value)}
	switch r.Type {
	case "URL":
		s.Url = named
	case "NUMBER":
		s.Number = named
	case "STRING":
		s.String = named
	case "DATE":
		s.Date = named
	case "EMAIL":
		s.Email = named
	default:
		s.Attachment = &AttachmentReference{Name: &name, Value: text(r.Value), Status: text("AVAILABLE")}
	}
	return s
}
