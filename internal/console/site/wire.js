// What goes over the wire: calls of the Participant API, and one websocket. Nothing here
// knows what a chat is. Whoever passes `tap` sees every call and frame as it went.

const CALL_WITHIN = 30_000;
const OPEN_WITHIN = 10_000;
const BEAT_EVERY = 10_000;
export const TOPIC = 'aws/chat';

// ROOT is below which the server's paths are: a proxy may have put some before them.
export const ROOT = new URL('../', import.meta.url).pathname;

// PATHS are those of the operations (all POST).
const PATHS = {
  CreateParticipantConnection: 'connection',
  SendMessage: 'message',
  SendEvent: 'event',
  GetTranscript: 'transcript',
  DisconnectParticipant: 'disconnect',
  StartAttachmentUpload: 'start-attachment-upload',
  CompleteAttachmentUpload: 'complete-attachment-upload',
  GetAttachment: 'attachment',
};

// CallError is an answer that is no success; status 0 means that there was none.
export class CallError extends Error {
  constructor(status, type, message) {
    super(message);
    this.status = status;
    this.type = type;
  }

  // Whether the same call may succeed later.
  get passing() { return this.status === 0 || this.status === 429 || this.status >= 500; }
}

// answer reads a response, and throws what is no success.
export async function answer(response) {
  const text = await response.text();
  let body = {};
  try {
    body = text ? JSON.parse(text) : {};
  } catch { /* a proxy's page, say */ }
  if (response.ok) return body;
  throw new CallError(response.status, body.__type ?? '', body.Message ?? body.message ?? response.statusText);
}

// call calls an operation with a participant token or a connection token.
export async function call(op, input, bearer, tap) {
  const begun = performance.now();
  const note = (output) => tap?.({ kind: 'call', op, input, ms: Math.round(performance.now() - begun), ...output });
  try {
    const path = op === 'DescribeView' ? `views/${encodeURIComponent(input.ViewToken)}` : PATHS[op];
    const response = await fetch(`${ROOT}participant/${path}`, {
      method: op === 'DescribeView' ? 'GET' : 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Amz-Bearer': bearer },
      body: op === 'DescribeView' ? undefined : JSON.stringify(input),
      credentials: 'omit',
      signal: AbortSignal.timeout(CALL_WITHIN),
    });
    const output = await answer(response);
    note({ status: response.status, output });
    return output;
  } catch (error) {
    const e = error instanceof CallError ? error : new CallError(0, 'NetworkError', 'The server can’t be reached');
    note({ status: e.status, output: { __type: e.type, Message: e.message } });
    throw e;
  }
}

// TOO_MANY is the type of the error of a participant who has as many sockets as there may be.
export const TOO_MANY = 'TooManySockets';
const TRY_AGAIN = 1013; // by which the server closes one more than that, before it is subscribed

// openSocket opens a websocket and subscribes to the chat. `item` gets each item, `down`
// is called once when the socket is of no use any more. `ready` is kept when the
// subscription is confirmed, `closed` when the server knows that the socket is gone.
export function openSocket(url, { item, down, tap }) {
  const ws = new WebSocket(url);
  let beating; // the timer
  let answered = true;
  let over = false;
  let confirm;
  let fail;
  const ready = new Promise((resolve, reject) => { confirm = resolve; fail = reject; });
  let gone;
  const closed = new Promise((resolve) => { gone = resolve; });
  const opening = setTimeout(() => end(), OPEN_WITHIN);

  function end() {
    if (over) return;
    over = true;
    clearTimeout(opening);
    clearInterval(beating);
    ws.close();
    fail(new CallError(0, 'NetworkError', 'The websocket was closed'));
    down();
  }
  function send(frame) {
    if (ws.readyState !== WebSocket.OPEN) return;
    const text = JSON.stringify(frame);
    tap?.({ kind: 'frame', out: true, text });
    ws.send(text);
  }
  // beat finds out whether the other end is still there: many a network goes silently.
  function beat() {
    if (!answered) return end();
    answered = false;
    send({ topic: 'aws/heartbeat' });
  }

  ws.onopen = () => {
    send({ topic: 'aws/subscribe', content: { topics: [TOPIC] } });
    beating = setInterval(beat, BEAT_EVERY);
  };
  ws.onmessage = ({ data }) => {
    answered = true;
    tap?.({ kind: 'frame', out: false, text: data });
    const frame = JSON.parse(data);
    if (frame.topic === 'aws/subscribe') {
      clearTimeout(opening);
      if (frame.content.status === 'success') confirm();
      else end();
    } else if (frame.topic === TOPIC) {
      item(JSON.parse(frame.content));
    }
  };
  ws.onclose = ({ code, reason }) => {
    if (code === TRY_AGAIN) fail(new CallError(0, TOO_MANY, reason)); // of no meaning once it was ready
    end();
    gone();
  };
  ready.catch(() => {}); // whoever doesn't wait hears of it by down
  return {
    ready,
    closed,
    close() {
      over = true;
      clearTimeout(opening);
      clearInterval(beating);
      ws.close(1000);
    },
    // probe asks at once, and gives up after a while.
    probe() {
      answered = false;
      send({ topic: 'aws/heartbeat' });
      setTimeout(() => { if (!answered) end(); }, 3000);
    },
  };
}
