// What other people's web sites can't do, and those who don't know a password: at a server
// where widget-origins names one site.
import assert from 'node:assert/strict';
import { open, test, told, url } from './browser.js';
import { html, site } from './site.js';

const script = (attributes) => html(`<script src="${url}/console/widget.js" ${attributes} async></script>`);

async function signIn(page, user, password) {
  await page.getByLabel('User').fill(user);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

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

// Sites on other ports of a host count as the same to its cookies, so that SameSite is not what
// keeps them out.
test('a site that acts for whoever is signed in', async () => {
  const bob = await open('/console/desk');
  await signIn(bob, 'agent', 'agent');
  await bob.getByRole('button', { name: 'Sign out' }).waitFor();
  const evil = await bob.context().newPage();
  await evil.goto(await site({ '/': html('', `<form method="post" enctype="text/plain" action="${url}/console/api/sign-out"><button>Win</button></form>`) }), { waitUntil: 'commit' });
  const [answer] = await Promise.all([post(evil, '/console/api/sign-out'), evil.getByRole('button', { name: 'Win' }).click()]);
  assert.match((await answer.request().allHeaders()).cookie ?? '', /parley-console=/, 'the session goes along');
  assert.equal(answer.status(), 403);
  await evil.getByText("Only the console's own pages may do this").waitFor();
  await bob.reload();
  await bob.getByRole('button', { name: 'Sign out' }).waitFor();
});

test('guessing a password', async () => {
  const page = await open('/console/desk');
  let answer;
  for (let i = 0; i < 30 && answer?.status() !== 429; i++) { // of five, and one more in ten seconds
    [answer] = await Promise.all([post(page, '/console/api/sign-in'), signIn(page, 'agent', `guess ${i}`)]);
  }
  await page.getByRole('alert').getByText('Too many attempts to sign in; try again later').waitFor();
  await signIn(page, 'supervisor', 'supervisor'); // who has guessed nothing
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
});
