// Files in a conversation: a link to each, and the picture if it is one.
import { button, el, icon, hidden } from './dom.js';

const PICTURES = /^image\/(png|jpe?g|gif|webp)$/;

// wanted has the pictures that nobody has come to yet, with what fetches each.
const wanted = new WeakMap();
const watch = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    watch.unobserve(target);
    wanted.get(target)?.();
    wanted.delete(target);
  }
});

// file shows an attachment. urlOf(id) gives where it is, for a while; problem(text) tells
// the user; grow(change) makes a change after which the box is higher.
export function file(a, { urlOf, problem, grow = (change) => change() }) {
  if (a.Status === 'REJECTED') return el('p', { class: 'file' }, icon('file'), `${a.AttachmentName} was rejected`);
  const open = button({ icon: 'file', text: a.AttachmentName, class: 'file' },
    () => download(a, urlOf).catch((error) => problem(`The file can’t be had: ${error.message}`)));
  open.append(hidden(', download'));
  const box = el('div', { class: 'attachment' }, open);
  if (PICTURES.test(a.ContentType)) {
    wanted.set(box, async () => {
      const picture = await preview(a, urlOf).catch(() => null); // the link is there
      if (picture) grow(() => box.prepend(picture));
    });
    watch.observe(box);
  }
  return box;
}

async function download({ AttachmentId, AttachmentName }, urlOf) {
  el('a', { href: await urlOf(AttachmentId), download: AttachmentName, target: '_blank', rel: 'noopener noreferrer' }).click();
}

// preview gives a picture as a blob of our own: nothing else may be shown (CSP).
async function preview({ AttachmentId, AttachmentName }, urlOf) {
  const response = await fetch(await urlOf(AttachmentId), { credentials: 'omit' });
  const blob = await response.blob();
  if (!response.ok || !PICTURES.test(blob.type)) return null;
  const url = URL.createObjectURL(blob);
  const picture = el('img', { src: url, alt: AttachmentName });
  await picture.decode().finally(() => URL.revokeObjectURL(url));
  return picture;
}
