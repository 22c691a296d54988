package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/parley-chat/parley/bench/internal/process"
	"github.com/parley-chat/parley/bench/internal/stats"
	"github.com/parley-chat/parley/bench/internal/talk"
)

// startup is how fast a server is there, and what it needs when nobody uses it.
type startup struct {
	// First is from exec to the first answer with an empty data directory, in
	// milliseconds; Again is the same with that directory used before.
	First []float64 `json:"firstMilliseconds"`
	Again []float64 `json:"againMilliseconds"`
	// Idle is the memory idleAfter the start, of each run.
	Idle []process.Memory `json:"idle"`
}

// idleAfter is how long after its start a server counts as idle.
const idleAfter = time.Second

// measureStartup starts servers one after the other.
func (b *bench) measureStartup(ctx context.Context) error {
	var out startup
	for range b.Starts {
		if err := b.startTwice(ctx, &out); err != nil {
			return fmt.Errorf("start-up: %w", err)
		}
	}
	b.report.Startup = &out
	fmt.Fprintf(b.out, "start-up, exec to first answer: empty directory %.1f ms, used directory %.1f ms (ms: %.1f); idle %d KiB\n",
		stats.Median(out.First), stats.Median(out.Again), out.First, medianMemory(out.Idle).Resident)
	return nil
}

func (b *bench) startTwice(ctx context.Context, out *startup) error {
	data, remove, err := b.dataDir()
	if err != nil {
		return err
	}
	defer remove()
	first, _, err := b.startOnce(ctx, data, 0)
	if err != nil {
		return err
	}
	again, idle, err := b.startOnce(ctx, data, idleAfter)
	out.First, out.Again, out.Idle = append(out.First, first), append(out.Again, again), append(out.Idle, idle)
	return err
}

// startOnce starts a server, times its first answer, and stops it after a while.
func (b *bench) startOnce(ctx context.Context, data string, stay time.Duration) (ms float64, idle process.Memory, err error) {
	began := time.Now()
	s, err := process.Start(ctx, b.Program, data)
	if err != nil {
		return 0, process.Memory{}, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	if err := firstAnswer(ctx, s.URL); err != nil {
		return 0, process.Memory{}, err
	}
	ms = stats.Microseconds(time.Since(began)) / 1000
	if err := talk.Pause(ctx, stay); err != nil {
		return 0, process.Memory{}, err
	}
	idle, err = s.Process.Memory()
	return ms, idle, err
}

// medianMemory is the run whose resident memory is the median.
func medianMemory(all []process.Memory) process.Memory {
	all = slices.SortedFunc(slices.Values(all), func(a, b process.Memory) int { return int(a.Resident - b.Resident) })
	return all[len(all)/2]
}

// firstAnswer starts a chat: when that has worked, everything has.
func firstAnswer(ctx context.Context, url string) error {
	c := talk.NewControl(url)
	defer c.Close()
	_, err := c.StartChat(ctx)
	return err
}
