package porttest_test

import (
	"fmt"
	"net"
	"testing"

	"github.com/parley-chat/parley/internal/porttest"
)

func TestFree(t *testing.T) {
	for range 100 {
		port, err := porttest.Free()
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if port >= 32768 { // from here on, Linux gives ports to whoever asks for any
			t.Errorf("the system may give port %d to anybody", port)
		}
	}
}
