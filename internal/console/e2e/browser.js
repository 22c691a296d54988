// What the stories have in common: a browser, people in it, and patience.
import { createRequire } from 'node:module';
import { after, afterEach } from 'node:test';

const { chromium } = createRequire(new URL('../../../compat/node/', import.meta.url))('playwright-core');

// The server, as browsers reach it, and past the network that can fail.
export const url = process.env.PARLEY_TEST_URL;
export const direct = process.env.PARLEY_TEST_DIRECT;
export const pictures = process.env.PARLEY_TEST_PICTURES;

// Nothing is expected to take so long.
const PATIENCE = 60_000;

export const browser = await chromium.launch({
  executablePath: process.env.PARLEY_TEST_CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'],
});
const problems = [];
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
after(async () => {
  await browser.close();
  if (problems.length) throw new Error(`the pages have problems:\n${problems.join('\n')}`);
});

// open opens a page of its own browser, as another person's. What goes wrong in it, the
// content-security policy included, fails the story.
export async function open(path, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ...options });
  const page = await context.newPage();
  watch(page);
  if (path) await page.goto(url + path);
  return page;
}

export function watch(page) {
  page.setDefaultTimeout(PATIENCE);
  page.on('pageerror', (error) => problems.push(`${page.url()}: ${error.stack}`));
  page.on('console', (message) => {
    if (/Content Security Policy|violates/i.test(message.text())) problems.push(`${page.url()}: ${message.text()}`);
  });
  // what helps to understand a failure; nobody reads it otherwise
  page.on('requestfailed', (request) => console.log(`failed: ${request.method()} ${request.url()}: ${request.failure()?.errorText}`));
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

// picture keeps what a page looks like.
export const picture = (page, name) => page.screenshot({ path: `${pictures}/${name}.png` });

// PNG is a small picture, as a file.
export const PNG = {
  name: 'order.png', mimeType: 'image/png',
  buffer: Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFElEQVR4nGNkqGb4z8DAwMDAxAABAA0NAQPgPAKGAAAAAElFTkSuQmCC', 'base64'),
};
