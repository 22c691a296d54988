package participant

import (
	"context"
)

// describeView gives what a step of a flow shows (semantics.md 3.5). The token, from the
// message, says which version.
func (s *service) describeView(ctx context.Context, in *DescribeViewIn) (*DescribeViewOut, error) {
	b := bearerOf(ctx)
	if _, err := s.node.Admit(ctx, b.chat, b.participant); err != nil {
		return nil, err
	}
	id, version, err := s.tokens.OpenView(*in.ViewToken)
	if err != nil {
		return nil, notFound("ViewToken is not one of this server; take it from the data.content.viewToken of an interactive message")
	}
	v, ok := s.center.View(id, version)
	if !ok {
		return nil, notFound("the view is not configured any more")
	}
	number := int32(v.Version)
	return &DescribeViewOut{View: &View{
		Id: v.ID, Arn: s.center.Instance.ARN("view", v.ID), Name: v.Name, Version: &number,
		Content: &ViewContent{InputSchema: v.InputSchema, Template: v.Template, Actions: v.Actions},
	}}, nil
}
