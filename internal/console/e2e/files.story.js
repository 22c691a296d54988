// Files of a chat that is over: nobody has a token any more, and still they are to be had
// by those who may read what was said.
import assert from 'node:assert/strict';
import { accept, customer, go, PNG, say, sees, signIn, take, test, until } from './browser.js';

// file downloads one by its name.
const file = (page, name) => take(page, () => page.getByRole('button', { name }).click());

const BILL = { name: 'bill ü.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.4 no more than this') };

test('files of a chat that is over', async () => {
  const jane = await customer('Jane');
  const bob = await signIn('agent', '/console/desk');
  await accept(bob, 'Jane');
  await jane.locator('input[type=file]').setInputFiles(PNG);
  await bob.locator('.theirs .attachment img').waitFor();
  await bob.locator('input[type=file]').setInputFiles(BILL);
  await jane.locator('.theirs .attachment', { hasText: BILL.name }).waitFor();
  await jane.getByRole('button', { name: 'End chat' }).click();
  await bob.locator('.status', { hasText: 'This chat is over' }).waitFor();

  // on the desk that still shows it
  assert.deepEqual(await file(bob, BILL.name), { name: BILL.name, bytes: BILL.buffer });

  // in the transcript
  const max = await signIn('supervisor', '/console/transcripts');
  await max.locator('.card .pick', { hasText: 'Jane' }).click();
  await max.locator('.line .attachment img').waitFor();
  assert.equal(await max.locator('.line img').evaluate((i) => i.naturalWidth), 2, 'the picture is shown');
  assert.deepEqual(await file(max, PNG.name), { name: PNG.name, bytes: PNG.buffer });
  assert.deepEqual(await file(max, BILL.name), { name: BILL.name, bytes: BILL.buffer });
  await max.getByLabel('Kind of item').selectOption('files');
  await until('two files are left', async () => (await max.locator('.line:visible').count()) === 2);

  // and by the API: for those who may see the transcript, and nobody else
  const contact = new URL(max.url()).hash.slice(1);
  const id = await max.evaluate(async (of) => {
    const { Transcript } = await (await fetch(`/console/api/contacts/${of}/transcript`)).json();
    return Transcript.find((it) => it.Type === 'ATTACHMENT').Attachments[0].AttachmentId;
  }, contact);
  const ask = (page) => page.evaluate(async (path) => (await fetch(path)).status, `/console/api/contacts/${contact}/attachments/${id}`);
  assert.equal(await ask(max), 200);
  assert.equal(await ask(bob), 200);
  const sue = await signIn('agent2', '/console/desk');
  assert.equal(await ask(sue), 404);
  await go(sue, `/console/transcripts#${contact}`);
  await sue.locator('.toasts', { hasText: 'not yours to see' }).waitFor();
});

// A picture is fetched when somebody comes to it: a transcript may have many.
test('pictures that nobody has come to', async () => {
  const jane = await customer('Jane');
  for (let i = 0; i < 3; i++) await say(jane, Array.from({ length: 20 }, (_, n) => `line ${n} of ${i}`).join('\n'));
  await sees(jane, 'of 2');
  await jane.locator('input[type=file]').setInputFiles(PNG);
  await jane.locator('.mine .attachment img').waitFor();
  await jane.getByRole('button', { name: 'End chat' }).click();
  await jane.getByRole('button', { name: 'Start a new chat' }).waitFor();

  const max = await signIn('supervisor', '/console/transcripts', { viewport: { width: 1000, height: 500 } });
  let asked = 0; // for the URL of a file
  max.on('request', (request) => { if (/\/console\/api\/.*\/attachments\//.test(request.url())) asked++; });
  await max.locator('.card .pick', { hasText: 'Jane' }).first().click();
  await max.locator('.line').first().waitFor();
  await max.locator('.line', { hasText: 'line 0 of 0' }).click(); // whoever gets it has been painted
  assert.equal(asked, 0);
  await max.locator('.line .attachment').scrollIntoViewIfNeeded();
  await max.locator('.line .attachment img').waitFor();
  assert.equal(asked, 1);
});
