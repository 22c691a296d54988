package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"charm.land/bubbles/v2/textinput"
	"charm.land/bubbles/v2/viewport"
	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/parley-chat/parley/client"
	"github.com/parley-chat/parley/client/event"
)

// typingFor is how long somebody is shown as typing (semantics.md 3.12).
const typingFor = 12 * time.Second

var (
	faint = lipgloss.NewStyle().Faint(true)
	bold  = lipgloss.NewStyle().Bold(true)
	alarm = lipgloss.NewStyle().Foreground(lipgloss.Red)
)

// screen is the full-screen interface: what happened, who is typing, and a line to write.
type screen struct {
	*Part
	ctx    context.Context
	past   []entry
	laid   int                  // the width that past is laid out for; 0 if it has changed
	typing map[string]time.Time // until when, by name
	lost   bool                 // the connection
	behind bool                 // what was missed is being read; it is shown all at once
	over   bool                 // the chat
	leave  bool                 // was asked for
	view   viewport.Model
	line   textinput.Model
}

// entry is something on the screen. Own messages have a mark: sent, delivered, read.
type entry struct {
	id, text, mark string
	laid           string // both, as they are shown in the width below; 0 if they have changed
	width          int
}

// layOut breaks the entry into lines. The viewport would do it, too, with each key, and in
// time that grows with the square of a line's length.
func (e *entry) layOut(width int) string {
	if e.width != width {
		text := strings.ReplaceAll(e.text, "\t", "    ") // tabs have no width to the library
		if e.mark != "" {
			text += "  " + faint.Render(e.mark)
		}
		e.laid, e.width = lipgloss.Wrap(text, width, ""), width
	}
	return e.laid
}

// What comes to the screen besides keys.
type (
	happened struct { // an event, or the end of them
		event.Event
		err error
	}
	did struct { // what a line asked for
		line, note string
		err        error
	}
	paused struct{} // somebody may have stopped typing
)

// Screen shows the chat on a whole terminal, until it is over or left.
func (t *Part) Screen(ctx context.Context, in io.Reader, out io.Writer, opts ...tea.ProgramOption) error {
	m := newScreen(ctx, t)
	opts = append(opts, tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out))
	_, err := tea.NewProgram(m, opts...).Run()
	if errors.Is(err, tea.ErrProgramKilled) && ctx.Err() != nil {
		return nil
	}
	return err
}

func newScreen(ctx context.Context, t *Part) *screen {
	m := &screen{Part: t, ctx: ctx, typing: make(map[string]time.Time), view: viewport.New(), line: textinput.New()}
	m.view.KeyMap = viewport.KeyMap{ // letters are for writing
		PageUp: viewport.DefaultKeyMap().PageUp, PageDown: viewport.DefaultKeyMap().PageDown,
	}
	m.view.KeyMap.PageUp.SetKeys("pgup")
	m.view.KeyMap.PageDown.SetKeys("pgdown")
	m.line.Placeholder = "say something, or /help"
	return m
}

// Init implements [tea.Model].
func (m *screen) Init() tea.Cmd { return tea.Batch(m.line.Focus(), m.wait) }

// wait gives the next event.
func (m *screen) wait() tea.Msg {
	e, err := m.Next(m.ctx)
	return happened{e, err}
}

// Update implements [tea.Model].
func (m *screen) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		atEnd := m.view.AtBottom()
		m.view.SetWidth(msg.Width)
		m.view.SetHeight(max(1, msg.Height-3)) // the title, who is typing, the line
		m.line.SetWidth(max(1, msg.Width-4))
		if m.refresh(); atEnd {
			m.view.GotoBottom()
		}
	case tea.KeyPressMsg:
		cmd = m.key(msg)
	case happened:
		cmd = m.happened(msg)
	case did:
		m.did(msg)
	case paused: // the view looks at the clock
	default:
		m.line, cmd = m.line.Update(msg)
	}
	m.refresh()
	return m, cmd
}

// key acts on a key.
func (m *screen) key(k tea.KeyPressMsg) tea.Cmd {
	var cmd tea.Cmd
	switch k.String() {
	case "ctrl+d":
		if m.line.Value() == "" {
			return m.quit()
		}
	case "ctrl+c":
		return m.quit()
	case "pgup", "pgdown":
		m.view, cmd = m.view.Update(k)
		return cmd
	case "enter":
		line := m.line.Value()
		m.line.Reset()
		if m.over {
			return tea.Quit
		}
		return m.doing(line)
	}
	before := m.line.Value()
	m.line, cmd = m.line.Update(k)
	if now := m.line.Value(); now != before && now != "" && !strings.HasPrefix(now, "/") && !m.Silent {
		cmd = tea.Batch(cmd, func() tea.Msg {
			_ = m.Typing(m.ctx) // nothing depends on it
			return nil
		})
	}
	return cmd
}

