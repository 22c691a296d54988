// Talks to the scenario: requests come in, replies and events go out, one JSON text
// a line; see the Go package compat.
import { createInterface } from 'node:readline';

export function say(line) {
  process.stdout.write(JSON.stringify(line) + '\n');
}

// listen answers each request with what handle(request) resolves to. A rejection
// is {type, message, status}, or an error that describe understands.
export async function listen(handle, describe) {
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    try {
      say({ id: request.id, ok: (await handle(request)) ?? {} });
    } catch (error) {
      say({ id: request.id, error: describe(error) });
    }
  }
}
