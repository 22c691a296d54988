package participant_test

import "testing"

// BenchmarkSendMessage is the whole way of a message through the API and the node
// into a store in memory, with its token and validation, without a network.
func BenchmarkSendMessage(b *testing.B) {
	w := newWorld(b)
	p := w.connected()
	b.ReportAllocs()
	for b.Loop() {
		if a := w.post(p.connection, messagePath, `{"ContentType":"text/plain","Content":"Hello, is anybody there?"}`); a.status != 200 {
			b.Fatal(a.body)
		}
	}
}
