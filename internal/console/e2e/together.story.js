// AWS's ChatJS and Parley's widget in the same contact at the same time: one customer with
// both, and an agent who has ChatJS.
import assert from 'node:assert/strict';
import { accept, customer, open, said, say, sees, signIn, test, until, url } from './browser.js';
import { html, site } from './site.js';

// chatjs connects AWS's client on a page of another site. The page's `items` are what it
// was told.
async function chatjs(details) {
  const origin = await site({ '/': html('<script src="/chatjs.js"></script>') });
  const page = await open();
  await page.goto(origin); // with its script
  await page.evaluate(async ([endpoint, chatDetails]) => {
    globalThis.items = [];
    const { ChatSession } = globalThis.connect;
    ChatSession.setGlobalConfig({ endpoint, region: 'us-east-1' });
    const session = ChatSession.create({ chatDetails, type: 'CUSTOMER', options: { region: 'us-east-1' }, disableCSM: true });
    session.onMessage(({ data }) => globalThis.items.push(data));
    globalThis.session = session;
    await session.connect();
  }, [url, details]);
  return {
    send: (message) => page.evaluate((m) => globalThis.session.sendMessage({ contentType: 'text/plain', message: m }), message),
    said: () => page.evaluate(() => globalThis.items.filter((i) => i.Type === 'MESSAGE').map((i) => i.Content)),
    read: (text) => page.evaluate((t) => {
      const { Id } = globalThis.items.find((i) => i.Content === t);
      return globalThis.session.sendEvent({ contentType: 'application/vnd.amazonaws.connect.event.message.read', content: JSON.stringify({ messageId: Id }) });
    }, text),
  };
}

test('ChatJS and the widget', async () => {
  const jane = await customer('Jane');
  const place = await jane.evaluate(() => JSON.parse(localStorage.getItem('parley-chat:')));
  const twin = await chatjs({ contactId: place.ContactId, participantId: place.ParticipantId, participantToken: place.ParticipantToken });
  const bob = await signIn('agent', '/console/desk');
  await accept(bob, 'Jane');

  for (let i = 1; i <= 5; i++) {
    await say(jane, `widget ${i}`);
    await sees(bob, `widget ${i}`);
    await twin.send(`chatjs ${i}`);
    await sees(jane, `chatjs ${i}`);
    await say(bob, `desk ${i}`);
    await sees(jane, `desk ${i}`);
  }
  const all = [1, 2, 3, 4, 5].flatMap((i) => [`widget ${i}`, `chatjs ${i}`, `desk ${i}`]);
  await until('ChatJS has it all', async () => (await twin.said()).filter((t) => all.includes(t)).length === all.length);
  assert.deepEqual((await twin.said()).filter((t) => all.includes(t)), all);
  assert.deepEqual(await said(jane), all);
  assert.deepEqual(await said(bob), all);
  assert.equal(await jane.locator('.mine', { hasText: 'chatjs 3' }).count(), 1, 'what ChatJS sent is the customer’s own');
  await bob.locator('.mine[data-receipt=read]', { hasText: 'desk 5' }).waitFor();
});

test('an agent with ChatJS', async () => {
  const omar = await customer('Omar');
  const bob = await signIn('agent2', '/console/desk');
  const place = await bob.evaluate(async () => {
    const board = await (await fetch('/console/api/board')).json();
    const { ContactId } = board.Contacts.find((c) => c.Customer === 'Omar');
    return (await fetch(`/console/api/contacts/${ContactId}/accept`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' })).json();
  });
  const agent = await chatjs({ contactId: place.ContactId, participantId: place.ParticipantId, participantToken: place.ParticipantToken });
  await omar.locator('.agents', { hasText: 'agent2' }).waitFor();
  await say(omar, 'Hello ChatJS');
  await until('ChatJS gets it', async () => (await agent.said()).includes('Hello ChatJS'));
  await agent.read('Hello ChatJS');
  await omar.locator('.mine[data-receipt=read]', { hasText: 'Hello ChatJS' }).waitFor();
  await agent.send('Hello Omar');
  await sees(omar, 'Hello Omar');
});
