// A small part of Markdown as DOM nodes: bold, italic, code, lists, quotes, headings (as
// bold lines) and links to http and https. Everything else is the text that it is; there
// is no way from a text to markup.
import { el } from './dom.js';

// link leads to another site without telling it anything.
function link(url, ...children) {
  let to;
  try {
    to = new URL(url);
  } catch {
    return null;
  }
  if (to.protocol !== 'http:' && to.protocol !== 'https:') return null;
  return el('a', { href: to.href, target: '_blank', rel: 'noopener noreferrer nofollow' }, ...children);
}

const BARE = /https?:\/\/[^\s<>"')\]]*[^\s<>"')\].,;:!?]/g;

// plain shows a text with its line ends (by CSS), and links in it.
export function plain(text) {
  const nodes = [];
  let at = 0;
  for (const found of text.matchAll(BARE)) {
    nodes.push(text.slice(at, found.index), link(found[0], found[0]) ?? found[0]);
    at = found.index + found[0].length;
  }
  nodes.push(text.slice(at));
  return nodes.filter((n) => n !== '');
}

// The marks within a line. Each has what makes its node.
const INLINE = [
  [/`([^`\n]+)`/g, (m) => el('code', {}, m[1])],
  [/\*\*(?=\S)([^\n]+?)(?<=\S)\*\*/g, (m) => el('strong', {}, ...inline(m[1]))],
  [/__(?=\S)([^\n]+?)(?<=\S)__/g, (m) => el('strong', {}, ...inline(m[1]))],
  [/\*(?=[^\s*])([^*\n]+?)(?<=\S)\*/g, (m) => el('em', {}, ...inline(m[1]))],
  [/(?<!\w)_(?=\S)([^_\n]+?)(?<=\S)_(?!\w)/g, (m) => el('em', {}, ...inline(m[1]))],
  [/\[([^\]\n]+)\]\(([^()\s]+)\)/g, (m) => link(m[2], ...inline(m[1])) ?? m[0]],
];

// A longer paragraph is shown as it is: looking for marks could take long.
const MOST = 4000;

// inline takes the first mark that is left, and what stands between as plain text.
function inline(text) {
  if (text.length > MOST) return plain(text);
  const next = INLINE.map(([pattern, make]) => ({ pattern, make, m: undefined }));
  const nodes = [];
  let at = 0;
  for (;;) {
    for (const n of next) {
      if (n.m === null || n.m?.index >= at) continue;
      n.pattern.lastIndex = at;
      n.m = n.pattern.exec(text);
    }
    const first = next.reduce((best, n) => (n.m && (!best || n.m.index < best.m.index) ? n : best), null);
    if (!first) return [...nodes, ...plain(text.slice(at))];
    nodes.push(...plain(text.slice(at, first.m.index)), first.make(first.m));
    at = first.m.index + first.m[0].length;
  }
}

const ITEM = /^\s{0,3}(?:[-*+]|(\d{1,9})[.)])\s+(.*)$/;
const FENCE = /^\s{0,3}```/;

// markdown shows a text block by block.
export function markdown(text) {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  const blocks = [];
  while (lines.length) {
    const line = lines[0];
    if (line.trim() === '') lines.shift();
    else if (FENCE.test(line)) blocks.push(fence(lines));
    else if (ITEM.test(line)) blocks.push(list(lines));
    else if (/^\s{0,3}>/.test(line)) blocks.push(quote(lines));
    else blocks.push(paragraph(lines));
  }
  return blocks;
}

function fence(lines) {
  lines.shift();
  const code = [];
  while (lines.length && !FENCE.test(lines[0])) code.push(lines.shift());
  lines.shift();
  return el('pre', {}, el('code', {}, code.join('\n')));
}

function list(lines) {
  const [, number] = ITEM.exec(lines[0]);
  const items = [];
  while (lines.length && ITEM.test(lines[0]) && !ITEM.exec(lines[0])[1] === !number) {
    items.push(el('li', {}, ...inline(ITEM.exec(lines.shift())[2])));
  }
  return number ? el('ol', { start: number }, ...items) : el('ul', {}, ...items);
}

function quote(lines) {
  const inside = [];
  while (lines.length && /^\s{0,3}>/.test(lines[0])) inside.push(lines.shift().replace(/^\s{0,3}> ?/, ''));
  return el('blockquote', {}, ...inline(inside.join('\n')));
}

function paragraph(lines) {
  const heading = /^\s{0,3}#{1,6}\s+(.*)$/.exec(lines[0]);
  if (heading) {
    lines.shift();
    return el('p', {}, el('strong', {}, ...inline(heading[1])));
  }
  const text = [lines.shift()];
  while (lines.length && lines[0].trim() !== '' && !ITEM.test(lines[0]) && !FENCE.test(lines[0])) text.push(lines.shift());
  return el('p', {}, ...inline(text.join('\n')));
}

// marked reports whether a text means something else as Markdown.
export function marked(text) {
  return /\*\*\S|(?<!\w)_\S[^_\n]*_(?!\w)|`[^`\n]+`|\[[^\]\n]+\]\(https?:/.test(text) || /^\s{0,3}(?:[-*+]|\d{1,9}[.)])\s+\S/m.test(text) || /(?<![\w*])\*[^\s*][^*\n]*\*(?![\w*])/.test(text);
}
