// A participant may have five websockets. Who opens a chat in more windows than that is
// told so, and can go on in the one they are in.
import assert from 'node:assert/strict';
import { accept, another, customer, picture, said, say, sees, signIn, test } from './browser.js';

const use = (page) => page.getByRole('button', { name: 'Use this window' });
const state = (page, name) => page.locator(`.thread[data-state=${name}]`).waitFor();

// fiveDesks are all the windows that an agent may have of the chat with a customer.
async function fiveDesks(name) {
  const desks = [await signIn('agent', '/console/desk')];
  await accept(desks[0], name);
  await state(desks[0], 'open');
  while (desks.length < 5) {
    desks.push(await another(desks[0], '/console/desk'));
    await state(desks.at(-1), 'open');
  }
  return desks;
}

test('a desk in six windows', async () => {
  const jane = await customer('Jane');
  const desks = await fiveDesks('Jane');
  const sixth = await another(desks[0], '/console/desk');
  await state(sixth, 'crowded');
  await sixth.locator('.status', { hasText: 'This chat is open in five windows' }).waitFor();
  assert.ok(await sixth.locator('.thread textarea').isDisabled());
  await picture(sixth, 'desk-crowded');

  // it is taken over
  await use(sixth).click();
  await state(sixth, 'open');
  for (const desk of desks) await state(desk, 'elsewhere');
  await say(jane, 'Which window?');
  await sees(sixth, 'Which window?');
  await say(sixth, 'The sixth');
  await sees(jane, 'The sixth');

  // and taken back, without losing what was said meanwhile
  await use(desks[0]).click();
  await state(desks[0], 'open');
  await state(sixth, 'elsewhere');
  await say(desks[0], 'And the first again');
  await sees(jane, 'And the first again');
  await sees(desks[0], 'And the first again'); // no longer on its way
  assert.deepEqual(await said(desks[0]), ['Which window?', 'The sixth', 'And the first again']);
  await jane.getByRole('button', { name: 'End chat' }).click();
  await desks[0].locator('.status', { hasText: 'This chat is over' }).waitFor();
});

test('a desk in another browser, when one has five windows', async () => {
  const omar = await customer('Omar');
  const desks = await fiveDesks('Omar');
  const elsewhere = await signIn('agent', '/console/desk');
  await state(elsewhere, 'crowded');
  await use(elsewhere).click();
  await state(elsewhere, 'full');
  await elsewhere.locator('.status', { hasText: 'in other browsers too' }).waitFor();
  await desks[4].close(); // as it says
  await state(elsewhere, 'open');
  await say(elsewhere, 'Here I am');
  await sees(omar, 'Here I am');
});

test('a customer in six windows', async () => {
  const pages = [await customer('Lea')];
  while (pages.length < 5) {
    pages.push(await another(pages[0], '/console/widget'));
    await state(pages.at(-1), 'open');
  }
  const sixth = await another(pages[0], '/console/widget');
  await state(sixth, 'crowded');
  await use(sixth).click();
  await state(sixth, 'open');
  await say(sixth, 'Hello');
  await sees(sixth, 'Hello');
});
