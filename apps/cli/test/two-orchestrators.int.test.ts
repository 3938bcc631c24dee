/** One bus has one orchestrator, by whatever way a second one comes to it. */
import { linkSync, rmSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { copyDatabase, readLog } from '@signalbox/testing';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStores, orchestratorScript, type Stores } from './support/stores.js';

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores?.world.stop());

const copyTo = async (folder: string): Promise<{ SIGNALBOX_DATA_DIR: string }> => {
  await mkdir(stores.file(folder));
  await copyDatabase(stores.file(), stores.file(`${folder}/orchestrator.sqlite`));
  return { SIGNALBOX_DATA_DIR: stores.file(folder) };
};

describe('two orchestrators', () => {
  test('with two databases, with a copy, or through a link: the second one ends', async () => {
    const { world, file } = stores;
    await mkdir(file('other'));
    await symlink(file(), file('link.sqlite'));
    const attempts: (readonly [code: number, says: RegExp, env: Record<string, string>])[] = [
      [75, /another orchestrator .*installation [0-9a-f-]{36}\./, { SIGNALBOX_DATA_DIR: file('other') }],
      [75, /another orchestrator/, await copyTo('copied')],
      [75, /another orchestrator/, { SIGNALBOX_DATABASE: file('link.sqlite') }],
    ];
    for (const [index, [code, says, env]] of attempts.entries()) {
      const second = world.spawn(orchestratorScript, `second-${index}`, env);
      expect({ env, ...(await second.exited) }).toEqual({ env, code, signal: null });
      expect(second.lines.join('\n')).toMatch(says);
    }
    linkSync(file(), file('hard.sqlite'));
    const linked = world.spawn(orchestratorScript, 'linked', { SIGNALBOX_DATABASE: file('hard.sqlite') });
    expect((await linked.exited).code).toBe(78);
    expect(linked.lines.join('\n')).toContain('2 names (hard links)');
    rmSync(file('hard.sqlite'));
    await stores.standing(1);
  });

  test('beside one that stands still (SIGSTOP) and is still connected, a second one on a copy ends with 75', async () => {
    const { world } = stores;
    const env = await copyTo('beside-a-stopped-one');
    world.freeze('orchestrator');
    const second = world.spawn(orchestratorScript, 'beside', env);
    expect((await second.exited).code).toBe(75);
    expect(second.lines.join('\n')).toContain('does not answer');
    expect(second.lines.join('\n')).toContain(
      'still waiting for an answer whether another orchestrator is there (3 s)',
    );
    world.resume('orchestrator');
    await stores.standing(1);
  });

  test('of two that start at the same instant, each on its own copy, exactly one stays', async () => {
    const { world } = stores;
    await world.stopOne('orchestrator');
    const environments = [await copyTo('one'), await copyTo('two')];
    const both = environments.map((env, index) => world.spawn(orchestratorScript, `at-once-${index}`, env));
    const codes = both.map(({ exited }) => exited.then(({ code }) => code));
    expect(await Promise.race(codes)).toBe(75);
    await stores.standing(2);
    const ended = await Promise.all(codes.map((code) => Promise.race([code, Promise.resolve('at work')])));
    expect(ended.sort()).toEqual([75, 'at work']);
    for (const process of both) process.kill('SIGTERM');
    await Promise.all(codes);
  });

  test('one that stood still while another took over on a copy ends, and publishes nothing any more', async () => {
    const { world } = stores;
    await world.start('orchestrator');
    const standing = await stores.standing(3);
    const env = await copyTo('taken-over');
    const young = await stores.startRuns(10);
    world.freeze('orchestrator');
    await world.killNats();
    await world.restartNats();
    await world.start('orchestrator', 'successor', env);
    await stores.finish(standing);
    world.resume('orchestrator');
    expect((await world.processOf('orchestrator').exited).code).toBe(75);
    expect(world.logsOf('orchestrator')).toContain('has taken over');
    await stores.allBecome(young, 'WAITING_SIGNAL');
    await stores.finish(young);
    for (const [runId, events] of await readLog(world.natsUrl)) {
      const bySequence = new Map<number, string>();
      for (const event of events) {
        const text = JSON.stringify(event);
        expect({ runId, text: bySequence.get(event.sequence) ?? text }).toEqual({ runId, text });
        bySequence.set(event.sequence, text);
      }
    }
    await world.stopOne('successor');
  });

  test('a database of another installation is refused with 78, though nobody else is at work', async () => {
    const { world } = stores;
    const env = await copyTo('stranger');
    const database = new Database(stores.file('stranger/orchestrator.sqlite'));
    database.exec("UPDATE settings SET value = 'another-one' WHERE name = 'installation-id'");
    database.close();
    const stranger = world.spawn(orchestratorScript, 'stranger', env);
    expect((await stranger.exited).code).toBe(78);
    expect(stranger.lines.join('\n')).toMatch(
      /WORKFLOW_EVENTS belongs to installation .* the database .* to installation another-one/,
    );
  });
});
