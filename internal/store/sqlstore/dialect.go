package sqlstore

import (
	"context"
	"embed"
)

// dialect is everything in which databases differ.
type dialect struct {
	// migrations is the directory of the schema's steps, under migrations.
	migrations string
	// begin starts a transaction that is going to write; beginStep, one that takes a
	// step of the schema, and waits until no other process does.
	begin, beginStep string
	// version gives the number of steps that were taken, in such a transaction, and if
	// peek is set, also outside of one. setVersion, a format with a %d, records it in the
	// transaction of the step.
	version, setVersion string
	peek                bool
	// prepares is set if statements may be prepared and kept with a connection.
	prepares bool
	// find is the function that gives the place of its second argument in its first, 0
	// if there is none.
	find string
	// explain turns an error of the driver into a sentence that names what is wrong
	// and what to do, and into an error of package store where there is one.
	explain func(error) error
	// try calls a function that reads, again if its error may be over then; trySlowly,
	// one that may read much.
	try, trySlowly func(context.Context, func(context.Context) error) error
}

//go:embed migrations
var migrations embed.FS
