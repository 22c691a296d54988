// What agents do with each other: sign in, hand over, call for help, look back.
import assert from 'node:assert/strict';
import { accept, customer, go, open, say, sees, signIn, take, test, until } from './browser.js';

test('signing in', async () => {
  const page = await open('/console/desk');
  await page.getByLabel('User').fill('agent');
  await page.getByLabel('Password').fill('wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').getByText('The name or the password is wrong').waitFor();
  await page.getByLabel('Password').fill('agent');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Light or dark' }).click(); // which is remembered
  await page.locator('html[data-theme=dark]').waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('User').waitFor();
  await page.locator('html[data-theme=dark]').waitFor();
  const agent = await signIn('agent', '/console/supervisor');
  await agent.getByText('This page is for supervisors.').waitFor();
});

test('several chats, and a colleague', async () => {
  const jane = await customer('Jane');
  const omar = await customer('Omar');
  const bob = await signIn('agent', '/console/desk');
  await bob.locator('.card .age', { hasText: /^\d+ (s|min)$/ }).nth(1).waitFor(); // how long both have waited
  await accept(bob, 'Jane');
  await accept(bob, 'Omar');
  await bob.locator('.bar h2', { hasText: 'Omar' }).waitFor();
  await say(jane, 'one');
  await say(jane, 'two');
  await bob.locator('.chat .count', { hasText: '2' }).waitFor();
  await until('the title says so', async () => (await bob.title()).startsWith('(2) '));
  await bob.locator('.chat .pick', { hasText: 'Jane' }).click();
  await until('and no more', async () => (await bob.title()) === 'Desk · Parley');

  // attributes
  await bob.getByRole('button', { name: 'About this chat' }).click();
  await bob.getByLabel('Attribute', { exact: true }).fill('order');
  await bob.getByLabel('Value').fill('4711');
  await bob.getByRole('button', { name: 'Set' }).click();
  await bob.locator('.facts dd').getByText('4711', { exact: true }).waitFor();

  // quick replies of one's own
  const replies = () => bob.getByRole('button', { name: 'Quick replies' }).click();
  await replies();
  await bob.getByLabel('New quick reply').fill('It is on its way.');
  await bob.getByRole('button', { name: 'Add', exact: true }).click();
  await bob.getByRole('button', { name: 'Remove “Thank you, and have a nice day!”' }).click();
  await bob.reload(); // they are remembered
  await bob.locator('.chat .pick', { hasText: 'Jane' }).click();
  await bob.locator('.thread[data-state=open]').waitFor();
  await replies();
  assert.equal(await bob.getByText('Thank you, and have a nice day!').count(), 0);
  await bob.getByRole('dialog').getByRole('button', { name: 'It is on its way.', exact: true }).click();
  await bob.locator('.thread textarea').press('Enter');
  await sees(jane, 'It is on its way.');

  // a colleague is invited and declines, is invited and comes, and leaves
  const sue = await signIn('agent2', '/console/desk');
  const invite = async () => {
    await bob.getByRole('button', { name: 'Invite a colleague' }).click();
    await bob.getByRole('dialog').getByRole('button', { name: 'agent2' }).click();
  };
  await invite();
  await sue.locator('.asked').waitFor();
  await sue.getByRole('button', { name: 'Decline the chat with Jane' }).click();
  await sue.locator('.asked').waitFor({ state: 'detached' });
  await invite();
  await accept(sue, 'Jane');
  await jane.locator('.note', { hasText: 'agent2 joined' }).waitFor();
  await say(sue, 'I can help, too');
  await sees(jane, 'I can help, too');
  await sees(bob, 'I can help, too');
  await sue.getByRole('button', { name: 'Leave the chat' }).click();
  await sue.getByRole('dialog').getByText('The chat goes on without you.').waitFor();
  await sue.getByRole('button', { name: 'Leave', exact: true }).click();
  await jane.locator('.note', { hasText: 'agent2 left' }).waitFor();
  await sue.locator('.status', { hasText: 'You have left this chat' }).waitFor();

  // the chat is handed over
  await bob.getByRole('button', { name: 'Transfer' }).click();
  await bob.getByRole('dialog').getByRole('button', { name: 'agent2' }).click();
  await sue.locator('.asked').waitFor();
  await accept(sue, 'Jane');
  await jane.locator('.note', { hasText: 'agent left' }).waitFor();
  await say(sue, 'Now I serve you');
  await sees(jane, 'Now I serve you');
  await bob.locator('.chat.over', { hasText: 'Jane' }).waitFor();
  await sue.getByRole('button', { name: 'Transfer' }).click();
  await sue.getByRole('dialog').getByRole('button', { name: 'support' }).click();
  await sue.getByRole('button', { name: 'Close the chat with Jane' }).click();
  await accept(bob, 'Jane');
  await sees(bob, 'Now I serve you');
  await say(bob, 'Back again');
  await sees(jane, 'Back again');
  await omar.getByRole('button', { name: 'End chat' }).click();
  await bob.locator('.chat.over', { hasText: 'Omar' }).waitFor();
});

test('a transcript of what is over', async () => {
  const lea = await customer('Lea');
  await say(lea, 'A question');
  const bob = await signIn('agent', '/console/desk');
  await accept(bob, 'Lea');
  await say(bob, 'An **answer**');
  await sees(lea, 'An answer');
  await lea.getByRole('button', { name: 'End chat' }).click();
  await lea.getByRole('button', { name: 'Start a new chat' }).waitFor();

  const page = await signIn('supervisor', '/console/transcripts');
  await page.getByLabel('Find contacts').fill('lea');
  await page.getByLabel('Find contacts').press('Enter');
  await page.getByLabel('State').selectOption('ended');
  await until('one is found', async () => (await page.locator('.card').count()) === 1 && (await page.locator('.card', { hasText: 'Lea' }).count()) === 1);
  await page.locator('.card .pick').click();
  await page.locator('.line strong', { hasText: 'answer' }).waitFor();
  await page.getByLabel('Search in this transcript').fill('question');
  await until('one line is left', async () => (await page.locator('.line:visible').count()) === 1);
  await page.getByLabel('Search in this transcript').fill('');
  await page.getByLabel('Kind of item').selectOption('events');
  assert.equal(await page.locator('.line:visible', { hasText: 'A question' }).count(), 0);

  const link = (name) => take(page, () => page.getByRole('link', { name }).click());
  const json = await link('JSON');
  const transcript = JSON.parse(json.bytes);
  assert.equal(json.name, `${transcript.ContactId}.json`);
  assert.deepEqual(transcript.Transcript.filter((it) => it.ParticipantRole === 'CUSTOMER' && it.Type === 'MESSAGE').map((it) => it.Content), ['A question']);
  const plain = await link('Text');
  assert.equal(plain.name, `${transcript.ContactId}.txt`);
  assert.match(plain.bytes.toString(), /Lea: A question\n/);

  await go(page, '/console/now');
  await page.locator('.tile', { hasText: 'Active chats' }).waitFor();
  await page.locator('.tile', { hasText: /NATS\s*up/ }).waitFor();
  await page.locator('.tile', { hasText: /Notices sent\s*[1-9]/ }).waitFor();
  await until('messages were counted', async () => /up to [1-9]/.test(await page.locator('.chart', { hasText: 'Messages' }).innerText()));
});
