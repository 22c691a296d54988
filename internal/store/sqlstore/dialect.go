package sqlstore

import (
	"database/sql"
	"embed"
)

// dialect is everything in which databases differ.
type dialect struct {
	// migrations is the directory of the schema's steps, under migrations.
	migrations string
	// begin starts a transaction that is going to write.
	begin string
	// version gives the number of steps that were taken; setVersion, a format with a
	// %d, records it in the transaction of the step.
	version, setVersion string
	// find is the function that gives the place of its second argument in its first, 0
	// if there is none.
	find string
	// explain turns an error of the driver into a sentence that names what is wrong
	// and what to do, and into an error of package store where there is one.
	explain func(error) error
	// committed, if not nil, is called after each transaction, when its callers have
	// been answered, on the goroutine that commits.
	committed func(*sql.Conn)
}

//go:embed migrations
var migrations embed.FS
