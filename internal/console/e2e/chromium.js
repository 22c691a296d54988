// The browser that all stories share. It prints where it is, and ends with its input.
import { createRequire } from 'node:module';

const { chromium } = createRequire(new URL('../../../compat/node/', import.meta.url))('playwright-core');

const server = await chromium.launchServer({
  executablePath: process.env.PARLEY_TEST_CHROMIUM, host: '127.0.0.1', timeout: 120_000,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'],
});
console.log(server.wsEndpoint());
process.stdin.on('end', () => server.close()).resume();
