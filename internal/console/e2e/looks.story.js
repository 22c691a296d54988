// What the pages look like, for somebody to look at: light and dark, wide and on a phone.
// And what they weigh.
import assert from 'node:assert/strict';
import { accept, customer, go, open, picture, PNG, say, sees, signIn, test, until } from './browser.js';

// What is there when a page is.
const PAGES = { try: '.desk', desk: '.signin', supervisor: '.signin', transcripts: '.signin', now: '.chart', widget: '.start' };

test('pages weigh little', async () => {
  for (const [path, there] of Object.entries(PAGES)) {
    const page = await open();
    const client = await page.context().newCDPSession(page);
    await client.send('Network.enable');
    let bytes = 0;
    client.on('Network.loadingFinished', ({ encodedDataLength }) => { bytes += encodedDataLength; });
    await go(page, `/console/${path}`);
    await page.locator(there).first().waitFor();
    console.log(`/console/${path}: ${bytes} bytes`);
    assert.ok(bytes > 10_000 && bytes < 100_000, `/console/${path} takes ${bytes} bytes, and is to take less than 100,000`);
    await page.context().close(); // they poll
  }
});

const look = { viewport: { width: 1240, height: 780 } };

test('both sides', async () => {
  const page = await open('/console/try', look);
  const left = page.locator('.phone');
  const right = page.locator('.panel');
  await left.getByLabel('Your name').fill('Jane');
  await picture(page, 'try-begin');
  await left.getByRole('button', { name: 'Start chat' }).click();
  await left.locator('textarea').fill('Hello, my parcel has not arrived yet.');
  await left.locator('textarea').press('Enter');
  await accept(page, 'Jane');
  await right.locator('textarea').fill('Hello Jane! I am sorry to hear that. **Which order** is it?');
  await right.locator('textarea').press('Enter');
  await left.locator('textarea').fill('4711, from last week');
  await left.locator('textarea').press('Enter');
  await right.locator('.bubble', { hasText: '4711' }).waitFor();
  await right.locator('textarea').pressSequentially('One moment');
  await left.locator('.typing .dots').waitFor();
  await right.locator('.mine[data-receipt=read]').waitFor();
  await left.locator('.mine[data-receipt=read]', { hasText: '4711' }).waitFor();
  const frame = page.locator('.column').first().locator('.wire details', { hasText: 'text/markdown' });
  await frame.locator('summary').click();
  await picture(page, 'try');
  const [outer, inner] = await frame.locator('pre').allInnerTexts(); // as it came, and the item in it
  assert.equal(JSON.parse(outer).topic, 'aws/chat');
  assert.equal(JSON.parse(inner).Content, 'Hello Jane! I am sorry to hear that. **Which order** is it?');
  assert.deepEqual(JSON.parse(JSON.parse(outer).content), JSON.parse(inner));
  await left.getByRole('button', { name: 'End chat' }).click();
  await left.getByRole('button', { name: 'Start a new chat' }).waitFor();
});

test('both sides on a phone', async () => {
  const page = await open('/console/try', { viewport: { width: 390, height: 760 }, isMobile: true });
  const left = page.locator('.phone');
  await left.getByLabel('Your name').fill('Jane');
  await picture(page, 'phone-try');
  await left.getByRole('button', { name: 'Start chat' }).click(); // nothing lies over it
  await left.locator('textarea').fill('Hello');
  await left.getByRole('button', { name: 'Send' }).click();
  await accept(page, 'Jane');
  await page.locator('.panel .bubble', { hasText: 'Hello' }).waitFor();
  await page.locator('.panel textarea').fill('Good morning');
  await page.locator('.panel').getByRole('button', { name: 'Send' }).click();
  await left.locator('.bubble', { hasText: 'Good morning' }).waitFor();
});

