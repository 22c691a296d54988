// Pages of plain Node: a worker each, with those things of a browser that ChatJS
// needs.
import { createRequire } from 'node:module';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

// openPage starts a page; report takes what the session's callbacks say.
export async function openPage(report) {
  // ChatJS logs to the console, which must not get into the lines on stdout.
  const worker = new Worker(new URL(import.meta.url), { stdout: true, stderr: true });
  const waiting = [];
  worker.on('message', ({ line, result }) => (line ? report(line) : waiting.shift()(result)));
  worker.on('error', (error) => { throw error; });
  return {
    play: (verb, input) => new Promise((resolve) => {
      waiting.push(resolve);
      worker.postMessage({ verb, input });
    }),
    close: () => worker.terminate(),
  };
}

export async function closeBrowser() {}

async function becomePage() {
  const require = createRequire(import.meta.url);
  const navigator = { userAgent: 'node', onLine: true };
  globalThis.window = globalThis;
  globalThis.self = globalThis;
  globalThis.WebSocket = require('ws');
  globalThis.crypto ??= require('node:crypto').webcrypto; // Node 18 doesn't have it by itself
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true, writable: true });
  globalThis.document = { addEventListener() {}, createElement: () => ({}), head: { appendChild() {} } };
  globalThis.report = (line) => parentPort.postMessage({ line });
  require('amazon-connect-chatjs');
  await import('./session.js');
  parentPort.on('message', async ({ verb, input }) => {
    parentPort.postMessage({ result: await globalThis.play(verb, input) });
  });
}

if (!isMainThread) await becomePage();
