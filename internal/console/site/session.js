// A participant's part in a chat, as the pages and the widget use it. It talks through
// the public Participant API and the websocket alone, and it keeps its promises whatever
// the network does:
//
//   - items are in the order of their AbsoluteTime and Id, each once;
//   - after a loss it comes back by itself and reads what it missed;
//   - what the user has sent goes out once: a message keeps its ClientToken until it is
//     acknowledged, over losses and (with a `store`) reloads;
//   - typing is told every 10 seconds at most, and of receipts the newest only.
//
// Events: `state`, `items`, `people`, `receipts`, `typing`, `outbox`, and `view` for an item
// of which parts are still coming.
import { call, CallError, openSocket, TOO_MANY } from './wire.js';

const E = 'application/vnd.amazonaws.connect.event.';
export const EVENT = Object.fromEntries(['typing', 'participant.joined', 'participant.left', 'participant.invited',
  'chat.ended', 'transfer.succeeded', 'transfer.failed', 'message.delivered', 'message.read',
  'participant.displayname.updated', 'participant.idle', 'participant.returned',
  'chat.rehydrated'].map((name) => [name, E + name]));

const PAGE = 50;
const TYPING_EVERY = 10_000;
const TYPING_SHOWN = 12_000;
const RECEIPT_AFTER = 300; // lets a read overtake the delivered
const RECEIPT_EVERY = 1000;
const RENEW_BEFORE = 5 * 60_000;
const LEFT_AFTER = 500;
const ASKED_FOR = 1000; // time for other windows to give way
const BACKOFF = { first: 500, most: 15_000 };

// newToken makes a ClientToken. crypto.randomUUID is for secure pages only.
export function newToken() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');
}

const jitter = (ms) => ms * (0.7 + 0.6 * Math.random());
const before = (a, b) => a.AbsoluteTime < b.AbsoluteTime || (a.AbsoluteTime === b.AbsoluteTime && a.Id < b.Id);

// SYSTEM is the name of who says what nobody does.
export const SYSTEM = 'SYSTEM_MESSAGE';

// unmasked gives a bot's message its author's role: while it comes in parts, the wire says
// SYSTEM of everybody, and of bots the transcript doesn't (semantics.md 2.3).
const unmasked = (it) => (it.ParticipantRole === 'SYSTEM' && it.DisplayName !== SYSTEM ? { ...it, ParticipantRole: 'CUSTOM_BOT' } : it);

export const isSaid = (item) => item.Type === 'MESSAGE' || item.Type === 'ATTACHMENT';

export class Session {
  #token; #store; #tap; #handlers = new Map(); #running = false;
  #connection = ''; #socket = null; #lose; #renewal; #attempts = 0; #woken;
  #settled = null; // the last item up to which nothing is missing
  #filled = false; #cursor = null; #reading = false;
  #receipts = new Map(); #receipt = { delivered: null, read: null, timer: 0, at: -Infinity };
  #windows = null; #asked = false; #yielded = false; #back = null;
  #pumping = false; #typedAt = -Infinity; #typingTimer; #urls = new Map();

  // place is what StartChatContact or the console's API gave: ContactId, ParticipantId,
  // ParticipantToken, Role, ContentTypes, Attachments, Present. store keeps what was not acknowledged (a Storage); tap sees
  // all calls and frames.
  constructor(place, { store = null, tap } = {}) {
    this.contactId = place.ContactId;
    this.participantId = place.ParticipantId;
    this.role = place.Role ?? 'CUSTOMER';
    this.types = place.ContentTypes ?? ['text/plain'];
    this.takesFiles = place.Attachments !== false;
    this.#token = place.ParticipantToken;
    this.#store = store;
    this.#tap = tap;
    // state is then open; lost; crowded, as it is open in too many windows, and full if
    // none of them gave way; elsewhere, as another window has taken it; and in the end
    // ended (with everybody), left (alone) or closed (by us).
    this.state = 'connecting';
    this.speaks = this.role !== 'SUPERVISOR' || place.Present === true;
    this.items = [];
    this.byId = new Map();
    this.outbox = this.#recall();
    this.people = new Map(); // who is here, as far as the items tell
    this.typists = new Map();
    this.older = false; // whether there are items before the first
    this.deliveredUpTo = '';
    this.readUpTo = '';
    this.seenUpTo = ''; // of what others said
  }

