// What the pages look like, for somebody to look at: light and dark, wide and on a phone.
// And what they weigh.
import assert from 'node:assert/strict';
import test from 'node:test';
import { accept, customer, open, picture, PNG, say, sees, signIn, until, url } from './browser.js';

// still waits until nothing moves but what always does.
const still = (page) => page.waitForFunction(() => document.getAnimations().every((a) => a.effect.getTiming().iterations === Infinity || a.playState === 'finished'));

test('pages weigh little', async () => {
  for (const path of ['try', 'desk', 'supervisor', 'transcripts', 'now', 'widget']) {
    const page = await open();
    const client = await page.context().newCDPSession(page);
    await client.send('Network.enable');
    let bytes = 0;
    client.on('Network.loadingFinished', ({ encodedDataLength }) => { bytes += encodedDataLength; });
    await page.goto(`${url}/console/${path}`, { waitUntil: 'networkidle' });
    await page.locator('main').waitFor();
    console.log(`/console/${path}: ${bytes} bytes`);
    assert.ok(bytes > 10_000 && bytes < 100_000, `/console/${path} takes ${bytes} bytes, and is to take less than 100,000`);
  }
});

for (const colorScheme of ['light', 'dark']) {
  const look = { colorScheme, viewport: { width: 1240, height: 780 } };
  const name = (what) => (colorScheme === 'light' ? what : `${what}-dark`);

  test(`both sides, ${colorScheme}`, async () => {
    const page = await open('/console/try', look);
    const left = page.locator('.phone');
    const right = page.locator('.panel');
    await left.getByLabel('Your name').fill('Jane');
    await picture(page, name('try-begin'));
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
    await page.locator('.column').first().locator('.wire summary', { hasText: 'text/markdown' }).click();
    await still(page);
    await picture(page, name('try'));
    await left.getByRole('button', { name: 'End chat' }).click();
    await left.getByRole('button', { name: 'Start a new chat' }).waitFor();
  });

  test(`the others, ${colorScheme}`, async () => {
    const form = await open('/console/desk', look);
    await form.getByLabel('User').waitFor();
    await picture(form, name('signin'));

    const jane = await customer('Jane Miller', { colorScheme });
    await say(jane, 'Hello, my parcel has not arrived yet.');
    const omar = await customer('Omar Haddad', { colorScheme });
    await say(omar, 'How do I change my address? The form on your site does not take my postal code.');
    await customer('Li Wei', { colorScheme });
    const ann = await customer('Ann Becker', { colorScheme });
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
    await still(bob);
    await picture(bob, name('desk'));
    await picture(jane, name('widget'));
    await bob.getByRole('button', { name: 'Transfer' }).click();
    await bob.getByRole('dialog').waitFor();
    await picture(bob, name('dialog'));

    const max = await signIn('supervisor', '/console/supervisor', look);
    await max.getByRole('button', { name: 'Watch the chat with Jane Miller' }).click();
    await sees(max, 'another one');
    await max.getByRole('button', { name: 'Barge in' }).click();
    await max.locator('.mode.loud').waitFor();
    await say(max, 'I have told the carrier, too.');
    await picture(max, name('supervisor'));
    await max.goto(`${url}/console/transcripts`);
    await max.locator('.card .pick', { hasText: 'Jane Miller' }).first().click();
    await max.locator('.line').first().waitFor();
    await picture(max, name('transcripts'));
    await max.goto(`${url}/console/now`);
    await until('there is something to see', async () => /up to [1-9]/.test(await max.locator('.chart').first().innerText()));
    await picture(max, name('now'));

    const phone = await signIn('agent', '/console/desk', { colorScheme, viewport: { width: 390, height: 760 }, isMobile: true });
    await phone.locator('.chat').nth(1).waitFor();
    await picture(phone, name('phone-lists'));
    await phone.locator('.chat .pick', { hasText: 'Jane Miller' }).click();
    await sees(phone, 'another one');
    await picture(phone, name('phone-chat'));
    for (const page of [jane, omar, ann]) await page.getByRole('button', { name: 'End chat' }).click();
  });
}

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
