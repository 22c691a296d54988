package process

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	// The program's name holds what could be taken for the end of the name.
	const line = "4242 (a) S (b) S 1 4242 4242 0 -1 4194560 1207 0 3 0 250 75 0 0 20 0 9 0 12345 1 2 3\n"
	got, err := parseStat([]byte(line))
	if want := 3250 * time.Millisecond; err != nil || got != want {
		t.Fatalf("%v, error %v; want %v", got, err, want)
	}
	if _, err := parseStat([]byte("4242 (parley) S 1")); err == nil {
		t.Error("a cut line has no error")
	}
	if _, err := parseStat([]byte(strings.Replace(line, "250", "many", 1))); err == nil {
		t.Error("a word for a time has no error")
	}
}

func TestParseMachine(t *testing.T) {
	got, err := parseMachine("cpu  100 10 200 9999 8888 3 20 7 50 5\ncpu0 1 1 1 1 1 1 1 1 1 1\n")
	if want := 3400 * time.Millisecond; err != nil || got != want {
		t.Fatalf("%v, error %v; want %v", got, err, want)
	}
	for _, text := range []string{"", "cpu 1 2 3", "cpu a b c d e f g h", "intr 1 2 3 4 5 6 7 8 9"} {
		if _, err := parseMachine(text); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}

func TestParseStatus(t *testing.T) {
	const text = "Name:\tparley\nVmHWM:\t    9999 kB\nVmRSS:\t   16384 kB\nRssAnon:\t    8192 kB\n"
	for key, want := range map[string]int64{"VmRSS": 16384, "RssAnon": 8192} {
		if got, err := parseStatus(text, key); err != nil || got != want {
			t.Errorf("%s: %d, error %v; want %d", key, got, err, want)
		}
	}
	if _, err := parseStatus(text, "VmSwap"); err == nil {
		t.Error("a missing line has no error")
	}
}

func TestParseOpenFiles(t *testing.T) {
	for value, want := range map[string]int{"1024                 20000": 1024, "unlimited            unlimited": 1 << 30} {
		text := "Limit                     Soft Limit           Hard Limit           Units     \n" +
			"Max processes             100                  100                  processes \n" +
			"Max open files            " + value + "                files     \n"
		if got, err := parseOpenFiles(text); err != nil || got != want {
			t.Errorf("%q: %d, error %v; want %d", value, got, err, want)
		}
	}
	if _, err := parseOpenFiles("nothing"); err == nil {
		t.Error("a missing line has no error")
	}
}

func TestReadAddress(t *testing.T) {
	const out = "parley 1.0\nlistening on http://127.0.0.1:4711/\nlistening on http://127.0.0.1:1\nmore\n"
	address := make(chan string, 1)
	readAddress(strings.NewReader(out), address)
	if got, want := <-address, "http://127.0.0.1:4711"; got != want {
		t.Fatalf("%q, want %q", got, want)
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	var last tail
	for range 1000 {
		last.Write([]byte("0123456789"))
	}
	last.Write([]byte("end"))
	if s := last.String(); len(s) != tailSize || !strings.HasSuffix(s, "789end") {
		t.Fatalf("%d bytes that end with %q", len(s), s[len(s)-6:])
	}
}

func TestFamilyCPU(t *testing.T) {
	if d, err := familyCPU(1 << 30); err == nil {
		t.Errorf("nobody has used %v", d)
	}
	own, err := Self().CPU()
	if err != nil {
		t.Fatal(err)
	}
	if d, err := familyCPU(os.Getpid()); err != nil || d < own {
		t.Errorf("this process and its children: %v, %v; alone %v", d, err, own)
	}
}
