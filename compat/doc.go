// Package compat plays one scenario against the parley binary with the clients that
// exist for Amazon Connect chat, official and unmodified: the AWS SDKs for Go, Python
// and JavaScript, and ChatJS in plain Node and in a browser.
//
// scenario.yaml and its fellows say who does what, and what everyone must then have seen.
// The test reads them, starts the server (with center.yaml for its configuration), an
// identity provider and, for each client, a player: a small program that
// does what it is told with that client and reports what came of it. A player reads
// requests and writes replies and events, one JSON text a line:
//
//	{"id":7,"do":"SendMessage","who":"customer","in":{"ContentType":"text/plain","Content":"Hi"}}
//	{"id":7,"ok":{"Id":"…","AbsoluteTime":"…"}}
//	{"id":7,"error":{"type":"ValidationException","message":"…","status":400}}
//	{"event":"item","who":"agent","item":{…}}
//
// "do" is the name of an operation, or one of: connect (have a fresh connection and a
// subscribed socket, as a page that was loaded anew), reconnect (wait for the loss of
// the socket and have another), upload and download (an attachment, from beginning to
// end), forget (close everything). The type of an error is
// the name of the client's own class for it.
//
// The Go SDK and ChatJS in a browser play it also on three nodes with one PostgreSQL,
// three NATS servers and one S3 store, behind a load balancer that gives each call to
// any of them (-nodes-seed repeats its choices). A chapter that can't be played so says
// why, as its oneNode.
//
// Besides, ChatJS talks on in a browser and in plain Node while nodes are shut down and
// replaced one by one, and a single server by SIGHUP (TestRollingRestart, TestHandover).
//
// setup.sh installs what the players need. Where that is missing, a client's test is
// skipped; with CI=true it fails.
package compat
