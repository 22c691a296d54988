package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant"
)

// upload sends a file as an attachment.
func (p *player) upload(ctx context.Context, r *request) any {
	var file struct{ Name, Type, Text string }
	if err := json.Unmarshal(r.In, &file); err != nil {
		return err
	}
	token := aws.String(p.people[r.Who].token)
	begun, err := p.chat.StartAttachmentUpload(ctx, &connectparticipant.StartAttachmentUploadInput{
		ConnectionToken: token, AttachmentName: &file.Name, ContentType: &file.Type, AttachmentSizeInBytes: int64(len(file.Text)),
	})
	if err != nil {
		return err
	}
	put, err := http.NewRequestWithContext(ctx, http.MethodPut, aws.ToString(begun.UploadMetadata.Url), strings.NewReader(file.Text))
	if err != nil {
		return err
	}
	for name, value := range begun.UploadMetadata.HeadersToInclude {
		put.Header.Set(name, value)
	}
	if _, err := fetch(put); err != nil {
		return err
	}
	_, err = p.chat.CompleteAttachmentUpload(ctx, &connectparticipant.CompleteAttachmentUploadInput{
		ConnectionToken: token, AttachmentIds: []string{aws.ToString(begun.AttachmentId)},
	})
	if err != nil {
		return err
	}
	return map[string]any{"AttachmentId": begun.AttachmentId}
}

// download gets what is in an attachment.
func (p *player) download(ctx context.Context, r *request) any {
	var in connectparticipant.GetAttachmentInput
	if err := json.Unmarshal(r.In, &in); err != nil {
		return err
	}
	in.ConnectionToken = aws.String(p.people[r.Who].token)
	out, err := p.chat.GetAttachment(ctx, &in)
	if err != nil {
		return err
	}
	get, err := http.NewRequestWithContext(ctx, http.MethodGet, aws.ToString(out.Url), nil)
	if err != nil {
		return err
	}
	text, err := fetch(get)
	if err != nil {
		return err
	}
	return map[string]any{"Text": text}
}

// fetch gives the body of a response that is no error.
func fetch(r *http.Request) (string, error) {
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", r.Method, r.URL.Path, resp.Status, body)
	}
	return string(body), err
}
