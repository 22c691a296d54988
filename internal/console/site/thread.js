// A conversation on the screen: what was said, who is typing, and a place to write.
// Thread shows a session; it keeps no state of a chat.
import { el, fill, icon, button, hidden, timeOf, dayOf, fullTime } from './dom.js';
import { file } from './files.js';
import { markdown, marked, plain } from './markdown.js';
import { interactive, response, INTERACTIVE, RESPONSE } from './interactive.js';
import { EVENT, isSaid, SYSTEM } from './session.js';

const NEAR = 60; // pixels from the end within which new messages are followed
const MOST = 16384; // bytes of a message; a server whose message-limits are strict takes less
const TOGETHER = 5 * 60_000; // what one person says within is shown as one group

const NOTES = {
  [EVENT['participant.joined']]: (it) => `${it.DisplayName} joined`,
  [EVENT['participant.left']]: (it) => `${it.DisplayName} left`,
  [EVENT['participant.invited']]: (it) => `${it.DisplayName} was invited`,
  [EVENT['transfer.succeeded']]: () => 'The chat was transferred',
  [EVENT['transfer.failed']]: () => 'The transfer didn’t succeed',
  [EVENT['chat.ended']]: () => 'The chat has ended',
};

const STATES = {
  connecting: 'Connecting…',
  lost: 'Connection lost. What you send goes out when it is back.',
  crowded: 'This chat is open in five windows, which is the most there can be. Close one, and it goes on here, or use this one instead of the others.',
  full: 'This chat is open five times, in other browsers too. Close it in one of them, and it goes on here.',
  elsewhere: 'This chat goes on in another window.',
  ended: 'This chat is over.',
  left: 'You have left this chat.',
};

// nameOf is who said an item, as people are to read it.
export const nameOf = (it) => (it.DisplayName === SYSTEM ? 'Automatic message' : it.DisplayName ?? '');

// noteOf is what an event says.
export const noteOf = (it) => NOTES[it.ContentType]?.(it) ?? it.ContentType;

const ROLES = { AGENT: 'agent', SUPERVISOR: 'supervisor', CUSTOMER: 'customer', CUSTOM_BOT: 'bot', SYSTEM: '' };

export class Thread {
  #session; #nodes = new Map(); #list; #scroll; #typing; #status; #input; #sendButton; #outbox; #jump; #more; #offs;
  #inView = new Set(); #watch; #options; #composer; #ready = false; #tooLong = false;

