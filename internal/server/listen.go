package server

import (
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/coreos/go-systemd/v22/activation"

	"github.com/parley-chat/parley/internal/config"
)

// listen takes the address: from the process that this one replaces, from systemd
// (socket activation), or anew.
func listen(address string) (net.Listener, error) {
	if fd := os.Getenv(config.InheritedListener); fd != "" {
		n, err := strconv.Atoi(fd)
		if err != nil {
			return nil, fmt.Errorf("%s is %q and must be the number of an open file; unset it", config.InheritedListener, fd)
		}
		if err := os.Unsetenv(config.InheritedListener); err != nil {
			return nil, err
		}
		return inherited(os.NewFile(uintptr(n), "listener"))
	}
	switch files := activation.Files(true); len(files) {
	case 0:
	case 1:
		return inherited(files[0])
	default: // clients of the others would wait for ever
		return nil, fmt.Errorf("systemd has handed over %d sockets; leave one ListenStream in the socket unit", len(files))
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("can't listen on %s: %w; stop what uses the port, or choose another with --listen", address, err)
	}
	return l, nil
}

func inherited(f *os.File) (net.Listener, error) {
	defer f.Close() // the listener has a copy
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("the inherited socket can't be used: %w; start the server without it", err)
	}
	return l, nil
}

// atListener gives the settings with the address that the server really listens on: an
// inherited socket may be one that others can reach, though listen says otherwise.
func atListener(s config.Settings, l net.Listener) (config.Settings, error) {
	if a, ok := l.Addr().(*net.TCPAddr); ok {
		s.Listen = a.String()
	}
	return s, s.Check()
}

// Bequest is a copy of the listening socket, for a process that replaces this one.
// Connections that come while nobody accepts wait in it, and none is refused.
func (s *Server) Bequest() (*os.File, error) {
	l, ok := s.listener.(*net.TCPListener)
	if !ok {
		return nil, fmt.Errorf("a %T can't be handed over to another process", s.listener)
	}
	return l.File()
}
