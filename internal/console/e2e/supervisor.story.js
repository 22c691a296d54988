// A supervisor watches unseen, barges in, steps back, and ends a chat.
import assert from 'node:assert/strict';
import { accept, customer, said, say, sees, signIn, test } from './browser.js';

test('a supervisor', async () => {
  const jane = await customer('Jane');
  const bob = await signIn('agent', '/console/desk');
  await accept(bob, 'Jane');
  await say(bob, 'Good morning');
  const max = await signIn('supervisor', '/console/supervisor');
  await max.getByRole('button', { name: 'Watch the chat with Jane' }).click();
  await sees(max, 'Good morning');
  await say(jane, 'Who else is here?');
  await sees(max, 'Who else is here?');
  assert.equal(await max.locator('textarea:visible').count(), 0, 'who only watches has no place to write');
  assert.equal(await jane.locator('.note', { hasText: 'supervisor' }).count(), 0, 'nobody is told');

  await max.getByRole('button', { name: 'Barge in' }).click();
  await jane.locator('.note', { hasText: 'supervisor joined' }).waitFor();
  await say(max, 'I am');
  await sees(jane, 'I am');
  await sees(bob, 'I am');

  await max.getByRole('button', { name: 'Step back' }).click();
  await bob.locator('.note', { hasText: 'supervisor left' }).waitFor();
  await say(bob, 'Only us again');
  await sees(max, 'Only us again');
  assert.equal(await max.locator('textarea:visible').count(), 0);
  assert.deepEqual(await said(max), await said(jane));

  await max.getByRole('button', { name: 'Barge in' }).click();
  await max.locator('.mode', { hasText: 'barged in' }).waitFor();
  await max.reload(); // and whoever comes back is still in the chat
  await max.getByRole('button', { name: 'Watch the chat with Jane' }).click();
  await max.locator('.mode', { hasText: 'barged in' }).waitFor();
  await say(max, 'Still here');
  await sees(jane, 'Still here');
  await max.getByRole('button', { name: 'End', exact: true }).click();
  await max.getByRole('button', { name: 'End the chat' }).click();
  await jane.getByRole('button', { name: 'Start a new chat' }).waitFor();
  await bob.locator('.note', { hasText: 'The chat has ended' }).waitFor();
  await max.locator('.none', { hasText: 'Nobody is chatting' }).waitFor();
});
