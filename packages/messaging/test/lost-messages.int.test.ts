/** A server that has lost messages which it had stored: its store is an older copy, or damaged. */
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FollowOptions, followStream, provision } from '../src/index.js';
import { logger, range, startBus, text, topology, until } from './bus.js';

let bus: Awaited<ReturnType<typeof startBus>>;
let abort: AbortController;
beforeEach(async () => {
  bus = await startBus();
  abort = new AbortController();
  await provision(bus.connection, topology);
});
afterEach(async () => {
  abort.abort();
  await bus.stop();
});

const publish = (count: number, tag: string) =>
  bus.publisher.publishAll(
    range(count).map((index) => ({
      subject: `event.${index % 2}`,
      id: `${tag}${index}`,
      data: `${tag}${index} ${'.'.repeat(300)}`,
    })),
  );

function follow(options: Partial<FollowOptions> = {}) {
  const seen: string[] = [];
  const end = followStream(bus.connection, {
    stream: 'EVENTS',
    fromSequence: 1,
    signal: abort.signal,
    maxBatch: 100,
    logger,
    handler: (messages) => {
      seen.push(...messages.map(({ data }) => text(data).split(' ')[0] ?? ''));
    },
    ...options,
  });
  return { seen, end };
}

const kept = () => `${bus.storeDir}-kept`;

/** Goes on with an older copy of the store, made by `keep`. */
const keep = async () => {
  await bus.kill();
  await cp(bus.storeDir, kept(), { recursive: true });
  await bus.restart();
};
const goBack = async () => {
  await bus.kill();
  await rm(bus.storeDir, { recursive: true });
  await cp(kept(), bus.storeDir, { recursive: true });
  await rm(kept(), { recursive: true });
  await bus.restart();
};

/** Changes some bytes so far before this text in the file of a stream's messages. */
const damageBefore = async (stream: string, found: string, distance: number) => {
  const folder = join(bus.storeDir, 'jetstream', '$G', 'streams', stream, 'msgs');
  for (const name of (await readdir(folder)).filter((each) => each.endsWith('.blk'))) {
    const bytes = await readFile(join(folder, name));
    const at = bytes.indexOf(found);
    if (at < 0) continue;
    for (let index = 0; index < 20; index += 1) bytes[at - distance + index] = 0x5a;
    await writeFile(join(folder, name), bytes);
  }
};

test('reading ends where the server has given the numbers of what was read to other messages', async () => {
  await publish(50, 'old');
  await keep();
  await publish(50, 'lost');
  const { seen, end } = follow();
  await until(() => expect(seen).toHaveLength(100));
  await goBack();
  await publish(200, 'new');
  expect(await end).toBe('rewound');
  const again = follow();
  await until(() => expect(again.seen).toHaveLength(250));
});

test('so does the reading of a filter that took nothing of what was lost', async () => {
  await publish(1, 'old');
  await keep();
  await publish(50, 'lost');
  const { seen, end } = follow({ filterSubject: 'event.other' });
  // Passed over, which takes a look at the end of the stream.
  await bus.publisher.publish({ subject: 'event.other', id: 'other', data: 'other' });
  await until(() => expect(seen).toEqual(['other']));
  await publish(50, 'later');
  await goBack();
  await publish(200, 'new');
  expect(await end).toBe('rewound');
});

test('a reader that begins behind what another call has handled is told that it is not there any more', async () => {
  await publish(10, 'one');
  const handled = { sequence: 10, storedAt: 1, subject: 'event.1' };
  expect(await follow({ fromSequence: 11, handled }).end).toBe('rewound');
  const beyond = { ...handled, sequence: 11 };
  expect(await follow({ fromSequence: 12, handled: beyond }).end).toBe('rewound');
});

test.each([
  ['a message', -10, 'aborted'],
  ['what stands before a message, which makes all behind it unreadable', 60, 'rewound'],
] as const)(
  '%s is damaged: a reader gets all that is stored from then on, or is told',
  async (_, distance, expected) => {
    await publish(200, 'old');
    const { seen, end } = follow();
    await until(() => expect(seen).toHaveLength(200));
    await bus.stopServer();
    await damageBefore('EVENTS', 'old100 ', distance);
    await bus.restart();
    await publish(250, 'new');
    const newOnes = range(250).map((index) => `new${index}`);
    if (expected === 'aborted') await until(() => expect(seen.slice(200)).toEqual(newOnes));
    else expect(await end).toBe('rewound');
    const again = follow();
    await until(() => expect(again.seen).toContain('new249'));
    expect(again.seen.filter((each) => each.startsWith('new'))).toEqual(newOnes);
    expect(again.seen).not.toContain('old100');
  },
);