  // options: `write` is whether there is a place to write, `placeholder` what it says;
  // `extra` are further buttons there; `fileOf` gives the URLs of files when the session
  // can't any more.
  constructor(session, options = {}) {
    this.#session = session;
    this.#options = { write: true, placeholder: 'Write a message', ...options };
    this.#build();
    this.#offs = [
      session.on('items', ({ added, live }) => this.#add(added, live)),
      session.on('view', (it) => this.#redraw(it)),
      session.on('receipts', () => this.#marks()),
      session.on('typing', () => this.#showTyping()),
      session.on('outbox', () => this.#showOutbox()),
      session.on('state', () => this.#showState()),
    ];
    addEventListener('focus', this.#see);
    document.addEventListener('visibilitychange', this.#see);
    this.#add(session.items, false);
    this.#showOutbox();
    this.#showState();
  }

  destroy() {
    for (const off of this.#offs) off();
    removeEventListener('focus', this.#see);
    document.removeEventListener('visibilitychange', this.#see);
    this.#watch.disconnect();
  }

  focus() { if (this.#input && !this.#input.disabled) this.#input.focus(); }

  // insert puts a text where the user writes.
  insert(text) {
    const input = this.#input;
    input.setRangeText(text, input.selectionStart, input.selectionEnd, 'end');
    this.#grow();
    input.focus();
  }

  get draft() { return this.#input?.value ?? ''; }

  // reveal scrolls to the end, as when the thread is looked at for the first time.
  reveal() { this.#scroll.scrollTop = this.#scroll.scrollHeight; }

  // ---- building

  #build() {
    this.#list = el('ol', { class: 'items' });
    this.#outbox = el('ol', { class: 'items outbox', 'aria-label': 'Not sent yet' });
    this.#more = button({ text: 'Earlier messages', class: 'more', hidden: true }, () => this.#loadMore());
    this.#typing = el('p', { class: 'typing', role: 'status' });
    this.#scroll = el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Conversation' },
      this.#more, el('div', { class: 'log-of-items', role: 'log', 'aria-live': 'polite', 'aria-relevant': 'additions', 'aria-label': 'Messages' }, this.#list),
      this.#outbox, this.#typing);
    this.#jump = button({ icon: 'down', label: 'To the newest message', class: 'jump', hidden: true }, () => this.reveal());
    this.#scroll.addEventListener('scroll', () => { this.#jump.hidden = this.#near(); }, { passive: true });
    this.#status = el('p', { class: 'status', role: 'status' });
    this.element = el('section', { class: 'thread' },
      el('div', { class: 'scroller' }, this.#scroll, this.#jump), this.#status, this.#options.write && this.#buildComposer());
    this.#watch = new IntersectionObserver((entries) => {
      for (const e of entries) this.#inView[e.isIntersecting ? 'add' : 'delete'](e.target);
      this.#see();
    }, { root: this.#scroll });
    new ResizeObserver(() => { if (this.#jump.hidden) this.reveal(); }).observe(this.#scroll);
    this.#droppable();
  }

  #buildComposer() {
    const chooser = el('input', { type: 'file', hidden: true, multiple: true, tabindex: '-1', 'aria-label': 'Files to send', onchange: () => {
      this.#attach(chooser.files);
      chooser.value = '';
    } });
    this.#input = el('textarea', {
      rows: '1', 'aria-label': this.#options.placeholder, placeholder: this.#options.placeholder,
      oninput: () => {
        this.#grow();
        if (this.#tooLong) this.#showState();
        if (this.#input.value.trim()) this.#session.type();
      },
      onkeydown: (e) => {
        if (e.key !== 'Enter' || e.shiftKey || e.isComposing) return;
        e.preventDefault();
        this.#submit();
      },
      onpaste: (e) => { if (e.clipboardData.files.length && this.#session.takesFiles) this.#attach(e.clipboardData.files); },
    });
    this.#sendButton = button({ icon: 'send', label: 'Send', class: 'send' }, () => this.#submit());
    this.#composer = el('div', { class: 'composer' },
      this.#session.takesFiles && button({ icon: 'clip', label: 'Attach a file' }, () => chooser.click()), chooser,
      ...(this.#options.extra ?? []), this.#input, this.#sendButton);
    return this.#composer;
  }

  #droppable() {
    const over = (on) => (e) => {
      if (!this.#composer || this.#composer.hidden || !this.#session.takesFiles || !e.dataTransfer?.types.includes('Files')) return;
      e.preventDefault();
      this.element.classList.toggle('dropping', on);
    };
    this.element.addEventListener('dragover', over(true));
    this.element.addEventListener('dragleave', over(false));
    this.element.addEventListener('drop', (e) => {
      over(false)(e);
      if (e.defaultPrevented) this.#attach(e.dataTransfer.files);
    });
  }

  // ---- writing

  #grow() {
    const input = this.#input;
    input.style.height = 'auto';
    input.style.height = `${Math.min(input.scrollHeight + 2, 160)}px`;
  }

  #submit() {
    const text = this.#input.value.trim();
    if (!text) return;
    const bytes = new TextEncoder().encode(text).length;
    this.#tooLong = bytes > MOST;
    if (this.#tooLong) {
      this.#status.textContent = `The message is too long: it has ${bytes} bytes, and ${MOST} are the most.`;
      return;
    }
    this.#say(text);
    this.#input.value = '';
    this.#grow();
    this.reveal();
    this.#input.focus();
  }

  #say(text, type) {
    const markdownToo = this.#session.types.includes('text/markdown') && marked(text);
    this.#session.send(text, type ?? (markdownToo ? 'text/markdown' : 'text/plain'));
  }

  #attach(files) {
    for (const file of files) this.#session.attach(file);
    this.reveal();
  }

  // ---- showing items

  #near() { return this.#scroll.scrollHeight - this.#scroll.scrollTop - this.#scroll.clientHeight < NEAR; }

  #add(items, live) {
    const follow = this.#near() || !this.#ready;
    const height = this.#scroll.scrollHeight;
    const first = this.#session.items[0];
    const earlier = this.#ready && !live && items.includes(first);
    for (const it of items) this.#place(it);
    this.#more.hidden = !this.#session.older;
    this.#marks();
    if (follow && !earlier) this.reveal();
    else if (earlier) this.#scroll.scrollTop += this.#scroll.scrollHeight - height;
    else if (items.some((it) => isSaid(it) && live)) this.#jump.hidden = false;
    this.#ready ||= items.length > 0;
  }

  async #loadMore() {
    this.#more.disabled = true;
    try {
      await this.#session.more();
    } finally {
      this.#more.disabled = false;
      this.#more.hidden = !this.#session.older;
    }
  }

  #place(it) {
    if (this.#nodes.has(it.Id)) return;
    const { items } = this.#session;
    const at = items.lastIndexOf(it);
    let next = at + 1;
    while (next < items.length && !this.#nodes.has(items[next].Id)) next++;
    const node = this.#draw(it);
    this.#nodes.set(it.Id, node);
    this.#list.insertBefore(node, this.#nodes.get(items[next]?.Id) ?? null);
    this.#dress(it, items[at - 1]);
    if (items[next]) this.#dress(items[next], items[next - 1]);
    if (isSaid(it) && !this.#mine(it)) this.#watch.observe(node);
  }

  #mine(it) { return it.ParticipantId === this.#session.participantId; }

  // dress says what an item needs that depends on the one before: the day, the author.
  #dress(it, previous) {
    const node = this.#nodes.get(it.Id);
    const newDay = !previous || dayOf(previous.AbsoluteTime) !== dayOf(it.AbsoluteTime);
    const together = previous && !newDay && isSaid(it) && isSaid(previous) && previous.ParticipantId === it.ParticipantId &&
      Date.parse(it.AbsoluteTime) - Date.parse(previous.AbsoluteTime) < TOGETHER;
    node.classList.toggle('together', Boolean(together));
    const day = node.querySelector('.day');
    if (newDay && !day) node.prepend(el('span', { class: 'day' }, dayOf(it.AbsoluteTime)));
    if (!newDay) day?.remove();
  }

  #draw(it) {
    if (!isSaid(it)) {
      return el('li', { class: 'note' }, el('span', { title: fullTime(it.AbsoluteTime) }, noteOf(it)));
    }
    const system = it.ParticipantRole === 'SYSTEM';
    const role = ROLES[it.ParticipantRole] === it.DisplayName ? '' : ROLES[it.ParticipantRole] ?? '';
    return el('li', { class: `said ${this.#mine(it) ? 'mine' : 'theirs'}${system ? ' system' : ''}`, 'aria-busy': it.chunk ? 'true' : null },
      el('span', { class: 'who' }, this.#mine(it) ? hidden('You') : nameOf(it), !this.#mine(it) && role && el('small', {}, ` ${role}`)),
      el('div', { class: 'bubble' }, ...this.#body(it)),
      el('span', { class: 'meta' }, el('time', { datetime: it.AbsoluteTime, title: fullTime(it.AbsoluteTime) }, timeOf(it.AbsoluteTime))));
  }

  #redraw(it) {
    const node = this.#nodes.get(it.Id);
    if (!node) return;
    fill(node.querySelector('.bubble'), ...this.#body(it));
    if (this.#jump.hidden) this.reveal();
    if (it.chunk) return;
    node.removeAttribute('aria-busy'); // and it is read out, once
    this.#see();
  }

  #body(it) {
    if (it.Type === 'ATTACHMENT') return it.Attachments.map((a) => this.#file(a));
    switch (it.ContentType) {
      case 'text/markdown':
        return markdown(it.Content);
      case 'application/json':
        return [el('pre', {}, it.Content)];
      case INTERACTIVE:
        return interactive(it.Content, this.#choosing());
      case RESPONSE:
        return response(it.Content);
      default:
        return plain(it.Content);
    }
  }

  // choosing is what a customer may do with interactive messages.
  #choosing() {
    if (this.#session.role !== 'CUSTOMER' || !this.#options.write) return {};
    return { choose: (text, type) => this.#say(text, type), view: (token) => this.#session.describeView(token) };
  }

  #file(a) {
    return file(a, {
      urlOf: (id) => (this.#session.over && this.#options.fileOf ? this.#options.fileOf(id) : this.#session.fileURL(id)),
      problem: (text) => { this.#status.textContent = text; },
      grow: (change) => {
        const follow = this.#near(); // before the thread grows, or what is new below is not seen
        change();
        if (follow) this.reveal();
      },
    });
  }

  // ---- what goes on

  // marks shows how far the user's own items have come.
  #marks() {
    const said = this.#session.items.filter((it) => isSaid(it) && this.#mine(it));
    for (const it of said) {
      const how = this.#session.receipt(it);
      const node = this.#nodes.get(it.Id);
      if (!node || node.dataset.receipt === how) continue;
      node.dataset.receipt = how;
      node.querySelector('.ticks')?.remove();
      node.querySelector('.meta').append(el('span', { class: 'ticks', title: how }, icon(how === 'sent' ? 'sent' : 'double'), hidden(how)));
    }
  }

  #see = () => {
    if (document.visibilityState !== 'visible' || !document.hasFocus()) return;
    let newest = null;
    for (const it of this.#session.items) if (this.#inView.has(this.#nodes.get(it.Id))) newest = it;
    if (newest) this.#session.saw(newest);
  };

  #showTyping() {
    const names = [...this.#session.typists.values()].map((t) => t.name);
    const follow = this.#near();
    fill(this.#typing, names.length > 0 && el('span', { class: 'dots', 'aria-hidden': 'true' }, el('i'), el('i'), el('i')),
      names.length > 0 && `${names.join(', ')} ${names.length > 1 ? 'are' : 'is'} typing`);
    if (follow) this.reveal();
  }

  #showOutbox() {
    fill(this.#outbox, ...this.#session.outbox.map((entry) => this.#pending(entry)));
    this.#outbox.hidden = this.#session.outbox.length === 0;
    if (this.#jump.hidden) this.reveal();
  }

  #pending(entry) {
    const failed = entry.state === 'failed';
    return el('li', { class: `said mine pending${failed ? ' failed' : ''}` },
      el('div', { class: 'bubble' }, entry.file && icon('file'), entry.text,
        entry.file && !failed && el('progress', { max: '1', value: String(entry.progress), 'aria-label': `Sending ${entry.text}` })),
      el('span', { class: 'meta' },
        failed ? `Not sent: ${entry.error} ` : el('span', { class: 'ticks', title: 'waiting' }, icon('clock'), hidden('waiting')),
        failed && button({ text: 'Try again', class: 'link' }, () => this.#session.retry(entry)),
        failed && button({ text: 'Discard', class: 'link' }, () => this.#session.discard(entry))));
  }

  #showState() {
    const { state, speaks, over } = this.#session;
    this.#tooLong = false;
    const elsewhere = ['crowded', 'full', 'elsewhere'].includes(state);
    fill(this.#status, STATES[state], elsewhere && button({ text: 'Use this window', class: 'link' }, () => this.#session.take()));
    this.element.dataset.state = state;
    if (!this.#composer) return;
    const mute = over || !speaks;
    const writing = this.#composer.contains(document.activeElement);
    this.#composer.hidden = mute;
    if (mute && writing) this.#scroll.focus({ preventScroll: true });
    for (const part of this.#composer.querySelectorAll('button, textarea')) part.disabled = mute || elsewhere;
  }
}
