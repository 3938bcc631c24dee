import { TransientError } from '@signalbox/messaging';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { CommandOutlet } from './command-outlet.js';
import type { OutgoingCommand } from './command-port.js';
import { UnconfirmedCommands } from './unconfirmed-commands.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const cancel = (commandId: string, runId = 'r'): OutgoingCommand => ({
  kind: 'run',
  command: { type: 'cancel', commandId, workspace: 'default', runId, actor: 'user:alice', issuedAt: 1 },
});

const open = () => {
  const sent: string[] = [];
  let isAway = false;
  const outlet: CommandOutlet = {
    publish: async ({ data }) => {
      if (isAway) throw new TransientError('nobody answers');
      sent.push(JSON.parse(data).commandId);
    },
  };
  const defects: unknown[] = [];
  const commands = new UnconfirmedCommands(outlet, (error) => defects.push(error));
  return {
    commands,
    sent,
    defects,
    goAway: () => {
      isAway = true;
    },
    comeBack: () => {
      isAway = false;
      commands.onReconnect();
    },
  };
};

test('what was queued and not confirmed is sent again after a reconnect, in its order, until it is confirmed', async () => {
  const { commands, sent, comeBack } = open();
  for (const id of ['a', 'b', 'c']) await commands.send(cancel(id));
  commands.confirm(['b']);
  comeBack();
  await vi.advanceTimersByTimeAsync(0);
  expect(sent).toEqual(['a', 'b', 'c', 'a', 'c']);
  commands.confirm(['a']);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(sent.slice(5)).toEqual(['c']);
  commands.confirm(['c']);
  await vi.advanceTimersByTimeAsync(120_000);
  expect(sent).toHaveLength(6);
});

test('what follows a command on its run does not overtake it where it may be lost', async () => {
  const { commands, sent } = open();
  await commands.send(cancel('first'));
  await commands.send(cancel('at once'));
  await commands.send(cancel('elsewhere', 'other'));
  await vi.advanceTimersByTimeAsync(1_000);
  commands.confirm(['at once']);
  await commands.send(cancel('later'));
  expect(sent).toEqual(['first', 'at once', 'elsewhere', 'first', 'later']);
});

test('while nothing happens to the connection, nothing is sent twice', async () => {
  const { commands, sent } = open();
  await commands.send(cancel('a'));
  await vi.advanceTimersByTimeAsync(120_000);
  expect(sent).toEqual(['a']);
});

test('what was answered with an error is not sent by itself later', async () => {
  const { commands, sent, goAway, comeBack } = open();
  goAway();
  await expect(commands.send(cancel('a'))).rejects.toThrow(TransientError);
  comeBack();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(sent).toEqual([]);
});

test('a server that does not answer yet is asked again, and what is a minute old is left alone', async () => {
  const { commands, sent, defects, goAway, comeBack } = open();
  await commands.send(cancel('old'));
  await vi.advanceTimersByTimeAsync(59_500);
  await commands.send(cancel('young', 'other'));
  comeBack();
  goAway();
  await vi.advanceTimersByTimeAsync(0);
  expect(sent).toEqual(['old', 'young']);
  comeBack();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(sent.slice(2)).toEqual(['old', 'young', 'young']);
  expect(defects).toEqual([]);
});
