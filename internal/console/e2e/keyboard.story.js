// Everything can be done without a mouse, and without seeing.
import assert from 'node:assert/strict';
import { accept, customer, go, open, say, sees, signIn, test } from './browser.js';

// to goes to a control with Tab, as somebody does who can't point at it.
async function to(page, name) {
  for (let i = 0; i < 60; i++) {
    const at = await page.evaluate(() => {
      const e = document.activeElement;
      return e && (e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent || '').trim();
    });
    if (at && (name instanceof RegExp ? name.test(at) : at === name)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab never comes to ${name}`);
}

test('an agent with a keyboard', async () => {
  const jane = await customer('Jane');
  await customer('Omar');
  const bob = await open('/console/desk');
  await bob.getByLabel('User').waitFor();
  await bob.keyboard.type('agent'); // the first field has the focus
  await bob.keyboard.press('Tab');
  await bob.keyboard.type('agent');
  await bob.keyboard.press('Enter');

  await bob.getByRole('button', { name: 'Accept the chat with Omar' }).waitFor();
  await to(bob, 'Accept the chat with Jane');
  await bob.keyboard.press('Enter');
  await bob.locator('.bar h2', { hasText: 'Jane' }).waitFor();
  await bob.locator('textarea:focus').waitFor(); // where one writes
  await bob.keyboard.type('Hello');
  await bob.keyboard.press('Shift+Enter');
  await bob.keyboard.type('Jane');
  await bob.keyboard.press('Enter');
  await sees(jane, 'Hello\nJane');

  await bob.keyboard.press('Alt+a'); // the next one who waits
  await bob.locator('.bar h2', { hasText: 'Omar' }).waitFor();
  await bob.keyboard.press('Alt+ArrowUp');
  await bob.locator('.bar h2', { hasText: 'Jane' }).waitFor();
  await bob.keyboard.press('Alt+ArrowDown');
  await bob.locator('.bar h2', { hasText: 'Omar' }).waitFor();
  await say(jane, 'Are you there?');
  await bob.locator('.count', { hasText: '1' }).waitFor();
  await to(bob, /^Jane/);
  await bob.keyboard.press('Enter');
  await sees(bob, 'Are you there?');
  await bob.locator('.chat .count').waitFor({ state: 'detached' });

  await to(bob, 'Quick replies');
  await bob.keyboard.press('Enter');
  await to(bob, /^One moment/);
  await bob.keyboard.press('Enter');
  await bob.getByRole('dialog').waitFor({ state: 'detached' });
  await bob.locator('textarea:focus').waitFor();
  await bob.keyboard.press('Enter');
  await sees(jane, 'One moment, please.');

  await to(bob, 'Transfer');
  await bob.keyboard.press('Enter');
  await bob.getByRole('dialog', { name: 'Transfer' }).waitFor();
  await bob.keyboard.press('Escape');
  await bob.getByRole('dialog').waitFor({ state: 'detached' });
  await to(bob, 'Leave the chat');
  await bob.keyboard.press('Enter');
  await to(bob, 'Leave');
  await bob.keyboard.press('Enter');
  await jane.getByRole('button', { name: 'Start a new chat' }).waitFor();
});

test('a customer with a keyboard', async () => {
  const page = await open();
  await go(page, '/console/widget');
  await page.getByLabel('Your name').waitFor();
  await to(page, 'Your name');
  await page.keyboard.type('Ann');
  await page.keyboard.press('Enter');
  await page.locator('textarea:focus').waitFor();
  await page.keyboard.type('Good morning');
  await page.keyboard.press('Enter');
  await sees(page, 'Good morning');
  await page.keyboard.press('Shift+Tab');
  await to(page, 'End chat');
  await page.keyboard.press('Enter');
  await to(page, 'Start a new chat');
  await page.keyboard.press('Enter');
  await page.getByLabel('Your name').waitFor();
});

// Whoever has no mouse is where they were, also when a page has redrawn what they were at.
test('nobody is sent back to the beginning of a page', async () => {
  const jane = await customer('Jane');
  const at = (page, selector) => page.locator(`${selector}:focus`).waitFor();
  const max = await open('/console/supervisor');
  await max.getByLabel('User').waitFor();
  await max.keyboard.type('supervisor');
  await max.keyboard.press('Tab');
  await max.keyboard.type('supervisor');
  await max.keyboard.press('Enter');
  await at(max, 'main');
  await max.getByRole('button', { name: 'Watch the chat with Jane' }).waitFor();
  await to(max, /^Watch the chat with Jane/);
  await max.keyboard.press('Enter');
  await max.locator('.thread[data-state=open]').waitFor();
  await to(max, 'End');

  const bob = await signIn('agent', '/console/desk');
  await accept(bob, 'Jane'); // whereupon the supervisor's page is redrawn
  await max.locator('.note', { hasText: 'agent joined' }).waitFor();
  await at(max, 'button.danger');
  await to(max, 'Barge in');
  await max.keyboard.press('Enter');
  await at(max, 'textarea');
  await max.keyboard.press('Shift+Tab');
  await to(max, 'Step back');
  await max.keyboard.press('Enter');
  await max.getByRole('button', { name: 'Barge in' }).and(max.locator(':focus')).waitFor();

  const about = bob.getByRole('button', { name: 'About this chat' });
  await to(bob, 'About this chat');
  await bob.keyboard.press('Enter');
  await at(bob, '.side button');
  await bob.keyboard.press('Enter');
  await about.and(bob.locator(':focus')).waitFor();
  await to(bob, 'Write a message');
  await jane.getByRole('button', { name: 'End chat' }).click();
  await bob.locator('.status', { hasText: 'This chat is over' }).waitFor();
  await at(bob, '.scroll');
});

test('what is new is told to those who don’t see it', async () => {
  const page = await customer('Lea');
  const log = page.getByRole('log', { name: 'Messages' });
  assert.equal(await log.getAttribute('aria-live'), 'polite');
  await say(page, 'Hello');
  await log.getByText('Hello').waitFor();
  await page.locator('.mine .ticks .sr').first().waitFor({ state: 'attached' });
});
