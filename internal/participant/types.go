package participant

import "github.com/parley-chat/parley/internal/wire"

// The inputs and outputs of the operations, member by member as in the model of the
// service (2018-09-07). Where a limit differs from the model, a comment says why.

// CreateParticipantConnectionIn asks for a connection (semantics.md 4).
type CreateParticipantConnectionIn struct {
	ParticipantToken   *string  `header:"X-Amz-Bearer" required:"true" min:"1" max:"1000"`
	Type               []string `json:"Type" min:"1" enum:"WEBSOCKET|CONNECTION_CREDENTIALS|WEBRTC_CONNECTION"`
	ConnectParticipant *bool    `json:"ConnectParticipant"`
}

// CreateParticipantConnectionOut has the parts that were asked for.
type CreateParticipantConnectionOut struct {
	Websocket             *Websocket             `json:"Websocket,omitempty"`
	ConnectionCredentials *ConnectionCredentials `json:"ConnectionCredentials,omitempty"`
}

// Websocket is where and until when a websocket can be used.
type Websocket struct {
	Url              string `json:"Url"`
	ConnectionExpiry string `json:"ConnectionExpiry"`
}

// ConnectionCredentials is what the other operations are called with.
type ConnectionCredentials struct {
	ConnectionToken string `json:"ConnectionToken"`
	Expiry          string `json:"Expiry"`
}

// SendMessageIn is a message to send. Content is limited in bytes: so says the newer
// documentation, and it bounds what is stored (semantics.md 3.11). Config.Strict limits
// it further.
type SendMessageIn struct {
	ConnectionToken *string `header:"X-Amz-Bearer" required:"true" min:"1" max:"1000"`
	ContentType     *string `json:"ContentType" required:"true" min:"1" max:"100"`
	Content         *string `json:"Content" required:"true" min:"1" maxbytes:"16384"`
	ClientToken     *string `json:"ClientToken" max:"500"`
}

// SendMessageOut names the item that the message became.
type SendMessageOut struct {
	Id           string `json:"Id"`
	AbsoluteTime string `json:"AbsoluteTime"`
}

// SendEventIn is an event to send. Content may be empty, whatever the model says: the
// iOS SDK sends typing that way (semantics.md 3.12).
type SendEventIn struct {
	ConnectionToken *string `header:"X-Amz-Bearer" required:"true" min:"1" max:"1000"`
	ContentType     *string `json:"ContentType" required:"true" min:"1" max:"100"`
	Content         *string `json:"Content" maxbytes:"16384"`
	ClientToken     *string `json:"ClientToken" max:"500"`
}

// SendEventOut names the event.
type SendEventOut struct {
	Id           string `json:"Id"`
	AbsoluteTime string `json:"AbsoluteTime"`
}

// GetTranscriptIn selects items (semantics.md 5).
type GetTranscriptIn struct {
	ConnectionToken *string        `header:"X-Amz-Bearer" required:"true" min:"1" max:"1000"`
	ContactId       *string        `json:"ContactId" min:"1" max:"256"`
	MaxResults      *int32         `json:"MaxResults" min:"0" max:"100"`
	NextToken       *string        `json:"NextToken" min:"1" max:"1000"`
	ScanDirection   *string        `json:"ScanDirection" enum:"FORWARD|BACKWARD"`
	SortOrder       *string        `json:"SortOrder" enum:"DESCENDING|ASCENDING"`
	StartPosition   *StartPosition `json:"StartPosition"`
}

// StartPosition is where a transcript page starts; ChatJS always sends an empty one.
type StartPosition struct {
	Id           *string `json:"Id" min:"1" max:"256"`
	AbsoluteTime *string `json:"AbsoluteTime" min:"1" max:"100"`
	MostRecent   *int32  `json:"MostRecent" min:"0" max:"100"`
}

// GetTranscriptOut is a page of items. NextToken is absent when there are no more:
// the mobile SDKs loop until it is.
type GetTranscriptOut struct {
	InitialContactId string      `json:"InitialContactId"`
	Transcript       []wire.Item `json:"Transcript"`
	NextToken        string      `json:"NextToken,omitempty"`
}

// DisconnectParticipantIn takes the caller out of the chat (semantics.md 3.6).
type DisconnectParticipantIn struct {
	ConnectionToken *string `header:"X-Amz-Bearer" required:"true" min:"1" max:"1000"`
	ClientToken     *string `json:"ClientToken" max:"500"`
}

