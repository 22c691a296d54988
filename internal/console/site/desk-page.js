import { page } from './shell.js';
import { Desk } from './desk.js';

const { main, me } = await page('desk');
new Desk(main, me);
