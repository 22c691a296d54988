// What the stories have in common: people in a browser, and patience.
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import nodeTest, { after } from 'node:test';

const { chromium } = createRequire(new URL('../../../compat/node/', import.meta.url))('playwright-core');

// The server, as browsers reach it, and past the network that can fail.
export const url = process.env.PARLEY_TEST_URL;
export const direct = process.env.PARLEY_TEST_DIRECT;
const pictures = process.env.PARLEY_TEST_PICTURES;
const failures = process.env.PARLEY_TEST_FAILURES;

// Nothing is expected to take so long, on a machine that has much else to do.
const PATIENCE = 120_000;

const browser = await chromium.connect(process.env.PARLEY_TEST_BROWSER, { timeout: PATIENCE });
after(() => browser.close()); // the connection: the browser is everybody's

let problems = []; // what went wrong in the pages of a test
let log = []; // what helps to understand a failure

// test tells a story on a server without any chats. If it fails, what its pages looked
// like, their traces (npx playwright show-trace) and their log are kept.
export function test(name, tell) {
  nodeTest(name, async () => {
    problems = [];
    log = [];
    try {
      await tell();
      if (problems.length) throw new Error(`the pages have problems:\n${problems.join('\n')}`);
    } catch (error) {
      await witness(name.replace(/\W+/g, '-')).catch((e) => console.log(`nothing could be kept: ${e}`));
      throw error;
    } finally {
      await Promise.all(browser.contexts().map((context) => context.close()));
      await endAll();
    }
  });
}

// witness keeps what there is to see.
async function witness(name) {
  await mkdir(failures, { recursive: true });
  await writeFile(`${failures}/${name}.log`, log.join('\n'));
  for (const [c, context] of browser.contexts().entries()) {
    for (const [p, page] of context.pages().entries()) {
      await page.screenshot({ path: `${failures}/${name}-${c}-${p}.png`, timeout: 10_000 }).catch(() => {});
    }
    await context.tracing.stop({ path: `${failures}/${name}-${c}.zip` }).catch(() => {});
  }
  console.log(`kept in ${failures}: ${name}`);
}

let cookie; // of a supervisor

// endAll ends what a story has left.
async function endAll() {
  const api = async (path, input) => {
    const response = await fetch(`${direct}/console/api/${path}`, {
      method: input ? 'POST' : 'GET', headers: { 'Content-Type': 'application/json', Cookie: cookie ?? '' }, body: input && JSON.stringify(input),
    });
    if (!response.ok && response.status !== 409) throw new Error(`${path}: ${response.status}`);
    cookie ??= response.headers.get('Set-Cookie').split(';')[0];
    return response.json();
  };
  if (!cookie) await api('sign-in', { User: 'supervisor', Password: 'supervisor' });
  const { Contacts } = await api('board');
  await Promise.all(Contacts.map((c) => api(`contacts/${c.ContactId}/end`, {})));
}

// open opens a page of its own browser, as another person's. What goes wrong in it, the
// content-security policy included, fails the story.
export async function open(path, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ...options });
  context.setDefaultTimeout(PATIENCE);
  await context.tracing.start({ title: path });
  context.on('page', watch);
  const page = await context.newPage();
  if (path) await go(page, path);
  return page;
}

// go goes to one of the server's pages; what is on it is waited for by whoever wants it.
export const go = (page, path) => page.goto(url + path, { waitUntil: 'commit' });

// another opens one more window of the same person's browser.
export async function another(page, path) {
  const next = await page.context().newPage();
  await go(next, path);
  return next;
}

// told waits for what somebody's console is told, and gives it. If it is a complaint, it is
// wanted.
export async function told(page, pattern) {
  const text = (await page.waitForEvent('console', (message) => pattern.test(message.text()))).text();
  problems = problems.filter((problem) => !pattern.test(problem));
  return text;
}

function watch(page) {
  const note = (text) => log.push(`${new Date().toISOString()} ${text}`);
  page.on('pageerror', (error) => problems.push(`${page.url()}: ${error.stack}`));
  page.on('console', (message) => {
    note(`${page.url()}: ${message.text()}`);
    if (/Content Security Policy|violates/i.test(message.text())) problems.push(`${page.url()}: ${message.text()}`);
  });
  page.on('crash', () => problems.push(`${page.url()} crashed`));
  page.on('requestfailed', (request) => note(`failed: ${request.method()} ${request.url()}: ${request.failure()?.errorText}`));
  page.on('response', (response) => note(`${response.status()} ${response.request().method()} ${response.url()}`));
}

// signIn opens a page as one of the users of a server for this machine.
export async function signIn(user, path, options) {
  const page = await open(path, options);
  await page.getByRole('button', { name: user, exact: true }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  return page;
}

// customer starts a chat in the widget's page.
export async function customer(name, options) {
  const page = await open('/console/widget', { viewport: { width: 400, height: 640 }, ...options });
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Start chat' }).click();
  await page.locator('.note', { hasText: `${name} joined` }).waitFor();
  return page;
}

// accept takes a chat, and is done when it is the one that is talked in.
export async function accept(page, name) {
  await page.getByRole('button', { name: `Accept the chat with ${name}` }).click();
  await page.locator('.desk .bar h2', { hasText: name }).waitFor();
}

// say writes a message and sends it.
export async function say(page, text) {
  await page.locator('.thread:visible textarea').fill(text);
  await page.locator('.thread:visible textarea').press('Enter');
}

// sees waits for a message, somebody else's or one's own.
export const sees = (page, text) => page.locator('.said:not(.pending) .bubble', { hasText: text }).first().waitFor();

// said gives all messages on the page, as they stand there.
export const said = (page) => page.locator('.items:not(.outbox) .said:not(.system) .bubble').allInnerTexts();

// take does what begins a download, and gives the file. A file of another origin is opened
// in a tab of its own, and whose download it then counts as depends on who is faster.
export async function take(page, begin) {
  const [download] = await Promise.all([page.context().waitForEvent('download'), begin()]);
  return { name: download.suggestedFilename(), bytes: Buffer.concat(await (await download.createReadStream()).toArray()) };
}

// until waits until something holds.
export async function until(what, condition) {
  const end = Date.now() + PATIENCE;
  let last;
  for (;;) {
    last = await condition().catch((error) => error);
    if (last === true) return;
    if (Date.now() > end) throw new Error(`${what}: still ${last instanceof Error ? last.stack : JSON.stringify(last)}`);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

// network has the connections of all pages cut, or the network down and up again.
export async function network(what) {
  await fetch(`${process.env.PARLEY_TEST_NETWORK}/${what}`, { method: 'POST' });
}

// still waits until nothing moves but what always does.
export const still = (page) => page.waitForFunction(() => document.getAnimations().every((a) => a.effect.getTiming().iterations === Infinity || a.playState === 'finished'));

// light and dark have done, which changes nothing but the colours, in both.
export async function lightAndDark(page, done) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await still(page);
    await done(colorScheme);
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

// picture keeps what a page looks like, in both.
export const picture = (page, name) => lightAndDark(page, (scheme) =>
  page.screenshot({ path: `${pictures}/${name}${scheme === 'dark' ? '-dark' : ''}.png` }));

// PNG is a small picture, as a file.
export const PNG = {
  name: 'order.png', mimeType: 'image/png',
  buffer: Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFElEQVR4nGNkqGb4z8DAwMDAxAABAA0NAQPgPAKGAAAAAElFTkSuQmCC', 'base64'),
};
