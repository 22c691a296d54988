// Plays a scenario's participants with amazon-connect-chatjs. Each has a page of
// their own, because ChatJS keeps one socket a contact and one typing throttle a page.
// "chatjs.js node" has workers of plain Node for pages, "chatjs.js browser" those of
// a headless Chromium.
import * as participant from '@aws-sdk/client-connectparticipant';
import { desk, describe, isDesk } from './desk.js';
import { listen, say } from './lines.js';

const { openPage, closeBrowser } = await import(`./pages-${process.argv[2]}.js`);
const settings = {
  endpoint: process.env.AWS_ENDPOINT_URL_CONNECTPARTICIPANT,
  region: process.env.AWS_REGION,
};
const pages = new Map(); // who: {play, close}

// open opens a page that says nothing any more once it is being closed.
async function open(who) {
  let closing = false;
  const page = await openPage((line) => closing || say({ ...line, who }));
  return { play: page.play, close: () => { closing = true; return page.close(); } };
}

async function play(who, verb, input) {
  const { ok, error } = await pages.get(who).play(verb, input);
  if (error) throw error;
  return ok;
}

// What ChatJS can't do, somebody else does: an agent's desk, say.
const elsewhere = new participant.ConnectParticipantClient({});

await listen(async ({ do: verb, who, in: input = {} }) => {
  if (isDesk(verb)) return desk(verb, input);
  if (verb === 'CreateParticipantConnection' || input.ConnectionToken) {
    const { $metadata, ...output } = await elsewhere.send(new participant[`${verb}Command`](input));
    return output;
  }
  if (verb === 'forget') {
    await Promise.all([...pages.values()].map((page) => page.close()));
    pages.clear();
    return {};
  }
  if (verb === 'connect') { // in a fresh page, as after a reload
    await pages.get(who)?.close();
    pages.set(who, await open(who));
    return play(who, verb, { ...settings, ...input });
  }
  return play(who, verb, input);
}, describe);
await closeBrowser();
process.exit(0);
