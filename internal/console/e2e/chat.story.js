// A customer and an agent in two browsers hold a chat, with all that can happen to a
// network and a page: nothing is lost, and nothing comes twice.
import assert from 'node:assert/strict';
import { accept, customer, go, network, open, PNG, said, say, sees, signIn, take, test, until } from './browser.js';

test('a chat over lost connections and reloads', async () => {
  const jane = await customer('Jane');
  await say(jane, 'Hello?');
  const bob = await signIn('agent', '/console/desk');
  await bob.locator('.first', { hasText: 'Hello?' }).waitFor();
  await accept(bob, 'Jane');
  await jane.locator('.agents', { hasText: 'You are talking to agent' }).waitFor();

  // typing, and receipts
  await bob.locator('.thread[data-state=open]').waitFor();
  await bob.locator('textarea').pressSequentially('Hi');
  await jane.locator('.typing', { hasText: 'agent is typing' }).waitFor();
  await bob.locator('textarea').press('Enter');
  await sees(jane, 'Hi');
  await jane.locator('.typing').filter({ hasNotText: 'typing' }).waitFor();
  await bob.locator('.mine[data-receipt=read]', { hasText: 'Hi' }).waitFor();
  await jane.locator('.mine[data-receipt=read]', { hasText: 'Hello?' }).waitFor();

  // a file
  await jane.locator('input[type=file]').setInputFiles(PNG);
  await bob.locator('.theirs .attachment img').waitFor();
  assert.deepEqual(await take(bob, () => bob.locator('.attachment .file').click()), { name: PNG.name, bytes: PNG.buffer });

  // both write while the network comes and goes, and the customer's page is loaded anew
  const sent = ['Hello?', 'Hi', 'order.png'];
  const expected = (name, n) => Array.from({ length: n }, (_, i) => `${name} ${i + 1}`);
  const round = async (from, to) => {
    for (let i = from; i <= to; i++) {
      await say(jane, `jane ${i}`);
      await say(bob, `bob ${i}`);
    }
  };
  await round(1, 3);
  await network('cut');
  await round(4, 6);
  await network('down');
  await jane.locator('.thread[data-state=lost]').waitFor();
  await bob.locator('.thread[data-state=lost]').waitFor();
  await round(7, 9);
  await jane.locator('.pending', { hasText: 'jane 9' }).waitFor();
  await network('up');
  await sees(bob, 'jane 9');
  await sees(jane, 'bob 9');
  await jane.context().setOffline(true);
  await network('cut');
  await jane.locator('.thread[data-state=lost]').waitFor();
  await round(10, 12);
  await jane.context().setOffline(false);
  await sees(bob, 'jane 12');
  await sees(jane, 'bob 12');

  // what was not sent yet survives a reload
  await network('down');
  await jane.locator('.thread[data-state=lost]').waitFor();
  await say(jane, 'jane 13');
  await jane.locator('.pending', { hasText: 'jane 13' }).waitFor();
  await network('up');
  await jane.reload();
  await sees(jane, 'jane 13');
  await sees(bob, 'jane 13');
  await bob.reload();
  await sees(bob, 'jane 13');

  // what was said, and of which the acknowledgement was lost, is not said twice
  await jane.route('**/participant/message', async (route) => {
    await route.fetch();
    await route.abort();
  }, { times: 1 });
  await say(jane, 'jane 14');
  await sees(bob, 'jane 14');
  await jane.locator('.pending').waitFor({ state: 'detached' });

  for (const page of [jane, bob]) {
    await until('everything is there', async () => (await said(page)).length === sent.length + 26);
    const all = await said(page);
    assert.deepEqual(all.slice(0, 3).map((t) => t.trim().split('\n')[0]), sent);
    assert.deepEqual(all.filter((t) => t.startsWith('jane ')), expected('jane', 14));
    assert.deepEqual(all.filter((t) => t.startsWith('bob ')), expected('bob', 12));
  }
  assert.deepEqual(await said(jane), await said(bob), 'both see the same order');

  // the end
  await jane.getByRole('button', { name: 'End chat' }).click();
  await jane.getByRole('button', { name: 'Start a new chat' }).waitFor();
  await bob.locator('.note', { hasText: 'The chat has ended' }).waitFor();
  await jane.reload();
  await jane.getByLabel('Your name').waitFor();
});

// The server ends a websocket an hour after it was begun; before that the page has another,
// and nothing is missing meanwhile.
test('a socket is replaced before it ends', async () => {
  const page = await open();
  await page.clock.install();
  let sockets = 0;
  page.on('websocket', () => { sockets++; });
  await go(page, '/console/widget');
  await page.getByLabel('Your name').fill('Ann');
  await page.getByRole('button', { name: 'Start chat' }).click();
  await page.locator('.note', { hasText: 'Ann joined' }).waitFor();
  const bob = await signIn('agent2', '/console/desk');
  await accept(bob, 'Ann');
  await say(bob, 'before');
  await sees(page, 'before');
  assert.equal(sockets, 1);
  await page.clock.fastForward('59:59');
  await until('there is another', async () => sockets === 2);
  await say(bob, 'after');
  await sees(page, 'after');
  await say(page, 'me too');
  await sees(bob, 'me too');
  assert.deepEqual(await said(page), ['before', 'after', 'me too']);
  assert.equal(await page.locator('.thread').getAttribute('data-state'), 'open');
});
