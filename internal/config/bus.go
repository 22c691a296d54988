package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// checkBus does not repeat the URLs: one may hold a password.
func (s *Settings) checkBus() error {
	for i, server := range s.BusServers() {
		u, err := url.Parse(server)
		if err != nil || u.Hostname() == "" || u.Scheme != "nats" && u.Scheme != "tls" || strings.Trim(u.Path, "/") != "" {
			return fmt.Errorf("bus: number %d is not a URL like nats://nats.example.com:4222, or tls://USER:PASSWORD@nats.example.com:4222", i+1)
		}
	}
	for _, c := range []struct{ name, value string }{
		{"bus-credentials", s.BusCredentials}, {"bus-ca", s.BusCA}, {"bus-cert", s.BusCert}, {"bus-key", s.BusKey},
	} {
		if s.Bus == "" && c.value != "" {
			return fmt.Errorf("%s: has no effect without bus; set that, to the URL of a NATS server", c.name)
		}
	}
	if (s.BusCert == "") != (s.BusKey == "") {
		return errors.New("bus-cert: and bus-key belong together; set both, or neither")
	}
	return nil
}

// BusServers are the URLs of the NATS servers; none if nodes are not to hear of each
// other.
func (s *Settings) BusServers() (servers []string) {
	if s.Bus == "" {
		return nil
	}
	for server := range strings.SplitSeq(s.Bus, ",") {
		servers = append(servers, strings.TrimSpace(server))
	}
	return servers
}

// withoutPasswords is Bus as it may be shown.
func withoutPasswords(s *Settings) string {
	servers := s.BusServers()
	for i, server := range servers {
		u, err := url.Parse(server)
		switch {
		case err != nil:
			return "(hidden)"
		case u.User != nil:
			u.User = url.User("hidden")
			servers[i] = u.String()
		}
	}
	return strings.Join(servers, ",")
}