  on(event, handler) {
    if (!this.#handlers.has(event)) this.#handlers.set(event, new Set());
    this.#handlers.get(event).add(handler);
    return () => this.#handlers.get(event).delete(handler);
  }

  // emit tells; what goes wrong in a handler is no concern of the session's.
  #emit(event, detail) {
    for (const handler of this.#handlers.get(event) ?? []) {
      try {
        handler(detail);
      } catch (error) {
        reportError(error);
      }
    }
  }

  get over() { return ['ended', 'left', 'closed'].includes(this.state); }

  #setState(state) {
    if (this.over || state === this.state) return;
    this.state = state;
    if (this.over) this.#stop();
    this.#emit('state', state);
  }

  // ---- the connection

  // start connects, and goes on doing so until the chat is over or close is called.
  start() {
    if (this.#running || this.over) return this;
    this.#running = true;
    addEventListener('online', this.#wake);
    addEventListener('offline', this.#probe);
    document.addEventListener('visibilitychange', this.#wake);
    this.#meet();
    this.#run();
    this.#pump();
    return this;
  }

  // close ends the session here; the participant stays in the chat.
  close() { this.#setState('closed'); }

  #stop() {
    removeEventListener('online', this.#wake);
    removeEventListener('offline', this.#probe);
    document.removeEventListener('visibilitychange', this.#wake);
    this.#windows?.close();
    clearTimeout(this.#renewal);
    clearTimeout(this.#receipt.timer);
    clearTimeout(this.#typingTimer);
    this.#socket?.close();
    this.#woken?.();
    this.#back?.();
    this.#lose?.();
  }

  // A page that is looked at again, or whose network is back, wants to know at once.
  #wake = () => {
    if (document.visibilityState !== 'visible') return;
    this.#woken?.();
    this.#probe();
  };

  #probe = () => { if (this.state === 'open') this.#socket.probe(); };

  #call(op, input, bearer = this.#connection) { return call(op, input, bearer, this.#tap); }

  async #run() {
    while (!this.over) {
      if (this.#yielded) {
        await this.#giveWay();
        continue;
      }
      const lost = new Promise((resolve) => { this.#lose = resolve; });
      let why = 'lost';
      try {
        this.#socket = await this.#open();
        await this.#fill();
        if (this.#yielded) continue;
        this.#attempts = 0;
        this.#asked = false;
        this.#setState('open');
        this.#pump();
        await lost;
        if (this.#yielded) continue;
      } catch (error) {
        if (this.#excluded(error)) return;
        this.#socket?.close();
        if (error.type === TOO_MANY) why = this.#asked ? 'full' : 'crowded';
      }
      this.#setState(why);
      if (!this.over) await this.#rest(Math.min(BACKOFF.first * 2 ** this.#attempts++, BACKOFF.most));
    }
  }

  // ---- other windows: a participant may have five sockets, and as many windows

  // meet gets to know those of this browser.
  #meet() {
    try {
      this.#windows = new BroadcastChannel(`parley-chat:${this.participantId}`);
      this.#windows.onmessage = ({ data }) => (data === 'take' ? this.#yield() : this.#woken?.());
    } catch { /* not allowed: then nobody gives way */ }
  }

  // take has the other windows give way to this one.
  take() {
    this.#asked = true;
    this.#attempts = 0;
    this.#windows?.postMessage('take');
    if (this.#back) this.#back();
    else setTimeout(() => this.#woken?.(), ASKED_FOR);
  }

  #yield() {
    if (this.over || this.#yielded) return;
    this.#yielded = true;
    this.#lose?.();
  }

  // giveWay is what a window does that was asked to, until it is to be used again.
  async #giveWay() {
    const back = new Promise((resolve) => { this.#back = resolve; });
    this.#setState('elsewhere');
    this.#socket?.close();
    this.#socket?.closed.then(() => { if (!this.over) this.#windows?.postMessage('gone'); });
    await back;
    this.#back = null;
    this.#yielded = false;
  }

  // rest pauses, or less if something changes meanwhile.
  #rest(ms) {
    return new Promise((resolve) => {
      this.#woken = resolve;
      setTimeout(resolve, jitter(ms));
    });
  }

  // excluded tells whether an error means that we are out of the chat: there is no other
  // reason for a 403 to a participant token.
  #excluded(error) {
    if (error.status !== 403) return false;
    this.#setState('ended');
    return true;
  }

  // open asks for a connection, opens its socket and subscribes. A supervisor only
  // watches by it, an agent comes into the chat.
  async #open() {
    const input = { Type: ['WEBSOCKET', 'CONNECTION_CREDENTIALS'] };
    if (this.role === 'AGENT') input.ConnectParticipant = true;
    const { Websocket, ConnectionCredentials } = await this.#call('CreateParticipantConnection', input, this.#token);
    if (this.over) throw new CallError(0, '', 'The session was closed');
    this.#connection = ConnectionCredentials.ConnectionToken;
    const socket = openSocket(Websocket.Url, {
      item: (it) => this.#arrive(it),
      down: () => { if (socket === this.#socket) this.#lose(); },
      tap: this.#tap,
    });
    await socket.ready;
    const left = Date.parse(Websocket.ConnectionExpiry) - Date.now() - RENEW_BEFORE;
    clearTimeout(this.#renewal);
    this.#renewal = setTimeout(() => this.#renew(), Math.max(left, 60_000));
    return socket;
  }

  // renew replaces the socket before the server closes it; both deliver meanwhile.
  async #renew() {
    if (this.state !== 'open') return;
    try {
      const old = this.#socket;
      const socket = await this.#open();
      this.#socket = socket;
      old.close();
    } catch (error) {
      this.#excluded(error); // else the server closes the old one, and we come back
    }
  }

  // ---- what was said

  // fill reads what a new connection has missed: everything after the last item that is
  // known to have nothing missing before it. The newest page tells of receipts, too.
  async #fill() {
    const newest = { MaxResults: PAGE, SortOrder: 'ASCENDING', ScanDirection: 'BACKWARD' };
    const page = await this.#call('GetTranscript', newest);
    let missing = this.#settled && !page.Transcript?.some((it) => it.Id === this.#settled.Id) && this.#settled.Id;
    let from = { StartPosition: { Id: missing } };
    while (missing) {
      const gap = await this.#call('GetTranscript', { MaxResults: 100, SortOrder: 'ASCENDING', ScanDirection: 'FORWARD', ...from });
      this.#merge(gap.Transcript);
      from = { NextToken: gap.NextToken };
      missing = gap.NextToken;
    }
    if (!this.#settled) this.#cursor = page.NextToken ?? null;
    this.older = this.#cursor !== null;
    this.#merge(page.Transcript);
    this.#settled = this.items.at(-1) ?? null;
    this.#filled = true;
  }

  // more reads the page before the first item.
  async more() {
    if (!this.older || this.#reading) return;
    this.#reading = true;
    try {
      const page = await this.#call('GetTranscript',
        { MaxResults: PAGE, SortOrder: 'ASCENDING', ScanDirection: 'BACKWARD', NextToken: this.#cursor });
      this.#cursor = page.NextToken ?? null;
      this.older = this.#cursor !== null;
      this.#merge(page.Transcript);
    } finally {
      this.#reading = false;
    }
  }

  #merge(items = []) {
    const added = items.filter((it) => this.#put(it));
    if (added.length) this.#emit('items', { added, live: false });
    this.#emit('receipts');
  }

  // arrive takes a frame's item.
  #arrive(it) {
    if (it.Type === 'MESSAGEMETADATA') {
      this.#take(it.MessageMetadata);
      this.#emit('receipts');
      return;
    }
    if (it.ContentType === EVENT.typing) return this.#typing(it);
    if (it.ContentType === EVENT['participant.idle'] || it.ContentType === EVENT['participant.returned']) return;
    if (it.ContentType === EVENT['participant.displayname.updated']) {
      this.people.set(it.ParticipantId, { ...this.people.get(it.ParticipantId), name: it.DisplayName });
      this.#emit('people');
      return;
    }
    if (it.MessageMetadata?.MessageCompleted !== undefined) it = unmasked(it);
    if (it.MessageMetadata?.MessageCompleted === false) return this.#part(it);
    const grown = Boolean(this.byId.get(it.Id)?.chunk);
    const fresh = this.#put(it) || grown;
    if (this.#filled && this.state === 'open') this.#settled = it;
    if (fresh) {
      this.#emit('items', { added: [it], live: true });
      if (this.#foreign(it)) this.#owe('delivered', it);
    }
    if (it.ParticipantId) this.#stopTyping(it.ParticipantId);
    if (it.ContentType === EVENT['chat.ended']) this.#setState('ended');
    else if (it.ContentType === EVENT['participant.left'] && it.ParticipantId === this.participantId) this.#leftAlone();
  }

  // leftAlone: a supervisor who steps back is shown to leave, and goes on watching; a
  // customer may stay for what the flow has to ask, and the chat says when it is over. An
  // agent has left, unless that was the beginning of the end for all.
  #leftAlone() {
    if (this.role === 'AGENT') setTimeout(() => this.#setState('left'), LEFT_AFTER);
    if (this.role !== 'SUPERVISOR') return;
    this.speaks = false;
    this.#emit('state', this.state);
  }

  // part appends to a message that is still being written (semantics: chunks are deltas,
  // counted from 1; the completed item replaces them all). It is there, but was not said
  // yet: nobody has to read it.
  #part(it) {
    this.#stopTyping(it.ParticipantId);
    const had = this.byId.get(it.Id);
    const n = it.MessageMetadata.ChunkNumber;
    if (!had && n === 1) {
      this.#put({ ...it, chunk: 1 });
      this.#emit('items', { added: [this.byId.get(it.Id)], live: true });
    } else if (had?.chunk === n - 1) {
      had.Content += it.Content;
      had.chunk = n;
      this.#emit('view', had);
    }
  }

  // put adds an item in its place; false if it was there.
  #put(it) {
    const had = this.byId.get(it.Id);
    if (it.MessageMetadata?.Receipts) this.#take(it.MessageMetadata);
    if (had) {
      if (had.chunk) {
        had.Content = it.Content;
        delete had.chunk;
        this.#emit('view', had);
      }
      return false;
    }
    let at = this.items.length;
    while (at > 0 && before(it, this.items[at - 1])) at--;
    this.items.splice(at, 0, it);
    this.byId.set(it.Id, it);
    this.#presence(it);
    if (it.ParticipantId === this.participantId && it.ClientToken) this.#drop(it.ClientToken);
    for (const r of this.#receipts.get(it.Id) ?? []) this.#apply(it, r);
    return true;
  }

  #presence(it) {
    if (!it.ParticipantId || it.ParticipantRole === 'SYSTEM') return;
    const known = this.people.get(it.ParticipantId);
    if (known && known.at > it.AbsoluteTime) return;
    const gone = it.ContentType === EVENT['participant.left'];
    this.people.set(it.ParticipantId,
      { id: it.ParticipantId, name: it.DisplayName, role: it.ParticipantRole, here: !gone, at: it.AbsoluteTime });
    this.#emit('people');
  }

  // ---- receipts

  #take({ MessageId, Receipts = [] }) {
    this.#receipts.set(MessageId, [...(this.#receipts.get(MessageId) ?? []), ...Receipts]);
    const it = this.byId.get(MessageId);
    if (it) for (const r of Receipts) this.#apply(it, r);
  }

  // apply moves the marks: who has read an item has read what came before it.
  #apply(it, r) {
    const mine = it.ParticipantId === this.participantId;
    const byMe = r.RecipientParticipantId === this.participantId;
    if (!mine && byMe && r.ReadTimestamp && it.AbsoluteTime > this.seenUpTo) this.seenUpTo = it.AbsoluteTime;
    if (!mine || byMe) return;
    if (r.ReadTimestamp && it.AbsoluteTime > this.readUpTo) this.readUpTo = it.AbsoluteTime;
    if (it.AbsoluteTime > this.deliveredUpTo) this.deliveredUpTo = it.AbsoluteTime;
  }

  // receipt says how far an own item has come: sent, delivered or read.
  receipt(it) {
    if (it.AbsoluteTime <= this.readUpTo) return 'read';
    return it.AbsoluteTime <= this.deliveredUpTo ? 'delivered' : 'sent';
  }

  // foreign items are what other people said.
  #foreign(it) { return isSaid(it) && !it.chunk && it.ParticipantId !== this.participantId && it.ParticipantRole !== 'SYSTEM'; }

  get unread() { return this.items.filter((it) => this.#foreign(it) && it.AbsoluteTime > this.seenUpTo).length; }

  // saw notes that the user has seen an item, and tells its author.
  saw(it) {
    if (!this.#foreign(it) || it.AbsoluteTime <= this.seenUpTo) return;
    this.seenUpTo = it.AbsoluteTime;
    this.#owe('read', it);
    this.#emit('receipts');
  }

  // owe sends a receipt of the newest item, a little later.
  #owe(what, it) {
    const r = this.#receipt;
    if (!this.speaks || this.over || r[what]?.AbsoluteTime >= it.AbsoluteTime) return;
    r[what] = it;
    if (r.timer) return;
    r.timer = setTimeout(() => this.#sendReceipts(), Math.max(RECEIPT_AFTER, r.at + RECEIPT_EVERY - performance.now()));
  }

  async #sendReceipts() {
    const r = this.#receipt;
    const { read, delivered } = r;
    Object.assign(r, { read: null, delivered: null, timer: 0, at: performance.now() });
    try {
      if (read) await this.#event('message.read', { messageId: read.Id });
      if (delivered && !(read?.AbsoluteTime >= delivered.AbsoluteTime)) {
        await this.#event('message.delivered', { messageId: delivered.Id });
      }
    } catch { /* a receipt less; there are none at all while more than two talk */ }
  }

  #event(name, content) {
    return this.#call('SendEvent', { ContentType: EVENT[name], Content: content && JSON.stringify(content) });
  }

  // ---- typing

  // type tells the others that the user is typing.
  type() {
    if (!this.speaks || !this.#connection || this.over || performance.now() - this.#typedAt < TYPING_EVERY) return;
    this.#typedAt = performance.now();
    this.#event('typing').catch(() => {});
  }

  #typing(it) {
    if (it.ParticipantId === this.participantId) return;
    this.typists.set(it.ParticipantId, { name: it.DisplayName, role: it.ParticipantRole, until: performance.now() + TYPING_SHOWN });
    this.#emit('typing');
    this.#expireTyping();
  }

  #expireTyping() {
    clearTimeout(this.#typingTimer);
    const now = performance.now();
    for (const [id, { until }] of this.typists) if (until <= now) this.#stopTyping(id);
    const next = Math.min(...[...this.typists.values()].map((t) => t.until));
    if (next < Infinity) this.#typingTimer = setTimeout(() => this.#expireTyping(), next - now + 1);
  }

  #stopTyping(id) { if (this.typists.delete(id)) this.#emit('typing'); }

  // ---- sending

  // send queues a message. It is in the outbox until it is acknowledged; `state` there is
  // waiting or failed, with the reason in `error`.
  send(text, type = 'text/plain') {
    this.outbox.push({ token: newToken(), text, type, at: Date.now(), state: 'waiting' });
    this.#typedAt = -Infinity;
    this.#changed();
    this.#pump();
  }

  retry(entry) {
    entry.state = 'waiting';
    this.#changed();
    if (entry.file) this.#upload(entry);
    else this.#pump();
  }

  discard(entry) { this.#drop(entry.token); }

  #drop(token) {
    const at = this.outbox.findIndex((entry) => entry.token === token);
    if (at < 0) return;
    this.outbox.splice(at, 1);
    this.#changed();
  }

  #changed() {
    this.#keep();
    this.#emit('outbox');
  }

  get #key() { return `parley-outbox:${this.participantId}`; }

  #keep() {
    const texts = this.outbox.filter((entry) => !entry.file);
    try {
      if (texts.length) this.#store?.setItem(this.#key, JSON.stringify(texts));
      else this.#store?.removeItem(this.#key);
    } catch { /* no room, or not allowed: then a reload forgets them */ }
  }

  #recall() {
    try {
      return JSON.parse(this.#store?.getItem(this.#key) ?? '[]');
    } catch {
      return [];
    }
  }

  // pump sends what waits, one after another, so that the order is the user's.
  async #pump() {
    if (this.#pumping) return;
    this.#pumping = true;
    for (;;) {
      const entry = this.outbox.find((e) => e.state === 'waiting' && !e.file);
      if (!entry || this.state !== 'open') break;
      try {
        const { Id, AbsoluteTime } = await this.#call('SendMessage',
          { ContentType: entry.type, Content: entry.text, ClientToken: entry.token });
        this.#sent(entry, { Id, AbsoluteTime, Type: 'MESSAGE', ContentType: entry.type, Content: entry.text });
      } catch (error) {
        if (!error.passing) this.#failed(entry, error);
        else await this.#rest(BACKOFF.first * 4);
      }
    }
    this.#pumping = false;
  }

  // sent puts the item where its frame would, which may have come before.
  #sent(entry, item) {
    const it = { ...item, ParticipantId: this.participantId, ParticipantRole: this.role, mine: true };
    const fresh = this.#put(it);
    this.#drop(entry.token);
    if (fresh) this.#emit('items', { added: [it], live: true });
  }

  #failed(entry, error) {
    entry.state = 'failed';
    entry.error = error.message;
    this.#changed();
  }

  // ---- files

  // attach sends a file; `progress` of its entry goes from 0 to 1.
  attach(file) {
    const entry = { token: newToken(), file, text: file.name, at: Date.now(), state: 'waiting', progress: 0 };
    this.outbox.push(entry);
    this.#changed();
    return this.#upload(entry);
  }

  async #upload(entry) {
    const { file, token } = entry;
    try {
      if (!file.size) throw new CallError(0, '', 'The file is empty');
      const { AttachmentId, UploadMetadata } = await this.#call('StartAttachmentUpload', {
        ContentType: file.type || 'application/octet-stream', AttachmentName: file.name, AttachmentSizeInBytes: file.size, ClientToken: token,
      });
      await put(UploadMetadata, file, (part) => {
        entry.progress = part;
        this.#emit('outbox');
      });
      await this.#call('CompleteAttachmentUpload', { AttachmentIds: [AttachmentId], ClientToken: token });
      this.#drop(token); // the item comes when the file was looked at
    } catch (error) {
      this.#failed(entry, error);
    }
  }

  // fileURL gives a URL at which an attachment is, for a while.
  async fileURL(attachmentId) {
    const had = this.#urls.get(attachmentId);
    if (had && Date.parse(had.UrlExpiry) > Date.now() + 5000) return had.Url;
    const got = await this.#call('GetAttachment', { AttachmentId: attachmentId });
    this.#urls.set(attachmentId, got);
    return got.Url;
  }

  // describeView gives what an interactive message of the kind ViewResource shows.
  async describeView(token) { return (await this.#call('DescribeView', { ViewToken: token })).View; }

  // ---- coming and going

  // leave takes the participant out of the chat; for the customer it ends.
  async leave() {
    if (!this.#connection) await this.credentials();
    try {
      await this.#call('DisconnectParticipant', { ClientToken: newToken() });
    } catch (error) {
      if (error.status !== 403) throw error; // out already
    }
    if (this.role === 'SUPERVISOR' || this.state !== 'open') this.#setState('left');
  }

  // credentials are what it takes to leave without having come.
  async credentials() {
    const got = await this.#call('CreateParticipantConnection', { Type: ['CONNECTION_CREDENTIALS'] }, this.#token);
    this.#connection = got.ConnectionCredentials.ConnectionToken;
  }

  // barge lets a supervisor be heard; stepBack ends that.
  async barge() {
    await this.#call('CreateParticipantConnection', { ConnectParticipant: true }, this.#token);
    this.speaks = true;
    this.#emit('state', this.state);
  }

  async stepBack() {
    await this.#call('CreateParticipantConnection', { ConnectParticipant: false }, this.#token);
    this.speaks = false;
    this.#emit('state', this.state);
  }
}

// put uploads a file. fetch doesn't tell how far it has come.
function put({ Url, HeadersToInclude }, file, progress) {
  return new Promise((resolve, reject) => {
    const fail = (message) => reject(new CallError(0, 'NetworkError', message));
    const request = new XMLHttpRequest();
    request.open('PUT', Url);
    for (const [name, value] of Object.entries(HeadersToInclude)) {
      if (name.toLowerCase() !== 'content-length') request.setRequestHeader(name, value); // the browser's to say
    }
    request.upload.onprogress = (e) => progress(e.loaded / e.total);
    request.onload = () => (request.status < 300 ? resolve() : fail(`The upload was refused (${request.status})`));
    request.onerror = () => fail('The upload broke off');
    request.send(file);
  });
}
