// Package client is a participant's side of a chat: what ChatJS is to a web page, for Go.
// It works with Amazon Connect and with everything that speaks its Participant Service.
//
//	s, err := client.Start(ctx, cfg, client.StartOptions{InstanceID: …, FlowID: …, DisplayName: "Jane"})
//	if err != nil {
//		return err
//	}
//	defer s.Close()
//	for e, err := range s.Events(ctx) {
//		switch e := e.(type) {
//		case event.Message:
//			fmt.Println(e.DisplayName, e.Content)
//		}
//	}
//
// [Start] begins a chat as its customer; [Join] takes a place that somebody was given
// (StartChatContact and CreateParticipant give a participant token). Both go where the
// [aws.Config] says, as every client of the SDK does; the Participant Service itself
// needs no credentials.
//
// # The stream
//
// A [Session] has one stream of events, read with [Session.Next] or [Session.Events]. It
// begins with the chat's first item, or after the one given with [After], and goes on
// until the chat is over or the session is closed, across lost connections:
//
//   - Nothing that is in the transcript is missing from it. After each connection the
//     transcript is read from the last known item on.
//   - No item comes twice, though sockets overlap and transcripts repeat what sockets said.
//   - Items come in the order of AbsoluteTime and Id. Amazon does not promise that for
//     what comes on a websocket; an item that comes after a newer one has Late set, as
//     leaving it out would be worse.
//   - Receipts come after their message, each once. Those that were missed are found in
//     the transcript, for the newest 50 items.
//   - Signals, which no transcript keeps (typing, idle), are told if a socket was open.
//
// The session's connections take care of themselves: a new one is made when the old is
// lost, with exponential backoff and full jitter, when a heartbeat was not answered, and
// before the old one expires; in the latter two cases the new one has subscribed before
// the old one is closed. [event.Connected], [event.CaughtUp] and [event.Disconnected] tell
// of outages. If a new
// connection is refused with 403, the chat has ended meanwhile, which [event.Ended] then says.
//
// # Errors
//
// What the service answers are errors of the SDK, to be examined with [errors.As]:
//
//	var conflict *types.ConflictException
//	if errors.As(err, &conflict) { … }
//
// The package adds [ErrEnded], [ErrClosed], [ErrUpload] and [ErrDownload].
package client
