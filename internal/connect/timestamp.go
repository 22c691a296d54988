package connect

import (
	"fmt"
	"time"
)

// Timestamp is a time as the Connect API writes it: seconds since 1970 as a JSON
// number, with three fraction digits (semantics.md 9.0).
type Timestamp time.Time

// MarshalJSON writes the number.
func (t Timestamp) MarshalJSON() ([]byte, error) {
	ms := time.Time(t).UnixMilli()
	return fmt.Appendf(nil, "%d.%03d", ms/1000, ms%1000), nil
}

// timestamp gives nil for the zero time, which means that there is none.
func timestamp(t time.Time) *Timestamp {
	if t.IsZero() {
		return nil
	}
	return (*Timestamp)(&t)
}

// text gives nil for the empty string.
func text[S ~string](s S) *string {
	if s == "" {
		return nil
	}
	t := string(s)
	return &t
}
