// Messages that offer something to choose from (ListPicker, QuickReply, Panel, TimePicker,
// Carousel), and views (ViewResource). For those who can't choose (agents, what is over)
// they show what was offered.
import { el, fullTime } from './dom.js';
import { plain } from './markdown.js';

export const INTERACTIVE = 'application/vnd.amazonaws.connect.message.interactive';
export const RESPONSE = `${INTERACTIVE}.response`;

function parse(text) {
  try {
    const value = JSON.parse(text);
    return value && typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

const text = (v) => (typeof v === 'string' ? v : '');
const object = (v) => (v && typeof v === 'object' ? v : {});
const list = (v) => (Array.isArray(v) ? v : []);

// interactive shows a message. choose(text, type) sends what was chosen; without it,
// nothing can be. view(token) asks for what a view shows.
export function interactive(content, { choose, view } = {}) {
  const message = parse(content);
  if (!message) return plain(content);
  const data = object(message.data);
  const body = object(data.content);
  switch (message.templateType) {
    case 'ViewResource':
      return [viewResource(message, body, choose, view)];
    case 'TimePicker':
      return [head(data.replyMessage, body), choices(list(body.timeslots).map((slot) => text(slot?.date) || text(slot)).map((date) => ({ title: fullTime(date), says: date })), choose)];
    case 'Carousel':
      return [head(data.replyMessage, body), ...list(body.elements).map((one) => el('div', { class: 'card' }, ...interactive(JSON.stringify(object(one)), { choose })))];
    default:
      return [head(data.replyMessage, body), choices(list(body.elements).map(object), choose)];
  }
}

function head(reply, body) {
  const title = text(body.title) || text(reply?.title);
  const subtitle = text(body.subtitle) || text(reply?.subtitle);
  return el('div', { class: 'offer' }, title && el('strong', {}, title), subtitle && el('p', {}, ...plain(subtitle)));
}

// choices are buttons; after one was taken, none can be.
function choices(elements, choose) {
  const buttons = elements.map((one) => el('button', {
    type: 'button', class: 'choice', disabled: !choose,
    onclick: () => {
      for (const b of buttons) b.disabled = true;
      choose(text(one.says) || text(one.title), 'text/plain');
    },
  }, el('span', {}, text(one.title)), text(one.subtitle) && el('small', {}, text(one.subtitle))));
  return el('div', { class: 'choices' }, ...buttons);
}

// viewResource is a form of what the view's data say, with its actions as buttons.
function viewResource(message, body, choose, view) {
  const box = el('form', { class: 'offer', onsubmit: (e) => e.preventDefault() });
  for (const [name, value] of Object.entries(object(body.viewData))) {
    if (typeof value === 'string') box.append(el('p', {}, name === 'Heading' ? el('strong', {}, value) : value));
  }
  if (!choose || !view) {
    box.append(el('small', {}, `Form “${text(body.viewId) || 'view'}”`));
    return box;
  }
  view(body.viewToken).then(({ Content }) => {
    const fields = Object.keys(object(parse(Content.InputSchema)?.properties)).filter((name) => !(name in object(body.viewData)))
      .map((name) => el('input', { name, 'aria-label': name, placeholder: name, autocomplete: 'off' }));
    const answer = (action) => choose(JSON.stringify({
      action, data: Object.fromEntries(fields.map((f) => [f.name, f.value])), templateType: 'ViewResource', version: '1.0',
    }), RESPONSE);
    const actions = list(Content.Actions).length ? Content.Actions : ['Submit'];
    const buttons = actions.map((action) => el('button', {
      type: 'button', class: 'choice',
      onclick: () => {
        for (const b of [...buttons, ...fields]) b.disabled = true;
        answer(action);
      },
    }, action));
    box.append(...fields, el('div', { class: 'choices' }, ...buttons));
  }, () => box.append(el('small', {}, 'The form can’t be shown; write a message instead.')));
  return box;
}

// response shows an answer to a view.
export function response(content) {
  const message = parse(content);
  if (!message) return plain(content);
  const data = Object.entries(object(message.data)).filter(([, v]) => typeof v === 'string' && v !== '');
  if (text(message.action).trim() === '') return data.flatMap(([, v]) => plain(v));
  return [el('strong', {}, text(message.action)), ...data.map(([k, v]) => el('p', {}, `${k}: ${v}`))];
}