// quit leaves the chat. Who asks again, since nobody answers, is let go.
func (m *screen) quit() tea.Cmd {
	if m.over || m.leave {
		return tea.Quit
	}
	m.leave = true
	return m.doing("/quit")
}

// doing does what a line asks for.
func (m *screen) doing(line string) tea.Cmd {
	return func() tea.Msg {
		note, err := m.do(m.ctx, line)
		return did{line, note, err}
	}
}

// did shows what has come of a line. One that has failed can be changed and sent again.
func (m *screen) did(d did) {
	m.add(entry{text: faint.Render(d.note)}, d.note != "")
	m.laid = 0
	if d.err == nil {
		return
	}
	m.add(entry{text: alarm.Render(Printable(d.err.Error()))}, true)
	if m.line.Value() == "" && !m.leave {
		m.line.SetValue(d.line)
	}
}

// happened shows an event and waits for the next.
func (m *screen) happened(h happened) tea.Cmd {
	if h.err != nil {
		m.over, m.behind, m.laid = true, false, 0
		if !errors.Is(h.err, client.ErrEnded) {
			m.add(entry{text: alarm.Render(Printable(Explain(h.err).Error()))}, true)
		}
		return nil
	}
	it, _ := event.Of(h.Event)
	switch e := h.Event.(type) {
	case event.Connected:
		m.lost, m.behind = false, true
	case event.CaughtUp:
		m.behind, m.laid = false, 0
	case event.Disconnected:
		m.lost, m.behind, m.laid = true, false, 0
	case event.Typing:
		if !e.Own {
			m.typing[Line(e.DisplayName)] = time.Now().Add(typingFor)
			return tea.Batch(m.wait, tea.Tick(typingFor, func(time.Time) tea.Msg { return paused{} }))
		}
	case event.Receipt:
		m.mark(e)
	case event.Message:
		delete(m.typing, Line(e.DisplayName))
		text := bold.Render(Line(e.DisplayName)+":") + " " + said(e.Item)
		m.add(entry{id: e.ID, text: text, mark: map[bool]string{true: "✓"}[e.Own]}, true)
	case event.Attachment:
		m.add(entry{id: e.ID, text: describe(e), mark: map[bool]string{true: "✓"}[e.Own]}, true)
	default:
		m.add(entry{text: faint.Render(describe(e))}, describe(e) != "")
	}
	return tea.Batch(m.wait, func() tea.Msg {
		if it.Raw != nil {
			m.seen(m.ctx, h.Event)
		}
		return nil
	})
}

func (m *screen) add(e entry, worthIt bool) {
	if worthIt {
		m.past = append(m.past, e)
	}
	if worthIt && !m.behind {
		m.laid = 0
	}
}

// mark shows that somebody else got or has read something.
func (m *screen) mark(r event.Receipt) {
	for i := range m.past {
		if e := &m.past[i]; e.id == r.MessageID && e.mark != "" && !r.Own {
			if !r.By.Read.IsZero() {
				e.mark = "✓✓ read"
			} else if e.mark == "✓" { // several may get it
				e.mark = "✓✓"
			}
			e.width, m.laid = 0, 0
		}
	}
}

// refresh lays out what happened; at the end it stays at the end.
func (m *screen) refresh() {
	width, atEnd := m.view.Width(), m.view.AtBottom()
	if m.laid == width {
		return
	}
	m.laid = width
	lines := make([]string, len(m.past))
	for i := range m.past {
		lines[i] = m.past[i].layOut(width)
	}
	m.view.SetContent(strings.Join(lines, "\n"))
	if atEnd {
		m.view.GotoBottom()
	}
}

// View implements [tea.Model].
func (m *screen) View() tea.View {
	v := tea.NewView(strings.Join([]string{m.title(), m.view.View(), faint.Render(m.hint()), m.line.View()}, "\n"))
	v.AltScreen = true
	v.WindowTitle = "parley chat"
	return v
}

func (m *screen) title() string {
	title := bold.Render("parley") + "  contact " + m.Details().ContactID
	if m.lost {
		title += "  " + alarm.Render("connecting again")
	}
	return title
}

// hint says who is typing, or what can be done.
func (m *screen) hint() string {
	if m.over {
		return "The chat is over. Enter ends the program."
	}
	if m.behind {
		return "Reading what was said…"
	}
	if m.leave {
		return "Leaving the chat; Ctrl-C again ends the program at once."
	}
	var names []string
	for name, until := range m.typing {
		if time.Now().Before(until) {
			names = append(names, name)
		}
	}
	if slices.Sort(names); len(names) > 0 {
		return fmt.Sprintf("%s is typing…", strings.Join(names, " and "))
	}
	return "/quit leaves, page keys scroll"
}
