// A customer's side of a chat: it is started, goes on over reloads, ends, and another can
// be started. The widget and the page that shows both sides are made of it.
import { el, fill, button } from './dom.js';
import { answer, CallError, ROOT } from './wire.js';
import { Session, newToken } from './session.js';
import { Thread } from './thread.js';
import { INTERACTIVE, RESPONSE } from './interactive.js';

const TYPES = ['text/plain', 'text/markdown', 'application/json', INTERACTIVE, RESPONSE];

// keeper is where the chat is remembered: the browser's storage, or this page alone
// where the browser lets us keep nothing.
function keeper(storage, key) {
  let only = null;
  return {
    get() {
      try {
        return JSON.parse(storage().getItem(key));
      } catch {
        return only;
      }
    },
    set(value) {
      only = value;
      try {
        if (value) storage().setItem(key, JSON.stringify(value));
        else storage().removeItem(key);
      } catch { /* only for as long as the page is there */ }
    },
  };
}

// forVisitors is what is said of a chat that doesn't begin. Why the server starts none is for
// whoever has set up the page: the browser's console has it.
function forVisitors(error) {
  if (error.status === 0) return error.message;
  console.error(`The chat doesn't begin: ${error.message}`);
  return error.passing ? 'Chat is not available right now; try again in a moment.' : 'Chat is not available right now.';
}

export class Customer {
  #root; #options; #keeper; #session = null; #thread = null;

  // options: flow, name (asked for if empty), title, welcome, attributes; key under which
  // the chat is remembered; tap; changed, which is told of each new state.
  constructor(root, options) {
    this.#root = root;
    this.#options = { title: 'Chat with us', welcome: 'We usually answer within minutes.', storage: () => localStorage, changed() {}, ...options };
    this.#keeper = keeper(this.#options.storage, `parley-chat:${options.key ?? options.flow ?? ''}`);
    const place = this.#keeper.get();
    if (place) this.#open(place);
    else this.#ask();
  }

  get session() { return this.#session; }

  focus() { (this.#thread ?? this.#root.querySelector('input, button'))?.focus(); }

  reveal() { this.#thread?.reveal(); }

  // ask shows what comes before a chat.
  #ask() {
    this.#session = null;
    this.#thread = null;
    const { name, title, welcome } = this.#options;
    const input = el('input', { autocomplete: 'name', maxlength: '256', required: true, value: name || '' });
    const problem = el('p', { class: 'problem', role: 'alert' });
    const go = button({ text: 'Start chat', class: 'primary', type: 'submit' });
    const form = el('form', { class: 'start', onsubmit: (e) => {
      e.preventDefault();
      this.#start(input.value.trim() || 'Customer', go, problem);
    } },
    el('h2', {}, title), el('p', {}, welcome), el('label', { hidden: Boolean(name) }, 'Your name', input), go, problem);
    fill(this.#root, form);
    this.#options.changed(this);
  }

  async #start(name, go, problem) {
    go.disabled = true;
    const { flow, attributes } = this.#options;
    const input = {
      ContactFlowId: flow, ParticipantDetails: { DisplayName: name }, Attributes: attributes, SupportedMessagingContentTypes: TYPES,
      ParticipantConfiguration: { ResponseMode: 'INCREMENTAL' }, ClientToken: newToken(),
    };
    const begun = performance.now();
    try {
      const response = await fetch(`${ROOT}console/start`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(input) })
        .catch(() => { throw new CallError(0, '', 'The server can’t be reached; try again'); });
      const { data } = await answer(response);
      this.#options.tap?.({ kind: 'call', op: 'StartChatContact', input, output: data.startChatResult, status: 200, ms: Math.round(performance.now() - begun) });
      const place = { ...data.startChatResult, Role: 'CUSTOMER', ContentTypes: TYPES, Attachments: data.featurePermissions.ATTACHMENTS };
      this.#keeper.set(place);
      this.#open(place);
      this.focus();
    } catch (error) {
      problem.textContent = forVisitors(error);
      go.disabled = false;
    }
  }

  #open(place) {
    const session = new Session(place, { store: this.#store(), tap: this.#options.tap });
    this.#session = session;
    this.#thread = new Thread(session);
    const again = button({ text: 'Start a new chat', class: 'primary again', hidden: true }, () => this.#forget());
    const leave = button({ text: 'End chat', class: 'quiet' }, () => session.leave().catch(() => {}));
    const agents = el('p', { class: 'agents' });
    const showAgents = () => {
      const names = [...session.people.values()].filter((p) => p.here && p.role !== 'CUSTOMER').map((p) => p.name);
      agents.textContent = names.length ? `You are talking to ${names.join(', ')}` : 'Waiting for somebody to join';
    };
    const state = () => {
      again.hidden = !session.over;
      leave.hidden = session.over;
      if (session.over) {
        agents.textContent = 'The chat has ended';
        this.#keeper.set(null);
      } else {
        showAgents();
      }
      this.#options.changed(this);
    };
    session.on('people', showAgents);
    for (const event of ['state', 'receipts', 'items']) session.on(event, state);
    fill(this.#root, el('div', { class: 'bar' }, agents, leave), this.#thread.element, again);
    session.start();
    state();
  }

  #forget() {
    this.#thread.destroy();
    this.#ask();
    this.focus();
  }

  #store() {
    try {
      return this.#options.storage();
    } catch {
      return null;
    }
  }
}
