package main

import (
	"context"
	"fmt"
	"io"

	"github.com/parley-chat/parley/bench/internal/talk"
)

// drivers are the two that are compared.
var drivers = [...]talk.Driver{talk.Raw, talk.Client}

// measureClient has the same conversations driven by the generator's own client and by
// package client, which costs what a program that uses it pays. Trials of the two
// alternate, so that what else happens on the machine meets both.
func (b *bench) measureClient(ctx context.Context) error {
	rates := []int{0}
	if b.Pace > 0 {
		rates = append(rates, b.Pace)
	}
	for _, rate := range rates {
		for trial := range b.Trials {
			for _, d := range drivers {
				t := sendTrial{Store: "durable", Driver: d, Rate: float64(rate), Conversations: b.Conversations[0], Trial: trial + 1}
				in, err := b.installOne(ctx, b.Program, true)
				if err == nil {
					err = b.try(ctx, in, &t)
				}
				if err != nil {
					return fmt.Errorf("sending by the %s client: %w", d, err)
				}
				b.report.Client = append(b.report.Client, t)
				fmt.Fprintf(b.out, "%-6s client: %v\n", d, t)
			}
		}
	}
	return nil
}

// printClient writes the medians of the trials, and what package client costs.
func (r *report) printClient(w io.Writer) {
	printHead(w, "what", "client")
	for i, t := range r.Client {
		if what := t.kind().what(); i == 0 || what != r.Client[i-1].kind().what() {
			for _, d := range drivers {
				fmt.Fprintln(w, sendRow(what, string(d), r.driven(what, d)))
			}
		}
	}
	fmt.Fprintln(w)
	for i, t := range r.Client {
		if what := t.kind().what(); i == 0 || what != r.Client[i-1].kind().what() {
			fmt.Fprintln(w, clientCost(what, r.driven(what, talk.Raw), r.driven(what, talk.Client)))
		}
	}
}

// driven finds the trials of one driver.
func (r *report) driven(what string, d talk.Driver) (out []sendTrial) {
	for _, t := range r.Client {
		if t.kind().what() == what && t.Driver == d {
			out = append(out, t)
		}
	}
	return out
}

// clientCost is the difference that package client makes.
func clientCost(what string, raw, client []sendTrial) string {
	more := func(value func(sendTrial) float64) float64 { return medianOf(client, value) - medianOf(raw, value) }
	return fmt.Sprintf("package client, %d conversations, %s: %.0f us more of the generator's CPU per message, %.1f times the raw client's; "+
		"%+.0f us of the server's; ack p50 %+.1f ms, delivery p50 %+.1f ms", client[0].Conversations, what,
		more(generatorCPU), medianOf(client, generatorCPU)/medianOf(raw, generatorCPU), more(serverCPU), more(ackP50), more(deliveryP50))
}
