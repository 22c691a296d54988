package wire_test

import (
	"strings"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
)

func TestTooLong(t *testing.T) {
	for kind, most := range map[string]int{
		chat.TypePlain: 1024, chat.TypeMarkdown: 1024, chat.TypeJSON: 12_000, chat.TypeInteractiveResponse: 12_288,
	} {
		for _, letter := range []string{"x", "é", "👋"} {
			if problem := wire.TooLong("Content", kind, strings.Repeat(letter, most)); problem != "" {
				t.Errorf("%s, %d times %s: %s", kind, most, letter, problem)
			}
		}
		problem := wire.TooLong("Content", kind, strings.Repeat("é", most+1))
		if !strings.HasPrefix(problem, "Content has ") || !strings.HasSuffix(problem, kind+" on this server") {
			t.Errorf("%s: %q", kind, problem)
		}
	}
	if problem := wire.TooLong("Content", chat.TypeInteractive, strings.Repeat("x", 16384)); problem != "" {
		t.Error(problem)
	}
}
