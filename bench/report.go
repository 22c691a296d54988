package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/parley-chat/parley/bench/internal/stats"
	"github.com/parley-chat/parley/bench/internal/talk"
)

// report is all that was measured, as the JSON file has it.
type report struct {
	Machine machine      `json:"machine"`
	Send    []sendTrial  `json:"send,omitempty"`
	Nodes   []sendTrial  `json:"nodes,omitempty"`
	Client  []sendTrial  `json:"client,omitempty"`
	Idle    *idleSockets `json:"idleSockets,omitempty"`
	Startup *startup     `json:"startup,omitempty"`
}

// writeJSON writes the report to a file.
func (r *report) writeJSON(path string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// print writes the tables that a document can quote.
func (r *report) print(w io.Writer) {
	fmt.Fprintf(w, "\n%v\n", r.Machine)
	if len(r.Send) > 0 {
		r.printSend(w)
	}
	if len(r.Nodes) > 0 {
		r.printNodes(w)
	}
	if len(r.Client) > 0 {
		r.printClient(w)
	}
	if r.Idle != nil {
		r.Idle.print(w)
	}
	if r.Startup != nil {
		s := r.Startup
		idle := medianMemory(s.Idle)
		fmt.Fprintf(w, "\n| start-up (median of %d) | |\n|---|---|\n", len(s.First))
		fmt.Fprintf(w, "| exec to first chat started, empty data directory | %.0f ms (max %.0f) |\n", stats.Median(s.First), slices.Max(s.First))
		fmt.Fprintf(w, "| exec to first chat started, used data directory | %.0f ms (max %.0f) |\n", stats.Median(s.Again), slices.Max(s.Again))
		fmt.Fprintf(w, "| memory when idle | %.1f MiB resident, %.1f MiB of it not pages of files |\n",
			float64(idle.Resident)/1024, float64(idle.Anonymous)/1024)
	}
}

// printSend writes the medians of the trials, what durability costs, and how the two servers
// compare if there are two.
func (r *report) printSend(w io.Writer) {
	printHead(w, "conversations", "store")
	for _, n := range r.conversations() {
		for _, store := range stores {
			if t := r.trials(n, store, false); len(t) > 0 {
				fmt.Fprintln(w, sendRow(n, store, t))
			}
			if t := r.trials(n, store, true); len(t) > 0 {
				fmt.Fprintln(w, sendRow(n, store+", the other server", t))
			}
		}
	}
	fmt.Fprintln(w)
	for _, n := range r.conversations() {
		durable, inMemory := r.trials(n, stores[0], false), r.trials(n, stores[1], false)
		if len(durable) == 0 || len(inMemory) == 0 {
			continue
		}
		fmt.Fprintf(w, "durable / memory with %d conversations: %.2f of the messages per second, %.2f times the server CPU per message\n", n,
			medianOf(durable, acked)/medianOf(inMemory, acked), medianOf(durable, serverCPU)/medianOf(inMemory, serverCPU))
	}
	for _, n := range r.conversations() {
		for _, store := range stores {
			r.printRatios(w, n, store)
		}
	}
}

// printRatios compares the two servers trial by trial, because the machine is another one
// from minute to minute: the medians of their ratios, and between which they were.
func (r *report) printRatios(w io.Writer, n int, store string) {
	ours, theirs := r.trials(n, store, false), r.trials(n, store, true)
	if len(theirs) == 0 {
		return
	}
	ratios := func(value func(sendTrial) float64) (low, middle, high float64) {
		var all []float64
		for i := range theirs {
			all = append(all, value(ours[i])/value(theirs[i]))
		}
		return slices.Min(all), stats.Median(all), slices.Max(all)
	}
	low, cpu, high := ratios(serverCPU)
	fewest, rate, most := ratios(acked)
	fmt.Fprintf(w, "this / the other server, %s, %d conversations: %.2f times the server CPU per message [%.2f-%.2f], %.2f of the messages per second [%.2f-%.2f]\n",
		store, n, cpu, low, high, rate, fewest, most)
}

// printNodes writes the medians of the trials of nodes.
func (r *report) printNodes(w io.Writer) {
	fmt.Fprint(w, "\n| what | installation | acknowledged/s [min-max] | delivered/s | ack p50 / p99 ms | delivery p50 / p99 ms "+
		"| us/message: server + PostgreSQL + NATS, generator | appends/transaction, conflicts | cores used by others |\n"+
		"|---|---|---|---|---|---|---|---|---|\n")
	var seen []kind
	for _, t := range r.Nodes {
		if k := t.kind(); !slices.Contains(seen, k) {
			seen = append(seen, k)
			fmt.Fprintln(w, nodesRow(k, r.ofKind(k)))
		}
	}
}

func (r *report) ofKind(k kind) (out []sendTrial) {
	for _, t := range r.Nodes {
		if t.kind() == k {
			out = append(out, t)
		}
	}
	return out
}

func nodesRow(k kind, t []sendTrial) string {
	of := func(value func(sendTrial) float64) float64 { return medianOf(t, value) }
	server, postgres, nats := of(serverCPU), of(func(t sendTrial) float64 { return t.PostgresCPU }), of(func(t sendTrial) float64 { return t.NATSCPU })
	batch := "–"
	if !k.typing {
		batch = fmt.Sprintf("%.1f, %.0f %%", of(func(t sendTrial) float64 { return t.perTransaction() }), 100*of(func(t sendTrial) float64 { return t.conflicts() }))
	}
	return fmt.Sprintf("| %s | %s | %.0f [%.0f-%.0f] | %.0f | %.1f / %.1f | %.1f / %.1f | %.0f + %.0f + %.0f = %.0f, %.0f | %s | %.2f |",
		k.what(), k, of(acked), slices.MinFunc(t, byAcked).Acked, slices.MaxFunc(t, byAcked).Acked,
		of(func(t sendTrial) float64 { return t.Delivered }),
		of(ackP50), of(func(t sendTrial) float64 { return t.AckP99 }),
		of(deliveryP50), of(func(t sendTrial) float64 { return t.DeliveryP99 }),
		server, postgres, nats, server+postgres+nats, of(generatorCPU), batch,
		of(func(t sendTrial) float64 { return t.OtherCores }))
}

// printHead begins a table whose rows are those of sendRow.
func printHead(w io.Writer, one, other string) {
	fmt.Fprintf(w, "\n| %s | %s | acknowledged/s [min-max] | delivered/s | ack p50 / p99 ms | delivery p50 / p99 ms | server us/message | generator us/message | cores used by others |\n"+
		"|---|---|---|---|---|---|---|---|---|\n", one, other)
}

func sendRow(one any, other string, t []sendTrial) string {
	low := slices.MinFunc(t, byAcked).Acked
	high := slices.MaxFunc(t, byAcked).Acked
	return fmt.Sprintf("| %v | %s | %.0f [%.0f-%.0f] | %.0f | %.1f / %.1f | %.1f / %.1f | %.1f | %.1f | %.2f |", one, other,
		medianOf(t, acked), low, high,
		medianOf(t, func(t sendTrial) float64 { return t.Delivered }),
		medianOf(t, ackP50),
		medianOf(t, func(t sendTrial) float64 { return t.AckP99 }),
		medianOf(t, deliveryP50),
		medianOf(t, func(t sendTrial) float64 { return t.DeliveryP99 }),
		medianOf(t, serverCPU),
		medianOf(t, generatorCPU),
		medianOf(t, func(t sendTrial) float64 { return t.OtherCores }))
}

func acked(t sendTrial) float64        { return t.Acked }
func ackP50(t sendTrial) float64       { return t.AckP50 }
func deliveryP50(t sendTrial) float64  { return t.DeliveryP50 }
func serverCPU(t sendTrial) float64    { return t.ServerCPU }
func generatorCPU(t sendTrial) float64 { return t.GeneratorCPU }

func byAcked(a, b sendTrial) int {
	switch {
	case a.Acked < b.Acked:
		return -1
	case a.Acked > b.Acked:
		return 1
	}
	return 0
}

func medianOf(trials []sendTrial, value func(sendTrial) float64) float64 {
	var all []float64
	for _, t := range trials {
		all = append(all, value(t))
	}
	return stats.Median(all)
}

// conversations lists the numbers of conversations there are trials with.
func (r *report) conversations() (all []int) {
	for _, t := range r.Send {
		if !slices.Contains(all, t.Conversations) {
			all = append(all, t.Conversations)
		}
	}
	return all
}

func (r *report) trials(conversations int, store string, against bool) (out []sendTrial) {
	for _, t := range r.Send {
		if t.Conversations == conversations && t.Store == store && t.Against == against {
			out = append(out, t)
		}
	}
	return out
}

func (r *idleSockets) print(w io.Writer) {
	fmt.Fprintf(w, "\n| %d idle sockets, two per chat | |\n|---|---|\n", r.Sockets)
	fmt.Fprintf(w, "| memory per socket, settled | %.1f KiB (right after opening %.1f) |\n",
		r.perSocket(), float64(r.Open.Resident-r.ChattingLater.Resident)/float64(r.Sockets))
	fmt.Fprintf(w, "| the same with its share of chats, participants, caches: everything since the start | %.1f KiB |\n", r.perSocketAll())
	fmt.Fprintf(w, "| server, empty / with %d chats / with sockets too | %.0f / %.0f / %.0f MiB |\n", r.Chats,
		float64(r.Empty.Resident)/1024, float64(r.ChattingLater.Resident)/1024, float64(r.OpenLater.Resident)/1024)
	fmt.Fprintf(w, "| StartChatContact, %d at a time | %.0f/s, server %.0f us each |\n", talk.SetupWorkers, r.ChatsPerSecond, r.ChatCPU)
	fmt.Fprintf(w, "| CreateParticipantConnection, websocket, subscription | %.0f/s, server %.0f us each |\n", r.OpenPerSecond, r.OpenCPU)
	fmt.Fprintf(w, "| a ping and a heartbeat (ChatJS: every 10 s) | server %.0f us |\n", r.HeartbeatCPU)
}
