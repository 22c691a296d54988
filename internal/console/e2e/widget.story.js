// The widget on somebody else's site.
import assert from 'node:assert/strict';
import { accept, open, picture, PNG, say, sees, signIn, test, until, url } from './browser.js';
import { html, site } from './site.js';

test('a chat on a shop’s page', async () => {
  const shop = await site({
    '/': html(`<link rel="stylesheet" href="/style.css"><script src="${url}/console/widget.js" data-flow="any" data-title="Ask us" data-attributes='{"page":"home"}' async></script>`),
  }, { style: ':root { --parley-accent: rgb(120, 40, 160); }' });
  const page = await open();
  await page.goto(shop, { waitUntil: 'commit' });
  const launcher = page.getByRole('button', { name: 'Ask us' });
  await launcher.click();
  const frame = page.frameLocator('iframe');
  await frame.getByLabel('Your name').fill('Jane');
  const start = frame.getByRole('button', { name: 'Start chat' });
  await until('the shop’s colour is there', async () => await start.evaluate((b) => getComputedStyle(b).backgroundColor) === 'rgb(120, 40, 160)');
  await start.click();
  await frame.locator('.note', { hasText: 'Jane joined' }).waitFor();
  await frame.locator('textarea').fill('Do you have **red** ones?\n<img src=x onerror=alert(1)>');
  await frame.locator('textarea').press('Enter');

  const bob = await signIn('agent', '/console/desk');
  await accept(bob, 'Jane');
  await sees(bob, '<img src=x onerror=alert(1)>'); // as text
  assert.equal(await bob.locator('.bubble strong', { hasText: 'red' }).count(), 1);
  assert.equal(await bob.locator('.bubble img').count(), 0);
  await bob.getByRole('button', { name: 'About this chat' }).click();
  await bob.locator('.facts dd', { hasText: 'home' }).waitFor();
  await say(bob, '[here](https://example.com/red) but not [there](javascript:alert(1))');
  const link = frame.getByRole('link', { name: 'here' });
  assert.equal(await link.getAttribute('rel'), 'noopener noreferrer nofollow');
  assert.equal(await frame.getByRole('link', { name: 'there' }).count(), 0);
  await picture(page, 'widget');

  // closed, it tells how many messages there are that nobody has read
  await frame.locator('textarea').press('Escape');
  await page.locator('iframe').waitFor({ state: 'hidden' });
  await say(bob, 'We have ten of them.');
  await page.getByRole('button', { name: 'Ask us, 1 unread' }).click();
  await frame.locator('.bubble', { hasText: 'ten of them' }).waitFor();
  await page.getByRole('button', { name: 'Ask us', exact: true }).waitFor();

  // the chat goes on after a reload, and on another page of the site
  await page.reload();
  await launcher.click();
  await frame.locator('.bubble', { hasText: 'ten of them' }).waitFor();
  await frame.locator('input[type=file]').setInputFiles(PNG);
  await bob.locator('.theirs .attachment img').waitFor();
  await frame.getByRole('button', { name: 'End chat' }).click();
  await frame.getByRole('button', { name: 'Start a new chat' }).click();
  await frame.getByLabel('Your name').waitFor();
});

test('a chat that is open from the beginning, as the page wants it', async () => {
  const shop = await site({ '/': html(`<script src="${url}/console/widget.js" data-open data-position="left" data-scheme="dark" data-name="Ann" data-welcome="We are here." async></script>`) });
  const page = await open();
  await page.goto(shop, { waitUntil: 'commit' });
  const frame = page.frameLocator('iframe');
  await frame.getByText('We are here.').waitFor();
  assert.equal(await frame.getByLabel('Your name').isVisible(), false, 'it is known');
  await frame.locator('html[data-theme=dark]').waitFor();
  const box = await page.locator('iframe').boundingBox();
  assert.ok(box.x < 100, `on the left, not at ${box.x}`);
  await frame.getByRole('button', { name: 'Start chat' }).click();
  await frame.locator('.note', { hasText: 'Ann joined' }).waitFor();
});

test('what bots offer can be chosen', async () => {
  const page = await open('/console/widget');
  await page.getByLabel('Your name').fill('Omar');
  await page.getByRole('button', { name: 'Start chat' }).click();
  await page.locator('.note', { hasText: 'Omar joined' }).waitFor();
  const bob = await signIn('agent', '/console/desk');
  await accept(bob, 'Omar');
  await bob.locator('.thread[data-state=open]').waitFor();
  // an agent's desk may send these through the API: here, with the agent's own token
  const offer = { templateType: 'ListPicker', version: '1.0', data: { replyMessage: { title: 'Thanks' }, content: { title: 'Which colour?', elements: [{ title: 'Red', subtitle: '<b>9 EUR</b>' }, { title: 'Blue' }] } } };
  const sent = await bob.evaluate(async (content) => {
    const board = await (await fetch('/console/api/board')).json();
    const id = board.Contacts[0].ContactId;
    const place = await (await fetch(`/console/api/contacts/${id}/accept`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' })).json();
    const ask = (path, token, body) => fetch(`/participant/${path}`, { method: 'POST', headers: { 'X-Amz-Bearer': token, 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
    const connection = await (await ask('connection', place.ParticipantToken, { Type: ['CONNECTION_CREDENTIALS'] })).json();
    return (await ask('message', connection.ConnectionCredentials.ConnectionToken, { ContentType: 'application/vnd.amazonaws.connect.message.interactive', Content: content })).status;
  }, JSON.stringify(offer));
  assert.equal(sent, 200);
  await page.getByText('Which colour?').waitFor();
  await page.getByText('<b>9 EUR</b>').waitFor(); // as text
  await page.getByRole('button', { name: 'Red' }).click();
  await sees(bob, 'Red');
  assert.ok(await page.getByRole('button', { name: 'Blue' }).isDisabled(), 'one can choose once');
});
