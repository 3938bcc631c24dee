/** A server that has lost messages which it had stored: its store is an older copy, or damaged. */
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  consumeEach,
  createPublisher,
  deleteMessage,
  type FollowOptions,
  followStream,
  provision,
  readLast,
} from '../src/index.js';
import { gate, logger, range, startBus, text, topology, until } from './bus.js';

let bus: Awaited<ReturnType<typeof startBus>>;
let abort: AbortController;
const stopping: (() => unknown)[] = [];
beforeEach(async () => {
  bus = await startBus();
  abort = new AbortController();
  await provision(bus.connection, topology);
});
afterEach(async () => {
  abort.abort();
  for (const stop of stopping.splice(0)) await stop();
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

test('a damaged message is passed over, and all others are read', async () => {
  await publish(200, 'old');
  const { seen } = follow();
  await until(() => expect(seen).toHaveLength(200));
  await bus.stopServer();
  await damageBefore('EVENTS', 'old100 ', -10);
  await bus.restart();
  await publish(250, 'new');
  const newOnes = range(250).map((index) => `new${index}`);
  await until(() => expect(seen.slice(200)).toEqual(newOnes));
  const again = follow();
  await until(() => expect(again.seen).toHaveLength(449));
  expect(again.seen).not.toContain('old100');
});

test('reading ends where damage before a message makes the server give up all that is behind it', async () => {
  await publish(200, 'old');
  const { seen, end } = follow();
  await until(() => expect(seen).toHaveLength(200));
  await bus.stopServer();
  await damageBefore('EVENTS', 'old100 ', 60);
  await bus.restart();
  expect(await end).toBe('rewound');
});

const workOn = (texts: string[], hold?: Promise<void>) => {
  const consumption = consumeEach(bus.connection, {
    stream: 'TASKS',
    durable: 'worker',
    maxInFlight: 50,
    logger,
    handler: async (delivery) => {
      texts.push(text(delivery.data));
      await hold;
      delivery.ack();
    },
  });
  stopping.push(() => consumption.stop({ graceMs: 0 }));
};

const give = (tag: string, count: number) =>
  bus.publisher.publishAll(
    range(count).map((index) => ({
      subject: 'task.step.a',
      id: `${tag}${index}`,
      data: `${tag}${index}`,
    })),
  );

test('the answer to a delivery removes nothing that a server which has lost it has put in its place', async () => {
  await keep();
  const { opened, open } = gate();
  const begun: string[] = [];
  workOn(begun, opened);
  await give('lost', 20);
  await until(() => expect(begun).toHaveLength(20));
  await goBack();
  await give('new', 20);
  open();
  await until(() =>
    expect(begun.filter((each) => each.startsWith('new')).sort()).toEqual(
      range(20)
        .map((index) => `new${index}`)
        .sort(),
    ),
  );
});

describe.each(['number', 'subject'] as const)('a publisher that sees by %s', (sight) => {
  const publisher = () => {
    const made = createPublisher(bus.connection, { sight });
    stopping.push(() => made.close());
    return made;
  };
  const message = { subject: 'task.step.a', id: 'mine', data: '{"a":1}' };

  test('sends once more what the server calls a duplicate and does not have', async () => {
    const { sequence = 0 } = await publisher().publish(message);
    await deleteMessage(bus.connection, 'TASKS', sequence);
    const begun: string[] = [];
    workOn(begun);
    expect(await publisher().publish(message)).toMatchObject({ isDuplicate: false });
    await until(() => expect(begun).toEqual([message.data]));
  });

  test('believes what the server has', async () => {
    const { sequence = 0 } = await publisher().publish(message);
    expect(await publisher().publish(message)).toEqual({ stream: 'TASKS', sequence, isDuplicate: true });
  });

  test('sends under another id what somebody else has taken the id of', async () => {
    await publisher().publish({ ...message, subject: 'task.step.b' });
    await publisher().publish({ ...message, id: 'other', data: '{"a":2}' });
    const again = await publisher().publish({ ...message, id: 'mine' });
    expect(again.isDuplicate).toBe(false);
    const stored = await readLast(bus.connection, 'TASKS', message.subject);
    expect(text(stored?.data ?? new Uint8Array())).toBe(message.data);
  });
});
