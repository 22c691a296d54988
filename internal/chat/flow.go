package chat

// Flow is what happens to a chat besides its people: a list of steps, run when
// the customer connects. A chat keeps the flow it was started with, so that a
// change of the configuration never changes a running chat.
type Flow struct {
	Steps []Step `json:"steps"`
}

// Step is one thing a flow does; exactly one member is set.
type Step struct {
	// Say sends a text/plain message from SYSTEM.
	Say string `json:"say,omitempty"`
	// Queue puts the contact into the queue of this name.
	Queue string `json:"queue,omitempty"`
}

// runFlow emits what the flow does at the moment the customer connects.
func (t *turn) runFlow() {
	system := t.chat.Settings.System
	for _, step := range t.chat.Settings.Flow.Steps {
		switch {
		case step.Say != "":
			t.append(Entry{Kind: KindMessage, By: &system, Content: &Content{Type: TypePlain, Text: step.Say}})
		case step.Queue != "":
			t.append(Entry{Kind: KindQueued, Queue: step.Queue})
		}
	}
}
