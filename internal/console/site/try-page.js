// Both sides of a chat at once, and below each what goes over its wire.
import { el, fill, button } from './dom.js';
import { page } from './shell.js';
import { Customer } from './customer.js';
import { Desk } from './desk.js';

const MOST = 300; // lines that are kept

const { main, me } = await page('try', { open: 'agent' });

// log shows calls and frames; each can be unfolded as the JSON that it was.
function log(title) {
  const list = el('ol', { class: 'wire' });
  const beats = el('input', { type: 'checkbox' });
  const box = el('details', { class: 'log', open: innerWidth > 900 },
    el('summary', {}, `On ${title} wire`),
    el('div', { class: 'row' }, el('label', {}, beats, ' with heartbeats'), button({ text: 'Clear', class: 'link' }, () => fill(list))), list);
  return { box, tap: (what) => {
    if (!beats.checked && what.kind === 'frame' && what.text.includes('"aws/heartbeat"')) return;
    list.append(line(what));
    while (list.childElementCount > MOST) list.firstElementChild.remove();
    list.scrollTop = list.scrollHeight;
  } };
}

const pretty = (value) => JSON.stringify(value, null, 2);

function line(what) {
  if (what.kind === 'call') {
    const failed = what.status !== 200;
    return entry('→', what.op, `${what.status || 'no answer'} · ${what.ms} ms`, failed, [pretty(what.input), pretty(what.output)]);
  }
  const frame = JSON.parse(what.text);
  const item = typeof frame.content === 'string' ? JSON.parse(frame.content) : null;
  const about = item ? (item.ContentType ?? item.Type).replace('application/vnd.amazonaws.connect.', '') : frame.topic ?? frame.message;
  return entry(what.out ? '⇢' : '⇠', about, item?.DisplayName ?? (frame.content?.status ?? ''), false, item ? [pretty(frame), pretty(item)] : [pretty(frame)]);
}

function entry(arrow, name, more, failed, texts) {
  const text = el('div', { class: 'json' });
  return el('li', {}, el('details', { class: failed ? 'failed' : null, ontoggle: () => {
    if (!text.childElementCount) fill(text, ...texts.map((t) => el('pre', {}, t))); // made when looked at
  } }, el('summary', {}, el('span', { class: 'arrow', 'aria-hidden': 'true' }, arrow), ` ${name} `, el('small', {}, more)), text));
}

const left = log('the customer’s');
const right = log('the agent’s');
const phone = el('div', { class: 'phone customer' });
const desk = el('div', { class: 'panel' });
main.append(el('div', { class: 'try' },
  el('h1', { class: 'sr' }, 'Try it'),
  el('section', { class: 'column', 'aria-label': 'Customer' }, el('h2', {}, 'Customer', el('small', {}, ' the widget on your site')), phone, left.box),
  el('section', { class: 'column', 'aria-label': 'Agent' }, el('h2', {}, 'Agent', el('small', {}, ` the desk, signed in as ${me.User.Name}`)), desk, right.box)));

const agent = new Desk(desk, me, { tap: right.tap });
new Customer(phone, {
  flow: me.FlowId, key: 'try', tap: left.tap, storage: () => sessionStorage,
  title: 'Talk to yourself', welcome: 'Start a chat here, accept it as the agent, and watch both sides.', changed: () => agent.again(),
});
