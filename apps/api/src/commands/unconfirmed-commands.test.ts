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
    answer: () => {
      isAway = false;
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
  await commands.send(cancel('confirmed'));
  await commands.send(cancel('elsewhere', 'other'));
  commands.confirm(['confirmed']);
  commands.onDisconnect();
  await commands.send(cancel('later'));
  expect(sent).toEqual(['first', 'confirmed', 'elsewhere', 'first', 'later']);
});

test('what follows in the catalog does not overtake either, whatever it is about', async () => {
  const { commands, sent } = open();
  const put = (commandId: string): OutgoingCommand => ({
    kind: 'catalog',
    command: {
      type: 'put_agent',
      commandId,
      workspace: 'default',
      actor: 'user:alice',
      issuedAt: 1,
      name: commandId,
      source: '',
    },
  });
  await commands.send(put('one'));
  commands.onDisconnect();
  await commands.send(put('two'));
  expect(sent).toEqual(['one', 'one', 'two']);
});

test('many commands that wait are sent once each, and once more for each time that they may be lost', async () => {
  const { commands, sent, comeBack } = open();
  const ids = Array.from({ length: 50 }, (_, index) => `c${index}`);
  for (const id of ids) {
    await commands.send(cancel(id));
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(sent).toEqual(ids);
  commands.onDisconnect();
  comeBack();
  for (let count = 0; count < 5; count += 1) await commands.send(cancel(`later-${count}`));
  expect(sent).toHaveLength(2 * ids.length + 5);
});

test('what could not be sent again goes out before the next one all the same', async () => {
  const { commands, sent, goAway, answer } = open();
  await commands.send(cancel('first'));
  commands.onDisconnect();
  goAway();
  await expect(commands.send(cancel('refused'))).rejects.toThrow(TransientError);
  answer();
  await commands.send(cancel('later'));
  expect(sent).toEqual(['first', 'first', 'later']);
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
  goAway();
  commands.onReconnect();
  await vi.advanceTimersByTimeAsync(0);
  expect(sent).toEqual(['old', 'young']);
  comeBack();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(sent.slice(2)).toEqual(['old', 'young', 'young']);
  expect(defects).toEqual([]);
});
