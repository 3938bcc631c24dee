import { describe, expect, test } from 'vitest';
import {
  ContractError,
  claimInTask,
  decodeEvent,
  decodeRunCommand,
  eventSubjects,
  headers,
  parseTaskSubject,
  taskSubjects,
} from '../src/index.js';
import { type WireSample, wireSamples } from './wire-samples.js';

const incomingOf = ({ written }: WireSample, over: { subject?: string; text?: string } = {}) => ({
  subject: written.subject,
  text: written.data,
  version: written.headers[headers.version] as string,
  ...over,
});
const sample = (name: string): WireSample => {
  const found = wireSamples.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no sample ${name}`);
  return found;
};

/** A worker's task and an agent's, and their reports, are the same on the wire: the claim tells them apart. */
const sortOf = ({ name, written: { subject } }: WireSample): string => {
  if (name.includes('-by-')) return 'report';
  // What others may ask of a run, the orchestrator may too; the reverse has a test of its own.
  if (name.startsWith('run-')) return 'run';
  return name.startsWith('task-for-') ? 'task' : subject;
};

describe.each(wireSamples)('$name', (each) => {
  test('is written as it always was', async () => {
    const { data, ...envelope } = each.written;
    const text = `${JSON.stringify({ ...envelope, data: JSON.parse(data) as unknown }, null, 2)}\n`;
    await expect(text).toMatchFileSnapshot(`../golden/${each.name}.json`);
  });

  test('is read as it was meant', () => {
    expect(each.decode(incomingOf(each))).toEqual(each.read);
  });

  test('is refused in another version', () => {
    expect(() => each.decode({ ...incomingOf(each), version: '2' })).toThrow(ContractError);
  });

  test('is refused on the subject of any other kind or workspace', () => {
    const { subject } = each.written;
    const foreign = wireSamples.filter((other) => sortOf(other) !== sortOf(each));
    for (const other of foreign)
      expect(() => each.decode(incomingOf(each, { subject: other.written.subject })), other.name).toThrow(
        ContractError,
      );
    const moved = subject.replace('.acme', '.other');
    expect(() => each.decode(incomingOf(each, { subject: moved }))).toThrow(ContractError);
  });
});

describe('where others ask of a run, the orchestrator’s own is refused:', () => {
  test.each([
    ['a start in the name of a parent', 'run-own-start', {}],
    ['a start below a root run', 'run-start', { root: { runId: 'other', depth: 1 } }],
    ['a start with a limit of its own', 'run-start', { maxFamilyRuns: 1_000_000 }],
    ['a cancel of the system', 'run-cancel', { actor: 'system:orchestrator' }],
    ['a start of the system', 'run-start', { actor: 'system:orchestrator' }],
  ])('%s', (_what, name, over) => {
    const each = sample(name);
    const text = JSON.stringify({ ...(JSON.parse(each.written.data) as object), ...over });
    const { workspace, runId } = each.read as { workspace: string; runId: string };
    const decodeOn = (subject: string) => () => decodeRunCommand(incomingOf(each, { subject, text }));
    expect(decodeOn(taskSubjects.run(workspace, runId))).toThrow(ContractError);
    expect(decodeOn(taskSubjects.ownRun(workspace, runId))).not.toThrow();
  });
});

const impossibleIds = ['', 'victim/x', 'a.b', 'a b', '*', '>', 'ä', 'a\n', 'x'.repeat(129), '../x', 'a%2fb'];

describe.each(impossibleIds)('the id %j', (impossible) => {
  test('is part of no subject', () => {
    expect(() => taskSubjects.run('acme', impossible)).toThrow(ContractError);
    expect(() => taskSubjects.run(impossible, 'r1')).toThrow(ContractError);
    expect(() => taskSubjects.resumeStep('acme', 'r1', impossible)).toThrow(ContractError);
    expect(() => eventSubjects.approval('acme', 'r1', impossible)).toThrow(ContractError);
    expect(() => parseTaskSubject(`wf.task.run.acme.${impossible}`)).toThrow(ContractError);
  });

  test('is refused in a command and in an event', () => {
    const start = sample('run-start');
    const event = sample('event-step');
    for (const [each, decode, subjectOf] of [
      [start, decodeRunCommand, (id: string) => `wf.task.run.acme.${id}`],
      [event, decodeEvent, (id: string) => `wf.event.step.acme.${id}.3f2a9c01d4e5b678`],
    ] as const) {
      const runId = '01979a2e-0000-7000-8000-000000000001';
      const text = each.written.data.replaceAll(runId, JSON.stringify(impossible).slice(1, -1));
      expect(() => decode({ subject: subjectOf(impossible), text })).toThrow(ContractError);
    }
  });
});

describe('an event that contradicts itself is refused:', () => {
  const each = sample('event-run');
  test.each([
    ['another run in its data', '"data":{"runId":"01979a2e', '"data":{"runId":"11979a2e'],
    ['another workspace in its data', '"workspace":"acme"', '"workspace":"other"'],
    ['another run id than its id says', '"runid":"01979a2e', '"runid":"11979a2e'],
    ['no run id', /"runid":"[^"]+",/, ''],
    ['a run id that is only in its subject', '"subject":"runs/01979a2e', '"subject":"runs/01979a2e/x'],
    ['another sequence than its id says', '"sequence":1', '"sequence":2'],
    ['another workspace as its source', '"source":"signalbox/acme"', '"source":"signalbox/other"'],
  ])('%s', (_what, from, to) => {
    const text = each.written.data.replace(from, to);
    expect(text).not.toBe(each.written.data);
    expect(() => decodeEvent(incomingOf(each, { text }))).toThrow(ContractError);
  });
});

test('whose task a payload was is read from its first bytes', () => {
  const { data } = sample('task-for-worker').written;
  expect(claimInTask(data.slice(0, 150))).toEqual({
    runId: '01979a2e-0000-7000-8000-000000000001',
    stepId: '3f2a9c01d4e5b678',
    attempt: 2,
    claim: 'Y2xhaW0',
  });
});
