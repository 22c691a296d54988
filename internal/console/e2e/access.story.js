// No page has a serious finding of axe-core, light or dark, wide or narrow.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { accept, customer, go, lightAndDark, open, PNG, say, sees, signIn, test } from './browser.js';

const source = await readFile(createRequire(new URL('../../../compat/node/', import.meta.url)).resolve('axe-core'), 'utf8');

const found = [];

// check looks at a page in light, and at what depends on colours in dark.
async function check(page, what) {
  // the policy lets no script of others in, so it is run as the browser's own
  const client = await page.context().newCDPSession(page);
  await client.send('Runtime.evaluate', { expression: source });
  await lightAndDark(page, async (scheme) => {
    const rules = scheme === 'dark' ? { runOnly: ['color-contrast'] } : {};
    const { violations } = await page.evaluate((r) => globalThis.axe.run(document, { resultTypes: ['violations'], ...r }), rules);
    for (const v of violations) {
      if (!['serious', 'critical'].includes(v.impact)) continue;
      found.push(`${what}, ${scheme}: ${v.id} (${v.impact}): ${v.help}\n${v.nodes.map((n) => `    ${n.html}\n    ${n.failureSummary.replaceAll('\n', '\n    ')}`).join('\n')}`);
    }
  });
}

test('all pages', async () => {
  const jane = await customer('Jane');
  await check(jane, 'widget');
  await say(jane, 'See **this**: https://example.com and `that`');
  await jane.locator('input[type=file]').setInputFiles(PNG);
  await customer('Omar');
  const form = await open('/console/desk');
  await form.getByLabel('User').waitFor();
  await check(form, 'sign in');
  const bob = await signIn('agent', '/console/desk');
  await bob.locator('.card').first().waitFor();
  await check(bob, 'empty desk');
  await accept(bob, 'Jane');
  await say(bob, 'Hello\n- one\n- two');
  await sees(jane, 'two');
  await bob.locator('.attachment img').waitFor();
  await bob.getByRole('button', { name: 'About this chat' }).click();
  await bob.locator('.side').waitFor();
  await check(bob, 'desk');
  await bob.getByRole('button', { name: 'Transfer' }).click();
  await bob.getByRole('dialog').waitFor();
  await check(bob, 'dialog');
  await bob.keyboard.press('Escape');
  await check(jane, 'widget in a chat');
  const max = await signIn('supervisor', '/console/supervisor');
  await max.getByRole('button', { name: 'Watch the chat with Jane' }).click();
  await sees(max, 'two');
  await max.getByRole('button', { name: 'Barge in' }).click();
  await max.locator('.mode.loud').waitFor();
  await check(max, 'supervisor');
  for (const [page, wait] of [['now', '.chart'], ['transcripts', '.card'], ['try', '.wire']]) {
    await go(max, `/console/${page}`);
    await max.locator(wait).first().waitFor();
    if (page === 'transcripts') {
      await max.locator('.card .pick').last().click();
      await max.locator('.line').first().waitFor();
    }
    await check(max, page);
  }
  const phone = await signIn('agent2', '/console/desk', { viewport: { width: 360, height: 640 } });
  await phone.locator('.card').first().waitFor();
  await check(phone, 'desk on a phone');
  await jane.getByRole('button', { name: 'End chat' }).click();
  await jane.getByRole('button', { name: 'Start a new chat' }).waitFor();
  await check(jane, 'widget after a chat');
  if (found.length) throw new Error(found.join('\n'));
});
