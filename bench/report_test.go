package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/parley-chat/parley/bench/internal/process"
	"github.com/parley-chat/parley/bench/internal/talk"
)

func TestReportSumsUp(t *testing.T) {
	var r report
	for i, rate := range []float64{900, 1100, 1000} {
		r.Send = append(r.Send,
			sendTrial{Store: "durable", Conversations: 64, Trial: i + 1, Result: talk.Result{Acked: rate}, ServerCPU: 60},
			sendTrial{Against: true, Store: "durable", Conversations: 64, Trial: i + 1, Result: talk.Result{Acked: 800}, ServerCPU: 80},
			sendTrial{Store: "memory", Conversations: 64, Trial: i + 1, Result: talk.Result{Acked: 2 * rate}, ServerCPU: 40})
	}
	for i, p99 := range []float64{9, 7, 8} {
		r.Nodes = append(r.Nodes,
			sendTrial{Store: "2 nodes", Nodes: 2, Trial: i + 1, Result: talk.Result{Acked: 4000}, ServerCPU: 200, PostgresCPU: 90, NATSCPU: 10, GeneratorCPU: 40, writes: writes{100, 2000, 500}},
			sendTrial{Store: "2 nodes", Nodes: 2, Trial: i + 1, Rate: 5000, Typing: true, Result: talk.Result{Acked: 5000, DeliveryP99: p99}})
	}
	for i, cpu := range []float64{20, 40, 30} {
		r.Client = append(r.Client,
			sendTrial{Driver: talk.Raw, Conversations: 64, Trial: i + 1, Result: talk.Result{Acked: 9000, AckP50: 2, DeliveryP50: 3}, ServerCPU: 90, GeneratorCPU: cpu},
			sendTrial{Driver: talk.Client, Conversations: 64, Trial: i + 1, Result: talk.Result{Acked: 3000, AckP50: 6, DeliveryP50: 8}, ServerCPU: 85, GeneratorCPU: 10 * cpu})
	}
	for _, d := range drivers {
		r.Client = append(r.Client, sendTrial{Driver: d, Conversations: 64, Rate: 500, Result: talk.Result{Acked: 500, AckP50: 1}, GeneratorCPU: 100})
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
		"0.50 of the messages per second, 1.50 times the server CPU", "| 64 | durable, the other server | 800 [800-800] |",
		"durable, 64 conversations: 0.75 times the server CPU per message [0.75-0.75], 1.25 of the messages per second [1.12-1.38]",
		"| all it takes | 2 nodes | 4000 [4000-4000] |", "| 200 + 90 + 10 = 300, 40 | 20.0, 25 % |",
		"| 5000 typing events/s | 2 nodes | 5000 [5000-5000] |", "| 0.0 / 8.0 |",
		"| all it takes | raw | 9000 [9000-9000] |", "| all it takes | client | 3000 [3000-3000] |", "| 500 messages/s | client | 500 [500-500] |",
		"64 conversations, all it takes: 270 us more of the generator's CPU per message, 10.0 times the raw client's; -5 us of the server's; ack p50 +4.0 ms, delivery p50 +5.0 ms\n",
		"64 conversations, 500 messages/s: 0 us more",
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
		{"-what", "everything"}, {"-conversations", "x"}, {"-conversations", "0"}, {"-stores", "tape"}, {"-trials", "0"},
		{"-duration", "1h"}, {"-nodes", "10"}, {"-rates", "x"}, {"-typing", "-1"}, {"-pace", "-1"}, {"-sockets", "1"}, {"-settle", "10m"},
	} {
		if _, err := parse(arguments); err == nil || !strings.Contains(err.Error(), arguments[0]) {
			t.Errorf("%v: error %v, want one that names the flag", arguments, err)
		}
	}
}

func TestCountReadsLogs(t *testing.T) {
	const line = `time=x level=INFO msg="the store is closed" transactions=10 appends=250 conflicts=25`
	found := closed.FindStringSubmatch(line)
	if len(found) != 4 || found[1] != "10" || found[2] != "250" || found[3] != "25" {
		t.Errorf("found %q", found)
	}
	if w := (writes{10, 250, 25}); w.perTransaction() != 25 || w.conflicts() != 0.1 {
		t.Errorf("%v", w)
	}
}
