// An agent's desk: the chats that wait, those the agent is in, and the one that is being
// talked in. It takes the place it is given, from a phone's screen to a wide one.
import { el, fill, refill, keyed, none, button, icon, span, fullTime } from './dom.js';
import { fileOf, get, post, of, poll } from './api.js';
import { Session } from './session.js';
import { Thread } from './thread.js';
import { attempt, badge, chime, dialog, setting, toast } from './shell.js';

const EVERY = 2000;
const NARROW = 640; // pixels, up to which lists and chat take turns (console.css)
const QUICK = ['Hello! How can I help?', 'One moment, please. I am looking into it.', 'Is there anything else I can do for you?', 'Thank you, and have a nice day!'];

// OpenChat is a chat on the desk.
class OpenChat {
  constructor(place, desk) {
    this.place = place;
    this.key = place.InitialContactId;
    this.name = place.Customer;
    this.session = new Session(place, { store: sessionStorage, tap: desk.tap && ((what) => desk.tap(what)) });
    this.thread = new Thread(this.session, { extra: [desk.quickButton(() => this.thread)], fileOf: (id) => fileOf(place.ContactId, id) });
  }

  get unread() { return this.session.over ? 0 : this.session.unread; }

  get last() {
    const it = this.session.items.findLast((i) => i.Type === 'MESSAGE' || i.Type === 'ATTACHMENT');
    if (!it) return '';
    return it.Type === 'MESSAGE' ? it.Content : it.Attachments[0].AttachmentName;
  }
}

export class Desk {
  #me; #chats = new Map(); #current = null; #board = []; #skew = 0; #poll; #known = null; #asking = new Set();
  #waiting; #mine; #middle; #side; #status; #quick = setting('quick-replies', QUICK);

