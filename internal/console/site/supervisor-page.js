// The chats that go on, for those who look after them: watch in silence, barge in, step
// back, end.
import { el, fill, refill, keyed, none, button, hidden, icon, span } from './dom.js';
import { fileOf, get, post, of, poll } from './api.js';
import { Session } from './session.js';
import { Thread } from './thread.js';
import { attempt, dialog, page } from './shell.js';

const { main, me } = await page('supervisor');
const EVERY = 2000;
const STATES = { connecting: 'connecting', waiting: 'waiting', active: 'active' };

const list = el('ul', { class: 'cards', 'aria-labelledby': 'active-title' });
const count = el('span', { class: 'count' }, '0');
const filter = el('input', { type: 'search', placeholder: 'Find', 'aria-label': 'Find a chat', oninput: () => draw() });
const middle = el('div', { class: 'middle' });
const element = el('div', { class: 'desk' },
  el('div', { class: 'lists' }, el('h2', { id: 'active-title' }, 'Active chats ', count), filter, list), middle);
main.append(element);

let board = { Contacts: [], Total: 0 };
let skew = 0;
let watched = null; // {place, session, thread}

function people(c) { return (c.Participants ?? []).filter((p) => p.Role === 'AGENT' && p.Presence === 'present').map((p) => p.Name); }

function card(c) {
  const on = watched?.place.InitialContactId === c.InitialContactId;
  const agents = people(c);
  const watching = (c.Participants ?? []).filter((p) => p.Role === 'SUPERVISOR').length;
  const make = () => el('li', { class: `card chat${on ? ' on' : ''}` },
    el('button', { type: 'button', class: 'pick', 'data-key': c.InitialContactId, 'aria-current': on ? 'true' : null, onclick: () => watch(c) },
      el('span', { class: 'top' }, el('strong', {}, hidden('Watch the chat with '), c.Customer), el('span', { class: 'age' })),
      el('span', { class: 'last' }, agents.length ? `with ${agents.join(', ')}` : STATES[c.State], c.QueueName && ` · ${c.QueueName}`, watching > 0 && ` · ${watching} watching`)));
  return { key: c.InitialContactId, sig: JSON.stringify([on, agents, c.State, c.QueueName, watching]), make };
}

function draw() {
  const text = filter.value.trim().toLowerCase();
  const shown = board.Contacts.filter((c) => !text || JSON.stringify(c).toLowerCase().includes(text));
  const nodes = keyed(list, shown.length ? shown.map(card) : [none(text ? 'No chat is like that.' : 'Nobody is chatting.')]);
  shown.forEach((c, i) => { nodes[i].querySelector('.age').textContent = span(Date.now() + skew - Date.parse(c.InitiatedAt)); });
  count.textContent = String(board.Total);
}

async function look() {
  board = await get('board');
  skew = Date.parse(board.Time) - Date.now();
  draw();
}

async function watch(c) {
  if (watched?.place.InitialContactId === c.InitialContactId && !watched.session.over) return show();
  stop();
  const place = await attempt(() => post(of(c.ContactId, 'watch')));
  if (!place) return undefined;
  const session = new Session(place);
  watched = { place, session, thread: new Thread(session, { placeholder: 'Write to both', fileOf: (id) => fileOf(place.ContactId, id) }) };
  session.on('state', tools);
  session.on('people', tools);
  session.start();
  return show();
}

// stop leaves a chat that was watched, so that the place is free for others.
function stop() {
  if (!watched) return;
  const { session, thread } = watched;
  watched = null;
  thread.destroy();
  if (!session.over) session.leave().catch(() => {}).finally(() => session.close());
}

const bar = el('div', { class: 'bar' });

function show() {
  element.classList.toggle('talking', Boolean(watched));
  if (!watched) fill(middle, el('div', { class: 'empty' }, icon('eye'), el('p', {}, 'Choose a chat to watch it. Nobody notices, until you barge in.')));
  else fill(middle, bar, watched.thread.element);
  tools();
  draw();
  watched?.thread.reveal();
}

function tools() {
  if (!watched) return;
  const { place, session } = watched;
  refill(bar,
    button({ icon: 'back', label: 'Stop watching', 'data-key': 'back' }, () => {
      stop();
      show();
    }),
    el('h2', {}, place.Customer, el('small', { class: `mode${session.speaks ? ' loud' : ''}` }, session.over ? 'over' : session.speaks ? 'barged in' : 'watching in silence')),
    !session.over && el('div', { class: 'tools' },
      session.speaks ? button({ icon: 'eye', text: 'Step back' }, () => attempt(() => session.stepBack()))
        : button({ icon: 'barge', text: 'Barge in', class: 'primary' }, async () => {
          await attempt(() => session.barge());
          watched?.thread.focus();
        }),
      button({ icon: 'end', text: 'End', class: 'danger' }, () => end(place))));
}

async function end(place) {
  const sure = await dialog('End the chat', (done) => [
    el('p', {}, `The chat with ${place.Customer} ends for everybody.`),
    el('div', { class: 'row' }, button({ text: 'End the chat', class: 'danger' }, () => done(true)), button({ text: 'Cancel' }, () => done())),
  ]);
  if (sure) await attempt(() => post(of(place.ContactId, 'end')));
}

if (me.User.Role !== 'supervisor') {
  fill(main, el('p', { class: 'empty' }, 'This page is for supervisors.'));
} else {
  show();
  poll(look, EVERY, (error) => element.classList.toggle('stale', Boolean(error)));
}
