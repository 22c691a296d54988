// Plays a scenario's participants with the AWS SDK for JavaScript v3 and ws.
import { once } from 'node:events';
import * as participant from '@aws-sdk/client-connectparticipant';
import WebSocket from 'ws';
import { desk, describe, isDesk } from './desk.js';
import { listen, say } from './lines.js';

const client = new participant.ConnectParticipantClient({});
const people = new Map(); // who: {request, token, socket, lost}

async function send(operation, input) {
  const { $metadata, ...output } = await client.send(new participant[`${operation}Command`](input));
  return output;
}

// open gives a participant a connection and a subscribed socket.
async function open(who, request) {
  const { Websocket, ConnectionCredentials } = await send('CreateParticipantConnection', {
    ...request, Type: ['WEBSOCKET', 'CONNECTION_CREDENTIALS'],
  });
  const socket = new WebSocket(Websocket.Url);
  const lost = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => {}); // close follows
  const subscribed = new Promise((resolve) => {
    socket.on('message', (data) => {
      const frame = JSON.parse(data);
      if (frame.topic === 'aws/subscribe') resolve();
      if (frame.topic === 'aws/chat') say({ event: 'item', who, item: JSON.parse(frame.content) });
    });
  });
  await Promise.race([once(socket, 'open'), lost]);
  socket.send(JSON.stringify({ topic: 'aws/subscribe', content: { topics: ['aws/chat'] } }));
  await subscribed;
  people.set(who, { request, token: ConnectionCredentials.ConnectionToken, socket, lost });
}

async function close({ socket, lost }) {
  socket.close();
  await lost;
}

// body gives what a URL answers with.
async function body(url, request) {
  const response = await fetch(url, request);
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return response.text();
}

const verbs = {
  // connect closes an old socket first: what loading a page anew does.
  async connect(who, { ParticipantToken, ConnectParticipant }) {
    if (people.has(who)) await close(people.get(who));
    await open(who, { ParticipantToken, ConnectParticipant });
  },
  async reconnect(who) {
    const { request, lost } = people.get(who);
    await lost;
    await open(who, request);
  },
  async upload(who, { Name, Type, Text }) {
    const ConnectionToken = people.get(who).token;
    const { AttachmentId, UploadMetadata } = await send('StartAttachmentUpload', {
      ConnectionToken, AttachmentName: Name, ContentType: Type, AttachmentSizeInBytes: Buffer.byteLength(Text),
    });
    await body(UploadMetadata.Url, { method: 'PUT', headers: UploadMetadata.HeadersToInclude, body: Text });
    await send('CompleteAttachmentUpload', { ConnectionToken, AttachmentIds: [AttachmentId] });
    return { AttachmentId };
  },
  async download(who, input) {
    const { Url } = await send('GetAttachment', { ConnectionToken: people.get(who).token, ...input });
    return { Text: await body(Url) };
  },
  async forget() {
    await Promise.all([...people.values()].map(close));
    people.clear();
  },
};

await listen(({ do: verb, who, in: input = {} }) => {
  if (verb in verbs) return verbs[verb](who, input);
  if (isDesk(verb)) return desk(verb, input);
  if (verb === 'CreateParticipantConnection') return send(verb, input);
  return send(verb, { ConnectionToken: people.get(who)?.token, ...input });
}, describe);
process.exit(0);
