// What other people's web sites can't do, at a server where widget-origins names one site.
import assert from 'node:assert/strict';
import { open, test, told, url } from './browser.js';
import { html, site } from './site.js';

const script = (attributes) => html(`<script src="${url}/console/widget.js" ${attributes} async></script>`);

const post = (page, path) => page.waitForResponse((response) => response.request().method() === 'POST' && response.url() === url + path);

test('a site that may have the widget, and one that may not', async () => {
  const page = script('data-flow="00000000-0000-4000-8000-000000000002" data-name="Jane"');
  const home = await site({ '/': page, '/mistake': script('data-flow="nowhere" data-name="Omar"') }, { listed: true });
  const shop = await open();
  await shop.goto(home, { waitUntil: 'commit' });
  await shop.getByRole('button', { name: 'Chat with us' }).click();
  await shop.frameLocator('iframe').getByRole('button', { name: 'Start chat' }).click();
  await shop.frameLocator('iframe').locator('.note', { hasText: 'Jane joined' }).waitFor();

  // its mistake is its own to read about
  const why = told(shop, /The chat doesn't begin/);
  await shop.goto(`${home}/mistake`, { waitUntil: 'commit' });
  await shop.getByRole('button', { name: 'Chat with us' }).click();
  await shop.frameLocator('iframe').getByRole('button', { name: 'Start chat' }).click();
  assert.equal(await shop.frameLocator('iframe').getByRole('alert').filter({ hasText: /./ }).innerText(), 'Chat is not available right now.');
  assert.match(await why, /ContactFlowId names no flow of this instance/);

  // somebody else's page gets none, and starts no chat by itself
  const origin = await site({ '/': page });
  const other = await open();
  const refused = told(other, /frame-ancestors/);
  const advice = told(other, /There is no chat/);
  await other.goto(origin, { waitUntil: 'commit' });
  await refused;
  const [answer] = await Promise.all([post(other, '/console/start'), other.evaluate((to) => fetch(to, { method: 'POST', mode: 'no-cors', body: '{}' }), `${url}/console/start`)]);
  assert.equal(answer.status(), 403);
  assert.match(await advice, new RegExp(`Is ${origin} one of the widget-origins of ${url}`));
  await other.getByText('Welcome to the shop.').waitFor();
  assert.equal(await other.getByRole('button').count(), 0, 'nothing is shown that doesn’t work');
});
