// What all pages of the console have in common: the head with the way to the others, who
// is signed in, the theme, sounds and messages to the user.
import { el, fill, svg, icon, button } from './dom.js';
import { get, post } from './api.js';

const PAGES = [
  { id: 'try', title: 'Try it', for: (me) => me.Local },
  { id: 'desk', title: 'Desk', for: () => true },
  { id: 'supervisor', title: 'Supervisor', for: (me) => me.User?.Role === 'supervisor' },
  { id: 'transcripts', title: 'Transcripts', for: () => true },
  { id: 'now', title: 'Now', for: (me) => me.Local || me.User?.Role === 'supervisor' },
];

// setting keeps a choice of the user in this browser.
export function setting(name, initial) {
  const key = `parley-${name}`;
  return {
    get value() {
      try {
        return JSON.parse(localStorage.getItem(key)) ?? initial;
      } catch {
        return initial;
      }
    },
    set value(v) {
      try {
        localStorage.setItem(key, JSON.stringify(v));
      } catch { /* until the page is left */ }
    },
  };
}

const theme = setting('theme', 'auto');
const sound = setting('sound', true);

function applyTheme() {
  if (theme.value === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
}

function themeButton() {
  const dark = () => (theme.value === 'auto' ? matchMedia('(prefers-color-scheme: dark)').matches : theme.value === 'dark');
  return button({ icon: 'sun', label: 'Light or dark' }, () => {
    theme.value = dark() ? 'light' : 'dark';
    applyTheme();
  });
}

function soundButton() {
  const b = button({ icon: sound.value ? 'bell' : 'mute', label: 'Sound', 'aria-pressed': String(sound.value) }, () => {
    sound.value = !sound.value;
    b.setAttribute('aria-pressed', String(sound.value));
    fill(b, icon(sound.value ? 'bell' : 'mute'));
    if (sound.value) chime();
  });
  return b;
}

let audio;

// chime makes a short sound. Browsers allow it after the user has done something.
export function chime() {
  if (!sound.value) return;
  audio ??= new AudioContext();
  const now = audio.currentTime;
  [660, 880].forEach((pitch, i) => {
    const tone = audio.createOscillator();
    const gain = audio.createGain();
    tone.frequency.value = pitch;
    gain.gain.setValueAtTime(0, now + i * 0.12);
    gain.gain.linearRampToValueAtTime(0.12, now + i * 0.12 + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.001, now + i * 0.12 + 0.25);
    tone.connect(gain).connect(audio.destination);
    tone.start(now + i * 0.12);
    tone.stop(now + i * 0.12 + 0.3);
  });
}

// badge puts a number before the page's title.
export function badge(n) {
  const title = document.title.replace(/^\(\d+\) /, '');
  document.title = n > 0 ? `(${n}) ${title}` : title;
}

const toasts = el('div', { class: 'toasts', role: 'alert' });

// toast tells the user something for a while.
export function toast(message) {
  const t = el('p', {}, message);
  toasts.append(t);
  setTimeout(() => t.remove(), 8000);
}

// attempt does something for the user, and tells what went wrong.
export async function attempt(what) {
  try {
    return await what();
  } catch (error) {
    toast(error.message);
    if (error.status === 401) location.reload();
    return undefined;
  }
}

// dialog asks for something; `content(done)` makes what is in it, and the promise is kept
// with what done was given, or with undefined.
export function dialog(title, content) {
  return new Promise((resolve) => {
    let result;
    const box = el('dialog', { 'aria-label': title, onclose: () => {
      box.remove();
      resolve(result);
    } });
    const done = (value) => {
      result = value;
      box.close();
    };
    box.append(el('header', {}, el('h2', {}, title), button({ icon: 'close', label: 'Close' }, () => done())), ...[content(done)].flat());
    document.body.append(box);
    box.showModal();
  });
}

function logo() {
  return svg('svg', { viewBox: '0 0 32 32', class: 'logo', 'aria-hidden': 'true' },
    svg('path', { d: 'M6 4h20a4 4 0 0 1 4 4v11a4 4 0 0 1-4 4H15l-8 6v-6H6a4 4 0 0 1-4-4V8a4 4 0 0 1 4-4z', fill: 'currentColor' }),
    svg('path', { d: 'M9 11h14M9 16h9', stroke: 'var(--panel)', 'stroke-width': '2.6', 'stroke-linecap': 'round' }));
}

function head(page, me) {
  return el('header', { class: 'head' },
    el('a', { class: 'brand', href: './' }, logo(), el('span', {}, 'Parley')),
    el('nav', { 'aria-label': 'Pages' }, ...PAGES.filter((p) => p.for(me)).map((p) => el('a', {
      href: p.id, 'aria-current': p.id === page ? 'page' : null }, p.title))),
    el('div', { class: 'tools' }, soundButton(), themeButton(),
      me.User && el('span', { class: 'me' }, me.User.Name),
      me.User && button({ text: 'Sign out', class: 'quiet' }, async () => {
        await attempt(() => post('sign-out'));
        location.reload();
      })));
}

// signIn shows the form, and is done when somebody has signed in.
function signIn(main, me) {
  return new Promise((resolve) => {
    const user = el('input', { autocomplete: 'username', required: true, maxlength: '100' });
    const password = el('input', { type: 'password', autocomplete: 'current-password', required: true, maxlength: '1000' });
    const problem = el('p', { class: 'problem', role: 'alert' });
    const enter = async (id, secret) => {
      try {
        resolve(await post('sign-in', { User: id, Password: secret }));
      } catch (error) {
        problem.textContent = error.message;
      }
    };
    fill(main, el('form', { class: 'start signin', onsubmit: (e) => {
      e.preventDefault();
      enter(user.value, password.value);
    } },
    el('h1', {}, 'Sign in'),
    el('label', {}, 'User', user), el('label', {}, 'Password', password),
    button({ text: 'Sign in', class: 'primary', type: 'submit' }), problem,
    me.Local && el('p', { class: 'hint' }, 'This is your own server: ',
      ...['agent', 'agent2', 'supervisor'].map((id) => button({ text: id, class: 'link' }, () => enter(id, id))), ' sign in with a click.')));
    user.focus();
  });
}

// page builds the frame of a page, and gives its main part and who is signed in. A page
// that is `open` doesn't ask for that on a developer's own server.
export async function page(id, { open = '' } = {}) {
  applyTheme();
  const main = el('main', { id: 'main', tabindex: '-1' });
  document.title = `${PAGES.find((p) => p.id === id).title} · Parley`;
  let me;
  try {
    me = await get('me');
  } catch (error) {
    fill(document.body, el('p', { class: 'problem' }, `${error.message}. `, el('a', { href: '' }, 'Try again')));
    throw error;
  }
  const show = () => fill(document.body, el('a', { class: 'skip', href: '#main' }, 'To the content'), head(id, me), main, toasts);
  show();
  if (!me.User && me.Local && open) {
    try {
      me = await post('sign-in', { User: open, Password: open });
    } catch { /* its users were configured: then they sign in */ }
  }
  const asked = !me.User;
  if (asked) me = await signIn(main, me);
  fill(main);
  show();
  if (asked) main.focus();
  return { main, me };
}
