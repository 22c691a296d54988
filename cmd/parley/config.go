package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/server"
)

type configCmd struct {
	config.Settings
}

// Run prints each setting, its value and where that comes from; then it checks them.
func (c *configCmd) Run(e *env) error {
	defaults := make(map[string]string)
	config.Describe(config.Defaults(), func(name, value string) { defaults[name] = value })
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	config.Describe(c.Settings, func(name, value string) {
		origin := e.sources.Origin(name)
		if origin == "" {
			origin = "default"
			if value != defaults[name] {
				origin = "flag --" + name
			}
		}
		fmt.Fprintf(w, "%s\t%s\t(%s)\n", name, value, origin)
	})
	if err := w.Flush(); err != nil {
		return err
	}
	c.Center = e.sources.Center()
	return server.Check(c.Settings)
}