// DisconnectParticipantOut is empty.
type DisconnectParticipantOut struct{}

// StartAttachmentUploadIn announces a file (semantics.md 6).
type StartAttachmentUploadIn struct {
	ConnectionToken       *string `header:"X-Amz-Bearer" required:"true" min:"1" max:"1000"`
	ContentType           *string `json:"ContentType" required:"true" min:"1" max:"255"`
	AttachmentSizeInBytes *int64  `json:"AttachmentSizeInBytes" required:"true" min:"1"`
	AttachmentName        *string `json:"AttachmentName" required:"true" min:"1" max:"256"`
	ClientToken           *string `json:"ClientToken" required:"true" min:"1" max:"500"`
}

// StartAttachmentUploadOut says where the file goes.
type StartAttachmentUploadOut struct {
	AttachmentId   string          `json:"AttachmentId"`
	UploadMetadata *UploadMetadata `json:"UploadMetadata,omitempty"`
}

// UploadMetadata is how a file is uploaded.
type UploadMetadata struct {
	Url              string            `json:"Url"`
	UrlExpiry        string            `json:"UrlExpiry"`
	HeadersToInclude map[string]string `json:"HeadersToInclude"`
}

// CompleteAttachmentUploadIn says that a file was uploaded.
type CompleteAttachmentUploadIn struct {
	ConnectionToken *string  `header:"X-Amz-Bearer" required:"true" min:"1" max:"1000"`
	AttachmentIds   []string `json:"AttachmentIds" required:"true" min:"1" max:"1" itemmin:"1" itemmax:"256"`
	ClientToken     *string  `json:"ClientToken" required:"true" min:"1" max:"500"`
}

// CompleteAttachmentUploadOut is empty.
type CompleteAttachmentUploadOut struct{}

// GetAttachmentIn asks for a file.
type GetAttachmentIn struct {
	ConnectionToken    *string `header:"X-Amz-Bearer" required:"true" min:"1" max:"1000"`
	AttachmentId       *string `json:"AttachmentId" required:"true" min:"1" max:"256"`
	UrlExpiryInSeconds *int32  `json:"UrlExpiryInSeconds" min:"5" max:"300"`
}

// GetAttachmentOut says where the file is.
type GetAttachmentOut struct {
	Url                   string `json:"Url"`
	UrlExpiry             string `json:"UrlExpiry"`
	AttachmentSizeInBytes int64  `json:"AttachmentSizeInBytes"`
}

// DescribeViewIn asks for a step-by-step guide's view.
type DescribeViewIn struct {
	ConnectionToken *string `header:"X-Amz-Bearer" required:"true" min:"1" max:"1000"`
	ViewToken       *string `path:"ViewToken" required:"true" min:"1" max:"1000"`
}

// DescribeViewOut is a view.
type DescribeViewOut struct {
	View *View `json:"View,omitempty"`
}

// View is a view; Content's InputSchema and Template are JSON in strings.
type View struct {
	Id      string       `json:"Id,omitempty"`
	Arn     string       `json:"Arn,omitempty"`
	Name    string       `json:"Name,omitempty"`
	Version *int32       `json:"Version,omitempty"`
	Content *ViewContent `json:"Content,omitempty"`
}

// ViewContent is what a view shows.
type ViewContent struct {
	InputSchema string   `json:"InputSchema,omitempty"`
	Template    string   `json:"Template,omitempty"`
	Actions     []string `json:"Actions,omitempty"`
}

// GetAuthenticationUrlIn begins a customer's authentication.
type GetAuthenticationUrlIn struct {
	ConnectionToken *string `header:"X-Amz-Bearer" required:"true" min:"1" max:"1000"`
	SessionId       *string `json:"SessionId" required:"true" min:"36" max:"36"`
	RedirectUri     *string `json:"RedirectUri" required:"true" min:"1" max:"1024"`
}

// GetAuthenticationUrlOut is where the customer logs in.
type GetAuthenticationUrlOut struct {
	AuthenticationUrl string `json:"AuthenticationUrl"`
}

// CancelParticipantAuthenticationIn ends a customer's authentication.
type CancelParticipantAuthenticationIn struct {
	ConnectionToken *string `header:"X-Amz-Bearer" required:"true" min:"1" max:"1000"`
	SessionId       *string `json:"SessionId" required:"true" min:"36" max:"36"`
}

// CancelParticipantAuthenticationOut is empty.
type CancelParticipantAuthenticationOut struct{}
