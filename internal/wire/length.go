package wire

import (
	"fmt"
	"unicode/utf8"

	"github.com/parley-chat/parley/internal/chat"
)

// strict is how many characters a message may have by the SDKs' model (semantics.md
// 3.11). What is not listed is limited in bytes only.
var strict = map[string]int{
	chat.TypePlain:               1024,
	chat.TypeMarkdown:            1024,
	chat.TypeJSON:                12_000,
	chat.TypeInteractiveResponse: 12_288,
}

// TooLong says what is wrong with the length of a message by the strict limits, in a
// sentence about the named member; "" if nothing is.
func TooLong(member, contentType, text string) string {
	most, ok := strict[contentType]
	if !ok {
		return ""
	}
	if n := utf8.RuneCountInString(text); n > most {
		return fmt.Sprintf("%s has %d characters; %d are the most for %s on this server", member, n, most, contentType)
	}
	return ""
}
