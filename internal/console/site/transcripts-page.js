// Transcripts of chats, also of those that are over: find one, search in it, take it along.
import { el, fill, button, fullTime, timeOf, dayOf, span } from './dom.js';
import { BASE, fileOf, get, of } from './api.js';
import { attempt, page, toast } from './shell.js';
import { file } from './files.js';
import { markdown, plain } from './markdown.js';
import { nameOf, noteOf } from './thread.js';
import { interactive, response, INTERACTIVE, RESPONSE } from './interactive.js';

const { main, me } = await page('transcripts');

// ---- finding one

const text = el('input', { type: 'search', name: 'text', placeholder: 'Name, attribute or contact id', 'aria-label': 'Find contacts' });
const state = el('select', { name: 'state', 'aria-label': 'State' }, ...[['', 'All'], ['active', 'Active'], ['ended', 'Ended']].map(([v, t]) => el('option', { value: v }, t)));
const queue = el('select', { name: 'queue', 'aria-label': 'Queue' }, el('option', { value: '' }, 'All queues'), ...(me.Queues ?? []).map((q) => el('option', { value: q.Id }, q.Name)));
const agent = el('select', { name: 'agent', 'aria-label': 'Agent', hidden: me.User.Role !== 'supervisor' }, el('option', { value: '' }, 'All agents'), ...(me.Users ?? []).map((u) => el('option', { value: u.Id }, u.Name)));
const list = el('ul', { class: 'cards' });
const more = button({ text: 'More', class: 'quiet', hidden: true }, () => find(true));
const viewer = el('div', { class: 'middle' }, el('p', { class: 'empty' }, 'Choose a contact to read what was said.'));
const form = el('form', { class: 'filters', onsubmit: (e) => {
  e.preventDefault();
  find();
}, onchange: () => find() }, text, el('div', { class: 'row' }, state, queue, agent));
const element = el('div', { class: 'desk transcripts' }, el('div', { class: 'lists' }, el('h2', {}, 'Contacts'), form, list, more), viewer);
main.append(element);

let next = '';

async function find(further = false) {
  const query = new URLSearchParams();
  for (const field of [text, state, queue, agent]) if (field.value) query.set(field.name, field.value.trim());
  if (further) query.set('next', next);
  const out = await attempt(() => get(`contacts?${query}`));
  if (!out) return;
  const cards = out.Contacts.map((c) => el('li', { class: `card chat${c.ContactId === location.hash.slice(1) ? ' on' : ''}` },
    el('a', { class: 'pick', href: `#${c.ContactId}` },
      el('span', { class: 'top' }, el('strong', {}, c.Customer), el('span', { class: 'age' }, timeOf(c.InitiatedAt))),
      el('span', { class: 'last' }, [dayOf(c.InitiatedAt), c.QueueName || c.QueueId, c.Agent && `with ${c.Agent}`, c.State !== 'ended' && c.State].filter(Boolean).join(' · ')))));
  if (further) list.append(...cards);
  else fill(list, ...(cards.length ? cards : [el('li', { class: 'none' }, 'No contact is like that.')]));
  next = out.NextToken ?? '';
  more.hidden = !next;
}

// ---- reading one

function body(it, id) {
  if (it.Type === 'ATTACHMENT') {
    return it.Attachments.map((a) => file(a, { urlOf: (attachment) => fileOf(id, attachment), problem: toast }));
  }
  if (it.Type === 'EVENT') return [noteOf(it)];
  switch (it.ContentType) {
    case 'text/markdown': return markdown(it.Content);
    case INTERACTIVE: return interactive(it.Content);
    case RESPONSE: return response(it.Content);
    default: return plain(it.Content);
  }
}

function line(it, id) {
  const node = el('li', { class: `line ${it.Type.toLowerCase()} ${(it.ParticipantRole ?? '').toLowerCase()}` },
    el('time', { datetime: it.AbsoluteTime, title: fullTime(it.AbsoluteTime) }, timeOf(it.AbsoluteTime)),
    el('span', { class: 'who' }, it.Type === 'EVENT' ? '' : nameOf(it)), el('div', { class: 'what' }, ...body(it, id)));
  return { it, node, text: `${it.DisplayName ?? ''} ${it.Content ?? ''} ${it.Attachments?.[0].AttachmentName ?? ''}`.toLowerCase() };
}

const KINDS = { all: () => true, messages: (it) => it.Type === 'MESSAGE', files: (it) => it.Type === 'ATTACHMENT', events: (it) => it.Type === 'EVENT' };

async function read(id) {
  const got = await attempt(() => Promise.all([get(of(id)), get(`${of(id, 'transcript')}?scope=chat`)]));
  element.classList.toggle('talking', Boolean(got));
  if (!got) return;
  const [{ Contact: c, Attributes, Chain }, { Transcript }] = got;
  const lines = Transcript.map((it) => line(it, id));
  const found = el('span', { class: 'hint', role: 'status' });
  const show = () => {
    const wanted = search.value.trim().toLowerCase();
    const shown = lines.filter((l) => {
      l.node.hidden = !KINDS[kind.value](l.it) || !l.text.includes(wanted);
      return !l.node.hidden;
    });
    found.textContent = wanted || kind.value !== 'all' ? `${shown.length} of ${lines.length}` : `${lines.length} items`;
  };
  const search = el('input', { type: 'search', placeholder: 'Search in this transcript', 'aria-label': 'Search in this transcript', oninput: show });
  const kind = el('select', { 'aria-label': 'Kind of item', onchange: show }, ...Object.keys(KINDS).map((k) => el('option', { value: k }, k)));
  const path = `${BASE}${of(id, 'transcript')}`;
  const took = c.EndedAt && span(Date.parse(c.EndedAt) - Date.parse(c.InitiatedAt));
  fill(viewer,
    el('div', { class: 'bar' },
      el('a', { class: 'only-narrow button', href: '#' }, 'Back'), el('h2', {}, c.Customer),
      el('div', { class: 'tools' },
        el('a', { class: 'button', href: path, download: `${id}.json` }, 'JSON'),
        el('a', { class: 'button', href: `${path}.txt`, download: `${id}.txt` }, 'Text'))),
    el('p', { class: 'facts-line' }, [fullTime(c.InitiatedAt), c.QueueName || c.QueueId, c.Agent && `with ${c.Agent}`, took, c.DisconnectReason, Chain.length > 1 && `${Chain.length} contacts`, ...Object.entries(Attributes ?? {}).map(([k, v]) => `${k}: ${v}`)].filter(Boolean).join(' · ')),
    el('div', { class: 'filters inside' }, search, kind, found),
    el('ol', { class: 'lines', tabindex: '0', 'aria-label': 'Transcript' }, ...lines.map((l) => l.node)));
  show();
}

function route() {
  const id = location.hash.slice(1);
  for (const a of list.querySelectorAll('a')) a.parentElement.classList.toggle('on', a.hash === location.hash);
  if (id) read(id);
  else element.classList.remove('talking');
}
addEventListener('hashchange', route);
await find();
route();
