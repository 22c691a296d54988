// What the server does now: figures, and small charts of the last minute.
import { el, fill, svg } from './dom.js';
import { get, poll } from './api.js';
import { page } from './shell.js';

const { main } = await page('now', { open: 'supervisor' });
const WIDTH = 300;
const HEIGHT = 80;

const CHARTS = [
  { title: 'Messages', unit: 'per second', lines: [(s) => s.Messages] },
  { title: 'Calls', unit: 'per second', lines: [(s) => s.Calls] },
  { title: 'Until acknowledged', unit: 'ms (median / p99)', lines: [(s) => s.AckMedian, (s) => s.AckP99], last: 'idle' },
  { title: 'Errors', unit: 'per second', lines: [(s) => s.Errors], bad: true },
];

const round = (v) => (v >= 100 ? String(Math.round(v)) : String(Number(v.toPrecision(2))));

// path draws values from left to right; the largest of all lines is at the top.
function path(values, most) {
  const x = (i) => (i * WIDTH) / (values.length - 1);
  const y = (v) => HEIGHT - 2 - (v / most) * (HEIGHT - 8);
  return values.map((v, i) => `${i ? 'L' : 'M'}${x(i).toFixed(1)} ${y(v).toFixed(1)}`).join('');
}

function chart({ title, unit, lines, bad, last }, seconds) {
  const values = lines.map((of) => seconds.map(of));
  const most = Math.max(...values.flat()) || 1;
  const now = values.map((v) => (last ? v.findLast((n) => n > 0) : v.at(-1)) ?? 0);
  const shown = last && now.every((n) => n === 0) ? '–' : now.map(round).join(' / ');
  const drawn = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': `${title}, the last minute, up to ${round(most)} ${unit}` },
    svg('path', { d: `${path(values[0], most)}L${WIDTH} ${HEIGHT}L0 ${HEIGHT}Z`, class: 'area' }),
    ...values.map((v, i) => svg('path', { d: path(v, most), class: `line line${i}` })));
  return el('section', { class: `chart${bad && Math.max(...values.flat()) > 0 ? ' bad' : ''}` },
    el('h2', {}, title), el('p', { class: 'figure' }, shown, el('small', {}, ` ${unit}`)), drawn, el('p', { class: 'scale' }, Math.max(...values.flat()) > 0 ? `up to ${round(most)} in the last minute` : 'none in the last minute'));
}

const tile = (title, value) => el('section', { class: 'tile' }, el('h2', {}, title), el('p', { class: 'figure' }, String(value)));

// What goes between nodes, where there are several.
const busTiles = (bus) => (bus ? [
  tile('NATS', bus.Well ? 'up' : 'away'), tile('Notices sent', bus.Sent), tile('Notices received', bus.Received),
  tile('Notices lost', bus.Dropped + bus.Slow + bus.Damaged),
] : []);

const tiles = el('div', { class: 'tiles' });
const charts = el('div', { class: 'charts' });
const trouble = el('p', { class: 'problem', role: 'alert' });
main.append(el('div', { class: 'now' }, el('h1', { class: 'sr' }, 'Now'), tiles, charts, trouble,
  el('p', { class: 'hint' }, 'Chats are counted everywhere; sockets, calls, messages and notices on the node that answers this page.')));

poll(async () => {
  const now = await get('now');
  fill(tiles, tile('Active chats', now.Active), tile('Waiting', now.Waiting), tile('Open sockets', now.Sockets), ...busTiles(now.Bus));
  fill(charts, ...CHARTS.map((c) => chart(c, now.Seconds)));
}, 1000, (error) => { trouble.textContent = error?.message ?? ''; });
