package blob

import (
	"fmt"
	"io"
)

// Exact gives r as far as it has exactly that many bytes, one or more: instead of the last
// of them it gives ErrMismatch if more follow, and instead of the end if some are missing.
// Implementations of [Store.Put] read through it.
func Exact(r io.Reader, size int64) io.Reader { return &exact{r, size, size} }

type exact struct {
	r          io.Reader
	size, left int64
}

// Read implements [io.Reader].
func (e *exact) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.r.Read(p[:min(int64(len(p)), e.left)])
	switch {
	case int64(n) == e.left:
		if err := e.end(); err != nil {
			return 0, err // not n: whoever counts to size would not hear of it
		}
		err = nil
	case err == io.EOF:
		err = fmt.Errorf("%w: it ends after %d bytes, and not %d", ErrMismatch, e.size-e.left+int64(n), e.size)
	}
	e.left -= int64(n)
	return n, err
}

// end reads the end, which must come now.
func (e *exact) end() error {
	switch n, err := io.ReadFull(e.r, make([]byte, 1)); {
	case n > 0:
		return fmt.Errorf("%w: it has more than %d bytes", ErrMismatch, e.size)
	case err != io.EOF:
		return err
	}
	return nil
}
