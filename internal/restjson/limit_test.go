package restjson_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/parley-chat/parley/internal/restjson"
)

// TestAnswersDoNotGrow sends bodies as large as they may be, with as much wrong in
// them as there is room for.
func TestAnswersDoNotGrow(t *testing.T) {
	h, _ := everything()
	fill := func(head, tail string, piece func(i int) string) string {
		var b strings.Builder
		b.WriteString(head)
		for i := 0; b.Len() < restjson.MaxBody-4000; i++ {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(piece(i))
		}
		return b.String() + tail
	}
	for name, body := range map[string]string{
		"keys":     fill(`{"Text":"a","Attributes":{`, `}}`, func(i int) string { return fmt.Sprintf(`"%05X":""`, i) }),
		"values":   fill(`{"Text":"a","Deep":{`, `}}`, func(i int) string { return fmt.Sprintf(`"%05d":{}`, i) }),
		"items":    fill(`{"Text":"a","Tags":[`, `]}`, func(int) string { return "{}" }),
		"texts":    fill(`{"Text":"a","Names":[`, `]}`, func(int) string { return `"abc"` }),
		"deep":     `{"X":` + strings.Repeat("[", 9000) + `{"a":1,"a":2}` + strings.Repeat("]", 9000) + `}`,
		"long key": `{"X":{"` + strings.Repeat("k", 100_000) + `":{"a":1,"a":2}}}`,
		"escapes":  fill(`{"Text":"a","Attributes":{`, `}}`, func(i int) string { return fmt.Sprintf(`"%s%d":""`, strings.Repeat(`\u0001`, 100), i) }),
		"NUL":      fill(`{"Text":"a","Attributes":{`, `}}`, func(i int) string { return fmt.Sprintf(`"%d":"\u0000"`, i) }),
	} {
		r := do(t, h, "POST", "/e/i", body)
		if answer := text(t, r); r.StatusCode != 400 || len(answer) > 16<<10 {
			t.Errorf("%s: status %d and %d bytes: %.300s", name, r.StatusCode, len(answer), answer)
		}
	}
}

func TestTenViolationsAreNamed(t *testing.T) {
	h, _ := everything()
	body := func(n int) string {
		var tags []string
		for i := range n {
			tags = append(tags, fmt.Sprintf(`"k%02d":{}`, i))
		}
		return `{"Text":"a","Deep":{` + strings.Join(tags, ",") + `}}`
	}
	for n, more := range map[int]bool{10: false, 11: true, 500: true} {
		m := message(t, do(t, h, "POST", "/e/i", body(n)))
		if !strings.HasPrefix(m, "10 validation errors detected: Value null at 'deep.k00.key'") || strings.Count(m, "Value null at") != 10 ||
			!strings.Contains(m, "'deep.k09.key'") || strings.HasSuffix(m, "; and there are more") != more {
			t.Errorf("%d violations: %s", n, m)
		}
	}
}
