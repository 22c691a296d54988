// Making elements. Text only ever becomes text: nothing here, or anywhere in the
// console, takes markup.

// el makes an element: attributes, `on…` listeners, and children (nodes or texts; what
// is empty is left out).
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, '');
    else node.setAttribute(name, value);
  }
  fill(node, ...children);
  return node;
}

// fill replaces what is in an element.
export function fill(node, ...children) {
  node.replaceChildren(...children.flat().filter((c) => c !== null && c !== undefined && c !== false && c !== ''));
  return node;
}

// refill is fill for what is redrawn: whoever is at a button stays at that of the same
// name, or at what is in its place.
export function refill(node, ...children) {
  const buttons = () => [...node.querySelectorAll('button')];
  const name = (b) => b.getAttribute('aria-label') ?? b.textContent;
  const focus = document.activeElement;
  const place = buttons().indexOf(focus);
  fill(node, ...children);
  if (place >= 0) (buttons().find((b) => name(b) === name(focus)) ?? buttons()[place] ?? buttons().at(-1))?.focus();
  return node;
}

// keyed shows a list of entries {key, sig, make}: what has the same signature as before
// stays the node that it is, so that nobody loses a click or a place in the list to a
// redrawing. It gives the nodes.
export function keyed(list, entries) {
  const had = new Map([...list.children].map((node) => [node.dataset.entry, node]));
  const nodes = entries.map(({ key, sig, make }) => {
    const old = had.get(key);
    if (old && old.signature === sig) return old;
    const node = make();
    node.dataset.entry = key;
    node.signature = sig;
    return node;
  });
  const focus = list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  for (const node of had.values()) if (!nodes.includes(node)) node.remove();
  nodes.forEach((node, i) => { if (list.children[i] !== node) list.insertBefore(node, list.children[i] ?? null); });
  if (focus && !list.contains(document.activeElement)) list.querySelector(`[data-key="${CSS.escape(focus)}"]`)?.focus();
  return nodes;
}

// none is the entry of an empty list.
export const none = (text) => ({ key: 'none', sig: text, make: () => el('li', { class: 'none' }, text) });

// Pictures of 24 by 24, drawn with a line.
const PATHS = {
  send: 'M4 12 20 4l-5 16-3-7z',
  clip: 'm20 11-8.5 8.5a5 5 0 0 1-7-7L13 4a3.4 3.4 0 0 1 5 5l-8.5 8.5a1.8 1.8 0 0 1-2.5-2.5L14.5 7.5',
  bolt: 'M13 3 5 14h6l-1 7 8-11h-6z',
  transfer: 'M4 8h14m-4-4 4 4-4 4M20 16H6m4-4-4 4 4 4',
  invite: 'M10 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM3 21a7 7 0 0 1 11-5.7M19 14v6m-3-3h6',
  leave: 'M10 4H5v16h5M15 8l4 4-4 4M9 12h10',
  end: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM9 9l6 6m0-6-6 6',
  info: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 11v5m0-8.5v.5',
  back: 'M15 5l-7 7 7 7',
  close: 'M6 6l12 12M18 6 6 18',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM12 2v2m0 16v2M2 12h2m16 0h2M5 5l1.4 1.4m11.2 11.2L19 19M5 19l1.4-1.4M17.6 6.4 19 5',
  bell: 'M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 21h4',
  mute: 'M6 16V11a6 6 0 0 1 9-5.2M18 11v5l2 2H8M10 21h4M4 4l16 16',
  eye: 'M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12Zm10 3a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z',
  barge: 'M4 10v4h3l7 4V6L7 10zM18 9a4 4 0 0 1 0 6',
  file: 'M6 3h8l4 4v14H6zM14 3v4h4',
  down: 'M12 4v12m-5-5 5 5 5-5M5 20h14',
  chat: 'M4 5h16v11H10l-5 4v-4H4z',
  clock: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 7v5l3 2',
  sent: 'm5 13 4 4L19 7',
  double: 'm2 13 4 4L15 7m-4 9 1 1 10-10',
};

const SVG = 'http://www.w3.org/2000/svg';

// svg makes an element of a drawing.
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// icon is a picture without meaning of its own.
export function icon(name) {
  return svg('svg', { viewBox: '0 0 24 24', class: 'icon', 'aria-hidden': 'true' }, svg('path', { d: PATHS[name] }));
}

// button makes one with a picture, and a text or a label for those who don't see it.
export function button({ icon: picture, label, text, ...attributes }, onclick) {
  return el('button', { type: 'button', title: text ? null : label, 'aria-label': text ? null : label, onclick, ...attributes },
    picture && icon(picture), text && el('span', {}, text));
}

// hidden is a text for screen readers.
export const hidden = (text) => el('span', { class: 'sr' }, text);

const TIME = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
export const timeOf = (iso) => TIME.format(new Date(iso));
export const dayOf = (iso) => DAY.format(new Date(iso));
export const fullTime = (iso) => (Number.isNaN(Date.parse(iso)) ? String(iso) : FULL.format(new Date(iso)));

// span says how long something took or has lasted.
export function span(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}
