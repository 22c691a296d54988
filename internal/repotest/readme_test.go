package repotest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	sdkconnect "github.com/aws/aws-sdk-go-v2/service/connect"
	sdkparticipant "github.com/aws/aws-sdk-go-v2/service/connectparticipant"

	"github.com/parley-chat/parley/internal/connect"
	"github.com/parley-chat/parley/internal/participant"
	"github.com/parley-chat/parley/internal/restjson"
)

var update = flag.Bool("update", false, "write the table of operations into README.md")

// chatOperations are those of the Amazon Connect API that a chat may need, in the order
// in which a chat may need them. The others are about something else.
var chatOperations = strings.Fields(`
	StartChatContact CreateParticipant StopContact DescribeContact
	GetContactAttributes UpdateContactAttributes UpdateContact TagContact UntagContact
	SearchContacts ListContactReferences
	AssociateContactWithUser TransferContact MonitorContact DismissUserContact
	UpdateParticipantRoleConfig UpdateParticipantAuthentication
	CreatePersistentContactAssociation
	StartContactStreaming StopContactStreaming
	StartContactMediaProcessing StopContactMediaProcessing
	SendChatIntegrationEvent StartOutboundChatContact
	UpdateContactRoutingData GetContactMetrics BatchPutContact`)

// notes say more of an operation that is served.
var notes = map[string]string{
	"CreateParticipant": "yes: CUSTOM_BOT, and our AGENT and SUPERVISOR",
	"SendEvent":         "yes: typing, delivered, read, acknowledged",
}

// The table stands between these lines.
const (
	tableBegins = "<!-- operations: go test ./internal/repotest -run TestOperationsTable -update -->\n"
	tableEnds   = "<!-- operations end -->\n"
)

// README says of each operation of both APIs whether it is served.
func TestOperationsTable(t *testing.T) {
	name := filepath.Join("..", "..", "README.md")
	readme, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(readme), tableBegins)
	_, after, too := strings.Cut(rest, tableEnds)
	if !ok || !too {
		t.Fatalf("README.md lacks one of the lines that the table stands between:\n%s%s", tableBegins, tableEnds)
	}
	want := before + tableBegins + operationsTable(t) + tableEnds + after
	switch {
	case want == string(readme):
	case *update:
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the table of operations in README.md is not of today; write it with\n\tgo test ./internal/repotest -run TestOperationsTable -update")
	}
}

// operationsTable makes the table from the official SDK and from what we register.
func operationsTable(t *testing.T) string {
	theirs := operationsOf(reflect.TypeFor[*sdkparticipant.Client]())
	ours := served(t, theirs, participant.New(participant.Config{}))
	left := rows(theirs, ours)

	theirs = operationsOf(reflect.TypeFor[*sdkconnect.Client]())
	ours = served(t, theirs, connect.New(connect.Config{}))
	for op := range ours {
		if !slices.Contains(chatOperations, op) {
			t.Errorf("%s is served; add it to chatOperations", op)
		}
	}
	for _, op := range chatOperations {
		if !slices.Contains(theirs, op) {
			t.Errorf("%s is in chatOperations, and not in the SDK", op)
		}
	}
	right := rows(chatOperations, ours)

	var b strings.Builder
	b.WriteString("| Participant Service | | Amazon Connect API | |\n|---|---|---|---|\n")
	for i := range max(len(left), len(right)) {
		fmt.Fprintf(&b, "| %s | %s |\n", cell(left, i), cell(right, i))
	}
	others := slices.DeleteFunc(theirs, func(op string) bool { return slices.Contains(chatOperations, op) })
	fmt.Fprintf(&b, "\n<details><summary>The other %d operations of the Amazon Connect API concern telephony, tasks, email, "+
		"administration and more: not served</summary>\n\n%s\n\n</details>\n", len(others), wrap(others))
	return b.String()
}

// operationsOf lists what an SDK's client can be asked, in alphabetical order.
func operationsOf(client reflect.Type) (names []string) {
	for m := range client.Methods() {
		// (client, context, *Input, ...options) (*Output, error)
		if m.Type.NumIn() == 4 && m.Type.NumOut() == 2 && strings.HasSuffix(m.Type.In(2).String(), m.Name+"Input") {
			names = append(names, m.Name)
		}
	}
	return names
}

// served gives the operations of an API of ours.
func served(t *testing.T, theirs []string, api *restjson.API) map[string]bool {
	ours := make(map[string]bool)
	for _, op := range api.Operations() {
		if ours[op.Name] = true; !slices.Contains(theirs, op.Name) {
			t.Errorf("the SDK has no operation %s", op.Name)
		}
	}
	return ours
}

// rows are the table's lines for one API: two cells each.
func rows(names []string, ours map[string]bool) (rows []string) {
	for _, op := range names {
		says := "not yet"
		if ours[op] {
			if says = notes[op]; says == "" {
				says = "yes"
			}
		}
		rows = append(rows, op+" | "+says)
	}
	return rows
}

// cell gives two cells of a line, empty ones after the last.
func cell(rows []string, i int) string {
	if i < len(rows) {
		return rows[i]
	}
	return " | "
}

// wrap breaks a list into lines of a README's width.
func wrap(names []string) string {
	var b strings.Builder
	width := 0
	for i, name := range names {
		if i < len(names)-1 {
			name += ","
		}
		switch {
		case i == 0:
		case width+1+len(name) > 110:
			b.WriteByte('\n')
			width = 0
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(name)
		width += len(name)
	}
	return b.String()
}
