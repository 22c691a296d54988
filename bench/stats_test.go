package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/parley-chat/parley/bench/internal/process"
)

func TestPercentile(t *testing.T) {
	hundred := make([]int64, 100)
	for i := range hundred {
		hundred[i] = int64(100 - i)
	}
	for _, c := range []struct {
		samples []int64
		p       float64
		want    int64
	}{
		{nil, 0.5, 0}, {[]int64{7}, 0.99, 7}, {[]int64{3, 1, 2}, 0.5, 2},
		{hundred, 0.5, 50}, {hundred, 0.99, 99}, {hundred, 1, 100}, {hundred, 0, 1},
	} {
		if got := percentile(c.samples, c.p); got != c.want {
			t.Errorf("%v of %d samples: %d, want %d", c.p, len(c.samples), got, c.want)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{5}, 5}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 3}, 2.5}} {
		if got := median(c.values); got != c.want {
			t.Errorf("%v: %v, want %v", c.values, got, c.want)
		}
	}
}

func TestReportSumsUp(t *testing.T) {
	var r report
	for i, rate := range []float64{900, 1100, 1000} {
		r.Send = append(r.Send,
			sendTrial{Store: "durable", Conversations: 64, Trial: i + 1, Acked: rate, ServerCPU: 60},
			sendTrial{Store: "memory", Conversations: 64, Trial: i + 1, Acked: 2 * rate, ServerCPU: 40})
	}
	r.Idle = &idleSockets{
		Sockets: 1024, Chats: 512, Empty: process.Memory{Resident: 10 << 10},
		ChattingLater: process.Memory{Resident: 12 << 10}, OpenLater: process.Memory{Resident: 17 << 10},
	}
	r.Startup = &startup{First: []float64{30, 10, 20}, Again: []float64{5}, Idle: []process.Memory{{Resident: 2048}}}
	var out bytes.Buffer
	r.print(&out)
	for _, want := range []string{
		"| 64 | durable | 1000 [900-1100] |", "| 64 | memory | 2000 [1800-2200] |",
		"0.50 of the messages per second, 1.50 times the server CPU",
		"| memory per socket, settled | 5.0 KiB", "everything since the start | 7.0 KiB", "20 ms (max 30)", "2.0 MiB resident",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}

func TestParseFlags(t *testing.T) {
	s, err := parse([]string{"-what", "send", "-conversations", "1,2", "-trials", "1"})
	if err != nil || len(s.What) != 1 || len(s.Conversations) != 2 || s.Trials != 1 {
		t.Fatalf("%+v, error %v", s, err)
	}
	for _, arguments := range [][]string{
		{"-what", "everything"}, {"-conversations", "x"}, {"-conversations", "0"}, {"-trials", "0"},
		{"-duration", "1h"}, {"-sockets", "1"}, {"-settle", "10m"},
	} {
		if _, err := parse(arguments); err == nil || !strings.Contains(err.Error(), arguments[0]) {
			t.Errorf("%v: error %v, want one that names the flag", arguments, err)
		}
	}
}
