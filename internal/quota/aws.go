package quota

// ActiveChats is how many chats an instance of the real service may have at a time
// (semantics.md 10).
const ActiveChats = 500

// AWSParticipant are the real service's limits of the Participant Service, for an
// instance (semantics.md 10). It publishes none for DescribeView,
// GetAuthenticationUrl and CancelParticipantAuthentication; they have the rate of the
// least used ones here.
func AWSParticipant() Limits {
	return Limits{
		Operations: map[string]Rate{
			"CreateParticipantConnection": {6, 9},
			"SendMessage":                 {10, 15},
			"SendEvent":                   {10, 15},
			"GetTranscript":               {8, 12},
			"GetAttachment":               {8, 12},
			"DisconnectParticipant":       {3, 5},
		},
		Default: Rate{2, 5},
	}
}

// AWSConnect are the real service's limits of the Amazon Connect API, for an account
// in a region (semantics.md 10).
func AWSConnect() Limits {
	l := Limits{Operations: map[string]Rate{"SearchContacts": {0.5, 1}}, Default: Rate{2, 5}}
	for _, g := range []struct {
		rate Rate
		ops  []string
	}{
		{Rate{5, 8}, []string{
			"StartChatContact", "StartContactStreaming", "StopContactStreaming",
			"CreatePersistentContactAssociation", "UpdateParticipantRoleConfig", "CreateParticipant",
		}},
		{Rate{10, 15}, []string{
			"GetContactAttributes", "UpdateContactAttributes", "DescribeContact", "StopContact",
			"UpdateContact", "ListContactReferences", "BatchPutContact",
		}},
		{Rate{20, 25}, []string{"TagContact", "UntagContact"}},
		{Rate{20, 20}, []string{"UpdateContactRoutingData"}},
		{Rate{17, 26}, []string{"SendChatIntegrationEvent"}},
	} {
		for _, op := range g.ops {
			l.Operations[op] = g.rate
		}
	}
	return l
}
