// A web site of somebody else's, with a content-security policy of its own.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after } from 'node:test';
import { url } from './browser.js';

const chatjs = createRequire(new URL('../../../compat/node/', import.meta.url)).resolve('amazon-connect-chatjs');

// site serves pages by their paths, and gives its origin. /chatjs.js is AWS's ChatJS,
// /style.css what is given as style. Where widget-origins count, there is one such site, whose
// socket is inherited.
export async function site(pages, { style = '', listed = false } = {}) {
  const policy = `default-src 'none'; script-src 'self' ${url}; frame-src ${url}; style-src 'self'; connect-src ${url} ws${url.slice(4)}`;
  const server = createServer(async (request, response) => {
    response.setHeader('Content-Security-Policy', policy);
    const type = request.url.endsWith('.js') ? 'text/javascript' : request.url.endsWith('.css') ? 'text/css' : 'text/html';
    response.setHeader('Content-Type', `${type}; charset=utf-8`);
    if (request.url === '/chatjs.js') response.end(await readFile(chatjs));
    else if (request.url === '/style.css') response.end(style);
    else response.end(pages[request.url] ?? '');
  });
  await new Promise((resolve) => { server.listen(listed ? { fd: 3 } : { port: 0, host: '127.0.0.1' }, resolve); });
  after(() => server.close());
  return `http://127.0.0.1:${server.address().port}`;
}

export const html = (head, body = '') => `<!doctype html><html lang="en"><meta charset="utf-8"><title>Shop</title>${head}<body>${body}<p>Welcome to the shop.</p></body></html>`;
