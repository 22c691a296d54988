package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/parley-chat/parley/bench/internal/stats"
)

// fsyncs is how often the probe syncs.
const fsyncs = 200

// machine is what the figures depend on besides the program.
type machine struct {
	Cores  int    `json:"cores"`
	CPU    string `json:"cpu"`
	Memory string `json:"memory"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
	// Fsync is what it takes to append 4 KiB to a file in the data directory and
	// sync it, the median and the 99th percentile in milliseconds.
	FsyncP50 float64 `json:"fsyncP50Milliseconds"`
	FsyncP99 float64 `json:"fsyncP99Milliseconds"`
	Date     string  `json:"date"`
}

func (m machine) String() string {
	return fmt.Sprintf("%d cores (%s), %s, Linux %s, %s; append 4 KiB and fsync: p50 %.2f ms, p99 %.2f ms; %s",
		m.Cores, m.CPU, m.Memory, m.Kernel, m.Go, m.FsyncP50, m.FsyncP99, m.Date)
}

// inspect describes the machine, and the disk that dir is on.
func inspect(dir string) (machine, error) {
	m := machine{
		Cores: runtime.NumCPU(), Go: runtime.Version(), Date: time.Now().UTC().Format(time.DateOnly),
		CPU:    field("/proc/cpuinfo", "model name"),
		Memory: gibibytes(field("/proc/meminfo", "MemTotal")),
		Kernel: strings.TrimSpace(read("/proc/sys/kernel/osrelease")),
	}
	samples, err := probeFsync(dir)
	if err != nil {
		return m, fmt.Errorf("measuring fsync in %s: %w", dir, err)
	}
	m.FsyncP50, m.FsyncP99 = stats.Milliseconds(samples, 0.50), stats.Milliseconds(samples, 0.99)
	return m, nil
}

// probeFsync times appending a page and syncing it, in nanoseconds.
func probeFsync(dir string) (samples []int64, err error) {
	f, err := os.Create(filepath.Join(dir, "fsync-probe"))
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	page := make([]byte, 4<<10)
	for range fsyncs {
		start := time.Now()
		if _, err := f.Write(page); err != nil {
			return nil, err
		}
		if err := f.Sync(); err != nil {
			return nil, err
		}
		samples = append(samples, int64(time.Since(start)))
	}
	return samples, nil
}

// read is a file's text, or empty: a fact that can't be had is left out.
func read(path string) string {
	b, _ := os.ReadFile(path)
	return string(b)
}

// field is the value of the first line "name : value" in a file of /proc.
func field(path, name string) string {
	for line := range strings.Lines(read(path)) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// gibibytes turns "24617328 kB" into "23.5 GiB".
func gibibytes(text string) string {
	var kib float64
	if _, err := fmt.Sscanf(text, "%f kB", &kib); err != nil {
		return text
	}
	return fmt.Sprintf("%.1f GiB", kib/(1<<20))
}