  // tap sees all calls and frames of all chats.
  constructor(root, me, { tap } = {}) {
    this.#me = me;
    this.tap = tap;
    this.#waiting = el('ul', { class: 'cards', 'aria-labelledby': 'waiting-title' });
    this.#mine = el('ul', { class: 'cards', 'aria-labelledby': 'mine-title' });
    this.#status = el('p', { class: 'sr', role: 'status' });
    this.#middle = el('div', { class: 'middle' });
    this.#side = el('aside', { class: 'side', 'aria-label': 'About this chat', hidden: true });
    this.element = el('div', { class: 'desk' },
      el('div', { class: 'lists' },
        el('h2', { id: 'waiting-title' }, 'Waiting'), this.#waiting,
        el('h2', { id: 'mine-title' }, 'My chats'), this.#mine, this.#status),
      this.#middle, this.#side);
    root.append(this.element);
    this.#show(null);
    document.addEventListener('keydown', (e) => this.#shortcut(e));
    this.#poll = poll(() => this.#look(), EVERY, (error) => this.#trouble(error));
  }

  // again looks at the board at once.
  again() { this.#poll.again(); }

  #trouble(error) {
    if (error?.status === 401) location.reload();
    this.element.classList.toggle('stale', Boolean(error));
  }

  // ---- the lists

  async #look() {
    const board = await get('board');
    this.#board = board.Contacts;
    this.#skew = Date.parse(board.Time) - Date.now();
    const mine = board.Contacts.filter((c) => c.Seats?.some((s) => s.Role === 'AGENT' && s.Present));
    for (const c of mine) if (!this.#chats.has(c.InitialContactId)) this.#sit(c.ContactId);
    this.#announce();
    this.#draw();
  }

  // offers are the chats that the agent may take.
  #offers() {
    const asked = (c) => c.Seats?.some((s) => s.Role === 'AGENT' && !s.Present);
    const here = (c) => this.#chats.get(c.InitialContactId)?.session.over === false;
    return this.#board.filter((c) => !here(c) && (c.State === 'waiting' || asked(c)))
      .map((c) => ({ ...c, asked: asked(c) }))
      .sort((a, b) => Number(b.asked ?? 0) - Number(a.asked ?? 0) || (a.QueuedAt ?? '').localeCompare(b.QueuedAt ?? ''));
  }

  // announce tells of what was not there before.
  #announce() {
    const now = new Set(this.#offers().map((c) => c.InitialContactId));
    if (this.#known) {
      const fresh = [...now].filter((id) => !this.#known.has(id));
      if (fresh.length) {
        chime();
        this.#status.textContent = `${fresh.length} new in the queue`;
      }
    }
    this.#known = now;
  }

  #draw() {
    const offers = this.#offers();
    const chats = [...this.#chats.values()];
    const waiting = keyed(this.#waiting, offers.length ? offers.map((c) => this.#offer(c)) : [none('Nobody is waiting.')]);
    offers.forEach((c, i) => { waiting[i].querySelector('.age').textContent = this.#age(c); });
    keyed(this.#mine, chats.length ? chats.map((c) => this.#card(c)) : [none('Accept a chat to begin.')]);
    badge(chats.reduce((n, c) => n + c.unread, 0) + offers.filter((c) => c.asked).length);
  }

  #age(c) { return span(Date.now() + this.#skew - Date.parse(c.QueuedAt || c.InitiatedAt)); }

  #offer(c) {
    const others = c.Participants?.filter((p) => p.Role === 'AGENT' && p.Presence === 'invited' && p.UserId !== this.#me.User.Id).map((p) => p.Name) ?? [];
    const taken = !c.asked && others.length > 0 && this.#me.User.Role !== 'supervisor';
    const make = () => el('li', { class: `card${c.asked ? ' asked' : ''}` },
      el('div', { class: 'top' }, el('strong', {}, c.Customer), el('span', { class: 'age' })),
      c.FirstMessage && el('p', { class: 'first' }, c.FirstMessage),
      el('p', { class: 'where' }, c.asked ? 'You are asked to join' : c.QueueName || c.QueueId, others.length > 0 && ` · offered to ${others.join(', ')}`),
      el('div', { class: 'row' },
        button({ text: 'Accept', class: 'primary', 'data-key': `accept ${c.ContactId}`, 'aria-label': `Accept the chat with ${c.Customer}`, disabled: taken }, () => this.#accept(c)),
        c.asked && button({ text: 'Decline', class: 'quiet', 'data-key': `decline ${c.ContactId}`, 'aria-label': `Decline the chat with ${c.Customer}` }, () => this.#decline(c))));
    return { key: c.ContactId, sig: JSON.stringify([c.asked, c.FirstMessage, c.QueueId, others]), make };
  }

  #card(c) {
    const on = c === this.#current;
    const { unread } = c;
    const { over } = c.session;
    const typing = [...c.session.typists.values()].some((t) => t.role === 'CUSTOMER');
    const last = over ? 'Over' : typing ? 'is typing…' : c.last.slice(0, 200);
    const make = () => el('li', { class: `card chat${on ? ' on' : ''}${over ? ' over' : ''}` },
      el('button', { type: 'button', class: 'pick', 'data-key': `chat ${c.key}`, 'aria-current': on ? 'true' : null, onclick: () => this.#show(c) },
        el('span', { class: 'top' }, el('strong', {}, c.name), unread > 0 && el('span', { class: 'count' }, String(unread), el('span', { class: 'sr' }, ' unread'))),
        el('span', { class: 'last' }, last)),
      over && button({ icon: 'close', label: `Close the chat with ${c.name}`, 'data-key': `close ${c.key}` }, () => this.#close(c)));
    return { key: c.key, sig: JSON.stringify([on, over, unread, last]), make };
  }

  // ---- taking chats

  async #accept(c) {
    const place = await this.#sit(c.ContactId, true);
    if (place) this.#show(this.#chats.get(place.InitialContactId));
    this.again();
  }

  // sit opens a chat in which the agent has a place.
  async #sit(contactId, ask = false) {
    if (this.#asking.has(contactId)) return undefined;
    this.#asking.add(contactId);
    const place = await (ask ? attempt(() => post(of(contactId, 'accept'))) : post(of(contactId, 'accept')).catch(() => undefined));
    this.#asking.delete(contactId);
    const had = place && this.#chats.get(place.InitialContactId);
    if (!place || had?.session.over === false) return place;
    if (had) this.#close(had);
    const chat = new OpenChat(place, this);
    this.#chats.set(chat.key, chat);
    chat.session.on('items', ({ added, live }) => {
      if (live && added.some((it) => it.Type === 'MESSAGE' && it.ParticipantRole === 'CUSTOMER') && (document.hidden || chat !== this.#current)) chime();
    });
    for (const event of ['items', 'receipts', 'typing', 'state']) chat.session.on(event, () => this.#draw());
    chat.session.on('state', () => this.#tools(chat));
    chat.session.start();
    if (!this.#current && !ask && this.element.clientWidth > NARROW) this.#show(chat, false);
    return place;
  }

  async #decline(c) {
    await attempt(async () => {
      const session = new Session(await post(of(c.ContactId, 'accept')));
      await session.leave();
    });
    this.again();
  }

  #close(c) {
    c.session.close();
    c.thread.destroy();
    this.#chats.delete(c.key);
    if (c === this.#current) this.#show([...this.#chats.values()].at(-1) ?? null);
    else this.#draw();
  }

  // ---- the chat that is talked in

  #show(chat, focus = true) {
    this.#current = chat;
    this.element.classList.toggle('talking', Boolean(chat));
    this.#side.hidden = true;
    if (!chat) {
      fill(this.#middle, el('div', { class: 'empty' }, icon('chat'), el('p', {}, 'Choose a chat, or accept one that is waiting.')));
      this.#draw();
      return;
    }
    this.bar = el('div', { class: 'bar' });
    fill(this.#middle, this.bar, chat.thread.element);
    this.#tools(chat);
    chat.thread.reveal();
    if (focus) chat.thread.focus();
    this.#draw();
  }

  #tools(chat) {
    if (chat !== this.#current) return;
    const tool = (picture, label, does) => button({ icon: picture, label }, does);
    refill(this.bar,
      button({ icon: 'back', label: 'Back to the lists', class: 'only-narrow' }, () => this.#show(null)),
      el('h2', {}, chat.name), el('div', { class: 'tools' },
        ...(chat.session.over ? [button({ text: 'Close' }, () => this.#close(chat))] : [
          tool('transfer', 'Transfer', () => this.#transfer(chat)),
          tool('invite', 'Invite a colleague', () => this.#invite(chat)),
          tool('leave', 'Leave the chat', () => this.#leave(chat)),
        ]),
        button({ icon: 'info', label: 'About this chat', 'aria-expanded': String(!this.#side.hidden) }, () => this.#about(chat))));
  }

  #others() { return this.#me.Users.filter((u) => u.Id !== this.#me.User.Id); }

  async #transfer(chat) {
    const to = await dialog('Transfer', (done) => [
      el('h3', {}, 'Into a queue'), picks(this.#me.Queues, (q) => done({ QueueId: q.Id })),
      el('h3', {}, 'To a colleague'), picks(this.#others(), (u) => done({ UserId: u.Id })),
    ]);
    if (to && await attempt(() => post(of(chat.place.ContactId, 'transfer'), to)) && to.UserId) {
      toast('The chat goes over as soon as your colleague has accepted.');
    }
  }

  async #invite(chat) {
    const user = await dialog('Invite a colleague', (done) => picks(this.#others(), done));
    if (user && await attempt(() => post(of(chat.place.ContactId, 'invite'), { UserId: user.Id }))) toast(`${user.Name} was invited.`);
  }

  async #leave(chat) {
    const alone = [...chat.session.people.values()].filter((p) => p.here && p.role === 'AGENT').length < 2;
    const sure = await dialog('Leave the chat', (done) => [
      el('p', {}, alone ? `You are the only agent: the chat with ${chat.name} ends.` : 'The chat goes on without you.'),
      el('div', { class: 'row' }, button({ text: 'Leave', class: 'danger' }, () => done(true)), button({ text: 'Stay' }, () => done())),
    ]);
    if (sure) await attempt(() => chat.session.leave());
  }

  // about shows what is known of a chat, and its attributes, which can be changed.
  async #about(chat) {
    if (!this.#side.hidden) {
      this.#side.hidden = true;
      this.#tools(chat);
      this.bar.querySelector('[aria-expanded]').focus();
      return;
    }
    const details = await attempt(() => get(of(chat.place.ContactId)));
    if (!details || chat !== this.#current) return;
    const { Contact: c, Attributes, Chain } = details;
    const list = el('dl', { class: 'facts' });
    const showAttributes = (attributes) => fill(list, ...Object.entries(attributes ?? {}).flatMap(([k, v]) => [el('dt', {}, k), el('dd', {}, v)]));
    showAttributes(Attributes);
    const key = el('input', { 'aria-label': 'Attribute', placeholder: 'attribute', pattern: '[A-Za-z0-9_\\-]+', required: true, maxlength: '100' });
    const value = el('input', { 'aria-label': 'Value', placeholder: 'value', maxlength: '2000' });
    const form = el('form', { class: 'attribute', onsubmit: async (e) => {
      e.preventDefault();
      const out = await attempt(() => post(of(chat.place.ContactId, 'attributes'), { Attributes: { [key.value]: value.value } }));
      if (!out) return;
      showAttributes(out.Attributes);
      form.reset();
      key.focus();
    } }, key, value, button({ text: 'Set', type: 'submit' }));
    const facts = { Customer: c.Customer, Queue: c.QueueName || c.QueueId, Started: fullTime(c.InitiatedAt), Accepted: c.ConnectedAt && fullTime(c.ConnectedAt), Contact: c.ContactId, Transfers: Chain.length > 1 && String(Chain.length - 1) };
    fill(this.#side,
      el('div', { class: 'top' }, el('h2', {}, 'About this chat'), button({ icon: 'close', label: 'Close' }, () => this.#about(chat))),
      el('dl', { class: 'facts' }, ...Object.entries(facts).filter(([, v]) => v).flatMap(([k, v]) => [el('dt', {}, k), el('dd', {}, v)])),
      el('h3', {}, 'In the chat'), el('ul', { class: 'people' }, ...(c.Participants ?? []).filter((p) => p.Presence !== 'gone').map((p) => el('li', {}, p.Name, el('small', {}, ` ${p.Role.toLowerCase()}${p.Presence === 'invited' ? ', invited' : ''}`)))),
      el('h3', {}, 'Attributes'), list, form,
      el('a', { href: `transcripts#${c.ContactId}` }, 'Open the transcript'));
    this.#side.hidden = false;
    this.#tools(chat);
    this.#side.querySelector('button').focus();
  }

  // ---- quick replies

  quickButton(thread) {
    return button({ icon: 'bolt', label: 'Quick replies' }, async () => {
      const text = await dialog('Quick replies', (done) => this.#quickReplies(thread(), done));
      if (text) thread().insert(text);
      else thread().focus();
    });
  }

  #quickReplies(thread, done) {
    const list = el('ul', { class: 'picks' });
    const draw = () => fill(list, ...this.#quick.value.map((text, i) => el('li', {},
      button({ text, class: 'pick' }, () => done(text)),
      button({ icon: 'close', label: `Remove “${text}”` }, () => {
        this.#quick.value = this.#quick.value.filter((_, at) => at !== i);
        draw();
      }))));
    const input = el('input', { 'aria-label': 'New quick reply', placeholder: 'New quick reply', maxlength: '2000', value: thread.draft });
    draw();
    return [list, el('form', { class: 'attribute', onsubmit: (e) => {
      e.preventDefault();
      if (!input.value.trim()) return;
      this.#quick.value = [...this.#quick.value, input.value.trim()];
      input.value = '';
      draw();
    } }, input, button({ text: 'Add', type: 'submit' }))];
  }

  // ---- keys: Alt with up and down for the chats, with A for the next one that waits

  #shortcut(e) {
    if (!e.altKey || e.ctrlKey || e.metaKey) return;
    const chats = [...this.#chats.values()];
    if (e.code === 'KeyA') {
      const next = this.#offers()[0];
      if (next) this.#accept(next);
    } else if ((e.key === 'ArrowUp' || e.key === 'ArrowDown') && chats.length) {
      const at = chats.indexOf(this.#current);
      const step = e.key === 'ArrowUp' ? -1 : 1;
      this.#show(chats[(at + step + chats.length) % chats.length]);
    } else {
      return;
    }
    e.preventDefault();
  }
}

// picks are things to choose one from.
function picks(things, done) {
  if (!things?.length) return el('p', { class: 'none' }, 'There is nobody else.');
  return el('ul', { class: 'picks' }, ...things.map((t) => el('li', {}, button({ text: t.Name, class: 'pick' }, () => done(t)))));
}
