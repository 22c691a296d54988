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
	if files := activation.Files(true); len(files) > 0 {
		for _, extra := range files[1:] {
			_ = extra.Close()
		}
		return inherited(files[0])
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

// Bequest is a copy of the listening socket, for a process that replaces this one.
// Connections that come while nobody accepts wait in it, and none is refused.
func (s *Server) Bequest() (*os.File, error) {
	l, ok := s.listener.(*net.TCPListener)
	if !ok {
		return nil, fmt.Errorf("a %T can't be handed over to another process", s.listener)
	}
	return l.File()
}
