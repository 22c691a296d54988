package identity

// For the tests outside.
const (
	FreshFor   = freshFor
	RenewPause = renewPause
)
