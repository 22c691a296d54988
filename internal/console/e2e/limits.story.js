// What can't be sent is said in words, and nothing that was written is lost.
import assert from 'node:assert/strict';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accept, customer, said, say, sees, signIn, test, until } from './browser.js';

test('a message that is too long', async () => {
  const jane = await customer('Jane');
  const input = jane.locator('textarea');
  const long = 'ä'.repeat(9000); // of two bytes each
  await say(jane, long);
  await jane.locator('.status', { hasText: 'The message is too long: it has 18000 bytes, and 16384 are the most.' }).waitFor();
  assert.equal(await input.inputValue(), long, 'it can be shortened');
  assert.equal(await jane.locator('.pending').count(), 0);
  await input.press('End');
  await input.press('Backspace');
  await until('the next change takes it away', async () => (await jane.locator('.status').innerText()) === '');
  await say(jane, 'ä'.repeat(8192));
  await sees(jane, 'äää');
  assert.deepEqual(await said(jane), ['ä'.repeat(8192)]);
});

test('files that can’t be sent', async () => {
  const jane = await customer('Jane');
  const file = jane.locator('input[type=file]');
  await file.setInputFiles({ name: 'nothing.txt', mimeType: 'text/plain', buffer: Buffer.alloc(0) });
  await jane.locator('.failed', { hasText: 'Not sent: The file is empty' }).waitFor();
  await file.setInputFiles({ name: 'run.exe', mimeType: 'application/x-msdownload', buffer: Buffer.from('MZ') });
  await jane.locator('.failed', { hasText: 'Files of the type ".exe" can\'t be attached' }).waitFor();
  for (let left = 1; left >= 0; left--) {
    await jane.getByRole('button', { name: 'Discard' }).first().click();
    await until('it is gone', async () => (await jane.locator('.failed').count()) === left);
  }
});

// A file of the disk is dragged over the chat and dropped, as the system does it.
test('a file that is dropped', async () => {
  const jane = await customer('Jane');
  const bob = await signIn('agent', '/console/desk');
  await accept(bob, 'Jane');
  const path = join(await mkdtemp(join(tmpdir(), 'parley-')), 'dropped.txt');
  await writeFile(path, 'dropped');
  const client = await jane.context().newCDPSession(jane);
  const box = await jane.locator('.scroll').boundingBox();
  const drag = (type) => client.send('Input.dispatchDragEvent', {
    type, x: box.x + 100, y: box.y + 100, data: { items: [], files: [path], dragOperationsMask: 1 },
  });
  await drag('dragEnter');
  await until('it is said that it can be dropped', async () => {
    await drag('dragOver');
    return (await jane.locator('.dropping').count()) === 1;
  });
  await until('it is dropped', async () => { // at the end of a drag that the page takes
    for (const type of ['dragEnter', 'dragOver', 'dragOver', 'dragOver', 'drop']) await drag(type);
    return (await jane.locator('.attachment').count()) > 0;
  });
  await bob.locator('.theirs .attachment', { hasText: 'dropped.txt' }).first().waitFor();
  assert.equal(await jane.locator('.dropping').count(), 0);
});

test('sounds', async () => {
  const bob = await signIn('agent', '/console/desk');
  await bob.locator('.none', { hasText: 'Nobody is waiting' }).waitFor();
  const client = await bob.context().newCDPSession(bob);
  let tones = 0;
  client.on('WebAudio.audioNodeCreated', ({ node }) => { if (node.nodeType === 'Oscillator') tones++; });
  await client.send('WebAudio.enable');
  const jane = await customer('Jane');
  await until('somebody who waits is heard', async () => tones === 2);
  await accept(bob, 'Jane');
  await say(jane, 'Hello');
  await sees(bob, 'Hello'); // whoever looks need not hear it
  await customer('Omar');
  await until('the next one is heard', async () => tones === 4);
  await accept(bob, 'Omar');
  await say(jane, 'Are you there?');
  await until('so is what is said in another chat', async () => tones === 6);
  await bob.getByRole('button', { name: 'Sound' }).click();
  await say(jane, 'Or not?');
  await bob.locator('.chat .count', { hasText: '2' }).waitFor();
  assert.equal(tones, 6, 'not any more');
});
