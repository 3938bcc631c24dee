import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { triage } from './support/workflows.js';
import { openWorld, type World } from './support/world.js';

const runs = '/api/v1/workflow-runs';

let world: World;
let runId: string;
beforeEach(async () => {
  world = openWorld();
  await world.call('PUT', '/api/v1/workflows/triage', triage);
  runId = (await world.call('POST', runs, { workflow: 'triage', input: { service: 'web', urgent: false } }))
    .body.runId;
});
afterEach(() => world.close());

interface Reader {
  readonly response: Response;
  /** Reads until the text holds `end`, or to the stream's end. */
  until(end: string): Promise<string>;
  rest(): Promise<string>;
  leave(): Promise<void>;
}

const follow = async (lastEventId?: number): Promise<Reader> => {
  const headers: Record<string, string> =
    lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) };
  const response = await world.request(`${runs}/${runId}/stream`, { headers });
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  const readUntil = async (isEnough: (text: string) => boolean): Promise<string> => {
    let text = '';
    while (reader !== undefined && !isEnough(text)) {
      const { value, done } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
    }
    return text;
  };
  return {
    response,
    until: (end) => readUntil((text) => text.includes(end)),
    rest: () => readUntil(() => false),
    leave: async () => reader?.cancel(),
  };
};

const idsIn = (text: string): number[] => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);
const finish = (): void => {
  while (world.orchestrator.doSteps(runId) > 0);
};

describe('the stream of a run', () => {
  test('sends every event once, as it happens, and closes after the end of the run', async () => {
    const reader = await follow();
    expect(reader.response.headers.get('content-type')).toContain('text/event-stream');
    const before = await reader.until('event: run.started');
    finish();
    const text = before + (await reader.rest());
    expect(idsIn(text)).toEqual(upTo(world.orchestrator.state(runId).seq));
    expect(text).toMatch(/event: run.completed\ndata: \{"sequence":\d+,"type":"run.completed"/);
  });

  test('goes on behind the event that the client names', async () => {
    finish();
    const last = world.orchestrator.state(runId).seq;
    const text = await (await follow(3)).rest();
    expect(idsIn(text)).toEqual(upTo(last).slice(3));
  });

  test('tells a client that has everything of an ended run to stay away', async () => {
    finish();
    const reader = await follow(world.orchestrator.state(runId).seq);
    expect(reader.response.status).toBe(204);
  });

  test('sends heartbeats while nothing happens', async () => {
    world.close();
    world = openWorld({ heartbeatMs: 1 });
    await world.call('PUT', '/api/v1/workflows/triage', triage);
    runId = (await world.call('POST', runs, { workflow: 'triage', input: { service: 'web', urgent: false } }))
      .body.runId;
    const reader = await follow();
    expect(await reader.until(': heartbeat\n\n: heartbeat')).toContain(': heartbeat');
    await reader.leave();
  });

  test('ends with a comment when the process stops', async () => {
    const reader = await follow();
    await reader.until('event: run.started');
    world.feed.close();
    expect(await reader.rest()).toContain(': the server is stopping');
  });

  test('of a client that has left is followed no more', async () => {
    const reader = await follow();
    await reader.until('event: run.started');
    expect(world.feed.followedCount).toBe(1);
    await reader.leave();
    expect(world.feed.followedCount).toBe(0);
  });

  test('that nobody reads is not open: of a HEAD nobody says when it is over', async () => {
    for (let count = 0; count < 3; count += 1) {
      const { status } = await world.request(`${runs}/${runId}/stream`, { method: 'HEAD' });
      expect(status).toBe(200);
      await world.request(`${runs}/${runId}/stream`);
    }
    expect(world.feed.followedCount).toBe(0);
  });

  test('of a run that there is not is 404, and a last event id must be a number', async () => {
    expect((await world.call('GET', `${runs}/none/stream`)).body.code).toBe('RUN_NOT_FOUND');
    const bad = await world.call('GET', `${runs}/${runId}/stream`, undefined, { 'last-event-id': 'x' });
    expect([bad.status, bad.body.code]).toEqual([400, 'INVALID_REQUEST']);
  });
});
