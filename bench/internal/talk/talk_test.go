package talk

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/server"
)

// Both drivers talk to a real server; what they measure has been checked then.
func TestDrivers(t *testing.T) {
	s := config.Defaults()
	s.Listen, s.Data = "127.0.0.1:0", config.Memory
	srv, err := server.Open(s, clockwork.NewRealClock(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		<-served
	})
	for _, d := range []Driver{Raw, Client} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			c := NewControl(srv.Listening())
			defer c.Close()
			all, err := Connect(t.Context(), []*Control{c}, 2, d)
			if err != nil {
				t.Fatal(err)
			}
			defer all.Close()
			metered := 0
			r, err := all.Run(t.Context(), Plan{Duration: 500 * time.Millisecond, Meter: func() error { metered++; return nil }})
			if err != nil || r.Checked == 0 || r.AckP50 <= 0 || r.DeliveryP50 <= 0 || metered != 2 {
				t.Errorf("%+v, metered %d times, error %v", r, metered, err)
			}
			if (r.Receipts >= 4) != (d == Client) {
				t.Errorf("%d receipts", r.Receipts)
			}
		})
	}
}
