package s3blob

import "time"

// SetCommitWithin has Commits take so long at most, until restore is called.
func SetCommitWithin(d time.Duration) (restore func()) {
	before := commitWithin
	commitWithin = d
	return func() { commitWithin = before }
}
