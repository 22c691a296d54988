// The console's own API (docs/console.md), for those who are signed in.
import { answer, CallError, ROOT } from './wire.js';

export const BASE = `${ROOT}console/api/`;

async function request(method, path, input) {
  let response;
  try {
    response = await fetch(BASE + path, {
      method,
      headers: input ? { 'Content-Type': 'application/json' } : {},
      body: input && JSON.stringify(input),
      signal: AbortSignal.timeout(30_000),
    });
  } catch {
    throw new CallError(0, 'NetworkError', 'The server can’t be reached');
  }
  return answer(response);
}

export const get = (path) => request('GET', path);
export const post = (path, input = {}) => request('POST', path, input);

// of is the path of a contact.
export const of = (id, rest = '') => `contacts/${encodeURIComponent(id)}${rest && `/${rest}`}`;

// fileOf gives the URL of a file in a contact's chat, also one that is over, for a while.
export const fileOf = async (id, attachment) => (await get(of(id, `attachments/${encodeURIComponent(attachment)}`))).Url;

// poll calls `ask` now, and again some time after each answer, as long as the page is
// looked at; `again` asks at once. An error is told once and gone with the next answer.
export function poll(ask, every, onError = () => {}) {
  let timer;
  let running = false;
  let once = false;
  async function turn() {
    clearTimeout(timer);
    if (running) {
      once = true;
      return;
    }
    running = true;
    try {
      await ask();
      onError(null);
    } catch (error) {
      onError(error);
    }
    running = false;
    if (once) {
      once = false;
      turn();
    } else {
      timer = setTimeout(turn, document.hidden ? every * 5 : every);
    }
  }
  document.addEventListener('visibilitychange', () => { if (!document.hidden) turn(); });
  turn();
  return { again: turn };
}
