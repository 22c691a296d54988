// A bot writes a message in parts: it grows where it stands, and then is there once.
import assert from 'node:assert/strict';
import { bot } from './bot.js';
import { accept, customer, network, open, said, say, sees, signIn, test, url } from './browser.js';
import { html, site } from './site.js';

const contact = (page, key = '', storage = 'localStorage') =>
  page.evaluate(([k, s]) => JSON.parse(globalThis[s].getItem(`parley-chat:${k}`)).ContactId, [key, storage]);

// growing is the message that is still being written.
const growing = (page, text) => page.locator('.said[aria-busy=true] .bubble').filter({ hasText: new RegExp(`^${text.replaceAll('*', '\\*')}\\s*$`) });

test('a message that grows', async () => {
  const jane = await customer('Jane');
  const max = await signIn('supervisor', '/console/supervisor');
  await max.getByRole('button', { name: 'Watch the chat with Jane' }).click();
  const robo = await bot(await contact(jane), 'Robo');
  await jane.locator('.note', { hasText: 'Robo joined' }).waitFor();
  await say(jane, 'Where is my parcel?');
  await sees(max, 'Where is my parcel?');

  await robo.typing();
  await jane.locator('.typing', { hasText: 'Robo is typing' }).waitFor();
  const id = await robo.part(1, 'It ');
  await growing(jane, 'It').waitFor();
  await jane.locator('.typing').filter({ hasNotText: 'typing' }).waitFor(); // one sees it
  await robo.part(2, 'is **on', id);
  await growing(jane, 'It is **on').waitFor();
  await robo.part(4, 'lost', id); // the third has not come: the whole says it all
  await say(jane, 'Hello?'); // comes meanwhile
  await sees(max, 'Hello?');
  assert.deepEqual(await said(max), ['Where is my parcel?', 'Hello?'], 'parts are for customers only');
  await robo.say('It is **on its way**.', id);
  await sees(jane, 'It is on its way.');
  await sees(max, 'It is on its way.');
  assert.deepEqual(await said(jane), ['Where is my parcel?', 'It is on its way.', 'Hello?']);
  assert.equal(await jane.locator('[aria-busy=true]').count(), 0);
  assert.equal(await jane.locator('.theirs:not(.system) .who', { hasText: 'Robo bot' }).count(), 1, 'it is the bot’s own, and not an automatic message');

  // of what is not complete a reload leaves nothing, and what follows is no message
  const next = await robo.part(1, 'Do you ');
  await growing(jane, 'Do you').waitFor();
  await jane.reload();
  await sees(jane, 'It is on its way.');
  await robo.part(2, 'need ', next);
  await robo.typing();
  await jane.locator('.typing', { hasText: 'Robo is typing' }).waitFor(); // that came after it
  assert.deepEqual(await said(jane), ['Where is my parcel?', 'Hello?', 'It is on its way.']);
  await robo.say('Do you need anything else?', next);
  await sees(jane, 'Do you need anything else?');
  assert.deepEqual(await said(jane), ['Where is my parcel?', 'Hello?', 'It is on its way.', 'Do you need anything else?']);
});

test('the network is lost in the middle of a message', async () => {
  const omar = await customer('Omar');
  const robo = await bot(await contact(omar), 'Robo');
  await say(omar, 'Hello');
  await sees(omar, 'Hello');
  const id = await robo.part(1, 'One, ');
  await growing(omar, 'One,').waitFor();
  const lose = async () => {
    await network('down');
    await omar.locator('.thread[data-state=lost]').waitFor();
    await network('up');
    await omar.locator('.thread[data-state=open]').waitFor();
  };
  await lose(); // what was not complete is the last that the page has
  await lose();
  await robo.part(2, 'two, ', id);
  await growing(omar, 'One, two,').waitFor();
  await network('down');
  await omar.locator('.thread[data-state=lost]').waitFor();
  await robo.say('One, two, three.', id); // the bot is not behind this network
  await network('up');
  await sees(omar, 'One, two, three.');
  assert.deepEqual(await said(omar), ['Hello', 'One, two, three.']);
  assert.equal(await omar.locator('[aria-busy=true]').count(), 0);
});

test('both sides', async () => {
  const page = await open('/console/try');
  const [left, right] = [page.locator('.phone'), page.locator('.panel')];
  const bubbles = (side) => side.locator('.items:not(.outbox) .said:not(.system) .bubble').allInnerTexts();
  await left.getByLabel('Your name').fill('Ann');
  await left.getByRole('button', { name: 'Start chat' }).click();
  await left.locator('.note', { hasText: 'Ann joined' }).waitFor();
  const robo = await bot(await contact(page, 'try', 'sessionStorage'), 'Robo');
  const id = await robo.part(1, 'Some');
  await growing(left, 'Some').waitFor();
  await robo.part(2, 'body ', id);
  await growing(left, 'Somebody').waitFor();
  await robo.say('Somebody will be with you soon.', id);
  await left.locator('.said:not([aria-busy]) .bubble', { hasText: 'with you soon.' }).waitFor();
  await accept(page, 'Ann');
  await right.locator('.bubble', { hasText: 'with you soon.' }).waitFor();
  for (const side of [left, right]) assert.deepEqual(await bubbles(side), ['Somebody will be with you soon.']);
  await page.reload();
  await right.locator('.bubble', { hasText: 'with you soon.' }).waitFor();
  await left.locator('.bubble', { hasText: 'with you soon.' }).waitFor();
  for (const side of [left, right]) assert.deepEqual(await bubbles(side), ['Somebody will be with you soon.']);
});

test('a widget that is closed tells of a bot’s message when it is complete', async () => {
  const shop = await site({ '/': html(`<script src="${url}/console/widget.js" data-name="Lea" async></script>`) });
  const page = await open();
  await page.goto(shop, { waitUntil: 'commit' });
  await page.getByRole('button', { name: 'Chat with us' }).click();
  const frame = page.frameLocator('iframe');
  await frame.getByRole('button', { name: 'Start chat' }).click();
  await frame.locator('.note', { hasText: 'Lea joined' }).waitFor();
  const robo = await bot(await contact(page.frames()[1]), 'Robo');
  await frame.locator('textarea').press('Escape');
  await page.locator('iframe').waitFor({ state: 'hidden' });
  const id = await robo.part(1, 'Good ');
  await frame.locator('.said[aria-busy=true]').waitFor({ state: 'attached' });
  assert.equal(await page.getByRole('button', { name: 'Chat with us', exact: true }).count(), 1);
  await robo.say('Good morning!', id);
  await page.getByRole('button', { name: 'Chat with us, 1 unread' }).click();
  await frame.locator('.said:not([aria-busy])', { hasText: 'Good morning!' }).waitFor();
  await page.getByRole('button', { name: 'Chat with us', exact: true }).waitFor();
});
