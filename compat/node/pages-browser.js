// Pages of a headless Chromium. They are served from another origin than the API, so
// that every call crosses origins.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const scripts = {
  '/amazon-connect-chat.js': createRequire(import.meta.url).resolve('amazon-connect-chatjs'),
  '/session.js': new URL('./session.js', import.meta.url),
};
const html = '<!doctype html><meta charset="utf-8"><title>Chat</title>' +
  Object.keys(scripts).map((src) => `<script src="${src}"></script>`).join('');

const site = createServer(async (request, response) => {
  const script = scripts[request.url];
  response.setHeader('Content-Type', script ? 'text/javascript' : 'text/html');
  response.end(script ? await readFile(script) : html);
});
await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve));
const origin = `http://127.0.0.1:${site.address().port}/`;

// The test has patience, and no more than this.
const timeout = 180_000;

const browser = await chromium.launch({
  executablePath: process.env.PARLEY_TEST_CHROMIUM, timeout,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

// openPage opens a page; report takes what the session's callbacks say.
export async function openPage(report) {
  const context = await browser.newContext();
  context.setDefaultTimeout(timeout);
  const page = await context.newPage();
  page.on('pageerror', (error) => report({ event: 'pageerror', message: error.message }));
  await page.exposeFunction('report', report);
  await page.goto(origin);
  return {
    play: (verb, input) => page.evaluate(([v, i]) => globalThis.play(v, i), [verb, input]),
    close: () => context.close(),
  };
}

export async function closeBrowser() {
  await browser.close();
  site.close();
}
