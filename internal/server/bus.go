package server

import (
	"fmt"
	"os"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/bus/localbus"
	"github.com/parley-chat/parley/internal/bus/natsbus"
)

// openBus connects to the other nodes, in the background, if there are to be any. The
// bus of an installation is that of its instance: chats of others are none of its
// business.
func (s *Server) openBus() (bus.Bus, error) {
	if s.settings.Bus == "" {
		return localbus.New(), nil
	}
	host, _ := os.Hostname() // for show
	b, err := natsbus.New(natsbus.Options{
		URLs: s.settings.BusServers(), Prefix: "parley." + s.settings.InstanceID,
		Credentials: s.settings.BusCredentials,
		CA:          s.settings.BusCA, Cert: s.settings.BusCert, Key: s.settings.BusKey,
		Name: "parley " + host, Clock: s.clock, Log: s.log,
	})
	if err != nil {
		return nil, fmt.Errorf("the bus can't be used: %w; correct bus-credentials, bus-ca, bus-cert and bus-key", err)
	}
	return b, nil
}
