// Package repotest holds tests of the repository itself: who imports whom, and
// whether the source keeps to its measures.
package repotest

import (
	"encoding/json"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/parley-chat/parley"

// mayImport says which packages of ours a package's non-test files may import.
// Imports point one way (ARCHITECTURE.md): a new package needs a line here. "…/*"
// stands for the packages below, the line with the longest prefix counts.
var mayImport = map[string][]string{
	// The middle knows nobody.
	"internal/chat":     {},
	"internal/restjson": {},
	"internal/token":    {},
	"internal/sigv4":    {},
	"internal/identity": {},
	"internal/quota":    {},
	"internal/turnable": {},
	"internal/config":   {"internal/token"},

	// What a contact center consists of.
	"internal/center": {"internal/chat", "internal/token", "internal/identity"},

	// The shape of what clients see, and the contracts of what chats need.
	"internal/wire":  {"internal/chat"},
	"internal/store": {"internal/chat"},
	"internal/bus":   {"internal/chat"},
	"internal/blob":  {"internal/chat"},
	"internal/flow":  {"internal/chat"},

	// What keeps the contracts: each knows its own only.
	"internal/store/*":     {"internal/store", "internal/store/*", "internal/chat"},
	"internal/bus/*":       {"internal/bus", "internal/chat"},
	"internal/bus/natsbus": {"internal/bus", "internal/bus/localbus", "internal/chat"}, // within a node

	"internal/bus/natsbus/natstest": {"internal/porttest"},

	"internal/blob/*":     {"internal/blob", "internal/blob/served", "internal/chat"},
	"internal/scan":       {"internal/blob"},
	"internal/restjson/*": {"internal/restjson"},
	"internal/pgtest":     {"internal/porttest"},
	"internal/porttest":   {},
	"internal/proxytest":  {},
	"internal/identity/*": {"internal/identity"},

	// The URLs of those whose files a node serves itself.
	"internal/blob/served":   {"internal/blob", "internal/chat", "internal/restjson", "internal/token"},
	"internal/blob/blobtest": {"internal/blob", "internal/blob/served", "internal/chat", "internal/restjson", "internal/token"},

	// The shell knows the contracts, and nobody who keeps them.
	"internal/node":   {"internal/node/alarm", "internal/chat", "internal/store", "internal/bus", "internal/blob", "internal/token"},
	"internal/node/*": {},
	"internal/stream": {"internal/chat", "internal/store", "internal/wire"},

	// What takes more than rules, for the shell.
	"internal/work": {"internal/chat", "internal/blob", "internal/scan", "internal/center", "internal/identity"},

	// The edges know the shell, and not each other.
	"internal/participant":   edge("internal/blob", "internal/identity"),
	"internal/connect":       edge("internal/sigv4", "internal/store"),      // SearchContacts is a store.Search
	"internal/socket":        edge("internal/bus", "internal/socket/frame"), // what a node hands on is a bus.Notice
	"internal/socket/frame":  {"internal/wire"},
	"internal/console":       edge("internal/console/desk", "internal/quota"),
	"internal/console/desk":  edge("internal/console/meter", "internal/blob", "internal/quota", "internal/store"), // lists of chats are a store.Search
	"internal/console/meter": {},

	// Whoever puts it all together.
	"internal/server": {"internal/*"},
	"internal/sim":    {"internal/*"},
	"cmd/*":           {"internal/*", "client", "client/event"},
	"parleytest":      {"internal/*"},
	"compat":          {"internal/*"},
	"compat/*":        {"internal/*", "compat/*"},
	"bench":           {"internal/*", "bench/*", "client"},
	"bench/*":         {"internal/*", "bench/*", "client", "client/event"},

	// Clients know the wire from outside, like anybody's.
	"client":            {"client/event", "client/internal/*"},
	"client/event":      {},
	"client/internal/*": {"client/event", "client/internal/*"},
	"internal/terminal": {"client", "client/event"},
}

// mayImportServer lists whose non-test files may import internal/server.
var mayImportServer = []string{"cmd/*", "parleytest", "compat", "compat/*", "bench", "bench/*"}

func edge(also ...string) []string {
	return append(also, "internal/center", "internal/node", "internal/chat", "internal/wire", "internal/restjson", "internal/token")
}

// pkg is what go list tells of a package.
type pkg struct {
	ImportPath string
	Dir        string
	Imports    []string
	GoFiles    []string
	Error      *struct{ Err string }
}

// name is the package's path in the module.
func (p pkg) name() string { return strings.TrimPrefix(p.ImportPath, module+"/") }

// packages lists those of the module that have files besides tests.
func packages(t *testing.T) (all []pkg) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-e", "-json", module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for dec.More() {
		var p pkg
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) > 0 {
			all = append(all, p)
		}
	}
	if len(all) < 5 {
		t.Fatalf("go list found only %d packages", len(all))
	}
	return all
}

