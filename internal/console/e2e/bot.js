// A bot in a chat, which talks as a program does: through the public APIs.
import { createRequire } from 'node:module';
import { direct } from './browser.js';

const { ConnectClient, CreateParticipantCommand } = createRequire(new URL('../../../compat/node/', import.meta.url))('@aws-sdk/client-connect');

const INSTANCE = '00000000-0000-4000-8000-000000000001';
const connect = new ConnectClient({ endpoint: direct, region: 'us-east-1', credentials: { accessKeyId: 'parley', secretAccessKey: 'parley' } });

async function ask(path, token, input) {
  const response = await fetch(`${direct}/participant/${path}`, {
    method: 'POST', headers: { 'X-Amz-Bearer': token, 'Content-Type': 'application/json' }, body: JSON.stringify(input),
  });
  const output = await response.json();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(output)}`);
  return output;
}

// bot comes into a chat. part sends a part of a message, with the id that the first one
// was answered with; say sends a message, or completes one.
export async function bot(contact, name) {
  const { ParticipantCredentials } = await connect.send(new CreateParticipantCommand({
    InstanceId: INSTANCE, ContactId: contact, ParticipantDetails: { ParticipantRole: 'CUSTOM_BOT', DisplayName: name },
  }));
  const { ConnectionCredentials } = await ask('connection', ParticipantCredentials.ParticipantToken, { Type: ['CONNECTION_CREDENTIALS'], ConnectParticipant: true });
  const token = ConnectionCredentials.ConnectionToken;
  const send = async (type, text) => (await ask('message', token, { ContentType: type, Content: text })).Id;
  return {
    part: (n, text, id) => send(`text/markdown;${id ? `id=${id};` : ''}chunk=${n}`, text),
    say: (text, id) => send(`text/markdown${id ? `;id=${id}` : ''}`, text),
    typing: () => ask('event', token, { ContentType: 'application/vnd.amazonaws.connect.event.typing' }),
  };
}