test('the others', async () => {
  const form = await open('/console/desk', look);
  await form.getByLabel('User').waitFor();
  await picture(form, 'signin');

  const jane = await customer('Jane Miller');
  await say(jane, 'Hello, my parcel has not arrived yet.');
  const omar = await customer('Omar Haddad');
  await say(omar, 'How do I change my address? The form on your site does not take my postal code.');
  await customer('Li Wei');
  const ann = await customer('Ann Becker');
  await say(ann, 'Do you deliver to Norway?');
  const bob = await signIn('agent', '/console/desk', look);
  await accept(bob, 'Ann Becker');
  await say(bob, 'We do!');
  await say(ann, 'Great. How long does it take?');
  await sees(bob, 'How long');
  await accept(bob, 'Jane Miller');
  await say(bob, 'Hello Jane! I am sorry to hear that. **Which order** is it?');
  await say(jane, '4711, from last week. This is the number on the slip:');
  await jane.locator('input[type=file]').setInputFiles({ ...PNG, name: 'slip.png', buffer: await slip(jane) });
  await bob.locator('.attachment img').waitFor();
  await say(bob, 'Thank you. What I will do:\n1. call the carrier\n2. send you another one *today*');
  await say(ann, 'And what does it cost?');
  await bob.locator('.chat .count').waitFor();
  await bob.getByRole('button', { name: 'About this chat' }).click();
  await bob.getByLabel('Attribute', { exact: true }).fill('order');
  await bob.getByLabel('Value').fill('4711');
  await bob.getByRole('button', { name: 'Set' }).click();
  await bob.locator('.facts dd').getByText('4711', { exact: true }).waitFor();
  await bob.locator('.thread textarea').click();
  await bob.locator('.mine[data-receipt=read]', { hasText: 'Thank you' }).waitFor();
  await sees(jane, 'another one');
  await picture(bob, 'desk');
  await picture(jane, 'widget');
  await bob.getByRole('button', { name: 'Transfer' }).click();
  await bob.getByRole('dialog').waitFor();
  await picture(bob, 'dialog');

  const max = await signIn('supervisor', '/console/supervisor', look);
  await max.getByRole('button', { name: 'Watch the chat with Jane Miller' }).click();
  await sees(max, 'another one');
  await max.getByRole('button', { name: 'Barge in' }).click();
  await max.locator('.mode.loud').waitFor();
  await say(max, 'I have told the carrier, too.');
  await picture(max, 'supervisor');
  await go(max, '/console/transcripts');
  await max.locator('.card .pick', { hasText: 'Jane Miller' }).first().click();
  await max.locator('.line').first().waitFor();
  await picture(max, 'transcripts');
  await go(max, '/console/now');
  await until('there is something to see', async () => /up to [1-9]/.test(await max.locator('.chart').first().innerText()));
  await picture(max, 'now');

  const phone = await signIn('agent', '/console/desk', { viewport: { width: 390, height: 760 }, isMobile: true });
  await phone.locator('.chat').nth(1).waitFor();
  await picture(phone, 'phone-lists');
  await phone.locator('.chat .pick', { hasText: 'Jane Miller' }).click();
  await sees(phone, 'another one');
  await picture(phone, 'phone-chat');
  for (const page of [jane, omar, ann]) await page.getByRole('button', { name: 'End chat' }).click();
});

// slip draws a picture.
async function slip(page) {
  const encoded = await page.evaluate(() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 420, height: 200 });
    const c = canvas.getContext('2d');
    c.fillStyle = '#fbf6e9';
    c.fillRect(0, 0, 420, 200);
    c.fillStyle = '#333';
    c.font = 'bold 26px sans-serif';
    c.fillText('Order 4711', 24, 48);
    for (let i = 0; i < 60; i++) c.fillRect(24 + i * 6, 80, 1 + ((i * 7) % 4), 70);
    c.font = '18px monospace';
    c.fillText('00 4711 2026 1117 3', 24, 178);
    return canvas.toDataURL('image/png').split(',')[1];
  });
  return Buffer.from(encoded, 'base64');
}