func TestImportsPointOneWay(t *testing.T) {
	for _, p := range packages(t) {
		allowed, ok := mayImport[rule(p.name())]
		if !ok {
			t.Errorf("%s: say in mayImport (internal/repotest/imports_test.go) what it may import", p.name())
		}
		for _, imp := range p.Imports {
			name, ours := strings.CutPrefix(imp, module+"/")
			if !ours {
				continue
			}
			if !matches(name, allowed) {
				t.Errorf("%s imports %s; it may import %v of ours", p.name(), name, allowed)
			}
			if name == "internal/server" && !matches(p.name(), mayImportServer) {
				t.Errorf("%s imports %s; only tests and %v may", p.name(), name, mayImportServer)
			}
		}
	}
}

// rule finds the line of mayImport for a package.
func rule(name string) string {
	if _, ok := mayImport[name]; ok {
		return name
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, ok := mayImport[dir+"/*"]; ok {
			return dir + "/*"
		}
	}
	return ""
}

// matches reports whether a package is one of those listed, or below one that ends in /*.
func matches(name string, list []string) bool {
	return slices.ContainsFunc(list, func(entry string) bool {
		dir, below := strings.CutSuffix(entry, "*")
		return entry == name || below && strings.HasPrefix(name, dir)
	})
}

func TestForbiddenImports(t *testing.T) {
	for _, p := range packages(t) {
		for _, imp := range p.Imports {
			switch {
			case imp == "testing" && !strings.HasSuffix(p.name(), "test"):
				t.Errorf("%s imports testing; only _test.go files and packages named …test may", p.name())
			case imp == "net/http" && p.name() == "internal/node":
				t.Error("internal/node imports net/http; it serves chats, not requests")
			}
		}
	}
}

// pure lists all that internal/chat may import. Nothing here tells the time (it takes
// times apart), makes things up, waits, or does input or output.
var pure = []string{
	"bytes", "cmp", "crypto/sha256", "encoding/hex", "errors", "fmt", "github.com/go-json-experiment/json", "github.com/google/uuid", "iter",
	"maps", "slices", "sort", "strconv", "strings", "time", "unicode", "unicode/utf8",
}

// impure lists the functions of pure's packages that aren't.
var impure = map[string][]string{
	"time": {"Now", "Since", "Until", "After", "AfterFunc", "Sleep", "NewTimer", "NewTicker", "Tick", "LoadLocation"},
	"github.com/google/uuid": {
		"New", "NewString", "NewRandom", "NewRandomFromReader", "NewUUID", "NewV6", "NewV6WithTime", "NewV7",
		"NewV7FromReader", "NewDCEGroup", "NewDCEPerson", "NewDCESecurity", "GetTime",
	},
	"fmt": {
		"Print", "Printf", "Println", "Fprint", "Fprintf", "Fprintln", "Scan", "Scanf", "Scanln",
		"Fscan", "Fscanf", "Fscanln",
	},
}

func TestChatIsPure(t *testing.T) {
	for _, p := range packages(t) {
		if p.name() != "internal/chat" {
			continue
		}
		for _, imp := range p.Imports {
			if !slices.Contains(pure, imp) {
				t.Errorf("internal/chat imports %s; it takes time, ids and chance as arguments and imports only %v", imp, pure)
			}
		}
		for _, f := range parse(t, p) {
			checkPure(t, f)
		}
	}
}
