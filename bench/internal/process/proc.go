package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of CPU times in /proc: USER_HZ is 100 on every Linux.
const clockTick = time.Second / 100

// ErrNoProc: the figures come from Linux's /proc.
var ErrNoProc = errors.New("the benchmark reads CPU time and memory from /proc; run it on Linux")

// Process looks at a process through its directory in /proc.
type Process struct{ dir string }

func of(pid int) Process { return Process{filepath.Join("/proc", strconv.Itoa(pid))} }

// Self is the generator.
func Self() Process { return Process{"/proc/self"} }

// CPU is the CPU time used so far by all threads, user and system, to 10 ms.
func (p Process) CPU() (time.Duration, error) {
	b, err := os.ReadFile(filepath.Join(p.dir, "stat"))
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrNoProc, err)
	}
	return parseStat(b)
}

// parseStat reads utime and stime, the fields 14 and 15 of proc_pid_stat(5).
func parseStat(b []byte) (time.Duration, error) {
	// Field 2, the program's name in parentheses, may contain anything.
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("%q has too few fields", b)
	}
	user, err1 := strconv.ParseInt(string(fields[11]), 10, 64)
	system, err2 := strconv.ParseInt(string(fields[12]), 10, 64)
	return time.Duration(user+system) * clockTick, errors.Join(err1, err2)
}

// MachineCPU is the CPU time that all processes, the kernel and, on a virtual machine,
// its host's other guests have taken from this machine's cores since it was started.
func MachineCPU() (time.Duration, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrNoProc, err)
	}
	return parseMachine(string(b))
}

// parseMachine sums up the first line of proc_stat(5), all but idle and iowait:
// "cpu user nice system idle iowait irq softirq steal guest guest_nice". The guests'
// time is part of user and nice.
func parseMachine(text string) (time.Duration, error) {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, fmt.Errorf("%q is not the first line of /proc/stat", line)
	}
	var ticks int64
	for i, f := range fields[1:9] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		if i != 3 && i != 4 {
			ticks += n
		}
	}
	return time.Duration(ticks) * clockTick, nil
}

// Memory is a process's resident memory in KiB. Anonymous is the part that is not
// pages of files: of the program itself, above all.
type Memory struct {
	Resident  int64 `json:"residentKiB"`
	Anonymous int64 `json:"anonymousKiB"`
}

// Memory reads how much the process has now.
func (p Process) Memory() (Memory, error) {
	b, err := os.ReadFile(filepath.Join(p.dir, "status"))
	if err != nil {
		return Memory{}, fmt.Errorf("%w: %w", ErrNoProc, err)
	}
	resident, err1 := parseStatus(string(b), "VmRSS")
	anonymous, err2 := parseStatus(string(b), "RssAnon")
	return Memory{resident, anonymous}, errors.Join(err1, err2)
}

// parseStatus reads a line like "VmRSS:     1234 kB" of proc_pid_status(5).
func parseStatus(text, key string) (int64, error) {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, ":")
		if fields := strings.Fields(value); name == key && len(fields) > 0 {
			return strconv.ParseInt(fields[0], 10, 64)
		}
	}
	return 0, fmt.Errorf("/proc/*/status has no %s", key)
}

// OpenFiles is how many files a process may have open, sockets included.
func (p Process) OpenFiles() (int, error) {
	b, err := os.ReadFile(filepath.Join(p.dir, "limits"))
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrNoProc, err)
	}
	return parseOpenFiles(string(b))
}

// parseOpenFiles reads the soft limit in a line like
// "Max open files            1024                 4096                 files".
func parseOpenFiles(text string) (int, error) {
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, "Max open files")
		if fields := strings.Fields(rest); ok && len(fields) > 0 {
			if fields[0] == "unlimited" {
				return 1 << 30, nil
			}
			return strconv.Atoi(fields[0])
		}
	}
	return 0, errors.New("/proc/*/limits has no open files")
}

// familyCPU is the CPU time of a process, its children, and those that it had.
func familyCPU(parent int) (time.Duration, error) {
	b, err := os.ReadFile(filepath.Join(of(parent).dir, "stat"))
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrNoProc, err)
	}
	sum, err := parseStat(b)
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	for _, f := range fields[13:min(15, len(fields))] { // cutime and cstime
		ticks, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(ticks) * clockTick
	}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // it has just ended
		}
		fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
		if len(fields) < 2 || string(fields[1]) != strconv.Itoa(parent) {
			continue
		}
		d, err := parseStat(b)
		if err != nil {
			return 0, err
		}
		sum += d
	}
	return sum, nil
}
